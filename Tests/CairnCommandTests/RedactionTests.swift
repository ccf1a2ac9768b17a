import CairnBytes
import CairnTestSupport
import Foundation
import Testing

/// Taking private content out of a ledger, and going over to another key, through the command line.
@Suite struct RedactionTests {
    private static let secret = "Ada Lovelace is ill, call +44 20 7946 0000"

    private func expect(_ text: String, _ name: String) throws {
        try Golden.expect(text, matches: "output/\(name)", in: #filePath)
    }

    /// The files below the ledger's folder that hold these bytes, as they are.
    private func files(of ledger: ScratchLedger, with text: String) throws -> [String] {
        let names = FileManager.default.enumerator(atPath: ledger.path)?.allObjects.compactMap { $0 as? String } ?? []
        #expect(names.count > 4)
        return names.filter { name in
            guard let bytes = try? Data(contentsOf: URL(filePath: "\(ledger.path)/\(name)")) else { return false }
            return bytes.range(of: Data(text.utf8)) != nil
        }
    }

    /// A note with private text between two others, read into the read model.
    private func noted() throws -> ScratchLedger {
        let ledger = try ScratchLedger()
        for (id, text) in [("a", "kept"), ("b", RedactionTests.secret), ("c", "kept too")] {
            try ledger.succeed(
                [
                    "record", "cairn.note.added.v1", "--stream", "migration/m", "--id", id, "--data",
                    #"{"text":"\#(text)"}"#,
                ])
        }
        #expect(try ledger.eventCount() == 3)
        return ledger
    }

    /// The proof of an entry, kept as somebody else keeps it.
    private func proof(_ ledger: ScratchLedger, of position: Int) throws -> [String] {
        let proof = ledger.folder.file("proof-\(position)")
        let entry = ledger.folder.file("entry-\(position)")
        try ledger.succeed(["prove", "\(position)", "--entry-to", entry]).write(
            toFile: proof, atomically: true, encoding: .utf8)
        let export = ledger.folder.file("export-\(position)")
        try ledger.succeed(["checkpoint", "--export", export])
        let key = try String(contentsOfFile: "\(export)/vkey", encoding: .utf8).trimmingCharacters(in: .newlines)
        return ["python3", "\(ScratchLedger.top)/tools/verify_proof.py", proof, entry, key]
    }

    @Test func redactedTextIsInNoFileAndEveryProofHolds() throws {
        let ledger = try noted()
        let redact = ["redact", "1", "--reason", "request 7", "--approved-by", "bob"]
        let before = try files(of: ledger, with: RedactionTests.secret)
        #expect(before.contains { $0.hasSuffix(".attachments") } && before.contains { $0.contains("read-model") })
        let old = try proof(ledger, of: 1)
        let checkpoint = ledger.folder.file("checkpoint")
        try ledger.succeed(["checkpoint"]).write(toFile: checkpoint, atomically: true, encoding: .utf8)

        let planned = try ledger.succeed(redact + ["--dry-run", "-o", "json"])
        try expect(withoutDigests(planned), "redact-dry-run.json")
        #expect(try ledger.eventCount() == 3)
        #expect(try files(of: ledger, with: RedactionTests.secret) == before, "a dry run erased something")

        try expect(withoutDigests(try ledger.succeed(redact + ["-o", "json"])), "redact.json")
        #expect(try files(of: ledger, with: RedactionTests.secret).isEmpty)
        #expect(try files(of: ledger, with: "kept too").isEmpty == false)
        let events = try ledger.events()
        #expect(events.map { $0["data"]?["text"]?.string } == ["kept", nil, "kept too", nil])
        let removal = try #require(events.last)
        #expect(removal["type"] == "cairn.attachment.redacted.v1")
        #expect(removal["data"]?["reason"] == "request 7" && removal["data"]?["approved_by"] == "bob")
        #expect(removal["actor"]?.string?.contains("@") == true)

        try ledger.expectIntact()
        try ledger.succeed(["verify", "--against", checkpoint])
        for verify in [old, try proof(ledger, of: 1)] {
            let verified = try Program(path: "/usr/bin/env").run(verify)
            if verified.status == 69 {
                print("skipped: python has no module cryptography")
            } else {
                #expect(verified.status == 0, "\(verified.errors)")
            }
        }
        // Again: nothing is left to do, and nothing is written.
        try expect(withoutDigests(try ledger.succeed(redact + ["-o", "json"])), "redact.json")
        #expect(try ledger.eventCount() == 4)
    }

    /// Digests are over random salts.
    private func withoutDigests(_ text: String) -> String {
        text.replacing(#/"digest":"[0-9a-f]{64}"/#, with: #""digest":"DIGEST""#)
    }

    @Test func whatCannotGoIsSaid() throws {
        let ledger = try noted()
        let options = ["--reason", "request 7", "--approved-by", "bob"]
        try ledger.succeed(["record", "test.a.v1", "--stream", "test/a", "--data", #"{"text":"public"}"#])
        let plain = try ledger.run(["redact", "3"] + options)
        #expect(plain.status == 65 && plain.errors.contains("only content beside the entry"), "\(plain.errors)")
        let role = try ledger.run(["redact", "1", "--role", "samples"] + options)
        #expect(role.status == 65 && role.errors.contains("--role private"), "\(role.errors)")
        let beyond = try ledger.run(["redact", "99"] + options)
        #expect(beyond.status == 65 && beyond.errors.hasPrefix("cannot"), "\(beyond.errors)")
        let empty = try ledger.run(["redact", "1", "--reason", " ", "--approved-by", "bob"])
        #expect(empty.status == 64 && empty.errors.contains("--reason"), "\(empty.errors)")
        let missing = try ledger.run(["redact", "1", "--reason", "request 7"])
        #expect(missing.status == 64 && missing.errors.contains("--approved-by"), "\(missing.errors)")
        #expect(try ledger.eventCount() == 4)
        // Bulk data lies beside the entry too, and goes only when it is named.
        let bulk = String(repeating: "0123456789abcdef", count: 4000)
        try ledger.succeed(
            ["record", "-"], input: #"{"type":"test.b.v1","stream":"test/a","data":{"bulk":"\#(bulk)"}}"# + "\n")
        #expect(try ledger.run(["redact", "4"] + options).errors.contains("--role data"))
        let rows = try ledger.rows(["redact", "4", "--role", "data"] + options)
        #expect(rows.first?["removed_by"]?.integer == 5)
        try ledger.expectIntact()
    }

    private func withoutKeys(_ text: String, _ ledger: ScratchLedger) -> String {
        text.replacingOccurrences(of: ledger.folder.file(""), with: "FOLDER/")
            .replacing(#/\+[0-9a-f]{8}\+[A-Za-z0-9+\/=]{44,}/#, with: "+KEY").replacing(
                #/"[0-9a-f]{8}"/#, with: #""KEY-ID""#)
    }

    @Test func aNewKeySignsFromThenOn() throws {
        let ledger = try noted()
        let old = try #require(try ledger.rows(["key", "show"]).first?["verifier_key"]?.string)
        let checkpoint = ledger.folder.file("checkpoint")
        try ledger.succeed(["checkpoint"]).write(toFile: checkpoint, atomically: true, encoding: .utf8)
        let rotated = try ledger.succeed(["key", "rotate", "-o", "json"])
        try expect(withoutKeys(rotated, ledger), "key-rotate.json")
        try expect(withoutKeys(try ledger.succeed(["key", "show", "-o", "json"]), ledger), "key-show.json")
        let row = try #require(try JSONParser.parse(rotated).value.array?.first)
        let new = try #require(row["verifier_key"]?.string)
        #expect(new != old)
        // The old key is kept beside, for its owner only, and the new one has its place.
        let retired = "\(ledger.key).retired-\(try #require(row["old_key_id"]?.string))"
        for file in [ledger.key, retired] {
            let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(mode == 0o600, "\(file)")
        }
        #expect(!FileManager.default.fileExists(atPath: "\(ledger.key).next"))
        try ledger.succeed(["record", "test.a.v1", "--stream", "test/a"])
        // Both verifier keys are the ledger's, each in its range.
        for key in [old, new] { try ledger.succeed(["verify", "--vkey", key, "--against", checkpoint]) }
        try ledger.expectIntact()
        let refused = try ledger.run(["record", "test.a.v1", "--stream", "test/a", "--key", retired])
        #expect(refused.status == 74, "\(refused.errors)")
        let ids = [old, new].map { String($0.split(separator: "+")[1]) }
        for text in ids + ["since position 3", "--key"] {
            #expect(refused.errors.contains(text), "\(text) is not in: \(refused.errors)")
        }
    }

    /// The process died after its event and before the new file took the place of the old one.
    @Test func anInterruptedRotationIsFinished() throws {
        let ledger = try noted()
        let next = "\(ledger.key).next"
        try ledger.succeed(["key", "rotate", "--new-key", next])
        let refused = try ledger.run(["record", "test.a.v1", "--stream", "test/a"])
        #expect(refused.status == 74 && refused.errors.contains("cairn key rotate finishes"), "\(refused.errors)")
        let count = try ledger.eventCount()
        let row = try #require(try ledger.rows(["key", "rotate"]).first)
        #expect(row["position"]?.integer == 3)
        #expect(try ledger.eventCount() == count, "a second rotation was recorded")
        try ledger.succeed(["record", "test.a.v1", "--stream", "test/a"])
        try ledger.succeed(["key", "rotate"])
        #expect(try ledger.rows(["key", "show"]).count == 3)
        try ledger.expectIntact()
    }
}
