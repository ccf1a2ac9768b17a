import CairnBytes
import CairnLedger
import CairnTestSupport
import Testing

@Suite struct TreeNoteTests {
    static let peterKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    static let enochKey = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
    static let peterSecret =
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
    static let text =
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    static let peterLine =
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    static let enochLine =
        "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"

    private func note(_ text: String) throws -> SignedNote { try SignedNote(parsing: Array(text.utf8)) }

    @Test func signingIsByteExact() throws {
        let key = try SigningKey(Self.peterSecret)
        #expect(key.verifier.description == Self.peterKey)
        #expect(key.secretText == Self.peterSecret)
        #expect(!"\(key) \(String(reflecting: key))".contains("AYEKFALV"))
        var note = try SignedNote(text: Self.text)
        try note.sign(with: key)
        try note.sign(with: key)
        #expect(String(decoding: note.bytes, as: UTF8.self) == Self.text + "\n" + Self.peterLine)
    }

    @Test func knownKeysVerifyAndUnknownOnesAreIgnored() throws {
        let peter = try VerifierKey(Self.peterKey)
        let enoch = try VerifierKey(Self.enochKey)
        let both = try note(Self.text + "\n" + Self.peterLine + Self.enochLine)
        #expect(both.text == Self.text)
        #expect(try both.verify([peter]).map(\.key) == [peter])
        #expect(try both.verify([peter, enoch]).map(\.key) == [peter, enoch])
        #expect(both.bytes == Array((Self.text + "\n" + Self.peterLine + Self.enochLine).utf8))
        #expect { try both.verify([]) } throws: { ($0 as? NoteError)?.code == .noKnownSignature }
        let repeated = try note(Self.text + "\n" + Self.peterLine + Self.peterLine)
        #expect(try repeated.verify([peter]).count == 1)
        var bytes = both.bytes
        bytes[0] = UInt8(ascii: "i")
        let altered = try SignedNote(parsing: bytes)
        #expect { try altered.verify([enoch]) } throws: { ($0 as? NoteError)?.code == .badSignature }
        let misnamed = try note(
            Self.text + "\n" + Self.peterLine.replacing("PeterNeumann", with: "CarmenSandiego"))
        #expect { try misnamed.verify([peter]) } throws: { ($0 as? NoteError)?.code == .noKnownSignature }
    }

    @Test func aKnownKeyThatFailsFailsTheWholeNote() throws {
        let peter = try VerifierKey(Self.peterKey)
        let enoch = try VerifierKey(Self.enochKey)
        let forged = Self.enochLine.replacing("RvMc", with: "RvMd")
        let mixed = try note(Self.text + "\n" + Self.peterLine + forged)
        #expect(try mixed.verify([peter]).count == 1)
        #expect { try mixed.verify([peter, enoch]) } throws: { ($0 as? NoteError)?.code == .badSignature }
    }

    @Test func theExampleOfTheSpecificationVerifies() throws {
        let text = """
            Ognuno sta solo sul cuor della terra
            trafitto da un raggio di sole:

            ed è subito sera.

            — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=

            """
        let parsed = try note(text)
        #expect(parsed.text.hasSuffix("ed è subito sera.\n"))
        #expect(parsed.signatures.map(\.name) == ["quasimodo.example/salvatore"])
        #expect(parsed.signatures.map(\.id) == [0x367B_A04B])
        #expect(parsed.bytes == Array(text.utf8))
        let second = try note(
            "This is an example message.\n\n— example.com/foo "
                + "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n")
        let key = try VerifierKey("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
        #expect(try second.verify([key]).map(\.key) == [key])
    }

    /// A checkpoint of a public log with lines of types that are not known here, and of a public witness.
    @Test func aCheckpointFromThePublicNetworkVerifies() throws {
        let text = """
            arche2025h1.staging.ct.transparency.dev
            1432088532
            U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

            — arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
            — arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
            — remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==

            """
        let signed = try SignedCheckpoint(parsing: Array(text.utf8))
        #expect(signed.checkpoint.size == 1_432_088_532)
        let log = try VerifierKey(
            "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f")
        let witness = try VerifierKey("remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2")
        let verified = try signed.verify(logKeys: [log], witnesses: [witness])
        #expect(verified.map(\.key) == [log, witness])
        #expect(verified.last?.timestampSeconds == 0x6A12_2120)
    }

    @Test func malformedNotesAreRefused() {
        for bad in [
            "", "\n", "\n\n", Self.text, Self.text + "\n", Self.text + "\n" + Self.peterLine.dropLast(),
            "\u{1}" + Self.text + "\n" + Self.peterLine, Self.text + "\t\n\n" + Self.peterLine,
            Self.text + "\n— Bad Name x08go/ZJkuBS9UG/\n", Self.text + "\n— a+b x08go/ZJkuBS9UG/\n",
            Self.text + "\n— a\u{2003}b x08go/ZJkuBS9UG/\n", Self.text + "\n— a x08g\n", Self.text + "\n—  x08goAAA\n",
            Self.text + "\n- a x08go/ZJkuBS9UG/\n", Self.text + "\n" + Self.peterLine + "Unexpected line.\n",
            Self.text + "\n" + String(repeating: Self.peterLine, count: 101),
            Self.text + "\n" + Self.peterLine.replacing("JnAM=", with: "JnAN="), "no newline\n\n",
        ] {
            #expect(throws: NoteError.self, "\(bad)") { try note(bad) }
        }
        #expect(throws: NoteError.self) {
            try SignedNote(parsing: [0xFF] + Array((Self.text + "\n" + Self.peterLine).utf8))
        }
        #expect { try SignedNote(parsing: [UInt8](repeating: 0x0A, count: SignedNote.bytesMax + 1)) } throws: {
            ($0 as? NoteError)?.code == .tooLarge
        }
        #expect(throws: NoteError.self) { try SignedNote(text: "abc") }
        #expect(throws: Never.self) { try note(Self.text + "\n" + String(repeating: Self.peterLine, count: 16)) }
    }

    @Test func everyCutAndEveryChangeOfAKeyIsRefused() throws {
        for (text, read) in [
            (Self.peterKey, { _ = try VerifierKey($0) }), (Self.peterSecret, { _ = try SigningKey($0) }),
        ] as [(String, (String) throws -> Void)] {
            let bytes = Array(text.utf8)
            for start in 0...bytes.count {
                for end in start...bytes.count where start != 0 || end != bytes.count {
                    let part = String(decoding: bytes[start..<end], as: UTF8.self)
                    #expect(throws: NoteError.self, "\(part)") { try read(part) }
                }
            }
            for place in bytes.indices {
                var changed = bytes
                changed[place] += 1
                #expect(throws: NoteError.self) { try read(String(decoding: changed, as: UTF8.self)) }
            }
        }
        for bad in [
            // A key that is too long and an unknown algorithm, each with the key id that would fit.
            "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
            "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        ] {
            #expect(throws: NoteError.self) { try VerifierKey(bad) }
        }
        #expect(throws: NoteError.self) { try SigningKey(name: "a b", seed: [UInt8](repeating: 1, count: 32)) }
        #expect(throws: NoteError.self) { try SigningKey(name: "ab", seed: [1]) }
    }

    @Test func checkpointsAreStrict() throws {
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        let checkpoint = try Checkpoint(text: text)
        #expect(checkpoint.origin == "example.com/behind-the-sofa")
        #expect(checkpoint.size == 20_852_163)
        #expect(checkpoint.text == text)
        #expect(try Checkpoint(text: text + "more\n").extensions == ["more"])
        for bad in [
            "", "\n", "a\n", "a\n1\n", String(text.dropLast()), text + "\n", text + "\nmore\n", "\n" + text,
            text.replacing("20852163", with: "020852163"), text.replacing("20852163", with: "+20852163"),
            text.replacing("20852163", with: "18446744073709551616"), text.replacing("20852163", with: ""),
            text.replacing("20852163", with: "0"), text.replacing("q2I=", with: "q2J="),
            text.replacing("q2I=", with: ""),
        ] {
            #expect(throws: NoteError.self, "\(bad)") { try Checkpoint(text: bad) }
        }
        let key = try SigningKey(Self.peterSecret)
        let signed = try SignedCheckpoint(checkpoint, signedWith: key)
        #expect(try SignedCheckpoint(parsing: signed.bytes) == signed)
        #expect(try signed.verify(logKeys: [key.verifier]).map(\.key) == [key.verifier])
        var broken = checkpoint
        broken.origin = "a\n7"
        #expect(throws: NoteError.self) { try SignedCheckpoint(broken, signedWith: key) }
        broken.origin = ""
        #expect(throws: NoteError.self) { try SignedCheckpoint(broken, signedWith: key) }
    }

    @Test func witnessesCosign() throws {
        let log = try SigningKey(name: "log.example", seed: [UInt8](repeating: 7, count: 32))
        let witness = try SigningKey(
            name: "witness.example/w1", type: .ed25519Cosignature, seed: [UInt8](repeating: 8, count: 32))
        #expect(try SigningKey(witness.secretText).verifier == witness.verifier)
        #expect(try VerifierKey(witness.verifier.description) == witness.verifier)
        let checkpoint = Checkpoint(origin: "log.example", size: 1, root: TreeHasher.leaf([1]))
        var signed = try SignedCheckpoint(checkpoint, signedWith: log)
        try signed.sign(with: witness, timestampSeconds: 1_679_315_147)
        // 76 bytes: key id, time, signature.
        #expect(signed.note.signatures.last?.payload.count == 72)
        #expect(signed.note.signatures.last?.payload.prefix(8) == [0, 0, 0, 0, 0x64, 0x18, 0x50, 0xCB])
        let read = try SignedCheckpoint(parsing: signed.bytes)
        let verified = try read.verify(logKeys: [log.verifier], witnesses: [witness.verifier])
        #expect(verified.map(\.timestampSeconds) == [nil, 1_679_315_147])
        #expect { try read.verify(logKeys: [], witnesses: [witness.verifier]) } throws: {
            ($0 as? NoteError)?.code == .noKnownSignature
        }
        // Another time than the one that was signed.
        let witnessLine = try #require(read.note.signatures.last)
        var forged = try SignedCheckpoint(checkpoint, signedWith: log)
        var payload = witnessLine.payload
        payload[7] ^= 1
        try forged.add([.init(name: witnessLine.name, id: witnessLine.id, payload: payload)])
        #expect { try forged.verify(logKeys: [log.verifier], witnesses: [witness.verifier]) } throws: {
            ($0 as? NoteError)?.code == .badSignature
        }
        #expect(throws: NoteError.self) { try signed.sign(with: witness, timestampSeconds: 1 << 63) }
    }

    @Test func proofFilesCarryTheirEvidence() throws {
        let key = try SigningKey(Self.peterSecret)
        let entries = (0..<11).map { [UInt8]("entry \($0)".utf8) }
        let tree = HashTree(leaves: entries.map { TreeHasher.leaf($0) })
        let checkpoint = try SignedCheckpoint(
            Checkpoint(origin: "PeterNeumann", size: 11, root: tree.root), signedWith: key)
        for (index, entry) in entries.enumerated() {
            var file = ProofFile(
                index: UInt64(index), hashes: try tree.inclusionProof(index: UInt64(index), size: 11),
                checkpoint: checkpoint)
            if index.isMultiple(of: 2) { file.extra = entry }
            let read = try ProofFile(parsing: file.bytes)
            #expect(read == file)
            try read.verify(entry: entry, logKeys: [key.verifier], origin: "PeterNeumann")
            #expect(throws: ProofError.self) { try read.verify(entry: entry + [0], logKeys: [key.verifier]) }
            #expect(throws: NoteError.self) {
                try read.verify(entry: entry, logKeys: [key.verifier], origin: "another")
            }
            // Whatever single bit is changed, nothing is accepted (but the extra data, which nobody signs).
            let bytes = file.bytes
            for place in bytes.indices where index == 5 {
                for bit in 0..<8 {
                    var changed = bytes
                    changed[place] ^= 1 << UInt8(bit)
                    let accepted = try? ProofFile(parsing: changed)
                        .verify(entry: entry, logKeys: [key.verifier], origin: "PeterNeumann")
                    #expect(accepted == nil, "bit \(bit) of byte \(place)")
                }
            }
        }
        let good = String(
            decoding: ProofFile(index: 0, hashes: [], checkpoint: checkpoint, extra: [1]).bytes, as: UTF8.self)
        for (from, to) in [
            ("index 0", "index 00"), ("index 0", "index -1"), ("index 0\n", ""), ("@v1", "@v2"), ("extra ", "extra  "),
            ("\n\n", "\nAA==\n\n"), ("index 0\n\n", "index 0\n"),
            ("\n\n", "\n" + String(repeating: "\(tree.root.base64)\n", count: MerkleProof.hashesMax + 1) + "\n"),
        ] {
            let text = good.replacing(from, with: to, maxReplacements: 1)
            #expect(throws: NoteError.self, "\(text)") { try ProofFile(parsing: Array(text.utf8)) }
        }
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func noBytesCrashTheParsers(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var bytes = Array(
            "\(ProofFile.header)\nindex 1\n\nlog\n2\n\(TreeHasher.emptyRoot.base64)\n\n\(Self.peterLine)".utf8)
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: place)
            default: bytes.insert(contentsOf: "\n— +\u{0}".utf8.shuffled(using: &random), at: place)
            }
        }
        let key = try VerifierKey(Self.peterKey)
        let accepted = try? ProofFile(parsing: bytes).verify(entry: [], logKeys: [key])
        #expect(accepted == nil, "seed \(seed)")
        _ = try? SignedNote(parsing: bytes)
        _ = try? Checkpoint(text: String(decoding: bytes, as: UTF8.self))
        _ = try? VerifierKey(String(decoding: bytes, as: UTF8.self))
        _ = Tile(path: String(decoding: bytes, as: UTF8.self))
        _ = EntryBundle.entries(bytes, width: 3)
    }
}
