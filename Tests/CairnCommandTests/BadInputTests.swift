import CairnBytes
import CairnTestSupport
import Foundation
import Testing

/// Files nobody wants: each ends in a clear error or in counted rejects, with the right exit code, and the ledger is
/// intact afterwards.
@Suite struct BadInputTests {
    /// What one import is expected to do.
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var format: String
        /// The bytes of the file.
        var content: @Sendable () throws -> [UInt8]
        var fileName = "input"
        var options: [String] = []
        var statuses: Set<Int32> = [0]
        /// Nil: not said, since it depends on how much of a damaged file can be read.
        var accepted: Int64?
        var rejected: Int64?
        /// Words that the person at the terminal must see.
        var says: [String] = []

        var testDescription: String { name }
    }

    // MARK: - Pieces of files

    private static func event(_ id: Int, data: String = #"{"n":1}"#, time: String = "2026-03-10T10:00:00Z") -> String {
        #"{"specversion":"1.0","id":"\#(id)","source":"/test","type":"test.thing.v1","subject":"thing/a","time":"\#(time)","data":\#(data)}"#
    }

    private static func events(_ count: Int) -> String {
        (0..<count).map { event($0, data: #"{"n":\#($0),"text":"\#(Base64.string(Array("\($0 * 7919)".utf8)))"}"#) }
            .joined(separator: "\n") + "\n"
    }

    private static let flowHeader =
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"

    private static func flow(
        packets: String = "3", bytes: String = "180", start: String = "1773136800", end: String = "1773136830"
    ) -> String {
        "2 111122223333 eni-0a1b2c3d 10.0.0.5 203.0.113.9 41000 443 6 \(packets) \(bytes) \(start) \(end) ACCEPT OK"
    }

    private static let goodFlow = flow()
    private static let goodSample = #"up{app="a"} 1 1773136800000"#

    private static func text(_ lines: String...) -> @Sendable () -> [UInt8] {
        { Array((lines.joined(separator: "\n") + "\n").utf8) }
    }

    private static func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
        let folder = try TemporaryFolder("cairn-gzip")
        try Data(bytes).write(to: URL(filePath: folder.file("plain")))
        let packed = try Program(path: "/usr/bin/env").run(["gzip", "-n", folder.file("plain")])
        #expect(packed.status == 0)
        return Array(try Data(contentsOf: URL(filePath: folder.file("plain.gz"))))
    }

    /// A line much longer than any limit, between two good ones.
    private static func longLine(_ first: String, _ filler: UInt8, _ last: String) -> [UInt8] {
        var bytes = Array("\(first)\n".utf8)
        bytes.append(contentsOf: [UInt8](repeating: filler, count: 100_000_000))
        bytes.append(contentsOf: "\n\(last)\n".utf8)
        return bytes
    }

    // MARK: - The table

    static let damaged: [Case] = [
        Case(
            name: "events: gzip with a flipped bit", format: "events",
            content: {
                var bytes = try gzip(Array(events(2000).utf8))
                bytes[bytes.count / 2] ^= 0x10
                return bytes
            }, fileName: "input.jsonl.gz", statuses: [65, 74], says: ["cannot read", "input.jsonl.gz"]),
        Case(
            name: "events: gzip cut off", format: "events",
            content: { Array(try gzip(Array(events(2000).utf8)).dropLast(500)) }, fileName: "input.jsonl.gz",
            statuses: [65, 74], says: ["cannot read", "input.jsonl.gz"]),
        Case(
            name: "events: gzip with rubbish behind it", format: "events",
            content: { try gzip(Array(events(20).utf8)) + Array("rubbish".utf8) }, fileName: "input.jsonl.gz",
            statuses: [0, 74], accepted: 20),
        Case(
            name: "flow logs: gzip with a flipped bit", format: "flow-logs",
            content: {
                let lines = (0..<3000).map { flow(bytes: "\(180 + $0 * 7)", start: "\(1_773_136_800 + $0)") }
                var bytes = try gzip(Array(([flowHeader] + lines).joined(separator: "\n").utf8))
                bytes[bytes.count / 2] ^= 0x10
                return bytes
            }, fileName: "input.log.gz", statuses: [65, 74], accepted: 0,
            says: ["cannot read", "input.log.gz", "--salvage"]),
        Case(
            name: "flow logs: gzip cut off, salvaged", format: "flow-logs",
            content: {
                let lines = (0..<3000).map { flow(bytes: "\(180 + $0 * 7)", start: "\(1_773_136_800 + $0 % 60)") }
                return Array(try gzip(Array(([flowHeader] + lines).joined(separator: "\n").utf8)).dropLast(3000))
            }, fileName: "input.log.gz", options: ["--salvage"], statuses: [74],
            says: ["cannot read", "input.log.gz", "were counted"]),
        Case(
            name: "events: last line cut off", format: "events",
            content: { Array((events(3) + String(event(9).dropLast(20))).utf8) }, accepted: 3, rejected: 1,
            says: ["input:4"]),
        Case(
            name: "prometheus: last line cut off", format: "prometheus",
            content: { Array("\(goodSample)\nup{app=\"b".utf8) }, accepted: 1, rejected: 1, says: ["input:2"]),
        Case(
            name: "flow logs: last line cut off", format: "flow-logs",
            content: { Array("\(flowHeader)\n\(goodFlow)\n\(goodFlow.dropLast(40))".utf8) }, accepted: 1, rejected: 1),
        Case(
            name: "empty file", format: "events", content: { [] }, statuses: [65], accepted: 0),
        Case(
            name: "flow logs: only a header", format: "flow-logs", content: text(flowHeader), statuses: [65],
            accepted: 0),
        Case(
            name: "events: a file of another kind", format: "events",
            content: { SeededBytes.bytes(20_000, seed: 5) }, statuses: [65], accepted: 0),
        Case(
            name: "prometheus: a file of another kind", format: "prometheus",
            content: { SeededBytes.bytes(20_000, seed: 6) }, statuses: [65], accepted: 0),
        Case(
            name: "flow logs: a file of another kind", format: "flow-logs",
            content: { SeededBytes.bytes(20_000, seed: 7) }, statuses: [65, 74], accepted: 0),
        Case(
            name: "velero: a file of another kind", format: "velero",
            content: { SeededBytes.bytes(20_000, seed: 8) }, options: ["--cluster", "a"], statuses: [65, 74],
            accepted: 0),
    ]

    static let huge: [Case] = [
        Case(
            name: "events: a record of 100 MB", format: "events",
            content: { longLine(event(1), UInt8(ascii: "x"), event(2)) }, accepted: 2, rejected: 1, says: ["input:2"]),
        Case(
            name: "prometheus: a record of 100 MB", format: "prometheus",
            content: { longLine(goodSample, UInt8(ascii: "x"), #"up{app="b"} 1 1773136800000"#) }, accepted: 2,
            rejected: 1, says: ["input:2"]),
        Case(
            name: "csv: a record of 100 MB", format: "csv",
            content: { longLine("time,value\n1773136800,1", UInt8(ascii: "x"), "1773136830,2") },
            options: ["--metric", "m", "--time-column", "time", "--value-column", "value"], accepted: 2, rejected: 1),
        Case(
            name: "flow logs: a record of 100 MB", format: "flow-logs",
            content: { longLine("\(flowHeader)\n\(goodFlow)", UInt8(ascii: "x"), goodFlow) }, accepted: 2, rejected: 1),
        Case(
            name: "events: brackets without end", format: "events",
            content: { longLine(event(1), UInt8(ascii: "["), event(2)) }, accepted: 2, says: ["input:2"]),
        Case(
            name: "events: a gzip bomb", format: "events",
            content: { try gzip(longLine(event(1), 0, event(2))) }, fileName: "input.jsonl.gz", accepted: 2,
            rejected: 1),
    ]

    static let hostile: [Case] = [
        Case(
            name: "events: invalid UTF-8", format: "events",
            content: {
                Array("\(event(1))\n".utf8) + Array(event(2, data: #"{"n":"X"}"#).utf8).map { $0 == 0x58 ? 0xFF : $0 }
                    + Array("\n\(event(3))\n".utf8)
            }, accepted: 2, rejected: 1, says: ["input:2"]),
        Case(
            name: "prometheus: invalid UTF-8", format: "prometheus",
            content: {
                Array("\(goodSample)\n".utf8)
                    + Array(#"up{app="X"} 1 1773136800000"#.utf8).map { $0 == 0x58 ? 0xFF : $0 }
                    + [0x0A]
            }, accepted: 1, rejected: 1),
        Case(
            name: "events: nested 100,000 deep", format: "events",
            content: {
                let open = String(repeating: #"{"a":["#, count: 50_000)
                let close = String(repeating: "]}", count: 50_000)
                return Array("\(event(1))\n\(event(2, data: open + "1" + close))\n\(event(3))\n".utf8)
            }, accepted: 2, says: ["input:2"]),
        Case(
            name: "events: the same name twice", format: "events",
            content: text(event(1), event(2, data: #"{"a":1,"a":2}"#), event(3)), accepted: 2, rejected: 1),
        Case(
            name: "events: numbers that no double holds", format: "events",
            content: text(
                event(1, data: #"{"n":1e999}"#), event(2, data: #"{"n":123456789012345678901234567890}"#), event(3)),
            statuses: [0]),
        Case(
            name: "velero: aliases that multiply", format: "velero",
            content: {
                var lines = ["apiVersion: velero.io/v1", "kind: Backup", "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
                for level in 1...9 {
                    let all = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
                    lines.append("a\(level): &a\(level) [\(all)]")
                }
                return Array((lines.joined(separator: "\n") + "\n").utf8)
            }, fileName: "bomb.yaml", options: ["--cluster", "a"], statuses: [65, 74], accepted: 0,
            says: ["bomb.yaml"]),
        Case(
            name: "events: types of Cairn's own", format: "events",
            content: {
                Array(
                    (event(1).replacing("test.thing.v1", with: "cairn.approval.granted.v1") + "\n" + event(2) + "\n")
                        .utf8)
            }, accepted: 1, rejected: 1, says: ["input:1", "cairn."]),
        Case(
            name: "events: streams that are none", format: "events",
            content: text(
                event(1), event(2).replacing("thing/a", with: "../../etc/passwd"),
                event(3).replacing("thing/a", with: String(repeating: "x/", count: 5000))), statuses: [0]),
        Case(
            name: "flow logs: more fields promised than there are", format: "flow-logs",
            content: text(flowHeader + " vpc-id subnet-id instance-id", goodFlow, goodFlow), statuses: [65],
            accepted: 0, rejected: 2),
        Case(
            name: "flow logs: some lines with fewer fields", format: "flow-logs",
            content: text(flowHeader, goodFlow, "2 111122223333 eni-1", goodFlow), accepted: 2, rejected: 1),
        Case(
            name: "flow logs: negative and overflowing numbers", format: "flow-logs",
            content: text(
                flowHeader, goodFlow, flow(packets: "-3"), flow(bytes: "99999999999999999999999"),
                flow(packets: "9223372036854775807", bytes: "9223372036854775807"),
                flow(packets: "9223372036854775807", bytes: "9223372036854775807"), flow(start: "-1"),
                flow(start: "99999999999999999999")), statuses: [0]),
        Case(
            name: "flow logs: years 1 and 9999", format: "flow-logs",
            content: text(
                flowHeader, goodFlow, flow(start: "-62135596800", end: "-62135596790"),
                flow(start: "253402300790", end: "253402300799")), accepted: 1, rejected: 2),
        Case(
            name: "events: years 1 and 9999", format: "events",
            content: text(
                event(1, time: "0001-01-01T00:00:00Z"), event(2, time: "9999-12-31T23:59:59.999999Z"),
                event(3, time: "2026-02-30T00:00:00Z"), event(4, time: "10000-01-01T00:00:00Z")), accepted: 2,
            rejected: 2, says: ["input:3", "input:4"]),
        Case(
            name: "prometheus: years 1 and 9999, negative and overflowing", format: "prometheus",
            content: text(
                goodSample, #"up{app="b"} 1 -62135596800000"#, #"up{app="c"} 1 253402300799999"#,
                #"up{app="d"} 1 99999999999999999999"#, #"up{app="e"} 1e999 1773136800000"#,
                #"up{app="f"} NaN 1773136800000"#, #"up{app="g"} -Inf 1773136800000"#), statuses: [0]),
        Case(
            name: "prometheus: no time", format: "prometheus", content: text(#"up{app="a"} 1"#), statuses: [65],
            accepted: 0, rejected: 1),
        Case(
            name: "csv: numbers and times that are none", format: "csv",
            content: text(
                "time,value", "1773136800,1", "1773136800,x", "yesterday,1", "99999999999999999999,1",
                "0001-01-01T00:00:00Z,1", "9999-12-31T23:59:59Z,1", "1773136860"),
            options: ["--metric", "m", "--time-column", "time", "--value-column", "value"], statuses: [0]),
        Case(
            name: "csv: a column that is not there", format: "csv", content: text("time,value", "1773136800,1"),
            options: ["--metric", "m", "--time-column", "time", "--value-column", "nothing"], statuses: [64, 65],
            says: ["nothing"]),
    ]

    @Test(arguments: damaged + huge + hostile)
    func isSetAside(_ test: Case) throws {
        let ledger = try ScratchLedger()
        let file = ledger.folder.file(test.fileName)
        try Data(try test.content()).write(to: URL(filePath: file))
        let before = try ledger.eventCount()
        let result = try ledger.run(["import", test.format, file, "-o", "json"] + test.options)
        #expect(test.statuses.contains(result.status), "\(result.status): \(result.errors)")
        // Machine output is a table of one row, or nothing; what is wrong is on standard error.
        var accepted: Int64 = 0
        if !result.output.isEmpty {
            let row = try #require(try JSONParser.parse(result.output).value[0])
            accepted = row["accepted"]?.integer ?? 0
            if let wanted = test.accepted { #expect(accepted == wanted, "\(row) \(result.errors)") }
            if let wanted = test.rejected { #expect(row["rejected"]?.integer == wanted, "\(row) \(result.errors)") }
        }
        if result.status != 0 { #expect(!result.errors.isEmpty, "ended with \(result.status) and said nothing") }
        for words in test.says { #expect(result.errors.contains(words), "\(result.errors)") }
        #expect(result.errors.utf8.count < 10_000, "\(result.errors.utf8.count) bytes of errors")
        #expect(!result.errors.contains("Fatal error"), "\(result.errors)")
        #expect(try ledger.eventCount() >= before + (accepted > 0 ? 1 : 0))
        try ledger.expectIntact(test.name)
        // And it is as usable as before.
        try ledger.succeed(["record", "test.after.v1", "--stream", "test/after"])
    }
}

/// Bytes that look like nothing.
enum SeededBytes {
    static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = SeededRandom(seed: seed)
        return random.bytes(count: count)
    }
}
