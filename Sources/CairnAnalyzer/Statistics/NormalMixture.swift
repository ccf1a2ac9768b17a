/// Evidence and bounds for a sum whose variance is known, valid at every time at once: the likelihood ratio averaged
/// over a normal distribution of effects (Robbins 1970; Howard, Ramdas, McAuliffe, Sekhon 2021, "Time-uniform
/// Chernoff bounds via nonnegative supermartingales", proposition 5).
package struct NormalMixture: Sendable, Hashable {
    /// How much variance the mixture is tuned to; it holds at any other too.
    package let rho: Double

    package init(rho: Double) {
        precondition(rho > 0, "a mixture needs a positive scale")
        self.rho = rho
    }

    /// Tightest where the sum's variance is `bestVariance`.
    package init(bestVariance: Double, alpha: Double, isOneSided: Bool) {
        let error = isOneSided ? 2 * alpha : alpha
        let nats = 2 * Mathematics.log(1 / error)
        self.init(rho: bestVariance / (nats + Mathematics.log(1 + nats)))
    }

    /// ln M for a sum that may lie on either side.
    package func logEvidence(sum: Double, variance: Double) -> Double {
        0.5 * Mathematics.log(rho / (variance + rho)) + sum * sum / (2 * (variance + rho))
    }

    /// ln M for a sum that counts only above zero.
    package func logEvidenceAbove(sum: Double, variance: Double) -> Double {
        let scale = variance + rho
        return 0.5 * Mathematics.log(4 * rho / scale) + sum * sum / (2 * scale)
            + Mathematics.logNormalBelow(sum / scale.squareRoot())
    }

    /// A sum without effect stays within plus and minus this forever, but for probability `alpha`.
    package func bound(variance: Double, alpha: Double) -> Double {
        ((variance + rho) * (Mathematics.log(1 + variance / rho) + 2 * Mathematics.log(1 / alpha))).squareRoot()
    }

    /// A sum without effect stays below this forever, but for probability `alpha`.
    package func boundAbove(variance: Double, alpha: Double) -> Double {
        let wanted = Mathematics.log(1 / alpha)
        var low = 0.0
        var high = bound(variance: variance, alpha: alpha) + 1
        while logEvidenceAbove(sum: high, variance: variance) < wanted { high *= 2 }
        for _ in 0..<100 {
            let middle = (low + high) / 2
            if logEvidenceAbove(sum: middle, variance: variance) < wanted { low = middle } else { high = middle }
        }
        return high
    }
}

/// An interval for a mean from averages and standard deviations alone, asymptotically valid at every time at once
/// (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas 2024, "Time-uniform central limit theory").
package struct AsymptoticConfidenceSequence: Sendable, Hashable {
    package let alpha: Double
    /// The rate; rho² in the paper.
    package let rate: Double

    /// - Parameter bestCount: the number of observations at which the interval is tightest.
    package init(alpha: Double, bestCount: Double) {
        precondition(alpha > 0 && alpha < 1 && bestCount > 0, "an interval needs an error and a count")
        self.alpha = alpha
        rate = (-Mathematics.lambertWLower(-alpha * alpha / Mathematics.exp(1)) - 1) / bestCount
    }

    /// Half the width for a standard deviation of 1 after `count` observations.
    package func margin(count: Double) -> Double {
        let scaled = count * rate + 1
        return (2 * scaled * Mathematics.log(scaled.squareRoot() / alpha) / (count * count * rate)).squareRoot()
    }

    /// The same boundary as a mixture over sums of variables with variance 1.
    package var mixture: NormalMixture { NormalMixture(rho: 1 / rate) }
}
