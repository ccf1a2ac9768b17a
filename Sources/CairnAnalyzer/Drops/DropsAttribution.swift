import CairnFlowLogs

/// Says what the drops of one cluster at one time have in common, over all of its streams: a peer, a block of peers, a
/// port, a subnet. Many findings of one cause are one incident.
enum DropsAttribution {
    private static let dimensions = [
        "peer_prefix", "peer", "peer_port", "peer_role", "account", "vpc", "zone", "subnet", "interface", "instance",
        "direction", "reject_reason", "signal",
    ]
    /// Bits of the blocks that addresses are looked at in.
    private static let bitsV4 = 96 + 24
    private static let bitsV6 = 48

    /// Findings of one cluster that overlap in time.
    private struct Group {
        var cluster: String
        var range: Range<Int64>
        var findings: [Int]
    }

    private struct LeafKey: Hashable {
        var group: Int
        var place: FlowPlace
        var stream: DropsStreamKey
        var direction: FlowDirection
        var reason: String
        var kind: DropKind
    }

    private struct Leaf {
        var events: UInt64 = 0
        var connections: UInt64 = 0
    }

    static func attribute(
        _ findings: inout [DropFinding], in flows: some FlowSource, _ baseline: DropsBaseline, _ policy: DropsPolicy
    ) throws {
        let groups = groups(of: findings)
        var leaves: [LeafKey: Leaf] = [:]
        for (number, group) in groups.enumerated() {
            try flows.forEachFlowCounter(of: [group.cluster], in: group.range) { counter in
                let key = counter.key
                let stream = DropsStreamKey(
                    cluster: key.place.cluster, role: key.role, peer: key.peer, port: key.peerPort)
                for kind in DropsBaseline.rateKinds {
                    let (events, connections) = signal(kind, counter)
                    guard connections > 0 else { continue }
                    let leaf = LeafKey(
                        group: number, place: key.place, stream: stream, direction: key.direction,
                        reason: key.rejectReason, kind: kind)
                    var sums = leaves[leaf] ?? Leaf()
                    sums.events = FlowCounts.sum(sums.events, events)
                    sums.connections = FlowCounts.sum(sums.connections, connections)
                    leaves[leaf] = sums
                }
            }
        }
        var tables = groups.map { _ in AttributionTable(dimensions: dimensions) }
        for (key, leaf) in leaves {
            tables[key.group].add(
                values(of: key), actual: Double(leaf.events),
                expected: Double(leaf.connections)
                    * baseline.usualRate(key.kind, of: key.stream, at: groups[key.group].range.lowerBound))
        }
        for (number, group) in groups.enumerated() {
            let table = tables[number].sorted()
            let roots = CauseSearch.sequence(in: table)
            let explanations = Adtributor.explain(table)
            for index in group.findings {
                let root = roots.first { isAbout($0, findings[index]) }
                findings[index].root = root
                findings[index].attribution = explanations
                if let root, group.findings.count > 1, root.explained >= policy.rootShareMin,
                    !root.scope.contains(where: { $0.dimension == "peer" })
                {
                    findings[index].incidentCause = "\(group.cluster) \(root.words)"
                }
            }
        }
    }

    /// Whether a cause may be that of a finding: it names no other peer, port or signal.
    private static func isAbout(_ cause: CauseSearch.Cause, _ finding: DropFinding) -> Bool {
        let own = [
            "peer_prefix": block(of: finding.peer).description, "peer": finding.peer.description,
            "peer_port": String(finding.peerPort), "peer_role": finding.peerRole.description,
            "signal": finding.kind.rawValue,
        ]
        return cause.scope.allSatisfy { part in own[part.dimension].map(part.values.contains) ?? true }
    }

    private static func block(of peer: IPPrefix) -> IPPrefix {
        IPPrefix(peer.address, bits: min(Int(peer.bits), peer.address.isV4 ? bitsV4 : bitsV6))
    }

    private static func groups(of findings: [DropFinding]) -> [Group] {
        var groups: [Group] = []
        let order = findings.indices.sorted {
            (findings[$0].cluster, findings[$0].startMinute, findings[$0].id)
                < (findings[$1].cluster, findings[$1].startMinute, findings[$1].id)
        }
        for index in order {
            let finding = findings[index]
            let range = finding.startMinute..<finding.endMinute
            if let last = groups.last, last.cluster == finding.cluster, last.range.overlaps(range) {
                groups[groups.count - 1].range =
                    last.range.lowerBound..<max(last.range.upperBound, range.upperBound)
                groups[groups.count - 1].findings.append(index)
            } else {
                groups.append(Group(cluster: finding.cluster, range: range, findings: [index]))
            }
        }
        return groups
    }

    /// What a counter adds to a signal: events, and what they are a part of. Each is counted in one direction only.
    private static func signal(_ kind: DropKind, _ counter: FlowCounter) -> (events: UInt64, connections: UInt64) {
        let counts = counter.counts
        let isOpening = (counter.key.role == .server) == (counter.key.direction == .egress)
        switch kind {
        case .reject: return (counts.rejects - min(counts.rejects, counts.lateRejects), counts.flows)
        case .unanswered: return isOpening ? (counts.unanswered, counts.tcpFlows) : (0, 0)
        case .reset: return (counts.resets, counts.tcpFlows)
        case .asymmetric: return (0, 0)
        }
    }

    private static func values(of key: LeafKey) -> [String] {
        let peer = key.stream.peer
        return [
            block(of: peer).description, peer.description, String(key.stream.port), key.stream.role.description,
            key.place.account, key.place.vpc, key.place.zone, key.place.subnet, key.place.interface, key.place.instance,
            key.direction.description, key.reason,
            key.kind.rawValue,
        ]
    }
}
