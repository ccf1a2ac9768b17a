import CairnBytes
import CairnTestSupport
import Foundation
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Ledgers that are not as they should be: newer, read-only, damaged, torn, split in two, or in use.
@Suite struct LedgerStateTests {
    private func filled() throws -> ScratchLedger {
        let ledger = try ScratchLedger()
        try ledger.succeed(["import", "events", "\(ScratchLedger.top)/tools/demo-data/data/events.jsonl"])
        return ledger
    }

    private func segment(_ ledger: ScratchLedger) -> URL {
        URL(filePath: "\(ledger.path)/segments/00000000.segment")
    }

    private static let reading = [["status"], ["replay"], ["query", "fleet"], ["timeline"], ["rebuild"], ["verify"]]
    private static let writing = [["record", "test.a.v1", "--stream", "test/a"]]

    /// A header as a later version of Cairn would write it: another number and the right checksum.
    @Test func ofANewerVersion() throws {
        let ledger = try filled()
        let original = try Data(contentsOf: segment(ledger))
        var bytes = Array(original)
        bytes[8] = 2
        let length = Int(bytes[12]) | Int(bytes[13]) << 8 | Int(bytes[14]) << 16
        let sum = Checksum.masked(Checksum.crc32(bytes[0..<(length - 4)]))
        for index in 0..<4 { bytes[length - 4 + index] = UInt8(truncatingIfNeeded: sum >> (8 * UInt32(index))) }
        try Data(bytes).write(to: segment(ledger))
        let known = Set(try CommandList.all().map(\.words[0]))
        for arguments in LedgerStateTests.reading + LedgerStateTests.writing where known.contains(arguments[0]) {
            let result = try ledger.run(arguments)
            #expect(result.status == 65, "\(arguments): \(result.errors)")
            #expect(result.errors.hasPrefix("cannot"), "\(result.errors)")
            #expect(result.errors.contains("later version"), "\(arguments): \(result.errors)")
        }
        #expect(try Array(Data(contentsOf: segment(ledger))) == bytes, "a newer ledger was written to")
        try original.write(to: segment(ledger))
        try ledger.succeed(["record", "test.a.v1", "--stream", "test/a"])
        try ledger.expectIntact()
    }

    /// One flipped bit in the middle: refused with the place, and not repaired by anybody.
    @Test func damagedInTheMiddle() throws {
        let ledger = try filled()
        var bytes = Array(try Data(contentsOf: segment(ledger)))
        bytes[bytes.count / 3] ^= 1
        try Data(bytes).write(to: segment(ledger))
        for arguments in [["record", "test.a.v1", "--stream", "test/a"], ["replay"]] {
            let result = try ledger.run(arguments)
            #expect(result.status == 1, "\(arguments): \(result.errors)")
            #expect(result.errors.contains("00000000.segment"), "\(result.errors)")
        }
        let writing = try ledger.run(["record", "test.a.v1", "--stream", "test/a"])
        #expect(writing.errors.contains("at byte"), "\(writing.errors)")
        #expect(try Array(Data(contentsOf: segment(ledger))) == bytes)
    }

    /// A header that names the right key, and entries that nobody signed.
    @Test func withoutAnySignature() throws {
        let ledger = try filled()
        let key = try #require(try ledger.rows(["key", "show"]).first?["verifier_key"]?.string)
        #expect(try ledger.run(["verify", "--vkey", key]).status == 0)
        try FileManager.default.removeItem(atPath: "\(ledger.path)/checkpoint")
        let unsigned = try ledger.run(["verify", "--vkey", key])
        #expect(unsigned.status == 1 && unsigned.errors.contains("signed"), "\(unsigned.errors)")
        try ledger.succeed(["checkpoint"])
        #expect(try ledger.run(["verify", "--vkey", key]).status == 0)
        // Recorded where the key is not: intact, and the tail that nobody signed is named.
        try FileManager.default.removeItem(atPath: ledger.key)
        let recorded = try Program.cairn.run(
            ["record", "test.a.v1", "--stream", "test/a"],
            environment: ["CAIRN_LEDGER": ledger.path, "HOME": ledger.folder.path])
        #expect(recorded.status == 0 && recorded.errors.contains("not signed"), "\(recorded.errors)")
        let tail = try ledger.run(["verify", "--vkey", key])
        #expect(tail.status == 0 && tail.errors.contains("no signature covers"), "\(tail.errors)")
    }

    /// Two ledgers of one origin have keys of their own, also where nobody names one, and each finds its own.
    @Test func twoOfOneOrigin() throws {
        let folder = try TemporaryFolder()
        func run(_ ledger: String, _ arguments: [String]) throws -> Program.Result {
            try Program.cairn.run(
                arguments, environment: ["CAIRN_LEDGER": folder.file(ledger), "HOME": folder.file("home")])
        }
        for name in ["a", "b", "c"] {
            #expect(try run(name, ["init", "--origin", "one.example/log"]).status == 0)
        }
        #expect(try run("b", ["key", "rotate"]).status == 0)
        var keys: Set<String> = []
        for name in ["a", "b", "c"] {
            let recorded = try run(name, ["record", "test.a.v1", "--stream", "test/a"])
            #expect(recorded.status == 0 && recorded.errors.isEmpty, "\(recorded.errors)")
            keys.insert(try run(name, ["key", "show", "-o", "json"]).output)
        }
        #expect(keys.count == 3)
    }

    /// What auditors are given comes from the log, whatever somebody wrote into the tables.
    @Test func withAlteredTables() throws {
        let ledger = try filled()
        let before = try ledger.succeed(["report", "change", "harbor-eu-1", "-o", "csv"])
        // The report leaves no tables behind.
        try ledger.succeed(["status"])
        let altered = Program(path: "/usr/bin/env")
        let result = try altered.run([
            "python3", "-c",
            "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute(\"UPDATE stored_approvals SET approver='mallory'\"); c.commit()",
            "\(ledger.path)/read-model.sqlite",
        ])
        #expect(result.status == 0, "\(result.errors)")
        #expect(try ledger.succeed(["query", "who-approved-what"]).contains("mallory"))
        #expect(try ledger.succeed(["report", "change", "harbor-eu-1", "-o", "csv"]) == before)
    }

    /// The end is missing although a checkpoint was signed for it: acknowledged events are gone, and nobody goes on.
    @Test func cutBelowItsCheckpoint() throws {
        let ledger = try filled()
        let whole = Array(try Data(contentsOf: segment(ledger)))
        try Data(whole.prefix(whole.count / 2)).write(to: segment(ledger))
        let result = try ledger.run(["record", "test.a.v1", "--stream", "test/a"])
        #expect(result.status == 1, "\(result.errors)")
        #expect(result.errors.hasPrefix("cannot"), "\(result.errors)")
        #expect(result.errors.contains("restore"), "no way out is named: \(result.errors)")
    }

    /// The rest of a commit that was interrupted is cut off by the next writer, who says so.
    @Test func torn() throws {
        let ledger = try filled()
        let count = try ledger.eventCount()
        // A copy went on by one event: the beginning of that commit is what an interrupted writer leaves behind.
        let copy = try ScratchLedger(copyOf: ledger)
        try copy.succeed(["record", "test.torn.v1", "--stream", "test/a"])
        try Data(try Data(contentsOf: segment(copy)).dropLast(30)).write(to: segment(ledger))
        #expect(try ledger.eventCount() == count)
        try ledger.expectIntact("torn", mayBeTorn: true)
        try ledger.succeed(["record", "test.a.v1", "--stream", "test/a"])
        #expect(try ledger.eventCount() == count + 1)
        try ledger.expectIntact("mended")
    }

    /// On read-only media questions are answered and nothing is written.
    @Test func onReadOnlyMedia() throws {
        let ledger = try filled()
        guard let undo = try makeReadOnly(ledger.path) else {
            print("skipped: cannot make a folder read-only here")
            return
        }
        defer { undo() }
        for arguments in LedgerStateTests.writing + [
            ["import", "eventbridge", "\(ScratchLedger.top)/tools/demo-data/data/eventbridge.jsonl"]
        ] {
            let result = try ledger.run(arguments)
            #expect(result.status == 74, "\(arguments): \(result.errors)")
            #expect(result.output.isEmpty)
            #expect(result.errors.hasPrefix("cannot"), "\(result.errors)")
            #expect(result.errors.contains("read-only") || result.errors.contains("permission"), "\(result.errors)")
        }
        for arguments in [["status"], ["replay"], ["query", "fleet"], ["timeline"]] {
            let result = try ledger.run(arguments + ["-o", "json"])
            #expect(result.status == 0, "\(arguments): \(result.errors)")
            #expect(result.output.contains("harbor-eu-1"), "\(arguments)")
        }
        let rebuilt = try ledger.run(["rebuild"])
        #expect(rebuilt.status == 74 && rebuilt.errors.hasPrefix("cannot rebuild"), "\(rebuilt.errors)")
        let status = try ledger.run(["status"])
        #expect(status.errors.contains("memory"), "nobody is told that the read model is not kept: \(status.errors)")
    }

    /// A mount for root, whom modes do not stop; modes for everybody else. Nil if neither works.
    private func makeReadOnly(_ path: String) throws -> (() -> Void)? {
        if geteuid() == 0 {
            guard FileManager.default.isExecutableFile(atPath: "/bin/mount") else { return nil }
            let mount = Program(path: "/bin/mount")
            guard try mount.run(["--bind", path, path]).status == 0 else { return nil }
            let undo: () -> Void = { _ = try? Program(path: "/bin/umount").run(["-l", path]) }
            guard try mount.run(["-o", "remount,ro,bind", path]).status == 0 else {
                undo()
                return nil
            }
            return undo
        }
        let folders = [path, "\(path)/segments"]
        for folder in folders where unsafe chmod(folder, 0o555) != 0 { return nil }
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(path)/segments")
        for file in files where unsafe chmod("\(path)/segments/\(file)", 0o444) != 0 { return nil }
        return { for folder in folders { _ = unsafe chmod(folder, 0o755) } }
    }

    /// Two copies of one ledger that both went on: their checkpoints contradict each other, and neither is lost.
    @Test func splitInTwo() throws {
        let one = try filled()
        let other = try ScratchLedger(copyOf: one)
        try one.succeed(["record", "test.a.v1", "--stream", "test/a", "--data", #"{"which":"one"}"#])
        try other.succeed(["record", "test.a.v1", "--stream", "test/a", "--data", #"{"which":"other"}"#])
        let checkpoints = try [one, other].map { try $0.succeed(["checkpoint"]) }
        #expect(checkpoints[0] != checkpoints[1])
        let file = one.folder.file("other.checkpoint")
        try checkpoints[1].write(toFile: file, atomically: true, encoding: .utf8)
        // Each alone is intact: only together do they show it.
        try one.expectIntact()
        try other.expectIntact()
        guard try CommandList.all().contains(where: { $0.name == "verify" }) else { return }
        let result = try one.run(["verify", "--against", file])
        #expect(result.status == 1, "\(result.errors)")
        let said = result.output + result.errors
        #expect(said.contains("FORK"), "\(said)")
        for checkpoint in checkpoints {
            let root = checkpoint.split(separator: "\n")[2]
            #expect(said.contains(root), "the checkpoint with root \(root) is not shown: \(said)")
        }
        let own = one.folder.file("own.checkpoint")
        try checkpoints[0].write(toFile: own, atomically: true, encoding: .utf8)
        #expect(try one.run(["verify", "--against", own]).status == 0)
        try one.succeed(["record", "test.a.v1", "--stream", "test/a"])
        #expect(try one.run(["verify", "--against", own]).status == 0, "an older checkpoint is contained")
    }

    /// The file of the other copy's checkpoint put in place: the log does not agree with what was signed for it.
    @Test func withTheCheckpointOfAnother() throws {
        let one = try filled()
        let other = try ScratchLedger(copyOf: one)
        try one.succeed(["record", "test.a.v1", "--stream", "test/a", "--data", #"{"which":"one"}"#])
        try other.succeed(["record", "test.a.v1", "--stream", "test/a", "--data", #"{"which":"other"}"#])
        try FileManager.default.removeItem(atPath: "\(one.path)/checkpoint")
        try FileManager.default.copyItem(atPath: "\(other.path)/checkpoint", toPath: "\(one.path)/checkpoint")
        let result = try one.run(["record", "test.b.v1", "--stream", "test/a"])
        #expect(result.status == 1, "\(result.errors)")
        #expect(result.errors.hasPrefix("FORK"), "\(result.errors)")
    }

    /// Signing with the key of another ledger is refused before anything is written.
    @Test func withTheKeyOfAnother() throws {
        let one = try filled()
        let before = try one.eventCount()
        let other = try ScratchLedger(origin: "other.cairn.example/ledger")
        let result = try one.run(["record", "test.a.v1", "--stream", "test/a", "--key", other.key])
        #expect(result.status == 74, "\(result.errors)")
        #expect(result.errors.contains(other.key), "\(result.errors)")
        #expect(try one.eventCount() == before)
        try one.expectIntact()
    }

    /// The file of the read model is damaged: the log is not, so the answer is to make it anew.
    @Test func damagedReadModel() throws {
        let ledger = try filled()
        try ledger.succeed(["status"])
        for name in try FileManager.default.contentsOfDirectory(atPath: ledger.path) where name.hasPrefix("read-model")
        {
            try Data(SeededBytes.bytes(8192, seed: 3)).write(to: URL(filePath: "\(ledger.path)/\(name)"))
        }
        let result = try ledger.run(["status"])
        #expect(result.status == 74 || result.status == 0, "\(result.errors)")
        if result.status == 74 {
            #expect(result.errors.hasPrefix("cannot"), "\(result.errors)")
            #expect(result.errors.contains("rebuild"), "\(result.errors)")
        }
        try ledger.succeed(["rebuild"])
        #expect(try ledger.succeed(["status", "-o", "json"]).contains("harbor-eu-1"))
    }
}
