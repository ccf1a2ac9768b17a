internal import CairnBytes

/// A SHA-256 value in the tree: four words instead of an array, so that ten million of them are one block of memory.
package struct TreeHash: Sendable, Hashable, CustomStringConvertible {
    package static let byteCount = 32

    // The bytes in order, eight to a word, the first in the highest bits.
    fileprivate var word0: UInt64
    fileprivate var word1: UInt64
    fileprivate var word2: UInt64
    fileprivate var word3: UInt64

    /// Nil unless there are exactly 32 bytes.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == TreeHash.byteCount else { return nil }
        self.init(checked: bytes)
    }

    init(checked bytes: some Sequence<UInt8>) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var place = 0
        for byte in bytes {
            switch place >> 3 {
            case 0: words.0 = words.0 << 8 | UInt64(byte)
            case 1: words.1 = words.1 << 8 | UInt64(byte)
            case 2: words.2 = words.2 << 8 | UInt64(byte)
            default: words.3 = words.3 << 8 | UInt64(byte)
            }
            place += 1
        }
        precondition(place == TreeHash.byteCount, "a hash has 32 bytes, not \(place)")
        (word0, word1, word2, word3) = words
    }

    init(bigEndianWords words: (UInt64, UInt64, UInt64, UInt64)) {
        (word0, word1, word2, word3) = words
    }

    /// The words as they lie in memory when the hash is written out.
    var storedWords: (UInt64, UInt64, UInt64, UInt64) {
        (word0.bigEndian, word1.bigEndian, word2.bigEndian, word3.bigEndian)
    }

    /// In the place of one that is not computed yet.
    static let zero = TreeHash(bigEndianWords: (0, 0, 0, 0))

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(TreeHash.byteCount)
        append(to: &bytes)
        return bytes
    }

    package func append(to bytes: inout [UInt8]) {
        for word in [word0, word1, word2, word3] {
            for shift in stride(from: UInt64(56), through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
    }

    /// The first eight bytes as a number: a short key for sorted tables.
    var firstWord: UInt64 { word0 }

    package var base64: String { Base64.string(bytes) }

    /// Hexadecimal, as people compare roots.
    package var description: String { Hex.string(bytes) }

    /// The hash whose padded base64 this is, or nil.
    package init?(base64 text: some StringProtocol) {
        guard let bytes = Base64.bytes(Array(text.utf8)) else { return nil }
        self.init(bytes)
    }

    /// The hashes that follow each other in `bytes`, or nil if a part of one is left over.
    package static func list(_ bytes: [UInt8]) -> [TreeHash]? {
        guard bytes.count.isMultiple(of: byteCount) else { return nil }
        return stride(from: 0, to: bytes.count, by: byteCount).map {
            TreeHash(checked: bytes[$0..<$0 + byteCount])
        }
    }

    package static func bytes(of hashes: some Sequence<TreeHash>) -> [UInt8] {
        var bytes: [UInt8] = []
        for hash in hashes { hash.append(to: &bytes) }
        return bytes
    }
}

extension TreeHash: Comparable {
    /// By bytes.
    package static func < (left: TreeHash, right: TreeHash) -> Bool {
        if left.word0 != right.word0 { return left.word0 < right.word0 }
        if left.word1 != right.word1 { return left.word1 < right.word1 }
        if left.word2 != right.word2 { return left.word2 < right.word2 }
        return left.word3 < right.word3
    }
}
