import CairnFlowLogs

/// Says where in our network the dropped traffic of a finding was: direction, and the account, VPC, subnet, zone or interface that
/// holds most of it although it does not hold most of the traffic.
enum DropsPlaces {
    private struct Tally {
        var events: [String: UInt64] = [:]
        var flows: [String: UInt64] = [:]

        mutating func add(_ name: String, events more: UInt64, flows moreFlows: UInt64) {
            if name.isEmpty { return }
            events[name] = FlowCounts.sum(events[name] ?? 0, more)
            flows[name] = FlowCounts.sum(flows[name] ?? 0, moreFlows)
        }

        /// The value with the most events; the first in order among equals.
        var top: (name: String, share: Double, trafficShare: Double)? {
            let total = events.values.reduce(0, FlowCounts.sum)
            guard total > 0,
                let best = events.sorted(by: { $0.value == $1.value ? $0.key < $1.key : $0.value > $1.value }).first
            else { return nil }
            let traffic = flows.values.reduce(0, FlowCounts.sum)
            return (
                best.key, Double(best.value) / Double(total), Double(flows[best.key] ?? 0) / Double(max(1, traffic))
            )
        }
    }

    private static let dimensions = ["direction", "reject_reason", "account", "vpc", "zone", "subnet", "interface"]

    static func locate(_ findings: inout [DropFinding], in flows: some FlowSource, policy: DropsPolicy) throws {
        guard let first = findings.map(\.startMinute).min(), let last = findings.map(\.endMinute).max() else { return }
        var byStream: [DropsStreamKey: [Int]] = [:]
        for (index, finding) in findings.enumerated() {
            byStream[
                DropsStreamKey(
                    cluster: finding.cluster, role: finding.peerRole, peer: finding.peer, port: finding.peerPort),
                default: []
            ].append(index)
        }
        var tallies = [[String: Tally]](repeating: [:], count: findings.count)
        let clusters = Set(findings.map(\.cluster)).sorted()
        try flows.forEachFlowCounter(of: clusters, in: first..<last) { counter in
            let key = counter.key
            let stream = DropsStreamKey(
                cluster: key.place.cluster, role: key.role, peer: key.peer, port: key.peerPort)
            for index in byStream[stream] ?? [] {
                let finding = findings[index]
                guard (finding.startMinute..<finding.endMinute).contains(key.minute) else { continue }
                let events = events(finding.kind, counter)
                let values = [
                    key.direction.description, key.rejectReason, key.place.account, key.place.vpc, key.place.zone,
                    key.place.subnet, key.place.interface,
                ]
                for (name, value) in zip(dimensions, values) {
                    tallies[index][name, default: Tally()].add(value, events: events, flows: counter.counts.flows)
                }
            }
        }
        for index in findings.indices { name(&findings[index], tallies[index], policy) }
    }

    private static func events(_ kind: DropKind, _ counter: FlowCounter) -> UInt64 {
        let counts = counter.counts
        let isOpening = (counter.key.role == .server) == (counter.key.direction == .egress)
        switch kind {
        case .reject: return counts.rejects - min(counts.rejects, counts.lateRejects)
        case .unanswered: return counts.unanswered
        case .reset: return counts.resets
        // The packets that still come back say which place loses fewer; those that go out say where the traffic is.
        case .asymmetric: return isOpening ? counts.longPackets : 0
        }
    }

    private static func name(_ finding: inout DropFinding, _ tallies: [String: Tally], _ policy: DropsPolicy) {
        if let direction = tallies["direction"]?.top { finding.scope["direction"] = direction.name }
        if finding.kind == .reject, let reason = tallies["reject_reason"]?.top, reason.share >= policy.placeShareMin {
            finding.scope["reject_reason"] = reason.name
            finding.cause = finding.cause.refined(by: reason.name)
        }
        // From the widest to the narrowest: an interface is named only if its subnet would say less.
        for dimension in ["account", "vpc", "zone", "subnet", "interface"] {
            guard let tally = tallies[dimension], tally.flows.count > 1, let top = tally.top,
                top.share >= policy.placeShareMin, top.share >= policy.placeLift * top.trafficShare
            else { continue }
            finding.scope[dimension] = top.name
            finding.explained = min(finding.explained, top.share)
        }
    }
}
