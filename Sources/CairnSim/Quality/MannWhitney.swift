/// The confidence interval of a shift between two samples by inverting the Mann-Whitney test with a normal
/// approximation, continuity and tie correction, as R's wilcox.test and Kayenta do it.
package enum MannWhitney {
    package struct Interval: Sendable, Hashable {
        package var low: Double
        package var high: Double
        /// Hodges and Lehmann's.
        package var estimate: Double
    }

    /// Of x over y, at so many standard deviations to both sides. The ends are roots found to an absolute 1e-4, whatever the scale of the data: that is how the
    /// original behaves, and why its verdicts depend on units.
    package static func interval(_ x: [Double], _ y: [Double], deviations: Double) -> Interval {
        precondition(!x.isEmpty && !y.isEmpty && deviations > 0, "both samples have values")
        var x = x
        var y = y
        if Set(x).count == 1, Set(y).count == 1 {
            // Two constants have no ranks to test: the original adds a little noise, here the same one every time.
            var random = SimulatedRandom(seed: 1)
            x = x.map { random.normal(mean: $0, deviation: 1e-5 * $0) }
            y = y.map { random.normal(mean: $0, deviation: 1e-5 * $0) }
        }
        let lowest = (x.min() ?? 0) - (y.max() ?? 0)
        let highest = (x.max() ?? 0) - (y.min() ?? 0)
        guard lowest < highest else { return Interval(low: lowest, high: highest, estimate: lowest) }
        func root(_ quantile: Double) -> Double {
            func test(_ shift: Double) -> Double { statistic(x, y, shift: shift) - quantile }
            if test(lowest) <= 0 { return lowest }
            if test(highest) >= 0 { return highest }
            // The original first halves the range.
            let middle = lowest + (highest - lowest) / 2
            let isLower = test(middle) <= 0
            return brentRoot(test, isLower ? lowest : middle, isLower ? middle : highest, tolerance: 1e-4)
        }
        return Interval(low: root(deviations), high: root(-deviations), estimate: root(0))
    }

    /// The probability that a value of x is above one of y.
    package static func commonLanguageEffect(_ x: [Double], _ y: [Double]) -> Double {
        let sizes = Double(x.count * y.count)
        return rankSum(x, y).sum / sizes - Double(x.count + 1) / (2 * Double(y.count))
    }

    /// The standardized rank sum of x - shift among both.
    private static func statistic(_ x: [Double], _ y: [Double], shift: Double) -> Double {
        let (sum, ties) = rankSum(x.map { $0 - shift }, y)
        let n = Double(x.count)
        let m = Double(y.count)
        let centered = sum - n * (n + 1) / 2 - n * m / 2
        let correction = centered == 0 ? 0 : (centered > 0 ? 0.5 : -0.5)
        let variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
        return variance > 0 ? (centered - correction) / variance.squareRoot() : 0
    }

    /// The sum of the ranks of x among both, ties averaged, and the sum of t³ - t over groups of ties.
    private static func rankSum(_ x: [Double], _ y: [Double]) -> (sum: Double, ties: Double) {
        let all = (x.map { ($0, true) } + y.map { ($0, false) }).sorted { $0.0 < $1.0 }
        var sum = 0.0
        var ties = 0.0
        var start = 0
        while start < all.count {
            var end = start
            while end < all.count, all[end].0 == all[start].0 { end += 1 }
            let rank = Double(start + 1 + end) / 2
            for item in all[start..<end] where item.1 { sum += rank }
            let size = Double(end - start)
            ties += size * size * size - size
            start = end
        }
        return (sum, ties)
    }

    /// Brent's method (1973): inverse quadratic steps, bisection where they do not help.
    static func brentRoot(
        _ function: (Double) -> Double, _ first: Double, _ second: Double, tolerance: Double
    ) -> Double {
        var (a, b) = (first, second)
        var (fa, fb) = (function(a), function(b))
        var (c, fc) = (a, fa)
        var step = b - a
        var previous = step
        for _ in 0..<1000 {
            if fc.magnitude < fb.magnitude {
                (a, b, c) = (b, c, b)
                (fa, fb, fc) = (fb, fc, fb)
            }
            let near = 2 * 1e-14 * b.magnitude + tolerance
            let half = (c - b) / 2
            if half.magnitude <= near || fb.magnitude <= 1e-15 { return b }
            if previous.magnitude < near || fa.magnitude <= fb.magnitude {
                (step, previous) = (half, half)
            } else {
                var (p, q) = (0.0, 0.0)
                let s = fb / fa
                if a == c {
                    p = 2 * half * s
                    q = 1 - s
                } else {
                    let r = fb / fc
                    let t = fa / fc
                    p = s * (2 * half * t * (t - r) - (b - a) * (r - 1))
                    q = (t - 1) * (r - 1) * (s - 1)
                }
                if p > 0 { q = -q } else { p = -p }
                if p < 1.5 * half * q - (near * q).magnitude, p < (0.5 * previous * q).magnitude {
                    (previous, step) = (step, p / q)
                } else {
                    (step, previous) = (half, half)
                }
            }
            (a, fa) = (b, fb)
            b += step.magnitude > near ? step : (half > 0 ? near : -near)
            fb = function(b)
            if (fb > 0) == (fc > 0) {
                (c, fc) = (a, fa)
                (step, previous) = (b - a, b - a)
            }
        }
        return b
    }
}
