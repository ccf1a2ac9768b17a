import CairnBytes
import CairnTestSupport
import Foundation
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What the commands that write or prove say, and that others can check it.
@Suite struct WritingCommandTests {
    private static let data = "\(ScratchLedger.top)/tools/demo-data/data"

    private func expect(_ text: String, _ name: String) throws {
        try Golden.expect(text, matches: "output/\(name)", in: #filePath)
    }

    @Test func golden() throws {
        let ledger = try ScratchLedger()
        let record = ["record", "test.a.v1", "--stream", "test/a", "--id", "one", "--data", #"{"a":1}"#, "-o", "json"]
        try expect(try ledger.succeed(record), "record.json")
        try expect(try ledger.succeed(record), "record-again.json")
        let folder = "\(ScratchLedger.top)/tools/demo-data"
        let imported = try ledger.run(["import", "eventbridge", "data/eventbridge.jsonl", "-o", "json"], in: folder)
        try expect(imported.output, "import.json")
        #expect(imported.errors.isEmpty, "no terminal, no progress: \(imported.errors)")
        try expect(try ledger.succeed(["rebuild", "-o", "json"]), "rebuild.json")
        let lines = try ledger.run(
            ["record", "-"],
            input: """
                {"type":"test.b.v1","stream":"test/a","id":"two"}
                {"type":"cairn.phase.started.v1","stream":"migration/x","data":{"phase":"build"}}
                nonsense

                """)
        #expect(lines.status == 65)
        try expect(lines.output, "record-lines.jsonl")
        let version = try ledger.succeed(["version"])
        #expect(version.wholeMatch(of: #/cairn \d+\.\d+\.\d+\n/#) != nil, "\(version)")
    }

    @Test func initSaysWhatToKeep() throws {
        let folder = try TemporaryFolder()
        let key = folder.file("keys/of/mine/signing-key")
        let made = try Program.cairn.run(
            ["init", "--ledger", folder.file("ledger"), "--origin", "test.example/a", "--key", key])
        #expect(made.status == 0, "\(made.errors)")
        #expect(made.output.contains("test.example/a+"), "the verifier key is not shown: \(made.output)")
        #expect(made.output.contains(key))
        let mode = try FileManager.default.attributesOfItem(atPath: key)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let files = FileManager.default.enumerator(atPath: folder.file("ledger"))?.allObjects.compactMap {
            $0 as? String
        }
        #expect(files?.contains { $0.contains("key") } == false, "the key is in the ledger: \(files ?? [])")
    }

    /// A checkpoint is the C2SP note: origin, size, root, signature.
    @Test func checkpointsAndExports() throws {
        let demo = try ScratchLedger(copyOf: try DemoLedger.shipped().ledger)
        let note = try demo.succeed(["checkpoint"]).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(note[0] == "demo.cairn.example/ledger")
        #expect(Int64(note[1]) == (try demo.eventCount()))
        #expect(Data(base64Encoded: String(note[2]))?.count == 32)
        #expect(note[3].isEmpty)
        #expect(note[4].hasPrefix("\u{2014} demo.cairn.example/ledger "))
        let folder = demo.folder.file("export")
        try demo.succeed(["checkpoint", "--export", folder])
        let checked = try Program(path: "/usr/bin/env").run(
            ["python3", "\(ScratchLedger.top)/tools/check_static_log.py", folder])
        #expect(checked.status == 0, "\(checked.errors)")
        // The private key went nowhere.
        let secret = try Data(contentsOf: URL(filePath: demo.key))
        let names = FileManager.default.enumerator(atPath: folder)?.allObjects.compactMap { $0 as? String } ?? []
        #expect(names.contains("vkey") && names.contains("checkpoint"))
        for name in names {
            guard let bytes = try? Data(contentsOf: URL(filePath: "\(folder)/\(name)")) else { continue }
            #expect(bytes.range(of: secret) == nil, "\(name) has the signing key")
        }
    }

    /// The proof of an entry holds for somebody who has the verifier key and no ledger, and for no other entry.
    @Test func proofsHoldElsewhere() throws {
        let demo = try ScratchLedger(copyOf: try DemoLedger.shipped().ledger)
        let export = demo.folder.file("export")
        try demo.succeed(["checkpoint", "--export", export])
        let key = try String(contentsOfFile: "\(export)/vkey", encoding: .utf8).trimmingCharacters(in: .newlines)
        let last = try demo.eventCount() - 1
        for position in [0, 1, 198, last] {
            let proof = demo.folder.file("proof")
            let entry = demo.folder.file("entry")
            try demo.succeed(["prove", "\(position)", "--entry-to", entry]).write(
                toFile: proof, atomically: true, encoding: .utf8)
            let verify = [
                "python3", "\(ScratchLedger.top)/tools/verify_proof.py", proof, entry, key,
            ]
            let verified = try Program(path: "/usr/bin/env").run(verify)
            guard verified.status != 69 else { return print("skipped: python has no module cryptography") }
            #expect(verified.status == 0, "\(verified.errors)")
            #expect(verified.output.contains("entry \(position) "), "\(verified.output)")
            var bytes = Array(try Data(contentsOf: URL(filePath: entry)))
            bytes[bytes.count / 2] ^= 1
            try Data(bytes).write(to: URL(filePath: entry))
            #expect(try Program(path: "/usr/bin/env").run(verify).status == 1)
        }
        let beyond = try demo.run(["prove", "\(last + 1)"])
        #expect(beyond.status == 65, "\(beyond.errors)")
        #expect(beyond.output.isEmpty)
        #expect(beyond.errors.hasPrefix("cannot"), "\(beyond.errors)")
    }

    /// What they say for scripts. The key and all that is signed with it is another one in each run.
    @Test func goldenOfProofs() throws {
        let demo = try ScratchLedger(copyOf: try DemoLedger.shipped().ledger)
        let stable = try StableText(demo)
        try expect(stable(try demo.succeed(["checkpoint", "-o", "json"])), "checkpoint.json")
        let proof = try #require(try demo.rows(["prove", "1"]).first)
        #expect(proof["proof"]?.string == (try demo.succeed(["prove", "1"])))
        #expect(proof["hashes"]?.array?.isEmpty == false)
        try expect(withoutHashes(stable(try demo.succeed(["prove", "1", "-o", "json"]))), "prove.json")
        let stream = demo.folder.file("stream-proof")
        try demo.succeed(["prove", "--stream", "migration/harbor-eu-1"]).write(
            toFile: stream, atomically: true, encoding: .utf8)
        let export = demo.folder.file("export")
        try demo.succeed(["checkpoint", "--export", export])
        let check = ["prove", "--check", stream, "--vkey", "\(export)/vkey", "-o", "json"]
        try expect(try demo.succeed(check), "prove-check.json")
        var bytes = Array(try Data(contentsOf: URL(filePath: stream)))
        let place = try #require(Data(bytes).range(of: Data("\"events\"".utf8))?.upperBound) + 200
        bytes[place] = bytes[place] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        try Data(bytes).write(to: URL(filePath: stream))
        let altered = try demo.run(check)
        #expect(altered.status == 1 || altered.status == 65, "\(altered.errors)")
        #expect(altered.output.contains("\"complete\":true") == false)
        let version = try demo.succeed(["version", "-o", "json"])
        try expect(version.replacing(#/:"[0-9.]+"/#, with: ":\"VERSION\""), "version.json")
    }

    /// The hashes of a tree over recorded times are others in each run.
    private func withoutHashes(_ text: String) -> String {
        text.replacing(#/\b[0-9a-f]{64}\b/#, with: "HASH").replacing(#/(?:\\n|^)[A-Za-z0-9+\/]{43}=/#, with: "\\nHASH")
    }

    @Test func goldenOfInit() throws {
        let folder = try TemporaryFolder()
        let made = try Program.cairn.run(
            [
                "init", "--ledger", folder.file("ledger"), "--origin", "test.example/a", "--key", folder.file("key"),
                "-o", "json",
            ])
        #expect(made.status == 0, "\(made.errors)")
        #expect(made.output.contains("\"verifier_key\":\"test.example/a+"))
        let text = made.output.replacingOccurrences(of: folder.file(""), with: "FOLDER/").replacing(
            #/test.example\/a\+[^"]*/#, with: "test.example/a+KEY"
        ).replacing(#/\b[0-9a-f]{32}\b/#, with: "LEDGER-ID")
        try expect(text, "init.json")
    }

    /// What is measured differs from run to run; what it is called does not.
    @Test func goldenOfBench() throws {
        let folder = try TemporaryFolder()
        let text = try Program.cairn.run(["bench", "--events", "1000", "--folder", folder.path, "-o", "json"])
        #expect(text.status == 0, "\(text.errors)")
        try expect(
            text.output.replacing(#/:-?[0-9][0-9.e+-]*/#, with: ":NUMBER").replacing(
                #/"note":"[^"]*"/#, with: #""note":"NOTE""#), "bench.json")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty, "its folder is left behind")
    }

    @Test func goldenOfQualityBench() throws {
        let text = try Program.cairn.run([
            "bench", "quality", "--metrics", "1", "--days", "1", "--applications", "2", "--hours", "14", "--runs", "1",
            "--replay-applications", "1", "--replay-days", "1",
            "-o", "json",
        ])
        #expect(text.status == 0 || text.status == 1, "\(text.errors)")
        try expect(
            text.output.replacing(#/:-?[0-9][0-9.e+-]*/#, with: ":NUMBER").replacing(
                #/"(note|met|amount|baseline)":"[^"]*"/#, with: { "\"\($0.1)\":\"TEXT\"" }), "bench-quality.json")
        #expect(try Program.cairn.run(["bench", "quality", "--hours", "1"]).status == 64)
    }

    /// Few trials: what is reached differs, what it is called and aimed at does not.
    @Test func goldenOfDropsBench() throws {
        let text = try Program.cairn.run([
            "bench", "drops", "--streams", "1", "--days", "30", "--trials", "25", "-o", "json",
        ])
        #expect(text.status == 0 || text.status == 1, "\(text.errors)")
        try expect(
            text.output.replacing(#/:-?[0-9][0-9.e+-]*/#, with: ":NUMBER").replacing(
                #/"(note|amount)":"[^"]*"/#, with: { "\"\($0.1)\":\"TEXT\"" }
            ).replacing(#/"met":"[^"]*"/#, with: "\"met\":\"TEXT\""), "bench-drops.json")
        #expect(try Program.cairn.run(["bench", "drops", "--trials", "1"]).status == 64)
    }

    /// Evidence that was altered after the fact: what was judged on it is named, and `verify` says where.
    @Test func alteredEvidenceIsNamed() throws {
        let demo = try ScratchLedger(copyOf: try DemoLedger.shipped().ledger)
        let findings = try demo.rows(["replay", "--rejudge"])
        #expect(!findings.isEmpty)
        #expect(findings.allSatisfy { $0["same"]?.bool == true }, "\(findings)")
        let file = URL(filePath: "\(demo.path)/segments/00000000.attachments")
        var bytes = Array(try Data(contentsOf: file))
        bytes[bytes.count / 2] ^= 0x04
        try Data(bytes).write(to: file)
        let again = try demo.rows(["replay", "--rejudge"], statuses: [1])
        let different = again.filter { $0["same"]?.bool == false }
        #expect(!different.isEmpty, "\(again)")
        for row in different {
            #expect(row["difference"]?.string?.contains("entry") == true, "the entry is not named: \(row)")
        }
        let verified = try demo.run(["verify"])
        #expect(verified.status == 1)
        #expect((verified.output + verified.errors).contains("00000000.attachments"), "\(verified.errors)")
    }

    /// A process that holds the lock: others wait for some seconds and then say who it is.
    @Test func inUse() throws {
        let ledger = try ScratchLedger()
        try ledger.succeed(["record", "test.a.v1", "--stream", "test/a"])
        let handle = try #require(FileHandle(forUpdatingAtPath: "\(ledger.path)/lock"))
        #expect(flock(handle.fileDescriptor, LOCK_EX | LOCK_NB) == 0)
        let refused = try ledger.run(["record", "test.a.v1", "--stream", "test/a"])
        #expect(refused.status == 74, "\(refused.errors)")
        #expect(refused.errors.hasPrefix("cannot write to"), "\(refused.errors)")
        #expect(refused.errors.contains("cairn record"), "the holder's command is not named: \(refused.errors)")
        #expect(try ledger.run(["replay"]).status == 0, "reading needs no lock")
        #expect(flock(handle.fileDescriptor, LOCK_UN) == 0)
        try ledger.succeed(["record", "test.a.v1", "--stream", "test/a"])
        #expect(try ledger.eventCount() == 2)
        try ledger.expectIntact()
    }
}
