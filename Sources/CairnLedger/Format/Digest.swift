internal import Crypto

/// SHA-256 over parts, without joining them first.
enum Digest {
    static func sha256(_ parts: ArraySlice<UInt8>...) -> TreeHash {
        var hasher = SHA256()
        for part in parts { unsafe part.withUnsafeBytes { unsafe hasher.update(bufferPointer: $0) } }
        return TreeHasher.hash(hasher.finalize())
    }

    /// The digest of an attachment: the salt keeps short contents from being guessed from it.
    static func ofAttachment(salt: [UInt8], content: [UInt8]) -> TreeHash { sha256(salt[...], content[...]) }

    /// The first 8 bytes, big-endian: sorted tables of the index hold these.
    static func short(_ hash: TreeHash) -> UInt64 { hash.firstWord }

    static func identity(source: [UInt8], id: [UInt8]) -> UInt64 {
        var length: [UInt8] = []
        length.appendLittleEndian(UInt32(truncatingIfNeeded: source.count))
        return short(sha256(length[...], source[...], id[...]))
    }

    static func stream(_ name: String) -> UInt64 { short(sha256(Array(name.utf8)[...])) }
}
