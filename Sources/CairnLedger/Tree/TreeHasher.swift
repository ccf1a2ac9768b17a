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

    /// The leaves of entries that each have a byte before them in the buffer, which becomes the prefix: so an entry is
    /// hashed where it lies, in one call.
    static func leaves(_ bytes: inout [UInt8], _ entries: [Range<Int>]) -> [TreeHash] {
        unsafe bytes.withUnsafeMutableBytes { buffer in
            entries.map { entry in
                unsafe buffer[entry.lowerBound - 1] = leafPrefix
                let part = unsafe UnsafeRawBufferPointer(rebasing: buffer[entry.lowerBound - 1..<entry.upperBound])
                var hasher = SHA256()
                unsafe hasher.update(bufferPointer: part)
                return hash(hasher.finalize())
            }
        }
    }

    /// SHA-256 of 0x01, the left and the right hash.
    package static func node(_ left: TreeHash, _ right: TreeHash) -> TreeHash {
        // Joined first: one call of the hash, for each inner node of the tree.
        unsafe withUnsafeTemporaryAllocation(byteCount: 1 + 2 * TreeHash.byteCount, alignment: 8) { buffer in
            unsafe buffer[0] = nodePrefix
            unsafe buffer.storeBytes(of: left.storedWords, toByteOffset: 1, as: (UInt64, UInt64, UInt64, UInt64).self)
            unsafe buffer.storeBytes(
                of: right.storedWords, toByteOffset: 1 + TreeHash.byteCount, as: (UInt64, UInt64, UInt64, UInt64).self)
            var hasher = SHA256()
            unsafe hasher.update(bufferPointer: UnsafeRawBufferPointer(buffer))
            return hash(hasher.finalize())
        }
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
