import CairnBytes
import CairnTestSupport
import Foundation
import Testing

/// `cairn seal` from the command line: the answers before, after sealing, and after dropping are the same.
@Suite struct SealCommandTests {
    private static func exposition() -> String {
        var text = ""
        for pod in 0..<4 {
            for minute in 0..<60 {
                let time = 1_773_129_600_000 + minute * 60_000
                text += "http_requests_total{app=\"shop\",pod=\"pod-\(pod)\"} \(minute * 30 + pod) \(time)\n"
            }
        }
        return text
    }

    private static let question = [
        "query", "SELECT ts, value FROM samples('http_requests_total', '{pod=\"pod-2\"}') ORDER BY ts", "-o", "csv",
    ]

    @Test func sealsAndDrops() throws {
        let ledger = try ScratchLedger()
        let file = ledger.folder.file("metrics.prom")
        try SealCommandTests.exposition().write(toFile: file, atomically: true, encoding: .utf8)
        try ledger.succeed(["import", "prometheus", file, "--cluster", "old"])
        let before = try ledger.succeed(SealCommandTests.question)
        #expect(before.split(whereSeparator: \.isNewline).count == 61)
        let stable = try StableText(ledger)
        let sealed = try ledger.succeed(["seal", "-o", "json"])
        try Golden.expect(
            SealCommandTests.withoutSizes(stable(sealed)), matches: "output/seal.json", in: #filePath)
        #expect(try ledger.succeed(SealCommandTests.question) == before)
        let dropped = try ledger.succeed(
            ["seal", "--drop-raw", "--reason", "sealed", "--approved-by", "tomas", "-o", "json"])
        try Golden.expect(
            SealCommandTests.withoutSizes(stable(dropped)), matches: "output/seal-drop-raw.json", in: #filePath)
        #expect(try ledger.succeed(SealCommandTests.question) == before)
        try ledger.succeed(["rebuild"])
        #expect(try ledger.succeed(SealCommandTests.question) == before)
        #expect(try ledger.rows(["stats"]).first?["sample_gaps"]?.integer == 0)
        try ledger.expectIntact()
    }

    @Test func droppingNeedsAReasonAndAnApprover() throws {
        let ledger = try ScratchLedger()
        for arguments in [["--drop-raw"], ["--drop-raw", "--reason", "x"], ["--reason", "x"]] {
            #expect(try ledger.run(["seal"] + arguments).status == 64, "\(arguments)")
        }
    }

    /// Sizes depend on random salts and on the page size of SQLite.
    private static func withoutSizes(_ text: String) -> String {
        StableText.withoutSizes(text)
            .replacing(#/"([a-z_]*bytes[a-z_]*)":[0-9.]+/#) { "\"\($0.output.1)\":\"SIZE\"" }
    }
}
