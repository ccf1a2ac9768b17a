/// How much a share of requests differs between two clusters (F4), from what was counted: an interval that holds at
/// every time at once, whatever the common level did meanwhile and however the traffic was divided.
struct RateDifference: Sendable, Hashable {
    var effect: Double
    var low: Double
    var high: Double

    static let unknown = RateDifference(effect: 0, low: -1, high: 1)

    /// - Parameters:
    ///   - hits: of the first and the second cluster.
    ///   - expected: hits of the second one if both had the same share in every minute: each minute's hits of both times
    ///     the second one's part of that minute's requests.
    ///   - draws: requests of the two.
    ///   - temper: variance over that of independent requests.
    static func estimate(
        hits: (Double, Double), expected: Double, draws: (Double, Double), temper: Double, alpha: Double
    ) -> RateDifference {
        guard draws.0 > 0, draws.1 > 0 else { return .unknown }
        let total = hits.0 + hits.1
        let pooled = total / (draws.0 + draws.1)
        if pooled > 0.5 {
            // Rare is what is told apart well: of two shares that sum to 1 the smaller one is compared.
            let turned = estimate(
                hits: (max(0, draws.0 - hits.0), max(0, draws.1 - hits.1)), expected: max(0, draws.1 - expected),
                draws: draws, temper: temper, alpha: alpha)
            return RateDifference(effect: -turned.effect, low: -turned.high, high: -turned.low)
        }
        // Draws that are not so rare vary less than Poisson's.
        let scale = max(1e-9, temper * (1 - pooled))
        let nats = Mathematics.log(2 / alpha)
        let root = (total / scale).squareRoot()
        let most = scale * (root + nats.squareRoot()) * (root + nats.squareRoot())
        let least = scale * max(0, root - nats.squareRoot()) * max(0, root - nats.squareRoot())
        func difference(_ ratio: Double, _ total: Double) -> Double {
            let factor = Mathematics.exp(min(30, max(-30, ratio)))
            return total * (factor - 1) / (draws.0 + draws.1 * factor)
        }
        let share = total > 0 ? expected / total : draws.1 / (draws.0 + draws.1)
        guard total > 0,
            let ratios = MultinomialConfidence.logRateRatio(
                hits.0 / scale, hits.1 / scale, share: min(1 - 1e-9, max(1e-9, share)), alpha: alpha / 2)
        else {
            return RateDifference(effect: 0, low: max(-1, -most / draws.0), high: min(1, most / draws.1))
        }
        // A side without a hit: as if it had half of one, which keeps the estimate finite.
        let ratio = Mathematics.log(
            max(hits.1, 0.5 * min(1, hits.0)) / max(hits.0, 0.5 * min(1, hits.1)) * (1 - share) / share)
        let effect = difference(ratio, total)
        let (below, above) = (ratios.lowerBound, ratios.upperBound)
        return RateDifference(
            effect: effect, low: max(-1, min(effect, difference(below, below < 0 ? most : least))),
            high: min(1, max(effect, difference(above, above > 0 ? most : least))))
    }
}
