internal import CairnBytes
internal import CairnSeries

/// Reads one line of exposition text after the other.
struct ExpositionReader {
    let options: ImportOptions
    private var table: SeriesTable
    private var isOpenMetrics = false

    init(options: ImportOptions) {
        self.options = options
        table = SeriesTable(entriesMax: options.limits.seriesMax)
    }

    var lineBytesMax: Int { options.limits.lineBytesMax }

    mutating func begin(_ batch: IngestBatch) { table.beginIfNew(batch.samples) }

    struct Problem: Error {
        var column: Int
        var reason: String
        var remedy = "mend the line or leave it out"
    }

    mutating func read(_ bytes: Span<UInt8>, _ range: Range<Int>, line: Int, into batch: inout IngestBatch) {
        do throws(Problem) {
            try sample(bytes, range, into: &batch)
        } catch {
            var raw: [UInt8] = []
            for index in range.prefix(options.limits.rejectRawBytesMax) { raw.append(bytes[index]) }
            batch.reject(
                line: line, column: error.column - range.lowerBound + 1, error.reason, remedy: error.remedy, raw: raw,
                rawByteCount: range.count)
        }
    }

    private mutating func sample(
        _ bytes: Span<UInt8>, _ range: Range<Int>, into batch: inout IngestBatch
    ) throws(Problem) {
        var index = ExpositionReader.skipBlanks(bytes, range.lowerBound, range.upperBound)
        let end = range.upperBound
        if index == end { return }
        if bytes[index] == UInt8(ascii: "#") { return comment(bytes, index + 1..<end) }
        let start = index
        index = try ExpositionReader.endOfSeries(bytes, start, end)
        let spelled = start..<index
        index = ExpositionReader.skipBlanks(bytes, index, end)
        let valueStart = index
        index = ExpositionReader.endOfToken(bytes, index, end)
        guard let value = NumberText.double(bytes, valueStart..<index) else {
            throw Problem(
                column: valueStart,
                reason: valueStart == index ? "the value is missing" : "the value is not a number of 64 bits")
        }
        index = ExpositionReader.skipBlanks(bytes, index, end)
        let timeStart = index
        var time: Int64?
        if index < end, bytes[index] != UInt8(ascii: "#") {
            index = ExpositionReader.endOfToken(bytes, index, end)
            time = try timestamp(bytes, timeStart..<index)
            index = ExpositionReader.skipBlanks(bytes, index, end)
        }
        if index < end {
            // OpenMetrics: an exemplar follows, which no finding uses.
            guard bytes[index] == UInt8(ascii: "#") else {
                throw Problem(column: index, reason: "there is text after the timestamp")
            }
            isOpenMetrics = true
        }
        guard let time = time ?? options.defaultTime?.milliseconds else {
            throw Problem(
                column: timeStart, reason: "the sample has no timestamp",
                remedy: "export with timestamps, or give a default time")
        }
        let hash = table.hash(bytes, spelled)
        let series: Int
        if let known = table.find(bytes, spelled, hash: hash) {
            series = known
        } else {
            let text = try SeriesKeyReader.read(bytes, spelled, options: options)
            series = table.add(text, spelled: spelled, of: bytes, hash: hash)
        }
        table.append(series: series, timeMs: time, value: value, to: &batch.samples)
    }

    // MARK: Pieces of a line

    static func skipBlanks(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
        var index = start
        while index < end, bytes[index] == 0x20 || bytes[index] == 0x09 { index += 1 }
        return index
    }

    static func endOfToken(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
        var index = start
        while index < end, bytes[index] != 0x20, bytes[index] != 0x09 { index += 1 }
        return index
    }

    /// The end of `name`, `name{...}` or `{...}`; blanks may stand between name and brace.
    private static func endOfSeries(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) throws(Problem) -> Int {
        var index = start
        while index < end, bytes[index] != 0x20, bytes[index] != 0x09, bytes[index] != UInt8(ascii: "{") { index += 1 }
        let brace = skipBlanks(bytes, index, end)
        guard brace < end, bytes[brace] == UInt8(ascii: "{") else { return index }
        index = brace + 1
        var isInQuotes = false
        while index < end {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\\"), isInQuotes {
                index += 1
            } else if byte == UInt8(ascii: "\"") {
                isInQuotes.toggle()
            } else if byte == UInt8(ascii: "}"), !isInQuotes {
                return index + 1
            }
            index += 1
        }
        throw Problem(column: start, reason: "the labels have no end")
    }

    private func timestamp(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(Problem) -> Int64 {
        var milliseconds: Int64?
        if let integer = NumberText.integer(bytes, range) {
            let isSeconds =
                (100_000_000..<100_000_000_000).contains(integer)
                || isOpenMetrics && integer.magnitude < 100_000_000_000
            let time = isSeconds ? Timestamp(seconds: integer) : Timestamp(milliseconds: integer)
            milliseconds = time?.milliseconds
        } else if let millionths = NumberText.millionths(bytes, range) {
            milliseconds = Timestamp(checkedMicroseconds: millionths)?.milliseconds
        }
        guard let milliseconds else {
            throw Problem(
                column: range.lowerBound, reason: "the timestamp is no number, or outside the years 1 to 9999",
                remedy: "write milliseconds since 1970, or seconds with a point")
        }
        return milliseconds
    }

    // MARK: Comments

    /// What only OpenMetrics has: `EOF`, `UNIT` and some types. Any other comment says nothing to this reader.
    private mutating func comment(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        let end = range.upperBound
        let wordStart = ExpositionReader.skipBlanks(bytes, range.lowerBound, end)
        let wordEnd = ExpositionReader.endOfToken(bytes, wordStart, end)
        let rest = ExpositionReader.skipBlanks(bytes, wordEnd, end)
        switch ExpositionReader.text(bytes, wordStart..<wordEnd) {
        case "EOF": if rest == end { isOpenMetrics = true }
        case "UNIT": if rest < end { isOpenMetrics = true }
        case "TYPE":
            let typeStart = ExpositionReader.skipBlanks(bytes, ExpositionReader.endOfToken(bytes, rest, end), end)
            let type = ExpositionReader.text(bytes, typeStart..<end)
            if let type, ["unknown", "info", "stateset", "gaugehistogram"].contains(type) { isOpenMetrics = true }
        default: return
        }
    }

    static func text(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String? {
        String(validating: bytes.extracting(range))
    }
}
