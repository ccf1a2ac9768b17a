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
    var key: DropsStreamKey
    var minutes: [DropsMinute]

    /// Events and connections over some minutes.
    func total(_ kind: DropKind, in range: Range<Int64>) -> (events: UInt64, connections: UInt64) {
        var events: UInt64 = 0
        var connections: UInt64 = 0
        var index = first(at: range.lowerBound)
        while index < minutes.count, minutes[index].minute < range.upperBound {
            let signal = minutes[index].signal(kind)
            events = FlowCounts.sum(events, signal.events)
            connections = FlowCounts.sum(connections, signal.connections)
            index += 1
        }
        return (events, connections)
    }

    /// The index of the first minute that is not before `minute`.
    func first(at minute: Int64) -> Int {
        var low = 0
        var high = minutes.count
        while low < high {
            let middle = (low + high) / 2
            if minutes[middle].minute < minute { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Every stream of some clusters, from a source of counters that may come in any order.
struct DropsStreams {
    private(set) var streams: [DropsStreamKey: DropsStream] = [:]
    /// Interfaces and minutes whose records are incomplete.
    private(set) var unknown: Set<UnknownMinute> = []

    struct UnknownMinute: Hashable {
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
                unknown.insert(UnknownMinute(interface: gap.place.interface, minute: minute))
            }
        }
        var sums: [DropsStreamKey: [Int64: DropsMinute]] = [:]
        try flows.forEachFlowCounter(of: clusters, in: minutes) { counter in
            let key = counter.key
            if !unknown.isEmpty,
                unknown.contains(UnknownMinute(interface: key.place.interface, minute: key.minute))
            {
                return
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
        for (key, minutes) in sums {
            streams[key] = DropsStream(key: key, minutes: minutes.values.sorted { $0.minute < $1.minute })
        }
    }

    var keys: [DropsStreamKey] { streams.keys.sorted() }
}
