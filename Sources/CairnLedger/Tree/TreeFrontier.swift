/// The least that is needed to go on appending to a tree: the roots of its perfect subtrees, the largest first, one
/// for each bit that is set in the size. At most 64 hashes, whatever the size.
package struct TreeFrontier: Sendable, Hashable {
    package private(set) var size: UInt64
    /// The roots of the perfect subtrees from left to right.
    package private(set) var hashes: [TreeHash]

    package init() {
        size = 0
        hashes = []
    }

    /// Nil if the count of hashes does not fit the size.
    package init?(size: UInt64, hashes: [TreeHash]) {
        guard hashes.count == size.nonzeroBitCount else { return nil }
        self.size = size
        self.hashes = hashes
    }

    package mutating func append(_ leaf: TreeHash) {
        var hash = leaf
        var rest = size
        while rest & 1 == 1 {
            hash = TreeHasher.node(hashes.removeLast(), hash)
            rest >>= 1
        }
        hashes.append(hash)
        size += 1
    }

    package var root: TreeHash {
        guard var root = hashes.last else { return TreeHasher.emptyRoot }
        for hash in hashes.dropLast().reversed() { root = TreeHasher.node(hash, root) }
        return root
    }
}
