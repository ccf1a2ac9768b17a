import CairnFlowLogs
import CairnSim
import Testing

@Suite("Made-up drops") struct DropCounterStreamTests {
    /// The variance of negative binomial counts is the mean and its square over the shape.
    @Test(arguments: [(5.0, 20), (5, 5), (0.5, 10)]) func countsScatterAsAsked(mean: Double, shape: Int) {
        var stream = DropCounterStream(seed: 7, days: 28, meanEvents: mean, rate: 0.05, shape: shape)
        stream.rateSeason = 0
        var squares = 0.0
        var expected = 0.0
        var events = 0
        var sum = 0.0
        stream.forEachMinute { _, count, connections in
            let mean = Double(connections) * stream.rate
            squares += (Double(count) - mean) * (Double(count) - mean)
            expected += mean + mean * mean / Double(shape)
            events += count
            sum += mean
        }
        #expect(abs(Double(events) / sum - 1) < 0.03)
        #expect(abs(squares / expected - 1) < 0.1)
    }

    @Test func aSpikeIsWhereItWasPut() {
        var stream = DropCounterStream(seed: 3, days: 1, meanEvents: 5, shape: 20)
        var quiet: [Int] = []
        stream.forEachMinute { _, events, _ in quiet.append(events) }
        stream.spikes = [.init(minutes: 600..<660, factor: 4)]
        var loud: [Int] = []
        stream.forEachMinute { _, events, _ in loud.append(events) }
        #expect(Array(loud[..<600]) == Array(quiet[..<600]))
        let (before, during) = (quiet[600..<660].reduce(0, +), loud[600..<660].reduce(0, +))
        #expect(during > 3 * before && during < 5 * before)
    }

    /// A part of the partners has a fault, a third of these for both clusters; the others only lose a stray.
    @Test func faultsAreInTheCountersAsTold() {
        let scene = DropScene(seed: 5, connectionsPerMinute: 3)
        let faults = scene.faults()
        #expect(faults.count == 25 && faults.count { $0.isInBoth } == 8)
        var lost: [IPPrefix: [String: UInt64]] = [:]
        var asked: [IPPrefix: [String: UInt64]] = [:]
        scene.source().forEachFlowCounter(of: [DropScene.old, DropScene.new], in: 0..<scene.minutes) { counter in
            guard counter.key.direction == .egress else { return }
            let fault = faults.first { DropScene.address($0.partner) == counter.key.peer }
            guard fault?.minutes.contains(counter.key.minute) ?? true else { return }
            let cluster = counter.key.place.cluster
            lost[counter.key.peer, default: [:]][cluster, default: 0] += counter.counts.unanswered
            asked[counter.key.peer, default: [:]][cluster, default: 0] += counter.counts.tcpFlows
        }
        for partner in 0..<DropScene.partners {
            let peer = DropScene.address(partner)
            let fault = faults.first { $0.partner == partner }
            for cluster in [DropScene.old, DropScene.new] {
                let isLost = fault.map { $0.isInBoth || cluster == DropScene.new } ?? false
                let share = Double(lost[peer]?[cluster] ?? 0) / Double(max(1, asked[peer]?[cluster] ?? 0))
                #expect(isLost ? share == 1 : share < 0.15, "partner \(partner) in \(cluster): \(share)")
            }
        }
    }

    @Test func attributionCasesHaveTheirExcessWhereTheySay() throws {
        let made = AttributionCase(seed: 9, leaves: 2000, excess: 300)
        let cause = try #require(made.causes.first)
        let place = try #require(AttributionCase.dimensions.firstIndex(of: cause.dimension))
        var excess = (inside: 0.0, outside: 0.0)
        for leaf in made.leaves {
            let more = leaf.actual - leaf.expected
            if leaf.values[place] == cause.value { excess.inside += more } else { excess.outside += more }
        }
        #expect(made.causes.count == 1 && made.leaves.count == 2000)
        #expect(excess.inside > 200 && abs(excess.outside) < 60)
    }
}
