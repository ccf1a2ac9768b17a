import CairnAnalyzer
import CairnSeries
import CairnTestSupport
import Testing

/// What must not change when the same thing is told otherwise.
@Suite struct DivergenceLawsTests {
    /// A gauge and a counter, each with a fault, and a healthy one of both.
    private static func twins(seed: UInt64, scale: Double = 1) throws -> TwinClusters {
        var twins = TwinClusters(seed: seed)
        for (app, factor, share) in [("slow", 1.6, 0.002), ("fine", 1.0, 0.002), ("failing", 1.0, 0.03)] {
            try twins.gauge(
                "latency_p99_seconds", app: app, minutes: 240, level: 0.2 * scale, sigma: 0.1, memory: 0.5,
                factor: { $0 == "new" && $1 >= 150 ? factor : 1 })
            try twins.requests(
                app: app, codes: ["200", "404", "503"], minutes: 240, draws: { _, _ in 1200 },
                shares: { $0 == "new" && $1 >= 150 ? [0.9 - share, 0.1, share] : [0.898, 0.1, 0.002] })
        }
        return twins
    }

    /// Seconds, milliseconds or days: ratios have no unit.
    @Test(arguments: [1e-6, 1e-3, 1e3, 1e6]) func unitsDoNotMatter(scale: Double) throws {
        let plain = try Self.twins(seed: 70).report(since: 120)
        let scaled = try Self.twins(seed: 70, scale: scale).report(since: 120)
        #expect(plain.comparisons.count == 6)
        for (one, other) in zip(plain.comparisons, scaled.comparisons) {
            #expect((one.app, one.metric) == (other.app, other.metric))
            #expect(one.verdict == other.verdict && one.sinceMs == other.sinceMs, "\(one.app): \(other.reason)")
            #expect(((one.effect ?? 0) - (other.effect ?? 0)).magnitude < 1e-9)
            #expect((one.nats - other.nats).magnitude < 1e-6 * max(1, one.nats))
        }
        #expect(plain.comparisons.filter { $0.verdict == .diverged }.count == 2)
    }

    /// The other cluster as the source: effects change sign, verdicts stay.
    @Test(arguments: UInt64(71)..<74) func swappedClustersDifferTheOtherWay(seed: UInt64) throws {
        let twins = try Self.twins(seed: seed)
        let request = DivergenceRequest(source: "old", target: "new", sinceMs: TwinClusters.minute(120))
        var turned = request
        (turned.source, turned.target) = ("new", "old")
        let report = try DivergenceAnalyzer.analyze(twins.source, request)
        let other = try DivergenceAnalyzer.analyze(twins.source, turned)
        for one in report.comparisons {
            let same = try #require(
                other.comparisons.first { ($0.app, $0.metric) == (one.app, one.metric) }, "seed \(seed)")
            // The margin of a share is a part of the source's, so near it counts may be decided one way only.
            guard one.kind == .latency || one.verdict == .diverged else { continue }
            #expect(same.verdict == one.verdict, "seed \(seed) \(one.app): \(one.reason); \(same.reason)")
            guard one.kind == .latency else { continue }
            #expect(((one.effect ?? 0) + (same.effect ?? 0)).magnitude < 1e-9, "seed \(seed)")
            #expect((one.nats - same.nats).magnitude < 1e-9 * max(1, one.nats))
            if one.app == "slow" { #expect(one.direction == .worse && same.direction == .better) }
        }
    }

    /// The same traffic counted by one pod or by five.
    @Test func podsDoNotMatter() throws {
        var random = SeededRandom(seed: 75)
        var whole = TwinClusters(seed: 0)
        var divided = TwinClusters(seed: 0)
        for cluster in ["old", "new"] {
            for (code, usual) in [("200", 1200), ("503", 3)] {
                var pods = [[Double]](repeating: [0], count: 5)
                var all = [0.0]
                for minute in 0..<200 {
                    let more = cluster == "new" && code == "503" && minute > 120 ? 40 : 0
                    var sum = 0.0
                    for pod in pods.indices {
                        let count = Double(Int.random(in: 0...(2 * usual / 5), using: &random) + more / 5)
                        pods[pod].append((pods[pod].last ?? 0) + count)
                        sum += count
                    }
                    all.append((all.last ?? 0) + sum)
                }
                let labels = ["app": "shop", "code": code]
                try whole.add("http_requests_total", cluster, labels.merging(["pod": "one"]) { $1 }, all)
                for (number, values) in pods.enumerated() {
                    try divided.add(
                        "http_requests_total", cluster, labels.merging(["pod": "\(cluster)-\(number)"]) { $1 }, values)
                }
            }
        }
        let one = try #require(whole.report(since: 60).comparisons.first)
        let other = try #require(divided.report(since: 60).comparisons.first)
        #expect(one.verdict == .diverged && other.verdict == .diverged)
        #expect(one.nats == other.nats && one.sinceMs == other.sinceMs && one.effect == other.effect)
    }

    /// Samples later than `until` change nothing that was said before.
    @Test func theFutureDoesNotMatter() throws {
        let twins = try Self.twins(seed: 76)
        let early = try twins.report(since: 120, until: 180)
        var cut = TwinClusters(seed: 0)
        try twins.source.forEachSeries(matching: SeriesSelector(), in: .all) { key, samples in
            cut.source.add(samples.filter { $0.timeMs < TwinClusters.minute(180) }, to: key)
        }
        #expect(try cut.report(since: 120) == early)
    }

    /// Fed minute by minute the core says what the batch says, and its state does not grow.
    @Test func theCoreIsTheBatch() throws {
        let margins = CountMargins(least: 0.001, factor: 0.5, most: 0.05, trafficShareMin: 0.005)
        var comparison = CountComparison(effects: 9, margins: margins)
        let before = comparison.stateBytes
        var random = SeededRandom(seed: 77)
        let shares = [0.8, 0.05, 0.05, 0.05, 0.02, 0.01, 0.01, 0.005, 0.005]
        for _ in 0..<2000 {
            comparison.advance(
                random.counts(600, shares), random.counts(600, shares), draws: (600, 600))
        }
        #expect(comparison.steps == 2000)
        #expect(comparison.nats < 3)
        #expect(comparison.isEquivalent(alpha: 0.01))
        #expect(comparison.stateBytes == before && before <= 1536, "\(before) bytes")
        var level = LevelComparison(margin: 0.1, alpha: 0.01, noise: LevelNoise())
        for _ in 0..<2000 { level.advance(0.05 * random.normal()) }
        #expect(level.stateBytes <= 1536, "\(level.stateBytes) bytes")
        #expect(level.isEquivalent && level.nats < 3)
    }

    /// A traffic step forgets what was learnt of the other split: a trickle of health checks is no forecast of traffic.
    @Test func trafficStepsForget() {
        let margins = CountMargins(least: 0.001, factor: 0.5, most: 0.05, trafficShareMin: 0)
        func nats(isTold: Bool) -> Double {
            var comparison = CountComparison(effects: 1, margins: margins)
            for minute in 0..<100 {
                let hasMoved = minute >= 10
                comparison.advance(
                    [6], [hasMoved ? 6 : 2], draws: (6000, hasMoved ? 6000 : 60), isTrafficStep: isTold && minute == 10)
            }
            return comparison.nats
        }
        #expect(nats(isTold: true) > nats(isTold: false))
    }
}
