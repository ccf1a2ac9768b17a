internal import CairnSeries

/// Finds series by the bytes that named them, so that the labels of a series are read once and not once a sample.
/// Two spellings of one series (other spaces, other order of labels) are one series.
struct SeriesTable {
    /// Most spellings held, and most bytes of them: beyond, the table starts anew, and labels are read again.
    private let entriesMax: Int
    private let bytesMax: Int

    private var spellings: ByteNumbers
    /// The series of each spelling.
    private var seriesOf: [Int] = []
    private var series: [SeriesKey] = []
    private var indexBySeries: [SeriesKey: Int] = [:]
    /// For each series the batch it was last written to, and its index there.
    private var batchOf: [Int] = []
    private var indexInBatch: [Int] = []
    private var batchNumber = 0

    init(entriesMax: Int, bytesMax: Int = 256 << 20) {
        self.entriesMax = entriesMax
        self.bytesMax = bytesMax
        spellings = ByteNumbers(seed: 0xCBF2_9CE4_8422_2325)
    }

    /// Series indexes of `rows` start anew with each batch.
    mutating func beginIfNew(_ rows: SampleRows) {
        if rows.series.isEmpty { batchNumber += 1 }
    }

    func hash(_ bytes: Span<UInt8>, _ range: Range<Int>) -> UInt64 { spellings.hash(bytes, range) }

    /// The series of these bytes, or nil if they are new.
    func find(_ text: Span<UInt8>, _ range: Range<Int>, hash: UInt64) -> Int? {
        spellings.find(text, range, hash: hash).map { seriesOf[$0] }
    }

    mutating func add(_ key: SeriesKey, spelled range: Range<Int>, of line: Span<UInt8>, hash: UInt64) -> Int {
        if spellings.count >= entriesMax || spellings.byteCount + range.count > bytesMax {
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
        _ = spellings.add(line, range, hash: hash)
        seriesOf.append(index)
        return index
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
