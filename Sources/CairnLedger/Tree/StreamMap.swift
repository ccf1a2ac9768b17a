/// Commits to which streams there are and how many events each has, so that a list of a stream's events can be shown
/// to be complete: the root of the tree (RFC 6962 hashing) over the pairs of stream and last revision, sorted by the
/// bytes of the stream's name.
///
/// The leaf of a pair is the name, a zero byte and the revision as eight bytes, big-endian. No name has a zero byte, so
/// no two pairs have one leaf.
package struct StreamMap: Sendable {
    package struct Pair: Sendable, Hashable {
        package var stream: String
        package var lastRevision: UInt64

        package init(stream: String, lastRevision: UInt64) {
            self.stream = stream
            self.lastRevision = lastRevision
        }

        package var leaf: [UInt8] {
            Array(stream.utf8) + [0] + (0..<8).map { UInt8(truncatingIfNeeded: lastRevision >> UInt64(56 - $0 * 8)) }
        }
    }

    /// What is published: the root, and of how many pairs.
    package struct Commitment: Sendable, Hashable {
        package var count: UInt64
        package var root: TreeHash

        package init(count: UInt64, root: TreeHash) {
            self.count = count
            self.root = root
        }
    }

    /// Shows one pair to be in the map.
    package struct Membership: Sendable, Hashable {
        package var pair: Pair
        package var index: UInt64
        package var hashes: [TreeHash]

        package init(pair: Pair, index: UInt64, hashes: [TreeHash]) {
            self.pair = pair
            self.index = index
            self.hashes = hashes
        }
    }

    /// Shows that a stream is not in the map: the pairs between which it would be. Both nil only in an empty map.
    package struct Absence: Sendable, Hashable {
        package var before: Membership?
        package var after: Membership?

        package init(before: Membership?, after: Membership?) {
            self.before = before
            self.after = after
        }
    }

    package let pairs: [Pair]
    private let tree: HashTree

    /// Sorts the pairs; each stream may be there once.
    package init(_ lastRevisions: some Sequence<(key: String, value: UInt64)>) {
        pairs = lastRevisions.map { Pair(stream: $0.key, lastRevision: $0.value) }
            .sorted { StreamMap.isBefore($0.stream, $1.stream) }
        precondition(
            zip(pairs, pairs.dropFirst()).allSatisfy { StreamMap.isBefore($0.stream, $1.stream) },
            "a stream is in the map twice")
        tree = HashTree(leaves: pairs.map { TreeHasher.leaf($0.leaf) })
    }

    package var commitment: Commitment { Commitment(count: tree.size, root: tree.root) }

    /// The proof that the stream is in the map, or nil if it is not.
    package func membership(of stream: String) throws -> Membership? {
        let index = firstIndex(notBefore: stream)
        guard index < pairs.count, pairs[index].stream == stream else { return nil }
        return try membership(at: index)
    }

    /// The proof that the stream is not in the map, or nil if it is.
    package func absence(of stream: String) throws -> Absence? {
        let index = firstIndex(notBefore: stream)
        guard index == pairs.count || pairs[index].stream != stream else { return nil }
        return Absence(
            before: index > 0 ? try membership(at: index - 1) : nil,
            after: index < pairs.count ? try membership(at: index) : nil)
    }

    private func membership(at index: Int) throws -> Membership {
        Membership(
            pair: pairs[index], index: UInt64(index),
            hashes: try tree.inclusionProof(index: UInt64(index), size: tree.size))
    }

    private func firstIndex(notBefore stream: String) -> Int {
        var low = 0
        var high = pairs.count
        while low < high {
            let middle = (low + high) / 2
            if StreamMap.isBefore(pairs[middle].stream, stream) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// By bytes, not by the collation that `String` compares with.
    static func isBefore(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}

extension StreamMap.Membership {
    package func verify(against commitment: StreamMap.Commitment) throws(ProofError) {
        try MerkleProof.verifyInclusion(
            index: index, size: commitment.count, leaf: TreeHasher.leaf(pair.leaf), proof: hashes,
            root: commitment.root)
    }
}

extension StreamMap.Absence {
    /// Throws unless the neighbours are in the map, beside each other, and the stream lies between them.
    package func verify(stream: String, against commitment: StreamMap.Commitment) throws(ProofError) {
        try before?.verify(against: commitment)
        try after?.verify(against: commitment)
        let next = before.map { $0.index + 1 } ?? 0
        guard next == after?.index ?? commitment.count else {
            throw .indexOutsideTree(index: next, size: commitment.count)
        }
        if let before, !StreamMap.isBefore(before.pair.stream, stream) {
            throw .indexOutsideTree(index: before.index, size: commitment.count)
        }
        if let after, !StreamMap.isBefore(stream, after.pair.stream) {
            throw .indexOutsideTree(index: after.index, size: commitment.count)
        }
    }
}
