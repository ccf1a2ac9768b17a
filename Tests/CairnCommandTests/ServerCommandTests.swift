import CairnBytes
import CairnTestSupport
import Foundation
import Testing

/// Tokens and backups as the command line makes them, and a server of the real program.
@Suite struct ServerCommandTests {
    private func expect(_ text: String, _ name: String) throws {
        try Golden.expect(text, matches: "output/\(name)", in: #filePath)
    }

    @Test func aTokenIsPrintedOnceAndItsSecretIsNowhereInTheLedger() throws {
        let ledger = try ScratchLedger()
        let text = try ledger.succeed([
            "token", "create", "--scope", "read", "--scope", "ingest:firehose", "--name", "firehose", "--cluster",
            "eks",
        ])
        let parts = text.trimmingCharacters(in: .newlines).split(separator: "_", maxSplits: 2).map(String.init)
        try #require(parts.count == 3)
        #expect(parts[0] == "cairn")
        func stable(_ text: String) throws -> String { try StableText(ledger)(text).replacing(parts[1], with: "TOKEN") }
        try expect(try stable(ledger.succeed(["token", "list", "-o", "json"])), "token-list.json")
        for file in try FileManager.default.subpathsOfDirectory(atPath: ledger.path) {
            guard let bytes = FileManager.default.contents(atPath: "\(ledger.path)/\(file)") else { continue }
            #expect(bytes.range(of: Data(parts[2].utf8)) == nil, "\(file)")
        }
        let revoked = try ledger.succeed(["token", "revoke", parts[1], "--reason", "left", "-o", "json"])
        try expect(try stable(revoked), "token-revoke.json")
        let again = try ledger.succeed(["token", "revoke", parts[1], "-o", "json"])
        #expect(again == revoked)
        let unknown = try ledger.run(["token", "revoke", "none"])
        #expect(unknown.status == 65)
        let scope = try ledger.run(["token", "create", "--scope", "everything"])
        #expect(scope.status == 64)
        #expect(scope.errors.contains("remote-write"))
    }

    @Test func aBackupIsALedgerThatAKeptCheckpointProves() throws {
        let ledger = try ScratchLedger()
        for number in 0..<20 {
            try ledger.succeed([
                "record", "cairn.note.added.v1", "--stream", "migration/m-1", "--data", "{\"text\":\"note \(number)\"}",
            ])
        }
        let folder = try TemporaryFolder("backup")
        let target = folder.file("copy")
        let checkpoint = folder.file("checkpoint")
        try Data(ledger.succeed(["checkpoint"]).utf8).write(to: URL(filePath: checkpoint))
        let said = try ledger.succeed(["backup", "--to", target, "-o", "json"])
        try expect(try StableText(ledger)(said.replacing(target, with: "BACKUP")), "backup.json")
        let verified = try ledger.run(["verify", "--ledger", target, "--against", checkpoint, "-o", "json"])
        #expect(verified.status == 0, "\(verified.errors)")
        let own = try ledger.succeed(["query", "SELECT count(*) AS n FROM events", "-o", "json"])
        let copied = try ledger.run(["query", "SELECT count(*) AS n FROM events", "-o", "json", "--ledger", target])
        #expect(copied.output == own)
        #expect(try ledger.run(["backup", "--to", target]).status == 74)
    }
}
