import CairnFlowLogs

/// The counters of one minute at the places of one block, while files are added to them.
struct FlowChunk {
    /// Which chunk a counter lies in.
    struct Key: Hashable {
        /// Number of the cluster in a `FlowChunkStore`.
        var cluster: Int
        var minute: Int64
        var block: Int64
    }

    /// Which counter of a chunk.
    struct RowKey: Hashable {
        var place: UInt64
        var peer: UInt64
        var service: UInt64
    }

    /// Places of one block: the chunk of a small cluster holds all of its minute, and that of a large one a share that
    /// can be read, changed and written in one piece.
    static let blockPlaces: Int64 = 64

    /// Numbers of each row: place, peer, service, then the counts.
    static let columns = FlowLayout.names.count
    static let firstCount = 3
    static let unansweredColumn = firstCount + FlowsProjection.unansweredIndex

    /// Sums saturate at SQLite's largest integer: a forged count must not become a real number.
    static let largest = UInt64(Int64.max)

    /// Row by row, in the order in which the rows came.
    private(set) var numbers: [UInt64]
    /// Rows by their keys; made when a second file touches the chunk, since the rows of one file differ anyway.
    private var rows: [RowKey: Int]?
    /// What the file number was that touched it last.
    private var lastFile = -1

    init(numbers: [UInt64] = []) { self.numbers = numbers }

    var rowCount: Int { numbers.count / FlowChunk.columns }

    /// To be called before rows of a file are added; files are numbered from 0.
    mutating func begin(file: Int) {
        guard file != lastFile else { return }
        lastFile = file
        if !numbers.isEmpty { indexRows() }
    }

    private mutating func indexRows() {
        guard rows == nil else { return }
        var found: [RowKey: Int] = [:]
        found.reserveCapacity(rowCount * 2)
        for row in 0..<rowCount {
            let base = row * FlowChunk.columns
            found[RowKey(place: numbers[base], peer: numbers[base + 1], service: numbers[base + 2])] = row
        }
        rows = found
    }

    /// Adds to the counter of a key, which is made if there is none.
    ///
    /// - Parameters:
    ///   - counts: in the order of `FlowCounts[column:]`; nothing is unanswered yet.
    /// - Returns: the row.
    @inline(__always)
    mutating func add(_ key: RowKey, counts: [[UInt64]], at index: Int) -> Int {
        if let known = rows?[key] {
            let base = known * FlowChunk.columns + FlowChunk.firstCount
            for column in 0..<FlowCounts.columnCount {
                let place = base + FlowsProjection.position(ofColumn: column)
                numbers[place] = FlowChunk.sum(numbers[place], counts[column][index])
            }
            return known
        }
        let row = append(key)
        let base = row * FlowChunk.columns + FlowChunk.firstCount
        for column in 0..<FlowCounts.columnCount {
            numbers[base + FlowsProjection.position(ofColumn: column)] = min(counts[column][index], FlowChunk.largest)
        }
        return row
    }

    /// True if rows of the file that was begun need not be looked up.
    var takesWholeRuns: Bool { rows == nil }

    /// Appends the rows of a run of a file's counters, column by column.
    ///
    /// - Returns: the row of the first.
    mutating func append(_ run: Range<Int>, of columns: FlowFileColumns, names: FlowRowNames) -> Int {
        let first = rowCount
        let width = FlowChunk.columns
        let base = numbers.count
        numbers.append(contentsOf: repeatElement(0, count: run.count * width))
        func fill(_ column: Int, _ value: (Int) -> UInt64) {
            var place = base + column
            for row in run {
                numbers[place] = value(row)
                place += width
            }
        }
        fill(0) { names.places[Int(columns.placeNumbers[$0])] }
        fill(1) { names.peers[Int(columns.peerNumbers[$0])] }
        fill(2) { names.services[Int(columns.serviceNumbers[$0])] }
        for column in 0..<FlowCounts.columnCount {
            let counts = columns.counts[column]
            fill(FlowChunk.firstCount + FlowsProjection.position(ofColumn: column)) {
                min(counts[$0], FlowChunk.largest)
            }
        }
        return first
    }

    @inline(__always)
    private mutating func append(_ key: RowKey) -> Int {
        let row = rowCount
        numbers.append(key.place)
        numbers.append(key.peer)
        numbers.append(key.service)
        numbers.append(contentsOf: repeatElement(0, count: FlowChunk.columns - FlowChunk.firstCount))
        if rows != nil { rows?[key] = row }
        return row
    }

    @inline(__always)
    private static func sum(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? largest : min(sum, largest)
    }

    mutating func addUnanswered(row: Int) {
        let index = row * FlowChunk.columns + FlowChunk.unansweredColumn
        numbers[index] = FlowChunk.sum(numbers[index], 1)
    }

    /// Takes attempts back that were counted as unanswered.
    mutating func takeUnanswered(_ attempts: UInt64, of key: RowKey) {
        indexRows()
        guard let row = rows?[key] else { return }
        let index = row * FlowChunk.columns + FlowChunk.unansweredColumn
        numbers[index] -= min(attempts, numbers[index])
    }

    var layout: FlowLayout {
        var largest = [UInt64](repeating: 0, count: FlowChunk.columns)
        var index = 0
        while index < numbers.count {
            for column in 0..<FlowChunk.columns where numbers[index + column] > largest[column] {
                largest[column] = numbers[index + column]
            }
            index += FlowChunk.columns
        }
        return FlowLayout(largest: largest)
    }
}

/// The numbers in the read model of what a file's counters name by its own numbers.
struct FlowRowNames {
    var places: [UInt64]
    var peers: [UInt64]
    var services: [UInt64]

    func key(ofRow row: Int, in columns: FlowFileColumns) -> FlowChunk.RowKey {
        FlowChunk.RowKey(
            place: places[Int(columns.placeNumbers[row])], peer: peers[Int(columns.peerNumbers[row])],
            service: services[Int(columns.serviceNumbers[row])])
    }
}
