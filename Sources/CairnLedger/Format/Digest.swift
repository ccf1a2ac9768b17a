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

    static func identity(source: [UInt8], id: [UInt8]) -> UInt64 { identity(source: source[...], id: id[...]) }

    static func identity(source: ArraySlice<UInt8>, id: ArraySlice<UInt8>) -> UInt64 {
        // Joined first: one call of the hash, and most often one block.
        unsafe withUnsafeTemporaryAllocation(byteCount: 4 + source.count + id.count, alignment: 4) { buffer in
            unsafe buffer.storeBytes(of: UInt32(truncatingIfNeeded: source.count).littleEndian, as: UInt32.self)
            unsafe source.withUnsafeBytes { source in
                unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[4...]).copyMemory(from: source)
            }
            unsafe id.withUnsafeBytes { id in
                unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[(4 + source.count)...]).copyMemory(from: id)
            }
            var hasher = SHA256()
            unsafe hasher.update(bufferPointer: UnsafeRawBufferPointer(buffer))
            return short(TreeHasher.hash(hasher.finalize()))
        }
    }

    static func stream(_ name: String) -> UInt64 { short(sha256(Array(name.utf8)[...])) }
}
