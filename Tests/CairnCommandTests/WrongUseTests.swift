import CairnBytes
import CairnTestSupport
import Foundation
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Commands that cannot do what they are asked: one error that says what and where, the right exit code, nothing on
/// standard output, and a ledger as it was.
@Suite struct WrongUseTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var arguments: [String]
        var status: Int32
        var says: String
        /// The parser's own errors begin with `Error:` and end with the usage.
        var isOfParser = false
        var testDescription: String { arguments.joined(separator: " ") }

        init(_ arguments: [String], _ status: Int32, _ says: String, isOfParser: Bool = false) {
            self.arguments = arguments
            self.status = status
            self.says = says
            self.isOfParser = isOfParser
        }
    }

    static let usage: [Case] = [
        Case(["frobnicate"], 64, "frobnicate", isOfParser: true),
        Case(["drops", "--frobnicate"], 64, "--frobnicate", isOfParser: true),
        Case(["status", "-o", "xml"], 64, "xml", isOfParser: true),
        Case(["replay", "--at", "tomorrow"], 64, "tomorrow", isOfParser: true),
        Case(["replay", "--entry", "-1"], 64, "--entry", isOfParser: true),
        Case(["replay", "--speed", "0"], 64, "speed"),
        Case(["replay", "--speed", "nan"], 64, "speed"),
        Case(["record"], 64, "type", isOfParser: true),
        Case(["record", "test.a.v1"], 64, "--stream"),
        Case(["import", "nothing", "/tmp"], 64, "flow-logs"),
        Case(["import", "csv", "/tmp", "--label", "novalue"], 64, "name=value"),
        Case(["flows", "/nowhere", "--by", "no-such-field"], 64, "no-such-field"),
        Case(["flows", "/nowhere", "--by", "dstaddr", "--where", "action = "], 64, "cannot"),
        Case(["flows", "/nowhere", "--by", "dstaddr", "--top", "0"], 64, "top"),
        Case(["flows", "/nowhere", "--by", "dstaddr", "--format", "no-such-field"], 64, "--format"),
        Case(["timeline", "--since", "2026-03-10T10:00:00Z", "--until", "2026-03-10T09:00:00Z"], 64, "not earlier"),
        Case(["drops", "--since", "2026-03-10T10:00:00Z", "--until", "2026-03-10T10:00:00Z"], 64, "not earlier"),
    ]

    static let streams: [Case] = [
        "", "note", "/", "note/", "/x", "Note/x", "note/\n", "note//x", "note/x y\u{7F}",
        "note/\(String(repeating: "x", count: 300))", "../../etc/passwd",
    ].map { Case(["record", "test.a.v1", "--stream", $0], 64, "stream") }

    static let data: [Case] = [
        "", "{", "{\"a\":1,\"a\":2}", "{\"a\":1e999}", "nul", "[1,]", "\"\\ud800\"", "{} {}", "'a'",
        String(repeating: "[", count: 50_000), "@/nowhere/at/all", "@/dev/zero", "@/tmp",
    ].map { Case(["record", "test.a.v1", "--stream", "test/a", "--data", $0], $0.hasPrefix("@") ? 74 : 64, "cannot") }

    static let types: [Case] = [
        Case(["record", "", "--stream", "test/a"], 65, "cannot"),
        Case(["record", "cairn.no.such.v1", "--stream", "test/a"], 1, "not_a_command"),
        Case(
            ["record", "cairn.phase.started.v1", "--stream", "migration/x", "--data", #"{"phase":"build"}"#], 1,
            "not_planned"),
        Case(["record", "cairn.finding.opened.v1", "--stream", "finding/x"], 1, "refused"),
        Case(["record", String(repeating: "x", count: 70_000), "--stream", "test/a"], 65, "cannot"),
        Case(
            ["record", "test.a.v1", "--stream", "test/a", "--id", String(repeating: "x", count: 70_000)], 65, "cannot"),
        Case(["record", "test.a.v1", "--stream", "test/a", "--expected-revision", "7"], 1, "revision"),
        Case(
            ["record", "test.a.v1", "--stream", "test/a", "--expected-revision", "-7"], 64, "revision", isOfParser: true
        ),
    ]

    static let places: [Case] = [
        Case(["import", "events", "/nowhere/at/all"], 74, "/nowhere/at/all"),
        Case(["import", "events", "/dev/zero"], 74, "device"),
        Case(["import", "flow-logs", "/dev/zero", "--cluster", "a"], 74, "device"),
        Case(["import", "events", "/dev/null"], 74, "device"),
        Case(["import", "flow-logs", "/tmp", "--cluster-map", "/nowhere"], 74, "/nowhere"),
        Case(["flows", "/dev/zero", "--by", "dstaddr"], 74, "device"),
        Case(["flows", "/nowhere", "--by", "dstaddr"], 74, "/nowhere"),
        Case(["status", "--ledger", "/nowhere"], 74, "cairn init"),
        Case(["record", "test.a.v1", "--stream", "test/a", "--ledger", "/nowhere"], 74, "/nowhere"),
        Case(["status", "--ledger", "/dev/zero"], 74, "/dev/zero"),
        Case(["status", "--ledger", "/tmp"], 74, "not a ledger"),
        Case(["record", "test.a.v1", "--stream", "test/a", "--key", "/nowhere/key"], 74, "/nowhere/key"),
        Case(["record", "test.a.v1", "--stream", "test/a", "--key", "/dev/zero"], 74, "/dev/zero"),
        Case(["init", "--continues", "/nowhere", "--ledger", "/tmp/cairn-not-made"], 74, "/nowhere"),
        Case(["init", "--origin", ScratchLedger.origin, "--ledger", "/dev/zero/x"], 74, "/dev/zero"),
        Case(["init", "--origin", ScratchLedger.origin], 74, "cannot make a ledger"),
        Case(["init", "--origin", "another.example/name"], 74, "signing key"),
        Case(["status", "no-such-migration"], 65, "no-such-migration"),
        Case(["timeline", "--incident", "no-such-incident"], 65, "no-such-incident"),
        Case(["timeline", "--migration", "no-such-migration"], 65, "no-such-migration"),
        Case(["replay", "--stream", "test/no-such-stream"], 65, "test/no-such-stream"),
        Case(["drops"], 65, "import"),
    ]

    @Test(arguments: usage + streams + data + types + places)
    func isRefused(_ test: Case) throws {
        let ledger = try ScratchLedger()
        let result = try ledger.run(test.arguments)
        #expect(result.status == test.status, "\(result.errors)")
        #expect(result.output.isEmpty, "\(result.output)")
        #expect(result.errors.contains(test.says), "\(result.errors)")
        if test.isOfParser {
            #expect(result.errors.hasPrefix("Error:"), "\(result.errors)")
            #expect(result.errors.contains("sage:"), "\(result.errors)")
        } else {
            #expect(
                result.errors.hasPrefix("cannot ") || result.errors.hasPrefix("refused ("), "\(result.errors)")
        }
        #expect(result.errors.utf8.count < 4000, "\(result.errors.utf8.count) bytes of errors")
        #expect(!result.errors.contains("Fatal error"), "\(result.errors)")
        #expect(try ledger.eventCount() == 0)
        try ledger.expectIntact()
    }

    /// A time that begins with a dash is a value, as `--since -2h` in the help says.
    @Test func relativeTimesAreNoOptions() throws {
        let ledger = try ScratchLedger()
        for arguments in [["timeline", "--since", "-2h", "--until", "-1h"], ["status", "--at", "-3d"]] {
            let result = try ledger.run(arguments)
            #expect(result.status == 0, "\(arguments): \(result.errors)")
        }
    }

    @Test func aLedgerIsNoInput() throws {
        let ledger = try ScratchLedger()
        let input = ledger.folder.file("in/a.jsonl")
        try FileManager.default.createDirectory(atPath: ledger.folder.file("in"), withIntermediateDirectories: true)
        try Data("not an event\n".utf8).write(to: URL(filePath: input))
        let first = try ledger.run(["import", "events", ledger.folder.path])
        #expect(first.errors.contains("1 records were set aside"), "\(first.errors)")
        let again = try ledger.run(["import", "events", ledger.folder.path])
        #expect(again.errors.isEmpty, "\(again.errors)")
    }

    @Test func linksThatGoRoundAreNotFollowed() throws {
        let ledger = try ScratchLedger()
        let input = ledger.folder.file("in")
        try FileManager.default.createDirectory(atPath: input, withIntermediateDirectories: true)
        try Data("not an event\n".utf8).write(to: URL(filePath: "\(input)/a.jsonl"))
        try FileManager.default.createSymbolicLink(atPath: "\(input)/round", withDestinationPath: ".")
        let result = try ledger.run(["import", "events", input])
        #expect(result.status == 65 && result.errors.contains("1 records were set aside"), "\(result.errors)")
    }

    /// Every file of flow logs is in the history, and infinite values are in every form of output.
    @Test func whatWasImportedIsShown() throws {
        let ledger = try ScratchLedger()
        let flows = ledger.folder.file("flows.log")
        let fields = "123456789010 eni-1 10.0.0.5 203.0.113.9 40000 443 6 3 180 1773136800 1773136860 ACCEPT OK"
        try Data("2 \(fields)\n".utf8).write(to: URL(filePath: flows))
        try ledger.succeed(["import", "flow-logs", flows, "--cluster", "eks"])
        let empty = try ledger.succeed(["timeline"])
        #expect(empty.contains("samples and flow logs"), "\(empty)")
        let history = try ledger.rows(["query", "import-history"])
        #expect(history.count == 1 && history.first?["format"]?.string == "flow-logs")
        #expect(history.first?["accepted"]?.integer == 1)
        let infinite = ["query", "SELECT 9e999 AS up, -9e999 AS down"]
        #expect(try ledger.rows(infinite).first?["up"]?.string == "+Inf")
        #expect(try ledger.succeed(infinite + ["-o", "csv"]).contains("+Inf,-Inf"))
        let twice = try ledger.rows(["query", "SELECT 1 AS a, 2 AS a"])
        #expect(twice.first?["a"]?.integer == 1 && twice.first?["a_2"]?.integer == 2)
        #expect(try ledger.run(["query", "fleet", "--entry", "99999"]).status == 65)
    }

    @Test func timesOfSavedQueriesAreChecked() throws {
        let ledger = try ScratchLedger()
        let wrong = try ledger.run(["query", "running-at", "-p", "time=garbage"])
        #expect(wrong.status == 64 && wrong.errors.contains("garbage"), "\(wrong.errors)")
        #expect(try ledger.run(["query", "running-at", "-p", "time=-2h"]).status == 0)
    }

    @Test func withoutALedger() throws {
        for arguments in [["status"], ["replay"], ["record", "test.a.v1", "--stream", "test/a"], ["init"], ["drops"]] {
            let result = try Program.cairn.run(arguments)
            #expect(result.status == 64, "\(arguments): \(result.errors)")
            #expect(result.errors.contains("CAIRN_LEDGER"), "\(result.errors)")
        }
    }

    @Test func anEmptyFolderHasNothingToImport() throws {
        let ledger = try ScratchLedger()
        let folder = ledger.folder.file("empty")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for format in ["events", "flow-logs", "prometheus"] {
            let result = try ledger.run(["import", format, folder])
            #expect(result.status == 65, "\(result.errors)")
            #expect(result.errors.hasPrefix("cannot"), "\(result.errors)")
        }
    }

    @Test func pipesAreNoFiles() throws {
        let ledger = try ScratchLedger()
        let pipe = ledger.folder.file("pipe")
        let made = unsafe mkfifo(pipe, 0o600)
        #expect(made == 0)
        let result = try ledger.run(["import", "events", pipe])
        #expect(result.status == 74)
        #expect(result.errors.contains("pipe"), "\(result.errors)")
        #expect(try ledger.run(["record", "test.a.v1", "--stream", "test/a", "--data", "@\(pipe)"]).status == 74)
    }

    /// The same id again is a success that writes nothing; with other content it is an error.
    @Test func theSameIdentityAgain() throws {
        let ledger = try ScratchLedger()
        let record = ["record", "test.a.v1", "--stream", "test/a", "--id", "one", "--data"]
        let first = try ledger.rows(record + [#"{"a":1}"#])
        #expect(first.first?["is_duplicate"]?.bool == false)
        let again = try ledger.rows(record + [#"{"a":1}"#])
        #expect(again.first?["is_duplicate"]?.bool == true)
        #expect(again.first?["position"] == first.first?["position"])
        for other in [
            record + [#"{"a":2}"#], record + [#"{"a":1,"b":1}"#], record + [#"{"a":1}"#, "--stream", "test/b"],
            record + [#"{"a":1}"#, "--time", "2026-03-10T10:00:00Z"],
        ] {
            let result = try ledger.run(other)
            #expect(result.status == 65, "\(other): \(result.errors)")
            #expect(result.errors.contains("one"), "\(result.errors)")
        }
        #expect(try ledger.eventCount() == 1)
    }

    @Test func expectedRevisions() throws {
        let ledger = try ScratchLedger()
        func record(_ revision: String) throws -> Int32 {
            try ledger.run(["record", "test.a.v1", "--stream", "test/a", "--expected-revision", revision]).status
        }
        #expect(try record("0") == 1)
        #expect(try record("none") == 0)
        #expect(try record("none") == 1)
        #expect(try record("1") == 1)
        #expect(try record("0") == 0)
        #expect(try record("any") == 0)
        #expect(try ledger.eventCount() == 3)
        try ledger.expectIntact()
    }

    /// Lines of `record -`: each bad one is answered in its place, and the others are recorded.
    @Test func linesThatCannotBeRecorded() throws {
        let ledger = try ScratchLedger()
        let good = #"{"type":"test.a.v1","stream":"test/a","data":{"n":1}}"#
        let lines = [
            good, "nonsense", #"{"type":"test.a.v1"}"#, #"{"type":"test.a.v1","stream":"no stream"}"#,
            #"{"type":"test.a.v1","stream":"test/a","time":"yesterday"}"#, "[]", "7",
            #"{"type":"cairn.phase.started.v1","stream":"migration/x","data":{"phase":"build"}}"#, good,
        ]
        let result = try ledger.run(["record", "-"], input: lines.joined(separator: "\n"))
        #expect(result.status == 65)
        let answers = try result.output.split(separator: "\n").map { try JSONParser.parse(String($0)).value }
        #expect(answers.count == lines.count)
        for (index, answer) in answers.enumerated() {
            #expect(answer["line"]?.integer == Int64(index + 1))
            let isGood = index == 0 || index == lines.count - 1
            #expect((answer["position"] != nil) == isGood, "\(answer)")
            #expect((answer["error"] != nil) == !isGood, "\(answer)")
        }
        #expect(answers[7]["rule"]?.string == "not_planned")
        #expect(try ledger.eventCount() == 2)
        try ledger.expectIntact()
    }

    /// Bytes that are no text must not become other text on the way into the log.
    @Test func linesThatAreNoText() throws {
        let ledger = try ScratchLedger()
        let file = ledger.folder.file("lines")
        var bytes = Array("{\"type\":\"test.a.v1\",\"stream\":\"test/a\",\"data\":{\"n\":\"".utf8)
        bytes += [0xFF, 0xFE] + Array("\"}}\n".utf8)
        bytes += Array("{\"type\":\"test.a.v1\",\"stream\":\"test/a\"}\n".utf8)
        try Data(bytes).write(to: URL(filePath: file))
        let program = try RunningProgram(
            ["record", "-"], on: ledger, inputFile: file, errorFile: ledger.folder.file("errors"))
        let first = try JSONParser.parse(try #require(program.nextLine())).value
        #expect(first["error"] != nil && first["position"] == nil, "\(first)")
        let second = try JSONParser.parse(try #require(program.nextLine())).value
        #expect(second["position"]?.integer == 0, "\(second)")
        #expect(program.wait() == 65)
        #expect(try ledger.eventCount() == 1)
    }

    /// A line without end is refused after a bounded number of bytes, not read into memory for ever.
    @Test(.timeLimit(.minutes(1))) func aLineWithoutEnd() throws {
        let ledger = try ScratchLedger()
        let program = try RunningProgram(
            ["record", "-"], on: ledger, inputFile: "/dev/zero", errorFile: ledger.folder.file("errors"))
        let status = program.wait()
        #expect(status == 65, "\(program.errors)")
        #expect(program.errors.hasPrefix("cannot"), "\(program.errors)")
        try ledger.expectIntact()
    }
}
