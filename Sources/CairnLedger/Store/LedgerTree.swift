internal import Synchronization

/// The hashes of the tree: from the leaves of the open segment in memory, from tiles, and where there are none from the
/// entries.
struct LedgerTree {
    let sealed: [SealedSegment]
    private let openStart: UInt64
    private let openLeaves: [TreeHash]
    private let openFrontier: TreeFrontier

    init(view: borrowing LedgerView) {
        sealed = view.sealed
        openFrontier = view.open?.frontier ?? view.sealed.last?.frontier ?? TreeFrontier()
        openStart = view.open?.header.firstPosition ?? openFrontier.size
        openLeaves = view.open?.leaves ?? []
    }

    var size: UInt64 { openFrontier.size }
    var frontier: TreeFrontier { openFrontier }

    /// The frontier of the tree over the first `size` entries.
    func frontier(at size: UInt64) throws -> TreeFrontier {
        guard size <= openFrontier.size else { throw ProofError.sizeNotReached(size: size, known: openFrontier.size) }
        if size == openFrontier.size { return openFrontier }
        var frontier = sealed.last { $0.endPosition <= size }?.frontier ?? TreeFrontier()
        frontier.append(contentsOf: try leaves(frontier.size..<size)[...])
        return frontier
    }

    /// The leaf hashes of a range of positions.
    func leaves(_ range: Range<UInt64>) throws -> [TreeHash] {
        var leaves: [TreeHash] = []
        leaves.reserveCapacity(Int(range.upperBound - range.lowerBound))
        var position = range.lowerBound
        var snapshot = LedgerView()
        snapshot.sealed = sealed
        while position < min(range.upperBound, openStart) {
            let start = position
            position = try snapshot.cursor(at: position).forEachFrame(to: range.upperBound) { frame in
                for (index, entry) in frame.ranges.enumerated() {
                    let place = frame.firstPosition + UInt64(index)
                    guard place >= start, place < range.upperBound else { continue }
                    leaves.append(TreeHasher.leaf(frame.payload[entry]))
                }
            }
        }
        if position < range.upperBound {
            guard range.upperBound - openStart <= UInt64(openLeaves.count) else {
                throw ProofError.missingHash(level: 0, index: range.upperBound)
            }
            leaves += openLeaves[Int(position - openStart)..<Int(range.upperBound - openStart)]
        }
        return leaves
    }
}

/// Tiles in memory, by level and index.
final class TileCache: Sendable {
    private struct Key: Hashable {
        var level: Int
        var index: UInt64
    }

    /// 8 KiB each.
    private static let tilesMax = 2048
    private let state = Mutex<(tiles: [Key: [TreeHash]], ignoresDisk: Bool)>(([:], false))

    func tile(level: Int, index: UInt64) -> [TreeHash]? {
        state.withLock { $0.tiles[Key(level: level, index: index)] }
    }

    func keep(_ hashes: [TreeHash], level: Int, index: UInt64) {
        state.withLock { state in
            if state.tiles.count >= TileCache.tilesMax { state.tiles.removeAll(keepingCapacity: true) }
            state.tiles[Key(level: level, index: index)] = hashes
        }
    }

    var ignoresDisk: Bool { state.withLock { $0.ignoresDisk } }

    /// The tiles on disk gave a wrong root: from now on they are computed from the entries.
    func distrustDisk() {
        state.withLock { state in
            state.tiles = [:]
            state.ignoresDisk = true
        }
    }
}

extension Ledger {
    /// The hashes of the tree of `size` entries.
    func hashSource(_ tree: LedgerTree, size: UInt64) -> TileHashSource {
        TileHashSource(size: size) { tile in try self.hashes(of: tile, tree) }
    }

    private func hashes(of tile: Tile, _ tree: LedgerTree) throws -> [TreeHash] {
        guard case .hashes(let level) = tile.kind else { preconditionFailure("a hash source reads no entries") }
        if tile.isFull {
            if let known = tiles.tile(level: level, index: tile.index) { return known }
            if !tiles.ignoresDisk, let stored = try storedTile(tile) {
                tiles.keep(stored, level: level, index: tile.index)
                return stored
            }
        }
        let first = tile.index * UInt64(Tile.widthMax)
        let hashes: [TreeHash]
        if level == 0 {
            hashes = try tree.leaves(first..<first + UInt64(tile.width))
        } else {
            hashes = try (0..<UInt64(tile.width)).map { place in
                let below = Tile(kind: .hashes(level: level - 1), index: first + place)
                return TileTree.root(of: try self.hashes(of: below, tree))
            }
        }
        if tile.isFull { tiles.keep(hashes, level: level, index: tile.index) }
        return hashes
    }

    private func storedTile(_ tile: Tile) throws -> [TreeHash]? {
        let file: any DiskFile
        do throws(DiskError) { file = try disk.open(self.file(tile.path), .read) } catch {
            if error.reason == .notFound || error.reason == .notFolder { return nil }
            throw error
        }
        defer { file.close() }
        let wanted = Tile.widthMax * TreeHash.byteCount
        let bytes = try file.read(at: 0, count: wanted + 1)
        guard bytes.count == wanted else { return nil }
        return TreeHash.list(bytes)
    }

    /// Writes the full tiles of the tree of `size` entries that are not on disk yet. They are not synced: whoever uses
    /// one checks what it gives, and they can be computed again.
    func writeTiles(_ tree: LedgerTree, size: UInt64, _ writer: inout WriterState) throws {
        let full = size / UInt64(Tile.widthMax)
        var next = writer.tilesWritten ?? full
        if writer.tilesWritten == nil {
            while next > 0 {
                let path = file(Tile(kind: .hashes(level: 0), index: next - 1).path)
                if try disk.kind(of: path) != nil { break }
                next -= 1
            }
        }
        while next < full {
            var level = 0
            var index = next
            while true {
                let tile = Tile(kind: .hashes(level: level), index: index)
                try write(tile, hashes(of: tile, tree), &writer)
                guard index % 256 == 255, level < Tile.levelMax else { break }
                index /= 256
                level += 1
            }
            next += 1
            writer.tilesWritten = next
        }
        writer.tilesWritten = next
    }

    private func write(_ tile: Tile, _ hashes: [TreeHash], _ writer: inout WriterState) throws {
        let name = tile.path
        var folder = ""
        for part in name.split(separator: "/").dropLast() {
            folder += folder.isEmpty ? String(part) : "/\(part)"
            guard writer.tileFolders.insert(folder).inserted, try disk.kind(of: file(folder)) == nil else { continue }
            try disk.createFolder(file(folder))
        }
        let stored = try disk.open(
            file(name), .readWriteCreate(permissions: DiskOpenMode.ledgerPermissions))
        defer { stored.close() }
        try stored.writeAll(TreeHash.bytes(of: hashes), at: 0)
    }
}
