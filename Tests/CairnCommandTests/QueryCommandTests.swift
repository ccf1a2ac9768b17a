import CairnBytes
import CairnTestSupport
import Foundation
import Testing

/// What every command that answers a question says about the demo ledger, in every form that makes sense.
@Suite struct QueryCommandTests {
    struct Case {
        var name: String
        var arguments: [String]
        var formats = ["json"]
        var status: Int32 = 0
    }

    static let moment = "2026-03-10T10:00:00Z"

    static let cases: [Case] = [
        Case(name: "status", arguments: ["status"], formats: ["json", "csv", "md", "table"]),
        Case(name: "status-one", arguments: ["status", "harbor-eu-1"], formats: ["json", "table"]),
        Case(name: "status-at", arguments: ["status", "harbor-eu-1", "--at", moment]),
        Case(
            name: "replay-stream", arguments: ["replay", "--stream", "migration/harbor-eu-1"], formats: ["json", "md"]),
        Case(name: "replay-at", arguments: ["replay", "--at", moment]),
        Case(name: "replay-entry", arguments: ["replay", "--entry", "60"]),
        Case(name: "replay-rejudge", arguments: ["replay", "--rejudge"]),
        Case(name: "drops", arguments: ["drops"], formats: ["json", "csv", "table"], status: 1),
        Case(
            name: "drops-quiet", arguments: ["drops", "--until", "2026-03-10T09:45:00Z"]),
        Case(name: "timeline", arguments: ["timeline"], formats: ["json", "csv", "md"]),
        Case(name: "timeline-migration", arguments: ["timeline", "--migration", "harbor-eu-1"], formats: ["md"]),
        Case(
            name: "timeline-range",
            arguments: ["timeline", "--since", "2026-03-10T09:45:00Z", "--until", "2026-03-10T10:15:00Z"],
            formats: ["json", "md"]),
        Case(name: "query-list", arguments: ["query"], formats: ["json", "table"]),
        Case(
            name: "query-sql",
            arguments: ["query", "SELECT stream, count(*) AS events FROM events GROUP BY stream ORDER BY stream"],
            formats: ["json", "csv", "md"]),
        Case(
            name: "query-at",
            arguments: ["query", "SELECT run, phase, status FROM phases ORDER BY position", "--at", moment]),
        Case(
            name: "flows",
            arguments: [
                "flows", "data/flow-logs", "--by", "cluster,dstaddr,dstport", "--where", "flow-direction = egress",
                "--top", "10",
            ], formats: ["json", "csv", "table"]),
        Case(name: "diverge", arguments: ["diverge"], formats: ["json"], status: 1),
        Case(
            name: "anomalies", arguments: ["anomalies", AnomaliesCommandTests.selector],
            formats: ["json", "csv", "table"], status: 1),
        Case(name: "stats", arguments: ["stats"]),
        Case(name: "verify", arguments: ["verify"]),
        Case(name: "report-population", arguments: ["report", "population"], formats: ["json", "csv"]),
        Case(name: "report-change", arguments: ["report", "change", "harbor-eu-1"], formats: ["json", "md"]),
    ]

    @Test(arguments: cases.indices)
    func golden(_ index: Int) throws {
        let test = QueryCommandTests.cases[index]
        let commands = try CommandList.all()
        guard let command = commands.first(where: { $0.words.first == test.arguments[0] }) else { return }
        let demo = try DemoLedger.shipped()
        let stable = demo.stable
        for format in test.formats {
            let arguments = test.arguments + ["-o", format]
            let isJSONOnly = !command.options.contains("output") && command.words.count == test.arguments.count
            let result = try demo.ledger.run(
                isJSONOnly ? test.arguments : arguments, in: "\(ScratchLedger.top)/tools/demo-data")
            #expect(result.status == test.status, "\(arguments): \(result.errors)")
            if format == "json" { _ = try JSONParser.parse(result.output) }
            let ending = format == "table" ? "txt" : format
            var text = stable(result.output)
            if ["stats", "verify"].contains(test.name) { text = StableText.withoutSizes(text) }
            try Golden.expect(text, matches: "output/\(test.name).\(ending)", in: #filePath)
        }
    }

    @Test func sameTwice() throws {
        let demo = try DemoLedger.shipped()
        for test in QueryCommandTests.cases where ["status", "timeline", "drops"].contains(test.name) {
            let first = try demo.ledger.run(test.arguments + ["-o", "json"])
            let second = try demo.ledger.run(test.arguments + ["-o", "json"])
            #expect(first.output == second.output, "\(test.name)")
        }
    }

    /// Asking adds nothing to the log.
    @Test func askingWritesNothing() throws {
        let copy = try ScratchLedger(copyOf: try DemoLedger.shipped().ledger)
        let before = try segments(of: copy)
        for test in QueryCommandTests.cases where test.arguments[0] != "flows" {
            _ = try copy.run(test.arguments + ["-o", "json"])
        }
        #expect(try segments(of: copy) == before)
        try copy.expectIntact()
    }

    private func segments(of ledger: ScratchLedger) throws -> [String: Data] {
        var files: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: "\(ledger.path)/segments") {
            files[name] = try Data(contentsOf: URL(filePath: "\(ledger.path)/segments/\(name)"))
        }
        return files
    }

    @Test func htmlStandsAlone() throws {
        let demo = try DemoLedger.shipped()
        let page = try demo.ledger.succeed(["timeline", "-o", "html"])
        #expect(page.hasPrefix("<!doctype html>") || page.hasPrefix("<!DOCTYPE html>"))
        #expect(page.contains("<svg"))
        for outside in ["src=\"http", "href=\"http", "@import", "url(http"] {
            #expect(!page.contains(outside), "the page loads something: \(outside)")
        }
        let table = try demo.ledger.succeed(["status", "-o", "html"])
        #expect(table.contains("harbor-eu-1"))
    }

    /// However many events there are, they are one table: one header, one page.
    @Test func replayIsOneTable() throws {
        let demo = try DemoLedger.shipped()
        let csv = try demo.ledger.succeed(["replay", "-o", "csv"])
        let header = try #require(csv.split(whereSeparator: \.isNewline).first)
        #expect(csv.components(separatedBy: header).count == 2)
        let page = try demo.ledger.succeed(["replay", "-o", "html"])
        #expect(page.components(separatedBy: "</html>").count == 2)
    }

    /// A read model that was lost or damaged comes back from the log alone.
    @Test func rebuildGivesTheSameAnswers() throws {
        let copy = try ScratchLedger(copyOf: try DemoLedger.shipped().ledger)
        let before = try copy.succeed(["query", "timeline", "-o", "json"])
        let rebuilt = try copy.rows(["rebuild"])
        #expect(rebuilt.first?["events"]?.integer == (try copy.eventCount()))
        #expect(try copy.succeed(["query", "timeline", "-o", "json"]) == before)
        for name in try FileManager.default.contentsOfDirectory(atPath: copy.path) where name.hasPrefix("read-model") {
            try FileManager.default.removeItem(atPath: "\(copy.path)/\(name)")
        }
        #expect(try copy.succeed(["query", "timeline", "-o", "json"]) == before)
    }
}
