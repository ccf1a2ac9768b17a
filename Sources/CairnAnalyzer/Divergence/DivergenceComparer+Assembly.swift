import CairnSeries

// From the judgements of a metric's parts to its one verdict, with its reason.
extension DivergenceComparer {
    func missing(_ kind: DivergenceKind, source: [SeriesSamples], target: [SeriesSamples]) -> DivergenceComparison {
        var output = empty(kind)
        switch (source.isEmpty, target.isEmpty) {
        case (true, true): output.reasonCode = .missingInBoth
        case (true, false): output.reasonCode = .missingInSource
        case (false, true): output.reasonCode = .missingInTarget
        // Both have samples, and all of them lie before the moment judged from.
        case (false, false): output.reasonCode = .noCommonTime
        }
        output.reason = text(output, nil)
        output.wouldChange = wouldChange(output)
        return output
    }

    private func empty(_ kind: DivergenceKind) -> DivergenceComparison {
        DivergenceComparison(
            app: group.app, metric: group.metric, kind: kind, verdict: .undecided, direction: .different,
            reasonCode: .missingInBoth, reason: "", part: "", sinceMs: sinceMs, judgedFromMs: sinceMs, margin: 0,
            unit: "log ratio", nats: 0, finalNats: 0, steps: 0, baselineSteps: 0,
            stepSeconds: policy.stepSecondsMin, isNew: false, score: 0, parts: [], looks: [],
            series: (group.source + group.target).sorted())
    }

    func assemble(
        _ judgements: [DivergenceJudgement], kind: DivergenceKind, shape: DivergenceMetric.Shape, grid: DivergenceGrid
    ) -> DivergenceComparison {
        var output = empty(kind)
        output.stepSeconds = grid.stepMs / 1000
        output.judgedFromMs = sinceMs ?? grid.timeMs(grid.judgedIndex)
        output.sinceMs = output.judgedFromMs
        output.judgedUntilMs = grid.timeMs(grid.count)
        switch shape {
        case .mix, .histogram, .share: output.unit = "share"
        default: break
        }
        let usable = judgements.filter { $0.obstacle == nil }
        guard !usable.isEmpty else {
            output.reasonCode = judgements.compactMap(\.obstacle).first ?? .noCommonTime
            output.dispersion = judgements.compactMap(\.dispersion).first
            output.reason = text(output, judgements.first)
            output.wouldChange = wouldChange(output)
            return output
        }
        let trajectory = average(usable.map(\.trajectory))
        output.nats = max(0, trajectory.max() ?? 0)
        output.finalNats = trajectory.last ?? 0
        let start = grid.count - trajectory.count
        let found = trajectory.firstIndex { $0 >= line }
        let headline = usable.indices.firstHighest { rank(usable[$0], found) } ?? 0
        let one = usable[headline]
        fill(&output, from: one)
        output.steps = usable.map(\.usedSteps).max() ?? 0
        output.baselineSteps = usable.map(\.baselineSteps).max() ?? 0
        if let found {
            output.verdict = .diverged
            output.reasonCode = .outsideMargin
            output.decidedAtMs = grid.timeMs(start + found) + grid.stepMs
            output.sinceMs = max(output.judgedFromMs ?? .min, grid.timeMs(start + min(one.onset, found)))
            if let peak = one.peak { narrow(&output, to: peak) }
            (output.requests, output.requestsAffected) = (one.requests, one.requestsAffected)
        } else {
            output.reasonCode = reasonNotDiverged(usable, of: judgements.count, finalNats: output.finalNats)
            tellWait(&output, usable, grid: grid, start: start)
        }
        if let isWorse = one.isWorse { output.direction = isWorse ? .worse : .better }
        output.isNew = output.baselineSteps > 0 || one.onset > 0
        output.score = score(one, output)
        output.mixNats = one.mixNats
        output.fleetNats = FalseDiscoveryRate.adjusted(final: output.finalNats, highest: output.nats)
        output.parts = parts(usable) + usable.flatMap(\.shown)
        output.looks = looks(one, trajectory, grid: grid, start: start)
        output.reason = text(output, one)
        output.wouldChange = wouldChange(output)
        return output
    }

    private var line: Double { Mathematics.log(1 / policy.alpha) }

    private func reasonNotDiverged(
        _ usable: [DivergenceJudgement], of count: Int, finalNats: Double
    ) -> DivergenceReason {
        let stopped = usable.compactMap(\.stopped).first
        guard usable.count == count, usable.allSatisfy({ $0.equivalentAt != nil }) else {
            return stopped ?? (usable.contains(where: \.isAtMargin) ? .atMargin : .tooFewSamples)
        }
        // The cluster that is left may fall silent when everything has moved.
        if stopped == .trafficStoppedInTarget { return .trafficStoppedInTarget }
        return finalNats >= line / 2 ? .evidenceGrows : .insideMargin
    }

    /// Since when it is EQUIVALENT, or what it still takes.
    private func tellWait(
        _ output: inout DivergenceComparison, _ usable: [DivergenceJudgement], grid: DivergenceGrid, start: Int
    ) {
        switch output.reasonCode {
        case .insideMargin:
            output.verdict = .equivalent
            let last = usable.compactMap(\.equivalentAt).max() ?? 0
            output.decidedAtMs = grid.timeMs(start + last) + grid.stepMs
        case .tooFewSamples:
            let steps = usable.filter { $0.equivalentAt == nil }.compactMap(\.stepsToDecision).max()
            output.timeToDecisionSeconds = steps.map { ($0 * Double(grid.stepMs) / 1000).rounded(.up) }
            output.requestsToDecision = usable.compactMap(\.requestsToDecision).max()
        default: break
        }
    }

    /// The evidence of the parts together: an average of evidence is evidence, whatever the parts have in common.
    private func average(_ trajectories: [[Double]]) -> [Double] {
        let length = trajectories.map(\.count).max() ?? 0
        let share = Mathematics.log(Double(trajectories.count))
        return (0..<length).map { index in
            var total = -Double.infinity
            for one in trajectories {
                total = Mathematics.logOfSum(total, one.isEmpty ? 0 : one[min(index, one.count - 1)])
            }
            return total - share
        }
    }

    private func rank(_ one: DivergenceJudgement, _ found: Int?) -> Double {
        if found != nil { return one.trajectory.max() ?? 0 }
        return one.strength.squareRoot() * (one.effect ?? 0).magnitude / one.margin
    }

    private func fill(_ output: inout DivergenceComparison, from one: DivergenceJudgement) {
        output.part = one.name
        output.margin = one.margin
        output.effect = one.effect
        output.effectLow = one.low
        output.effectHigh = one.high
        output.baselineEffect = one.baselineEffect
        output.dispersion = one.dispersion
    }

    /// The interval as it was when the evidence was highest. "The effect is over the margin" is what was decided, so
    /// the interval cannot reach inside of it.
    private func narrow(
        _ output: inout DivergenceComparison, to peak: (step: Int, effect: Double, low: Double, high: Double)
    ) {
        output.effect = peak.effect
        output.effectLow = peak.effect > 0 ? max(peak.low, output.margin) : peak.low
        output.effectHigh = peak.effect < 0 ? min(peak.high, -output.margin) : peak.high
    }

    /// How surely and how far: standard errors from zero, times margins.
    private func score(_ one: DivergenceJudgement, _ output: DivergenceComparison) -> Double {
        let far = (output.effect ?? 0).magnitude / max(one.margin, 1e-12)
        return Mathematics.log1p(one.strength) * Mathematics.log1p(far)
    }

    private func parts(_ judgements: [DivergenceJudgement]) -> [DivergencePart] {
        judgements.map { one in
            let highest = max(0, one.trajectory.max() ?? 0)
            let verdict: DivergenceVerdict =
                highest >= Mathematics.log(Double(judgements.count) / policy.alpha)
                ? .diverged : one.equivalentAt != nil ? .equivalent : .undecided
            let peak = verdict == .diverged ? one.peak : nil
            return DivergencePart(
                name: one.name, verdict: verdict, effect: peak?.effect ?? one.effect, low: peak?.low ?? one.low,
                high: peak?.high ?? one.high, margin: one.margin, nats: highest)
        }
    }

    private func looks(
        _ one: DivergenceJudgement, _ trajectory: [Double], grid: DivergenceGrid, start: Int
    ) -> [DivergenceLook] {
        one.looks.map { look in
            DivergenceLook(
                timeMs: grid.timeMs(start + look.step) + grid.stepMs, nats: trajectory[look.step],
                effect: look.effect, low: look.low, high: look.high)
        }
    }
}
