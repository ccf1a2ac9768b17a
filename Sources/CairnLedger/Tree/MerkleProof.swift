/// Checks proofs as RFC 9162 writes the two algorithms down (sections 2.1.3.2 and 2.1.4.2). Nothing here trusts the
/// proof: its length is compared with what the numbers demand before a single hash is computed.
package enum MerkleProof {
    /// A tree has at most 2^64 leaves, so no honest proof is longer than a path and its turn-off.
    package static let hashesMax = 65

    /// Throws unless `proof` leads from `leaf` as entry `index` to `root` at `size`.
    package static func verifyInclusion(
        index: UInt64, size: UInt64, leaf: TreeHash, proof: [TreeHash], root: TreeHash
    ) throws(ProofError) {
        let computed = try self.root(index: index, size: size, leaf: leaf, proof: proof)
        guard computed == root else { throw .rootMismatch(expected: root, actual: computed) }
    }

    /// The root that `proof` leads to.
    package static func root(
        index: UInt64, size: UInt64, leaf: TreeHash, proof: [TreeHash]
    ) throws(ProofError) -> TreeHash {
        guard index < size else { throw .indexOutsideTree(index: index, size: size) }
        let length = inclusionLength(index: index, size: size)
        guard proof.count == length else { throw .wrongLength(expected: length, actual: proof.count) }
        var place = index
        var last = size - 1
        var root = leaf
        for hash in proof {
            if place & 1 == 1 || place == last {
                root = TreeHasher.node(hash, root)
                while place & 1 == 0, place != 0 {
                    place >>= 1
                    last >>= 1
                }
            } else {
                root = TreeHasher.node(root, hash)
            }
            place >>= 1
            last >>= 1
        }
        return root
    }

    /// Throws unless `proof` shows that the tree `oldRoot` of `old` leaves is a beginning of `newRoot` of `new` leaves.
    /// `old` is at least 1: with nothing before there is nothing to prove, and the caller has to say what it does then.
    package static func verifyConsistency(
        old: UInt64, new: UInt64, oldRoot: TreeHash, newRoot: TreeHash, proof: [TreeHash]
    ) throws(ProofError) {
        guard old > 0, old <= new else { throw .sizesOutOfOrder(old: old, new: new) }
        let length = consistencyLength(old: old, new: new)
        guard proof.count == length else { throw .wrongLength(expected: length, actual: proof.count) }
        if old == new {
            guard oldRoot == newRoot else { throw .rootMismatch(expected: newRoot, actual: oldRoot) }
            return
        }
        let isPowerOfTwo = old & (old - 1) == 0
        let hashes = isPowerOfTwo ? [oldRoot] + proof : proof
        var place = old - 1
        var last = new - 1
        while place & 1 == 1 {
            place >>= 1
            last >>= 1
        }
        var oldComputed = hashes[0]
        var newComputed = hashes[0]
        for hash in hashes.dropFirst() {
            if place & 1 == 1 || place == last {
                oldComputed = TreeHasher.node(hash, oldComputed)
                newComputed = TreeHasher.node(hash, newComputed)
                while place & 1 == 0, place != 0 {
                    place >>= 1
                    last >>= 1
                }
            } else {
                newComputed = TreeHasher.node(newComputed, hash)
            }
            place >>= 1
            last >>= 1
        }
        guard oldComputed == oldRoot else { throw .rootMismatch(expected: oldRoot, actual: oldComputed) }
        guard newComputed == newRoot else { throw .rootMismatch(expected: newRoot, actual: newComputed) }
    }

    /// How many hashes an inclusion proof has: the steps below the point where the paths of the entry and of the last
    /// entry part, and above it one for each time the path turns left.
    static func inclusionLength(index: UInt64, size: UInt64) -> Int {
        let inner = 64 - (index ^ (size - 1)).leadingZeroBitCount
        let border = inner == 64 ? 0 : (index >> UInt64(inner)).nonzeroBitCount
        return inner + border
    }

    static func consistencyLength(old: UInt64, new: UInt64) -> Int {
        if old == new { return 0 }
        let shift = UInt64(old.trailingZeroBitCount)
        let inclusion = inclusionLength(index: (old - 1) >> shift, size: ((new - 1) >> shift) + 1)
        return inclusion + (old & (old - 1) == 0 ? 0 : 1)
    }
}
