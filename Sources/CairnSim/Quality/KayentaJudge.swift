/// The judge that canary analysis is measured against: NetflixACAJudge of Kayenta, written anew after how it behaves,
/// its flaws included (an absolute tolerance in its root finder, one fixed look, "cannot tell" as Pass). A baseline
/// for the quality bench; nothing in Cairn judges by it.
package enum KayentaJudge {
    package enum Classification: String, Sendable, Hashable {
        case pass = "Pass"
        case high = "High"
        case low = "Low"
        case nodata = "Nodata"
        case nodataFailMetric = "NodataFailMetric"
    }

    package enum Direction: Sendable, Hashable {
        case increase, decrease, either
    }

    package enum EffectSize: Sendable, Hashable {
        case meanRatio, commonLanguage
    }

    package struct Configuration: Sendable, Hashable {
        package var direction = Direction.either
        /// What is no number becomes 0 instead of being left out.
        package var replacesNaN = false
        package var removesOutliers = false
        package var effectSize = EffectSize.meanRatio
        package var allowedIncrease = 1.0
        package var allowedDecrease = 1.0
        package var criticalIncrease = 1.0
        package var criticalDecrease = 1.0
        package var isCritical = false
        package var mustHaveData = false

        package init() {}
    }

    package struct Verdict: Sendable, Hashable {
        package var classification: Classification
        /// The whole canary fails because of this metric.
        package var isCritical = false
        /// The interval of the difference and its Hodges-Lehmann estimate, where the test was reached.
        package var interval: MannWhitney.Interval?
        package var effect: Double?

        package init(
            classification: Classification, isCritical: Bool = false, interval: MannWhitney.Interval? = nil,
            effect: Double? = nil
        ) {
            self.classification = classification
            self.isCritical = isCritical
            self.interval = interval
            self.effect = effect
        }
    }

    /// Of the estimated difference the interval must lie beyond this share of it.
    private static let tolerance = 0.25
    /// What a normal variable exceeds in one case of a hundred: 98 % confidence, to both sides.
    private static let deviations = 2.3263478740408408
    private static let outlierFactor = 3.0

    /// One metric: the baseline beside the canary.
    package static func judge(
        control: [Double], experiment: [Double], _ configuration: Configuration = Configuration()
    ) -> Verdict {
        let control = prepared(control, configuration)
        let experiment = prepared(experiment, configuration)
        if control.isEmpty || experiment.isEmpty {
            if configuration.replacesNaN { return Verdict(classification: .pass) }
            let fails = configuration.mustHaveData && !configuration.isCritical
            return Verdict(
                classification: fails ? .nodataFailMetric : .nodata, isCritical: configuration.isCritical)
        }
        if control.sorted() == experiment.sorted() || Set(control + experiment).count == 1 {
            return Verdict(classification: .pass)
        }
        let interval = MannWhitney.interval(experiment, control, deviations: deviations)
        let effect =
            switch configuration.effectSize {
            case .meanRatio: meanRatio(control, experiment)
            case .commonLanguage: MannWhitney.commonLanguageEffect(experiment, control)
            }
        let bound = tolerance * interval.estimate.magnitude
        var verdict = Verdict(classification: .pass, interval: interval, effect: effect)
        if configuration.direction != .decrease, interval.low > bound,
            effect.map({ $0 >= configuration.allowedIncrease }) ?? true
        {
            verdict.classification = .high
            verdict.isCritical =
                configuration.isCritical && (effect.map { $0 >= configuration.criticalIncrease } ?? true)
        } else if configuration.direction != .increase, interval.high < -bound,
            effect.map({ $0 <= configuration.allowedDecrease }) ?? true
        {
            verdict.classification = .low
            verdict.isCritical =
                configuration.isCritical && (effect.map { $0 <= configuration.criticalDecrease } ?? true)
        }
        return verdict
    }

    private static func prepared(_ values: [Double], _ configuration: Configuration) -> [Double] {
        let present = configuration.replacesNaN ? values.map { $0.isNaN ? 0 : $0 } : values.filter { !$0.isNaN }
        guard configuration.removesOutliers, !present.isEmpty else { return present }
        let sorted = present.sorted()
        let lower = quantile(sorted, 0.25)
        let upper = quantile(sorted, 0.75)
        let reach = outlierFactor * (upper - lower)
        let low = min(lower - reach, quantile(sorted, 0.01))
        let high = max(upper + reach, quantile(sorted, 0.99))
        return present.filter { (low...high).contains($0) }
    }

    /// Linear between neighbours (type 7).
    private static func quantile(_ sorted: [Double], _ rank: Double) -> Double {
        let place = rank * Double(sorted.count - 1)
        let below = Int(place)
        guard below + 1 < sorted.count else { return sorted[sorted.count - 1] }
        return sorted[below] + (sorted[below + 1] - sorted[below]) * (place - Double(below))
    }

    /// Nil where a mean is 0, which Kayenta takes for any effect.
    private static func meanRatio(_ control: [Double], _ experiment: [Double]) -> Double? {
        let below = control.reduce(0, +) / Double(control.count)
        let above = experiment.reduce(0, +) / Double(experiment.count)
        return below == 0 || above == 0 ? nil : above / below
    }

    // MARK: - Score

    package struct Group: Sendable, Hashable {
        package var verdicts: [Verdict]
        /// Percent; groups without one share what is left.
        package var weight: Double?

        package init(verdicts: [Verdict], weight: Double? = nil) {
            self.verdicts = verdicts
            self.weight = weight
        }
    }

    /// 0 to 100, with two digits.
    package static func score(_ groups: [Group]) -> Double {
        let all = groups.flatMap(\.verdicts)
        guard !all.contains(where: { $0.isCritical && $0.classification != .pass }) else { return 0 }
        let silent = all.count { $0.classification == .nodata }
        guard !all.isEmpty, silent * 2 < all.count else { return 0 }
        let given = groups.compactMap(\.weight).reduce(0, +)
        let unweighted = groups.count { $0.weight == nil }
        let rest = unweighted == 0 ? 0 : (100 - given) / Double(unweighted)
        let sum = groups.reduce(0) { $0 + score(of: $1) * ($1.weight ?? rest) / 100 }
        return (sum * 100).rounded() / 100
    }

    private static func score(of group: Group) -> Double {
        let judged = group.verdicts.filter { $0.classification != .nodata }
        guard !judged.isEmpty else { return 100 }
        return 100 * Double(judged.count { $0.classification == .pass }) / Double(judged.count)
    }
}
