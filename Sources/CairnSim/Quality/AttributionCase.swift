/// Counters of a fleet taken apart by where they were logged and whom they were with, and one cause, or two, that made
/// some of them rise.
package struct AttributionCase: Sendable {
    package struct Leaf: Sendable {
        /// In the order of `dimensions`.
        package var values: [String]
        package var actual: Double
        package var expected: Double
    }

    package struct Cause: Hashable, Sendable {
        package var dimension: String
        package var value: String
    }

    package static let dimensions = [
        "account", "vpc", "zone", "subnet", "interface", "peer_port", "peer_prefix", "peer", "direction",
        "reject_reason", "signal",
    ]

    package private(set) var leaves: [Leaf] = []
    package private(set) var causes: [Cause] = []

    private struct Host {
        var account: Int
        var vpc: Int
        var zone: Int
        var subnet: Int
        var interface: Int
    }

    /// - Parameters:
    ///   - excess: events that each cause adds to what is usual, about.
    ///   - causeCount: one or two, of different dimensions.
    package init(seed: UInt64, leaves count: Int, excess: Double, causeCount: Int = 1) {
        var random = SimulatedRandom(seed: seed)
        let hosts = (0..<72).map { number in
            Host(
                account: number % 3, vpc: number % 6, zone: number % 6 * 3 + number / 6 % 3, subnet: number % 36,
                interface: number)
        }
        let peers = (0..<120).map { (prefix: $0 / 4, port: [443, 5432, 6379, 9092, 8443][$0 % 5]) }
        // A few hosts and partners have most of the traffic.
        let weights = peers.indices.map { _ in 1 / random.uniform(0.05...1) }
        var keys: Set<[Int]> = []
        while leaves.count < count {
            let host = hosts[random.integer(0...hosts.count - 1)]
            let peer = random.integer(0...peers.count - 1)
            let signal = random.integer(0...2)
            let direction = random.integer(0...1)
            let reason = signal == 0 ? random.integer(0...2) : 0
            guard keys.insert([host.interface, peer, signal, direction, reason]).inserted else { continue }
            let base = [0.05, 0.02, 0.01][signal] * weights[peer] * random.uniform(0.2...2)
            leaves.append(
                Leaf(
                    values: [
                        "account-\(host.account)", "vpc-\(host.vpc)", "az-\(host.zone)", "subnet-\(host.subnet)",
                        "eni-\(host.interface)", "\(peers[peer].port)", "203.0.\(peers[peer].prefix).0/24",
                        "203.0.\(peers[peer].prefix).\(peer)", ["ingress", "egress"][direction],
                        ["", "BPA", "EC"][reason], ["reject", "unanswered", "reset"][signal],
                    ], actual: 0, expected: base))
        }
        inject(excess, causeCount, &random)
    }

    private mutating func inject(_ excess: Double, _ causeCount: Int, _ random: inout SimulatedRandom) {
        while causes.count < causeCount {
            let dimension = random.integer(0...AttributionCase.dimensions.count - 1)
            let value = leaves[random.integer(0...leaves.count - 1)].values[dimension]
            let cause = Cause(dimension: AttributionCase.dimensions[dimension], value: value)
            guard !value.isEmpty, !causes.contains(where: { $0.dimension == cause.dimension }) else { continue }
            causes.append(cause)
        }
        for leaf in leaves.indices { leaves[leaf].actual = 0 }
        var means = leaves.map(\.expected)
        for cause in causes {
            let dimension = AttributionCase.dimensions.firstIndex(of: cause.dimension) ?? 0
            let held = leaves.indices.filter { leaves[$0].values[dimension] == cause.value }
            let usual = held.reduce(0) { $0 + leaves[$1].expected }
            // At least three times what is usual: less is no spike.
            let factor = max(3, excess / max(1e-9, usual))
            for leaf in held { means[leaf] += leaves[leaf].expected * factor }
        }
        for leaf in leaves.indices { leaves[leaf].actual = Double(random.count(mean: means[leaf])) }
    }
}
