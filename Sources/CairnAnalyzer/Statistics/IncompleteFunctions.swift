/// Incomplete gamma and beta functions and Riemann's zeta, to about 1e-12: what the mixtures are integrals of.
extension Mathematics {
    /// Steps of a series or continued fraction; arguments of a million need some thousands.
    private static let iterationsMax = 100_000
    private static let tiny = 1e-300

    /// ln of the regularised lower incomplete gamma function P(a, x), for a > 0 and x >= 0.
    static func logGammaP(_ a: Double, _ x: Double) -> Double {
        guard x > 0 else { return -.infinity }
        // Below the mean the series converges fast, above it the continued fraction of the other tail.
        return x < a + 1 ? logGammaSeries(a, x) : log1p(-exp(logGammaFraction(a, x)))
    }

    /// ln of the regularised upper incomplete gamma function Q(a, x).
    static func logGammaQ(_ a: Double, _ x: Double) -> Double {
        guard x > 0 else { return 0 }
        return x < a + 1 ? log1p(-exp(logGammaSeries(a, x))) : logGammaFraction(a, x)
    }

    private static func logGammaSeries(_ a: Double, _ x: Double) -> Double {
        var term = 1 / a
        var sum = term
        var index = a
        for _ in 0..<iterationsMax {
            index += 1
            term *= x / index
            sum += term
            if term < sum * 1e-16 { break }
        }
        return log(sum) - x + a * log(x) - logGamma(a)
    }

    /// The continued fraction of Lentz, as Numerical Recipes (6.2) arranges it.
    private static func logGammaFraction(_ a: Double, _ x: Double) -> Double {
        var b = x + 1 - a
        var c = 1 / tiny
        var d = 1 / b
        var product = d
        for step in 1...iterationsMax {
            let factor = -Double(step) * (Double(step) - a)
            b += 2
            d = 1 / notTiny(factor * d + b)
            c = notTiny(b + factor / c)
            let change = d * c
            product *= change
            if (change - 1).magnitude < 1e-15 { break }
        }
        return log(product) - x + a * log(x) - logGamma(a)
    }

    /// ln B(a, b).
    static func logBeta(_ a: Double, _ b: Double) -> Double { logGamma(a) + logGamma(b) - logGamma(a + b) }

    /// ln of the incomplete beta function B_x(a, b), not regularised, for x in (0, 1].
    static func logIncompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
        guard x < 1 else { return logBeta(a, b) }
        let front = a * log(x) + b * log1p(-x)
        if x < (a + 1) / (a + b + 2) { return front - log(a) + log(betaFraction(x, a, b)) }
        let whole = logBeta(a, b)
        let rest = front - log(b) + log(betaFraction(1 - x, b, a))
        return whole + log1p(-exp(min(0, rest - whole)))
    }

    /// The continued fraction of the incomplete beta function (Numerical Recipes 6.4).
    private static func betaFraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
        var c = 1.0
        var d = 1 / notTiny(1 - (a + b) * x / (a + 1))
        var product = d
        for step in 1...iterationsMax {
            let index = Double(step)
            for factor in [
                index * (b - index) * x / ((a + 2 * index - 1) * (a + 2 * index)),
                -(a + index) * (a + b + index) * x / ((a + 2 * index) * (a + 2 * index + 1)),
            ] {
                d = 1 / notTiny(1 + factor * d)
                c = notTiny(1 + factor / c)
                product *= d * c
            }
            if (d * c - 1).magnitude < 1e-15 { break }
        }
        return product
    }

    private static func notTiny(_ value: Double) -> Double { value.magnitude < tiny ? tiny : value }

    /// Riemann's zeta of s > 1: twenty terms, and Euler and Maclaurin's formula for the rest.
    static func zeta(_ s: Double) -> Double {
        let terms = 20.0
        var sum = 0.0
        for index in 1..<20 { sum += power(Double(index), -s) }
        let last = power(terms, -s)
        sum += last * terms / (s - 1) + last / 2
        // Bernoulli numbers 1/6, -1/30, 1/42 over 2!, 4!, 6!, with the rising product of s.
        let square = terms * terms
        var rising = s
        var scale = last / terms
        sum += rising * scale / 12
        rising *= (s + 1) * (s + 2)
        scale /= square
        sum -= rising * scale / 720
        rising *= (s + 3) * (s + 4)
        scale /= square
        return sum + rising * scale / 30_240
    }

    static func power(_ base: Double, _ exponent: Double) -> Double { exp(exponent * log(base)) }

    /// Where a function that is negative at `low` and not at `high` (or the other way round) passes zero.
    static func root(low: Double, high: Double, steps: Int = 200, _ function: (Double) -> Double) -> Double {
        var (low, high) = (low, high)
        let isNegativeBelow = function(low) < 0
        for _ in 0..<steps {
            let middle = (low + high) / 2
            guard middle > low, middle < high else { break }
            if (function(middle) < 0) == isNegativeBelow { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    /// The place of the least value of a function with one valley, by golden section.
    static func valley(low: Double, high: Double, steps: Int = 120, _ function: (Double) -> Double) -> Double {
        let ratio = (5.0.squareRoot() - 1) / 2
        var (low, high) = (low, high)
        var left = high - ratio * (high - low)
        var right = low + ratio * (high - low)
        var (atLeft, atRight) = (function(left), function(right))
        for _ in 0..<steps where high - low > 1e-15 * max(1, high.magnitude) {
            if atLeft <= atRight {
                (high, right, atRight) = (right, left, atLeft)
                left = high - ratio * (high - low)
                atLeft = function(left)
            } else {
                (low, left, atLeft) = (left, right, atRight)
                right = low + ratio * (high - low)
                atRight = function(right)
            }
        }
        return (low + high) / 2
    }
}
