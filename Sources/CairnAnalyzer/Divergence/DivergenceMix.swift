/// Judges how requests divide into classes (status codes, latencies above cut points), step by step, and keeps what a
/// report shows of the way. Which share of all traffic a cluster has does not matter, and what moves both clusters in the
/// same minute does not either.
struct DivergenceMix: Sendable {
    /// An effect that is judged: the share of requests in some classes.
    struct Effect: Sendable {
        var name: String
        var members: [Int]
        /// More of it is worse, less of it is; nil where neither is.
        var isMoreWorse: Bool?
    }

    var effects: [Effect]
    var policy: DivergencePolicy
    var margins: CountMargins
    var alpha: Double
    /// Judged steps at which traffic was moved.
    var trafficSteps: Set<Int> = []
    var stoppedSteps: Int

    struct Block: Sendable {
        var a: [Double]
        var b: [Double]

        var draws: (a: Double, b: Double) { (DivergenceMix.total(a), DivergenceMix.total(b)) }
    }

    /// Equal clusters are shown to be so at every so many steps.
    private static let equivalenceSteps = 15

    static func total(_ counts: [Double]) -> Double {
        var total = 0.0
        for count in counts { total += count }
        return total
    }

    /// - Parameter halves: the source before the moment judged from in two halves, for a target that had no traffic then.
    func judge(baseline: [Block], halves: [Block], judged: [Block]) -> DivergenceJudgement {
        var output = DivergenceJudgement(name: effects.first?.name ?? "", margin: margins.least)
        var comparison = CountComparison(effects: effects.count, margins: margins)
        output.baselineSteps = learn(baseline, halves, into: &comparison)
        output.usedSteps = judged.count { comparison.isCompared($0.draws.a, $0.draws.b) }
        output.obstacle = obstacle(judged, comparison)
        output.dispersion = comparison.temper
        guard output.obstacle == nil else { return output }
        let lookSteps = DivergenceJudgement.lookSteps(judged.count)
        var mix = MultinomialEvidence(categories: judged.first?.a.count ?? 0)
        var snapshots: [(step: Int, totals: [CountComparison.Totals])] = []
        for (index, block) in judged.enumerated() {
            if comparison.isCompared(block.draws.a, block.draws.b) {
                // Rare classes count as one where a minute is expected to show less than one request of them.
                mix.add(
                    block.a, block.b, temper: comparison.temper,
                    groups: mix.groups(expecting: block.draws.a + block.draws.b))
            }
            comparison.advance(
                hits(block.a), hits(block.b), draws: block.draws, isTrafficStep: trafficSteps.contains(index))
            output.trajectory.append(comparison.nats)
            let isLast = index == judged.count - 1
            if output.equivalentAt == nil, (index + 1).isMultiple(of: Self.equivalenceSteps) || isLast,
                comparison.isEquivalent(alpha: alpha)
            {
                output.equivalentAt = index
            }
            if lookSteps.contains(index) { snapshots.append((index, effects.indices.map(comparison.totals))) }
        }
        output.dispersion = comparison.temper
        output.mixNats = mix.nats
        output.stopped = stopped(judged)
        finish(comparison, judged, snapshots, baseline, into: &output)
        return output
    }

    private func hits(_ counts: [Double]) -> [Double] {
        effects.map { effect in
            var total = 0.0
            for member in effect.members { total += counts[member] }
            return total
        }
    }

    private func obstacle(_ judged: [Block], _ comparison: CountComparison) -> DivergenceReason? {
        if !judged.contains(where: { $0.draws.b > 0 }) { return .noTrafficInTarget }
        if !judged.contains(where: { $0.draws.a > 0 }) { return .noTrafficInSource }
        let isCompared = judged.contains { comparison.isCompared($0.draws.a, $0.draws.b) }
        if isCompared { return nil }
        let hasBoth = judged.contains { $0.draws.a > 0 && $0.draws.b > 0 }
        return hasBoth ? .lowTraffic : .noCommonTime
    }

    /// The side that has had no traffic for a while, though the other one has.
    private func stopped(_ judged: [Block]) -> DivergenceReason? {
        let recent = judged.suffix(max(3, stoppedSteps))
        guard recent.count < judged.count else { return nil }
        let (hasA, hasB) = (recent.contains { $0.draws.a > 0 }, recent.contains { $0.draws.b > 0 })
        return hasA == hasB ? nil : hasA ? .trafficStoppedInTarget : .trafficStoppedInSource
    }

    /// - Returns: steps of the baseline with traffic on both sides.
    private func learn(_ blocks: [Block], _ halves: [Block], into comparison: inout CountComparison) -> Int {
        for block in blocks { comparison.learnSource(hits(block.a), draws: block.draws.a) }
        let both = blocks.filter { comparison.isCompared($0.draws.a, $0.draws.b) }
        for block in both.count >= 20 ? both : halves {
            comparison.learnNoise(hits(block.a), hits(block.b), draws: block.draws)
        }
        for (effect, found) in ownDifferences(both, temper: comparison.temper).enumerated() {
            guard let found, found.effect.magnitude > policy.baselineDifferenceErrors * found.error else { continue }
            comparison.setOwnDifference(found.effect, error: found.error, effect: effect)
        }
        return both.count
    }

    /// Mantel and Haenszel's differences of the baseline: weighted so that a minute in which one side has little traffic
    /// counts little, and compared within the minute, so that no drift of the common level enters.
    private func ownDifferences(_ blocks: [Block], temper: Double) -> [(effect: Double, error: Double)?] {
        effects.indices.map { effect in
            let found = DivergenceMix.weighted(
                blocks.map { Step(hitsA: hits($0.a)[effect], hitsB: hits($0.b)[effect], draws: $0.draws) }, own: 0,
                temper: temper)
            var (sum, variance, weight) = (0.0, 0.0, 0.0)
            for (step, block) in zip(found, blocks) {
                sum += step.sum
                variance += step.variance
                weight += RunningDispersion.weight(block.draws.a, block.draws.b)
            }
            return weight > 0 ? (sum / weight, variance.squareRoot() / weight) : nil
        }
    }

    /// One effect in one step; no draws where the sides were not compared.
    private struct Step {
        var hitsA = 0.0
        var hitsB = 0.0
        var draws = (a: 0.0, b: 0.0)
    }

    /// Each step's difference times its weight, with the variance of that.
    private static func weighted(_ steps: [Step], own: Double, temper: Double) -> [DivergenceOnset.Step] {
        var (hits, draws) = (0.5, 1.0)
        for step in steps {
            hits += step.hitsA + step.hitsB
            draws += step.draws.a + step.draws.b
        }
        let share = hits / draws
        return steps.map { step in
            guard step.draws.a > 0, step.draws.b > 0 else { return (0, 0) }
            let weight = RunningDispersion.weight(step.draws.a, step.draws.b)
            let difference = step.hitsB / step.draws.b - step.hitsA / step.draws.a - own
            return (weight * difference, weight * share * (1 - share) * temper)
        }
    }

    private func finish(
        _ comparison: CountComparison, _ judged: [Block],
        _ snapshots: [(step: Int, totals: [CountComparison.Totals])], _ baseline: [Block],
        into output: inout DivergenceJudgement
    ) {
        let error = alpha / Double(effects.count)
        let decided = output.trajectory.firstIndex { $0 >= Mathematics.log(1 / alpha) }
        let top = output.trajectory.indices.firstHighest { output.trajectory[$0] } ?? 0
        let last = decided == nil ? judged.count - 1 : max(top, decided ?? 0)
        let all = effects.indices.map { effect in
            judged.map { block -> Step in
                guard comparison.isCompared(block.draws.a, block.draws.b) else { return Step() }
                return Step(hitsA: hits(block.a)[effect], hitsB: hits(block.b)[effect], draws: block.draws)
            }
        }
        let steps = effects.indices.map { effect in
            DivergenceMix.weighted(
                Array(all[effect][...last]), own: comparison.ownDifference(effect), temper: comparison.temper)
        }
        let found = effects.indices.map { comparison.difference($0, alpha: error) }
        let gains = steps.map(DivergenceOnset.gain)
        // What says most: the evidence where it decides, else the effect that is furthest out for its margin.
        let headline =
            decided == nil
            ? effects.indices.firstHighest { score(gains[$0], found[$0], comparison.margin($0)) } ?? 0
            : comparison.strongest
        output.name = effects[headline].name
        output.margin = comparison.margin(headline)
        output.effect = found[headline].effect
        output.low = found[headline].low
        output.high = found[headline].high
        output.strength = gains[headline]
        let own = comparison.ownDifference(headline)
        output.baselineEffect = own == 0 ? nil : own
        let isAbove = decided == nil ? found[headline].effect >= 0 : DivergenceOnset.isAbove(steps[headline])
        output.isWorse = effects[headline].isMoreWorse.map { $0 == isAbove }
        output.onset = DivergenceOnset.index(steps[headline], isAbove: isAbove)
        if decided != nil {
            let peak = totals(all[headline][output.onset...last]).difference(
                temper: comparison.temper, own: own, alpha: DivergenceOnset.alpha(error, output.onset))
            output.peak = (last, peak.effect, peak.low, peak.high)
            let requests = judged[output.onset...].reduce(0) { $0 + $1.draws.b }
            output.requests = requests
            output.requestsAffected = (peak.effect.magnitude * requests).rounded()
        }
        output.looks = snapshots.map { snapshot in
            let one = snapshot.totals[headline].difference(temper: comparison.temper, own: own, alpha: error)
            return (snapshot.step, one.effect, one.low, one.high)
        }
        output.isAtMargin = comparison.isAtMargin(alpha: alpha)
        if let growth = comparison.growthToDecision(alpha: alpha) {
            output.stepsToDecision = max(1, (growth - 1) * Double(judged.count))
            let draws = comparison.totals(headline)
            output.requestsToDecision = ((growth - 1) * min(draws.drawsA, draws.drawsB)).rounded(.up)
        }
        output.description = describe(headline, judged, baseline, output.peak?.effect ?? found[headline].effect)
    }

    private func totals(_ steps: ArraySlice<Step>) -> CountComparison.Totals {
        var output = CountComparison.Totals(hitsA: 0, hitsB: 0, expectedB: 0, drawsA: 0, drawsB: 0)
        for step in steps where step.draws.a > 0 {
            output.hitsA += step.hitsA
            output.hitsB += step.hitsB
            output.expectedB += (step.hitsA + step.hitsB) * step.draws.b / (step.draws.a + step.draws.b)
            output.drawsA += step.draws.a
            output.drawsB += step.draws.b
        }
        return output
    }

    private func score(_ gain: Double, _ found: RateDifference, _ margin: Double) -> Double {
        gain.squareRoot() * (1 + found.effect.magnitude / margin)
    }

    /// `5xx 0.1% in the source, 2.1% in the target; 2xx 99.9%, 97.9%`: what moved, and what it was taken from.
    private func describe(_ headline: Int, _ judged: [Block], _ baseline: [Block], _ effect: Double) -> String {
        func shares(_ side: (Block) -> [Double]) -> [Double] {
            var total = 0.0
            var counts = [Double](repeating: 0, count: effects.count)
            for block in judged {
                total += DivergenceMix.total(side(block))
                for (index, count) in hits(side(block)).enumerated() { counts[index] += count }
            }
            return counts.map { total > 0 ? $0 / total : 0 }
        }
        let (source, target) = (shares(\.a), shares(\.b))
        func text(_ effect: Int, _ between: String, _ end: String) -> String {
            "\(effects[effect].name) \(DivergenceText.percent(source[effect]))\(between), "
                + "\(DivergenceText.percent(target[effect]))\(end)"
        }
        let others = effects.indices.filter { $0 != headline && (target[$0] - source[$0] >= 0) != (effect >= 0) }
        let other = others.firstHighest { (target[$0] - source[$0]).magnitude }
        return text(headline, " in the source", " in the target") + (other.map { "; " + text($0, "", "") } ?? "")
    }
}
