/// Whether two streams of values have the same quantile, at every time at once (F6; Howard, Ramdas 2022, section 5). For
/// tail quantiles it is many times tighter than the band of the whole distribution: it looks at one rank only.
package struct QuantileComparison: Sendable, Hashable {
    package let rank: Double
    private let mixture: BetaBinomialMixture

    /// - Parameter bestCount: tightest after this many values on each side.
    package init(rank: Double, bestCount: Double, alpha: Double = 0.05) {
        precondition(rank > 0 && rank < 1, "a rank lies between 0 and 1")
        self.rank = rank
        mixture = BetaBinomialMixture(share: rank, bestCount: bestCount, alpha: alpha)
    }

    /// Values in order of size with their counts, as raw values or buckets of a sketch give them.
    package typealias Counts = [(value: Double, count: Double)]

    /// ln E against "both have the same value at this rank". The least over all values that it could be.
    package func nats(_ one: Counts, _ other: Counts) -> Double {
        let sides = [one, other].map { Side(counts: $0, evidence: self) }
        guard sides.allSatisfy({ $0.total > 0 }) else { return 0 }
        let values = (one.map(\.value) + other.map(\.value)).sorted()
        var indices = [0, 0]
        var below = [0.0, 0.0]
        var least = Double.infinity
        var previous: Double?
        for value in values where value != previous {
            previous = value
            var sum = 0.0
            for (number, side) in sides.enumerated() {
                let before = below[number]
                while indices[number] < side.counts.count, side.counts[indices[number]].value <= value {
                    below[number] += side.counts[indices[number]].count
                    indices[number] += 1
                }
                sum += side.nats(below: before, upTo: below[number], self)
            }
            least = min(least, sum)
        }
        return least
    }

    /// The probability of evidence this strong, ever, where there is no difference.
    package func probability(_ one: Counts, _ other: Counts) -> Double { min(1, Mathematics.exp(-nats(one, other))) }

    fileprivate func nats(share: Double, of total: Double) -> Double {
        mixture.logEvidence(sum: (share - rank) * total, variance: rank * (1 - rank) * total)
    }

    private struct Side {
        let counts: Counts
        let total: Double
        /// The share below the quantile that fits best: near the rank itself.
        let best: Double

        init(counts: Counts, evidence: QuantileComparison) {
            self.counts = counts
            let total = counts.reduce(0) { $0 + $1.count }
            self.total = total
            best = total > 0 ? Mathematics.valley(low: 0, high: 1) { evidence.nats(share: $0, of: total) } : 0
        }

        /// A value that some observations equal may have any share between those below and those up to it.
        func nats(below: Double, upTo: Double, _ evidence: QuantileComparison) -> Double {
            evidence.nats(share: min(upTo / total, max(below / total, best)), of: total)
        }
    }
}
