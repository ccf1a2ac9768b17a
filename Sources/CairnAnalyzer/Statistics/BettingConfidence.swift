/// The mean of values between 0 and 1, at every time at once, by betting against each candidate (F9; Waudby-Smith, Ramdas
/// 2024, "Estimating means of bounded random variables by betting"): for availability and readiness a block, where little
/// varies and a bound for the worst variance would say nothing for hours.
package struct BettingConfidence: Sendable {
    /// Candidates a hundredth of a point apart would be 10,001; the interval is as coarse as its steps.
    package static let candidatesMax = 4001
    /// No bet may lose more than half of what there is.
    private static let stake = 0.5

    private let alpha: Double
    private let candidates: [Double]
    /// ln of the capital of betting on a higher and on a lower mean.
    private var higher: [Double]
    private var lower: [Double]
    private var count = 0.0
    private var sum = 0.5
    private var squares = 0.25
    private var variance = 0.25
    private var possible: ClosedRange<Double> = 0...1

    /// - Parameter steps: candidates between 0 and 1.
    package init(alpha: Double, steps: Int = 1000) {
        self.alpha = alpha
        let steps = max(2, min(BettingConfidence.candidatesMax - 1, steps))
        candidates = (0...steps).map { Double($0) / Double(steps) }
        higher = [Double](repeating: 0, count: candidates.count)
        lower = higher
    }

    /// Takes the next value, which is clamped to 0...1.
    package mutating func add(_ value: Double) {
        let value = min(1, max(0, value))
        count += 1
        // The bet rests on earlier values alone.
        let bet =
            (2 * Mathematics.log(2 / alpha) / (variance * count * Mathematics.log(1 + count))).squareRoot()
        for (index, mean) in candidates.enumerated() {
            let up = min(bet, mean > 0 ? BettingConfidence.stake / mean : bet)
            let down = min(bet, mean < 1 ? BettingConfidence.stake / (1 - mean) : bet)
            higher[index] += Mathematics.log1p(max(-1 + 1e-12, up * (value - mean)))
            lower[index] += Mathematics.log1p(max(-1 + 1e-12, -down * (value - mean)))
        }
        sum += value
        let mean = sum / (count + 1)
        squares += (value - mean) * (value - mean)
        variance = squares / (count + 1)
        narrow()
    }

    /// The means that remain possible; the intersection over all times.
    package var interval: ClosedRange<Double> { possible }

    private mutating func narrow() {
        // Half of the capital on each side.
        let wanted = Mathematics.log(1 / alpha)
        let half = Mathematics.log(0.5)
        let inside = candidates.indices.filter { Mathematics.logOfSum(higher[$0] + half, lower[$0] + half) < wanted }
        guard let first = inside.first, let last = inside.last else { return }
        let step = 1 / Double(candidates.count - 1)
        let low = max(possible.lowerBound, first == 0 ? 0 : candidates[first] - step)
        let high = min(possible.upperBound, last == candidates.count - 1 ? 1 : candidates[last] + step)
        if low <= high { possible = low...high }
    }
}
