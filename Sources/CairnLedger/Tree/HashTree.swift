/// A whole tree in memory: every hash of every perfect subtree, 64 bytes for each leaf. For tests, small ledgers and
/// exports; a large ledger reads its tiles.
package struct HashTree: Sendable, HashSource {
    /// `levels[l][i]` is the root of the i-th subtree of 2^l leaves.
    private var levels: [[TreeHash]] = []

    package init() {}

    package init(leaves: some Sequence<TreeHash>) {
        for leaf in leaves { append(leaf) }
    }

    package var size: UInt64 { UInt64(levels.first?.count ?? 0) }

    package var root: TreeHash {
        var root: TreeHash?
        for level in levels where !level.count.isMultiple(of: 2) {
            guard let last = level.last else { continue }
            root = root.map { TreeHasher.node(last, $0) } ?? last
        }
        return root ?? TreeHasher.emptyRoot
    }

    package mutating func append(_ leaf: TreeHash) {
        var hash = leaf
        var level = 0
        while true {
            if levels.count == level { levels.append([]) }
            levels[level].append(hash)
            let count = levels[level].count
            guard count.isMultiple(of: 2) else { return }
            hash = TreeHasher.node(levels[level][count - 2], hash)
            level += 1
        }
    }

    package func hash(level: Int, index: UInt64) throws(ProofError) -> TreeHash {
        guard level >= 0, level < levels.count, index < UInt64(levels[level].count) else {
            throw .missingHash(level: level, index: index)
        }
        return levels[level][Int(index)]
    }
}
