/// A tree that grows by appends and lives in tiles: in memory are only the tiles of the right edge that are not full
/// yet, at most 255 hashes for each of eight levels. Full tiles are handed out once, when they become full.
package struct TileTree: Sendable {
    package private(set) var size: UInt64 = 0
    /// `edge[l]` are the hashes of the partial tile of level l.
    private var edge: [[TreeHash]] = []

    package init() {}

    /// Goes on from stored tiles.
    /// - Parameter readTile: the hashes of a partial tile of the right edge; it must return as many as the tile is wide.
    package init(size: UInt64, readTile: (Tile) throws -> [TreeHash]) throws {
        self.size = size
        for level in 0...Tile.levelMax where size >> UInt64(level * Tile.height) > 0 {
            let width = Tile.partialWidth(level: level, size: size)
            guard width > 0 else {
                edge.append([])
                continue
            }
            let index = size >> UInt64(level * Tile.height) / 256
            let hashes = try readTile(Tile(kind: .hashes(level: level), index: index, width: width))
            guard hashes.count == width else {
                throw ProofError.missingHash(level: level * Tile.height, index: index * 256 + UInt64(hashes.count))
            }
            edge.append(hashes)
        }
    }

    /// - Parameter onFullTile: called with each tile that this leaf completes, the lowest level first.
    package mutating func append(_ leaf: TreeHash, onFullTile: (Tile, [TreeHash]) throws -> Void) rethrows {
        var hash = leaf
        var level = 0
        while true {
            if edge.count == level { edge.append([]) }
            edge[level].append(hash)
            guard edge[level].count == Tile.widthMax else { break }
            let index = size >> UInt64((level + 1) * Tile.height)
            try onFullTile(Tile(kind: .hashes(level: level), index: index), edge[level])
            hash = TileTree.root(of: edge[level])
            edge[level].removeAll(keepingCapacity: true)
            level += 1
        }
        size += 1
    }

    /// The partial tiles of the right edge with their hashes, the lowest level first.
    package var partialTiles: [(tile: Tile, hashes: [TreeHash])] {
        edge.enumerated().compactMap { level, hashes in
            guard !hashes.isEmpty else { return nil }
            let index = size >> UInt64((level + 1) * Tile.height)
            return (Tile(kind: .hashes(level: level), index: index, width: hashes.count), hashes)
        }
    }

    package var frontier: TreeFrontier {
        var hashes: [TreeHash] = []
        for level in edge.reversed() { hashes.append(contentsOf: TileTree.perfectSubtrees(level)) }
        guard let frontier = TreeFrontier(size: size, hashes: hashes) else {
            preconditionFailure("one hash for each bit of \(size)")
        }
        return frontier
    }

    package var root: TreeHash { frontier.root }

    /// The root of a power of two of hashes.
    static func root(of hashes: [TreeHash]) -> TreeHash {
        var level = hashes
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: 2).map { TreeHasher.node(level[$0], level[$0 + 1]) }
        }
        return level[0]
    }

    /// The roots of the perfect subtrees that the hashes make, from left to right.
    private static func perfectSubtrees(_ hashes: [TreeHash]) -> [TreeHash] {
        var frontier = TreeFrontier()
        for hash in hashes { frontier.append(hash) }
        return frontier.hashes
    }
}

/// Reads the hashes of a tree from its tiles, and computes those between the tiles.
package struct TileHashSource: HashSource {
    package let size: UInt64
    private let readTile: (Tile) throws -> [TreeHash]

    /// - Parameter readTile: the hashes of a tile of the tree of `size` leaves, as wide as it is there or wider. It is
    ///   called again for each use: whoever reads from disk keeps the tiles it read.
    package init(size: UInt64, readTile: @escaping (Tile) throws -> [TreeHash]) {
        self.size = size
        self.readTile = readTile
    }

    package func hash(level: Int, index: UInt64) throws -> TreeHash {
        let tileLevel = level / Tile.height
        let inner = level % Tile.height
        guard tileLevel <= Tile.levelMax else { throw ProofError.missingHash(level: level, index: index) }
        let first = index << UInt64(inner)
        let tileIndex = first / 256
        let hashesAtLevel = size >> UInt64(tileLevel * Tile.height)
        let count = 1 << inner
        guard hashesAtLevel > first, hashesAtLevel - first >= UInt64(count) else {
            throw ProofError.missingHash(level: level, index: index)
        }
        let width = Int(min(256, hashesAtLevel - tileIndex * 256))
        let hashes = try readTile(Tile(kind: .hashes(level: tileLevel), index: tileIndex, width: width))
        let place = Int(first % 256)
        guard hashes.count >= place + count else { throw ProofError.missingHash(level: level, index: index) }
        return TileTree.root(of: Array(hashes[place..<place + count]))
    }
}
