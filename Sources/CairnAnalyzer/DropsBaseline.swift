import CairnFlowLogs

/// What is normal: rates of a stream outside the stretches that stand out, and how much counts scatter around them.
struct DropsBaseline {
    /// Events per connection over all streams of a role.
    private var common: [CommonKey: Double] = [:]
    private var own: [StreamSignal: Double] = [:]
    private var dispersions: [CommonKey: Double] = [:]
    private let policy: DropsPolicy

    private struct CommonKey: Hashable {
        var role: PeerRole
        var kind: DropKind
    }

    private struct StreamSignal: Hashable {
        var stream: DropsStreamKey
        var kind: DropKind
    }

    private struct Block {
        var events: Double
        var connections: Double
    }

    /// Kinds whose events are a part of connections.
    static let rateKinds: [DropKind] = [.reject, .unanswered, .reset]
    /// A block whose excess is worth this many nats does not take part in a baseline.
    private static let outlierNats = 6.0
    private static let passes = 3
    /// Dispersion above this means that the model does not fit at all; more would hide every drop.
    private static let dispersionMax = 8.0

    init(_ streams: DropsStreams, policy: DropsPolicy) {
        self.policy = policy
        for kind in DropsBaseline.rateKinds {
            for role in [PeerRole.server, .client] {
                estimate(kind, role, streams)
            }
        }
    }

    /// - Parameter control: the same stream of the other cluster, if there is one. A rate that is high in both from
    ///   beginning to end is how that peer is; high in one alone, it is what we look for.
    func rate(_ kind: DropKind, of stream: DropsStreamKey, control: DropsStreamKey?) -> Double {
        let common = common[CommonKey(role: stream.role, kind: kind)] ?? policy.baselineRateFloor(kind)
        let mine = own[StreamSignal(stream: stream, kind: kind)] ?? common
        guard let control, let other = own[StreamSignal(stream: control, kind: kind)] else { return max(common, mine) }
        return max(common, min(mine, other))
    }

    func dispersion(_ kind: DropKind, role: PeerRole) -> Double {
        dispersions[CommonKey(role: role, kind: kind)] ?? 1
    }

    private mutating func estimate(_ kind: DropKind, _ role: PeerRole, _ streams: DropsStreams) {
        let keys = streams.keys.filter { $0.role == role }
        let blocks = keys.map { key in self.blocks(kind, streams.streams[key]) }
        var start = DropsBaseline.median(
            blocks.compactMap { blocks in
                let total = DropsBaseline.sum(blocks)
                return total.connections >= policy.priorConnections ? total.events / total.connections : nil
            })
        start = min(0.5, max(policy.baselineRateFloor(kind), start))
        var common = start
        for _ in 0..<DropsBaseline.passes {
            let kept = blocks.flatMap { $0 }.filter { !isOutlier($0, against: common) }
            let total = DropsBaseline.sum(kept)
            if total.connections > 0 { common = max(policy.baselineRateFloor(kind), total.events / total.connections) }
        }
        self.common[CommonKey(role: role, kind: kind)] = common
        var scatter = 0.0
        var degrees = 0.0
        for (key, blocks) in zip(keys, blocks) {
            let rate = ownRate(kind, blocks, common: common)
            own[StreamSignal(stream: key, kind: kind)] = rate
            for block in blocks where block.connections * rate >= 0.2 && !isOutlier(block, against: rate) {
                let expected = block.connections * rate
                let difference = block.events - expected
                scatter += difference * difference / (expected * (1 - rate))
                degrees += 1
            }
        }
        let dispersion = degrees >= 30 ? scatter / degrees : 1
        dispersions[CommonKey(role: role, kind: kind)] = min(DropsBaseline.dispersionMax, max(1, dispersion))
    }

    private func ownRate(_ kind: DropKind, _ blocks: [Block], common: Double) -> Double {
        var rate = common
        let all = DropsBaseline.sum(blocks)
        for _ in 0..<DropsBaseline.passes {
            let kept = DropsBaseline.sum(blocks.filter { !isOutlier($0, against: rate) })
            if kept.connections * 2 < all.connections {
                // Most of its time it stands out: then that is its normal state, unless the other cluster differs.
                return max(
                    common, min(0.9, DropsBaseline.median(blocks.map { $0.events / max(1, $0.connections) })))
            }
            rate =
                (kept.events + policy.priorConnections * common) / (kept.connections + policy.priorConnections)
        }
        return min(0.9, max(policy.baselineRateFloor(kind), rate))
    }

    private func blocks(_ kind: DropKind, _ stream: DropsStream?) -> [Block] {
        var blocks: [Block] = []
        var current: Int64?
        for minute in stream?.minutes ?? [] {
            let block = minute.minute / policy.blockMinutes
            if block != current { blocks.append(Block(events: 0, connections: 0)) }
            current = block
            let signal = minute.signal(kind)
            blocks[blocks.count - 1].events += Double(signal.events)
            blocks[blocks.count - 1].connections += Double(signal.connections)
        }
        return blocks
    }

    private func isOutlier(_ block: Block, against rate: Double) -> Bool {
        guard block.connections > 0, block.events > block.connections * rate else { return false }
        let found = min(0.999, block.events / block.connections)
        return DropsLikelihood.nats(
            events: block.events, connections: block.connections, rate: found, baseline: rate)
            > DropsBaseline.outlierNats
    }

    private static func sum(_ blocks: [Block]) -> Block {
        blocks.reduce(Block(events: 0, connections: 0)) {
            Block(events: $0.events + $1.events, connections: $0.connections + $1.connections)
        }
    }

    static func median(_ values: [Double]) -> Double {
        if values.isEmpty { return 0 }
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }
}

enum DropsLikelihood {
    /// Log-likelihood ratio of binomial counts: `rate` against `baseline`, both strictly between 0 and 1.
    static func nats(events: Double, connections: Double, rate: Double, baseline: Double) -> Double {
        events * Logarithm.natural(rate / baseline)
            + (connections - events) * Logarithm.natural((1 - rate) / (1 - baseline))
    }
}
