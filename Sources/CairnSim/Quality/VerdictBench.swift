internal import CairnAnalyzer
internal import Foundation

/// How often the comparison of clusters is wrong, and how late it is right: simulated services, each minute looked at as
/// it comes. Everything comes from the seed.
package struct VerdictBench: Sendable {
    package var seed: UInt64
    /// Application-metrics of each kind of healthy noise, and for how many days each is watched.
    package var healthyMetrics = 200
    package var healthyDays = 30
    /// Of the fleet; a fortieth of them is faulty.
    package var applications = 1600
    package var fleetHours = 72
    /// Runs behind each median delay.
    package var delayRuns = 101
    /// Minutes of the whole fleet of which the cheapest is the cost.
    package var costMinutes = 60
    /// Of the replay from samples to verdicts.
    package var replayApplications = 160
    package var replayDays = 3

    package init(seed: UInt64) { self.seed = seed }

    static let line = log(100.0)
    /// What one finding alone must reach among 1,600 applications with 12 metrics (F11 at .05).
    static let fleetLine = log(384_000.0)
    static let baselineMinutes = 1440

    static let policy = DivergencePolicy.standard

    func random(_ name: String, _ number: Int) -> SimulatedRandom {
        var mixed = seed
        for byte in name.utf8 { mixed = (mixed ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        // Through the generator itself: seeds that its own step lies between would give the same numbers, shifted.
        var seeds = SimulatedRandom(seed: mixed ^ UInt64(number) &* 0xD1B5_4A32_D192_ED03)
        return SimulatedRandom(seed: seeds.next())
    }

    // MARK: Healthy clusters

    enum Healthy: String, CaseIterable {
        case counts = "counts, independent"
        case dependentCounts = "counts, Dirichlet-multinomial .002"
        case seasonalCounts = "counts, weekly season"
        case level = "levels, independent"
        case remembering = "levels, AR(1) .8"
        case longMemory = "levels, AR(1) .95"
        case seasonalLevel = "levels, weekly season"

        /// Of noise that remembers; nil for counts.
        var memory: Double? {
            switch self {
            case .counts, .dependentCounts, .seasonalCounts: nil
            case .level, .seasonalLevel: 0
            case .remembering: 0.8
            case .longMemory: 0.95
            }
        }

        var correlation: Double { self == .dependentCounts ? 0.002 : 0 }

        var isSeasonal: Bool { self == .seasonalCounts || self == .seasonalLevel }
    }

    /// Two clusters that are alike, one look a minute: the share of application-metrics ever called DIVERGED.
    package func healthy() -> [QualityResult] {
        Healthy.allCases.flatMap { kind -> [QualityResult] in
            var (diverged, equivalent) = (0, 0)
            for metric in 0..<healthyMetrics {
                // Every other one has no baseline.
                let outcome = watch(kind, metric, hasBaseline: metric.isMultiple(of: 2))
                if outcome.diverged { diverged += 1 }
                if outcome.isEquivalent { equivalent += 1 }
            }
            let share = Double(diverged) / Double(healthyMetrics)
            let bound = diverged == 0 ? ", below \(Self.text(300 / Double(healthyMetrics)))% with 95% confidence" : ""
            return [
                QualityResult(
                    name: "A/A ever DIVERGED: \(kind.rawValue)",
                    amount: "\(healthyMetrics) metrics, \(healthyDays) days", measured: 100 * share, unit: "%",
                    target: "<= 1", isReached: share <= 0.01,
                    baseline: kayentaEverWrong(kind),
                    note: "alpha .01, a look a minute\(bound); \(equivalent) ended EQUIVALENT")
            ]
        }
    }

    private func watch(_ kind: Healthy, _ metric: Int, hasBaseline: Bool) -> (diverged: Bool, isEquivalent: Bool) {
        var random = random("healthy \(kind.rawValue)", metric)
        guard let memory = kind.memory else { return watchCounts(kind, &random, hasBaseline) }
        return watchLevel(kind, memory: memory, &random, hasBaseline)
    }

    private func watchCounts(
        _ kind: Healthy, _ random: inout SimulatedRandom, _ hasBaseline: Bool
    ) -> (diverged: Bool, isEquivalent: Bool) {
        let perMinute = 60 * random.logUniform(1...100)
        let service = SimulatedService(correlation: kind.correlation, isSeasonal: kind.isSeasonal)
        var comparison = CountComparison(effects: 4, margins: Self.policy.statusMargins)
        if hasBaseline { service.teach(&comparison, perMinute: perMinute, &random) }
        let minutes = healthyDays * 1440
        var isEquivalent = false
        for minute in 0..<minutes {
            // The target's part of the traffic goes from 1 % to all but 10 %.
            let part = [0.01, 0.1, 0.5, 0.9][min(3, minute * 8 / minutes)]
            let step = service.minute(minute, perMinute: perMinute, part: part, &random)
            let isStep = minute > 0 && minute % (minutes / 8) == 0 && minute / (minutes / 8) <= 3
            comparison.advance(step.a, step.b, draws: step.draws, isTrafficStep: isStep)
            if comparison.nats >= Self.line { return (true, false) }
            if !isEquivalent, minute % 720 == 719 { isEquivalent = comparison.isEquivalent(alpha: 0.01) }
        }
        return (false, isEquivalent)
    }

    private func watchLevel(
        _ kind: Healthy, memory: Double, _ random: inout SimulatedRandom, _ hasBaseline: Bool
    ) -> (diverged: Bool, isEquivalent: Bool) {
        var gauge = SimulatedGauge(sigma: 0.3, memory: memory, isSeasonal: kind.isSeasonal, &random)
        let margin = Self.policy.latencyMargin(quantile: 0.5)
        let baseline = hasBaseline ? (0..<Self.baselineMinutes).map { _ in gauge.difference(&random) } : []
        let noise = LevelNoise(baseline: baseline, source: [], margin: margin, policy: Self.policy, stepSeconds: 60)
        var comparison = LevelComparison(margin: margin, alpha: 0.01, noise: noise)
        for _ in 0..<healthyDays * 1440 {
            comparison.advance(gauge.difference(&random))
            if comparison.nats >= Self.line { return (true, false) }
        }
        return (false, comparison.isEquivalent)
    }

    // MARK: Delays

    /// Minutes until a fault is found at the level of a whole fleet: the median over runs, from its first minute on.
    package func delays() -> [QualityResult] {
        var output: [QualityResult] = []
        func add(
            _ name: String, _ rate: Double, _ before: [Double], _ after: [Double], margins: CountMargins, aim: Double,
            start: Int = 0, note: String = ""
        ) {
            let found = (0..<delayRuns).map { run -> Double in
                var random = random("delay \(name) \(rate) \(start)", run)
                return delay(rate, before, after, margins: margins, onset: start, limit: Int(aim * 6), &random)
            }.sorted()
            let median = found[found.count / 2]
            output.append(
                QualityResult(
                    name: name, amount: "\(Self.text(rate)) requests/s", measured: median, unit: "min",
                    target: "<= \(Self.text(aim))", isReached: median <= aim,
                    note: "ln E >= 12.86\(start > 0 ? ", \(start / 60) h after the comparison began" : "")\(note)"))
        }
        let (status, above) = (Self.policy.statusMargins, Self.policy.exceedanceMargins)
        var bare = above
        (bare.least, bare.factor) = (1e-6, 0)
        for (rate, aim) in [(100.0, 4.0), (10, 30), (1, 300)] {
            let (before, after) = ([0.899, 0.1, 0, 0.001], [0.895, 0.1, 0, 0.005])
            for start in [0, 1440] {
                add("5xx .1% to .5%", rate, before, after, margins: status, aim: aim, start: start)
            }
            add(
                "5xx .1% to .5%, no margin", rate, before, after, margins: bare, aim: aim,
                note: ", any difference counts, as in the pilots")
        }
        for (rate, aim) in [(100.0, 4.0), (10, 20), (1, 180)] {
            let (before, after) = ([0.5, 0.4, 0.09, 0.01], [0.5, 0.4, 0.08, 0.02])
            add("above the source's P99, 1% to 2%", rate, before, after, margins: above, aim: aim)
            add(
                "above the source's P99, 1% to 2%, no margin", rate, before, after, margins: bare, aim: aim,
                note: ", any difference counts, as in the pilots")
        }
        add(
            "200 to 204, one point", 50, [0.898, 0.1, 0.001, 0.001], [0.888, 0.1, 0.011, 0.001], margins: status,
            aim: 10)
        return output
    }

    private func delay(
        _ rate: Double, _ before: [Double], _ after: [Double], margins: CountMargins, onset: Int, limit: Int,
        _ random: inout SimulatedRandom
    ) -> Double {
        var comparison = CountComparison(effects: before.count, margins: margins)
        var service = SimulatedService(correlation: 0, isSeasonal: false)
        service.shares = before
        service.teach(&comparison, perMinute: 120 * rate, &random)
        for minute in 0..<onset + limit {
            let a = random.counts(60 * rate, before)
            let b = random.counts(60 * rate, minute >= onset ? after : before)
            comparison.advance(a, b, draws: (60 * rate, 60 * rate))
            if comparison.nats >= Self.fleetLine { return Double(minute - onset + 1) }
        }
        return Double(limit)
    }

    static func text(_ value: Double) -> String {
        value == value.rounded() ? "\(Int(value))" : "\((value * 100).rounded() / 100)"
    }
}

/// Requests of one service in two clusters, by class.
struct SimulatedService {
    var correlation: Double
    var isSeasonal: Bool
    /// 2xx, 404, 204, 5xx.
    var shares = [0.878, 0.1, 0.02, 0.002]

    func minute(
        _ minute: Int, perMinute: Double, part: Double, _ random: inout SimulatedRandom
    ) -> (a: [Double], b: [Double], draws: (a: Double, b: Double)) {
        let activity = isSeasonal ? WeeklySeason.activity(minute) : 1
        var now = shares
        if isSeasonal {
            // At night more of what is asked for is not there.
            now[1] += 0.05 * (2 - activity)
            now[0] -= 0.05 * (2 - activity)
        }
        let all = max(1, (perMinute * activity).rounded())
        let draws = (a: all - (all * part).rounded(), b: (all * part).rounded())
        return (
            random.counts(draws.a, now, correlation: correlation),
            random.counts(draws.b, now, correlation: correlation), draws
        )
    }

    /// A day of the source before anything moved, in two halves.
    func teach(_ comparison: inout CountComparison, perMinute: Double, _ random: inout SimulatedRandom) {
        for minute in 0..<VerdictBench.baselineMinutes {
            let step = self.minute(minute, perMinute: perMinute, part: 0.5, &random)
            comparison.learnSource(zip(step.a, step.b).map { $0 + $1 }, draws: step.draws.a + step.draws.b)
            comparison.learnNoise(step.a, step.b, draws: step.draws)
        }
    }
}

/// A gauge of two clusters, as logarithms around its usual level.
struct SimulatedGauge {
    var sigma: Double
    /// Days, nights and weekends move both clusters together, the target a little more, and few users are noisier.
    var isSeasonal = false
    private var source: RememberingNoise
    private var target: RememberingNoise
    private var minute = 0

    init(sigma: Double, memory: Double, isSeasonal: Bool = false, _ random: inout SimulatedRandom) {
        self.sigma = sigma
        self.isSeasonal = isSeasonal
        source = RememberingNoise(memory: memory, random: &random)
        target = RememberingNoise(memory: memory, random: &random)
    }

    mutating func pair(_ random: inout SimulatedRandom) -> (source: Double, target: Double) {
        defer { minute += 1 }
        let noise = (target: target.next(&random), source: source.next(&random))
        guard isSeasonal else { return (sigma * noise.source, sigma * noise.target) }
        let activity = WeeklySeason.activity(minute)
        let spread = sigma / activity.squareRoot()
        let season = 0.5 * log(activity)
        return (season + spread * noise.source, 1.05 * season + spread * noise.target)
    }

    mutating func difference(_ random: inout SimulatedRandom) -> Double {
        let pair = pair(&random)
        return pair.target - pair.source
    }
}
