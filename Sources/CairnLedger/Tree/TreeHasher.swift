internal import Crypto

/// The hashing of RFC 6962, section 2.1: leaves and inner nodes start with different bytes, so that no entry can pass
/// for a node.
package enum TreeHasher {
    private static let leafPrefix: UInt8 = 0x00
    private static let nodePrefix: UInt8 = 0x01

    /// The root of the tree without leaves: SHA-256 of nothing.
    package static let emptyRoot = sha256([])

    /// SHA-256 of 0x00 and the entry.
    package static func leaf(_ entry: [UInt8]) -> TreeHash { leaf(entry[...]) }

    package static func leaf(_ entry: ArraySlice<UInt8>) -> TreeHash {
        var hasher = SHA256()
        unsafe withUnsafeBytes(of: leafPrefix) { unsafe hasher.update(bufferPointer: $0) }
        unsafe entry.withUnsafeBytes { unsafe hasher.update(bufferPointer: $0) }
        return hash(hasher.finalize())
    }

    /// SHA-256 of 0x01, the left and the right hash.
    package static func node(_ left: TreeHash, _ right: TreeHash) -> TreeHash {
        var hasher = SHA256()
        unsafe withUnsafeBytes(of: nodePrefix) { unsafe hasher.update(bufferPointer: $0) }
        unsafe withUnsafeBytes(of: left.storedWords) { unsafe hasher.update(bufferPointer: $0) }
        unsafe withUnsafeBytes(of: right.storedWords) { unsafe hasher.update(bufferPointer: $0) }
        return hash(hasher.finalize())
    }

    /// SHA-256 without a prefix: key ids and digests of whole texts, never a tree.
    package static func sha256(_ bytes: [UInt8]) -> TreeHash {
        var hasher = SHA256()
        unsafe bytes.withUnsafeBytes { unsafe hasher.update(bufferPointer: $0) }
        return hash(hasher.finalize())
    }

    static func hash(_ digest: SHA256Digest) -> TreeHash {
        unsafe digest.withUnsafeBytes { buffer in
            func word(_ index: Int) -> UInt64 {
                UInt64(bigEndian: unsafe buffer.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
            }
            return TreeHash(bigEndianWords: (word(0), word(1), word(2), word(3)))
        }
    }
}
