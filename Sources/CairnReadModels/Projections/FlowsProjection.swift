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
    static let version = 1

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
                Table.Column.text("content", "present, gone (retention), or why it cannot be read", "NOT NULL"),
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
            ], constraints: ["UNIQUE (cluster, interface, subnet, zone, instance)"]),
        Table(
            "flow_counts", "sums over one minute, place, direction and peer; `flow_counters` shows them with names",
            [
                Table.Column.integer("place", "see flow_places", "NOT NULL"),
                Table.Column.integer("minute", "minutes since 1970", "NOT NULL"),
                Table.Column.integer("direction", "0 ingress, 1 egress", "NOT NULL"),
                Table.Column.integer("role", "of the peer: 0 server, 1 client", "NOT NULL"),
                Table.Column.text("peer", "address, or block of clients", "NOT NULL"),
                Table.Column.integer("peer_port", "port of the serving side", "NOT NULL"),
                Table.Column.integer("protocol", "IANA number", "NOT NULL"),
                Table.Column.text("reject_reason", "BPA, EC or empty", "NOT NULL"),
                counts.flatMap { Table.Column.integer($0.name, $0.meaning, "NOT NULL") },
            ],
            constraints: [
                "PRIMARY KEY (place, minute, peer, peer_port, direction, role, protocol, reject_reason)"
            ], isWithoutRowID: true),
        Table(
            "flow_residues", "one connection attempt that no file has an answer for",
            [
                Table.Column.integer("connection", "hash of both ends", "NOT NULL"),
                Table.Column.integer("start_s", "start of its window, seconds since 1970", "NOT NULL"),
                Table.Column.integer("end_s", "end of its window", "NOT NULL"),
                Table.Column.integer("place", "the counter it adds to: see flow_counts", "NOT NULL"),
                Table.Column.integer("minute", "of that counter", "NOT NULL"),
                Table.Column.integer("direction", "of that counter", "NOT NULL"),
                Table.Column.integer("role", "of that counter", "NOT NULL"),
                Table.Column.text("peer", "of that counter", "NOT NULL"),
                Table.Column.integer("peer_port", "of that counter", "NOT NULL"),
                Table.Column.integer("protocol", "of that counter", "NOT NULL"),
                Table.Column.text("reject_reason", "of that counter", "NOT NULL"),
            ], lookups: [Table.Lookup(columns: "connection", condition: "")]),
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

    private let connection: Connection
    private let file: Insertion
    private let count: Statement
    private let unanswered: Statement
    private let residue: Statement
    private let answer: Statement
    private let gap: Statement
    /// Numbers of the places seen by this projector.
    private var places: [FlowPlace: Int64] = [:]

    init(_ connection: Connection) throws(ReadModelError) {
        self.connection = connection
        file = try Insertion(
            "flow_files",
            [
                "file", "sha256", "bytes", "cluster", "records", "accepted_records", "rejected_records", "no_data",
                "skip_data", "first_us", "last_us", "content",
            ], on: connection)
        // Sums saturate, as in memory: a forged count must not become a real number.
        let sums = FlowsProjection.counts.map {
            "\($0.name) = CASE WHEN \($0.name) > 9223372036854775807 - excluded.\($0.name) THEN 9223372036854775807"
                + " ELSE \($0.name) + excluded.\($0.name) END"
        }
        let names = FlowsProjection.counts.map(\.name)
        count = try connection.statement(
            """
            INSERT INTO flow_counts (place, minute, direction, role, peer, peer_port, protocol, reject_reason,
              \(names.joined(separator: ", ")))
            VALUES (?, ?, ?, ?, ?, ?, ?, ?\(names.map { _ in ", ?" }.joined()))
            ON CONFLICT DO UPDATE SET \(sums.joined(separator: ", "))
            """)
        unanswered = try connection.statement(
            """
            UPDATE flow_counts SET unanswered = unanswered + ?9 WHERE place = ?1 AND minute = ?2 AND direction = ?3
              AND role = ?4 AND peer = ?5 AND peer_port = ?6 AND protocol = ?7 AND reject_reason = ?8
            """)
        residue = try connection.statement("INSERT INTO flow_residues VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        answer = try connection.statement("INSERT OR IGNORE INTO flow_answers VALUES (?, ?, ?)")
        gap = try connection.statement("INSERT OR IGNORE INTO flow_gaps VALUES (?, ?, ?, ?)")
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
                    let summary = try FlowFileSummary(encoded: bytes)
                    try add(summary)
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

    private func add(_ summary: FlowFileSummary) throws {
        for counter in summary.counters { try add(counter) }
        for window in summary.gaps {
            gap.bind(1, try number(of: window.place))
            gap.bind(2, window.status == .noData ? "NODATA" : "SKIPDATA")
            gap.bind(3, window.start)
            gap.bind(4, window.end)
            _ = try gap.step()
            gap.reset()
        }
        // Answers first: then an attempt of this file meets the answers of this file as it meets those of others.
        for one in summary.answers { try add(one) }
        for ask in summary.asks { try add(ask) }
    }

    private func add(_ counter: FlowCounter) throws {
        try bindKey(counter.key, to: count, from: 1)
        let counts = counter.counts
        let values = [
            counts.flows, counts.rejects, counts.lateRejects, 0, counts.resets, counts.tcpFlows, counts.synOnly,
            counts.packets, counts.bytes, counts.longPackets,
        ]
        for (index, value) in values.enumerated() { count.bind(Int32(9 + index), Int64(clamping: value)) }
        _ = try count.step()
        count.reset()
    }

    private func bindKey(_ key: FlowCounterKey, to statement: Statement, from first: Int32) throws {
        statement.bind(first, try number(of: key.place))
        statement.bind(first + 1, key.minute)
        statement.bind(first + 2, Int64(key.direction.rawValue))
        statement.bind(first + 3, Int64(key.role.rawValue))
        statement.bind(first + 4, key.peer.description)
        statement.bind(first + 5, Int64(key.peerPort))
        statement.bind(first + 6, Int64(key.protocolNumber))
        statement.bind(first + 7, key.rejectReason)
    }

    private func number(of place: FlowPlace) throws -> Int64 {
        if let number = places[place] { return number }
        let values: [SQLValue] = [
            .text(place.cluster), .text(place.interface), .text(place.subnet), .text(place.zone),
            .text(place.instance),
        ]
        try connection.run(
            """
            INSERT INTO flow_places (cluster, interface, subnet, zone, instance) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO NOTHING
            """, values)
        let row = try connection.first(
            """
            SELECT place FROM flow_places
            WHERE cluster = ? AND interface = ? AND subnet = ? AND zone = ? AND instance = ?
            """, values)
        let number = row?[0].integer ?? 0
        places[place] = number
        return number
    }

    private static let slack = SQLValue.integer(FlowPairing.slackSeconds)

    private func add(_ one: FlowAnswer) throws {
        let hash = Int64(bitPattern: one.connection)
        answer.bind(1, hash)
        answer.bind(2, one.start)
        answer.bind(3, one.end)
        _ = try answer.step()
        answer.reset()
        guard connection.changes > 0 else { return }
        // Attempts of earlier files that wait for just this.
        let waiting = try connection.all(
            """
            SELECT rowid, place, minute, direction, role, peer, peer_port, protocol, reject_reason FROM flow_residues
            WHERE connection = ?1 AND end_s >= ?2 - ?4 AND start_s <= ?3 + ?4
            """, [.integer(hash), .integer(one.start), .integer(one.end), FlowsProjection.slack])
        for row in waiting {
            try connection.run("DELETE FROM flow_residues WHERE rowid = ?", [row[0]])
            try unanswered.run(Array(row[1...]) + [-1])
        }
    }

    private func add(_ ask: FlowAsk) throws {
        let hash = Int64(bitPattern: ask.connection)
        let isAnswered =
            try connection.first(
                """
                SELECT 1 FROM flow_answers WHERE connection = ?1 AND start_s <= ?3 + ?4 AND end_s >= ?2 - ?4 LIMIT 1
                """, [.integer(hash), .integer(ask.start), .integer(ask.end), FlowsProjection.slack]) != nil
        guard !isAnswered else { return }
        residue.bind(1, hash)
        residue.bind(2, ask.start)
        residue.bind(3, ask.end)
        try bindKey(ask.key, to: residue, from: 4)
        _ = try residue.step()
        residue.reset()
        try bindKey(ask.key, to: unanswered, from: 1)
        unanswered.bind(9, Int64(1))
        _ = try unanswered.step()
        unanswered.reset()
        // An attempt whose counter the file does not have: it still counts.
        guard connection.changes == 0 else { return }
        try add(FlowCounter(key: ask.key, counts: FlowCounts()))
        try bindKey(ask.key, to: unanswered, from: 1)
        unanswered.bind(9, Int64(1))
        _ = try unanswered.step()
        unanswered.reset()
    }
}
