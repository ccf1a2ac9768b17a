/// Compares how requests divide into classes: status codes, or latencies above cut points. Which share of all traffic
/// a cluster has does not matter, and what moves both clusters in the same minute does not either.
struct DivergenceMix: Sendable {
    /// An effect that is judged: the share of requests in some classes.
    struct Effect: Sendable {
        var name: String
        var members: [Int]
        /// More of it is worse, less of it is; nil where neither is.
        var isMoreWorse: Bool?
    }

    var categories: Int
    var effects: [Effect]
    var policy: DivergencePolicy
    var alpha: Double
    var restartSteps: Int

    struct Block: Sendable {
        var a: [Double]
        var b: [Double]
    }

    /// Evidence from one moment on.
    private struct Run: DivergenceRun {
        var evidence: MultinomialEvidence
        var sums: [DivergenceSum]
        var margins: [Double]
        var mixture: NormalMixture
        private(set) var nats = 0.0

        init(categories: Int, effects: Int, mixture: NormalMixture) {
            evidence = MultinomialEvidence(categories: categories)
            sums = [DivergenceSum](repeating: DivergenceSum(), count: effects)
            margins = [Double](repeating: 0, count: effects)
            self.mixture = mixture
        }

        /// Both must be convinced: that the mixes differ at all, and that some share differs by more than its margin.
        mutating func update() {
            var total = -Double.infinity
            for (sum, margin) in zip(sums, margins) {
                let sides = sum.nats(margin: margin, mixture: mixture)
                total = Mathematics.logOfSum(total, Mathematics.logOfSum(sides.above, sides.below))
            }
            nats = min(evidence.nats, total - Mathematics.log(Double(2 * sums.count)))
        }

        /// The effect with most evidence, and on which side.
        var strongest: (effect: Int, isAbove: Bool) {
            var best = (effect: 0, isAbove: true, nats: -Double.infinity)
            for (index, sum) in sums.enumerated() {
                let sides = sum.nats(margin: margins[index], mixture: mixture)
                if sides.above > best.nats { best = (index, true, sides.above) }
                if sides.below > best.nats { best = (index, false, sides.below) }
            }
            return (best.effect, best.isAbove)
        }
    }

    /// What the baseline says: how much counts vary, and which differences were there already.
    private struct Baseline {
        var dispersion: Dispersion
        var isDispersionKnown: Bool
        var differences: [Double]
        var variances: [Double]
        var sourceCounts: [Double]
        var steps: Int
    }

    /// A side that serves a trickle serves something else: health checks, and clients that never look up a name again.
    private func isCompared(_ block: Block) -> Bool {
        let (totalA, totalB) = (block.a.reduce(0, +), block.b.reduce(0, +))
        return min(totalA, totalB) > 0 && min(totalA, totalB) >= policy.trafficShareMin * (totalA + totalB)
    }

    func judge(baseline: [Block], judged: [Block]) -> DivergenceJudgement {
        var output = DivergenceJudgement(name: effects.first?.name ?? "", margin: policy.shareMargin)
        let known = learn(baseline)
        output.baselineSteps = known.steps
        output.usedSteps = judged.count(where: isCompared)
        output.obstacle = obstacle(judged)
        output.dispersion = known.dispersion.factor
        guard output.obstacle == nil else { return output }
        let mixture = NormalMixture(bestVariance: 25 * known.dispersion.factor, alpha: alpha, isOneSided: true)
        var track = DivergenceTrack(
            Run(categories: categories, effects: effects.count, mixture: mixture), restartSteps: restartSteps)
        var counts = (a: known.sourceCounts, b: [Double](repeating: 0, count: categories))
        var total = MultinomialEvidence(categories: categories)
        var seen: [(a: [Double], b: [Double])] = []
        var dispersion = known.dispersion
        var steps: [[(sum: Double, variance: Double)]] = []
        var best = -Double.infinity
        var margins = [Double](repeating: policy.shareMargin, count: effects.count)
        let nothing = Block(a: counts.b, b: counts.b)
        for (index, arrived) in judged.enumerated() {
            let block = isCompared(arrived) ? arrived : nothing
            let (totalA, totalB) = (block.a.reduce(0, +), block.b.reduce(0, +))
            let temper = dispersion.factor(totalA, totalB)
            let groups = total.groups(expecting: min(totalA, totalB) * 2)
            margins = self.margins(counts.a)
            var added: [(difference: Double, weight: Double, variance: Double)] = []
            for index in counts.a.indices {
                counts.a[index] += block.a[index]
                counts.b[index] += block.b[index]
            }
            if totalA > 0, totalB > 0 {
                added = differences(block, counts: counts, known: known, temper: temper)
                total.add(block.a, block.b)
                seen.append((block.a, block.b))
            }
            track.advance { run in
                run.margins = margins
                run.evidence.add(block.a, block.b, temper: temper, groups: groups)
                for (effect, one) in added.enumerated() {
                    // One minute of one cluster is never enough: what repeats is.
                    let limit = margins[effect] * one.weight + policy.clipDeviations * one.variance.squareRoot() + 1
                    run.sums[effect].add(
                        difference: one.difference, weight: one.weight, variance: one.variance, limit: limit)
                }
                run.update()
            }
            steps.append(
                added.isEmpty
                    ? effects.map { _ in (0, 0) } : added.map { ($0.weight * $0.difference, $0.variance) })
            // Without a baseline the first half hour says how much healthy noise there is, around its own mean.
            if !known.isDispersionKnown, seen.count == 30 || seen.count.isMultiple(of: 60),
                let measured = Dispersion.measured(seen)
            {
                dispersion = measured
                output.dispersion = measured.factor
            }
            look(track, at: index, best: &best, into: &output)
        }
        finish(track, steps: steps, counts: counts, margins: margins, known: known, into: &output)
        return output
    }

    private func obstacle(_ judged: [Block]) -> DivergenceReason? {
        let hasA = judged.contains { $0.a.contains { $0 > 0 } }
        let hasB = judged.contains { $0.b.contains { $0 > 0 } }
        if !hasB { return .noTrafficInTarget }
        if !hasA { return .noTrafficInSource }
        return judged.contains(where: isCompared) ? nil : .noCommonTime
    }

    private func margins(_ source: [Double]) -> [Double] {
        let shares = MultinomialEvidence.shares(source)
        return effects.map { effect in policy.margin(ofShare: effect.members.reduce(0) { $0 + shares[$1] }) }
    }

    /// Mantel and Haenszel's differences of one block: weighted so that a minute in which one side has little traffic
    /// counts little, and compared within the minute, so that no drift of the common level enters.
    private func differences(
        _ block: Block, counts: (a: [Double], b: [Double]), known: Baseline, temper: Double
    ) -> [(difference: Double, weight: Double, variance: Double)] {
        let (totalA, totalB) = (block.a.reduce(0, +), block.b.reduce(0, +))
        let weight = totalA * totalB / (totalA + totalB)
        let (sharesA, sharesB) = (MultinomialEvidence.shares(counts.a), MultinomialEvidence.shares(counts.b))
        return effects.enumerated().map { index, effect in
            let shareA = effect.members.reduce(0) { $0 + block.a[$1] } / totalA
            let shareB = effect.members.reduce(0) { $0 + block.b[$1] } / totalB
            let longA = effect.members.reduce(0) { $0 + sharesA[$1] }
            let longB = effect.members.reduce(0) { $0 + sharesB[$1] }
            let variance = longA * (1 - longA) / totalA + longB * (1 - longB) / totalB
            return (shareB - shareA - known.differences[index], weight, weight * weight * variance * temper)
        }
    }

    private func learn(_ blocks: [Block]) -> Baseline {
        var output = Baseline(
            dispersion: .unknown, isDispersionKnown: false,
            differences: [Double](repeating: 0, count: effects.count),
            variances: [Double](repeating: 0, count: effects.count),
            sourceCounts: [Double](repeating: 0, count: categories), steps: 0)
        var targetCounts = output.sourceCounts
        for block in blocks {
            for index in 0..<categories {
                output.sourceCounts[index] += block.a[index]
                targetCounts[index] += block.b[index]
            }
        }
        let both = blocks.filter(isCompared)
        output.steps = both.count
        if let measured = Dispersion.measured(both.map { ($0.a, $0.b) }) {
            output.dispersion = measured
            output.isDispersionKnown = true
        }
        var sums = [DivergenceSum](repeating: DivergenceSum(), count: effects.count)
        for block in both {
            let added = differences(
                block, counts: (output.sourceCounts, targetCounts), known: output,
                temper: output.dispersion.factor(block.a.reduce(0, +), block.b.reduce(0, +)))
            for (index, one) in added.enumerated() {
                sums[index].add(
                    difference: one.difference, weight: one.weight, variance: one.variance, limit: .infinity)
            }
        }
        for (index, sum) in sums.enumerated() where sum.weight > 0 {
            let error = sum.variance.squareRoot() / sum.weight
            guard sum.effect.magnitude > policy.baselineDifferenceErrors * error else { continue }
            output.differences[index] = sum.effect
            output.variances[index] = error * error
        }
        return output
    }

    private func look(
        _ track: DivergenceTrack<Run>, at step: Int, best: inout Double, into output: inout DivergenceJudgement
    ) {
        let nats = track.nats
        output.trajectory.append(nats)
        let strongest = track.strongest
        let (effect, isAbove) = strongest.run.strongest
        let sum = strongest.run.sums[effect]
        let error = alpha * Mathematics.exp(strongest.stake) / Double(effects.count)
        let width = min(1, sum.halfWidth(mixture: strongest.run.mixture, alpha: error))
        output.looks.append((sum.effect, sum.effect - width, sum.effect + width))
        if nats > best {
            best = nats
            output.peak = (step, sum.effect, sum.effect - width, sum.effect + width)
            output.peakEffect = (effect, isAbove)
        }
        guard output.equivalentAt == nil else { return }
        let isInside = track.main.sums.indices.allSatisfy { index in
            let sum = track.main.sums[index]
            let width = sum.halfWidth(mixture: track.main.mixture, alpha: alpha / Double(effects.count))
            return sum.effect.magnitude + width < track.main.margins[index]
        }
        if isInside { output.equivalentAt = step }
    }

    private func finish(
        _ track: DivergenceTrack<Run>, steps: [[(sum: Double, variance: Double)]],
        counts: (a: [Double], b: [Double]), margins: [Double], known: Baseline, into output: inout DivergenceJudgement
    ) {
        let error = alpha / Double(effects.count)
        let isFound = (output.trajectory.max() ?? 0) >= Mathematics.log(1 / alpha)
        var (headline, isAbove) = output.peakEffect ?? (0, true)
        if !isFound {
            // The effect that is furthest out, in units of its margin.
            headline =
                effects.indices.max { one, other in
                    score(track.main, one, margins) < score(track.main, other, margins)
                } ?? 0
            isAbove = track.main.sums[headline].effect >= 0
        }
        let sum = track.main.sums[headline]
        let width = sum.halfWidth(mixture: track.main.mixture, alpha: error)
        output.name = effects[headline].name
        output.margin = margins[headline]
        output.effect = sum.effect
        output.low = max(-1, sum.effect - width)
        output.high = min(1, sum.effect + width)
        output.strength = (track.strongest.run.sums[headline]).strength
        output.isWorse = effects[headline].isMoreWorse.map { $0 == isAbove }
        output.baselineEffect = known.differences[headline] == 0 ? nil : known.differences[headline]
        let last = isFound ? output.peak?.step ?? steps.count - 1 : steps.count - 1
        output.onset = DivergenceOnset.index(steps[...last].map { $0[headline] }, isAbove: isAbove)
        let gaps = effects.indices.map { index -> Double? in
            let sum = track.main.sums[index]
            let room = (margins[index] - sum.effect.magnitude).magnitude
            if room < margins[index] * 0.02 { return nil }
            return sum.growth(toHalfWidth: room, mixture: track.main.mixture, alpha: error)
        }
        output.isAtMargin = gaps.contains { $0 == nil }
        if !output.isAtMargin, let longest = gaps.compactMap({ $0 }).max() {
            output.stepsToDecision = max(1, (longest - 1) * Double(steps.count))
        }
        output.description = describe(headline, counts: counts, known: known, sums: track.main.sums)
    }

    /// `5xx 0.1% in the source, 2.1% in the target; 2xx 99.9%, 97.9%`: what moved, and what it was taken from.
    private func describe(
        _ headline: Int, counts: (a: [Double], b: [Double]), known: Baseline, sums: [DivergenceSum]
    ) -> String {
        func text(_ effect: Int, _ between: String, _ end: String) -> String {
            let a = DivergenceText.percent(share(counts.a, effect, since: known.sourceCounts))
            let b = DivergenceText.percent(share(counts.b, effect, since: []))
            return "\(effects[effect].name) \(a)\(between), \(b)\(end)"
        }
        let isAbove = sums[headline].effect >= 0
        let others = sums.indices.filter { $0 != headline && (sums[$0].effect >= 0) != isAbove }
        let other = others.max { sums[$0].effect.magnitude < sums[$1].effect.magnitude }
        return text(headline, " in the source", " in the target") + (other.map { "; " + text($0, "", "") } ?? "")
    }

    private func score(_ run: Run, _ effect: Int, _ margins: [Double]) -> Double {
        run.sums[effect].strength.squareRoot() * (1 + run.sums[effect].effect.magnitude / margins[effect])
    }

    private func share(_ counts: [Double], _ effect: Int, since earlier: [Double]) -> Double {
        let own = earlier.isEmpty ? counts : zip(counts, earlier).map { $0 - $1 }
        let total = own.reduce(0, +)
        return total > 0 ? effects[effect].members.reduce(0) { $0 + own[$1] } / total : 0
    }
}
