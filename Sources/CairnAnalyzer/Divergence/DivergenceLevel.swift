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

    private var blockFloor: Int { max(1, Int(policy.blockMinutesMin * 60 / stepSeconds)) }
    private var blockCap: Int { max(blockFloor + 1, Int(policy.blockMinutesMax * 60 / stepSeconds)) }

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
        let noise = learn(baseline: baseline, source: source)
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

    private func learn(baseline: [Double], source: [Double]) -> LevelNoise {
        var output = LevelNoise(blockFloor: blockFloor)
        let present = baseline.filter { !$0.isNaN }
        output.baselineSteps = present.count
        if let found = longRun(baseline, blocksMin: 3) {
            output.deviation = max(found.variance.squareRoot(), margin * 1e-3)
            output.memory = found.memory
        } else if let found = longRun(source, blocksMin: LevelNoise.blocksMin) {
            // The target is new: how the source varies on its own, doubled, stands in for how the two differ.
            output.deviation = max((2 * found.variance).squareRoot(), margin * 1e-3)
            output.memory = found.memory
            // A small share of the traffic is noisier than a large one: the target shows that in some minutes.
            output.stepsMin = max(1, min(blockFloor, 8) - 1)
        }
        if let deviation = output.deviation, !present.isEmpty {
            let error = deviation / Double(present.count).squareRoot()
            let center = OrderStatistics.mean(present)
            if center.magnitude > policy.baselineDifferenceErrors * error {
                output.center = center
                output.centerError = error
            }
        }
        return output
    }

    /// The variance that one step adds to a long sum, and how often it is that of a step alone.
    private func longRun(_ values: [Double], blocksMin: Int) -> (variance: Double, memory: Double)? {
        let length = Autocorrelation.blockLength(of: values, floor: blockFloor, cap: blockCap)
        let means = Autocorrelation.blockMeans(of: values, length: length)
        guard let variance = Autocorrelation.variance(ofBlockMeans: means, blocksMin: blocksMin) else { return nil }
        let longRun = variance * Double(length)
        let squares = zip(values, values.dropFirst()).map { ($1 - $0) * ($1 - $0) / 2 }.filter { !$0.isNaN }
        let change = squares.isEmpty ? longRun : OrderStatistics.mean(squares)
        return (longRun, max(1, longRun / max(1e-300, change)))
    }

    private func finish(
        _ comparison: LevelComparison, judged: [Double], into output: inout DivergenceJudgement
    ) {
        output.effect = comparison.effect
        let decided = output.trajectory.firstIndex { $0 >= Mathematics.log(1 / alpha) }
        let top = output.trajectory.indices.max { output.trajectory[$0] < output.trajectory[$1] } ?? 0
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
        guard let width = comparison.halfWidth(count: Double(comparison.steps), alpha: alpha) else {
            // Steps still to come, until the noise is known at all.
            let needed = comparison.stepsToNoise
            output.stepsToDecision = needed > 0 ? Double(needed) : nil
            return
        }
        output.low = comparison.effect - width
        output.high = comparison.effect + width
        let room = (output.margin - comparison.effect.magnitude).magnitude
        guard room > output.margin * 0.02 else {
            output.isAtMargin = true
            return
        }
        output.stepsToDecision = DivergenceOnset.growth(from: width, to: room).map {
            max(1, ($0 - 1) * Double(judged.count))
        }
    }
}
