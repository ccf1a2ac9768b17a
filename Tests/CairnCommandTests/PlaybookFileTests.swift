import CairnBytes
import CairnTestSupport
import Foundation
import Testing

/// A playbook that the program does not bring, given as a file, works from the command line and from the log alone.
@Suite struct PlaybookFileTests {
    private static let fixtures = "\(ScratchLedger.top)/Tests/CairnCommandTests/Fixtures"
    private static let yaml = "\(fixtures)/search-index-move.yaml"
    private static let json = "\(fixtures)/search-index-move.json"
    private static let stages = ["reindex", "warm-up", "switch-queries", "switch-queries", "retire"]

    /// A run on a ledger, event by event, one minute apart.
    private final class Run {
        let ledger: ScratchLedger
        let stream: String
        private var minute = 0

        init(_ ledger: ScratchLedger, _ stream: String = "migration/search") {
            self.ledger = ledger
            self.stream = stream
        }

        func record(_ name: String, _ data: String = "{}", options: [String] = []) throws -> Program.Result {
            minute += 1
            let time = "2026-03-10T10:\(minute < 10 ? "0" : "")\(minute):00Z"
            return try ledger.run(
                ["record", "cairn.\(name).v1", "--stream", stream, "--time", time, "--data", data] + options)
        }

        func succeed(_ name: String, _ data: String = "{}", options: [String] = []) throws {
            let result = try record(name, data, options: options)
            guard result.status == 0 else { throw ScratchLedger.Failed("\(name) \(data)", result) }
        }

        func expectRefused(
            _ rule: String, _ name: String, _ data: String = "{}", says: String = "",
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let result = try record(name, data)
            #expect(result.status == 1, "\(result.errors)", sourceLocation: sourceLocation)
            #expect(result.output.isEmpty, sourceLocation: sourceLocation)
            #expect(
                result.errors.hasPrefix("refused (\(rule)): "), "\(result.errors)", sourceLocation: sourceLocation)
            #expect(says.isEmpty || result.errors.contains(says), "\(result.errors)", sourceLocation: sourceLocation)
        }

        func plan(_ file: String?, hooks: String = "[]", name: String? = nil) throws -> Program.Result {
            let playbook = name.map { #""playbook":"\#($0)","# } ?? ""
            return try record(
                "migration.planned",
                #"{\#(playbook)"source_cluster":"old","target_cluster":"new","applications":[],"hooks":\#(hooks)}"#,
                options: file.map { ["--playbook", $0] } ?? [])
        }

        func statuses() throws -> [String] {
            try ledger.rows(["status", String(stream.dropFirst(10))]).map {
                let step = $0["step"]?.integer.map { " \($0)" } ?? ""
                return "\($0["phase"]?.string ?? "")\(step): \($0["status"]?.string ?? "")"
            }
        }
    }

    /// Stages in order, a hook called and answered, refusals, a way back; the same from YAML and from JSON.
    @Test(arguments: [yaml, json]) func aWholeRun(file: String) throws {
        let ledger = try ScratchLedger()
        let run = Run(ledger)
        let planned = try run.plan(
            file, hooks: #"[{"name":"probe","phases":["switch-queries"],"kind":"lambda"}]"#)
        #expect(planned.status == 0, "\(planned.errors)")
        #expect(planned.errors.hasPrefix("registered the playbook search-index-move, version 1, at position 0"))
        #expect(try ledger.rows(["status", "search"]).map { $0["phase"]?.string } == PlaybookFileTests.stages)

        try run.expectRefused("wrong_order", "phase.started", #"{"phase":"warm-up"}"#, says: "reindex")
        try run.succeed("phase.started", #"{"phase":"reindex"}"#)
        try run.expectRefused("check_not_passed", "phase.completed", #"{"phase":"reindex"}"#, says: "document-count")
        try run.succeed("check.completed", #"{"name":"document-count","result":"pass"}"#)
        try run.succeed("phase.completed", #"{"phase":"reindex"}"#)
        try run.succeed("phase.started", #"{"phase":"warm-up"}"#)
        try run.expectRefused("bake_not_elapsed", "phase.completed", #"{"phase":"warm-up"}"#)
        for _ in 0..<5 { try run.succeed("note.added", #"{"text":"waiting"}"#) }
        try run.succeed("phase.completed", #"{"phase":"warm-up"}"#)

        try run.expectRefused("unapproved", "phase.started", #"{"phase":"switch-queries","step":1}"#)
        try run.expectRefused("unknown_stage", "approval.requested", #"{"phase":"shift-traffic"}"#, says: "reindex")
        try run.succeed("approval.requested", #"{"phase":"switch-queries"}"#, options: ["--actor", "ana"])
        try run.succeed("approval.granted", #"{"phase":"switch-queries"}"#, options: ["--actor", "bo"])
        try run.succeed("phase.started", #"{"phase":"switch-queries","step":1}"#)
        try run.succeed("hook.called", #"{"hook":"probe","phase":"switch-queries"}"#)
        try run.expectRefused("hook_not_finished", "phase.completed", #"{"phase":"switch-queries","step":1}"#)
        try run.succeed("hook.answered", #"{"hook":"probe","phase":"switch-queries","status":"SUCCEEDED"}"#)
        try run.expectRefused(
            "wrong_step", "traffic.shifted", #"{"kind":"production","step":1,"weights":{"source":50,"target":50}}"#)
        try run.succeed(
            "traffic.shifted", #"{"kind":"production","step":1,"weights":{"source":80,"target":20}}"#)
        try run.succeed("phase.completed", #"{"phase":"switch-queries","step":1}"#)
        #expect(
            try run.statuses() == [
                "reindex: completed", "warm-up: completed", "switch-queries 1: completed", "switch-queries 2: pending",
                "retire: pending",
            ])

        // The hook of the second step fails: the playbook says that this goes back, and how far.
        try run.succeed("phase.started", #"{"phase":"switch-queries","step":2}"#)
        try run.succeed("hook.called", #"{"hook":"probe","phase":"switch-queries"}"#)
        try run.succeed("hook.answered", #"{"hook":"probe","phase":"switch-queries","status":"FAILED"}"#)
        let events = try ledger.rows(["replay", "--stream", run.stream])
        #expect(events.last?["type"]?.string == "cairn.rollback.started.v1")
        try run.succeed("traffic.shifted", #"{"kind":"production","weights":{"source":100,"target":0}}"#)
        try run.succeed("phase.reverted", #"{"phase":"switch-queries"}"#)
        try run.succeed("rollback.completed")
        #expect(
            try run.statuses().prefix(4) == [
                "reindex: completed", "warm-up: reverted", "switch-queries 1: reverted", "switch-queries 2: reverted",
            ])
        try expectStable(ledger)
    }

    /// A rebuild gives the same tables, nothing is judged otherwise, and the log is intact.
    private func expectStable(_ ledger: ScratchLedger) throws {
        let tables = ["playbooks", "runs", "phases", "hooks", "approvals", "violations", "rollbacks"]
        func dump() throws -> [[JSONValue]] {
            try tables.map { try ledger.rows(["query", "SELECT * FROM \($0) ORDER BY position"]) }
        }
        let before = try dump()
        #expect(!before[0].isEmpty)
        try ledger.succeed(["rebuild"])
        #expect(try dump() == before)
        let verdicts = try ledger.rows(["replay", "--rejudge"])
        #expect(verdicts.allSatisfy { $0["same"]?.bool == true }, "\(verdicts)")
        try ledger.expectIntact()
    }

    private func file(_ ledger: ScratchLedger, _ name: String, _ changes: [(String, String)]) throws -> String {
        var text = try String(contentsOfFile: PlaybookFileTests.yaml, encoding: .utf8)
        for (old, new) in changes {
            #expect(text.contains(old), "\(old) is not in the fixture")
            text = text.replacingOccurrences(of: old, with: new)
        }
        let path = ledger.folder.file(name)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    @Test func theSameAgainAndAnotherVersion() throws {
        let ledger = try ScratchLedger()
        #expect(try Run(ledger, "migration/a").plan(PlaybookFileTests.yaml).status == 0)
        let again = try Run(ledger, "migration/b").plan(PlaybookFileTests.json)
        #expect(again.status == 0 && again.errors.isEmpty, "\(again.errors)")
        let known = try Run(ledger, "migration/c").plan(nil, name: "search-index-move")
        #expect(known.status == 0, "\(known.errors)")
        #expect(try ledger.rows(["query", "SELECT * FROM playbooks"]).count == 1)

        // Other content under the same name and version: both digests, and nothing is written.
        let count = try ledger.eventCount()
        let changed = try file(ledger, "changed.yaml", [("[20, 100]", "[50, 100]")])
        let refused = try Run(ledger, "migration/d").plan(changed)
        #expect(refused.status == 1)
        #expect(refused.errors.hasPrefix("refused (playbook_changed): version 1 of the playbook search-index-move"))
        let digest = try #require(
            ledger.rows(["query", "SELECT digest FROM playbooks"]).first?["digest"]?.string)
        #expect(refused.errors.contains(digest))
        #expect(refused.errors.matches(of: #/[0-9a-f]{64}/#).count == 2, "\(refused.errors)")
        #expect(try ledger.eventCount() == count)

        // As a new version it holds for new runs; the old ones keep theirs, and the old file stays usable.
        let second = try file(ledger, "second.yaml", [("[20, 100]", "[25, 50, 100]"), ("kind:", "version: 2\nkind:")])
        let planned = try Run(ledger, "migration/d").plan(second)
        #expect(planned.status == 0 && planned.errors.contains("version 2, at position"), "\(planned.errors)")
        #expect(try Run(ledger, "migration/e").plan(nil, name: "search-index-move").status == 0)
        #expect(try Run(ledger, "migration/f").plan(PlaybookFileTests.yaml).status == 0)
        let steps = try ["a", "b", "c", "d", "e", "f"].map { id in
            try ledger.rows(["status", id]).count { $0["phase"]?.string == "switch-queries" }
        }
        #expect(steps == [2, 2, 2, 3, 3, 2])
        let older = try file(ledger, "older.yaml", [("[20, 100]", "[60, 100]"), ("kind:", "version: 1\nkind:")])
        #expect(try Run(ledger, "migration/g").plan(older).errors.hasPrefix("refused (playbook_changed)"))
        try expectStable(ledger)
    }

    @Test func aRefusedPlanLeavesNothing() throws {
        let ledger = try ScratchLedger()
        let run = Run(ledger)
        let hook = #"[{"name":"probe","phases":["reindex"],"kind":"lambda"}]"#
        let refused = try run.plan(PlaybookFileTests.yaml, hooks: hook)
        #expect(refused.status == 1 && refused.errors.hasPrefix("refused (hook_not_attachable)"), "\(refused.errors)")
        let other = try run.plan(PlaybookFileTests.yaml, name: "cluster-migration")
        #expect(other.status == 1 && other.errors.contains("search-index-move"), "\(other.errors)")
        let unknown = try run.plan(nil, name: "search-index-move")
        #expect(unknown.status == 1 && unknown.errors.hasPrefix("refused (unknown_playbook)"), "\(unknown.errors)")
        #expect(unknown.errors.contains("--playbook FILE"))
        #expect(try ledger.eventCount() == 0)
        // Nobody but Cairn gives rules.
        let said = try ledger.run(["record", "cairn.playbook.registered.v1", "--stream", "playbook/x", "--data", "{}"])
        #expect(said.status == 1 && said.errors.hasPrefix("refused (not_a_command)"), "\(said.errors)")
    }

    @Test func builtInNamesStay() throws {
        let ledger = try ScratchLedger()
        let taken = try file(ledger, "taken.yaml", [("id: search-index-move", "id: cluster-migration")])
        let refused = try Run(ledger).plan(taken)
        #expect(refused.status == 1)
        #expect(refused.errors.hasPrefix("refused (playbook_built_in): "), "\(refused.errors)")
        #expect(refused.errors.matches(of: #/[0-9a-f]{64}/#).count == 2, "\(refused.errors)")
        // Nor can a plan carry one of its own under such a name.
        let definition =
            #"{"id":"cluster-migration","title":"No rules","kind":"migration","stages":[{"name":"a","title":"A"}]}"#
        let carried = try Run(ledger).record(
            "migration.planned",
            #"{"playbook":"cluster-migration","playbook_definition":\#(definition),"source_cluster":"a","target_cluster":"b","applications":[]}"#
        )
        #expect(carried.errors.hasPrefix("refused (playbook_built_in): "), "\(carried.errors)")
        // What extends one is another playbook.
        let path = ledger.folder.file("extends.yaml")
        try "extends: cluster-migration\nid: small-move\ntitle: One\nrollback: {ends_run: true}\n".write(
            toFile: path, atomically: true, encoding: .utf8)
        let extended = try Run(ledger, "migration/small").plan(path)
        #expect(extended.status == 0, "\(extended.errors)")
        #expect(try ledger.rows(["status", "small"]).count == 7)
    }

    private static func fact(_ id: Int, _ stream: String, _ type: String, _ data: String) -> String {
        #"{"specversion":"1.0","id":"\#(id)","source":"//conductor","type":"observed.\#(type).v1","#
            + #""subject":"migration/\#(stream)","time":"2025-12-31T10:0\#(id):00Z","data":\#(data)}"#
    }

    private static func plan(_ more: String) -> String {
        #"{"playbook":"search-index-move","source_cluster":"old","target_cluster":"new","applications":[]\#(more)}"#
    }

    /// What happened long before the playbook was registered is still held to it: the place in the log counts.
    @Test func toldFromOutside() throws {
        let ledger = try ScratchLedger()
        let path = ledger.folder.file("events.jsonl")
        let lines = [
            PlaybookFileTests.fact(1, "told", "migration.planned", PlaybookFileTests.plan("")),
            PlaybookFileTests.fact(2, "told", "phase.started", #"{"phase":"warm-up"}"#),
        ]
        try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
        let imported = try ledger.run(["import", "events", path, "--playbook", PlaybookFileTests.yaml])
        #expect(imported.status == 0 && imported.errors.contains("registered the playbook"), "\(imported.errors)")
        #expect(
            try ledger.rows(["query", "SELECT rule FROM violations"]).map { $0["rule"]?.string } == ["wrong_order"])
        for moment in [[], ["--at", "2025-12-31T12:00:00Z"], ["--entry", "3"]] {
            let rows = try ledger.rows(["status", "told"] + moment)
            #expect(rows.map { $0["phase"]?.string } == PlaybookFileTests.stages, "\(moment)")
            #expect(rows[1]["status"]?.string == "active", "\(moment)")
        }
        // A newer version changes nothing for it; a plan that names the old one gets that.
        let second = try file(ledger, "second.yaml", [("[20, 100]", "[100]"), ("kind:", "version: 2\nkind:")])
        #expect(try Run(ledger, "migration/new").plan(second).status == 0)
        let more = [
            PlaybookFileTests.fact(
                3, "old-one", "migration.planned", PlaybookFileTests.plan(#","playbook_version":1"#)),
            PlaybookFileTests.fact(4, "new-one", "migration.planned", PlaybookFileTests.plan("")),
        ]
        try more.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
        let later = try ledger.run(["import", "events", path, "--playbook", PlaybookFileTests.yaml])
        #expect(later.status == 0 && later.errors.contains("version 2 of the playbook"), "\(later.errors)")
        #expect(try ["told", "old-one", "new-one"].map { try ledger.rows(["status", $0]).count } == [5, 5, 4])
        try expectStable(ledger)
    }

    @Test func toldFromOutsideAndUnknown() throws {
        let ledger = try ScratchLedger()
        let path = ledger.folder.file("events.jsonl")
        let line = PlaybookFileTests.fact(1, "told", "migration.planned", PlaybookFileTests.plan(""))
        try line.write(toFile: path, atomically: true, encoding: .utf8)
        let imported = try ledger.run(["import", "events", path])
        #expect(imported.status == 0)
        #expect(imported.errors.contains("note: migration/told: there is no playbook search-index-move"))
        #expect(imported.errors.contains("--playbook FILE"))
        let violations = try ledger.rows(["query", "SELECT rule FROM violations"])
        #expect(violations.map { $0["rule"]?.string } == ["unknown_playbook"])
        // Known later is unknown then.
        #expect(try Run(ledger).plan(PlaybookFileTests.yaml).status == 0)
        #expect(try ledger.rows(["status", "told"]).isEmpty)
        try expectStable(ledger)
    }

    @Test func linesTakeAPlaybookToo() throws {
        let ledger = try ScratchLedger()
        let plan = #"{"type":"migration.planned","stream":"migration/a","data":\#(PlaybookFileTests.plan(""))}"#
        let result = try ledger.run(["record", "-", "--playbook", PlaybookFileTests.yaml], input: plan + "\n")
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        #expect(try ledger.rows(["status", "a"]).count == 5)
    }

    // MARK: - Files nobody wants

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var content: @Sendable () -> [UInt8]
        var fileName = "playbook.yaml"
        var says: [String]

        init(_ name: String, _ fileName: String = "playbook.yaml", says: [String], _ text: String) {
            self.init(name, fileName, says: says) { Array(text.utf8) }
        }

        init(_ name: String, _ fileName: String, says: [String], bytes: @escaping @Sendable () -> [UInt8]) {
            self.name = name
            self.fileName = fileName
            self.says = says
            content = bytes
        }

        var testDescription: String { name }
    }

    private static let head = "id: x\ntitle: X\nkind: migration\n"
    private static let stage = "stages: [{name: a, title: A}]\n"

    static let hostile: [Case] = [
        Case("huge", "playbook.yaml", says: ["300000 bytes"]) { [UInt8](repeating: UInt8(ascii: "a"), count: 300_000) },
        Case("empty", says: ["line 1, column 1", "empty"], ""),
        Case("a list", says: ["is not an object"], "- a\n- b\n"),
        Case("no UTF-8", "playbook.yaml", says: ["line 2", "UTF-8"]) { Array("id: x\ntitle: ".utf8) + [0xFF, 0x0A] },
        Case("no UTF-8 in JSON", "playbook.json", says: ["line 1"]) {
            Array("{\"id\":\"".utf8) + [0xFF] + Array("\"}".utf8)
        },
        Case(
            "alias bomb", says: ["aliases", "line"],
            "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
                + zip("bcdefghi", "abcdefgh").map {
                    "\($0): &\($0) [" + repeatElement("*\($1)", count: 10).joined(separator: ", ") + "]\n"
                }
                .joined()),
        Case(
            "deep", says: ["levels of nesting"],
            head + "stages: " + String(repeating: "[", count: 40) + String(repeating: "]", count: 40)),
        Case("deep JSON", "playbook.json", says: ["levels of nesting"], String(repeating: "{\"a\":", count: 5000)),
        Case("two documents", says: ["line 6, column 1", "second document"], head + stage + "---\n" + head + stage),
        Case("a key twice", says: ["twice"], head + "id: y\n" + stage),
        Case("YAML syntax", says: ["line 4, column"], head + "stages: [}\n"),
        Case("JSON syntax", "playbook.json", says: ["line 2, column 9"], "{\n  \"id\": x}"),
        Case(
            "back to a later stage", says: ["line 5, column 32", "stages[0].back.to", "is b"],
            head + "stages:\n  - {name: a, title: A, back: {to: b, how: x}}\n  - {name: b, title: B}\n"),
        Case(
            "stages twice", says: ["line 6", "stages[1].name", "earlier stage"],
            head + "stages:\n  - {name: a, title: A}\n  - {name: a, title: B}\n"),
        Case(
            "many stages", says: ["line 4, column 1", "stages has 101 elements"],
            head + "stages:\n" + (0...100).map { "  - {name: s\($0), title: A}\n" }.joined()),
        Case(
            "a long name", says: ["stages[0].name", "201 bytes"],
            head + "stages: [{name: \(String(repeating: "n", count: 201)), title: A}]\n"),
        Case("a name over two lines", says: ["control character"], head + "stages: [{name: \"a\\nb\", title: A}]\n"),
        Case(
            "an id that is a path", says: ["line 1, column 1", "id is ../x"], "id: ../x\n" + head.dropFirst(6) + stage),
        Case(
            "an id that is too long", says: ["id is"],
            "id: \(String(repeating: "i", count: 101))\n" + head.dropFirst(6) + stage),
        Case("extends itself", says: ["line 4, column 1", "extends names x"], head + "extends: x\n"),
        Case(
            "an unknown key", says: ["line 4", "stages[0].compleet"],
            head + "stages: [{name: a, title: A, compleet: [gate]}]\n"),
        Case(
            "an unknown requirement", says: ["stages[0].start[0]"],
            head + "stages: [{name: a, title: A, start: [luck]}]\n"),
        Case(
            "steps that do not arrive", says: ["line 5", "do not end at 100"],
            head + stage + "traffic: {production: {stage: a, steps: [10, 50]}}\n"),
        Case("a version of nothing", says: ["line 4", "version"], head + "version: 0\n" + stage),
        Case("a number without end", says: ["digits"], head + stage + "timeout_seconds: 123456789012345678901\n"),
    ]

    @Test(arguments: hostile) func hostileFiles(_ hostile: Case) throws {
        let ledger = try ScratchLedger()
        let path = ledger.folder.file(hostile.fileName)
        try Data(hostile.content()).write(to: URL(filePath: path))
        for arguments in [
            ["record", "cairn.migration.planned.v1", "--stream", "migration/x", "--data", "{}"], ["record", "-"],
            ["import", "events", path],
        ] {
            let result = try ledger.run(arguments + ["--playbook", path], input: "")
            #expect(result.status == 65, "\(arguments[0]): \(result.errors)")
            #expect(result.output.isEmpty)
            #expect(result.errors.hasPrefix("cannot use the playbook \(path)"), "\(result.errors)")
            #expect(result.errors.utf8.count < 1000, "\(result.errors.utf8.count) bytes of error")
            for words in hostile.says { #expect(result.errors.contains(words), "\(words): \(result.errors)") }
        }
        #expect(try ledger.eventCount() == 0)
    }

    @Test func filesThatAreNone() throws {
        let ledger = try ScratchLedger()
        for path in [ledger.folder.file("none.yaml"), ledger.folder.path, "/dev/zero"] {
            let result = try ledger.run([
                "record", "cairn.migration.planned.v1", "--stream", "migration/x", "--playbook", path,
            ])
            #expect(result.status == 74, "\(path): \(result.errors)")
            #expect(result.errors.hasPrefix("cannot "), "\(result.errors)")
        }
    }
}
