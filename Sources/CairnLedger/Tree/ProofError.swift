/// Why a Merkle proof cannot be made or does not hold.
package enum ProofError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The entry is not below the size of the tree.
    case indexOutsideTree(index: UInt64, size: UInt64)
    /// The older size is zero or above the newer one.
    case sizesOutOfOrder(old: UInt64, new: UInt64)
    /// The tree has not grown to this size yet.
    case sizeNotReached(size: UInt64, known: UInt64)
    /// A proof for these numbers has another count of hashes.
    case wrongLength(expected: Int, actual: Int)
    /// The hashes do not lead to the root.
    case rootMismatch(expected: TreeHash, actual: TreeHash)
    /// Hashes that are needed are not there: pruned, or never written.
    case missingHash(level: Int, index: UInt64)

    package var description: String {
        switch self {
        case .indexOutsideTree(let index, let size):
            "cannot prove entry \(index): the tree has \(size) entries, numbered from 0"
        case .sizesOutOfOrder(let old, let new):
            "cannot prove that a tree of \(new) entries contains one of \(old): the old size must be 1 to \(new)"
        case .sizeNotReached(let size, let known):
            "cannot use the tree at size \(size): it has \(known) entries"
        case .wrongLength(let expected, let actual):
            "the proof has \(actual) hashes where \(expected) belong: it is for another entry or another size"
        case .rootMismatch(let expected, let actual):
            "the proof leads to root \(actual) instead of \(expected): entry, proof or checkpoint was altered"
        case .missingHash(let level, let index):
            "cannot compute the proof: hash \(index) of tree level \(level) is missing"
        }
    }
}
