import CairnFlowLogs

/// Numbers of places, peers and services, which the counters of a minute name instead of their texts; and when each
/// place was seen.
final class FlowNumbers {
    private let connection: Connection
    private let selectPeer: Statement
    private let insertPeer: Statement
    private var peers: [IPPrefix: UInt64] = [:]
    private var services: [FlowService: UInt64] = [:]
    private var places: [FlowPlace: UInt64] = [:]
    private var clusters: [UInt64: String] = [:]
    private var seen: [UInt64: FlowSeen] = [:]

    /// Peers remembered; beyond that they are looked up again.
    private static let peersMax = 1 << 20

    init(_ connection: Connection) throws(ReadModelError) {
        self.connection = connection
        selectPeer = try connection.statement("SELECT number FROM flow_peers WHERE peer = ?1")
        insertPeer = try connection.statement("INSERT INTO flow_peers (peer) VALUES (?1)")
    }

    func number(of peer: IPPrefix) throws(ReadModelError) -> UInt64 {
        if let number = peers[peer] { return number }
        if peers.count >= FlowNumbers.peersMax { peers = [:] }
        let text = peer.description
        selectPeer.bind(1, text)
        let known = try selectPeer.step() ? selectPeer.integer(0) : nil
        selectPeer.reset()
        let number: Int64
        if let known {
            number = known
        } else {
            insertPeer.bind(1, text)
            _ = try insertPeer.step()
            insertPeer.reset()
            number = connection.lastInsertedRow
        }
        peers[peer] = UInt64(clamping: number)
        return UInt64(clamping: number)
    }

    func number(of service: FlowService) throws(ReadModelError) -> UInt64 {
        if let number = services[service] { return number }
        let values: [SQLValue] = [
            .integer(Int64(service.port)), .integer(Int64(service.protocolNumber)),
            .integer(Int64(service.direction.rawValue)), .integer(Int64(service.role.rawValue)),
            .text(service.rejectReason),
        ]
        let number = try number(
            """
            INSERT INTO flow_services (peer_port, protocol, direction, role, reject_reason) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO NOTHING
            """,
            """
            SELECT number FROM flow_services
            WHERE peer_port = ? AND protocol = ? AND direction = ? AND role = ? AND reject_reason = ?
            """, values)
        services[service] = number
        return number
    }

    /// The number of a place that a file tells of.
    func number(of told: FlowSeen) throws(ReadModelError) -> UInt64 {
        let number = try number(of: told.place)
        var span = seen[number] ?? told
        span.first = min(span.first, told.first)
        span.last = max(span.last, told.last)
        seen[number] = span
        return number
    }

    func number(of place: FlowPlace) throws(ReadModelError) -> UInt64 {
        if let number = places[place] { return number }
        let values: [SQLValue] = [
            .text(place.cluster), .text(place.interface), .text(place.subnet), .text(place.zone),
            .text(place.instance), .text(place.account), .text(place.vpc),
        ]
        let number = try number(
            """
            INSERT INTO flow_places (cluster, interface, subnet, zone, instance, account, vpc)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO NOTHING
            """,
            """
            SELECT place FROM flow_places
            WHERE cluster = ? AND interface = ? AND subnet = ? AND zone = ? AND instance = ? AND account = ?
              AND vpc = ?
            """, values)
        places[place] = number
        clusters[number] = place.cluster
        return number
    }

    /// The number of the row with these values, which is made if there is none.
    private func number(
        _ insert: StaticString, _ select: StaticString, _ values: [SQLValue]
    ) throws(ReadModelError) -> UInt64 {
        try connection.run(insert, values)
        return UInt64(clamping: try connection.first(select, values)?[0].integer ?? 0)
    }

    func cluster(ofPlace number: UInt64) throws(ReadModelError) -> String {
        if let cluster = clusters[number] { return cluster }
        let row = try connection.first(
            "SELECT cluster FROM flow_places WHERE place = ?", [.integer(Int64(clamping: number))])
        let cluster = row?[0].text ?? FlowPlace.unassignedCluster
        clusters[number] = cluster
        return cluster
    }

    /// Writes when places were seen and how far their clusters reach, and forgets all: another process may be next.
    func flush() throws(ReadModelError) {
        for (number, span) in seen {
            try connection.run(
                """
                UPDATE flow_places SET first_s = min(coalesce(first_s, ?2), ?2), last_s = max(coalesce(last_s, ?3), ?3)
                WHERE place = ?1
                """, [.integer(Int64(clamping: number)), .integer(span.first), .integer(span.last)])
        }
        for cluster in Set(seen.values.map(\.place.cluster)) { try writeWatermark(cluster) }
        peers = [:]
        services = [:]
        places = [:]
        clusters = [:]
        seen = [:]
    }

    private func writeWatermark(_ cluster: String) throws(ReadModelError) {
        let rows = try connection.all(
            """
            SELECT interface, min(first_s), max(last_s) FROM flow_places
            WHERE cluster = ? AND last_s IS NOT NULL GROUP BY interface
            """, [.text(cluster)])
        let places = rows.map { row in
            FlowSeen(
                place: FlowPlace(cluster: cluster, interface: row[0].text ?? ""), first: row[1].integer ?? 0,
                last: row[2].integer ?? 0)
        }
        for watermark in FlowWatermark.of(places) {
            try connection.run(
                "INSERT OR REPLACE INTO flow_watermarks VALUES (?, ?, ?, ?, ?)",
                [
                    .text(cluster), .integer(Int64(watermark.interfaces)), .integer(watermark.latest),
                    .integer(watermark.watermark), .integer(watermark.openMinute),
                ])
        }
    }
}
