import CairnAnalyzer
import CairnBytes
import CairnSeries
import CairnTestSupport
import Testing

/// A series with a daily course, noise and whatever a test puts in.
struct AnomalySeriesMaker {
    static let start: Int64 = 1_772_409_600_000  // a Monday, 00:00
    var random: SeededRandom
    var intervalMs: Int64 = 300_000
    var days = 14
    var level = 100.0
    var swing = 40.0
    var sigma = 2.0
    var weekend = 1.0

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func samples(_ change: (Int, Double) -> Double? = { $1 }) -> [Sample] {
        let perDay = Int(86_400_000 / intervalMs)
        return (0..<days * perDay).compactMap { index in
            let day = Double(index % perDay) / Double(perDay)
            let isWeekend = (index / perDay) % 7 >= 5
            let course = level + swing * (isWeekend ? weekend : 1) * StatisticsShim.sin(2 * .pi * day)
            let value = course + sigma * random.normal()
            return change(index, value).map { Sample(timeMs: Self.start + Int64(index) * intervalMs, value: $0) }
        }
    }

    static func analyze(_ samples: [Sample], name: String = "cpu") throws -> AnomalyReport {
        var source = MemorySampleSource()
        source.add(samples, to: try SeriesKey(name: name, labels: [Label("app", "shop")]))
        let reports = try AnomalyAnalyzer.analyze(source, AnomalyRequest(selector: .metric(name)))
        return try #require(reports.first)
    }
}

@Suite struct AnomalyDetectorTests {
    /// A jump for an hour on the twelfth day is one event, with its place, its size and no other beside it.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func oneAlarmForOneEvent(seed: UInt64) throws {
        var maker = AnomalySeriesMaker(seed: seed)
        let from = 11 * 288 + 60
        let report = try AnomalySeriesMaker.analyze(
            maker.samples { (from..<from + 12).contains($0) ? $1 + 90 : $1 })
        let start = AnomalySeriesMaker.start + Int64(from) * 300_000
        let found = report.events.filter { $0.startMs == start }
        #expect(found.count == 1, "seed \(seed): \(report.events.map(\.startMs))")
        let event = try #require(found.first)
        #expect(event.isAbove)
        #expect((50...130).contains(event.value - (event.expected ?? 0)))
        #expect(event.endMs.map { (9...40).contains(($0 - start) / 300_000) } ?? false, "seed \(seed)")
        #expect(report.events.count <= 2, "seed \(seed)")
    }

    /// As a finding it carries what was measured and expected, and how rare that was, before and while it lasted.
    @Test func aFindingHasItsEvidenceOverTime() throws {
        var maker = AnomalySeriesMaker(seed: 1)
        let from = 11 * 288 + 60
        var source = MemorySampleSource()
        let key = try SeriesKey(name: "cpu", labels: [Label("app", "shop"), Label("cluster", "eks")])
        source.add(maker.samples { (from..<from + 12).contains($0) ? $1 + 90 : $1 }, to: key)
        var request = AnomalyRequest(selector: .metric("cpu"))
        request.wantsPoints = true
        let findings = try AnomalyAnalyzer.analyze(source, request).flatMap { $0.findings(by: request.policy) }
        let start = AnomalySeriesMaker.start + Int64(from) * 300_000
        let finding = try #require(findings.first { $0.event.startMs == start })
        let series = finding.evidenceSeries
        let decided = try #require(series.decidedAt)
        #expect(decided == finding.start)
        #expect(series.points.count { $0.time < decided } >= 30)
        #expect(series.points.allSatisfy { $0.observed != nil && ($0.logEvidence ?? -1) >= 0 })
        let before = series.points.filter { $0.time < decided }
        #expect(before.allSatisfy { ($0.logEvidence ?? 0) < (series.threshold ?? 0) })
        #expect(EvidenceSeries(finding.json["evidence_series"])?.points.count == series.points.count)
        #expect(finding.cluster == "eks" && finding.id == findings.first { $0.event.startMs == start }?.id)
        #expect(finding.sentence.contains("was expected, above all that is usual"))
    }

    /// The value is common at another time of the day and wrong at this one: only the season can tell.
    @Test(arguments: [4, 5] as [UInt64])
    func onlyTheSeasonCanTell(seed: UInt64) throws {
        var maker = AnomalySeriesMaker(seed: seed)
        // At 06:00 the course is at its top; it falls to what it is at 18:00.
        let from = 12 * 288 + 66
        let report = try AnomalySeriesMaker.analyze(
            maker.samples { (from..<from + 12).contains($0) ? $1 - 70 : $1 })
        let start = AnomalySeriesMaker.start + Int64(from) * 300_000
        #expect(
            report.events.contains { (start...start + 3_600_000).contains($0.startMs) && !$0.isAbove }, "seed \(seed)")
    }

    @Test func weekendsAreNotNews() throws {
        var maker = AnomalySeriesMaker(seed: 6)
        maker.days = 42
        maker.intervalMs = 900_000
        maker.weekend = 0.2
        let report = try AnomalySeriesMaker.analyze(maker.samples())
        let late = report.events.filter { $0.startMs > AnomalySeriesMaker.start + 28 * 86_400_000 }
        #expect(late.count <= 2, "\(late.map(\.startMs))")
    }

    @Test func constantSeries() throws {
        let flat = (0..<2000).map { Sample(timeMs: Int64($0) * 60_000, value: 45) }
        #expect(try AnomalySeriesMaker.analyze(flat).events.isEmpty)
        var stepped = flat
        for index in 1500..<2000 { stepped[index].value = 46 }
        let events = try AnomalySeriesMaker.analyze(stepped).events
        #expect(events.map(\.startMs) == [1500 * 60_000])
        // Rounding in the last digits is no change.
        var rounded = flat
        for index in 1500..<2000 { rounded[index].value = 45.000001 }
        #expect(try AnomalySeriesMaker.analyze(rounded).events.isEmpty)
    }

    @Test func scoresAreBoundedAndRepeatable() throws {
        var maker = AnomalySeriesMaker(seed: 7)
        let samples = maker.samples { index, value in index % 997 == 0 ? value * 1e6 : value }
        func scores() -> [Double] {
            var detector = AnomalyDetector()
            return samples.map { detector.add(timeMs: $0.timeMs, value: $0.value)?.score ?? -1 }
        }
        let first = scores()
        #expect(first.allSatisfy { (0...1).contains($0) })
        #expect(first.contains { $0 > 0.7 })
        #expect(first == scores())
    }

    /// Units do not matter: the same series in another unit has the same scores.
    @Test(arguments: [1e-6, 1e-3, 1e6])
    func unitsDoNotMatter(factor: Double) throws {
        var maker = AnomalySeriesMaker(seed: 8)
        let samples = maker.samples { index, value in index == 3000 ? value + 60 : value }
        var plain = AnomalyDetector()
        var scaled = AnomalyDetector()
        for sample in samples {
            let one = plain.add(timeMs: sample.timeMs, value: sample.value)?.score ?? 0
            let other = scaled.add(timeMs: sample.timeMs, value: sample.value * factor)?.score ?? 0
            #expect((one - other).magnitude < 1e-6)
        }
    }

    @Test func gapsAndDisorderAreNoAnomalies() throws {
        var maker = AnomalySeriesMaker(seed: 9)
        // Every third sample and a whole day are missing.
        let samples = maker.samples { index, value in
            index % 3 == 1 || (9 * 288..<10 * 288).contains(index) ? nil : value
        }
        #expect(try AnomalySeriesMaker.analyze(samples).events.count <= 2)
        var detector = AnomalyDetector()
        _ = detector.add(timeMs: 1000, value: 1)
        #expect(detector.add(timeMs: 1000, value: 2) == nil)
        #expect(detector.add(timeMs: 500, value: 2) == nil)
        #expect(detector.add(timeMs: 2000, value: .nan) == nil)
        #expect(detector.add(timeMs: 3000, value: .infinity) == nil)
        #expect(detector.count == 1)
    }

    /// A counter that restarts is no anomaly; one that counts ten times as fast for an hour is.
    @Test func countersAndTheirRestarts() throws {
        var random = SeededRandom(seed: 10)
        var total = 0.0
        let samples = (0..<4000).map { index -> Sample in
            if index % 700 == 699 { total = 0 }
            total += (100 + 5 * random.normal()) * ((3500..<3560).contains(index) ? 10 : 1)
            return Sample(timeMs: Int64(index) * 60_000, value: total)
        }
        let report = try AnomalySeriesMaker.analyze(samples, name: "http_requests_total")
        #expect(report.isCounter)
        let found = report.events.filter { (3500...3502).contains($0.startMs / 60_000) }
        #expect(found.count == 1)
        #expect(report.events.count <= 3, "\(report.events.map { $0.startMs / 60_000 })")
        // The same numbers under the name of a gauge are a gauge.
        #expect(try !AnomalySeriesMaker.analyze(samples, name: "queue_depth").isCounter)
    }

    @Test func tooShortIsUndecided() throws {
        let report = try AnomalySeriesMaker.analyze((0..<60).map { Sample(timeMs: Int64($0) * 60_000, value: 1) })
        #expect(report.undecided?.contains("60 of the 100") == true)
        #expect(report.events.isEmpty)
    }

    @Test func whatWasBeforeSinceIsHistory() throws {
        var maker = AnomalySeriesMaker(seed: 11)
        let from = 11 * 288
        let samples = maker.samples { (from..<from + 6).contains($0) || (600..<606).contains($0) ? $1 + 200 : $1 }
        var source = MemorySampleSource()
        source.add(samples, to: try SeriesKey(name: "cpu", labels: []))
        var request = AnomalyRequest(selector: .metric("cpu"))
        request.sinceMs = AnomalySeriesMaker.start + 10 * 86_400_000
        let report = try #require(try AnomalyAnalyzer.analyze(source, request).first)
        #expect(report.samples == 4 * 288)
        #expect(report.events.contains { $0.startMs == AnomalySeriesMaker.start + Int64(from) * 300_000 })
        #expect(report.events.allSatisfy { $0.startMs >= AnomalySeriesMaker.start + 9 * 86_400_000 })
        // A line for each sample in the range.
        var lines = 0
        _ = try AnomalyAnalyzer.scores(source, request) { _, scored in
            lines += 1
            #expect((0...1).contains(scored.score))
        }
        #expect(lines == 4 * 288)
    }

    /// A spike that stands alone is what an offline method sees too; the middle of plain noise is not.
    @Test func secondOpinion() throws {
        var maker = AnomalySeriesMaker(seed: 12)
        let samples = maker.samples { $0 == 3500 ? $1 + 150 : $1 }
        let event = try #require(
            try AnomalySeriesMaker.analyze(samples).events.first {
                $0.startMs == AnomalySeriesMaker.start + 3500 * 300_000
            })
        #expect(event.secondOpinion?.agrees == true)
        #expect(event.secondOpinion.map { $0.spectralResidualShare < 0.002 } ?? false)
    }

    /// Any values at any times: no crash, and scores that are scores.
    @Test func anyInput() {
        var random = SeededRandom(seed: 13)
        for _ in 0..<50 {
            var detector = AnomalyDetector()
            var time = Int64.min
            for _ in 0..<300 {
                time = time.addingReportingOverflow(Int64.random(in: 0...(.max / 400), using: &random)).partialValue
                let value = Double(bitPattern: random.next())
                if let point = detector.add(timeMs: time, value: value) {
                    #expect((0...1).contains(point.score), "seed 13")
                }
            }
        }
    }
}
