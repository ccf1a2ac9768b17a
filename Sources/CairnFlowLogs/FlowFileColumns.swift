/// What kind of traffic a counter counts, apart from minute, place and peer.
package struct FlowService: Hashable, Sendable, Comparable {
    /// The port of the serving side.
    package var port: UInt16
    /// Of the peer.
    package var role: PeerRole
    package var direction: FlowDirection
    package var protocolNumber: UInt8
    /// `BPA`, `EC`, or empty.
    package var rejectReason: String

    package init(
        port: UInt16, role: PeerRole, direction: FlowDirection, protocolNumber: UInt8, rejectReason: String = ""
    ) {
        self.port = port
        self.role = role
        self.direction = direction
        self.protocolNumber = protocolNumber
        self.rejectReason = rejectReason
    }

    init(_ key: FlowCounterKey) {
        self.init(
            port: key.peerPort, role: key.role, direction: key.direction, protocolNumber: key.protocolNumber,
            rejectReason: key.rejectReason)
    }

    package static func < (left: FlowService, right: FlowService) -> Bool {
        if left.port != right.port { return left.port < right.port }
        if left.role != right.role { return left.role < right.role }
        if left.direction != right.direction { return left.direction < right.direction }
        if left.protocolNumber != right.protocolNumber { return left.protocolNumber < right.protocolNumber }
        return left.rejectReason < right.rejectReason
    }
}

/// From when to when a file tells of a place: of any record, also of one that says there was no traffic.
package struct FlowSeen: Hashable, Sendable {
    package var place: FlowPlace
    /// Seconds since 1970 of the earliest start and the latest end.
    package var first: Int64
    package var last: Int64

    package init(place: FlowPlace, first: Int64, last: Int64) {
        self.place = place
        self.first = first
        self.last = last
    }
}

/// A `FlowFileSummary` in columns: counters name their place, peer and service by number, and no row is an object.
package struct FlowFileColumns: Hashable, Sendable {
    /// A connection attempt that the file has no answer for.
    package struct Ask: Hashable, Sendable {
        package var connection: UInt64
        /// Seconds since 1970.
        package var start: Int64
        package var end: Int64
        /// The counter whose `unanswered` this adds to unless an answer turns up.
        package var row: Int
    }

    package var totals = FlowTotals()
    /// Every place that occurs, sorted, each once.
    package var seen: [FlowSeen] = []
    /// Sorted, each once.
    package var peers: [IPPrefix] = []
    package var services: [FlowService] = []
    /// Of each counter; counters are sorted by these four, and no two have the same.
    package var minutes: [Int64] = []
    package var placeNumbers: [UInt32] = []
    package var peerNumbers: [UInt32] = []
    package var serviceNumbers: [UInt32] = []
    /// Of each column of `FlowCounts.columnCount`, of each counter.
    package var counts = [[UInt64]](repeating: [], count: FlowCounts.columnCount)
    /// Sorted.
    package var gaps: [FlowGap] = []
    /// Sorted by connection, start, end and row.
    package var asks: [Ask] = []
    package var answers: [FlowAnswer] = []

    package init() {}

    package var rowCount: Int { minutes.count }

    package func key(ofRow row: Int) -> FlowCounterKey {
        let service = services[Int(serviceNumbers[row])]
        return FlowCounterKey(
            minute: minutes[row], place: seen[Int(placeNumbers[row])].place, direction: service.direction,
            role: service.role, peer: peers[Int(peerNumbers[row])], peerPort: service.port,
            protocolNumber: service.protocolNumber, rejectReason: service.rejectReason)
    }

    /// The columns of a summary. Counters of one key are added up, and an attempt whose counter is missing gets one.
    package init(_ summary: FlowFileSummary) {
        totals = summary.totals
        var sums: [FlowCounterKey: FlowCounts] = [:]
        for counter in summary.counters { sums[counter.key, default: FlowCounts()].add(counter.counts) }
        for ask in summary.asks where sums[ask.key] == nil { sums[ask.key] = FlowCounts() }
        let rows = sums.sorted { $0.key < $1.key }
        var spans: [FlowPlace: FlowSeen] = [:]
        func extend(_ place: FlowPlace, _ first: Int64, _ last: Int64) {
            var seen = spans[place] ?? FlowSeen(place: place, first: first, last: last)
            seen.first = min(seen.first, first)
            seen.last = max(seen.last, last)
            spans[place] = seen
        }
        for seen in summary.seen { extend(seen.place, seen.first, seen.last) }
        // A summary that does not say it shows it: a counter by its minute, a gap by its window.
        let isSaid = Set(spans.keys)
        for (key, _) in rows where !isSaid.contains(key.place) {
            extend(key.place, key.minute &* 60, key.minute &* 60 &+ 59)
        }
        for gap in summary.gaps where !isSaid.contains(gap.place) { extend(gap.place, gap.start, gap.end) }
        seen = spans.values.sorted { $0.place < $1.place }
        peers = Set(rows.map(\.key.peer)).sorted()
        services = Set(rows.map { FlowService($0.key) }).sorted()
        var placeIndexes: [FlowPlace: UInt32] = [:]
        for (index, seen) in seen.enumerated() { placeIndexes[seen.place] = UInt32(index) }
        var peerIndexes: [IPPrefix: UInt32] = [:]
        for (index, peer) in peers.enumerated() { peerIndexes[peer] = UInt32(index) }
        var serviceIndexes: [FlowService: UInt32] = [:]
        for (index, service) in services.enumerated() { serviceIndexes[service] = UInt32(index) }
        var rowIndexes: [FlowCounterKey: Int] = [:]
        for (row, counter) in rows.enumerated() {
            minutes.append(counter.key.minute)
            placeNumbers.append(placeIndexes[counter.key.place] ?? 0)
            peerNumbers.append(peerIndexes[counter.key.peer] ?? 0)
            serviceNumbers.append(serviceIndexes[FlowService(counter.key)] ?? 0)
            for column in counts.indices { counts[column].append(counter.value[column: column]) }
            rowIndexes[counter.key] = row
        }
        gaps = summary.gaps.sorted()
        asks = summary.asks.map {
            Ask(connection: $0.connection, start: $0.start, end: $0.end, row: rowIndexes[$0.key] ?? 0)
        }
        asks.sort { ($0.connection, $0.start, $0.end, $0.row) < ($1.connection, $1.start, $1.end, $1.row) }
        answers = summary.answers.sorted()
    }
}

extension FlowFileSummary {
    package init(_ columns: FlowFileColumns) {
        self.init()
        totals = columns.totals
        seen = columns.seen
        gaps = columns.gaps
        answers = columns.answers
        counters.reserveCapacity(columns.rowCount)
        for row in 0..<columns.rowCount {
            var counts = FlowCounts()
            for column in 0..<FlowCounts.columnCount { counts[column: column] = columns.counts[column][row] }
            counters.append(FlowCounter(key: columns.key(ofRow: row), counts: counts))
        }
        asks = columns.asks.map {
            FlowAsk(connection: $0.connection, start: $0.start, end: $0.end, key: counters[$0.row].key)
        }
    }
}
