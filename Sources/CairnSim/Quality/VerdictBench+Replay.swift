internal import CairnAnalyzer
internal import CairnSeries
internal import Foundation

// A part of a fleet replayed through the analyzer as `diverge` runs it, from samples to verdicts, and what the whole fleet
// would cost for a month.
extension VerdictBench {
    /// Applications whose samples are in memory at a time.
    private static let replayBatch = 8
    private static let fleetApplications = 1600.0
    private static let fleetMetrics = 12.0
    private static let fleetDays = 30.0
    private static let replayStartMs: Int64 = 1_767_225_600_000
    private static let gauges = [
        "http_p50_seconds", "http_p90_seconds", "http_p99_seconds", "dependency_latency_seconds", "availability_ratio",
        "pod_ready_ratio", "consumer_lag", "cpu_usage", "memory_usage", "heap_usage",
    ]

    /// - Parameter seconds: processor time of this thread.
    package func replay(seconds: () -> Double) throws -> [QualityResult] {
        let minutes = replayDays * 1440
        var (spent, comparisons, samples, found, wrong) = (0.0, 0, 0, 0, 0)
        for first in stride(from: 0, to: replayApplications, by: Self.replayBatch) {
            var source = MemorySampleSource()
            let numbers = first..<min(replayApplications, first + Self.replayBatch)
            for number in numbers { try addApplication(number, minutes: minutes, to: &source) }
            samples += source.sampleCount
            let start = seconds()
            let report = try DivergenceAnalyzer.analyze(
                source, DivergenceRequest(source: "old", target: "new", sinceMs: Self.replayStartMs))
            spent += seconds() - start
            comparisons += report.comparisons.count
            for one in report.comparisons where one.verdict == .diverged {
                if Self.isFaulty(Int(one.app.dropFirst(4)) ?? 0) { found += 1 } else { wrong += 1 }
            }
        }
        let comparisonMinutes = Double(comparisons * minutes)
        let each = spent / max(1, comparisonMinutes)
        let fleetMinutes = Self.fleetApplications * Self.fleetMetrics * Self.fleetDays * 1440
        let faulty = (0..<replayApplications).count(where: Self.isFaulty)
        let amount = "\(replayApplications) applications x 12 metrics, \(replayDays) days"
        return [
            QualityResult(
                name: "replay: a comparison-minute, from samples to verdict", amount: amount, measured: each * 1e6,
                unit: "us", target: "<= 2", isReached: each <= 2e-6,
                note: "\(samples) samples in memory, \(Self.text(spent)) s of processor; \(found) metrics of \(faulty) "
                    + "faulty applications DIVERGED, \(wrong) of healthy ones"),
            QualityResult(
                name: "replay: multiplied out, 1,600 applications x 12 metrics, 30 days",
                amount: "829 M comparison-minutes",
                measured: each * fleetMinutes / 60, unit: "min of one core", target: "<= 60",
                isReached: each * fleetMinutes <= 3600,
                note: "\(Self.text(each * fleetMinutes / 120)) min on two cores, of 30 asked for"),
        ]
    }

    private static func isFaulty(_ number: Int) -> Bool { number % 40 == 39 }

    private func addApplication(_ number: Int, minutes: Int, to source: inout MemorySampleSource) throws {
        var random = random("replay", number)
        let app = Label("app", "app-\(number)")
        let perMinute = 60 * random.logUniform(1...100)
        let service = SimulatedService(correlation: 0, isSeasonal: true)
        let onset = Self.isFaulty(number) ? minutes * 2 / 3 : minutes
        func add(_ name: String, _ cluster: String, _ labels: [Label], _ values: [Double]) throws {
            let key = try SeriesKey(name: name, labels: labels + [app, Label("cluster", cluster)])
            source.add(
                values.enumerated().map {
                    Sample(timeMs: Self.replayStartMs + Int64($0.offset) * 60_000, value: $0.element)
                }, to: key)
        }
        for (cluster, isTarget) in [("old", false), ("new", true)] {
            var totals = [[Double]](repeating: [0], count: 4)
            var bounds = [[Double]](repeating: [0], count: 5)
            for minute in 0..<minutes {
                let step = service.minute(minute, perMinute: perMinute, part: 0.5, &random)
                var counts = step.a
                if isTarget, minute >= onset {
                    let failed = (counts[0] * 0.03).rounded()
                    counts[0] -= failed
                    counts[3] += failed
                }
                for index in 0..<4 { totals[index].append((totals[index].last ?? 0) + counts[index]) }
                var below = 0.0
                for (index, count) in random.counts(step.draws.a, [0.5, 0.4, 0.09, 0.005, 0.005]).enumerated() {
                    below += count
                    bounds[index].append((bounds[index].last ?? 0) + below)
                }
            }
            for (code, column) in zip(["200", "404", "204", "503"], totals) {
                try add("http_requests_total", cluster, [Label("code", code)], column)
            }
            for (bound, column) in zip(["0.1", "0.5", "1", "2.5", "+Inf"], bounds) {
                try add("http_request_duration_seconds_bucket", cluster, [Label("le", bound)], column)
            }
        }
        for name in Self.gauges {
            let isShare = name.hasSuffix("_ratio")
            var gauge = SimulatedGauge(sigma: isShare ? 0.0001 : 0.1, memory: 0.5, &random)
            var values = (source: [Double](), target: [Double]())
            for _ in 0..<minutes {
                let pair = gauge.pair(&random)
                values.source.append(isShare ? min(1, 0.999 + pair.source) : exp(pair.source))
                values.target.append(isShare ? min(1, 0.999 + pair.target) : exp(pair.target))
            }
            try add(name, "old", [], values.source)
            try add(name, "new", [], values.target)
        }
    }
}
