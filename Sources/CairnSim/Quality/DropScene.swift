package import CairnFlowLogs

/// Flow counters of two clusters with a hundred partners, of which some are lost: by a firewall that is not ours, in
/// the new cluster alone, or by a trouble of their own, for both clusters.
package struct DropScene: Sendable {
    package struct Fault: Hashable, Sendable {
        package var partner: Int
        package var minutes: Range<Int64>
        /// Both clusters, or the new one alone.
        package var isInBoth: Bool
    }

    package static let old = "old"
    package static let new = "new"
    package static let partners = 100

    package var seed: UInt64
    /// Connections a minute and cluster with one partner: a hundredth of what goes out.
    package var connectionsPerMinute: Double
    package var minutes: Int64 = 480
    /// One partner in `every` has a fault of this length; every third of them for both clusters.
    package var every = 4
    package var faultMinutes: Int64 = 20

    package init(seed: UInt64, connectionsPerMinute: Double) {
        self.seed = seed
        self.connectionsPerMinute = connectionsPerMinute
    }

    package static func address(_ partner: Int) -> IPPrefix {
        IPPrefix(IPAddress(v4: 0xCB00_7100 + UInt32(partner)))
    }

    package func faults() -> [Fault] {
        var random = SimulatedRandom(seed: seed &+ 1)
        return (0..<DropScene.partners / every).map { number in
            let start = Int64(random.integer(180...Int(minutes - faultMinutes) - 10))
            return Fault(
                partner: number * every, minutes: start..<start + faultMinutes, isInBoth: number % 3 == 2)
        }
    }

    package func source() -> MemoryFlowSource {
        var random = SimulatedRandom(seed: seed)
        var faults: [Int: Fault] = [:]
        for fault in self.faults() { faults[fault.partner] = fault }
        var summary = FlowFileSummary()
        for cluster in [DropScene.old, DropScene.new] {
            for partner in 0..<DropScene.partners {
                for minute in 0..<minutes {
                    let count = random.count(mean: connectionsPerMinute)
                    guard count > 0 else { continue }
                    let fault = faults[partner].flatMap { fault in
                        fault.minutes.contains(minute) && (fault.isInBoth || cluster == DropScene.new) ? fault : nil
                    }
                    let strays = (0..<count).count { _ in random.uniform(0...1) < 0.01 }
                    add(
                        to: &summary, cluster, partner, minute, count, unanswered: fault == nil ? strays : count,
                        &random)
                }
            }
        }
        return MemoryFlowSource([summary])
    }

    private func add(
        to summary: inout FlowFileSummary, _ cluster: String, _ partner: Int, _ minute: Int64, _ count: Int,
        unanswered: Int, _ random: inout SimulatedRandom
    ) {
        let host = random.integer(0...5)
        let place = FlowPlace(
            cluster: cluster, interface: "eni-\(cluster)-\(host)", subnet: "subnet-\(host % 3)", zone: "az\(host % 2)")
        func counter(_ direction: FlowDirection, _ flows: Int) -> FlowCounter {
            var counts = FlowCounts()
            counts.flows = UInt64(flows)
            counts.tcpFlows = UInt64(flows)
            return FlowCounter(
                key: FlowCounterKey(
                    minute: minute, place: place, direction: direction, role: .server,
                    peer: DropScene.address(partner), peerPort: 443), counts: counts)
        }
        let opening = counter(.egress, count)
        summary.counters.append(opening)
        if count > unanswered { summary.counters.append(counter(.ingress, count - unanswered)) }
        for _ in 0..<unanswered {
            summary.asks.append(
                FlowAsk(
                    connection: UInt64(summary.asks.count), start: minute * 60, end: minute * 60 + 30,
                    key: opening.key))
        }
    }
}
