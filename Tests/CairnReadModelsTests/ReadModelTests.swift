import CairnBytes
import CairnModel
import CairnReadModels
import CairnTestSupport
import Foundation
import Synchronization
import Testing

@Suite struct ReadModelTests {
    private func small() -> EventList {
        var list = EventList()
        list.append(
            "cairn.migration.planned.v1", "migration/m1", at: 0,
            [
                "playbook": "cluster-migration", "source_cluster": "old", "target_cluster": "new",
                "applications": [["name": "shop", "class": "stateless"]], "budgets": ["precheck": 600],
            ], by: "ines")
        list.append(
            "cairn.approval.requested.v1", "migration/m1", at: 10, ["phase": "precheck", "requested_by": "ines"])
        list.append("cairn.approval.granted.v1", "migration/m1", at: 20, ["phase": "precheck", "approver": "tom"])
        list.append("observed.phase.started.v1", "migration/m1", at: 30, ["phase": "precheck"], by: "ines")
        list.append("observed.phase.completed.v1", "migration/m1", at: 90.25, ["phase": "precheck"], by: "ines")
        return list
    }

    @Test func projectsAndAnswers() throws {
        let folder = try TemporaryFolder()
        let model = try ReadModel.open(path: folder.file("read-model.sqlite"))
        #expect(try model.catchUp(from: small()) == .init(events: 5, next: 5, isRebuilt: true))
        #expect(try model.catchUp(from: small()) == .init(events: 0, next: 5, isRebuilt: false))
        let result = try model.query(
            """
            SELECT phase, status, started_at, ended_at, ended_us - started_us AS us FROM phases WHERE run = :run
            """, ["run": "migration/m1"])
        #expect(result.columns == ["phase", "status", "started_at", "ended_at", "us"])
        #expect(
            result.rows == [
                ["precheck", "completed", "2026-03-10T08:00:30Z", "2026-03-10T08:01:30.25Z", .integer(60_250_000)]
            ])
        #expect(
            try model.query("SELECT requested_by, decision, approver FROM approvals").rows == [
                ["ines", "granted", "tom"]
            ])
        #expect(
            try model.query("SELECT status, phase, phase_status, planned_by FROM migrations").rows == [
                ["running", "precheck", "completed", "ines"]
            ])
    }

    @Test func goesOnWhereItWas() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("read-model.sqlite")
        let list = small()
        try ReadModel.open(path: path).catchUp(from: list.prefix(3))
        let model = try ReadModel.open(path: path)
        #expect(try model.next == 3)
        #expect(try model.catchUp(from: list) == .init(events: 2, next: 5, isRebuilt: false))
    }

    @Test func isMadeAnewForAnotherLogOrAnotherHistory() throws {
        let folder = try TemporaryFolder()
        let model = try ReadModel.open(path: folder.file("read-model.sqlite"))
        var list = small()
        try model.catchUp(from: list)
        list.identity[0] = 8
        #expect(try model.catchUp(from: list).isRebuilt)
        #expect(try model.catchUp(from: list.prefix(2)) == .init(events: 2, next: 2, isRebuilt: true))
        var other = list.prefix(1)
        other.append("cairn.note.added.v1", "migration/m1", at: 5, ["text": "another way"], recorded: 900)
        other.append("cairn.note.added.v1", "migration/m1", at: 6, ["text": "went on"], recorded: 901)
        #expect(try model.catchUp(from: other).isRebuilt)
        #expect(try model.query("SELECT count(*) FROM notes").rows == [[2]])
    }

    @Test func rebuildsUnderReadersOfOtherProcesses() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("read-model.sqlite")
        let first = try ReadModel.open(path: path)
        try first.catchUp(from: small())
        // A second connection stands for another process: it must see the new tables, or the old ones, never a mix.
        let second = try ReadModel.open(path: path)
        #expect(try second.query("SELECT count(*) FROM events").rows == [[5]])
        try first.rebuild(from: small().prefix(4))
        #expect(try first.query("SELECT count(*) FROM events").rows == [[4]])
        #expect(try second.query("SELECT count(*) FROM events").rows == [[4]])
        try second.catchUp(from: small())
        #expect(try first.query("SELECT count(*) FROM events").rows == [[5]])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).allSatisfy { !$0.contains("rebuild") })
    }

    @Test func replacesWhatIsNoDatabase() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("read-model.sqlite")
        try Data(repeating: 0x41, count: 9000).write(to: URL(filePath: path))
        let model = try ReadModel.open(path: path)
        try model.catchUp(from: small())
        #expect(try model.query("SELECT count(*) FROM events").rows == [[5]])
        #expect(model.notice == nil)
    }

    @Test func livesInMemoryWhereItCannotWrite() throws {
        let folder = try TemporaryFolder()
        let model = try ReadModel.open(path: folder.file("read-model.sqlite"), access: .readOnly)
        try model.catchUp(from: small())
        #expect(try model.query("SELECT count(*) FROM events").rows == [[5]])
        #expect(model.place == .memory)
        #expect(model.notice?.contains("in memory") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        try model.catchUp(from: small())
        #expect(try model.next == 5)
    }

    @Test(arguments: [
        "DELETE FROM stored_events", "INSERT INTO stored_notes SELECT * FROM stored_notes", "PRAGMA query_only = 0",
        "ATTACH 'other.sqlite' AS other", "VACUUM INTO 'copy.sqlite'", "SELECT 1; DELETE FROM events", "BEGIN",
        "WITH x AS (SELECT 1) DELETE FROM stored_events", "/* SELECT */ DROP TABLE stored_events",
        "SELECT 1; ATTACH 'x' AS y",
    ]) func refusesWhatIsNoQuestion(_ sql: String) throws {
        let model = try ReadModel.inMemory()
        try model.catchUp(from: small())
        let error = #expect(throws: ReadModelError.self) { try model.query(sql) }
        #expect(error?.code == .refused)
        #expect(try model.query("SELECT count(*) FROM events -- still there;\n;").rows == [[5]])
    }

    @Test func limitsRowsAndTime() throws {
        let model = try ReadModel.inMemory()
        try model.catchUp(from: small())
        let cut = try model.query(
            "SELECT position FROM events ORDER BY position", limits: QueryLimits(rowsMax: 2, secondsMax: 5))
        #expect(cut.rows == [[0], [1]])
        #expect(cut.isTruncated)
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
        let error = #expect(throws: ReadModelError.self) {
            try model.query(endless, limits: QueryLimits(rowsMax: 2, secondsMax: 0.05))
        }
        #expect(error?.code == .timeLimit)
    }

    @Test func namesWrongArguments() throws {
        let model = try ReadModel.inMemory()
        try model.catchUp(from: small())
        let error = #expect(throws: ReadModelError.self) { try model.query("SELECT :a", ["b": 1]) }
        #expect(error?.message == "the query has no parameter b; it has a")
        #expect(throws: ReadModelError.self) { try model.query("SELECT ?", [:]) }
        #expect(throws: ReadModelError.self) { try model.query("SELECT nothing FROM nowhere") }
        #expect(throws: ReadModelError.self) { try model.query(" -- nothing") }
        #expect(try model.query("SELECT :a, :b", ["a": .blob([1, 2])]).rows == [[.blob([1, 2]), .null]])
    }

    @Test func showsThePastByBothClocks() throws {
        var list = small()
        // Told a quarter of an hour late.
        list.append("observed.note.added.v1", "migration/m1", at: 40, ["text": "late"], by: "tom", recorded: 940)
        func notes(_ model: ReadModel) throws -> Int? {
            try model.query("SELECT count(*) FROM notes").rows[0][0].integer.map(Int.init)
        }
        let moment = Timestamp("2026-03-10T08:01:00Z")!
        #expect(try notes(ReadModel.at(moment, of: list)) == 1)
        #expect(try notes(ReadModel.knownAt(moment, of: list)) == 0)
        #expect(try notes(ReadModel.entry(4, of: list)) == 0)
        let late = try ReadModel.at(moment, of: list)
        #expect(try late.query("SELECT status FROM phases").rows == [["started"]])
    }

    /// Four writers on one file, as several processes would be, each in small transactions: every event once.
    @Test(arguments: [UInt64(1), 2, 3]) func isKeptUpToDateByManyAtOnce(_ seed: UInt64) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("read-model.sqlite")
        var random = SeededRandom(seed: seed)
        let list = RandomLedger.make(eventCount: 200, using: &random)
        try ReadModel.open(path: path).catchUp(from: list.prefix(1))
        let failures = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: 4) { writer in
            do {
                let model = try ReadModel.open(path: path)
                try model.catchUp(from: list, eventsPerTransaction: 3 + writer)
                try model.close()
            } catch { failures.withLock { $0.append("\(error)") } }
        }
        #expect(failures.withLock { $0 } == [])
        let model = try ReadModel.open(path: path)
        #expect(try model.catchUp(from: list) == .init(events: 0, next: 200, isRebuilt: false))
        let alone = try ReadModel.inMemory()
        try alone.catchUp(from: list)
        try TableDump(model).expectEqual(TableDump(alone), "seed \(seed)")
    }
}
