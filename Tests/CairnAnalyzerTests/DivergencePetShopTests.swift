import CairnAnalyzer
import CairnBytes
import CairnSeries
import CairnTestSupport
import Foundation
import Testing

/// Issues put into a real application (amazon-science/petshop-root-cause-analysis), five rows each: two before, two
/// while it lasts, one after. The healthy run was recorded months apart, so the clusters differ in earnest everywhere;
/// what counts is whether the service at fault stands out.
@Suite struct DivergencePetShopTests {
    private struct Tally {
        var runs = 0
        var noticed = 0
        var cause = 0
        var rows = 0
        var diverged = 0
    }

    /// Judged from the first common row, with the rows before the issue as evidence; and from the moment that
    /// target.json names, with them as baseline.
    @Test func servicesAtFaultRankFirst() throws {
        guard let data = ProcessInfo.processInfo.environment["CAIRN_TEST_DATA"] else {
            print("skipped: no data")
            return
        }
        var tallies = ["the first row": Tally(), "the moment of target.json": Tally()]
        for traffic in ["high_traffic", "low_traffic"] {
            let train = "\(data)/petshop/\(traffic)/train"
            for issue in try FileManager.default.contentsOfDirectory(atPath: train).sorted() {
                let source = MemorySampleSource(try DivergenceText.batch(try Self.converted("\(train)/\(issue)")))
                let truth = try JSONParser.parse(
                    Array(Data(contentsOf: URL(filePath: "\(train)/\(issue)/target.json")))
                ).value
                for from in tallies.keys.sorted() {
                    var request = DivergenceRequest(source: "source", target: "target")
                    if from != "the first row" {
                        request.sinceMs = truth["target"]?["timestamp"]?.integer.map { $0 * 1000 }
                    }
                    let report = try DivergenceAnalyzer.analyze(source, request)
                    count(report, truth, "\(traffic) \(issue) from \(from)", into: &tallies[from, default: Tally()])
                }
            }
        }
        for (from, tally) in tallies.sorted(by: { $0.key < $1.key }) {
            print(
                "  PetShop, \(tally.runs) runs judged from \(from): root_cause.node among the first three services in "
                    + "\(tally.cause), target.node in \(tally.noticed), either in the first three rows in \(tally.rows); "
                    + "the cause is DIVERGED in \(tally.diverged)")
            #expect(tally.runs > 0)
            #expect(tally.cause * 2 > tally.runs)
        }
    }

    private func count(_ report: DivergenceReport, _ truth: JSONValue, _ name: String, into tally: inout Tally) {
        let noticed = truth["target"]?["node"]?.string ?? ""
        let cause = truth["root_cause"]?["node"]?.string ?? ""
        var apps: [String] = []
        for one in report.comparisons where !apps.contains(one.app) { apps.append(one.app) }
        let rows = Set(report.comparisons.prefix(3).map(\.app))
        tally.runs += 1
        if apps.prefix(3).contains(noticed) { tally.noticed += 1 }
        if apps.prefix(3).contains(cause) { tally.cause += 1 }
        if rows.contains(cause) || rows.contains(noticed) { tally.rows += 1 }
        if report.comparisons.contains(where: { $0.app == cause && $0.verdict == .diverged }) { tally.diverged += 1 }
        let verdicts = Dictionary(grouping: report.comparisons, by: \.verdict).mapValues(\.count)
        print(
            "  \(name): the cause is number \((apps.firstIndex(of: cause) ?? -1) + 1), where it was noticed is number "
                + "\((apps.firstIndex(of: noticed) ?? -1) + 1) of \(apps.count); \(verdicts[.diverged] ?? 0) DIVERGED, "
                + "\(verdicts[.undecided] ?? 0) UNDECIDED, \(verdicts[.equivalent] ?? 0) EQUIVALENT")
        // Five rows that do not suffice say so.
        for one in report.comparisons where one.verdict == .undecided { #expect(!one.reason.isEmpty, "\(name)") }
    }

    static func converted(_ run: String) throws -> String {
        let tool = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "tools/petshop-to-prometheus")
        let folder = try TemporaryFolder()
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", tool.path, run, "--out", folder.file("run.prom")]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: try Data(contentsOf: URL(filePath: folder.file("run.prom"))), as: UTF8.self)
    }
}
