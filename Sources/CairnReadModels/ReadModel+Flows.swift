package import CairnFlowLogs

/// The read model as a source of flow counters.
extension ReadModel: FlowSource {
    package func flowClusters() throws -> [String] {
        try read { connection in
            let names = try connection.all("SELECT DISTINCT cluster FROM flow_places")
            return names.compactMap { $0[0].text }.sorted()
        }
    }

    package func flowMinutes(of clusters: [String]) throws -> Range<Int64>? {
        try read { connection in
            var minutes: Range<Int64>?
            for cluster in Set(clusters) {
                // Two questions of one answer each: SQLite then reads one end of the key instead of all of it.
                guard
                    let first = try connection.first(
                        "SELECT min(minute) FROM flow_counts WHERE cluster = ?", [.text(cluster)])?[0].integer,
                    let last = try connection.first(
                        "SELECT max(minute) FROM flow_counts WHERE cluster = ?", [.text(cluster)])?[0].integer,
                    last < .max
                else { continue }
                let found = first..<last + 1
                minutes =
                    minutes.map {
                        min($0.lowerBound, found.lowerBound)..<max($0.upperBound, found.upperBound)
                    } ?? found
            }
            return minutes
        }
    }

    package func forEachFlowCounter(
        of clusters: [String], in minutes: Range<Int64>, _ body: (FlowCounter) throws -> Void
    ) throws {
        try read { connection in
            var names = try FlowNames(connection, clusters: clusters)
            let statement = try connection.statement(
                """
                SELECT minute, digits, \(FlowLayout.widthColumns.joined(separator: ", ")) FROM flow_counts
                WHERE cluster = ?1 AND minute >= ?2 AND minute < ?3
                """)
            for cluster in Set(clusters).sorted() {
                statement.bind(1, cluster)
                statement.bind(2, minutes.lowerBound)
                statement.bind(3, minutes.upperBound)
                defer { statement.reset() }
                while try statement.step() {
                    let minute = statement.integer(0)
                    guard let numbers = FlowLayout(statement, from: 2)?.numbers(statement.utf8(1)) else {
                        throw ReadModelError(.damaged, "cannot read the flow counters of minute \(minute)")
                    }
                    var base = 0
                    while base < numbers.count {
                        if let counter = try names.counter(numbers, at: base, minute: minute) { try body(counter) }
                        base += FlowChunk.columns
                    }
                }
            }
        }
    }

    package func flowWatermarks(of clusters: [String]) throws -> [FlowWatermark] {
        try read { connection in
            try connection.all(
                "SELECT cluster, interfaces, latest_s, watermark_s FROM flow_watermarks ORDER BY cluster"
            )
            .compactMap { row in
                guard let cluster = row[0].text, clusters.contains(cluster) else { return nil }
                return FlowWatermark(
                    cluster: cluster, interfaces: Int(row[1].integer ?? 0), latest: row[2].integer ?? 0,
                    watermark: row[3].integer ?? 0)
            }
        }
    }

    package func flowGaps(of clusters: [String], in minutes: Range<Int64>) throws -> [FlowGap] {
        try read { connection in
            var gaps: [FlowGap] = []
            for place in try ReadModel.places(of: clusters, on: connection) {
                for row in try connection.all(
                    "SELECT status, start_s, end_s FROM flow_gaps WHERE place = ?", [.integer(place.number)])
                {
                    guard let status = row[0].text, let start = row[1].integer, let end = row[2].integer,
                        start / 60 < minutes.upperBound, end / 60 >= minutes.lowerBound
                    else { continue }
                    gaps.append(
                        FlowGap(
                            place: place.place, status: status == "NODATA" ? .noData : .skipData, start: start,
                            end: end))
                }
            }
            return gaps
        }
    }

    static func places(
        of clusters: [String], on connection: Connection
    ) throws -> [(number: Int64, place: FlowPlace)] {
        var places: [(Int64, FlowPlace)] = []
        for cluster in Set(clusters).sorted() {
            let rows = try connection.all(
                """
                SELECT place, interface, subnet, zone, instance, account, vpc FROM flow_places WHERE cluster = ?
                ORDER BY place
                """,
                [.text(cluster)])
            for row in rows {
                let texts = row[1...].map { $0.text ?? "" }
                places.append(
                    (
                        row[0].integer ?? 0,
                        FlowPlace(
                            cluster: cluster, interface: texts[0], subnet: texts[1], zone: texts[2],
                            instance: texts[3], account: texts[4], vpc: texts[5])
                    ))
            }
        }
        return places
    }
}

/// What the numbers of a counter stand for.
private struct FlowNames {
    private let connection: Connection
    private var places: [UInt64: FlowPlace] = [:]
    private var services: [UInt64: FlowService] = [:]
    private var peers: [UInt64: IPPrefix] = [:]

    init(_ connection: Connection, clusters: [String]) throws {
        self.connection = connection
        for (number, place) in try ReadModel.places(of: clusters, on: connection) {
            places[UInt64(clamping: number)] = place
        }
        for row in try connection.all(
            "SELECT number, peer_port, role, direction, protocol, reject_reason FROM flow_services")
        {
            services[UInt64(clamping: row[0].integer ?? 0)] = FlowService(
                port: UInt16(clamping: row[1].integer ?? 0), role: row[2].integer == 0 ? .server : .client,
                direction: row[3].integer == 0 ? .ingress : .egress,
                protocolNumber: UInt8(clamping: row[4].integer ?? 0), rejectReason: row[5].text ?? "")
        }
    }

    private mutating func peer(_ number: UInt64) throws -> IPPrefix? {
        if let peer = peers[number] { return peer }
        let row = try connection.first(
            "SELECT peer FROM flow_peers WHERE number = ?", [.integer(Int64(clamping: number))])
        guard let peer = row?[0].text.flatMap({ IPPrefix($0) }) else { return nil }
        peers[number] = peer
        return peer
    }

    /// The counter whose numbers begin at `base`; nil if one of its names is not there.
    mutating func counter(_ numbers: [UInt64], at base: Int, minute: Int64) throws -> FlowCounter? {
        guard let place = places[numbers[base]], let peer = try peer(numbers[base + 1]),
            let service = services[numbers[base + 2]]
        else { return nil }
        var counts = FlowCounts()
        for column in 0..<FlowCounts.columnCount {
            counts[column: column] = numbers[base + FlowChunk.firstCount + FlowsProjection.position(ofColumn: column)]
        }
        counts.unanswered = numbers[base + FlowChunk.unansweredColumn]
        return FlowCounter(
            key: FlowCounterKey(
                minute: minute, place: place, direction: service.direction, role: service.role, peer: peer,
                peerPort: service.port, protocolNumber: service.protocolNumber, rejectReason: service.rejectReason),
            counts: counts)
    }
}
