/// Evidence that two streams of counted categories differ, valid at every time at once (Turner, Ly, Grünwald 2024,
/// "Generic E-variables for exact sequential k-sample tests that allow for optional stopping").
///
/// Under the hypothesis that is tested, both streams draw from one distribution in each block; it may change from
/// block to block, and so may the number of draws on each side. What either side is expected to draw is learnt from
/// earlier blocks only, so looking after every block costs nothing.
package struct MultinomialEvidence: Sendable, Hashable {
    /// Prior counts of 1/2: Jeffreys' choice, which learns fast and never says "impossible".
    package static let prior = 0.5

    package private(set) var countsA: [Double]
    package private(set) var countsB: [Double]
    /// ln E.
    package private(set) var nats = 0.0

    package init(categories: Int) {
        countsA = [Double](repeating: 0, count: categories)
        countsB = countsA
    }

    /// - Parameters:
    ///   - temper: divides the evidence of this block (F12): counts that vary more than independent draws say less.
    ///   - groups: categories that are counted as one in this block, a group number each; chosen without looking at it.
    /// - Returns: the nats this block added.
    @discardableResult
    package mutating func add(_ a: [Double], _ b: [Double], temper: Double = 1, groups: [Int]? = nil) -> Double {
        let totalA = a.reduce(0, +)
        let totalB = b.reduce(0, +)
        var gained = 0.0
        // With one side empty both hypotheses expect the same, whatever was learnt.
        if totalA > 0, totalB > 0 {
            let groups = groups ?? Array(a.indices)
            let size = (groups.max() ?? -1) + 1
            let learntA = MultinomialEvidence.shares(countsA)
            let learntB = MultinomialEvidence.shares(countsB)
            var parts = [(a: Double, b: Double, shareA: Double, shareB: Double)](repeating: (0, 0, 0, 0), count: size)
            for index in a.indices {
                parts[groups[index]].a += a[index]
                parts[groups[index]].b += b[index]
                parts[groups[index]].shareA += learntA[index]
                parts[groups[index]].shareB += learntB[index]
            }
            for part in parts where part.shareA != part.shareB {
                let common = (totalA * part.shareA + totalB * part.shareB) / (totalA + totalB)
                if part.a > 0 { gained += part.a * Mathematics.log(part.shareA / common) }
                if part.b > 0 { gained += part.b * Mathematics.log(part.shareB / common) }
            }
        }
        for index in a.indices {
            countsA[index] += a[index]
            countsB[index] += b[index]
        }
        nats += gained / temper
        return gained / temper
    }

    /// Rare categories joined until each group is expected at least once among `draws`, judged by earlier counts only.
    /// Two groups always stay: what is common, and what is rare.
    package func groups(expecting draws: Double) -> [Int] {
        let pooled = MultinomialEvidence.shares(zip(countsA, countsB).map { $0 + $1 })
        var parts = pooled.indices.map { (expected: pooled[$0] * draws, members: [$0]) }
        while parts.count > 2 {
            parts.sort { ($0.expected, $0.members[0]) < ($1.expected, $1.members[0]) }
            guard parts[0].expected < 1 else { break }
            let rarest = parts.removeFirst()
            parts[0].expected += rarest.expected
            parts[0].members = (parts[0].members + rarest.members).sorted()
        }
        var output = [Int](repeating: 0, count: pooled.count)
        for (number, part) in parts.enumerated() { for member in part.members { output[member] = number } }
        return output
    }

    static func shares(_ counts: [Double]) -> [Double] {
        let total = counts.reduce(0, +) + prior * Double(counts.count)
        return counts.map { ($0 + prior) / total }
    }
}

/// The false discovery rate over many comparisons that may depend on each other in any way (Wang, Ramdas 2022, e-BH).
package enum FalseDiscoveryRate {
    /// ln of an e-value from evidence over time: half of what it ended at, and half of what its highest is worth, since
    /// the highest alone is no e-value (Shafer, Shen, Vereshchagin, Vovk 2011: (m - 1 - ln m) / (ln m)² is). A fault that
    /// passed is not forgotten.
    package static func adjusted(final: Double, highest: Double) -> Double {
        let half = Mathematics.log(0.5)
        guard highest > 1e-3 else { return Mathematics.logOfSum(final + half, 2 * half) }
        let worth =
            highest + Mathematics.log1p(-Mathematics.exp(-highest) * (1 + highest)) - 2 * Mathematics.log(highest)
        return Mathematics.logOfSum(final, worth) + half
    }

    /// - Parameter nats: ln E of each comparison.
    /// - Returns: the nats from which a comparison counts as found, nil if none does.
    package static func threshold(nats: [Double], rate: Double) -> Double? {
        let sorted = nats.sorted(by: >)
        for found in stride(from: sorted.count, to: 0, by: -1) {
            let needed = Mathematics.log(Double(sorted.count) / (rate * Double(found)))
            if sorted[found - 1] >= needed { return needed }
        }
        return nil
    }
}
