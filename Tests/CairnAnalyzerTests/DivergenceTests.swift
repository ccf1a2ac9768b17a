import CairnAnalyzer
import CairnBytes
import CairnSeries
import CairnTestSupport
import Foundation
import Testing

/// What the comparison says of clusters whose difference is known.
@Suite struct DivergenceTests {
    /// An application at `rate` requests a second and cluster, whose shares change in the new cluster at a minute.
    static func shifted(
        seed: UInt64, rate: Int, codes: [String], from before: [Double], to after: [Double], at minute: Int,
        minutes: Int
    ) throws -> TwinClusters {
        var twins = TwinClusters(seed: seed)
        try twins.requests(
            app: "shop", codes: codes, minutes: minutes, draws: { _, _ in rate * 60 },
            shares: { $0 == "new" && $1 >= minute ? after : before })
        return twins
    }

    private func only(_ report: DivergenceReport) throws -> DivergenceComparison {
        #expect(report.comparisons.count == 1)
        return try #require(report.comparisons.first)
    }

    @Test func oddMixOnBothSidesIsEquivalent() throws {
        let twins = try Self.shifted(
            seed: 1, rate: 20, codes: ["200", "404"], from: [0.4, 0.6], to: [0.4, 0.6], at: 0, minutes: 180)
        let one = try only(twins.report(since: 60))
        #expect(one.verdict == .equivalent, "\(one.reason)")
        #expect(one.reasonCode == .insideMargin)
        #expect(one.reason.contains("404"))
        let (low, high, effect) = (try #require(one.effectLow), try #require(one.effectHigh), try #require(one.effect))
        #expect(-one.margin < low && low <= effect && effect <= high && high < one.margin)
    }

    @Test func errorsAreFoundInMinutes() throws {
        var delays: [Double] = []
        for seed in UInt64(10)..<20 {
            let twins = try Self.shifted(
                seed: seed, rate: 100, codes: ["200", "503"], from: [0.999, 0.001], to: [0.995, 0.005], at: 60,
                minutes: 90)
            let one = try only(twins.report(since: 60))
            #expect(one.verdict == .diverged, "seed \(seed): \(one.reason)")
            #expect(one.direction == .worse)
            #expect(one.part == "5xx" || one.part == "2xx")
            #expect((one.sinceMs ?? 0) - TwinClusters.minute(60) <= 120_000, "seed \(seed)")
            delays.append(Double((one.decidedAtMs ?? .max) - TwinClusters.minute(60)) / 60_000)
        }
        print("  5xx 0.1% to 0.5% at 100 requests a second: decided after \(delays.sorted()) min")
        #expect(delays.sorted()[5] <= 5)
    }

    @Test func swappedCodesAreNamed() throws {
        let twins = try Self.shifted(
            seed: 30, rate: 50, codes: ["200", "204"], from: [0.998, 0.002], to: [0.988, 0.012], at: 60, minutes: 120)
        let one = try only(twins.report(since: 60))
        #expect(one.verdict == .diverged, "\(one.reason)")
        #expect(one.reason.contains("204") && one.reason.contains("2xx"), "\(one.reason)")
        #expect((one.decidedAtMs ?? .max) - TwinClusters.minute(60) <= 10 * 60_000)
    }

    /// Hours of health must not bury a fault that begins late, and its beginning is told.
    @Test(arguments: UInt64(40)..<44) func lateFaultsAreFound(seed: UInt64) throws {
        let onset = 437
        let twins = try Self.shifted(
            seed: seed, rate: 30, codes: ["200", "404", "503"], from: [0.7, 0.298, 0.002], to: [0.68, 0.298, 0.022],
            at: onset, minutes: 480)
        let one = try only(twins.report(since: 60))
        #expect(one.verdict == .diverged, "seed \(seed): \(one.reason)")
        let off = ((one.sinceMs ?? 0) - TwinClusters.minute(onset)) / 60_000
        #expect(off.magnitude <= 2, "seed \(seed): \(off) minutes off")
        #expect((one.decidedAtMs ?? .max) - TwinClusters.minute(onset) <= 12 * 60_000, "seed \(seed)")
        // Before it began, nothing was wrong.
        #expect(try only(twins.report(since: 60, until: onset)).verdict != .diverged)
    }

    @Test func slowerLatencyIsFoundAndFasterIsNoFinding() throws {
        for (factor, direction) in [(1.6, DivergenceDirection.worse), (0.6, .better)] {
            var twins = TwinClusters(seed: 50)
            try twins.gauge(
                "http_request_duration_seconds", app: "shop", labels: ["quantile": "0.99"], minutes: 240, level: 0.2,
                sigma: 0.1, memory: 0.6, factor: { $0 == "new" && $1 >= 150 ? factor : 1 })
            let report = try twins.report(since: 120)
            let one = try only(report)
            #expect(one.verdict == .diverged, "\(one.reason)")
            #expect(one.direction == direction)
            #expect(report.findings.count == (direction == .worse ? 1 : 0))
            #expect((one.effect ?? 0) * (factor - 1) > 0)
            let (low, high) = (try #require(one.effectLow), try #require(one.effectHigh))
            #expect(direction == .worse ? low >= one.margin : high <= -one.margin)
            #expect(((one.sinceMs ?? 0) - TwinClusters.minute(150)).magnitude <= 120_000)
        }
    }

    /// What was different before is the clusters' own.
    @Test func baselineDifferencesAreSubtracted() throws {
        var twins = TwinClusters(seed: 51)
        try twins.gauge(
            "latency_p50_seconds", app: "shop", minutes: 400, level: 0.2, sigma: 0.05,
            factor: { cluster, _ in cluster == "new" ? 1.5 : 1 })
        let one = try only(twins.report(since: 240))
        #expect(one.verdict == .equivalent, "\(one.reason)")
        #expect(((one.baselineEffect ?? 0) - StatisticsShim.log(1.5)).magnitude < 0.05)
        // Judged from the first minute, the same difference is one.
        #expect(try only(twins.report(since: 0)).verdict == .diverged)
    }

    @Test func whatIsMissingHasAReason() throws {
        var twins = TwinClusters(seed: 52)
        let steady = (0..<120).map { Double($0 * 100) }
        try twins.add("http_requests_total", "old", ["app": "gone", "code": "200"], steady)
        try twins.add("http_requests_total", "new", ["app": "born", "code": "200"], steady)
        try twins.add("http_requests_total", "old", ["app": "idle", "code": "200"], steady)
        try twins.add("http_requests_total", "new", ["app": "idle", "code": "200"], steady.map { _ in 7 })
        try twins.add("latency_p99_seconds", "old", ["app": "short"], [0.1, 0.2, 0.1])
        try twins.add("latency_p99_seconds", "new", ["app": "short"], [0.1, 0.2, 0.3])
        let report = try twins.report(since: 0)
        func reason(_ app: String) -> DivergenceReason? { report.comparisons.first { $0.app == app }?.reasonCode }
        #expect(report.comparisons.allSatisfy { $0.verdict == .undecided && !$0.reason.isEmpty })
        #expect(reason("gone") == .missingInTarget)
        #expect(reason("born") == .missingInSource)
        #expect(reason("idle") == .noTrafficInTarget)
        #expect(reason("short") == .dataEndedInBoth)
        let short = try #require(report.comparisons.first { $0.app == "short" })
        #expect((short.timeToDecisionSeconds ?? 0) > 3600)
    }

    /// Cases from issue threads of other judges, where ten or six points were called fine: they are undecided.
    @Test(
        arguments: [
            ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], [100, 100, 100, 100, 100, 100, 100, 1, 1, 1]),
            ([0, 0, 0, 0, 0, 0], [0, 1, 2, 1, 0, 0]), ([0, 0, 0, 0, 0], [1, 0, 0, 2, 1]),
            (
                [1, 100, 4, 101, 5, 102, 6, 103, 7, 104, 8, 105, 9, 106, 17],
                [10, 10.1, 10.2, 10.3, 10.4, 10.5, 10.6, 17, 17.1, 17.2, 17.3, 17.4, 17.5, 17.6, 17.7]
            ),
        ] as [([Double], [Double])])
    func aHandfulOfPointsIsNeverAPass(control: [Double], experiment: [Double]) throws {
        var twins = TwinClusters(seed: 53)
        try twins.add("consumer_lag", "old", ["app": "shop"], control)
        try twins.add("consumer_lag", "new", ["app": "shop"], experiment)
        let one = try only(twins.report(since: 0))
        #expect(one.verdict == .undecided, "\(one.reason)")
        #expect(one.timeToDecisionSeconds != nil || one.reasonCode == .atMargin)
    }

    @Test func orderOfArrivalDoesNotMatter() throws {
        var twins = try Self.shifted(
            seed: 54, rate: 20, codes: ["200", "503"], from: [0.99, 0.01], to: [0.95, 0.05], at: 60, minutes: 120)
        try twins.gauge("latency_p99_seconds", app: "shop", minutes: 120, level: 0.2, sigma: 0.1)
        try twins.gauge("latency_p99_seconds", app: "cart", minutes: 120, level: 0.2, sigma: 0.1)
        let report = try twins.report(since: 60)
        var parts: [SeriesSamples] = []
        try twins.source.forEachSeries(matching: SeriesSelector(), in: .all) { key, samples in
            for start in stride(from: 0, to: samples.count, by: 17) {
                let part = Array(samples[start..<min(samples.count, start + 17)])
                parts.append(SeriesSamples(key: key, samples: part))
            }
        }
        var random = SeededRandom(seed: 55)
        var again = MemorySampleSource()
        for part in parts.shuffled(using: &random) { again.add(part.samples, to: part.key) }
        twins.source = again
        #expect(try twins.report(since: 60) == report)
    }

    /// A fleet of 60 applications: the faulty ones are found, the others are not, and the order puts the worst first.
    @Test func aFleetIsJudgedTogether() throws {
        var twins = TwinClusters(seed: 56)
        let faulty: Set<Int> = [7, 21, 44]
        for app in 0..<60 {
            try twins.requests(
                app: "app-\(app)", codes: ["200", "503"], minutes: 120, draws: { _, _ in 600 },
                shares: { cluster, minute in
                    faulty.contains(app) && cluster == "new" && minute >= 70 ? [0.96, 0.04] : [0.998, 0.002]
                })
        }
        var policy = DivergencePolicy.standard
        let report = try twins.report(since: 60, policy: policy)
        let diverged = report.comparisons.filter { $0.verdict == .diverged }.map(\.app)
        #expect(Set(diverged) == Set(faulty.map { "app-\($0)" }))
        #expect(Set(report.comparisons.prefix(3).map(\.app)) == Set(diverged))
        #expect(report.policyDigest == DivergencePolicy.standard.digest)
        policy.falseDiscoveryRate = 1e-300
        #expect(policy.digest != report.policyDigest)
        #expect(try twins.report(since: 60, policy: policy).comparisons.allSatisfy { $0.verdict != .diverged })
    }

    @Test func histogramTailsAreFound() throws {
        var twins = TwinClusters(seed: 57)
        for cluster in ["old", "new"] {
            var totals = [Double](repeating: 0, count: 6)
            var columns = [[Double]](repeating: [], count: 6)
            for minute in 0..<120 {
                let isSlow = cluster == "new" && minute >= 60
                let shares = isSlow ? [0.3, 0.3, 0.25, 0.08, 0.05, 0.02] : [0.3, 0.3, 0.25, 0.12, 0.025, 0.005]
                var below = 0.0
                for (index, count) in twins.random.counts(1500, shares).enumerated() {
                    below += count
                    totals[index] += below
                    columns[index].append(totals[index])
                }
            }
            for (bound, column) in zip(["0.05", "0.1", "0.25", "0.5", "1", "+Inf"], columns) {
                try twins.add("latency_seconds_bucket", cluster, ["app": "shop", "le": bound, "pod": cluster], column)
            }
        }
        let one = try only(twins.report(since: 60))
        #expect(one.metric == "latency_seconds")
        #expect(one.kind == .latency)
        #expect(one.verdict == .diverged && one.direction == .worse, "\(one.reason)")
        #expect(one.part.hasPrefix("above "))
        #expect((one.sinceMs ?? 0) - TwinClusters.minute(60) <= 120_000)
    }

    @Test func metricsThatSayNothingAreLeftOut() throws {
        var twins = TwinClusters(seed: 58)
        let values = (0..<60).map { Double($0) }
        for cluster in ["old", "new"] {
            try twins.add("kube_deployment_spec_replicas", cluster, ["deployment": "shop"], values)
            try twins.add("app_build_info", cluster, ["app": "shop"], values)
            try twins.add("requests_total", cluster, ["app": "shop"], values)
            try twins.add("process_start_timestamp_seconds", cluster, ["app": "shop"], values)
        }
        let report = try twins.report(since: 30)
        #expect(report.comparisons.isEmpty)
        #expect(report.leftOut.count == 4)
        #expect(report.leftOut.allSatisfy { !$0.reason.isEmpty })
    }

    /// Whatever the samples are, there is an answer.
    @Test func anySamplesAreSurvived() throws {
        var random = SeededRandom(seed: 59)
        let odd: [Double] = [
            0, -1, .nan, .infinity, -.infinity, 1e308, -1e308, .leastNonzeroMagnitude, 1, 2,
            Double(bitPattern: 0x7FF0_0000_0000_0002),
        ]
        let names = ["x_total", "latency_p99", "availability", "lag", "x_bucket", "cpu", "errors_rate", "up", "x_sum"]
        for round in 0..<60 {
            var source = MemorySampleSource()
            for cluster in ["old", "new"] {
                for _ in 0..<4 {
                    var labels = [Label("cluster", cluster), Label("app", "a")]
                    if Bool.random(using: &random) {
                        labels.append(Label("code", ["200", "x", "503"].randomElement(using: &random) ?? ""))
                    }
                    if Bool.random(using: &random) {
                        labels.append(Label("le", ["1", "+Inf", "z", "NaN"].randomElement(using: &random) ?? ""))
                    }
                    let key = try SeriesKey(name: names.randomElement(using: &random) ?? "", labels: labels)
                    source.add(
                        (0..<Int.random(in: 1...40, using: &random)).map { _ in
                            let time =
                                Int64.random(in: 0...9, using: &random) == 0
                                ? Int64.random(in: -100_000_000...100_000_000, using: &random)
                                : Int64.random(in: 0...3_600_000, using: &random)
                            return Sample(timeMs: time, value: odd.randomElement(using: &random) ?? 0)
                        }, to: key)
                }
            }
            let since: Int64? = Bool.random(using: &random) ? nil : Int64.random(in: -10...4_000_000, using: &random)
            let report = try DivergenceAnalyzer.analyze(
                source, DivergenceRequest(source: "old", target: "new", sinceMs: since))
            // Every number is one that JSON has.
            let text = CanonicalJSON.string(of: report.json)
            #expect(try JSONParser.parse(text).value == report.json, "seed 59, round \(round)")
        }
    }

    @Test func jsonHasTheFixedKeys() throws {
        let twins = try Self.shifted(
            seed: 60, rate: 50, codes: ["200", "503"], from: [0.999, 0.001], to: [0.97, 0.03], at: 60, minutes: 90)
        let report = try twins.report(since: 60)
        let keys = report.json.array?.first?.object?.names ?? []
        for key in [
            "app", "metric", "verdict", "since", "effect", "effect_low", "effect_high", "margin", "log_evidence",
            "reason",
            "time_to_decision_seconds",
        ] { #expect(keys.contains(key), "\(key)") }
        let finding = try #require(report.findings.first)
        #expect(finding.id.hasPrefix("diverge-"))
        #expect(finding.json["scope"]?["app"]?.string == "shop")
        #expect(finding.json["policy_digest"]?.string == DivergencePolicy.standard.digest)
        #expect(try twins.report(since: 60).findings.first?.id == finding.id)
    }
}
