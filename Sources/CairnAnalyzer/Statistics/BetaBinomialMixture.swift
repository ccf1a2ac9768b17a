/// Evidence for sums of variables that lie between -g and h, Bernoulli draws above all: the likelihood ratio averaged over
/// a beta distribution (F2; Howard, Ramdas, McAuliffe, Sekhon 2021, proposition 7). Exact for Bernoulli draws, where the
/// normal mixture is too wide, and never wrong where it is too narrow.
package struct BetaBinomialMixture: Sendable, Hashable {
    package let g: Double
    package let h: Double
    private let scale: Double
    private let end: Double
    private let normalizer: Double

    /// - Parameters:
    ///   - bestVariance: tightest where the sum's variance is this.
    ///   - alpha: the error it is tuned for; it holds at any other too.
    package init(bestVariance: Double, alpha: Double, g: Double, h: Double, isOneSided: Bool = false) {
        let error = isOneSided ? 2 * alpha : alpha
        let nats = 2 * Mathematics.log(1 / error)
        let rho = bestVariance / (nats + Mathematics.log(1 + nats))
        self.g = g
        self.h = h
        scale = max(rho - g * h, 0.001 * g * h)
        end = isOneSided ? h / (g + h) : 1
        normalizer = Mathematics.logIncompleteBeta(end, scale / (g * (g + h)), scale / (h * (g + h)))
    }

    /// For draws that are 1 with probability `share`, tightest at `bestCount` of them.
    package init(share: Double, bestCount: Double, alpha: Double) {
        self.init(bestVariance: bestCount * share * (1 - share), alpha: alpha, g: share, h: 1 - share)
    }

    /// ln M of a sum and its variance under the hypothesis; -infinity never, infinity for an impossible sum.
    package func logEvidence(sum: Double, variance: Double) -> Double {
        let below = g * (g + h)
        let above = h * (g + h)
        let losses = (scale + variance - g * sum) / below
        let wins = (scale + variance + h * sum) / above
        guard losses > 0, wins > 0 else { return .infinity }
        return variance / (g * h) * Mathematics.log(g + h) - (variance + h * sum) / above * Mathematics.log(g)
            - (variance - g * sum) / below * Mathematics.log(h)
            + Mathematics.logIncompleteBeta(end, losses, wins) - normalizer
    }

    /// A sum without effect stays below this forever, but for probability `alpha`.
    package func bound(variance: Double, alpha: Double) -> Double {
        let wanted = Mathematics.log(1 / alpha)
        let most = variance / g
        guard logEvidence(sum: most * (1 - 1e-12), variance: variance) > wanted else { return most }
        return Mathematics.root(low: 0, high: most) { logEvidence(sum: $0, variance: variance) - wanted }
    }
}

/// The share of successes that is still possible after any number of looks.
package enum BernoulliConfidence {
    /// The interval that holds the true share at every time at once with probability 1 - `alpha`.
    ///
    /// - Parameter bestCount: tightest after this many draws.
    package static func interval(
        successes: Double, draws: Double, alpha: Double, bestCount: Double, tunedAlpha: Double = 0.05
    ) -> ClosedRange<Double> {
        guard draws > 0 else { return 0...1 }
        let found = min(1, max(0, successes / draws))
        let excess: (Double) -> Double = { share in
            let mixture = BetaBinomialMixture(share: share, bestCount: bestCount, alpha: tunedAlpha)
            return mixture.logEvidence(sum: (found - share) * draws, variance: share * (1 - share) * draws)
                - Mathematics.log(1 / alpha)
        }
        // Nearer to the ends the mixture has no variance to work with.
        let edge = 1e-12
        let low = found <= edge || excess(edge) < 0 ? 0 : Mathematics.root(low: edge, high: found, excess)
        let high = found >= 1 - edge || excess(1 - edge) < 0 ? 1 : Mathematics.root(low: found, high: 1 - edge, excess)
        return low...high
    }
}
