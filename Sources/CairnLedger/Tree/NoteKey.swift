internal import CairnBytes
internal import Crypto

/// The algorithms of signed notes that Cairn speaks.
package enum NoteKeyType: UInt8, Sendable, Hashable {
    /// Ed25519 over the text of the note: how a log signs its checkpoints.
    case ed25519 = 0x01
    /// Ed25519 over a header with a time and the text: how a witness cosigns (`c2sp.org/tlog-cosignature`).
    case ed25519Cosignature = 0x04
}

/// The public half of a key: what an auditor keeps, as one line of text, `name+keyid+base64`.
package struct VerifierKey: Sendable, Hashable, CustomStringConvertible {
    /// A name longer than this is refused: it is a URL without its scheme, and repeated in every signature.
    package static let nameBytesMax = 255

    package let name: String
    package let type: NoteKeyType
    /// 32 bytes, as RFC 8032 encodes the point.
    package let publicKey: [UInt8]
    /// The first four bytes of a SHA-256 over name, type and key: tells keys apart, and proves nothing.
    package let id: UInt32

    package init(name: String, type: NoteKeyType, publicKey: [UInt8]) throws(NoteError) {
        guard VerifierKey.isValid(name: name) else {
            throw NoteError(
                .malformed, what: "verifier key", reason: "its name is empty, too long, or has a space or +")
        }
        guard publicKey.count == 32 else {
            throw NoteError(.malformed, what: "verifier key", reason: "an Ed25519 key has 32 bytes")
        }
        self.name = name
        self.type = type
        self.publicKey = publicKey
        id = VerifierKey.id(name: name, type: type, publicKey: publicKey)
    }

    /// Reads `name+8 hexadecimal digits+base64 of type and key`.
    package init(_ text: String) throws(NoteError) {
        func malformed(_ reason: String) -> NoteError { NoteError(.malformed, what: "verifier key", reason: reason) }
        guard text.utf8.count <= 1024 else {
            throw NoteError(.tooLarge, what: "verifier key", reason: "over 1024 bytes")
        }
        let parts = text.utf8.split(separator: UInt8(ascii: "+"), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let name = String(validating: Array(parts[0])), parts[1].count == 8 else {
            throw malformed("it is not of the form name+keyid+key")
        }
        guard let typed = Base64.bytes(Array(parts[2])), let code = typed.first else {
            throw malformed("its last part is not base64")
        }
        guard let type = NoteKeyType(rawValue: code) else {
            throw malformed("algorithm \(code) is not known here; 1 and 4 (Ed25519) are")
        }
        try self.init(name: name, type: type, publicKey: Array(typed.dropFirst()))
        // Compared as text: upper-case digits would be a second spelling of one key.
        guard String(decoding: Array(parts[1]), as: UTF8.self) == idText else {
            throw malformed("its key id should be \(idText): the key was altered or cut")
        }
    }

    /// The text form, to be handed to auditors.
    package var description: String { "\(name)+\(idText)+\(Base64.string([type.rawValue] + publicKey))" }

    package var idText: String { Hex.string(VerifierKey.bytes(of: id)) }

    /// Whether `signature` is this key's Ed25519 signature of `message`.
    func verifies(_ signature: [UInt8], over message: [UInt8]) -> Bool {
        guard signature.count == 64, let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else {
            return false
        }
        return key.isValidSignature(signature, for: message)
    }

    static func bytes(of id: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: id >> UInt32(24 - $0 * 8)) }
    }

    private static func id(name: String, type: NoteKeyType, publicKey: [UInt8]) -> UInt32 {
        let hash = TreeHasher.sha256(Array(name.utf8) + [0x0A, type.rawValue] + publicKey).bytes
        return hash[..<4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    static func isValid(name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= nameBytesMax
            && name.unicodeScalars.allSatisfy { !$0.properties.isWhitespace && $0 != "+" && $0.value >= 0x20 }
    }
}

/// The private half of a key. Its text form belongs into a file that only its owner can read.
package struct SigningKey: Sendable {
    package let verifier: VerifierKey
    private let seed: [UInt8]

    /// - Parameter seed: 32 random bytes.
    package init(name: String, type: NoteKeyType = .ed25519, seed: [UInt8]) throws(NoteError) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else {
            throw NoteError(.malformed, what: "signing key", reason: "an Ed25519 seed has 32 bytes")
        }
        verifier = try VerifierKey(name: name, type: type, publicKey: Array(key.publicKey.rawRepresentation))
        self.seed = seed
    }

    private static let prefix = "PRIVATE+KEY+"

    /// Reads `PRIVATE+KEY+name+keyid+base64 of type and seed`. No error quotes the text.
    package init(_ text: String) throws(NoteError) {
        func malformed(_ reason: String) -> NoteError { NoteError(.malformed, what: "signing key", reason: reason) }
        guard text.utf8.count <= 1024, text.hasPrefix(SigningKey.prefix) else {
            throw malformed("it does not start with \(SigningKey.prefix)")
        }
        let parts = text.utf8.dropFirst(SigningKey.prefix.utf8.count)
            .split(separator: UInt8(ascii: "+"), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let name = String(validating: Array(parts[0])), parts[1].count == 8,
            let typed = Base64.bytes(Array(parts[2])), let code = typed.first, let type = NoteKeyType(rawValue: code)
        else { throw malformed("it is not of the form PRIVATE+KEY+name+keyid+key") }
        try self.init(name: name, type: type, seed: Array(typed.dropFirst()))
        guard String(decoding: Array(parts[1]), as: UTF8.self) == verifier.idText else {
            throw malformed("its key id does not fit: the key was altered or cut")
        }
    }

    /// The secret text form. Never part of `description`, so that it cannot slip into a message.
    package var secretText: String {
        "\(SigningKey.prefix)\(verifier.name)+\(verifier.idText)+\(Base64.string([verifier.type.rawValue] + seed))"
    }

    /// The 64 bytes of the signature. On Linux the same message gives the same bytes (RFC 8032); CryptoKit on macOS
    /// mixes in randomness.
    func signature(of message: [UInt8]) throws(NoteError) -> [UInt8] {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed),
            let signature = try? key.signature(for: message)
        else { throw NoteError(.badSignature, what: "signing key", reason: "the signature could not be made") }
        return Array(signature)
    }
}

extension SigningKey: CustomStringConvertible, CustomReflectable {
    package var description: String { "signing key of \(verifier)" }
    package var customMirror: Mirror { Mirror(self, children: ["verifier": verifier]) }
}
