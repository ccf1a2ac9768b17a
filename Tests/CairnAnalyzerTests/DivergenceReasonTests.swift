import CairnAnalyzer
import CairnSeries
import CairnTestSupport
import Testing

/// Missing, stopped and scarce traffic, and what others' judges were wrong about: nothing is ever a silent pass.
@Suite struct DivergenceReasonTests {
    private func only(_ report: DivergenceReport) throws -> DivergenceComparison {
        #expect(report.comparisons.count == 1)
        return try #require(report.comparisons.first)
    }

    private static func twins(_ seed: UInt64, minutes: Int = 240, draws: @escaping (String, Int) -> Int) throws
        -> TwinClusters
    {
        var twins = TwinClusters(seed: seed)
        try twins.requests(
            app: "shop", codes: ["200", "503"], minutes: minutes, draws: draws, shares: { _, _ in [0.998, 0.002] })
        return twins
    }

    @Test func trafficThatStopsIsNoSuccess() throws {
        let twins = try Self.twins(80) { $0 == "new" && $1 >= 200 ? 0 : 6000 }
        #expect(try only(twins.report(since: 0, until: 190)).verdict == .equivalent)
        let stopped = try only(twins.report(since: 0))
        #expect(stopped.verdict == .undecided && stopped.reasonCode == .trafficStoppedInTarget, "\(stopped.reason)")
        #expect(!stopped.wouldChange.isEmpty)
        // The cluster that is left falls silent when everything has moved: what was shown stays shown.
        let moved = try Self.twins(80) { $0 == "old" && $1 >= 200 ? 0 : 6000 }
        #expect(try only(moved.report(since: 0)).verdict == .equivalent)
    }

    @Test func dataThatEndsSaysSo() throws {
        var twins = try Self.twins(81) { _, _ in 6000 }
        try twins.gauge("latency_p99_seconds", app: "shop", minutes: 240, level: 0.2, sigma: 0.05)
        var cut = TwinClusters(seed: 0)
        try twins.source.forEachSeries(matching: SeriesSelector(), in: .all) { key, samples in
            let isCut = key[SeriesKey.clusterLabel] == "new" && key.name == "http_requests_total"
            cut.source.add(isCut ? Array(samples.prefix(200)) : samples, to: key)
        }
        let report = try cut.report(since: 0)
        let requests = try #require(report.comparisons.first { $0.metric == "http_requests_total" })
        #expect(requests.verdict == .undecided && requests.reasonCode == .dataEndedInTarget, "\(requests.reason)")
        #expect(requests.behindSeconds == 2400)
        let latency = try #require(report.comparisons.first { $0.metric == "latency_p99_seconds" })
        #expect(latency.behindSeconds == 0 && latency.verdict != .undecided, "\(latency.reason)")
        // Judged for a later moment, everything is behind.
        var request = DivergenceRequest(source: "old", target: "new", sinceMs: TwinClusters.minute(0))
        request.asOfMs = (latency.dataUntilMs ?? 0) + 90_000
        #expect(try DivergenceAnalyzer.analyze(cut.source, request).comparisons.compactMap(\.behindSeconds).min() == 90)
    }

    @Test func aTrickleIsNamed() throws {
        let twins = try Self.twins(82) { cluster, _ in cluster == "new" ? 1 : 6000 }
        let one = try only(twins.report(since: 60))
        #expect(one.verdict == .undecided && one.reasonCode == .lowTraffic, "\(one.reason)")
    }

    /// Counts that came without their requests were called fine elsewhere. With the requests, they are undecided and
    /// tell how many more it takes; and those suffice.
    @Test(arguments: [[0, 1, 2, 1, 0, 0], [1, 0, 0, 2, 1]]) func fewErrorsSayHowManyMore(errors: [Int]) throws {
        func twins(_ times: Int) throws -> TwinClusters {
            var twins = TwinClusters(seed: 83)
            let minutes = errors.count * times
            for cluster in ["old", "new"] {
                var failed = [0.0]
                for minute in 0..<minutes {
                    failed.append((failed.last ?? 0) + (cluster == "new" ? Double(errors[minute % errors.count]) : 0))
                }
                let all = (0...minutes).map { Double($0 * 100) }
                try twins.add("http_requests_total", cluster, ["app": "shop", "code": "503"], failed)
                try twins.add("http_requests_total", cluster, ["app": "shop", "code": "200"], all)
            }
            return twins
        }
        let one = try only(twins(1).report(since: 0))
        #expect(one.verdict == .undecided && one.reasonCode == .tooFewSamples, "\(one.reason)")
        let needed = try #require(one.requestsToDecision)
        #expect((300..<100_000).contains(needed), "\(needed)")
        #expect(one.reason.contains("requests"), "\(one.reason)")
        let times = 1 + Int(2 * needed / Double(100 * errors.count))
        let later = try only(twins(times).report(since: 0))
        #expect(later.verdict == .diverged, "\(times) times: \(later.reason)")
        #expect(later.part == "5xx" || later.part == "2xx")
    }

    /// A mean of 1 and one of 70: with a minute a point, for as long as it takes to know the noise, it is found.
    @Test func aLevelSeventyTimesAsHighIsFound() throws {
        var twins = TwinClusters(seed: 84)
        var random = SeededRandom(seed: 85)
        try twins.add(
            "consumer_lag", "old", ["app": "shop"], (0..<240).map { _ in Double.random(in: 80...120, using: &random) })
        try twins.add(
            "consumer_lag", "new", ["app": "shop"],
            (0..<240).map { $0 % 10 < 7 ? Double.random(in: 7000...9000, using: &random) : 100 })
        let one = try only(twins.report(since: 0))
        #expect(one.verdict == .diverged && one.direction == .worse, "\(one.reason)")
    }

    @Test func meaningsAreShownAndCanBeSaid() throws {
        var twins = try Self.twins(86, minutes: 60) { _, _ in 600 }
        try twins.gauge("thing", app: "shop", minutes: 60, level: 0.999, sigma: 0.0001)
        var request = DivergenceRequest(source: "old", target: "new", sinceMs: TwinClusters.minute(30))
        func meaning(_ metric: String) throws -> String? {
            try DivergenceAnalyzer.analyze(twins.source, request).comparisons.first { $0.metric == metric }?.meaning
        }
        #expect(try meaning("http_requests_total")?.contains("label code") == true)
        #expect(try meaning("thing")?.contains("level") == true)
        request.meanings["thing"] = DivergenceMeaning(parsing: "availability")
        #expect(try meaning("thing")?.contains("availability") == true)
        request.meanings["thing"] = DivergenceMeaning(parsing: "ignore")
        #expect(try meaning("thing") == nil)
        #expect(DivergenceMeaning(parsing: "nonsense") == nil && DivergenceMeaning(parsing: "status:") == nil)
        for word in DivergenceMeaning.vocabulary { #expect(DivergenceMeaning(parsing: word) != nil, "\(word)") }
    }

    /// Every verdict has its evidence over time, a reason and what would change it.
    @Test func everyVerdictTellsItsWay() throws {
        var twins = try Self.twins(87) { $0 == "new" && $1 < 120 ? 60 : 3000 }
        try twins.gauge(
            "latency_p99_seconds", app: "cart", minutes: 240, level: 0.2, sigma: 0.05,
            factor: {
                $0 == "new" && $1 > 150 ? 2 : 1
            })
        try twins.gauge("queue_depth", app: "cart", minutes: 20, level: 50, sigma: 0.5)
        for one in try twins.report(since: 0).comparisons {
            #expect(!one.reason.isEmpty && !one.wouldChange.isEmpty && !one.meaning.isEmpty, "\(one.metric)")
            #expect(one.looks.map(\.timeMs) == one.looks.map(\.timeMs).sorted())
            #expect((1...121).contains(one.looks.count), "\(one.metric): \(one.looks.count)")
            for look in one.looks { #expect(look.low <= look.effect && look.effect <= look.high) }
            if one.verdict == .diverged { #expect(one.looks.contains { $0.nats >= StatisticsShim.log(100) }) }
        }
    }
}
