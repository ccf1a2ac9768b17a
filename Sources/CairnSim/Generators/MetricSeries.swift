package import CairnSeries

/// One generated series: its key, and as many times as values.
package struct MetricSeries: Sendable {
    package var key: SeriesKey
    package var timesMs: [Int64]
    package var values: [Double]

    package init(key: SeriesKey, timesMs: [Int64], values: [Double]) {
        self.key = key
        self.timesMs = timesMs
        self.values = values
    }

    package var samples: [Sample] { zip(timesMs, values).map { Sample(timeMs: $0, value: $1) } }
}

extension SimulatedRandom {
    /// A number from the normal distribution, from twelve uniform ones (Irwin and Hall): no logarithm whose last digit
    /// differs between systems, and tails that end at six deviations.
    mutating func normal(mean: Double = 0, deviation: Double = 1) -> Double {
        var sum = -6.0
        for _ in 0..<12 { sum += Double(next() >> 11) / 9_007_199_254_740_992 }
        return mean + deviation * sum
    }

    mutating func uniform(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * Double(next() >> 11) / 9_007_199_254_740_991
    }

    mutating func integer(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    /// Events in an interval with this mean, by Knuth's product for small means and a rounded normal for large ones.
    mutating func count(mean: Double) -> Int {
        guard mean < 30 else { return max(0, Int(normal(mean: mean, deviation: mean.squareRoot()).rounded())) }
        // The power series of exp is exact enough for a mean below 30 when squared up from a fraction.
        var limit = 1.0
        let part = mean / 64
        for index in (1...8).reversed() { limit = 1 - part / Double(index) * limit }
        for _ in 0..<6 { limit *= limit }
        var product = uniform(0...1)
        var events = 0
        while product > limit, events < 1000 {
            events += 1
            product *= uniform(0...1)
        }
        return events
    }
}
