import CairnBytes
import CairnLedger
import CairnModel
import CairnRecorder
import CairnSim
import CairnTestSupport
import Testing

/// Playbooks in the log: registered once, by whoever comes first, and read from there.
@Suite struct PlaybookRegistrarTests {
    private static let actor = Actor(id: "test@host", type: "local")

    private static func ledger(_ folder: TemporaryFolder) throws -> Ledger {
        try Ledger.create(
            at: folder.file("ledger"), origin: "test.example/ledger", keyFile: folder.file("key"),
            environment: .live(command: "test"))
    }

    private static func registrar(_ ledger: Ledger) -> PlaybookRegistrar {
        PlaybookRegistrar(ledger: ledger, actor: actor, clock: SystemClock())
    }

    private static func file(
        _ id: String = "move", version: Int = 1, title: String = "Move", stages: Int = 2, more: String = ""
    ) throws -> PlaybookFile {
        let stages = (0..<stages).map { "  - {name: s\($0), title: \(String(repeating: "t", count: 1900))}\n" }
        let text =
            "id: \(id)\nversion: \(version)\ntitle: \(title)\nkind: migration\n\(more)stages:\n\(stages.joined())"
        return try PlaybookFile(path: "\(id).yaml", bytes: Array(text.utf8))
    }

    private static func plan(_ id: String, _ stream: String, file: PlaybookFile? = nil) throws
        -> CommandRecorder.Request
    {
        CommandRecorder.Request(
            type: "migration.planned", stream: try #require(StreamName(stream)),
            data: [
                "playbook": .string(id), "source_cluster": "a", "target_cluster": "b", "applications": [],
            ], time: try #require(Timestamp("2026-01-01T00:00:00Z")), playbook: file)
    }

    private static func recorder(_ ledger: Ledger) -> CommandRecorder {
        CommandRecorder(
            ledger: ledger, actor: actor, clock: SystemClock(), random: SystemRandom())
    }

    /// Two processes that have not seen each other: the second finds what the first did, the same or another.
    @Test func whoComesSecond() throws {
        let folder = try TemporaryFolder()
        let first = try PlaybookRegistrarTests.ledger(folder)
        let second = try Ledger.open(
            at: folder.file("ledger"), access: .readWrite, environment: .live(command: "other"))
        let third = try Ledger.open(
            at: folder.file("ledger"), access: .readWrite, environment: .live(command: "third"))
        let one = try #require(try PlaybookRegistrarTests.registrar(first).register(try PlaybookRegistrarTests.file()))
        #expect(one.isNew && one.position == 0)
        let two = try #require(try PlaybookRegistrarTests.registrar(second).register(try PlaybookRegistrarTests.file()))
        #expect(!two.isNew && two.position == 0 && two.digest == one.digest)
        do {
            _ = try PlaybookRegistrarTests.recorder(third).record(
                PlaybookRegistrarTests.plan(
                    "move", "migration/x", file: try PlaybookRegistrarTests.file(title: "Another")))
            Issue.record("another playbook of that name and version was taken")
        } catch let error as Refusal {
            #expect(error.rule == .playbookChanged)
            #expect(error.explanation.contains(one.digest))
        }
        try first.refresh()
        #expect(first.size == 1)
    }

    /// What does not fit into an entry lies beside it; a plan that carries it too.
    @Test func aLargePlaybook() throws {
        let folder = try TemporaryFolder()
        let ledger = try PlaybookRegistrarTests.ledger(folder)
        let file = try PlaybookRegistrarTests.file(stages: 100)
        let receipts = try PlaybookRegistrarTests.recorder(ledger).record(
            PlaybookRegistrarTests.plan("move", "migration/x", file: file))
        #expect(receipts.map(\.position) == [1])
        for position in [0, 1] as [UInt64] {
            let attachments = try ledger.event(at: position).attachments
            #expect(attachments.map(\.retention) == [.permanent], "decisions rest on it")
        }
        let registered = RegisteredPlaybooks(ledger)
        let playbook = try #require(try registered.known(naming: "move")["move"])
        #expect(playbook.stages.count == 100)
        let stream = try #require(StreamName("migration/x"))
        #expect(try registered.state(of: stream).playbook == playbook)
    }

    /// A plan's place in the log decides what it may mean, and who only names the name gets the newest.
    @Test func placesAndVersions() throws {
        let folder = try TemporaryFolder()
        let ledger = try PlaybookRegistrarTests.ledger(folder)
        let registrar = PlaybookRegistrarTests.registrar(ledger)
        for version in [1, 4] {
            _ = try registrar.register(try PlaybookRegistrarTests.file(version: version, stages: version))
        }
        let playbooks = RegisteredPlaybooks(ledger)
        func stages(_ version: Int64? = nil, before position: UInt64? = nil) throws -> Int? {
            try playbooks.known(naming: "move", version: version, before: position)["move"]?.stages.count
        }
        #expect(try stages() == 4)
        #expect(try stages(1) == 1)
        #expect(try stages(2) == nil)
        #expect(try stages(before: 0) == nil)
        #expect(try stages(before: 1) == 1)
        #expect(try stages(before: 2) == 4)
        #expect(try playbooks.known(naming: "../x").ids == PlaybookLibrary.builtIn.ids)
        // Neither a skipped version nor another beginning of an old one.
        for version in [1, 2, 3] {
            #expect(throws: Refusal.self, "version \(version)") {
                try registrar.register(try PlaybookRegistrarTests.file(version: version, title: "Another"))
            }
        }
        let old = try #require(try registrar.register(try PlaybookRegistrarTests.file(version: 1, stages: 1)))
        #expect(!old.isNew && old.newestVersion == 4)
    }

    /// What extends a playbook of the log stands alone in the log.
    @Test func extensionsAreJoinedIn() throws {
        let folder = try TemporaryFolder()
        let ledger = try PlaybookRegistrarTests.ledger(folder)
        let registrar = PlaybookRegistrarTests.registrar(ledger)
        _ = try registrar.register(try PlaybookRegistrarTests.file(version: 7))
        let child = try PlaybookFile(path: "c.json", bytes: Array(#"{"extends":"move","id":"child","title":"C"}"#.utf8))
        let receipt = try #require(try registrar.register(child))
        #expect(receipt.version == 1, "the version is the child's own")
        let definition = try #require(try ledger.event(at: receipt.position).data["definition"])
        let alone = try Playbook(reading: definition)
        #expect(alone.stages.count == 2 && alone.title == "C" && definition["extends"] == nil)
        #expect(throws: PlaybookFileError.self) {
            try registrar.register(
                try PlaybookFile(path: "d.json", bytes: Array(#"{"extends":"none","id":"d","title":"D"}"#.utf8)))
        }
    }

    /// What others say in the same words registers nothing, and a rebuilt judgement agrees.
    @Test func othersGiveNoRules() throws {
        let folder = try TemporaryFolder()
        let ledger = try PlaybookRegistrarTests.ledger(folder)
        let stream = try #require(PlaybookRegistration.stream(of: "move"))
        let playbook = try PlaybookRegistrarTests.file().playbook(extending: .builtIn)
        let draft = PlaybookRegistration.draft(playbook, digest: "00")
        let time = try #require(Timestamp("2026-01-01T00:00:00Z"))
        func append(_ type: String, _ stream: StreamName, _ id: String) throws {
            let event = ProposedEvent(
                id: id, source: "//elsewhere", type: type, subject: stream, time: time, data: draft.data)
            _ = try ledger.append([Append(event)], actor: PlaybookRegistrarTests.actor)
        }
        try append(draft.type(in: .observed), stream, "1")
        #expect(try RegisteredPlaybooks(ledger).versions(of: "move").isEmpty)
        try append(draft.type, try #require(StreamName("playbook/other")), "2")
        #expect(try RegisteredPlaybooks(ledger).versions(of: "other").isEmpty, "another name than its stream's")
        let refused = #expect(throws: Refusal.self) {
            try PlaybookRegistrarTests.recorder(ledger).record(PlaybookRegistrarTests.plan("move", "migration/x"))
        }
        #expect(refused?.rule == .unknownPlaybook)
    }

    /// Any damage to the file gives a playbook or an error with the path, never anything else.
    @Test(arguments: [1, 2, 3] as [UInt64]) func damagedFiles(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let text = "id: move\ntitle: &t \"Move\"\nkind: migration\nstages:\n  - {name: a, title: *t, hooks: [pause]}\n"
        let json =
            #"{"id":"move","title":"Move","kind":"migration","stages":[{"name":"a","title":"A","start":["gate"]}]}"#
        var errors = 0
        for _ in 0..<300 {
            let isYAML = Bool.random(using: &random)
            var bytes = Array((isYAML ? text : json).utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            do throws(PlaybookFileError) {
                let file = try PlaybookFile(path: isYAML ? "p.yaml" : "p.json", bytes: bytes)
                let playbook = try file.playbook(extending: .builtIn)
                #expect(Playbook.isID(playbook.id), "seed \(seed)")
            } catch {
                errors += 1
                #expect("\(error)".hasPrefix("cannot use the playbook p."), "seed \(seed)")
            }
        }
        #expect(errors > 100, "seed \(seed)")
    }
}
