import CairnAnalyzer
import CairnBytes
import CairnFlowLogs
import CairnSeries
import CairnTestSupport
import Testing

/// What must not change when the same evidence comes otherwise: shuffled, in other batches, with the clusters swapped, in
/// another unit; and the numbers themselves, to six digits.
@Suite struct MetamorphicTests {
    /// The samples of a source in so many batches, dealt out and told in any order.
    private static func shuffled(
        _ source: MemorySampleSource, batches: Int, _ random: inout SeededRandom
    ) throws -> MemorySampleSource {
        var dealt = [[SeriesKey: [Sample]]](repeating: [:], count: batches)
        try source.forEachSeries(matching: SeriesSelector(), in: .all) { key, samples in
            for sample in samples { dealt[Int(random.next() % UInt64(batches))][key, default: []].append(sample) }
        }
        var output = MemorySampleSource()
        for batch in dealt.shuffled(using: &random) {
            output.add(
                SampleBatch(
                    batch.shuffled(using: &random).map { SeriesSamples(key: $0.key, samples: $0.value) }))
        }
        return output
    }

    private static func twins() throws -> TwinClusters {
        var twins = TwinClusters(seed: 91)
        for (app, factor, share) in [("slow", 1.6, 0.002), ("fine", 1.0, 0.002), ("failing", 1.0, 0.03)] {
            try twins.gauge(
                "latency_p99_seconds", app: app, minutes: 200, level: 0.2, sigma: 0.1, memory: 0.5,
                factor: { $0 == "new" && $1 >= 120 ? factor : 1 })
            try twins.requests(
                app: app, codes: ["200", "404", "503"], minutes: 200, draws: { _, _ in 1200 },
                shares: { $0 == "new" && $1 >= 120 ? [0.9 - share, 0.1, share] : [0.898, 0.1, 0.002] })
        }
        return twins
    }

    @Test(arguments: [(UInt64(1), 1), (2, 2), (3, 17)]) func arrivalDoesNotMatterToVerdicts(
        seed: UInt64, batches: Int
    ) throws {
        var random = SeededRandom(seed: seed)
        let twins = try Self.twins()
        let request = DivergenceRequest(source: "old", target: "new", sinceMs: TwinClusters.minute(90))
        let expected = try DivergenceAnalyzer.analyze(twins.source, request)
        #expect(expected.findings.count == 2)
        let other = try Self.shuffled(twins.source, batches: batches, &random)
        #expect(try DivergenceAnalyzer.analyze(other, request) == expected, "seed \(seed)")
    }

    private static func series() throws -> MemorySampleSource {
        var maker = AnomalySeriesMaker(seed: 92)
        var source = MemorySampleSource()
        for (number, cluster) in ["old", "new"].enumerated() {
            let samples = maker.samples { $0 == 3000 + number * 100 ? $1 + 90 : $1 }
            source.add(
                samples, to: try SeriesKey(name: "cpu", labels: [Label("app", "shop"), Label("cluster", cluster)]))
        }
        return source
    }

    @Test(arguments: [(UInt64(4), 1), (5, 3), (6, 19)]) func arrivalDoesNotMatterToAnomalies(
        seed: UInt64, batches: Int
    ) throws {
        var random = SeededRandom(seed: seed)
        let source = try Self.series()
        var request = AnomalyRequest(selector: .metric("cpu"))
        request.wantsPoints = true
        let expected = try AnomalyAnalyzer.analyze(source, request)
        #expect(expected.count == 2 && expected.allSatisfy { !$0.events.isEmpty })
        let other = try Self.shuffled(source, batches: batches, &random)
        #expect(try AnomalyAnalyzer.analyze(other, request) == expected, "seed \(seed)")
    }

    /// A series is judged by its own past: under the other cluster's name it has the same anomalies.
    @Test func swappedClustersSwapTheirAnomalies() throws {
        let source = try Self.series()
        var swapped = MemorySampleSource()
        try source.forEachSeries(matching: SeriesSelector(), in: .all) { key, samples in
            let other = key[SeriesKey.clusterLabel] == "old" ? "new" : "old"
            swapped.add(
                samples, to: try SeriesKey(name: "cpu", labels: [Label("app", "shop"), Label("cluster", other)]))
        }
        let request = AnomalyRequest(selector: .metric("cpu"))
        let one = try AnomalyAnalyzer.analyze(source, request).map(\.events)
        #expect(try AnomalyAnalyzer.analyze(swapped, request).map(\.events) == one.reversed())
    }

    private static func drops(bytesPerFlow: UInt64 = 0) throws -> MemoryFlowSource {
        var random = SeededRandom(seed: 93)
        var scene = FlowScene()
        scene.bytesPerFlow = bytesPerFlow
        for minute in Int64(1000)..<1240 {
            for cluster in ["old", "new"] {
                let isDown = cluster == "new" && (1100..<1115).contains(minute)
                scene.connections(cluster, minute: minute, 6, unanswered: isDown ? 5 : 0, host: Int(minute % 4))
            }
        }
        return scene.source(files: 3, random: &random)
    }

    /// Large packets or small ones: what is counted is connections.
    @Test(arguments: [1000, 1_000_000_000] as [UInt64]) func bytesDoNotMatterToDrops(bytesPerFlow: UInt64) throws {
        let request = DropsRequest(source: "old", target: "new")
        let plain = try DropsAnalyzer.report(on: try Self.drops(), for: request).findings
        #expect(plain.count == 1)
        #expect(
            try DropsAnalyzer.report(on: try Self.drops(bytesPerFlow: bytesPerFlow), for: request).findings == plain)
    }

    /// The same drops with the clusters' parts exchanged: another side, and nothing else.
    @Test func swappedClustersSwapTheSideOfDrops() throws {
        let source = try Self.drops()
        let one = try #require(
            try DropsAnalyzer.report(on: source, for: DropsRequest(source: "old", target: "new")).findings.first)
        let other = try #require(
            try DropsAnalyzer.report(on: source, for: DropsRequest(source: "new", target: "old")).findings.first)
        #expect(one.side == .targetOnly && other.side == .sourceOnly)
        #expect((one.cluster, one.startMinute, one.endMinute) == (other.cluster, other.startMinute, other.endMinute))
        #expect(one.excess == other.excess && one.kind == other.kind && one.evidence.foundAt == other.evidence.foundAt)
    }

    /// On every machine the same numbers, to six digits.
    @Test func numbersAreTheSameEverywhere() throws {
        func text(_ value: Double?) -> String {
            guard let value, value.isFinite else { return "-" }
            guard value != 0 else { return "0" }
            var scale = 1.0
            while value.magnitude * scale < 1e5 { scale *= 10 }
            while value.magnitude * scale >= 1e6 { scale /= 10 }
            return CanonicalJSON.text(of: (value * scale).rounded() / scale)
        }
        var lines: [String] = []
        for one in try Self.twins().report(since: 90).comparisons {
            let numbers = [one.effect, one.effectLow, one.effectHigh, one.nats, one.finalNats, one.dispersion]
            lines.append(
                "\(one.app) \(one.metric) \(one.verdict.rawValue) " + numbers.map(text).joined(separator: " "))
        }
        let request = DropsRequest(source: "old", target: "new")
        for one in try DropsAnalyzer.report(on: try Self.drops(), for: request).findings {
            let numbers = [one.excess, one.baseline, one.explained, one.evidence.threshold]
            lines.append("\(one.kind.rawValue) \(one.startMinute) " + numbers.map(text).joined(separator: " "))
        }
        for report in try AnomalyAnalyzer.analyze(try Self.series(), AnomalyRequest(selector: .metric("cpu"))) {
            for event in report.events {
                let numbers = [event.value, event.expected, event.score, event.rarity]
                lines.append("\(report.key) \(event.startMs) " + numbers.map(text).joined(separator: " "))
            }
        }
        try Golden.expect(lines.joined(separator: "\n") + "\n", matches: "numbers.txt", in: #filePath)
    }
}
