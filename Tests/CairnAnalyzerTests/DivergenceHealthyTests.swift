import CairnAnalyzer
import CairnSeries
import CairnTestSupport
import Testing

/// Clusters that do not differ, looked at every minute: how often is one called DIVERGED all the same?
@Suite struct DivergenceHealthyTests {
    /// A tenth of the traffic, half of it, all of it.
    static func share(_ minute: Int, of minutes: Int) -> Double {
        minute < minutes / 3 ? 0.01 : minute < minutes * 2 / 3 ? 0.5 : 1
    }

    static func draws(_ rate: Int, _ minutes: Int, since: Int) -> (String, Int) -> Int {
        { cluster, minute in
            let target = minute < since ? 0.02 : share(minute - since, of: minutes - since)
            return Int(Double(rate * 60) * (cluster == "new" ? target : 1 - target))
        }
    }

    /// - Returns: of the seeds, how many had a comparison that DIVERGED, and how many ended EQUIVALENT throughout.
    private func falseAlarms(
        _ name: String, seeds: Range<UInt64>, since: Int?, _ build: (inout TwinClusters) throws -> Void
    ) throws -> (diverged: Double, equivalent: Double) {
        var diverged = 0
        var equivalent = 0
        var first: String?
        for seed in seeds {
            var twins = TwinClusters(seed: seed)
            try build(&twins)
            let report = try twins.report(since: since)
            if let found = report.comparisons.first(where: { $0.verdict == .diverged }) {
                diverged += 1
                first = first ?? "seed \(seed): \(found.metric) \(found.reason)"
            }
            if report.comparisons.allSatisfy({ $0.verdict == .equivalent }) { equivalent += 1 }
        }
        let share = (Double(diverged) / Double(seeds.count), Double(equivalent) / Double(seeds.count))
        print("  A/A \(name): DIVERGED \(share.0), EQUIVALENT \(share.1) of \(seeds.count); \(first ?? "none")")
        return share
    }

    @Test(arguments: [0.0, 0.002]) func statusMix(correlation: Double) throws {
        let outcome = try falseAlarms("status mix, correlation \(correlation)", seeds: 100..<200, since: 90) { twins in
            try twins.requests(
                app: "shop", codes: ["200", "404", "503"], minutes: 330, correlation: correlation,
                draws: Self.draws(100, 330, since: 90),
                shares: { _, minute in
                    let drift = 0.1 * Double(minute % 60) / 60
                    return [0.898 - drift, 0.1 + drift, 0.002]
                })
        }
        #expect(outcome.diverged <= 0.02)
    }

    @Test func statusMixWithoutBaseline() throws {
        let outcome = try falseAlarms("status mix without baseline", seeds: 200..<300, since: 0) { twins in
            try twins.requests(
                app: "shop", codes: ["200", "404", "503"], minutes: 240, draws: { _, _ in 1200 },
                shares: { _, _ in [0.398, 0.6, 0.002] })
        }
        #expect(outcome.diverged <= 0.02)
        #expect(outcome.equivalent >= 0.5)
    }

    @Test(arguments: [(0.0, 0), (0.8, 0), (0.0, 120), (0.8, 120), (0.95, 240)])
    func latency(memory: Double, since: Int) throws {
        let name = "latency, memory \(memory), baseline \(since) min"
        let outcome = try falseAlarms(name, seeds: 300..<400, since: since) { twins in
            try twins.gauge(
                "http_request_duration_seconds", app: "shop", labels: ["quantile": "0.99"], minutes: since + 480,
                level: 0.4, sigma: 0.1, memory: memory)
        }
        #expect(outcome.diverged <= (memory > 0.9 ? 0.03 : 0.02))
    }

    /// The target has no baseline, and its gauge is three times as noisy as the source's.
    @Test func noisyTargetWithoutBaseline() throws {
        let outcome = try falseAlarms("noisy target without baseline", seeds: 400..<500, since: 240) { twins in
            for (cluster, sigma, first) in [("old", 0.05, 0), ("new", 0.15, 240)] {
                let values = (0..<600).map { _ in 0.3 * StatisticsShim.exp(sigma * twins.random.normal()) }
                let key = try SeriesKey(
                    name: "latency_p99_seconds", labels: [Label("app", "shop"), Label("cluster", cluster)])
                twins.source.add(
                    (first..<600).map { Sample(timeMs: TwinClusters.minute($0), value: values[$0]) }, to: key)
            }
        }
        #expect(outcome.diverged <= 0.02)
    }

    @Test func histogramsAndOddMetrics() throws {
        let outcome = try falseAlarms("histogram, lag, availability", seeds: 500..<560, since: 60) { twins in
            try twins.requests(
                app: "shop", codes: ["200", "404"], minutes: 240, draws: Self.draws(40, 240, since: 60),
                shares: { _, _ in [0.4, 0.6] })
            for cluster in ["old", "new"] {
                var totals = [Double](repeating: 0, count: 6)
                var columns = [[Double]](repeating: [], count: 6)
                for _ in 0..<240 {
                    let counts = twins.random.counts(1500, [0.3, 0.3, 0.25, 0.12, 0.025, 0.005])
                    var below = 0.0
                    for index in 0..<6 {
                        below += counts[index]
                        totals[index] += below
                        columns[index].append(totals[index])
                    }
                }
                for (bound, column) in zip(["0.05", "0.1", "0.25", "0.5", "1", "+Inf"], columns) {
                    try twins.add("latency_seconds_bucket", cluster, ["app": "shop", "le": bound], column)
                }
            }
            try twins.gauge("consumer_lag", app: "shop", minutes: 240, level: 300, sigma: 0.4, memory: 0.7)
        }
        #expect(outcome.diverged <= 0.02)
    }
}
