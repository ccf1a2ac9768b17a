import CairnAnalyzer
import CairnBytes
import CairnSeries
import CairnTestSupport
import Foundation
import Testing

/// The data that ships with the repository, and other seeds of it.
@Suite struct DivergenceDemoTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "tools/demo-data")

    static func report(_ data: URL, since: String = "2026-03-10T09:30:00Z") throws -> (DivergenceReport, JSONValue) {
        var source = MemorySampleSource()
        let metrics = data.appending(path: "metrics")
        for name in try FileManager.default.contentsOfDirectory(atPath: metrics.path).sorted() {
            source.add(try DivergenceText.batch(DivergenceText.gunzipped(metrics.appending(path: name).path)))
        }
        let request = DivergenceRequest(
            source: "harbor-sm-eu-1", target: "harbor-eks-eu-1", sinceMs: Timestamp(since)?.milliseconds)
        let truth = try JSONParser.parse(Array(Data(contentsOf: data.appending(path: "truth.json")))).value
        return (try DivergenceAnalyzer.analyze(source, request), truth)
    }

    static func check(_ report: DivergenceReport, _ truth: JSONValue, _ name: String) throws {
        let diverged = report.comparisons.filter { $0.verdict == .diverged }
        for one in diverged {
            print("  \(name): \(one.app) \(one.metric) \(one.verdict.rawValue): \(one.reason)")
        }
        guard let app = truth["divergence"]?["app"]?.string else {
            #expect(diverged.isEmpty, "\(name): \(diverged.map(\.app))")
            return
        }
        #expect(Set(diverged.map(\.app)) == [app], "\(name)")
        #expect(Set(diverged.map(\.metric)) == ["http_requests_total", "http_request_duration_seconds"], "\(name)")
        let start = Timestamp(truth["divergence"]?["start"]?.string ?? "")?.milliseconds ?? 0
        for one in diverged {
            let late = Double((one.sinceMs ?? 0) - start) / 60_000
            print(
                "  \(name): \(one.metric) onset \(late) min off, decided at \(Double((one.decidedAtMs ?? 0) - start) / 60_000) min"
            )
            #expect(late.magnitude <= 2, "\(name): \(one.metric) is \(late) minutes off")
            #expect(one.direction == .worse)
        }
        #expect(report.findings.count == diverged.count)
    }

    /// Another application, another minute; and a migration in which nothing went wrong.
    @Test(arguments: [(1, "divergence"), (2, "divergence"), (3, "divergence"), (4, "none"), (5, "drops")])
    func otherSeeds(seed: Int, fault: String) throws {
        let folder = try TemporaryFolder()
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "python3", Self.folder.appending(path: "generate.py").path, "--seed", "\(seed)", "--fault", fault, "--out",
            folder.path,
        ]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let (report, truth) = try Self.report(URL(filePath: folder.path))
        try Self.check(report, truth, "seed \(seed), \(fault)")
    }

    @Test func shippedData() throws {
        let (report, truth) = try Self.report(Self.folder.appending(path: "data"))
        try Self.check(report, truth, "shipped")
    }

    /// The demo shows all three verdicts, each with what was seen, how it was read, what would change it, and its way.
    @Test func theDemoShowsEveryVerdictWithItsExplanation() throws {
        let (report, _) = try Self.report(Self.folder.appending(path: "data"))
        for verdict in DivergenceVerdict.allCases {
            let shown = report.comparisons.filter { $0.verdict == verdict }
            #expect(!shown.isEmpty, "\(verdict.rawValue)")
            for one in shown {
                let name = "\(one.app) \(one.metric) \(verdict.rawValue)"
                #expect(!one.reason.isEmpty && !one.meaning.isEmpty && !one.wouldChange.isEmpty, "\(name)")
                #expect(!one.evidenceSeries.points.isEmpty, "\(name)")
                switch verdict {
                case .diverged:
                    #expect(one.reason.contains("more than the margin"), "\(name): \(one.reason)")
                    #expect((one.requests ?? 0) > 0 && (one.requestsAffected ?? 0) > 0, "\(name)")
                    #expect(one.evidenceSeries.decidedAt != nil, "\(name)")
                case .equivalent: #expect(one.reason.contains("within the margin"), "\(name): \(one.reason)")
                case .undecided: #expect(one.reasonCode != .insideMargin, "\(name): \(one.reason)")
                }
            }
        }
        #expect(
            report.comparisons.contains { $0.verdict == .undecided && $0.timeToDecisionSeconds != nil },
            "an undecided one says how long it takes")
    }
}
