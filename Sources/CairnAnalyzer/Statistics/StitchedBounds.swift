/// Bounds put together from one for each doubling of time, in closed form: as tight as the law of the iterated logarithm
/// allows, a little wider than a mixture near where that is tuned.
package enum StitchedBounds {
    private static let growth = 2.0
    private static let decay = 1.4
    private static let rootFactor =
        (Mathematics.power(growth, 0.25) + Mathematics.power(growth, -0.25)) / 2.0.squareRoot()
    private static let scaleFactor = (growth.squareRoot() + 1) / 2

    /// A sum of variance `variance` without effect stays below this forever, but for probability `alpha` (Howard, Ramdas,
    /// McAuliffe, Sekhon 2021, theorem 1).
    ///
    /// - Parameters:
    ///   - leastVariance: the bound starts there.
    ///   - scale: of the tail; 0 for sub-Gaussian sums, below 0 for sums that are bounded above.
    package static func polynomial(variance: Double, alpha: Double, leastVariance: Double, scale: Double) -> Double {
        let variance = max(variance, leastVariance)
        let nats =
            decay * Mathematics.log(Mathematics.log(growth * variance / leastVariance))
            + Mathematics.log(Mathematics.zeta(decay) / (alpha * Mathematics.power(Mathematics.log(growth), decay)))
        let tail = scaleFactor * scale * nats
        return (rootFactor * rootFactor * variance * nats + tail * tail).squareRoot() + tail
    }

    /// How far the count below the quantile of rank `rank` strays from its mean, for all ranks and times at once (Howard,
    /// Ramdas 2022, "Sequential estimation of quantiles", theorem 3).
    ///
    /// - Parameters:
    ///   - count: of values so far.
    ///   - firstCount: the bound starts there.
    package static func quantile(rank: Double, count: Double, alpha: Double, firstCount: Double) -> Double {
        let step = 0.5
        let count = max(count, firstCount)
        let logit = Mathematics.log(rank / (1 - rank))
        let shifted = logit + 2 * step * (firstCount * growth / count).squareRoot()
        let worst = rank >= 0.5 ? rank : min(0.5, 1 / (1 + Mathematics.exp(-shifted)))
        let variance = worst * (1 - worst)
        let grid = (count / firstCount).squareRoot() * logit.magnitude / (2 * step) + 1
        let zeta = Mathematics.zeta(decay)
        let nats =
            decay * Mathematics.log(Mathematics.log(growth * count / firstCount)) + decay * Mathematics.log(grid)
            + Mathematics.log(
                2 * zeta * (2 * zeta + 1) / (alpha * Mathematics.power(Mathematics.log(growth), decay)))
        let tail = scaleFactor * (1 - 2 * rank) / 3 * nats
        return step * (growth * count * variance / firstCount).squareRoot()
            + (rootFactor * rootFactor * variance * count * nats + tail * tail).squareRoot() + tail
    }
}

/// How far the distribution of values seen strays from the true one, at any value and any time (F5; Howard, Ramdas 2022,
/// theorem 2). Two clusters differ where their distributions are further apart than both bands.
package struct DistributionBand: Sendable, Hashable {
    package let firstCount: Double
    private let factor: Double
    private let constant: Double

    /// - Parameters:
    ///   - alpha: the probability that the band is ever left.
    ///   - firstCount: the band starts after this many values.
    package init(alpha: Double, firstCount: Double, factor: Double = 0.85) {
        self.firstCount = firstCount
        self.factor = factor
        constant = Mathematics.root(low: 2, high: 200) {
            DistributionBand.leastError(constant: $0, factor: factor) - Mathematics.log(alpha)
        }
    }

    /// The half width of the band, as a share; infinite before it starts.
    package func halfWidth(count: Double) -> Double {
        guard count >= firstCount else { return .infinity }
        return factor * ((Mathematics.log(1 + Mathematics.log(count / firstCount)) + constant) / count).squareRoot()
    }

    /// ln of the least probability of leaving the band, over the spacing of the times it is shown at.
    private static func leastError(constant: Double, factor: Double) -> Double {
        // Up to the spacing at which the exponent falls to 1 there is a valley.
        let exponent: (Double) -> Double = { spacing in
            let gap = factor - (2 * (spacing - 1) / constant).squareRoot()
            return gap <= 0 ? 0 : 2 / spacing * gap * gap
        }
        let last = Mathematics.root(low: 1, high: 2 * factor * factor) { 1 - exponent($0) }
        let error: (Double) -> Double = { spacing in
            let power = exponent(spacing)
            guard power > 1 else { return .greatestFiniteMagnitude }
            return Mathematics.log(4) - power * constant
                + Mathematics.log(1 + 1 / ((power - 1) * Mathematics.log(spacing)))
        }
        return error(Mathematics.valley(low: 1 + 1e-9, high: last, error))
    }
}
