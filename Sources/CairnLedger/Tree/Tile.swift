/// One stored file of a log as `c2sp.org/tlog-tiles` cuts it: 256 hashes of one level, or the 256 entries below them.
package struct Tile: Sendable, Hashable {
    /// Levels of the tree in one tile.
    package static let height = 8
    /// Hashes or entries in a full tile.
    package static let widthMax = 256
    /// 256^8 leaves are the whole range of a position.
    package static let levelMax = 7

    package enum Kind: Sendable, Hashable {
        /// Hashes of subtrees of 256^level leaves each.
        case hashes(level: Int)
        case entries
    }

    package var kind: Kind
    package var index: UInt64
    /// 1 to 256; below 256 the tile is partial.
    package var width: Int

    package init(kind: Kind, index: UInt64, width: Int = Tile.widthMax) {
        precondition(width >= 1 && width <= Tile.widthMax, "a tile has 1 to 256 hashes, not \(width)")
        self.kind = kind
        self.index = index
        self.width = width
    }

    package var isFull: Bool { width == Tile.widthMax }

    /// `tile/0/x001/x234/067`, `tile/entries/000.p/17`
    package var path: String {
        let folder =
            switch kind {
            case .hashes(let level): "tile/\(level)/"
            case .entries: "tile/entries/"
            }
        return folder + Tile.number(index) + (isFull ? "" : ".p/\(width)")
    }

    /// Reads a path that `path` could have written, or nil.
    package init?(path: String) {
        var parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard path.utf8.count <= 64, parts.count >= 3, parts.removeFirst() == "tile" else { return nil }
        let place = parts.removeFirst()
        if place == "entries" {
            kind = .entries
        } else {
            guard let level = Checkpoint.decimal(place), level <= UInt64(Tile.levelMax) else { return nil }
            kind = .hashes(level: Int(level))
        }
        width = Tile.widthMax
        if parts.count >= 2, parts[parts.count - 2].hasSuffix(".p") {
            guard let text = parts.popLast(), let width = Checkpoint.decimal(text), width >= 1, width < Tile.widthMax
            else { return nil }
            self.width = Int(width)
            parts[parts.count - 1].removeLast(2)
        }
        index = 0
        for (place, part) in parts.enumerated() {
            let digits = place + 1 < parts.count ? part.dropFirst() : part[...]
            guard place + 1 == parts.count || part.hasPrefix("x"), digits.utf8.count == 3,
                digits.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }),
                let group = UInt64(digits), case (let shifted, false) = index.multipliedReportingOverflow(by: 1000),
                case (let sum, false) = shifted.addingReportingOverflow(group)
            else { return nil }
            index = sum
        }
        // A number has one form: no groups of zeros in front.
        guard self.path == path else { return nil }
    }

    private static func number(_ index: UInt64) -> String {
        func group(_ value: UInt64) -> String { String(String(value + 1000).dropFirst()) }
        var text = group(index % 1000)
        var rest = index / 1000
        while rest > 0 {
            text = "x\(group(rest % 1000))/\(text)"
            rest /= 1000
        }
        return text
    }

    /// The width of the partial tile at `level` for a tree of `size` leaves; 0 if there is none.
    package static func partialWidth(level: Int, size: UInt64) -> Int {
        level > levelMax ? 0 : Int((size >> UInt64(level * height)) & 255)
    }

    /// Calls `body` with every hash tile and every entry bundle that a tree of `size` leaves has and one of `old`
    /// leaves does not: full ones once, and the partial ones at the right edge.
    package static func forEach(from old: UInt64 = 0, to size: UInt64, _ body: (Tile) throws -> Void) rethrows {
        precondition(old <= size, "a log does not shrink")
        for level in 0...levelMax {
            let shift = UInt64(level * height)
            let hashes = size >> shift
            let oldHashes = old >> shift
            guard hashes > oldHashes else { break }
            for index in (oldHashes / 256)..<(hashes / 256 + (hashes % 256 == 0 ? 0 : 1)) {
                let width = Int(min(256, hashes - index * 256))
                try body(Tile(kind: .hashes(level: level), index: index, width: width))
                if level == 0 { try body(Tile(kind: .entries, index: index, width: width)) }
            }
        }
    }
}

extension HashSource {
    /// The bytes of a hash tile: its hashes, one after the other.
    package func content(of tile: Tile) throws -> [UInt8] {
        guard case .hashes(let level) = tile.kind else { preconditionFailure("entries are not hashes") }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(tile.width * TreeHash.byteCount)
        for place in 0..<tile.width {
            try hash(level: level * Tile.height, index: tile.index * 256 + UInt64(place)).append(to: &bytes)
        }
        return bytes
    }
}

/// Entries as a bundle stores them: two bytes of length, big-endian, then the entry.
package enum EntryBundle {
    /// What a length of two bytes can say.
    package static let entryBytesMax = 65_535

    package static func append(_ entry: [UInt8], to bundle: inout [UInt8]) {
        precondition(entry.count <= entryBytesMax, "an entry of \(entry.count) bytes does not fit in a bundle")
        bundle.append(UInt8(entry.count >> 8))
        bundle.append(UInt8(entry.count & 255))
        bundle.append(contentsOf: entry)
    }

    /// The entries of a bundle of `width` entries, or nil if the bytes are not exactly that.
    package static func entries(_ bundle: [UInt8], width: Int) -> [[UInt8]]? {
        var entries: [[UInt8]] = []
        var offset = 0
        while offset < bundle.count, entries.count < width {
            guard bundle.count - offset >= 2 else { return nil }
            let count = Int(bundle[offset]) << 8 | Int(bundle[offset + 1])
            offset += 2
            guard bundle.count - offset >= count else { return nil }
            entries.append(Array(bundle[offset..<offset + count]))
            offset += count
        }
        return offset == bundle.count && entries.count == width ? entries : nil
    }
}
