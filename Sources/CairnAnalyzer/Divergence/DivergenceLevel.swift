/// Compares measured levels, step by step: d = ln(target / source), or target - source where the measure is a share.
/// What is left of the common ups and downs of both clusters has a memory, so its variance is learnt from block means.
struct DivergenceLevel: Sendable {
    var name: String
    var margin: Double
    /// More is worse, less is; nil where neither is.
    var isMoreWorse: Bool?
    var policy: DivergencePolicy
    var alpha: Double
    var stepSeconds: Int64

    private struct Run: DivergenceRun {
        var sum = DivergenceSum()
        var margin: Double
        var clipDeviations: Double
        var mixture: NormalMixture?
        private(set) var nats = 0.0

        mutating func add(_ difference: Double, deviation: Double, mixture: NormalMixture) {
            sum.add(difference: difference, weight: 1, variance: 0, limit: margin + clipDeviations * deviation)
            sum.setVariance(sum.weight * deviation * deviation)
            // The mixture counts in variances of a step, so that its tuning does not depend on the units.
            self.mixture = NormalMixture(rho: mixture.rho * deviation * deviation)
            let sides = sum.nats(margin: margin, mixture: self.mixture ?? mixture)
            nats = Mathematics.logOfSum(sides.above, sides.below) - Mathematics.log(2)
        }
    }

    /// How much the mean of the differences wanders, as a standard deviation per step.
    private struct Noise {
        var deviation: Double?
        /// Long-run variance over half the squared change from step to step.
        var memory = 1.0
        var center = 0.0
        var baselineSteps = 0
        /// Steps that must be seen before the first verdict.
        var stepsMin = 1
    }

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
        let known = learn(baseline: baseline, source: source)
        output.baselineSteps = known.baselineSteps
        output.baselineEffect = known.center == 0 ? nil : known.center
        let tuning = AsymptoticConfidenceSequence(alpha: alpha, bestCount: Double(policy.blocksMin)).mixture
        let mixture = NormalMixture(rho: tuning.rho * Double(blockFloor))
        var track = DivergenceTrack(
            Run(margin: margin, clipDeviations: policy.clipDeviations),
            restartSteps: max(3, Int(policy.restartMinutes * 60 / stepSeconds)))
        var deviation = known.deviation ?? 0
        var seen: [Double] = []
        var steps: [(sum: Double, variance: Double)] = []
        var pending: [Double] = []
        var best = -Double.infinity
        for (index, difference) in judged.enumerated() {
            seen.append(difference)
            if !difference.isNaN { deviation = max(deviation, widened(known, seen) ?? 0) }
            let isReady = deviation > 0 && seen.count >= known.stepsMin
            pending.append(difference)
            let due = isReady ? pending : []
            if isReady { pending = [] }
            if due.isEmpty { steps.append((0, 0)) }
            // Steps that waited for the variance to be known are one look.
            for (place, one) in due.enumerated() {
                let centered = one - known.center
                track.advance { run in
                    if !one.isNaN { run.add(centered, deviation: deviation, mixture: mixture) }
                }
                let entry = one.isNaN ? (0, 0) : (clipped(centered, deviation), deviation * deviation)
                if place < due.count - 1 { steps[index - due.count + 1 + place] = entry } else { steps.append(entry) }
            }
            look(track, at: index, best: &best, into: &output)
        }
        finish(track, steps: steps, seen: judged, known: known, into: &output)
        return output
    }

    private func clipped(_ difference: Double, _ deviation: Double) -> Double {
        let limit = margin + policy.clipDeviations * deviation
        return min(limit, max(-limit, difference))
    }

    private func learn(baseline: [Double], source: [Double]) -> Noise {
        var output = Noise()
        let present = baseline.filter { !$0.isNaN }
        output.baselineSteps = present.count
        let length = Autocorrelation.blockLength(of: baseline, floor: blockFloor, cap: blockCap)
        let blocks = Autocorrelation.blockMeans(of: baseline, length: length)
        if let variance = Autocorrelation.variance(ofBlockMeans: blocks) {
            let longRun = variance * Double(length)
            output.deviation = nonZero(longRun.squareRoot(), present)
            output.memory = max(1, longRun / max(1e-300, changes(baseline) ?? longRun))
            let error = (longRun / Double(present.count)).squareRoot()
            let center = OrderStatistics.mean(present)
            if center.magnitude > policy.baselineDifferenceErrors * error { output.center = center }
            return output
        }
        // The target is new: how the source varies on its own, doubled, stands in for how the two differ.
        let alone = Autocorrelation.blockLength(of: source, floor: blockFloor, cap: blockCap)
        let means = Autocorrelation.blockMeans(of: source, length: alone)
        guard let variance = Autocorrelation.variance(ofBlockMeans: means, blocksMin: policy.blocksMin) else {
            return output
        }
        let longRun = 2 * variance * Double(alone)
        output.deviation = nonZero(longRun.squareRoot(), source.filter { !$0.isNaN })
        output.memory = max(1, longRun / max(1e-300, 2 * (changes(source) ?? longRun)))
        if !present.isEmpty {
            let error = (longRun / Double(present.count)).squareRoot()
            let center = OrderStatistics.mean(present)
            if center.magnitude > policy.baselineDifferenceErrors * error { output.center = center }
        }
        // A small share of the traffic is noisier than a large one: the target shows that in some minutes.
        output.stepsMin = max(1, min(blockFloor, 8) - 1)
        return output
    }

    /// A gauge that never moved still may: a thousandth of its margin is taken for its deviation.
    private func nonZero(_ deviation: Double, _ values: [Double]) -> Double {
        max(deviation, margin * 1e-3)
    }

    /// Half the mean squared change from step to step.
    private func changes(_ values: [Double]) -> Double? {
        let squares = zip(values, values.dropFirst()).map { ($1 - $0) * ($1 - $0) / 2 }.filter { !$0.isNaN }
        return squares.isEmpty ? nil : OrderStatistics.mean(squares)
    }

    /// The deviation that the judged steps themselves show, where it can be told; a change of level hardly moves it.
    private func widened(_ known: Noise, _ seen: [Double]) -> Double? {
        if known.deviation != nil {
            guard seen.count >= 8, seen.count < 64 || seen.count.isMultiple(of: 16) else { return nil }
            let recent = seen.suffix(240)
            let squares = zip(recent, recent.dropFirst()).map { ($1 - $0) * ($1 - $0) / 2 }.filter { !$0.isNaN }
            // The median of a squared normal variable is 0.4549 of its mean.
            guard squares.count >= 6, let middle = OrderStatistics.median(squares) else { return nil }
            return (middle / 0.4549 * known.memory).squareRoot()
        }
        let length = Autocorrelation.blockLength(of: seen, floor: blockFloor, cap: blockCap)
        guard seen.count.isMultiple(of: blockFloor), seen.count >= policy.blocksMin * length else { return nil }
        let means = Autocorrelation.blockMeans(of: seen, length: length)
        return Autocorrelation.variance(ofBlockMeans: means, blocksMin: policy.blocksMin).map {
            nonZero(($0 * Double(length)).squareRoot(), seen)
        }
    }

    private func look(
        _ track: DivergenceTrack<Run>, at step: Int, best: inout Double, into output: inout DivergenceJudgement
    ) {
        let nats = track.nats
        output.trajectory.append(nats)
        let strongest = track.strongest
        guard let mixture = strongest.run.mixture else {
            output.looks.append((0, -.infinity, .infinity))
            return
        }
        let sum = strongest.run.sum
        let width = sum.halfWidth(mixture: mixture, alpha: alpha * Mathematics.exp(strongest.stake))
        output.looks.append((sum.effect, sum.effect - width, sum.effect + width))
        if nats > best {
            best = nats
            output.peak = (step, sum.effect, sum.effect - width, sum.effect + width)
        }
        guard output.equivalentAt == nil, let mainMixture = track.main.mixture else { return }
        let main = track.main.sum
        if main.effect.magnitude + main.halfWidth(mixture: mainMixture, alpha: alpha) < margin {
            output.equivalentAt = step
        }
    }

    private func finish(
        _ track: DivergenceTrack<Run>, steps: [(sum: Double, variance: Double)], seen: [Double], known: Noise,
        into output: inout DivergenceJudgement
    ) {
        let isFound = (output.trajectory.max() ?? 0) >= Mathematics.log(1 / alpha)
        let main = track.main.sum
        let effect = track.main.mixture == nil ? OrderStatistics.mean(seen.filter { !$0.isNaN }) : main.effect
        output.effect = effect
        let shown = isFound ? output.peak?.effect ?? effect : effect
        output.isWorse = isMoreWorse.map { $0 == (shown >= 0) }
        output.strength = track.strongest.run.sum.strength
        let last = isFound ? output.peak?.step ?? steps.count - 1 : steps.count - 1
        output.onset = DivergenceOnset.index(Array(steps[...last]), isAbove: shown >= 0)
        guard let mixture = track.main.mixture else {
            // Blocks still to come, until the variance is known at all.
            let needed = policy.blocksMin * blockFloor
            output.stepsToDecision = known.deviation == nil ? Double(max(1, needed - seen.count)) : nil
            return
        }
        let width = main.halfWidth(mixture: mixture, alpha: alpha)
        output.low = effect - width
        output.high = effect + width
        let room = (margin - effect.magnitude).magnitude
        guard room > margin * 0.02 else {
            output.isAtMargin = true
            return
        }
        if let growth = main.growth(toHalfWidth: room, mixture: mixture, alpha: alpha) {
            output.stepsToDecision = max(1, (growth - 1) * Double(seen.count))
        }
    }
}
