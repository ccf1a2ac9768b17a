internal import CairnSeries

/// Finds series by the bytes that named them, so that the labels of a series are read once and not once a sample.
///
/// Open addressing over hashes, with the bytes in one array. Two spellings of one series (other spaces, other order of
/// labels) are one series.
struct SeriesTable {
    /// Most spellings held, and most bytes of them: beyond, the table starts anew, and labels are read again.
    private let entriesMax: Int
    private let bytesMax: Int

    private struct Entry {
        var hash: UInt64
        var start: Int
        var count: Int
        var series: Int
    }

    private var slots: [Int32] = Array(repeating: -1, count: 1024)
    private var entries: [Entry] = []
    private var bytes: [UInt8] = []
    private var series: [SeriesKey] = []
    private var indexBySeries: [SeriesKey: Int] = [:]
    /// For each series the batch it was last written to, and its index there.
    private var batchOf: [Int] = []
    private var indexInBatch: [Int] = []
    private var batchNumber = 0

    init(entriesMax: Int, bytesMax: Int = 256 << 20) {
        self.entriesMax = entriesMax
        self.bytesMax = bytesMax
    }

    /// Series indexes of `rows` start anew with each batch.
    mutating func beginIfNew(_ rows: SampleRows) {
        if rows.series.isEmpty { batchNumber += 1 }
    }

    static func hash(_ bytes: Span<UInt8>, _ range: Range<Int>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in range { hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01B3 }
        return hash ^ (hash >> 32)
    }

    /// The series of these bytes, or nil if they are new.
    func find(_ text: Span<UInt8>, _ range: Range<Int>, hash: UInt64) -> Int? {
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        let known = bytes.span
        while slots[slot] >= 0 {
            let entry = entries[Int(slots[slot])]
            if entry.hash == hash, entry.count == range.count {
                var offset = 0
                while offset < entry.count, known[entry.start + offset] == text[range.lowerBound + offset] {
                    offset += 1
                }
                if offset == entry.count { return entry.series }
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    mutating func add(_ key: SeriesKey, spelled range: Range<Int>, of line: Span<UInt8>, hash: UInt64) -> Int {
        if entries.count >= entriesMax || bytes.count + range.count > bytesMax {
            let number = batchNumber + 1
            self = SeriesTable(entriesMax: entriesMax, bytesMax: bytesMax)
            batchNumber = number
        }
        let index: Int
        if let known = indexBySeries[key] {
            index = known
        } else {
            index = series.count
            series.append(key)
            indexBySeries[key] = index
            batchOf.append(-1)
            indexInBatch.append(0)
        }
        entries.append(Entry(hash: hash, start: bytes.count, count: range.count, series: index))
        for position in range { bytes.append(line[position]) }
        if entries.count * 2 > slots.count { grow() } else { place(entries.count - 1) }
        return index
    }

    private mutating func place(_ entry: Int) {
        var slot = Int(truncatingIfNeeded: entries[entry].hash) & (slots.count - 1)
        while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = Int32(entry)
    }

    private mutating func grow() {
        slots = Array(repeating: -1, count: slots.count * 4)
        for entry in entries.indices { place(entry) }
    }

    /// Adds a sample to the batch, and the series too if the batch does not have it yet.
    mutating func append(series index: Int, timeMs: Int64, value: Double, to rows: inout SampleRows) {
        if batchOf[index] != batchNumber {
            indexInBatch[index] = rows.addSeries(series[index])
            batchOf[index] = batchNumber
        }
        rows.append(series: indexInBatch[index], timeMs: timeMs, value: value)
    }
}
