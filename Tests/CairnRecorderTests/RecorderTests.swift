import CairnBytes
import CairnIngest
import CairnLedger
import CairnModel
import CairnRecorder
import CairnSim
import CairnTestSupport
import Testing

@Suite struct RecorderTests {
    private static let actor = Actor(id: "test@host", type: "local")

    private static func ledger(_ folder: TemporaryFolder) throws -> Ledger {
        try Ledger.create(
            at: folder.file("ledger"), origin: "test.example/ledger", keyFile: folder.file("key"),
            environment: .live(command: "test"))
    }

    private static func importer(_ ledger: Ledger, _ folder: TemporaryFolder) -> Importer {
        Importer(ledger: ledger, ledgerPath: folder.file("ledger"), disk: RealDisk(), clock: SystemClock())
    }

    private static func write(_ text: String, _ path: String) throws {
        let file = try RealDisk().open(path, .readWriteCreate(permissions: DiskOpenMode.ledgerPermissions))
        defer { file.close() }
        try file.truncate(to: 0)
        try file.writeAll(Array(text.utf8), at: 0)
    }

    private static func event(_ id: String, _ type: String, _ data: String, spaces: String = "") -> String {
        "{\"specversion\":\"1.0\",\(spaces)\"id\":\"\(id)\",\"source\":\"//conductor\",\"type\":\"\(type)\","
            + "\"subject\":\"migration/m-1\",\"time\":\"2026-03-10T10:00:00Z\",\"data\":\(data)}\n"
    }

    private static let plan =
        #"{"playbook":"cluster-migration","source_cluster":"old","target_cluster":"new","applications":[]}"#

    @Test func aFactThatBreaksARuleIsRecordedWithAViolation() throws {
        let folder = try TemporaryFolder()
        let ledger = try RecorderTests.ledger(folder)
        let path = folder.file("events.jsonl")
        try RecorderTests.write(
            RecorderTests.event("1", "observed.migration.planned.v1", RecorderTests.plan)
                + RecorderTests.event("2", "observed.phase.started.v1", #"{"phase":"shift-traffic"}"#), path)
        let summary = try RecorderTests.importer(ledger, folder).run(
            ImportRequest(format: .records(.events), paths: [path], actor: RecorderTests.actor))
        #expect(summary.accepted == 2)
        #expect(summary.violations >= 1)
        var rules: Set<String> = []
        try ledger.forEach(from: 0) { event in
            if event.type == "cairn.violation.recorded.v1", let rule = event.data["rule"]?.string { rules.insert(rule) }
        }
        #expect(rules.contains("wrong_order"), "\(rules)")
        #expect(try Rejudgement.run(ledger).allSatisfy { $0.difference == nil })
    }

    /// Producers deliver at least once: the second delivery breaks no rule that the first kept.
    @Test func aFactThatComesTwiceIsJudgedOnce() throws {
        let folder = try TemporaryFolder()
        let ledger = try RecorderTests.ledger(folder)
        let path = folder.file("events.jsonl")
        let start = RecorderTests.event("2", "observed.phase.started.v1", #"{"phase":"precheck"}"#)
        try RecorderTests.write(
            RecorderTests.event("1", "observed.migration.planned.v1", RecorderTests.plan) + start
                + RecorderTests.event("3", "observed.phase.completed.v1", #"{"phase":"precheck"}"#) + start, path)
        let once = folder.file("once.jsonl")
        try RecorderTests.write(
            RecorderTests.event("1", "observed.migration.planned.v1", RecorderTests.plan) + start
                + RecorderTests.event("3", "observed.phase.completed.v1", #"{"phase":"precheck"}"#), once)
        let summary = try RecorderTests.importer(ledger, folder).run(
            ImportRequest(format: .records(.events), paths: [path], actor: RecorderTests.actor))
        let otherFolder = try TemporaryFolder()
        let expected = try RecorderTests.importer(RecorderTests.ledger(otherFolder), otherFolder).run(
            ImportRequest(format: .records(.events), paths: [once], actor: RecorderTests.actor))
        #expect(summary.accepted == 3)
        #expect(summary.duplicates == 1)
        #expect(summary.violations == expected.violations)
        #expect(try Rejudgement.run(ledger).allSatisfy { $0.difference == nil })
    }

    @Test func theSameEventWithOtherSpacesIsTheSameEvent() throws {
        let folder = try TemporaryFolder()
        let ledger = try RecorderTests.ledger(folder)
        for (name, spaces) in [("a.jsonl", ""), ("b.jsonl", "   ")] {
            try RecorderTests.write(
                RecorderTests.event("1", "observed.migration.planned.v1", RecorderTests.plan, spaces: spaces),
                folder.file(name))
        }
        let importer = RecorderTests.importer(ledger, folder)
        let first = try importer.run(
            ImportRequest(format: .records(.events), paths: [folder.file("a.jsonl")], actor: RecorderTests.actor))
        let again = try importer.run(
            ImportRequest(format: .records(.events), paths: [folder.file("b.jsonl")], actor: RecorderTests.actor))
        #expect(first.accepted == 1)
        #expect(again.accepted == 0)
        #expect(again.duplicates == 1)
        #expect(again.rejected == 0)
    }

    @Test func aCommandIsRefusedByTheRulesName() throws {
        let folder = try TemporaryFolder()
        let ledger = try RecorderTests.ledger(folder)
        let recorder = CommandRecorder(
            ledger: ledger, actor: RecorderTests.actor, clock: SystemClock(), random: SystemRandom())
        let stream = try #require(StreamName("migration/m-1"))
        let time = try #require(Timestamp("2026-03-10T10:00:00Z"))
        let start = CommandRecorder.Request(
            type: "cairn.phase.started.v1", stream: stream, data: ["phase": "precheck"], time: time)
        let refusal = #expect(throws: Refusal.self) { try recorder.record(start) }
        #expect(refusal?.rule == .notPlanned)
        let plan = CommandRecorder.Request(
            type: "cairn.migration.planned.v1", stream: stream, data: try JSONParser.parse(RecorderTests.plan).value,
            time: time, id: "plan-1")
        let receipts = try recorder.record(plan)
        #expect(receipts.first?.revision == 0)
        #expect(try recorder.record(plan).first?.isDuplicate == true)
        #expect(try recorder.record(start).first?.revision == 1)
        var late = start
        late.expected = .exactly(0)
        #expect(throws: Refusal.self) { try recorder.record(late) }
    }
}
