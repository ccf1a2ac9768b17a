import CairnAnalyzer
import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnSeries
import CairnSim
import CairnTestSupport
import Testing

/// An analysis that finds nothing leaves a trace, which says what was judged, can be judged again, and does not fill the
/// log.
@Suite struct AnalysisTraceTests {
    private static let start: Int64 = 1_773_129_600_000
    private static let pair = ClusterPair(source: "old", target: "new")

    /// Requests of two applications; those of `failing` fail more often in new clusters from minute 60 on.
    private static func batch(
        _ cluster: String, _ minutes: Range<Int>, apps: [String] = ["cart", "shop"], failing: Set<String> = []
    ) throws -> SampleBatch {
        var parts: [SeriesSamples] = []
        for (number, app) in apps.enumerated() {
            var sums = (ok: 0.0, failed: 0.0)
            var samples: (ok: [Sample], failed: [Sample]) = ([], [])
            for minute in 0..<minutes.upperBound {
                let draws = 600 + Double((minute * 37 + number * 11) % 60)
                let share = cluster != "old" && minute >= 60 && failing.contains(app) ? 0.08 : 0.01
                let bad = (draws * share + Double((minute * 7 + number) % 3)).rounded()
                sums = (sums.ok + draws - bad, sums.failed + bad)
                guard minutes.contains(minute) else { continue }
                let time = start + Int64(minute) * 60_000
                samples.ok.append(Sample(timeMs: time, value: sums.ok))
                samples.failed.append(Sample(timeMs: time, value: sums.failed))
            }
            for (code, values) in [("200", samples.ok), ("503", samples.failed)] {
                let labels = [Label("app", app), Label("cluster", cluster), Label("code", code)]
                parts.append(
                    SeriesSamples(key: try SeriesKey(name: "http_requests_total", labels: labels), samples: values))
            }
        }
        return SampleBatch(parts)
    }

    private static func append(
        _ minutes: Range<Int>, to ledger: Ledger, _ name: String = "", clusters: [String] = ["old", "new"],
        apps: [String] = ["cart", "shop"], failing: Set<String> = []
    ) throws {
        for cluster in clusters {
            try SampleLedger.append(
                try batch(cluster, minutes, apps: apps, failing: failing), to: ledger,
                id: "\(cluster)-\(minutes)-\(name)", cluster: cluster)
        }
    }

    @discardableResult
    private static func analyze(
        _ ledger: Ledger, pair: ClusterPair = pair, isPaced: Bool = false
    ) throws -> Analysis.Outcome {
        try Analysis(
            ledger: ledger, readModel: try ReadModel.inMemory(), actor: SampleLedger.actor, isPaced: isPaced
        ).run(pair: pair)
    }

    private static func events(_ ledger: Ledger, of analyzer: String? = nil) throws -> [RecordedEvent] {
        var found: [RecordedEvent] = []
        try ledger.forEach(from: 0) { event in
            guard event.type == "cairn.analysis.completed.v1" else { return }
            if analyzer == nil || event.data["analyzer"]?.string == analyzer { found.append(event) }
        }
        return found
    }

    @Test func whatFindsNothingIsToldOnce() throws {
        let ledger = try SampleLedger(seed: 21).create()
        try Self.append(0..<120, to: ledger)
        let outcome = try Self.analyze(ledger)
        #expect(!outcome.divergence.isChange)
        let trace = try #require(try Self.events(ledger, of: "divergence").first)
        try EventVocabulary.standard.validate(type: trace.type, data: trace.data)
        #expect(trace.subject.text == "analysis/divergence/old/new")
        #expect(trace.data["end"]?.string == "2026-03-10T09:59:00Z", "\(trace.data)")
        #expect(trace.data["behind_seconds"]?.integer == 0)
        let counts = trace.data["counts"]
        #expect(counts?["judged"]?.integer == 2 && counts?["diverged"]?.integer == 0, "\(trace.data)")
        #expect(trace.data["findings"]?["standing"]?.integer == 0)
        #expect(trace.data["evidence"] == nil, "what found nothing keeps nothing from retention")
        #expect(try Self.events(ledger).map { $0.data["analyzer"]?.string } == ["divergence", "silence"])

        let size = ledger.size
        try Self.analyze(ledger)
        try Self.analyze(ledger, isPaced: true)
        #expect(ledger.size == size, "the same evidence and settings add nothing")
        try Self.append(120..<121, to: ledger)
        try Self.analyze(ledger)
        #expect(try Self.events(ledger, of: "divergence").count == 2, "asked for by hand, more was seen")
        let verdicts = try Rejudgement.run(ledger)
        #expect(verdicts.map(\.finding).sorted() == ["analysis/divergence/old/new", "analysis/silence/old/new"])
        #expect(verdicts.allSatisfy { $0.difference == nil && $0.isChecked }, "\(verdicts)")
        let all = try Rejudgement.run(ledger, stream: trace.subject)
        #expect(all.count == 2 && all.allSatisfy { $0.difference == nil }, "\(all)")
    }

    /// A server's look each minute is told every quarter of an hour of data, and at once when something changes.
    @Test func looksOfEveryMinuteDoNotFillTheLog() throws {
        let ledger = try SampleLedger(seed: 22).create()
        try Self.append(0..<60, to: ledger)
        for minute in 60..<120 {
            try Self.append(minute..<minute + 1, to: ledger, failing: minute < 90 ? [] : ["shop"])
            try Self.analyze(ledger, isPaced: true)
        }
        let traces = try Self.events(ledger, of: "divergence")
        // One at the beginning and one each 15 minutes; besides them only those with another number of differences.
        func count(_ event: RecordedEvent, _ group: String, _ key: String) -> Int64 {
            event.data[group]?[key]?.integer ?? 0
        }
        var newest: [Int64] = []
        var changed = 0
        for (index, trace) in traces.enumerated() {
            newest.append(trace.data["newest"]?.string.flatMap { Timestamp($0) }?.minute ?? 0)
            let isChange = ["opened", "revised", "withdrawn"].contains { count(trace, "findings", $0) > 0 }
            guard index > 0 else { continue }
            if isChange || count(trace, "counts", "diverged") != count(traces[index - 1], "counts", "diverged") {
                changed += 1
            }
        }
        #expect(traces.count <= 5 + changed, "\(newest)")
        #expect((zip(newest, newest.dropFirst()).map { $1 - $0 }.max() ?? 0) <= 15, "\(newest)")
        let found = try #require(traces.first { count($0, "counts", "diverged") == 1 }, "the fault is not found")
        #expect(count(found, "findings", "opened") == 1)
        let verdicts = try Rejudgement.run(ledger)
        #expect(verdicts.allSatisfy { $0.difference == nil && $0.isChecked }, "\(verdicts)")
    }

    /// Other settings are another analysis, whatever the evidence.
    @Test func otherSettingsAreToldAgain() throws {
        let ledger = try SampleLedger(seed: 23).create()
        try Self.append(0..<120, to: ledger)
        try Self.analyze(ledger)
        let stream = try #require(StreamName("migration/m-1"))
        let plan = ProposedEvent(
            id: "plan", source: "/test", type: "observed.migration.planned.v1", subject: stream,
            time: Timestamp(milliseconds: Self.start) ?? .earliest,
            data: [
                "playbook": "cluster-migration", "source_cluster": "old", "target_cluster": "new", "applications": [],
                "gates": ["meanings": ["http_requests_total": "ignore"]],
            ])
        _ = try ledger.append([Append(plan)], actor: SampleLedger.actor)
        try Self.analyze(ledger, isPaced: true)
        let traces = try Self.events(ledger, of: "divergence")
        #expect(traces.count == 2)
        #expect(traces.last?.data["counts"]?["judged"] == 0 && traces.last?.data["counts"]?["left_out"] == 2)
        #expect(traces.last?.data["judged"]?["meanings"] == ["http_requests_total": "ignore"])
        #expect(try Rejudgement.run(ledger).allSatisfy { $0.difference == nil })
    }

    /// That nothing was found can be checked: who says so without reason is found out.
    @Test func aTraceThatDoesNotComeOutAgainIsNamed() throws {
        let ledger = try SampleLedger(seed: 24).create()
        try Self.append(0..<120, to: ledger, failing: ["shop"])
        try Self.analyze(ledger)
        let trace = try #require(try Self.events(ledger, of: "divergence").last)
        #expect(trace.data["counts"]?["diverged"] == 1)
        var counts = try #require(trace.data["counts"]?.object)
        (counts["diverged"], counts["equivalent"]) = (0, 2)
        var data = try #require(trace.data.object)
        data["counts"] = .object(counts)
        let forged = ProposedEvent(
            id: "forged", source: "/cairn/analyzer", type: trace.type, subject: trace.subject, time: trace.time,
            data: .object(data))
        _ = try ledger.append([Append(forged)], actor: SampleLedger.actor)
        let wrong = try Rejudgement.run(ledger).filter { $0.difference != nil }
        #expect(wrong.map(\.finding) == ["analysis/divergence/old/new"])
        #expect(wrong.first?.difference?.hasPrefix("counts was ") == true, "\(wrong)")
    }

    /// Retention may take what nothing was found in. Then an earlier analysis cannot be made again, which is said and is
    /// no fault; the last one still can.
    @Test func evidenceThatNothingCitesMayGo() throws {
        let ledger = try SampleLedger(seed: 25).create()
        try Self.append(0..<120, to: ledger)
        try Self.analyze(ledger)
        // Told late, of a time that was judged.
        try Self.append(0..<120, to: ledger, "late", apps: ["cart", "shop", "web"])
        try Self.analyze(ledger)
        _ = try SampleSealer(ledger: ledger, actor: SampleLedger.actor).run()
        let dropped = try SampleRetention(ledger: ledger, actor: SampleLedger.actor).run(
            reason: "sealed", approvedBy: "tomas")
        #expect(dropped.batches == 4, "\(dropped)")
        let stream = try #require(StreamName("analysis/divergence/old/new"))
        let all = try Rejudgement.run(ledger, stream: stream)
        #expect(all.map(\.isChecked) == [false, true], "\(all)")
        #expect(all.last?.difference == nil)
        let last = try Rejudgement.run(ledger)
        #expect(last.allSatisfy { $0.isChecked && $0.difference == nil }, "\(last)")
    }

    /// What is found between two clusters is not taken back by looking at two others.
    @Test func migrationsOfAFleetAreJudgedEachByItself() throws {
        let ledger = try SampleLedger(seed: 26).create()
        try Self.append(0..<120, to: ledger, clusters: ["old", "new", "new-2"], failing: ["shop"])
        let other = ClusterPair(source: "old", target: "new-2")
        #expect(try Self.analyze(ledger).divergence.opened == 1)
        let found = try Self.analyze(ledger, pair: other).divergence
        #expect(found.opened == 1 && found.withdrawn == 0)
        let size = ledger.size
        #expect(try Self.analyze(ledger).divergence.withdrawn == 0)
        #expect(try Self.analyze(ledger, pair: other).divergence.unchanged == 1)
        #expect(ledger.size == size)
    }
}
