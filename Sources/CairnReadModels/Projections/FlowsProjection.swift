import CairnBytes
import CairnFlowLogs
import CairnLedger
import CairnModel

/// Flow counters of all imported files together.
///
/// Each file brings sums, connection attempts whose answer it does not hold, and answers whose attempt it does not
/// hold. Here they meet: an attempt is unanswered while no answer of any file fits it. Answers are kept and nothing is
/// used up by a match, so the tables depend on the set of files and not on their order.
final class FlowsProjection: Projection {
    static let name = "flows"
    static let version = 4

    static let tables = [
        Table(
            "flow_files", "one flow-log file",
            [
                Table.Column.text("file", "its path as it was given"),
                Table.Column.text("sha256", "digest of its bytes, in hexadecimal"),
                Table.Column.integer("bytes", "its size"),
                Table.Column.text("cluster", "cluster it was imported for"),
                Table.Column.integer("records", "lines read as records"),
                Table.Column.integer("accepted_records", "of them with action ACCEPT"),
                Table.Column.integer("rejected_records", "of them with action REJECT"),
                Table.Column.integer("no_data", "windows in which an interface had no traffic"),
                Table.Column.integer("skip_data", "windows in which records were lost"),
                Table.Column.time("first", "earliest start of a record"),
                Table.Column.time("last", "latest end of a record"),
                Table.Column.content,
                Table.Column.origin,
            ], indexes: ["cluster, first_us", "sha256"]),
        Table(
            "flow_places", "one place at which flows were logged",
            [
                Table.Column.integer("place", "number of the place in this file", "PRIMARY KEY"),
                Table.Column.text("cluster", "cluster, or unassigned", "NOT NULL"),
                Table.Column.text("interface", "network interface, empty if unknown", "NOT NULL"),
                Table.Column.text("subnet", "subnet, empty if unknown", "NOT NULL"),
                Table.Column.text("zone", "availability zone, empty if unknown", "NOT NULL"),
                Table.Column.text("instance", "instance, empty if unknown", "NOT NULL"),
                Table.Column.text("account", "account, empty if unknown", "NOT NULL"),
                Table.Column.text("vpc", "VPC, empty if unknown", "NOT NULL"),
                Table.Column.integer("first_s", "earliest start of a record there, seconds since 1970"),
                Table.Column.integer("last_s", "latest end of a record there, seconds since 1970"),
            ], constraints: ["UNIQUE (cluster, interface, subnet, zone, instance, account, vpc)"]),
        Table(
            "flow_watermarks", "how far the flow logs of one cluster have been seen",
            [
                Table.Column.text("cluster", "cluster, or unassigned", "PRIMARY KEY"),
                Table.Column.integer("interfaces", "interfaces that still report", "NOT NULL"),
                Table.Column.integer("latest_s", "latest end of a record, seconds since 1970", "NOT NULL"),
                Table.Column.integer(
                    "watermark_s", "up to here every interface that still reports has been seen", "NOT NULL"),
                Table.Column.integer(
                    "open_minute", "minutes since 1970: the first one that a late file may still change", "NOT NULL"),
            ],
            // So the rows are in the order of the clusters, whichever file told of which first.
            isWithoutRowID: true),
        Table(
            "flow_peers", "one address, or block of clients, that flows went to or came from",
            [
                Table.Column.integer("number", "number of the peer in this file", "PRIMARY KEY"),
                Table.Column.text("peer", "address or block", "NOT NULL UNIQUE"),
            ]),
        Table(
            "flow_services", "one kind of traffic",
            [
                Table.Column.integer("number", "number of the service in this file", "PRIMARY KEY"),
                Table.Column.integer("peer_port", "port of the serving side", "NOT NULL"),
                Table.Column.integer("protocol", "IANA number", "NOT NULL"),
                Table.Column.integer("direction", "0 ingress, 1 egress", "NOT NULL"),
                Table.Column.integer("role", "of the peer: 0 server, 1 client", "NOT NULL"),
                Table.Column.text("reject_reason", "BPA, EC or empty", "NOT NULL"),
            ], constraints: ["UNIQUE (peer_port, protocol, direction, role, reject_reason)"]),
        Table(
            "flow_counts",
            "the counters of one minute at up to 64 places, as texts of digits; `flow_counters` shows them one by one",
            [
                Table.Column.text("cluster", "cluster, or unassigned", "NOT NULL"),
                Table.Column.integer("minute", "minutes since 1970", "NOT NULL"),
                Table.Column.integer("block", "number of the place divided by 64", "NOT NULL"),
                Table.Column.integer("counters", "how many there are", "NOT NULL"),
                FlowLayout.names.flatMap { name in
                    Table.Column.integer("\(name)_at", "where `\(name)` begins in each text, from 1", "NOT NULL")
                        + Table.Column.integer("\(name)_digits", "digits of `\(name)`; none if all are 0", "NOT NULL")
                },
                Table.Column.text("digits", "JSON array of texts, one for each counter", "NOT NULL"),
            ], constraints: ["PRIMARY KEY (cluster, minute, block)"]),
        Table(
            "flow_residues", "connection attempts that no file has an answer for",
            [
                Table.Column.integer("connection", "hash of both ends", "NOT NULL"),
                Table.Column.integer("start_s", "start of its window, seconds since 1970", "NOT NULL"),
                Table.Column.integer("end_s", "end of its window", "NOT NULL"),
                Table.Column.integer("minute", "of the counter it adds to", "NOT NULL"),
                Table.Column.integer("place", "of that counter: see flow_places", "NOT NULL"),
                Table.Column.integer("peer", "of that counter: see flow_peers", "NOT NULL"),
                Table.Column.integer("service", "of that counter: see flow_services", "NOT NULL"),
                Table.Column.integer("attempts", "how many there are of it", "NOT NULL"),
            ], constraints: ["PRIMARY KEY (connection, start_s, end_s, minute, place, peer, service)"],
            isWithoutRowID: true),
        Table(
            "flow_answers", "traffic back to whoever opened a connection, whose opening its own file does not have",
            [
                Table.Column.integer("connection", "hash of both ends", "NOT NULL"),
                Table.Column.integer("start_s", "start of its window, seconds since 1970", "NOT NULL"),
                Table.Column.integer("end_s", "end of its window", "NOT NULL"),
            ], constraints: ["PRIMARY KEY (connection, start_s, end_s)"], isWithoutRowID: true),
        Table(
            "flow_gaps", "one window without records",
            [
                Table.Column.integer("place", "see flow_places", "NOT NULL"),
                Table.Column.text("status", "NODATA (no traffic) or SKIPDATA (records lost)", "NOT NULL"),
                Table.Column.integer("start_s", "start of the window, seconds since 1970", "NOT NULL"),
                Table.Column.integer("end_s", "end of the window", "NOT NULL"),
            ], constraints: ["PRIMARY KEY (place, start_s, end_s, status)"], isWithoutRowID: true),
    ]

    static let counts: [(name: String, meaning: String)] = [
        ("flows", "records"), ("rejects", "records with action REJECT"),
        ("late_rejects", "of these, packets after the close"),
        ("unanswered", "accepted connection attempts that nothing came back for"),
        ("resets", "records with a RST"), ("tcp_flows", "records of TCP"),
        ("syn_only", "accepted records of connection attempts alone"), ("packets", "packets"), ("bytes", "bytes"),
        ("long_packets", "packets of connections long enough to compare both directions"),
    ]

    static let facts: Set<String>? = ["flows.counted", "attachment.dropped"]

    /// The place among `counts` of a column of `FlowCounts[column:]`, which has no `unanswered`.
    @inline(__always)
    static func position(ofColumn column: Int) -> Int { column < unansweredIndex ? column : column + 1 }

    static let unansweredIndex = 3

    private let file: Insertion
    private let gap: Statement
    private let numbers: FlowNumbers
    private let chunks: FlowChunkStore
    private let pairs: FlowPairs
    private var filesAdded = 0

    /// Counters held in memory before they are written: a hundred bytes each.
    private static let rowsHeldMax = 500_000

    init(_ connection: Connection) throws(ReadModelError) {
        file = try Insertion(
            "flow_files",
            [
                "file", "sha256", "bytes", "cluster", "records", "accepted_records", "rejected_records", "no_data",
                "skip_data", "first_us", "last_us", "content",
            ], on: connection)
        gap = try connection.statement("INSERT OR IGNORE INTO flow_gaps VALUES (?, ?, ?, ?)")
        numbers = try FlowNumbers(connection)
        chunks = try FlowChunkStore(connection)
        pairs = try FlowPairs(connection)
    }

    func apply(_ fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent) throws {
        let isFile = fact.name == "flows.counted"
        var state = "none"
        // Coarser counters may stand for those that retention dropped.
        for attachment in fact.event.attachments
        where isFile ? attachment.role == "flow-counters" : attachment.mediaType == FlowFileSummary.mediaType {
            switch try content(attachment) {
            case .gone: state = "gone"
            case .present(let bytes):
                do {
                    let columns = try FlowFileColumns(encoded: bytes)
                    try add(columns)
                    state = "present"
                } catch let error as FlowSummaryError { state = error.description }
            }
        }
        guard isFile else { return }
        try file.add(
            fact,
            [
                fact.text("file"), fact.text("sha256"), fact.integer("bytes"), fact.text("cluster"),
                fact.integer("records"), fact.integer("accepted_records"), fact.integer("rejected_records"),
                fact.integer("no_data"), fact.integer("skip_data"), fact.time("first"), fact.time("last"),
                .text(state),
            ])
    }

    func flush() throws(ReadModelError) {
        try chunks.flush()
        try numbers.flush()
    }

    private func add(_ columns: FlowFileColumns) throws(ReadModelError) {
        var places: [UInt64] = []
        for seen in columns.seen { places.append(try numbers.number(of: seen)) }
        for window in columns.gaps { try add(window) }
        // Answers first: then an attempt of this file meets the answers of this file as it meets those of others.
        for answer in columns.answers {
            for answered in try pairs.add(answer) {
                let chunk = try chunk(ofPlace: answered.key.place, minute: answered.minute)
                chunks.takeUnanswered(answered.attempts, of: answered.key, in: chunk)
            }
        }
        try addRows(columns, places: places)
        filesAdded += 1
        if chunks.rowCount >= FlowsProjection.rowsHeldMax { try chunks.flush() }
    }

    private func add(_ window: FlowGap) throws(ReadModelError) {
        gap.bind(1, Int64(clamping: try numbers.number(of: window.place)))
        gap.bind(2, window.status == .noData ? "NODATA" : "SKIPDATA")
        gap.bind(3, window.start)
        gap.bind(4, window.end)
        _ = try gap.step()
        gap.reset()
    }

    private func chunk(ofPlace place: UInt64, minute: Int64) throws(ReadModelError) -> Int {
        let cluster = chunks.number(ofCluster: try numbers.cluster(ofPlace: place))
        return try chunks.index(
            of: FlowChunk.Key(cluster: cluster, minute: minute, block: FlowsProjection.block(ofPlace: place)))
    }

    private static func block(ofPlace place: UInt64) -> Int64 { Int64(clamping: place) / FlowChunk.blockPlaces }

    private func addRows(_ columns: FlowFileColumns, places: [UInt64]) throws(ReadModelError) {
        var peers: [UInt64] = []
        for peer in columns.peers { peers.append(try numbers.number(of: peer)) }
        var services: [UInt64] = []
        for service in columns.services { services.append(try numbers.number(of: service)) }
        let names = FlowRowNames(places: places, peers: peers, services: services)
        let clusters = columns.seen.map { chunks.number(ofCluster: $0.place.cluster) }
        let blocks = places.map(FlowsProjection.block)
        let asks = columns.asks.sorted { $0.row < $1.row }
        var nextAsk = 0
        var start = 0
        while start < columns.rowCount {
            let place = Int(columns.placeNumbers[start])
            let minute = columns.minutes[start]
            var end = start + 1
            while end < columns.rowCount, columns.minutes[end] == minute {
                let other = Int(columns.placeNumbers[end])
                guard other == place || blocks[other] == blocks[place] && clusters[other] == clusters[place] else {
                    break
                }
                end += 1
            }
            let chunk = try chunks.index(
                of: FlowChunk.Key(cluster: clusters[place], minute: minute, block: blocks[place]))
            chunks.begin(chunk, file: filesAdded)
            try chunks.add(start..<end, of: columns, names: names, to: chunk) { counter, row throws(ReadModelError) in
                while nextAsk < asks.count, asks[nextAsk].row == counter {
                    let key = names.key(ofRow: counter, in: columns)
                    if try pairs.add(asks[nextAsk], minute: minute, key) { chunks.addUnanswered(chunk, row: row) }
                    nextAsk += 1
                }
            }
            start = end
        }
    }
}
