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

    /// Leaves that are hashed by one core at a time; a power of two.
    private static let leavesPerPart = 1024

    /// The same for many leaves, on all cores.
    package mutating func append(contentsOf leaves: ArraySlice<TreeHash>) {
        var rest = leaves
        while let leaf = rest.first, size % UInt64(TreeFrontier.leavesPerPart) != 0 {
            append(leaf)
            rest.removeFirst()
        }
        let part = TreeFrontier.leavesPerPart
        let whole = rest
        let roots = Parallel.map(whole.count / part) { index in
            let start = whole.startIndex + index * part
            return TreeFrontier.root(ofPerfect: whole[start..<start + part])
        }
        for root in roots { append(subtree: root, leafCount: UInt64(part)) }
        for leaf in rest.dropFirst(roots.count * part) { append(leaf) }
    }

    /// The root over a power of two of leaves.
    private static func root(ofPerfect leaves: ArraySlice<TreeHash>) -> TreeHash {
        var level = Array(leaves)
        while level.count > 1 {
            for index in 0..<level.count / 2 {
                level[index] = TreeHasher.node(level[2 * index], level[2 * index + 1])
            }
            level.removeLast(level.count / 2)
        }
        return level[0]
    }

    /// - Parameter leafCount: a power of two that divides the size.
    private mutating func append(subtree root: TreeHash, leafCount: UInt64) {
        var hash = root
        var rest = size / leafCount
        while rest & 1 == 1 {
            hash = TreeHasher.node(hashes.removeLast(), hash)
            rest >>= 1
        }
        hashes.append(hash)
        size += leafCount
    }

    package var root: TreeHash {
        guard var root = hashes.last else { return TreeHasher.emptyRoot }
        for hash in hashes.dropLast().reversed() { root = TreeHasher.node(hash, root) }
        return root
    }
}
