/// A row of the sorted tables of an index: a short hash, and what it leads to (an entry of the segment).
struct IdentityRow: Sendable, Hashable {
    var hash: UInt64
    var entry: UInt32

    private static func isBefore(_ left: IdentityRow, _ right: IdentityRow) -> Bool {
        left.hash != right.hash ? left.hash < right.hash : left.entry < right.entry
    }

    /// Sorted by hash, then entry. Hashes are spread evenly, so the rows are first dealt by their highest bits into
    /// places of a few rows each.
    static func sorted(_ rows: [IdentityRow]) -> [IdentityRow] {
        guard rows.count > 64 else { return rows.sorted(by: isBefore) }
        let bits = UInt64(Int.bitWidth - rows.count.leadingZeroBitCount - 2)
        let shift = 64 - bits
        var starts = [Int](repeating: 0, count: 1 << Int(bits) + 1)
        for row in rows { starts[Int(row.hash >> shift) + 1] += 1 }
        for place in 1..<starts.count { starts[place] += starts[place - 1] }
        var next = starts
        var sorted = [IdentityRow](repeating: IdentityRow(hash: 0, entry: 0), count: rows.count)
        for row in rows {
            let place = Int(row.hash >> shift)
            sorted[next[place]] = row
            next[place] += 1
        }
        for place in 0..<starts.count - 1 {
            let range = starts[place]..<starts[place + 1]
            // Many in one place: somebody chose the hashes.
            if range.count > 32 { sorted[range].sort(by: isBefore) } else { sortFew(&sorted, range) }
        }
        return sorted
    }

    private static func sortFew(_ rows: inout [IdentityRow], _ range: Range<Int>) {
        for place in range.dropFirst() {
            let row = rows[place]
            var free = place
            while free > range.lowerBound, isBefore(row, rows[free - 1]) {
                rows[free] = rows[free - 1]
                free -= 1
            }
            rows[free] = row
        }
    }

    /// The entries whose hash an earlier entry has, by segment.
    /// - Parameter segments: the rows of each, sorted.
    static func repeated(_ segments: [[IdentityRow]]) -> [(segment: Int, entry: UInt32)] {
        var found: [(segment: Int, entry: UInt32)] = []
        for (index, rows) in segments.enumerated() {
            for (row, next) in zip(rows, rows.dropFirst()) where row.hash == next.hash {
                found.append((index, next.entry))
            }
        }
        guard segments.count > 1 else { return found }
        // Side by side through all segments, a part of the range of hashes at a time.
        let partCount = max(1, segments.reduce(0) { $0 + $1.count } / 512)
        let width = UInt64.max / UInt64(partCount)
        var places = [Int](repeating: 0, count: segments.count)
        for part in 0..<partCount {
            let end = width * UInt64(part + 1)
            var rows: [(hash: UInt64, segment: Int, entry: UInt32)] = []
            for (index, segment) in segments.enumerated() {
                while places[index] < segment.count {
                    let row = segment[places[index]]
                    guard part == partCount - 1 || row.hash < end else { break }
                    rows.append((row.hash, index, row.entry))
                    places[index] += 1
                }
            }
            rows.sort { $0.hash != $1.hash ? $0.hash < $1.hash : $0.segment < $1.segment }
            for (row, next) in zip(rows, rows.dropFirst()) where row.hash == next.hash && row.segment != next.segment {
                found.append((next.segment, next.entry))
            }
        }
        return found
    }
}
