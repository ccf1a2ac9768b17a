import CairnAnalyzer
import CairnBytes
import CairnLedger
import CairnModel
import CairnRecorder
import CairnReports
import CairnSeries
import CairnServer
import Testing

/// The server's look at a migration is told in the log, though it found nothing, and only as often as that says more.
@Suite struct AnalysisWatchTests {
    private static let start: Int64 = 1_773_129_600_000
    private static let actor = Actor(id: "test", type: "local")

    private static func plan() throws -> Append {
        Append(
            ProposedEvent(
                id: "plan", source: "/test", type: "observed.migration.planned.v1",
                subject: StreamName(kind: "migration", foreignID: "m-1"),
                time: Timestamp(milliseconds: start) ?? .earliest,
                data: [
                    "playbook": "cluster-migration", "source_cluster": "old", "target_cluster": "new",
                    "applications": [], "gates": ["meanings": ["worker_threads": "ignore"]],
                ]))
    }

    private static func samples(_ minutes: Range<Int>) throws -> [Append] {
        try ["old", "new"].map { cluster in
            let series = try ["cache_entries", "worker_threads"].map { name in
                SeriesSamples(
                    key: try SeriesKey(name: name, labels: [Label("app", "shop"), Label("cluster", cluster)]),
                    samples: minutes.map {
                        // Twice as many threads in the new cluster: somebody configured them.
                        let level: Double = name == "worker_threads" && cluster == "new" ? 200 : 100
                        return Sample(timeMs: start + Int64($0) * 60_000, value: level + Double($0 * 7 % 5))
                    })
            }
            let batch = SampleBatch(series)
            let (first, last) = (batch.timeRangeMs?.lowerBound ?? 0, batch.timeRangeMs?.upperBound ?? 0)
            return Append(
                ProposedEvent(
                    id: "\(cluster)-\(minutes)", source: "/test", type: "cairn.samples.recorded.v1",
                    subject: StreamName(kind: "samples", foreignID: cluster),
                    time: Timestamp(milliseconds: last) ?? .latest,
                    data: [
                        "cluster": .string(cluster),
                        "first": .string((Timestamp(milliseconds: first) ?? .earliest).description),
                        "last": .string((Timestamp(milliseconds: last) ?? .latest).description), "import": "test",
                    ],
                    attachments: [
                        ProposedAttachment(
                            role: "samples", mediaType: SampleBatch.mediaType, content: try batch.encoded(),
                            retention: .droppable)
                    ]))
        }
    }

    private static func traces(_ ledger: Ledger) throws -> [RecordedEvent] {
        var found: [RecordedEvent] = []
        try ledger.forEach(from: 0) { event in
            if event.type == "cairn.analysis.completed.v1", event.data["analyzer"] == "divergence" {
                found.append(event)
            }
        }
        return found
    }

    @Test func looksAreToldAndDoNotFillTheLog() async throws {
        try await ServerHarness.run(
            { $0.analysisSeconds = 1 },
            prepare: { ledger in
                _ = try ledger.append([Self.plan()] + Self.samples(0..<120), actor: Self.actor)
            }
        ) { server in
            let ledger = server.workspace.ledger
            for _ in 0..<200 where try Self.traces(ledger).isEmpty { try await Task.sleep(for: .milliseconds(100)) }
            let first = try #require(try Self.traces(ledger).first, "\(server.log.all)")
            // By the plan's meanings, which is what the pages show too.
            #expect(first.data["counts"]?["judged"] == 1 && first.data["counts"]?["left_out"] == 1, "\(first.data)")
            #expect(first.data["counts"]?["diverged"] == 0)
            // A minute more says nothing new; a quarter of an hour more does.
            _ = try await ledger.append(Self.samples(120..<121), actor: Self.actor)
            try await Task.sleep(for: .seconds(3))
            #expect(try Self.traces(ledger).count == 1)
            _ = try await ledger.append(Self.samples(121..<140), actor: Self.actor)
            for _ in 0..<200 where try Self.traces(ledger).count < 2 { try await Task.sleep(for: .milliseconds(100)) }
            #expect(try Self.traces(ledger).count == 2)
            #expect(try Rejudgement.run(ledger).allSatisfy { $0.difference == nil && $0.isChecked })
        }
    }
}
