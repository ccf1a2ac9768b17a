/// How long a series remembers, and how much its mean wanders because of that.
package enum Autocorrelation {
    /// The correlation of a series with itself `lag` steps later; missing steps are NaN. 0 if there is nothing to say.
    package static func at(lag: Int, of values: [Double]) -> Double {
        let present = values.filter { !$0.isNaN }
        guard present.count > lag + 2 else { return 0 }
        let center = OrderStatistics.mean(present)
        let spread = present.reduce(0) { $0 + ($1 - center) * ($1 - center) } / Double(present.count)
        guard spread > 0 else { return 0 }
        var sum = 0.0
        var pairs = 0
        for index in values.indices.dropLast(lag) {
            let product = (values[index] - center) * (values[index + lag] - center)
            guard !product.isNaN else { continue }
            sum += product
            pairs += 1
        }
        return pairs < 3 ? 0 : sum / Double(pairs) / spread
    }

    /// The first lag with a correlation below 0.1, between the two limits: means of blocks of that many steps are
    /// nearly independent.
    package static func blockLength(of values: [Double], floor: Int, cap: Int) -> Int {
        guard floor < cap else { return max(1, floor) }
        return (max(1, floor)..<cap).first { at(lag: $0, of: values) < 0.1 } ?? cap
    }

    /// Means of whole blocks; missing steps are NaN, and a block with under half of its steps is left out.
    package static func blockMeans(of values: [Double], length: Int) -> [Double] {
        stride(from: 0, to: values.count - length + 1, by: length).compactMap { start in
            let present = values[start..<start + length].filter { !$0.isNaN }
            return present.count * 2 >= length && !present.isEmpty ? OrderStatistics.mean(present) : nil
        }
    }

    /// The variance that a block adds to a long sum, over its length; a change of level counts once and not in every
    /// block. Nil with fewer than `blocksMin` blocks.
    ///
    /// It is raised to what the true variance stays below in nineteen cases of twenty: with few blocks the estimate
    /// itself is uncertain, and too small a variance would be a false alarm.
    package static func variance(ofBlockMeans means: [Double], blocksMin: Int = 3) -> Double? {
        guard means.count >= max(2, blocksMin) else { return nil }
        let squares = zip(means, means.dropFirst()).map { ($1 - $0) * ($1 - $0) / 2 }
        return variance(
            plain: OrderStatistics.variance(means), changes: OrderStatistics.mean(squares), count: Double(means.count))
    }

    /// - Parameters:
    ///   - plain: the variance of the means.
    ///   - changes: half the mean squared step between neighbours. Where neighbours are alike it is the smaller one, and
    ///     what is left of the memory makes a long sum wander more than either says.
    ///   - doubt: how much of what seems to be left is believed; of few blocks more, since they show too little of it.
    static func variance(plain: Double, changes: Double, count: Double, doubt: Double = 1) -> Double {
        let memory = plain > 0 ? min(0.45, max(0, 1 - changes / plain)) : 0
        return max(plain * 0.5, min(plain * (1 + doubt * memory), 2 * changes)) / caution(degrees: count - 1)
    }

    /// The twentieth part of a chi-square distribution over its degrees (Wilson and Hilferty's cube).
    static func caution(degrees: Double) -> Double {
        let spread = 2 / (9 * degrees)
        let root = 1 - spread - 1.645 * spread.squareRoot()
        return max(0.05, root * root * root)
    }
}
