internal import CairnBytes
internal import Crypto

/// The SHA-256 over format, cluster, labels, options and bytes of one file: what makes an import the same import.
///
/// Hashed are the bytes as they lie on the disk, compressed or not, after the canonical JSON of what the caller said
/// and one zero byte, which no JSON holds.
package struct FileIdentity: Sendable {
    private var identity = SHA256()
    private var content = SHA256()
    package private(set) var byteCount = 0

    package init(options: ImportOptions) {
        let said: JSONValue = [
            "format": .string(options.format.rawValue), "cluster": .optional(options.cluster),
            "labels": .object(options.labelsJSON), "options": .object(options.json),
        ]
        identity.update(data: CanonicalJSON.bytes(of: said))
        identity.update(data: [0])
    }

    package mutating func update(_ bytes: [UInt8]) {
        identity.update(data: bytes)
        content.update(data: bytes)
        byteCount += bytes.count
    }

    /// Lower-case hexadecimal.
    package var identityHex: String { Hex.string(identity.finalize()) }
    /// The SHA-256 of the bytes alone, lower-case hexadecimal.
    package var contentHex: String { Hex.string(content.finalize()) }

    /// The SHA-256 of bytes, lower-case hexadecimal.
    static func digest(_ bytes: [UInt8]) -> String { Hex.string(SHA256.hash(data: bytes)) }
}
