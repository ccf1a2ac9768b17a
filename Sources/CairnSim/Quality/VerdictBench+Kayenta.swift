internal import CairnAnalyzer
internal import Foundation

// Kayenta's algorithm on the same noise: what a fixed-size test makes of being looked at again and again.
extension VerdictBench {
    private static let kayentaMetricsMax = 50
    private static let kayentaMinutes = 480
    private static let kayentaLookMinutes = 10

    /// The share of healthy metrics that it ever calls High or Low within eight hours, looked at every ten minutes.
    func kayentaEverWrong(_ kind: Healthy) -> String {
        let metrics = min(healthyMetrics, Self.kayentaMetricsMax)
        var wrong = 0
        for metric in 0..<metrics {
            var random = random("healthy \(kind.rawValue)", metric)
            let (source, target) = values(kind, &random)
            for end in stride(from: Self.kayentaLookMinutes, through: source.count, by: Self.kayentaLookMinutes)
            where Self.isDifferentForKayenta(Array(source[..<end]), Array(target[..<end])) {
                wrong += 1
                break
            }
        }
        return "Kayenta: \(Self.text(100 * Double(wrong) / Double(metrics)))% of \(metrics) in 8 h, a look each 10 min"
    }

    static func isDifferentForKayenta(_ source: [Double], _ target: [Double]) -> Bool {
        let verdict = KayentaJudge.judge(control: source, experiment: target)
        return [.high, .low].contains(verdict.classification)
    }

    /// What each cluster shows in each minute: a level, or the share of requests for what is not there.
    private func values(_ kind: Healthy, _ random: inout SimulatedRandom) -> (source: [Double], target: [Double]) {
        var output = (source: [Double](), target: [Double]())
        if let memory = kind.memory {
            var gauge = SimulatedGauge(sigma: 0.3, memory: memory, isSeasonal: kind.isSeasonal, &random)
            for _ in 0..<Self.kayentaMinutes {
                let pair = gauge.pair(&random)
                output.source.append(exp(pair.source))
                output.target.append(exp(pair.target))
            }
            return output
        }
        let service = SimulatedService(correlation: kind.correlation, isSeasonal: kind.isSeasonal)
        let perMinute = 60 * random.logUniform(1...100)
        for minute in 0..<Self.kayentaMinutes {
            let step = service.minute(minute, perMinute: perMinute, part: 0.5, &random)
            output.source.append(step.a[1] / max(1, step.draws.a))
            output.target.append(step.b[1] / max(1, step.draws.b))
        }
        return output
    }

    // MARK: Cases that users reported

    /// What users of Kayenta reported as judged wrongly, as numbers: its verdict beside Cairn's.
    package func reportedCases() throws -> [QualityResult] {
        try ReportedCase.all.map { one in
            let control = one.control
            let theirs = KayentaJudge.judge(control: control, experiment: one.experiment).classification
            let found = try one.judged()
            let isAnswered =
                found.verdict == .diverged
                || found.verdict == .undecided
                    && (found.timeToDecisionSeconds != nil || found.requestsToDecision != nil)
            return QualityResult(
                name: "reported case: \(one.name)", amount: "\(one.experiment.count) points",
                measured: isAnswered ? 1 : 0,
                unit: "answered", target: "\(one.wanted), or UNDECIDED with what it takes", isReached: isAnswered,
                baseline: "Kayenta: \(theirs.rawValue)", note: "\(found.verdict.rawValue): \(found.reason)")
        }
    }
}
