internal import CairnBytes

/// A text and the signatures below it, in the format `c2sp.org/signed-note`:
///
///     text, one or more lines
///     (empty line)
///     — key name base64(key id, signature)
///
/// Parsing checks the form only. Nothing may be believed before `verify` says whose signatures hold.
package struct SignedNote: Sendable, Hashable {
    /// The longest note accepted; checkpoints are a few hundred bytes, and 100 post-quantum signatures 500 KB.
    package static let bytesMax = 1 << 20
    /// Most signatures accepted; the format demands 16 at least, and each costs a verification.
    package static let signaturesMax = 100

    package struct Signature: Sendable, Hashable {
        package var name: String
        package var id: UInt32
        /// What follows the key id.
        package var payload: [UInt8]

        package init(name: String, id: UInt32, payload: [UInt8]) {
            self.name = name
            self.id = id
            self.payload = payload
        }

        var line: String { "— \(name) \(Base64.string(VerifierKey.bytes(of: id) + payload))\n" }
    }

    /// The signed text, with its last newline.
    package let text: String
    package private(set) var signatures: [Signature]

    package init(parsing bytes: [UInt8]) throws(NoteError) {
        guard bytes.count <= SignedNote.bytesMax else {
            throw NoteError(.tooLarge, what: "note", reason: "over \(SignedNote.bytesMax) bytes")
        }
        guard let end = SignedNote.lastEmptyLine(bytes), end + 1 < bytes.count, bytes.last == 0x0A else {
            throw NoteError(.malformed, what: "note", reason: "it is not a text, an empty line and signatures")
        }
        guard let text = String(validating: Array(bytes[..<end])) else {
            throw NoteError(.malformed, what: "note", reason: "it is not UTF-8")
        }
        try SignedNote.check(text: text)
        self.text = text
        signatures = []
        let firstLine = bytes[...end].count { $0 == 0x0A } + 1
        let lines = bytes[(end + 1)..<(bytes.count - 1)].split(separator: 0x0A, omittingEmptySubsequences: false)
        guard lines.count <= SignedNote.signaturesMax else {
            throw NoteError(.tooLarge, what: "note", reason: "over \(SignedNote.signaturesMax) signatures")
        }
        for (index, line) in lines.enumerated() {
            guard let signature = SignedNote.signature(Array(line)) else {
                throw NoteError(
                    .malformed, what: "note", reason: "it is not a signature (— name base64)", line: firstLine + index)
            }
            signatures.append(signature)
        }
    }

    /// A note without signatures yet.
    package init(text: String) throws(NoteError) {
        try SignedNote.check(text: text)
        self.text = text
        signatures = []
    }

    /// Adds the signature of `key`; an earlier one of the same key goes.
    package mutating func sign(with key: SigningKey, timestampSeconds: UInt64 = 0) throws(NoteError) {
        let payload: [UInt8]
        switch key.verifier.type {
        case .ed25519: payload = try key.signature(of: Array(text.utf8))
        case .ed25519Cosignature:
            guard timestampSeconds <= UInt64(Int64.max) else {
                throw NoteError(.malformed, what: "cosignature", reason: "its time is over 2^63 - 1")
            }
            let message = Cosignature.message(text: text, timestampSeconds: timestampSeconds)
            payload = Cosignature.payload(
                timestampSeconds: timestampSeconds, signature: try key.signature(of: message))
        }
        let isEarlierOne = { (signature: Signature) in
            signature.name == key.verifier.name && signature.id == key.verifier.id
        }
        signatures.removeAll(where: isEarlierOne)
        signatures.append(Signature(name: key.verifier.name, id: key.verifier.id, payload: payload))
    }

    /// Adds signature lines that another party answered with, as a witness does. The signatures are not verified.
    package mutating func add(_ more: [Signature]) throws(NoteError) {
        guard signatures.count + more.count <= SignedNote.signaturesMax else {
            throw NoteError(.tooLarge, what: "note", reason: "over \(SignedNote.signaturesMax) signatures")
        }
        signatures.append(contentsOf: more)
    }

    /// The note as it is stored and sent.
    package var bytes: [UInt8] { Array((text + "\n" + signatures.map(\.line).joined()).utf8) }

    /// What `verify` found of one key.
    package struct Verified: Sendable, Hashable {
        package var key: VerifierKey
        /// When a witness says that it cosigned, in seconds since 1970; nil for the log's own signature.
        package var timestampSeconds: UInt64?
    }

    /// The known keys whose signatures hold. A signature by an unknown key is ignored; a known key whose signature does
    /// not hold makes the whole note fail, and so does a note that no known key signed.
    package func verify(_ keys: [VerifierKey]) throws(NoteError) -> [Verified] {
        var verified: [Verified] = []
        for signature in signatures {
            for key in keys where key.name == signature.name && key.id == signature.id {
                let found = try verify(signature, key)
                if !verified.contains(found) { verified.append(found) }
            }
        }
        guard !verified.isEmpty else {
            let names = signatures.map { "\($0.name)+\(Hex.string(VerifierKey.bytes(of: $0.id)))" }
            throw NoteError(
                .noKnownSignature, what: "note",
                reason: "it is signed by \(names.joined(separator: ", ")) and by none of the known keys "
                    + keys.map { "\($0.name)+\($0.idText)" }.joined(separator: ", "))
        }
        return verified
    }

    private func verify(_ signature: Signature, _ key: VerifierKey) throws(NoteError) -> Verified {
        switch key.type {
        case .ed25519:
            if key.verifies(signature.payload, over: Array(text.utf8)) { return Verified(key: key) }
        case .ed25519Cosignature:
            if let (time, bare) = Cosignature.parse(signature.payload),
                key.verifies(bare, over: Cosignature.message(text: text, timestampSeconds: time))
            {
                return Verified(key: key, timestampSeconds: time)
            }
        }
        throw NoteError(
            .badSignature, what: "note",
            reason: "key \(key.name)+\(key.idText) did not make its signature: text or signature was altered")
    }

    private static func check(text: String) throws(NoteError) {
        guard text.utf8.last == 0x0A else {
            throw NoteError(.malformed, what: "note", reason: "its text does not end with a newline")
        }
        if let place = text.utf8.firstIndex(where: { $0 < 0x20 && $0 != 0x0A }) {
            let line = text.utf8[..<place].count { $0 == 0x0A } + 1
            throw NoteError(.malformed, what: "note", reason: "it has a control character", line: line)
        }
    }

    /// The offset of the newline that is the last empty line, which ends the text.
    private static func lastEmptyLine(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 3 else { return nil }
        return (1..<bytes.count).last { bytes[$0] == 0x0A && bytes[$0 - 1] == 0x0A }
    }

    /// Reads one line without its newline.
    package static func signature(_ line: [UInt8]) -> Signature? {
        let dash = Array("— ".utf8)
        guard line.starts(with: dash) else { return nil }
        let parts = line.dropFirst(dash.count).split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 2, let name = String(validating: Array(parts[0])), VerifierKey.isValid(name: name),
            let payload = Base64.bytes(Array(parts[1])), payload.count > 4
        else { return nil }
        let id = payload[..<4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return Signature(name: name, id: id, payload: Array(payload[4...]))
    }
}
