/// Counts of categories against shares that are expected, at every time at once (F4; Lindon, Malek 2022, "Anytime-valid
/// inference for multinomial count data"): what the test says, and which shares remain possible.
package struct MultinomialConfidence: Sendable, Hashable {
    /// How much the prior is drawn to the expected shares; that of the paper's examples.
    package static let concentration = 100.0

    private let expected: [Double]
    private let prior: [Double]

    /// - Parameter expected: shares that sum to 1, each above 0.
    package init(expected: [Double], concentration: Double = MultinomialConfidence.concentration) {
        self.expected = expected
        prior = expected.map { $0 * concentration }
    }

    /// ln of the Bayes factor against the expected shares.
    package func nats(_ counts: [Double]) -> Double {
        zip(counts, expected).reduce(gain(counts)) { $0 - $1.0 * Mathematics.log($1.1) }
    }

    /// Whether these shares are among those that hold the truth with probability 1 - `alpha`, forever.
    package func allows(_ shares: [Double], _ counts: [Double], alpha: Double) -> Bool {
        let fit = zip(counts, shares).reduce(0.0) { $1.0 == 0 ? $0 : $0 + $1.0 * Mathematics.log($1.1) }
        return fit >= gain(counts) + Mathematics.log(alpha)
    }

    /// The log ratios of rates of two clusters that remain possible, where the second one's share of the draws is
    /// expected to be `share`: counts of two clusters are binomial given their sum, whatever the common rate does.
    package static func logRateRatio(
        _ first: Double, _ second: Double, share: Double, alpha: Double
    ) -> ClosedRange<Double>? {
        guard share > 0, share < 1, first + second > 0 else { return nil }
        let test = MultinomialConfidence(expected: [1 - share, share])
        let wanted = test.gain([first, second]) + Mathematics.log(alpha)
        let allowed: (Double) -> Bool = { ratio in
            let weight = share * Mathematics.exp(ratio)
            let total = Mathematics.log(1 - share + weight)
            let fitFirst = first == 0 ? 0 : first * (Mathematics.log(1 - share) - total)
            let fitSecond = second == 0 ? 0 : second * (Mathematics.log(weight) - total)
            return fitFirst + fitSecond >= wanted
        }
        // The ratio that fits best is inside; with nothing on one side it is as far out as doubles tell apart.
        let limit = 30.0
        let best = max(
            -limit, min(limit, Mathematics.log(max(second, 1e-9) / max(first, 1e-9) * (1 - share) / share)))
        let sign: (Double) -> Double = { allowed($0) ? 1 : -1 }
        let low = allowed(-limit) ? -limit : Mathematics.root(low: -limit, high: best, sign)
        let high = allowed(limit) ? limit : Mathematics.root(low: best, high: limit, sign)
        return min(low, high)...max(low, high)
    }

    private func gain(_ counts: [Double]) -> Double {
        MultinomialConfidence.logBeta(zip(prior, counts).map { $0 + $1 }) - MultinomialConfidence.logBeta(prior)
    }

    private static func logBeta(_ parameters: [Double]) -> Double {
        parameters.reduce(0) { $0 + Mathematics.logGamma($1) } - Mathematics.logGamma(parameters.reduce(0, +))
    }
}
