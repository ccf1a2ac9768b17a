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
            for place in try ReadModel.places(of: clusters, on: connection) {
                // Two questions of one answer each: SQLite then reads one end of the key instead of all of it.
                guard
                    let first = try connection.first(
                        "SELECT min(minute) FROM flow_counts WHERE place = ?", [.integer(place.number)])?[0].integer,
                    let last = try connection.first(
                        "SELECT max(minute) FROM flow_counts WHERE place = ?", [.integer(place.number)])?[0].integer,
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
            let statement = try connection.statement(
                """
                SELECT minute, direction, role, peer, peer_port, protocol, reject_reason,
                  \(FlowsProjection.counts.map(\.name).joined(separator: ", "))
                FROM flow_counts WHERE place = ?1 AND minute >= ?2 AND minute < ?3
                """)
            var peers: [String: IPPrefix] = [:]
            for place in try ReadModel.places(of: clusters, on: connection) {
                statement.bind(1, place.number)
                statement.bind(2, minutes.lowerBound)
                statement.bind(3, minutes.upperBound)
                defer { statement.reset() }
                while try statement.step() {
                    let text = statement.text(3)
                    guard let peer = peers[text] ?? IPPrefix(text) else { continue }
                    peers[text] = peer
                    try body(ReadModel.counter(statement, at: place.place, peer: peer))
                }
            }
        }
    }

    private static func counter(_ row: Statement, at place: FlowPlace, peer: IPPrefix) -> FlowCounter {
        let key = FlowCounterKey(
            minute: row.integer(0), place: place, direction: row.integer(1) == 0 ? .ingress : .egress,
            role: row.integer(2) == 0 ? .server : .client, peer: peer,
            peerPort: UInt16(clamping: row.integer(4)), protocolNumber: UInt8(clamping: row.integer(5)),
            rejectReason: row.text(6))
        var counts = FlowCounts()
        counts.flows = UInt64(clamping: row.integer(7))
        counts.rejects = UInt64(clamping: row.integer(8))
        counts.lateRejects = UInt64(clamping: row.integer(9))
        counts.unanswered = UInt64(clamping: row.integer(10))
        counts.resets = UInt64(clamping: row.integer(11))
        counts.tcpFlows = UInt64(clamping: row.integer(12))
        counts.synOnly = UInt64(clamping: row.integer(13))
        counts.packets = UInt64(clamping: row.integer(14))
        counts.bytes = UInt64(clamping: row.integer(15))
        counts.longPackets = UInt64(clamping: row.integer(16))
        return FlowCounter(key: key, counts: counts)
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

    private static func places(
        of clusters: [String], on connection: Connection
    ) throws -> [(number: Int64, place: FlowPlace)] {
        var places: [(Int64, FlowPlace)] = []
        for cluster in Set(clusters).sorted() {
            let rows = try connection.all(
                "SELECT place, interface, subnet, zone, instance FROM flow_places WHERE cluster = ? ORDER BY place",
                [.text(cluster)])
            for row in rows {
                let texts = row[1...].map { $0.text ?? "" }
                places.append(
                    (
                        row[0].integer ?? 0,
                        FlowPlace(
                            cluster: cluster, interface: texts[0], subnet: texts[1], zone: texts[2],
                            instance: texts[3])
                    ))
            }
        }
        return places
    }
}
