/// Judges one part of a metric that is a level, step by step, and keeps what a report shows of the way.
struct DivergenceLevel: Sendable {
    var name: String
    var margin: Double
    /// More is worse, less is; nil where neither is.
    var isMoreWorse: Bool?
    var policy: DivergencePolicy
    var alpha: Double
    var stepSeconds: Int64
    /// Judged steps at which traffic was moved.
    var trafficSteps: Set<Int> = []

    /// - Parameters:
    ///   - baseline: differences before the moment judged from; NaN where either side is missing.
    ///   - source: the source alone before that moment, in the same unit.
    ///   - judged: differences from that moment on.
    func judge(baseline: [Double], source: [Double], judged: [Double]) -> DivergenceJudgement {
        var output = DivergenceJudgement(name: name, margin: margin)
        output.usedSteps = judged.count { !$0.isNaN }
        guard output.usedSteps > 0 else {
            output.obstacle = .noCommonTime
            return output
        }
        let noise = LevelNoise(
            baseline: baseline, source: source, margin: margin, policy: policy, stepSeconds: stepSeconds)
        output.baselineSteps = noise.baselineSteps
        output.baselineEffect = noise.center == 0 ? nil : noise.center
        var comparison = LevelComparison(margin: margin, alpha: alpha, noise: noise)
        output.margin = comparison.margin
        let lookSteps = DivergenceJudgement.lookSteps(judged.count)
        for (index, difference) in judged.enumerated() {
            comparison.advance(difference, isTrafficStep: trafficSteps.contains(index))
            output.trajectory.append(comparison.nats)
            if lookSteps.contains(index) {
                let width = comparison.halfWidth(count: Double(comparison.steps), alpha: alpha) ?? .infinity
                output.looks.append((index, comparison.effect, comparison.effect - width, comparison.effect + width))
            }
            if output.equivalentAt == nil, comparison.isEquivalent { output.equivalentAt = index }
        }
        finish(comparison, judged: judged.map { $0 - noise.center }, into: &output)
        return output
    }

    private func finish(
        _ comparison: LevelComparison, judged: [Double], into output: inout DivergenceJudgement
    ) {
        output.effect = comparison.effect
        let decided = output.trajectory.firstIndex { $0 >= Mathematics.log(1 / alpha) }
        let top = output.trajectory.indices.firstHighest { output.trajectory[$0] } ?? 0
        let last = decided == nil ? judged.count - 1 : max(top, decided ?? 0)
        let limit = comparison.deviation ?? 0
        let steps = judged[...last].map { difference -> (sum: Double, variance: Double) in
            guard !difference.isNaN else { return (0, 0) }
            let clip = output.margin + policy.clipDeviations * limit
            return (min(clip, max(-clip, difference)), limit * limit)
        }
        let isAbove = DivergenceOnset.isAbove(steps)
        output.onset = DivergenceOnset.index(steps, isAbove: isAbove)
        let since = judged[output.onset...last].filter { !$0.isNaN }
        if decided != nil, !since.isEmpty {
            let effect = OrderStatistics.mean(since)
            let width =
                comparison.halfWidth(count: Double(since.count), alpha: DivergenceOnset.alpha(alpha, output.onset))
                ?? .infinity
            output.peak = (last, effect, effect - width, effect + width)
        }
        output.isWorse = isMoreWorse.map { $0 == ((output.peak?.effect ?? comparison.effect) >= 0) }
        output.strength = DivergenceOnset.gain(steps)
        output.isAtMargin = comparison.isAtMargin
        output.stepsToDecision = comparison.stepsToDecision
        guard let width = comparison.halfWidth(count: Double(comparison.steps), alpha: alpha) else { return }
        output.low = comparison.effect - width
        output.high = comparison.effect + width
    }
}
