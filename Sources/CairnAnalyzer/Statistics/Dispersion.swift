/// How much more than independent draws a pair of count streams varies between two clusters that are both healthy:
/// measured where nothing was changed yet, and used to temper the evidence afterwards (F12).
package struct Dispersion: Sendable, Hashable {
    /// Variance over that of independent draws, for all minutes together; at least 1.
    package var factor: Double
    /// Correlation between two requests of one minute and cluster: the part that grows with traffic.
    package var correlation: Double

    package init(factor: Double = 1, correlation: Double = 0) {
        self.factor = factor
        self.correlation = correlation
    }

    /// Before anything is known: independent draws are a hope, and 4 holds for most services.
    package static let unknown = Dispersion(factor: 4)

    /// The factor for a minute with so many draws on the two sides.
    package func factor(_ a: Double, _ b: Double) -> Double {
        // The variance of the difference is pq (1/a + 1/b) for independent draws, and pq 2 rho more for dependent ones.
        guard a > 0, b > 0 else { return max(1, factor) }
        return max(1, factor, 1 + 2 * correlation * Dispersion.weight(a, b))
    }

    /// Draws that the difference of two shares is worth: half the harmonic mean, and at most the smaller side.
    static func weight(_ a: Double, _ b: Double) -> Double { a * b / (a + b) }

    /// Pearson's statistic of blocks of counts, each pair of blocks against what its own minute expects of both sides
    /// at the two sides' long-run shares: levels that move together, and a constant difference, are no dispersion.
    ///
    /// - Returns: nil with under `degreesMin` degrees of freedom.
    package static func measured(
        _ blocks: [(a: [Double], b: [Double])], degreesMin: Double = 20, largerBlock: Int = 15
    ) -> Dispersion? {
        guard let categories = blocks.first?.a.count else { return nil }
        let used = groups(blocks, categories: categories)
        let merged = blocks.map { (a: joined($0.a, used), b: joined($0.b, used)) }
        guard let short = pearson(merged, degreesMin: degreesMin) else { return nil }
        // Noise with a memory shows in larger blocks only.
        var large: [(a: [Double], b: [Double])] = []
        for start in stride(from: 0, to: merged.count - largerBlock + 1, by: largerBlock) {
            var sum = merged[start]
            for block in merged[start + 1..<start + largerBlock] {
                sum = (zip(sum.a, block.a).map { $0 + $1 }, zip(sum.b, block.b).map { $0 + $1 })
            }
            large.append(sum)
        }
        let long = pearson(large, degreesMin: 6)?.factor ?? 1
        let factor = max(1, short.factor, long)
        let excess = max(0, factor - 1)
        return Dispersion(factor: factor, correlation: min(1, excess / max(1, 2 * short.weight)))
    }

    /// Pearson's statistic over its degrees of freedom, and the mean weight of a block.
    private static func pearson(
        _ blocks: [(a: [Double], b: [Double])], degreesMin: Double
    ) -> (factor: Double, weight: Double)? {
        let used = blocks.filter { $0.a.reduce(0, +) > 0 && $0.b.reduce(0, +) > 0 }
        guard let categories = used.first?.a.count, categories > 1 else { return nil }
        let degrees = Double((used.count - 1) * (categories - 1))
        guard degrees >= degreesMin else { return nil }
        // The difference of shares that is always there, weighted as Mantel and Haenszel do.
        var weights = 0.0
        var differences = [Double](repeating: 0, count: categories)
        for block in used {
            let (totalA, totalB) = (block.a.reduce(0, +), block.b.reduce(0, +))
            let weight = weight(totalA, totalB)
            weights += weight
            for index in differences.indices {
                differences[index] += weight * (block.b[index] / totalB - block.a[index] / totalA)
            }
        }
        for index in differences.indices { differences[index] /= weights }
        // Shares of the whole stretch keep rare categories from dividing by nothing.
        let overall = MultinomialEvidence.shares(
            (0..<categories).map { index in used.reduce(0) { $0 + $1.a[index] + $1.b[index] } })
        var statistic = 0.0
        for block in used {
            let (totalA, totalB) = (block.a.reduce(0, +), block.b.reduce(0, +))
            let weight = weight(totalA, totalB)
            for index in 0..<categories {
                let difference = block.b[index] / totalB - block.a[index] / totalA - differences[index]
                statistic += weight * difference * difference / overall[index]
            }
        }
        return (statistic / degrees, weights / Double(used.count))
    }

    /// Pearson's statistic needs about one expected count: rarer categories are joined for the whole stretch.
    private static func groups(_ blocks: [(a: [Double], b: [Double])], categories: Int) -> [Int] {
        var evidence = MultinomialEvidence(categories: categories)
        var smaller: [Double] = []
        for block in blocks {
            evidence.add(block.a, block.b)
            smaller.append(min(block.a.reduce(0, +), block.b.reduce(0, +)))
        }
        return evidence.groups(expecting: max(1, OrderStatistics.median(smaller) ?? 1))
    }

    private static func joined(_ counts: [Double], _ groups: [Int]) -> [Double] {
        var output = [Double](repeating: 0, count: (groups.max() ?? -1) + 1)
        for (index, count) in counts.enumerated() { output[groups[index]] += count }
        return output
    }
}
