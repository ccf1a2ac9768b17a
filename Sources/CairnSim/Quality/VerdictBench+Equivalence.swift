internal import CairnAnalyzer

// Healthy clusters: how soon they are shown to be equal, and whether the estimate of that was right.
extension VerdictBench {
    private static let days = 6

    private struct Shown {
        /// The first minute at which it was EQUIVALENT; nil within the days.
        var minute: Int?
        /// What was said at some minute before about the minutes left.
        var estimate: (minute: Int, left: Double)?

        /// The time it took over the time that was said.
        var ratio: Double? {
            guard let minute, let estimate, minute > estimate.minute, estimate.left > 0 else { return nil }
            return Double(minute - estimate.minute) / estimate.left
        }
    }

    package func equivalence() -> [QualityResult] {
        let counts = (0..<healthyMetrics).map { equalCounts($0, rate: 20...100) }
        let quiet = (0..<healthyMetrics).map { equalCounts($0 + healthyMetrics, rate: 1...4) }
        let levels = (0..<healthyMetrics).map { equalLevels($0, sigma: 0.15) }
        let noisy = (0..<healthyMetrics).map { equalLevels($0 + healthyMetrics, sigma: 0.3) }
        return [
            day("status mix", counts, "10 to 50 requests/s in each cluster"),
            day("latency", levels, "margin x1.1, noise of 15% with AR(1) .8"),
            estimates("requests", quiet, "said when a third of the time had passed; 0.5 to 2 requests/s"),
            estimates("levels", noisy, "said when a third of the time had passed; noise of 30% with AR(1) .8"),
        ]
    }

    private func day(_ name: String, _ all: [Shown], _ note: String) -> QualityResult {
        let share = Double(all.count { $0.minute.map { $0 < 1440 } ?? false }) / Double(max(1, all.count))
        return QualityResult(
            name: "EQUIVALENT within 24 h: \(name)", amount: "\(all.count) healthy metrics", measured: 100 * share,
            unit: "%", target: ">= 90", isReached: share >= 0.9, note: note)
    }

    private func estimates(_ name: String, _ all: [Shown], _ note: String) -> QualityResult {
        let ratios = all.compactMap(\.ratio)
        let share = Double(ratios.count { (0.5...2).contains($0) }) / Double(max(1, ratios.count))
        return QualityResult(
            name: "time to decision within a factor 2: \(name)", amount: "\(ratios.count) healthy metrics",
            measured: 100 * share, unit: "%", target: ">= 80", isReached: share >= 0.8, note: note)
    }

    /// Runs until it is decided, then again to ask at a third of that.
    private func equalCounts(_ number: Int, rate range: ClosedRange<Double>) -> Shown {
        var output = Shown()
        for pass in 0..<2 {
            var random = random("equal counts", number)
            let rate = 60 * random.logUniform(range)
            var comparison = CountComparison(effects: 4, margins: Self.policy.statusMargins)
            let service = SimulatedService(correlation: 0, isSeasonal: false)
            service.teach(&comparison, perMinute: rate, &random)
            let last = output.minute.map { $0 / 3 } ?? Self.days * 1440
            for minute in 0..<last {
                let step = service.minute(minute, perMinute: rate, part: 0.5, &random)
                comparison.advance(step.a, step.b, draws: step.draws)
                if pass == 0, minute % 15 == 14, comparison.isEquivalent(alpha: 0.01) {
                    output.minute = minute
                    break
                }
            }
            guard pass == 1, let growth = comparison.growthToDecision(alpha: 0.01) else { continue }
            output.estimate = (last, (growth - 1) * Double(last))
        }
        return output
    }

    private func equalLevels(_ number: Int, sigma: Double) -> Shown {
        var output = Shown()
        for pass in 0..<2 {
            var random = random("equal levels", number)
            var gauge = SimulatedGauge(sigma: sigma, memory: 0.8, &random)
            let margin = Self.policy.latencyMargin(quantile: 0.5)
            let baseline = (0..<Self.baselineMinutes).map { _ in gauge.difference(&random) }
            let noise = LevelNoise(
                baseline: baseline, source: [], margin: margin, policy: Self.policy, stepSeconds: 60)
            var level = LevelComparison(margin: margin, alpha: 0.01, noise: noise)
            let last = output.minute.map { $0 / 3 } ?? Self.days * 1440
            for minute in 0..<last {
                level.advance(gauge.difference(&random))
                if pass == 0, level.isEquivalent {
                    output.minute = minute
                    break
                }
            }
            guard pass == 1, let left = level.stepsToDecision else { continue }
            output.estimate = (last, left)
        }
        return output
    }
}
