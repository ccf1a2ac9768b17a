internal import CairnBytes

/// The head of a log at one size, in the format `c2sp.org/tlog-checkpoint`: origin, size, root, one line each.
package struct Checkpoint: Sendable, Hashable {
    /// The name of the log; its key has the same name.
    package var origin: String
    package var size: UInt64
    package var root: TreeHash
    /// Further lines. Cairn writes none, since nobody can audit them, and keeps those it reads.
    package var extensions: [String]

    package init(origin: String, size: UInt64, root: TreeHash, extensions: [String] = []) {
        self.origin = origin
        self.size = size
        self.root = root
        self.extensions = extensions
    }

    /// Reads the text of a note.
    package init(text: String) throws(NoteError) {
        func malformed(_ reason: String, _ line: Int? = nil) -> NoteError {
            NoteError(.malformed, what: "checkpoint", reason: reason, line: line)
        }
        guard text.utf8.last == 0x0A else { throw malformed("its text does not end with a newline") }
        let lines = text.utf8.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard lines.count >= 3 else { throw malformed("it needs three lines: origin, size, root") }
        guard !lines[0].isEmpty else { throw malformed("the origin is empty", 1) }
        guard let size = Checkpoint.decimal(lines[1]) else { throw malformed("the size is not a plain number", 2) }
        guard let root = TreeHash(base64: lines[2]) else { throw malformed("the root is not 32 bytes in base64", 3) }
        if let empty = lines.firstIndex(of: "") { throw malformed("the line is empty", empty + 1) }
        guard size > 0 || root == TreeHasher.emptyRoot else { throw malformed("the root of nothing is another", 3) }
        self.init(origin: lines[0], size: size, root: root, extensions: Array(lines[3...]))
    }

    package var text: String {
        ([origin, String(size), root.base64] + extensions).map { $0 + "\n" }.joined()
    }

    /// A number in decimal digits without a sign or leading zeros, or nil.
    static func decimal(_ text: String) -> UInt64? {
        let digits = text.utf8
        guard digits.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }),
            digits.count == 1 || digits.first != UInt8(ascii: "0")
        else { return nil }
        return UInt64(text)
    }
}

/// A checkpoint with the note that carries it.
package struct SignedCheckpoint: Sendable, Hashable {
    package let checkpoint: Checkpoint
    package private(set) var note: SignedNote

    /// Reads the form only; see `verify`.
    package init(parsing bytes: [UInt8]) throws(NoteError) {
        note = try SignedNote(parsing: bytes)
        checkpoint = try Checkpoint(text: note.text)
    }

    package init(_ checkpoint: Checkpoint, signedWith key: SigningKey) throws(NoteError) {
        // Read back what was written, so that an origin with a newline cannot be signed as something else.
        note = try SignedNote(text: checkpoint.text)
        self.checkpoint = try Checkpoint(text: note.text)
        guard self.checkpoint == checkpoint else {
            throw NoteError(.malformed, what: "checkpoint", reason: "its origin or an extension has a line break")
        }
        try note.sign(with: key)
    }

    package var bytes: [UInt8] { note.bytes }

    /// Adds a witness's or a second key's signature.
    package mutating func sign(with key: SigningKey, timestampSeconds: UInt64 = 0) throws(NoteError) {
        try note.sign(with: key, timestampSeconds: timestampSeconds)
    }

    /// Adds the signature lines of witnesses, unverified.
    package mutating func add(_ signatures: [SignedNote.Signature]) throws(NoteError) { try note.add(signatures) }

    /// Who signed, of these keys; one of `logKeys` must be among them, witnesses alone are not enough.
    package func verify(logKeys: [VerifierKey], witnesses: [VerifierKey] = []) throws(NoteError) -> [SignedNote
        .Verified]
    {
        let verified = try note.verify(logKeys + witnesses)
        guard verified.contains(where: { logKeys.contains($0.key) && $0.key.type == .ed25519 }) else {
            throw NoteError(.noKnownSignature, what: "checkpoint", reason: "the log itself did not sign it")
        }
        return verified
    }
}
