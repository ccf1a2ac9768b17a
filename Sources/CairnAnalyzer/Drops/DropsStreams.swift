import CairnFlowLogs

/// Traffic of one cluster with one peer and service: the unit in which drops are looked for.
struct DropsStreamKey: Hashable, Comparable {
    var cluster: String
    var role: PeerRole
    var peer: IPPrefix
    var port: UInt16

    static func < (left: DropsStreamKey, right: DropsStreamKey) -> Bool {
        if left.cluster != right.cluster { return left.cluster < right.cluster }
        if left.peer != right.peer { return left.peer < right.peer }
        if left.port != right.port { return left.port < right.port }
        return left.role < right.role
    }

    func inCluster(_ name: String) -> DropsStreamKey {
        var other = self
        other.cluster = name
        return other
    }
}

/// Counts of one minute of a stream, both directions told apart by who opened the connections.
struct DropsMinute: Hashable {
    var minute: Int64
    /// From whoever opens connections, and back.
    var opening = FlowCounts()
    var answering = FlowCounts()

    /// Rejected or unanswered or reset connections are compared with how many there were.
    var connections: UInt64 { max(opening.flows, answering.flows) }

    /// Events and the connections they are a part of; events never exceed connections.
    func signal(_ kind: DropKind) -> (events: UInt64, connections: UInt64) {
        let total: UInt64
        let events: UInt64
        switch kind {
        case .reject:
            total = connections
            let opened = opening.rejects - min(opening.rejects, opening.lateRejects)
            let answered = answering.rejects - min(answering.rejects, answering.lateRejects)
            events = FlowCounts.sum(opened, answered)
        case .unanswered:
            total = opening.tcpFlows
            events = opening.unanswered
        case .reset:
            total = max(opening.tcpFlows, answering.tcpFlows)
            events = max(opening.resets, answering.resets)
        case .asymmetric:
            total = FlowCounts.sum(opening.longPackets, answering.longPackets)
            events = opening.longPackets
        }
        return (min(events, total), total)
    }
}

/// A stream's minutes with traffic, in order.
struct DropsStream {
    let key: DropsStreamKey
    let minutes: [DropsMinute]
    let series: [DropKind: DropsSeries]

    init(key: DropsStreamKey, minutes: [DropsMinute]) {
        self.key = key
        self.minutes = minutes
        series = DropsStream.series(of: minutes)
    }

    private static func series(of minutes: [DropsMinute]) -> [DropKind: DropsSeries] {
        var series: [DropKind: DropsSeries] = [:]
        for kind in DropKind.allCases {
            var one = DropsSeries()
            for minute in minutes {
                let (events, connections) = minute.signal(kind)
                one.append(minute: minute.minute, events: Double(events), connections: Double(connections))
            }
            series[kind] = one
        }
        return series
    }

    /// Events and connections over some minutes.
    func total(_ kind: DropKind, in range: Range<Int64>) -> (events: Double, connections: Double) {
        series[kind]?.total(in: range) ?? (0, 0)
    }
}

/// Every stream of some clusters, from a source of counters that may come in any order.
struct DropsStreams {
    private(set) var streams: [DropsStreamKey: DropsStream] = [:]
    private(set) var keys: [DropsStreamKey] = []
    /// Interfaces and minutes whose records are incomplete.
    private(set) var unknown: Set<UnknownMinute> = []
    /// Interfaces and minutes that were logged: what the unknown ones are a share of.
    private(set) var loggedMinutes = 0

    struct UnknownMinute: Hashable {
        var cluster: String
        var interface: String
        var minute: Int64
    }

    init(_ flows: some FlowSource, clusters: [String], minutes: Range<Int64>) throws {
        for gap in try flows.flowGaps(of: clusters, in: minutes) where gap.status == .skipData {
            // Lost records make connections look unanswered in the windows beside the gap too.
            let first = max(gap.start / 60 - 1, minutes.lowerBound)
            let last = min(gap.end / 60 + 1, minutes.upperBound - 1)
            if first > last { continue }
            for minute in first...last {
                unknown.insert(
                    UnknownMinute(cluster: gap.place.cluster, interface: gap.place.interface, minute: minute))
            }
        }
        var logged: Set<UnknownMinute> = []
        var sums: [DropsStreamKey: [Int64: DropsMinute]] = [:]
        try flows.forEachFlowCounter(of: clusters, in: minutes) { counter in
            let key = counter.key
            if !unknown.isEmpty {
                let minute = UnknownMinute(
                    cluster: key.place.cluster, interface: key.place.interface, minute: key.minute)
                logged.insert(minute)
                if unknown.contains(minute) { return }
            }
            let stream = DropsStreamKey(
                cluster: key.place.cluster, role: key.role, peer: key.peer, port: key.peerPort)
            var minute = sums[stream]?[key.minute] ?? DropsMinute(minute: key.minute)
            if (key.role == .server) == (key.direction == .egress) {
                minute.opening.add(counter.counts)
            } else {
                minute.answering.add(counter.counts)
            }
            sums[stream, default: [:]][key.minute] = minute
        }
        loggedMinutes = logged.union(unknown).count
        for (key, minutes) in sums {
            streams[key] = DropsStream(key: key, minutes: minutes.values.sorted { $0.minute < $1.minute })
        }
        keys = streams.keys.sorted()
    }

    func series(_ kind: DropKind, of key: DropsStreamKey) -> DropsSeries {
        streams[key]?.series[kind] ?? DropsSeries()
    }

    /// Interfaces of a cluster and minutes in a range that were not logged.
    func unknownMinutes(of cluster: String, in range: Range<Int64>) -> Int {
        unknown.count { $0.cluster == cluster && range.contains($0.minute) }
    }
}
