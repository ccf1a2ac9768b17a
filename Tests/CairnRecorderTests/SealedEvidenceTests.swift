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

/// Findings are judged again from what is left after sealing and dropping, and come out the same.
@Suite struct SealedEvidenceTests {
    private static let start: Int64 = 1_773_129_600_000

    /// Two clusters; the new one fails more often from minute 60 on.
    private static func batch(_ cluster: String, _ minutes: Range<Int>, using random: inout SeededRandom) throws
        -> SampleBatch
    {
        var parts: [SeriesSamples] = []
        for pod in 0..<2 {
            var ok = 0.0
            var failed = 0.0
            var okSamples: [Sample] = []
            var failedSamples: [Sample] = []
            for minute in 0..<minutes.upperBound {
                let draws = 300 + Double((minute * 37 + pod * 11) % 60)
                let share = cluster == "new" && minute >= 60 ? 0.08 : 0.01
                let bad = (draws * share + Double((minute * 7 + pod) % 3)).rounded()
                ok += draws - bad
                failed += bad
                guard minutes.contains(minute) else { continue }
                okSamples.append(Sample(timeMs: start + Int64(minute) * 60_000, value: ok))
                failedSamples.append(Sample(timeMs: start + Int64(minute) * 60_000, value: failed))
            }
            for (code, samples) in [("200", okSamples), ("503", failedSamples)] {
                parts.append(
                    SeriesSamples(
                        key: try SeriesKey(
                            name: "http_requests_total",
                            labels: [
                                Label("app", "shop"), Label("cluster", cluster), Label("code", code),
                                Label("pod", "\(cluster)-\(pod)"),
                            ]), samples: samples))
            }
        }
        return SampleBatch(parts)
    }

    private static func append(_ minutes: Range<Int>, to ledger: Ledger, name: String) throws {
        var random = SeededRandom(seed: 1)
        for cluster in ["old", "new"] {
            try SampleLedger.append(
                try batch(cluster, minutes, using: &random), to: ledger, id: "\(name)-\(cluster)", cluster: cluster)
        }
    }

    private static func analyze(_ ledger: Ledger) throws -> Int {
        let model = try ReadModel.inMemory()
        let outcome = try Analysis(ledger: ledger, readModel: model, actor: SampleLedger.actor)
            .run(pair: ClusterPair(source: "old", target: "new"))
        return outcome.divergence.opened + outcome.divergence.revised + outcome.divergence.unchanged
    }

    private static func report(_ ledger: Ledger) throws -> DivergenceReport {
        let model = try ReadModel.inMemory()
        try model.catchUp(from: ledger)
        var request = DivergenceRequest(source: "old", target: "new")
        request.untilMs = start + 300 * 60_000
        return try DivergenceAnalyzer.analyze(model, request)
    }

    @Test func findingsComeOutTheSameAfterSealingAndDropping() throws {
        let ledger = try SampleLedger(seed: 8).create()
        // A day before, which a finding rests on as its baseline and does not cite.
        for (index, minutes) in [0..<40, 40..<80, 80..<120].enumerated() {
            try Self.append(minutes, to: ledger, name: "part-\(index)")
        }
        #expect(try Self.analyze(ledger) > 0, "the fault is not found, so this shows nothing")
        try Self.append(120..<150, to: ledger, name: "later")
        // Told late: samples of the time that was judged, which the judgement did not have.
        try Self.append(20..<21, to: ledger, name: "late")
        let before = try Self.report(ledger)
        #expect(try Rejudgement.run(ledger).allSatisfy { $0.difference == nil })
        let sealed = try SampleSealer(ledger: ledger, actor: SampleLedger.actor).run()
        #expect(sealed.windows >= 2, "one window would mix what was judged with what came late")
        #expect(try Self.report(ledger) == before)
        let again = try Rejudgement.run(ledger)
        #expect(!again.isEmpty && again.allSatisfy { $0.difference == nil }, "\(again)")
        let dropped = try SampleRetention(ledger: ledger, actor: SampleLedger.actor).run(
            reason: "sealed", approvedBy: "tomas")
        #expect(dropped.batches > 0)
        #expect(dropped.kept > 0, "what a finding cites is kept")
        #expect(try Self.report(ledger) == before)
        let afterwards = try Rejudgement.run(ledger)
        #expect(afterwards.count == again.count && afterwards.allSatisfy { $0.difference == nil }, "\(afterwards)")
        // A new analysis of the same samples finds the same and may cite windows, which are kept then.
        _ = try Self.analyze(ledger)
        #expect(try Rejudgement.run(ledger).allSatisfy { $0.difference == nil })
        var cited: Set<Int64> = []
        try ledger.forEach(from: 0) { event in
            for position in event.data["evidence"]?.array ?? [] {
                if let position = position.integer { cited.insert(position) }
            }
        }
        _ = try SampleSealer(ledger: ledger, actor: SampleLedger.actor).run()
        _ = try SampleRetention(ledger: ledger, actor: SampleLedger.actor).run(reason: "again", approvedBy: "tomas")
        for position in cited {
            for attachment in try ledger.event(at: UInt64(position)).attachments {
                guard case .present = try ledger.content(of: attachment) else {
                    Issue.record("entry \(position) is cited and was dropped")
                    continue
                }
            }
        }
        #expect(try Rejudgement.run(ledger).allSatisfy { $0.difference == nil })
    }
}
