/// Where the hashes of perfect subtrees come from: memory, or tiles on disk. Every root and every proof is computed
/// from these alone.
package protocol HashSource {
    /// How many leaves the source has.
    var size: UInt64 { get }

    /// The root of the `index`-th subtree of 2^level leaves, all of which are below `size`.
    func hash(level: Int, index: UInt64) throws -> TreeHash
}

extension HashSource {
    /// The root of the tree of the first `size` leaves.
    package func root(at size: UInt64) throws -> TreeHash {
        try check(size)
        return size == 0 ? TreeHasher.emptyRoot : try subtree(0, size)
    }

    /// The frontier of the tree of the first `size` leaves, to go on appending from there.
    package func frontier(at size: UInt64) throws -> TreeFrontier {
        try check(size)
        var hashes: [TreeHash] = []
        var start: UInt64 = 0
        while start < size {
            let level = HashSourceMath.largestLevel(below: size - start)
            hashes.append(try hash(level: level, index: start >> UInt64(level)))
            start += 1 << UInt64(level)
        }
        guard let frontier = TreeFrontier(size: size, hashes: hashes) else {
            preconditionFailure("one hash for each bit of \(size)")
        }
        return frontier
    }

    /// The hashes that lead from entry `index` to the root at `size`, the one beside the leaf first (RFC 9162, section
    /// 2.1.3.1).
    package func inclusionProof(index: UInt64, size: UInt64) throws -> [TreeHash] {
        try check(size)
        guard index < size else { throw ProofError.indexOutsideTree(index: index, size: size) }
        var proof: [TreeHash] = []
        var start: UInt64 = 0
        var end = size
        // From the root down; the proof wants the leaf's side first.
        while end - start > 1 {
            let middle = start + HashSourceMath.split(end - start)
            if index < middle {
                proof.append(try subtree(middle, end))
                end = middle
            } else {
                proof.append(try subtree(start, middle))
                start = middle
            }
        }
        return proof.reversed()
    }

    /// The hashes that show that the tree of `old` leaves is a beginning of the one of `new` (RFC 9162, section
    /// 2.1.4.1).
    package func consistencyProof(old: UInt64, new: UInt64) throws -> [TreeHash] {
        try check(new)
        guard old > 0, old <= new else { throw ProofError.sizesOutOfOrder(old: old, new: new) }
        var proof: [TreeHash] = []
        var start: UInt64 = 0
        var end = new
        var isWholeOldTree = true
        while old != end {
            let middle = start + HashSourceMath.split(end - start)
            if old <= middle {
                proof.append(try subtree(middle, end))
                end = middle
            } else {
                proof.append(try subtree(start, middle))
                start = middle
                isWholeOldTree = false
            }
        }
        if !isWholeOldTree { proof.append(try subtree(start, end)) }
        return proof.reversed()
    }

    private func check(_ size: UInt64) throws {
        guard size <= self.size else { throw ProofError.sizeNotReached(size: size, known: self.size) }
    }

    /// The root over `start..<end`, where `start` is a multiple of the smallest power of two that covers the range, as
    /// it is for every range the recursion of RFC 6962 meets.
    private func subtree(_ start: UInt64, _ end: UInt64) throws -> TreeHash {
        var parts: [TreeHash] = []
        var start = start
        while start < end {
            let level = HashSourceMath.largestLevel(below: end - start)
            parts.append(try hash(level: level, index: start >> UInt64(level)))
            start += 1 << UInt64(level)
        }
        guard var root = parts.popLast() else { preconditionFailure("a subtree has at least one leaf") }
        while let left = parts.popLast() { root = TreeHasher.node(left, root) }
        return root
    }
}

enum HashSourceMath {
    /// The largest level with 2^level <= count.
    static func largestLevel(below count: UInt64) -> Int { 63 - count.leadingZeroBitCount }

    /// The largest power of two below `count`, which is at least 2.
    static func split(_ count: UInt64) -> UInt64 { 1 << UInt64(63 - (count - 1).leadingZeroBitCount) }
}
