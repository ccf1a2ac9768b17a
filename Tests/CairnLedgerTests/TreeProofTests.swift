import CairnBytes
import CairnLedger
import CairnTestSupport
import Testing

/// RFC 6962, section 2.1, word for word: slow, and hard to get wrong.
private enum Definition {
    static func split(_ count: Int) -> Int {
        var power = 1
        while power * 2 < count { power *= 2 }
        return power
    }

    static func root(_ leaves: ArraySlice<TreeHash>) -> TreeHash {
        guard let first = leaves.first else { return TreeHasher.emptyRoot }
        if leaves.count == 1 { return first }
        let middle = leaves.startIndex + split(leaves.count)
        return TreeHasher.node(root(leaves[..<middle]), root(leaves[middle...]))
    }

    static func path(_ index: Int, _ leaves: ArraySlice<TreeHash>) -> [TreeHash] {
        if leaves.count == 1 { return [] }
        let half = split(leaves.count)
        let middle = leaves.startIndex + half
        return index < half
            ? path(index, leaves[..<middle]) + [root(leaves[middle...])]
            : path(index - half, leaves[middle...]) + [root(leaves[..<middle])]
    }

    static func subproof(_ old: Int, _ leaves: ArraySlice<TreeHash>, _ isWhole: Bool) -> [TreeHash] {
        if old == leaves.count { return isWhole ? [] : [root(leaves)] }
        let half = split(leaves.count)
        let middle = leaves.startIndex + half
        return old <= half
            ? subproof(old, leaves[..<middle], isWhole) + [root(leaves[middle...])]
            : subproof(old - half, leaves[middle...], false) + [root(leaves[..<middle])]
    }
}

private func hash(_ hex: String) throws -> TreeHash {
    let bytes = try #require(Hex.bytes(hex))
    return try #require(TreeHash(bytes))
}

@Suite struct TreeProofTests {
    static let classicEntries = [
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    ]
    static let classicRoots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]

    @Test func theEightClassicLeavesHaveTheirRoots() throws {
        var tree = HashTree()
        var frontier = TreeFrontier()
        var tiles = TileTree()
        for (size, root) in Self.classicRoots.enumerated() {
            let root = try hash(root)
            #expect(tree.root == root)
            #expect(frontier.root == root)
            #expect(tiles.root == root)
            guard size < Self.classicEntries.count else { break }
            let entry = try #require(Hex.bytes(Self.classicEntries[size]))
            let leaf = TreeHasher.leaf(entry)
            tree.append(leaf)
            frontier.append(leaf)
            tiles.append(leaf) { _, _ in Issue.record("no tile is full at 8 leaves") }
        }
    }

    @Test func leavesAndNodesHaveTheirPrefixes() throws {
        #expect(
            TreeHasher.leaf(Array("L123456".utf8))
                == (try hash("395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56")))
        // The vector's node is over texts that are no hashes, so it is computed from the parts.
        #expect(
            TreeHasher.sha256([1] + Array("N123N456".utf8))
                == (try hash("aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb")))
        let left = TreeHasher.leaf([1])
        let right = TreeHasher.leaf([2])
        #expect(TreeHasher.node(left, right) == TreeHasher.sha256([1] + left.bytes + right.bytes))
        #expect(TreeHash(left.bytes) == left)
        #expect(TreeHash(base64: left.base64) == left)
        #expect(TreeHash([1, 2, 3]) == nil)
        #expect(TreeHash.list(left.bytes + right.bytes) == [left, right])
        #expect(TreeHash.list(left.bytes + [0]) == nil)
    }

    @Test func everySmallTreeFollowsTheDefinition() throws {
        let leaves = (0..<70).map { TreeHasher.leaf([UInt8($0)]) }
        let tree = HashTree(leaves: leaves)
        var frontier = TreeFrontier()
        for size in 0...leaves.count {
            let count = UInt64(size)
            let root = Definition.root(leaves[..<size])
            #expect(try tree.root(at: count) == root)
            #expect(try tree.frontier(at: count) == frontier)
            #expect(frontier.root == root)
            #expect(TreeFrontier(size: count, hashes: frontier.hashes) == frontier)
            for index in 0..<size {
                let proof = try tree.inclusionProof(index: UInt64(index), size: count)
                #expect(proof == Definition.path(index, leaves[..<size]))
                try MerkleProof.verifyInclusion(
                    index: UInt64(index), size: count, leaf: leaves[index], proof: proof, root: root)
            }
            for old in 1..<max(1, size + 1) {
                let proof = try tree.consistencyProof(old: UInt64(old), new: count)
                #expect(proof == Definition.subproof(old, leaves[..<size], true))
                try MerkleProof.verifyConsistency(
                    old: UInt64(old), new: count, oldRoot: Definition.root(leaves[..<old]), newRoot: root,
                    proof: proof)
            }
            if size < leaves.count { frontier.append(leaves[size]) }
        }
    }

    @Test(arguments: 0..<12 as Range<UInt64>)
    func largeTreesProveFromTilesAsFromMemory(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let size = UInt64.random(in: 1...5000, using: &random)
        let leaves = (0..<size).map { TreeHasher.leaf(Array("\(seed) \($0)".utf8)) }
        let tree = HashTree(leaves: leaves)
        var tiles = TileTree()
        var stored: [String: [TreeHash]] = [:]
        for leaf in leaves { tiles.append(leaf) { stored[$0.path] = $1 } }
        for (tile, hashes) in tiles.partialTiles { stored[tile.path] = hashes }
        let read = { (tile: Tile) in try #require(stored[tile.path], "\(tile.path) is missing") }
        let source = TileHashSource(size: size, readTile: read)
        #expect(tiles.root == tree.root, "seed \(seed)")
        #expect(try source.frontier(at: size) == tiles.frontier, "seed \(seed)")
        #expect(try TileTree(size: size, readTile: read).root == tree.root, "seed \(seed)")
        for _ in 0..<20 {
            let some = UInt64.random(in: 1...size, using: &random)
            let index = UInt64.random(in: 0..<some, using: &random)
            let root = try source.root(at: some)
            #expect(root == Definition.root(leaves[..<Int(some)]), "seed \(seed)")
            let inclusion = try source.inclusionProof(index: index, size: some)
            #expect(inclusion == (try tree.inclusionProof(index: index, size: some)), "seed \(seed)")
            try MerkleProof.verifyInclusion(
                index: index, size: some, leaf: leaves[Int(index)], proof: inclusion, root: root)
            let consistency = try source.consistencyProof(old: some, new: size)
            #expect(consistency == (try tree.consistencyProof(old: some, new: size)), "seed \(seed)")
            try MerkleProof.verifyConsistency(
                old: some, new: size, oldRoot: root, newRoot: tree.root, proof: consistency)
        }
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func aProofHoldsForNothingElse(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let size = UInt64.random(in: 2...300, using: &random)
        let tree = HashTree(leaves: (0..<size).map { TreeHasher.leaf([UInt8($0 & 255), UInt8($0 >> 8)]) })
        let index = UInt64.random(in: 0..<size, using: &random)
        let leaf = try tree.hash(level: 0, index: index)
        let proof = try tree.inclusionProof(index: index, size: size)
        func fails(_ index: UInt64, _ size: UInt64, _ leaf: TreeHash, _ proof: [TreeHash], _ root: TreeHash) {
            #expect(throws: ProofError.self, "seed \(seed)") {
                try MerkleProof.verifyInclusion(index: index, size: size, leaf: leaf, proof: proof, root: root)
            }
        }
        fails(index ^ 1, size, leaf, proof, tree.root)
        fails(size, size, leaf, proof, tree.root)
        fails(index, 0, leaf, proof, tree.root)
        fails(index, size, leaf, proof + [leaf], tree.root)
        fails(index, size, leaf, Array(proof.dropLast()), tree.root)
        fails(index, size, TreeHasher.leaf([]), proof, tree.root)
        fails(index, size, leaf, proof, leaf)
        fails(index, UInt64.max, leaf, proof, tree.root)
        let flipped = Int.random(in: 0..<proof.count, using: &random)
        var altered = proof
        var bytes = altered[flipped].bytes
        bytes[Int.random(in: 0..<32, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        altered[flipped] = try #require(TreeHash(bytes))
        fails(index, size, leaf, altered, tree.root)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func aForkIsNotConsistent(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let size = UInt64.random(in: 2...300, using: &random)
        let old = UInt64.random(in: 1..<size, using: &random)
        let tree = HashTree(leaves: (0..<size).map { TreeHasher.leaf([UInt8($0 & 255), UInt8($0 >> 8)]) })
        let changed = UInt64.random(in: 0..<old, using: &random)
        let fork = HashTree(
            leaves: (0..<size).map { TreeHasher.leaf([UInt8($0 & 255), UInt8($0 >> 8)] + ($0 == changed ? [1] : [])) })
        let oldRoot = try tree.root(at: old)
        for proof in [
            try tree.consistencyProof(old: old, new: size), try fork.consistencyProof(old: old, new: size), [],
            [oldRoot],
        ] {
            #expect(throws: ProofError.self, "seed \(seed)") {
                try MerkleProof.verifyConsistency(
                    old: old, new: size, oldRoot: oldRoot, newRoot: fork.root, proof: proof)
            }
        }
        #expect(throws: ProofError.self, "seed \(seed)") {
            try MerkleProof.verifyConsistency(
                old: size, new: size, oldRoot: tree.root, newRoot: fork.root, proof: [])
        }
    }

    @Test func numbersOutsideTheTreeAreRefused() throws {
        let tree = HashTree(leaves: [TreeHasher.leaf([1]), TreeHasher.leaf([2])])
        #expect(throws: ProofError.indexOutsideTree(index: 2, size: 2)) { try tree.inclusionProof(index: 2, size: 2) }
        #expect(throws: ProofError.sizeNotReached(size: 3, known: 2)) { try tree.inclusionProof(index: 2, size: 3) }
        #expect(throws: ProofError.sizesOutOfOrder(old: 0, new: 2)) { try tree.consistencyProof(old: 0, new: 2) }
        #expect(throws: ProofError.sizesOutOfOrder(old: 2, new: 1)) { try tree.consistencyProof(old: 2, new: 1) }
        #expect(throws: ProofError.sizeNotReached(size: 3, known: 2)) { try tree.root(at: 3) }
        #expect(throws: ProofError.sizesOutOfOrder(old: 0, new: 2)) {
            try MerkleProof.verifyConsistency(
                old: 0, new: 2, oldRoot: TreeHasher.emptyRoot, newRoot: tree.root, proof: [])
        }
        for sizes in [(UInt64.max, UInt64.max), (1, UInt64.max), (1 << 63, UInt64.max), (UInt64.max - 1, UInt64.max)] {
            #expect(throws: ProofError.self) {
                try MerkleProof.verifyConsistency(
                    old: sizes.0, new: sizes.1, oldRoot: tree.root, newRoot: TreeHasher.emptyRoot,
                    proof: [tree.root])
            }
        }
        #expect(TreeFrontier(size: 3, hashes: [tree.root]) == nil)
    }
}
