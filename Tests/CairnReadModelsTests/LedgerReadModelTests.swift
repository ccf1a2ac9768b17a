import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnTestSupport
import Foundation
import Testing

/// The read model of a real ledger on a real disk.
@Suite struct LedgerReadModelTests {
    private let actor = Actor(id: "cairn@recorder", type: "local")

    private func event(_ number: Int, _ type: String, _ stream: String, _ data: JSONValue) throws -> Append {
        Append(
            ProposedEvent(
                id: "e\(number)", source: "/test", type: type, subject: try #require(StreamName(stream)),
                time: Timestamp(microseconds: 1_773_129_600_000_000 + Int64(number) * 1_000_000), data: data,
                onBehalfOf: "ines"))
    }

    private func makeLedger(in folder: TemporaryFolder) throws -> Ledger {
        try Ledger.create(
            at: folder.file("ledger"), origin: "cairn.example/test", keyFile: nil,
            environment: .live(command: "cairn test"))
    }

    @Test func followsALedger() throws {
        let folder = try TemporaryFolder()
        let ledger = try makeLedger(in: folder)
        let model = try ReadModel.open(path: folder.file("read-model.sqlite"))
        try model.catchUp(from: ledger)
        #expect(try model.next == ledger.size)
        for number in 0..<5 {
            _ = try ledger.append(
                [
                    event(number * 2, "cairn.phase.started.v1", "migration/m1", ["phase": .string("p\(number)")]),
                    event(number * 2 + 1, "cairn.phase.completed.v1", "migration/m1", ["phase": .string("p\(number)")]),
                ], actor: actor)
            try model.catchUp(from: ledger)
            #expect(try model.next == ledger.size)
        }
        #expect(try model.query("SELECT count(*) FROM phases WHERE status = 'completed'").rows == [[5]])
        let past = try ReadModel.entry(ledger.size - 2, of: ledger)
        #expect(try past.query("SELECT count(*) FROM phases WHERE status = 'completed'").rows == [[4]])
        // Another process reads the same log.
        let other = try Ledger.open(
            at: folder.file("ledger"), access: .readOnly, environment: .live(command: "cairn query"))
        #expect(try model.catchUp(from: other) == .init(events: 0, next: ledger.size, isRebuilt: false))
    }

    /// Text that was redacted is in no file of the read model any more.
    @Test func forgetsWhatWasRedacted() throws {
        let folder = try TemporaryFolder()
        let ledger = try makeLedger(in: folder)
        let secret = "the customer is called Adalbert Quux"
        _ = try ledger.append(
            [event(0, "cairn.note.added.v1", "migration/m1", ["text": .string(secret), "about": 0])], actor: actor)
        let modelFolder = try TemporaryFolder("cairn-read-model")
        let model = try ReadModel.open(path: modelFolder.file("read-model.sqlite"))
        try model.catchUp(from: ledger)
        #expect(try model.query("SELECT text FROM notes").rows == [[.text(secret)]])
        let note = try #require(try findNote(ledger))
        let attachment = try #require(note.attachments.first { $0.retention == .personal })
        _ = try ledger.remove(
            [Removal(digest: attachment.digest, kind: .redacted, reason: "asked for", approvedBy: "tomas")],
            actor: actor)
        #expect(try model.catchUp(from: ledger).isRebuilt)
        #expect(try model.query("SELECT text, about_position FROM notes").rows == [[.null, 0]])
        #expect(try model.query("SELECT kind, reason FROM removals").rows == [["redacted", "asked for"]])
        try model.close()
        let secretBytes = Data("Adalbert".utf8)
        for file in try FileManager.default.contentsOfDirectory(atPath: modelFolder.path) {
            let content = try Data(contentsOf: URL(filePath: modelFolder.file(file)))
            #expect(content.range(of: secretBytes) == nil, "\(file) still has it")
        }
    }

    private func findNote(_ ledger: Ledger) throws -> RecordedEvent? {
        var note: RecordedEvent?
        try ledger.forEach(from: 0) { if $0.type == "cairn.note.added.v1" { note = $0 } }
        return note
    }
}
