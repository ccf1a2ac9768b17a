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
    /// Judged from the first common row, with the rows before the issue as evidence; and from the moment that
    /// target.json names, with them as baseline.
    @Test(arguments: [false, true]) func servicesAtFaultRankFirst(isSinceGiven: Bool) throws {
        guard let data = ProcessInfo.processInfo.environment["CAIRN_TEST_DATA"] else {
            print("skipped: no data")
            return
        }
        var inFirstThree = (noticed: 0, cause: 0, rows: 0, diverged: 0)
        var runs = 0
        for traffic in ["high_traffic", "low_traffic"] {
            let train = "\(data)/petshop/\(traffic)/train"
            for issue in try FileManager.default.contentsOfDirectory(atPath: train).sorted() {
                let text = try Self.converted("\(train)/\(issue)")
                let target = try JSONParser.parse(
                    Array(Data(contentsOf: URL(filePath: "\(train)/\(issue)/target.json")))
                ).value
                let noticed = target["target"]?["node"]?.string ?? ""
                let cause = target["root_cause"]?["node"]?.string ?? ""
                let batch = try DivergenceText.batch(text)
                var request = DivergenceRequest(source: "source", target: "target")
                if isSinceGiven { request.sinceMs = target["target"]?["timestamp"]?.integer.map { $0 * 1000 } }
                let report = try DivergenceAnalyzer.analyze(MemorySampleSource(batch), request)
                var apps: [String] = []
                for one in report.comparisons where !apps.contains(one.app) { apps.append(one.app) }
                let rows = Set(report.comparisons.prefix(3).map(\.app))
                runs += 1
                if apps.prefix(3).contains(noticed) { inFirstThree.noticed += 1 }
                if apps.prefix(3).contains(cause) { inFirstThree.cause += 1 }
                if rows.contains(cause) || rows.contains(noticed) { inFirstThree.rows += 1 }
                let verdicts = Dictionary(grouping: report.comparisons, by: \.verdict).mapValues(\.count)
                if report.comparisons.contains(where: { $0.app == cause && $0.verdict == .diverged }) {
                    inFirstThree.diverged += 1
                }
                print(
                    "  \(traffic) \(issue): cause is number \((apps.firstIndex(of: cause) ?? -2) + 1), noticed at "
                        + "\((apps.firstIndex(of: noticed) ?? -2) + 1) of \(apps.count); \(verdicts[.diverged] ?? 0) DIVERGED, "
                        + "\(verdicts[.undecided] ?? 0) UNDECIDED, \(verdicts[.equivalent] ?? 0) EQUIVALENT")
                if ProcessInfo.processInfo.environment["CAIRN_TEST_VERBOSE"] != nil {
                    for one in report.comparisons.prefix(8) {
                        print(
                            "    \(one.app) \(one.metric) \(one.verdict.rawValue) \(one.score) \(one.nats): \(one.reason)"
                        )
                    }
                }
            }
        }
        print(
            "  PetShop, \(runs) runs judged from \(isSinceGiven ? "target.json" : "the first row"): root_cause.node among the first three services in \(inFirstThree.cause), "
                + "target.node in \(inFirstThree.noticed), either in the first three rows in \(inFirstThree.rows); "
                + "the cause is DIVERGED in \(inFirstThree.diverged)")
        #expect(runs > 0)
        #expect(inFirstThree.cause * 2 > runs)
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
