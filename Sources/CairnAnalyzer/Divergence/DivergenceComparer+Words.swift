// What a comparison says to people: why its verdict is what it is, and what would make it another one.
extension DivergenceComparer {
    /// One sentence that says what was seen and why that decides or does not.
    func text(_ output: DivergenceComparison, _ one: DivergenceJudgement?) -> String {
        let seen = one?.description ?? ""
        let size = output.effect.map { effect(output, $0) } ?? "unknown"
        let margin = effect(output, output.margin)
        let what = output.part.isEmpty ? "" : " (\(output.part))"
        switch output.reasonCode {
        case .outsideMargin: return "differs\(what) by \(size), more than the margin of \(margin): \(seen)"
        case .insideMargin: return "is the same\(what) within the margin of \(margin): \(seen)"
        case .atMargin: return "the difference\(what) of \(size) is as large as the margin of \(margin): \(seen)"
        case .tooFewSamples:
            let requests = output.requestsToDecision.map { " or \(DivergenceText.count($0)) requests" } ?? ""
            let wait = output.timeToDecisionSeconds.map {
                ", about \(DivergenceText.duration(seconds: $0))\(requests) more decide"
            }
            return "\(output.steps) steps of \(DivergenceText.duration(seconds: Double(output.stepSeconds))) are too "
                + "few for a margin of \(margin)\(wait ?? "")\(what): \(seen)"
        case .missingInSource: return "the source has no samples of it"
        case .missingInTarget: return "the target has no samples of it"
        case .missingInBoth: return "neither cluster has samples of it"
        case .noTrafficInSource: return "the source has no traffic"
        case .noTrafficInTarget: return "the target has no traffic"
        case .trafficStoppedInSource: return "the source has had no requests for a while; before: \(seen)"
        case .trafficStoppedInTarget: return "the target has had no requests for a while; before: \(seen)"
        case .dataEndedInSource: return "the source's samples of it ended: \(seen)"
        case .dataEndedInTarget: return "the target's samples of it ended: \(seen)"
        case .dataEndedInBoth: return "samples of it ended in both clusters: \(seen)"
        case .evidenceGrows: return "was the same, and evidence of a difference is growing\(what): \(seen)"
        case .lowTraffic: return "one cluster has only a trickle of the requests, which says nothing about traffic"
        case .noCommonTime: return "the clusters have no samples at the same time since then"
        case .belowFleetThreshold: return "differs, and not enough to stand out among all that are compared: \(seen)"
        }
    }

    private func effect(_ output: DivergenceComparison, _ value: Double) -> String {
        output.unit == "share"
            ? DivergenceText.significant(value * 100) + " points" : DivergenceText.factor(value)
    }

    /// What else would have to be so for another verdict.
    func wouldChange(_ output: DivergenceComparison) -> [String] {
        let ends = [output.effectLow, output.effectHigh].compactMap(\.self)
        let farthest = ends.count == 2 ? ends.map(\.magnitude).max() : nil
        let nearest = ends.count == 2 && ends[0] * ends[1] > 0 ? ends.map(\.magnitude).min() : nil
        switch output.verdict {
        case .diverged:
            let own = "the same difference before the moment judged from: it would be the clusters' own"
            guard let nearest, nearest.isFinite else { return [own] }
            return ["a margin of more than \(effect(output, nearest))", own]
        case .equivalent:
            let later = "a difference of more than \(effect(output, output.margin)) that lasts"
            guard let farthest, farthest.isFinite else { return [later] }
            return [later, "a margin of less than \(effect(output, farthest))"]
        case .undecided: break
        }
        var changes: [String] = []
        switch output.reasonCode {
        case .missingInSource, .noTrafficInSource, .dataEndedInSource, .trafficStoppedInSource:
            changes.append("samples of the source with traffic")
        case .missingInTarget, .noTrafficInTarget, .dataEndedInTarget, .trafficStoppedInTarget:
            changes.append("samples of the target with traffic")
        case .missingInBoth, .noCommonTime, .dataEndedInBoth:
            changes.append("samples of both clusters at the same time")
        case .lowTraffic:
            let share = DivergenceText.percent(policy.trafficShareMin)
            changes.append("at least \(share) of the requests on either side")
        default:
            if let seconds = output.timeToDecisionSeconds {
                changes.append("\(DivergenceText.duration(seconds: seconds)) more like these")
            }
            if let requests = output.requestsToDecision {
                changes.append("\(DivergenceText.count(requests)) more requests in each cluster")
            }
        }
        if let farthest, farthest.isFinite, output.unit != "share" || farthest < 1 {
            changes.append("a margin of more than \(effect(output, farthest)): then it is EQUIVALENT")
        }
        if let nearest, nearest.isFinite, nearest > 0 {
            changes.append("a margin of less than \(effect(output, nearest)): then it is DIVERGED")
        }
        return changes.isEmpty ? ["more samples"] : changes
    }
}
