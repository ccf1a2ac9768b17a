#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The few functions of mathematics the tests need, without Foundation. What the C library is not trusted to give the
/// same on every platform (the logarithm of the gamma function) or does not have (Lambert W) is written out.
enum Mathematics {
    static func log(_ value: Double) -> Double {
        #if canImport(Darwin)
            Darwin.log(value)
        #elseif canImport(Musl)
            Musl.log(value)
        #else
            Glibc.log(value)
        #endif
    }

    static func exp(_ value: Double) -> Double {
        #if canImport(Darwin)
            Darwin.exp(value)
        #elseif canImport(Musl)
            Musl.exp(value)
        #else
            Glibc.exp(value)
        #endif
    }

    static func sin(_ value: Double) -> Double {
        #if canImport(Darwin)
            Darwin.sin(value)
        #elseif canImport(Musl)
            Musl.sin(value)
        #else
            Glibc.sin(value)
        #endif
    }

    static func cos(_ value: Double) -> Double {
        #if canImport(Darwin)
            Darwin.cos(value)
        #elseif canImport(Musl)
            Musl.cos(value)
        #else
            Glibc.cos(value)
        #endif
    }

    private static func complementaryErrorFunction(_ value: Double) -> Double {
        #if canImport(Darwin)
            Darwin.erfc(value)
        #elseif canImport(Musl)
            Musl.erfc(value)
        #else
            Glibc.erfc(value)
        #endif
    }

    /// ln(1 + x), exact for tiny x.
    static func log1p(_ value: Double) -> Double {
        let sum = 1 + value
        return sum == 1 ? value : log(sum) * value / (sum - 1)
    }

    static func log10(_ value: Double) -> Double { log(value) / 2.302585092994046 }

    /// ln Γ(x) for x > 0, by the approximation of Lanczos (g = 7, nine terms), to about 1e-14. NaN for anything else.
    static func logGamma(_ value: Double) -> Double {
        guard value > 0 else { return .nan }
        // Below one half the series loses digits; the recurrence moves up.
        guard value >= 0.5 else { return logGamma(value + 1) - log(value) }
        let coefficients = [
            676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
            -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
        ]
        let shifted = value - 1
        var series = 0.99999999999980993
        for (index, coefficient) in coefficients.enumerated() { series += coefficient / (shifted + Double(index + 1)) }
        let base = shifted + 7.5
        return 0.5 * log(2 * Double.pi) + (shifted + 0.5) * log(base) - base + log(series)
    }

    /// The branch of Lambert's W below -1: the w with w e^w = `value`, for -1/e <= value < 0.
    static func lambertWLower(_ value: Double) -> Double {
        precondition(value < 0 && value >= -1 / exp(1) - 1e-12, "W below -1 exists from -1/e to 0 only")
        // The start by Corless et al. 1996: two logarithms far from the branch point, a square root near it.
        let near = 2 * (1 + exp(1) * value)
        var guess: Double
        if value < -0.25 {
            guess = -1 - max(0, near).squareRoot()
        } else {
            let first = log(-value)
            guess = first - log(-first)
        }
        for _ in 0..<50 {
            // Newton on w + ln(-w) = ln(-value), which stays finite where e^w does not.
            guard guess < -1 else { return -1 }
            let step = (guess + log(-guess) - log(-value)) / (1 + 1 / guess)
            let next = min(guess - step, -1 - 1e-15)
            if (next - guess).magnitude <= 1e-14 * guess.magnitude { return next }
            guess = next
        }
        return guess
    }

    /// ln Φ(z) of the standard normal distribution, also far below zero, where Φ itself is 0.
    static func logNormalBelow(_ z: Double) -> Double {
        if z > -30 { return log(0.5 * complementaryErrorFunction(-z / 2.0.squareRoot())) }
        // The first terms of the asymptotic series; their error at -30 is below 1e-8.
        let square = z * z
        return -0.5 * square - log(-z) - 0.5 * log(2 * Double.pi) + log1p(-1 / square + 3 / (square * square))
    }

    /// The value that a standard normal variable exceeds with probability `tail`, for tails up to one half.
    static func normalQuantile(upperTail tail: Double) -> Double {
        precondition(tail > 0 && tail <= 0.5, "an upper tail is a probability up to one half")
        var low = 0.0
        var high = 40.0
        for _ in 0..<80 {
            let middle = (low + high) / 2
            if logNormalBelow(-middle) > log(tail) { low = middle } else { high = middle }
        }
        return low
    }

    /// ln(e^a + e^b) without overflow.
    static func logOfSum(_ one: Double, _ other: Double) -> Double {
        let larger = max(one, other)
        guard larger > -.infinity else { return larger }
        return larger + log1p(exp(min(one, other) - larger))
    }
}

/// Order statistics of small samples.
enum OrderStatistics {
    /// Linear between neighbours (type 7); nil for nothing.
    static func quantile(_ values: [Double], _ rank: Double) -> Double? {
        sortedQuantile(values.sorted(), rank)
    }

    static func sortedQuantile(_ sorted: [Double], _ rank: Double) -> Double? {
        guard let last = sorted.indices.last else { return nil }
        let place = max(0, min(1, rank)) * Double(last)
        let below = Int(place)
        guard below < last else { return sorted[last] }
        return sorted[below] + (sorted[below + 1] - sorted[below]) * (place - Double(below))
    }

    static func median(_ values: [Double]) -> Double? { quantile(values, 0.5) }

    /// The median absolute deviation, scaled so that it estimates the standard deviation of normal data.
    static func scaledDeviation(_ values: [Double]) -> Double? {
        guard let center = median(values) else { return nil }
        return median(values.map { ($0 - center).magnitude }).map { $0 * 1.4826 }
    }

    static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

    /// The unbiased variance; 0 for fewer than two values.
    static func variance(_ values: [Double]) -> Double {
        guard values.count > 1 else { return 0 }
        let center = mean(values)
        return values.reduce(0) { $0 + ($1 - center) * ($1 - center) } / Double(values.count - 1)
    }
}
