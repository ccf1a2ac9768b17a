import CairnBytes

/// Numbers of series, kept as runs: series that came together have neighbouring numbers and share labels, so a set of a
/// million of them is most often a handful of runs, and sets are joined and cut in the time of their runs.
struct SeriesSet: Sendable, Hashable {
    struct Run: Sendable, Hashable {
        var first: Int64
        var count: Int64
        var end: Int64 { first + count }
    }

    /// Ascending, without overlaps, none touching the next.
    private(set) var runs: [Run] = []

    init() {}

    /// Every number from 1 to `last`.
    init(through last: Int64) { if last > 0 { runs = [Run(first: 1, count: last)] } }

    /// - Parameter numbers: in any order.
    init(_ numbers: [Int64]) { for number in numbers.sorted() { append(number) } }

    var isEmpty: Bool { runs.isEmpty }
    var count: Int64 { runs.reduce(0) { $0 + $1.count } }

    /// Adds a number that is no smaller than any other.
    mutating func append(_ number: Int64) { append(Run(first: number, count: 1)) }

    /// Adds a run that begins no earlier than the last.
    mutating func append(_ run: Run) {
        guard let last = runs.last, run.first <= last.end else {
            runs.append(run)
            return
        }
        runs[runs.count - 1].count = max(last.end, run.end) - last.first
    }

    mutating func removeLast() -> Run? { runs.popLast() }

    func contains(_ number: Int64) -> Bool {
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].end <= number { low = middle + 1 } else { high = middle }
        }
        return low < runs.count && runs[low].first <= number
    }

    func intersection(_ other: SeriesSet) -> SeriesSet {
        var result = SeriesSet()
        var (left, right) = (0, 0)
        while left < runs.count, right < other.runs.count {
            let (one, two) = (runs[left], other.runs[right])
            let first = max(one.first, two.first)
            let end = min(one.end, two.end)
            if first < end { result.append(Run(first: first, count: end - first)) }
            if one.end < two.end { left += 1 } else { right += 1 }
        }
        return result
    }

    func isDisjoint(with other: SeriesSet) -> Bool {
        var (left, right) = (0, 0)
        while left < runs.count, right < other.runs.count {
            let (one, two) = (runs[left], other.runs[right])
            if max(one.first, two.first) < min(one.end, two.end) { return false }
            if one.end < two.end { left += 1 } else { right += 1 }
        }
        return true
    }

    func subtracting(_ other: SeriesSet) -> SeriesSet {
        var result = SeriesSet()
        var right = 0
        for run in runs {
            var first = run.first
            while right < other.runs.count, other.runs[right].end <= first { right += 1 }
            var next = right
            while next < other.runs.count, other.runs[next].first < run.end {
                let hole = other.runs[next]
                if hole.first > first { result.append(Run(first: first, count: hole.first - first)) }
                first = max(first, hole.end)
                next += 1
            }
            if first < run.end { result.append(Run(first: first, count: run.end - first)) }
        }
        return result
    }

    /// The union of many sets, at the cost of sorting their runs.
    static func union(_ sets: [SeriesSet]) -> SeriesSet {
        if sets.count == 1 { return sets[0] }
        var result = SeriesSet()
        for run in sets.flatMap(\.runs).sorted(by: { $0.first < $1.first }) { result.append(run) }
        return result
    }

    func forEach(_ body: (Int64) throws -> Void) rethrows {
        for run in runs { for number in run.first..<run.end { try body(number) } }
    }
}

extension SeriesSet {
    /// Bytes at which a list of postings goes on in a row of its own, so that adding a series rewrites few bytes.
    static let chunkBytesMax = 256

    /// Runs as varints: the distance from the end before, doubled, plus 1 if a length follows; then the length, less 2.
    var encoded: [UInt8] {
        var writer = ByteWriter(capacity: runs.count * 2)
        var end: Int64 = 0
        for run in runs {
            let distance = UInt64(bitPattern: run.first - end)
            writer.appendVarint(distance << 1 | (run.count > 1 ? 1 : 0))
            if run.count > 1 { writer.appendVarint(UInt64(bitPattern: run.count - 2)) }
            end = run.end
        }
        return writer.bytes
    }

    /// Appends the runs in `bytes`, which must lie behind those that are there.
    mutating func append(encoded bytes: [UInt8]) throws(ReadModelError) {
        var reader = ByteReader(bytes)
        var end: Int64 = 0
        do {
            while !reader.isAtEnd {
                let token = try reader.readVarint()
                let count = token & 1 == 0 ? 1 : 2 + Int64(clamping: try reader.readVarint() & 0xFFFF_FFFF_FFFF)
                let first = end + Int64(clamping: token >> 1 & 0xFFFF_FFFF_FFFF)
                append(Run(first: first, count: count))
                end = first + count
            }
        } catch { throw ReadModelError(.damaged, "cannot read a list of series: \(error); rebuild the read model") }
    }
}

/// Which series lie where in a window or a batch: series are there in the order of their keys, and have numbers in the
/// order in which they first came. Mostly that is the same order, so this too is kept as runs.
struct SeriesLayout: Sendable, Hashable {
    private struct Run: Sendable, Hashable {
        var first: Int64
        var count: Int64
        /// Place of the first.
        var place: Int
    }

    /// By number.
    private let runs: [Run]
    let set: SeriesSet
    let count: Int

    /// - Parameter numbers: in the order of the window.
    init(_ numbers: [Int64]) {
        var runs: [Run] = []
        for (place, number) in numbers.enumerated() {
            if let last = runs.last, last.first + last.count == number {
                runs[runs.count - 1].count += 1
            } else {
                runs.append(Run(first: number, count: 1, place: place))
            }
        }
        self.init(byPlace: runs, count: numbers.count)
    }

    private init(byPlace runs: [Run], count: Int) {
        self.runs = runs.sorted { $0.first < $1.first }
        self.count = count
        set = SeriesSet.union([SeriesSet(runs: self.runs.map { SeriesSet.Run(first: $0.first, count: $0.count) })])
    }

    /// Where a series is, if it is there.
    func place(of number: Int64) -> Int? {
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].first + runs[middle].count <= number { low = middle + 1 } else { high = middle }
        }
        guard low < runs.count, runs[low].first <= number else { return nil }
        return runs[low].place + Int(number - runs[low].first)
    }

    /// Per run, in the order of the window: the zigzag distance from the end before, then the length less 1.
    var encoded: [UInt8] {
        var writer = ByteWriter(capacity: runs.count * 2)
        var end: Int64 = 1
        for run in runs.sorted(by: { $0.place < $1.place }) {
            writer.appendZigzag(run.first - end)
            writer.appendVarint(UInt64(bitPattern: run.count - 1))
            end = run.first + run.count
        }
        return writer.bytes
    }

    init(encoded bytes: [UInt8]) throws(ReadModelError) {
        var reader = ByteReader(bytes)
        var runs: [Run] = []
        var end: Int64 = 1
        var place = 0
        do {
            while !reader.isAtEnd {
                let first = end &+ (try reader.readZigzag())
                let count = 1 + Int64(clamping: try reader.readVarint() & 0xFFFF_FFFF)
                guard first > 0, first < Int64.max / 2 else { throw ByteError(reason: "a number is none", offset: 0) }
                runs.append(Run(first: first, count: count, place: place))
                place += Int(count)
                end = first + count
            }
        } catch {
            throw ReadModelError(.damaged, "cannot read the layout of a window: \(error); rebuild the read model")
        }
        self.init(byPlace: runs, count: place)
    }
}

extension SeriesSet {
    fileprivate init(runs: [Run]) { for run in runs { append(run) } }
}
