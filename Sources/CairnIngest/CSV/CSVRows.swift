internal import CairnBytes
internal import CairnSeries

/// Makes samples of the records of a CSV file.
struct CSVRows {
    let options: ImportOptions
    private var header: [String]?
    private var columns: CSVColumns?
    private var isUnusable = false
    private var table: SeriesTable

    init(options: ImportOptions) {
        self.options = options
        table = SeriesTable(entriesMax: options.limits.seriesMax)
    }

    mutating func begin(_ batch: IngestBatch) { table.beginIfNew(batch.samples) }

    mutating func finish(_ batch: inout IngestBatch) {
        guard header == nil, !isUnusable else { return }
        batch.reject(line: 0, "the file has no header line", remedy: "put the names of the columns first", raw: [])
    }

    struct Problem: Error {
        var reason: String
        var remedy = "mend the line or leave it out"
        /// From 0, where the reason is about one field.
        var field: Int?
    }

    mutating func take(_ bytes: [UInt8], _ record: CSVSplitter.Record, _ batch: inout IngestBatch)
        -> CSVSplitter.Outcome
    {
        if isUnusable { return .taken }
        // An empty line is no record.
        if record.fields.count == 1, record.fields[0].range.isEmpty, record.range.count <= 1 { return .taken }
        do throws(Problem) {
            guard let header else {
                try readHeader(bytes, record)
                return .taken
            }
            guard record.fields.count == header.count else {
                throw Problem(
                    reason: "the line has \(record.fields.count) fields and the header promises \(header.count)")
            }
            try readRow(bytes, record, header, &batch)
            return .taken
        } catch {
            if header == nil { isUnusable = true }
            let column = error.field.map { record.fields[$0].range.lowerBound - record.range.lowerBound + 1 } ?? 0
            // Of a record over several lines only the first is refused: the others are tried on their own.
            let raw = bytes[record.range]
            let firstLine = header == nil ? raw : raw.prefix { $0 != UInt8(ascii: "\n") }
            batch.reject(line: record.line, column: column, error.reason, remedy: error.remedy, raw: firstLine)
            return header == nil ? .taken : .refused
        }
    }

    private mutating func readHeader(_ bytes: [UInt8], _ record: CSVSplitter.Record) throws(Problem) {
        var names: [String] = []
        var seen: Set<String> = []
        for (index, field) in record.fields.enumerated() {
            var name = CSVRows.bytes(of: field, in: bytes)
            if index == 0, name.starts(with: [0xEF, 0xBB, 0xBF]) { name.removeFirst(3) }
            guard let text = String(validating: name.span) else {
                throw Problem(reason: "the header is not UTF-8", remedy: "save the file as UTF-8", field: index)
            }
            let trimmed = CSVRows.trimmed(text)
            guard seen.insert(trimmed).inserted else {
                throw Problem(
                    reason: "the column \(trimmed.prefix(60)) occurs twice in the header", remedy: "rename one of them",
                    field: index)
            }
            names.append(trimmed)
        }
        _ = try CSVColumns.find(in: names, options: options.csv)
        header = names
    }

    private mutating func readRow(
        _ bytes: [UInt8], _ record: CSVSplitter.Record, _ header: [String], _ batch: inout IngestBatch
    ) throws(Problem) {
        let columns: CSVColumns
        if let known = self.columns {
            columns = known
        } else {
            columns = try chooseLabels(bytes, record, header)
            self.columns = columns
        }
        let timeBytes = CSVRows.bytes(of: record.fields[columns.time], in: bytes)
        guard let time = CSVRows.time(timeBytes) else {
            throw Problem(
                reason: timeBytes.isEmpty
                    ? "the time is missing" : "the time cannot be read, or lies outside the years 1 to 9999",
                remedy: "write RFC 3339, YYYY-MM-DD hh:mm:ss, or seconds or milliseconds since 1970",
                field: columns.time)
        }
        var values: [Double] = []
        for column in columns.values {
            let text = CSVRows.bytes(of: record.fields[column], in: bytes)
            guard let value = NumberText.double(text.span, CSVRows.trimmedRange(text)) else {
                throw Problem(
                    reason: text.isEmpty
                        ? "the value of \(header[column]) is missing"
                        : "the value of \(header[column]) is not a number of 64 bits",
                    field: column)
            }
            values.append(value)
        }
        // The bytes that name the series: its labels, separated by a byte that ends no UTF-8.
        var key: [UInt8] = []
        for column in columns.labels {
            key += CSVRows.bytes(of: record.fields[column], in: bytes)
            key.append(0xFF)
        }
        for (position, value) in values.enumerated() {
            let spelled = key + [UInt8(truncatingIfNeeded: position), UInt8(truncatingIfNeeded: position >> 8)]
            let hash = table.hash(spelled.span, 0..<spelled.count)
            let series: Int
            if let known = table.find(spelled.span, 0..<spelled.count, hash: hash) {
                series = known
            } else {
                let text = try seriesKey(bytes, record, header, columns, valueColumn: columns.values[position])
                series = table.add(text, spelled: 0..<spelled.count, of: spelled.span, hash: hash)
            }
            table.append(series: series, timeMs: time.milliseconds, value: value, to: &batch.samples)
        }
    }

    /// Which columns are labels may depend on the first row, so it is decided there.
    private func chooseLabels(
        _ bytes: [UInt8], _ record: CSVSplitter.Record, _ header: [String]
    ) throws(Problem) -> CSVColumns {
        var columns = try CSVColumns.find(in: header, options: options.csv)
        guard options.csv.labelColumns == nil else { return columns }
        for index in header.indices where index != columns.time && !columns.values.contains(index) {
            let text = CSVRows.bytes(of: record.fields[index], in: bytes)
            if !text.isEmpty, NumberText.double(text.span, CSVRows.trimmedRange(text)) == nil {
                columns.labels.append(index)
            }
        }
        return columns
    }

    private func seriesKey(
        _ bytes: [UInt8], _ record: CSVSplitter.Record, _ header: [String], _ columns: CSVColumns, valueColumn: Int
    ) throws(Problem) -> SeriesKey {
        var labels: [Label] = []
        for column in columns.labels {
            let text = CSVRows.bytes(of: record.fields[column], in: bytes)
            guard text.count <= SeriesKey.valueBytesMax, let value = String(validating: text.span) else {
                throw Problem(
                    reason:
                        "the label \(header[column]) is not UTF-8 or longer than \(SeriesKey.valueBytesMax) bytes",
                    field: column)
            }
            labels.append(Label(header[column], value))
        }
        let name = header[valueColumn]
        let metric =
            columns.values.count == 1 ? options.csv.metric ?? name : options.csv.metric.map { "\($0)_\(name)" } ?? name
        do throws(ExpositionReader.Problem) {
            return try SeriesKeyReader.key(metric, labels, options: options, column: 0)
        } catch {
            throw Problem(reason: error.reason, remedy: "name the label columns, or rename one")
        }
    }

    // MARK: Fields

    static func bytes(of field: CSVSplitter.Field, in bytes: [UInt8]) -> [UInt8] {
        guard field.hasEscapes else { return Array(bytes[field.range]) }
        var result: [UInt8] = []
        var wasQuote = false
        for byte in bytes[field.range] {
            let isQuote = byte == UInt8(ascii: "\"")
            if isQuote, wasQuote {
                wasQuote = false
                continue
            }
            wasQuote = isQuote
            result.append(byte)
        }
        return result
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    static func trimmedRange(_ bytes: [UInt8]) -> Range<Int> {
        var start = 0
        var end = bytes.count
        while start < end, isBlank(bytes[start]) { start += 1 }
        while end > start, isBlank(bytes[end - 1]) { end -= 1 }
        return start..<end
    }

    private static func trimmed(_ text: String) -> String {
        let bytes = Array(text.utf8)
        return String(decoding: bytes[trimmedRange(bytes)], as: UTF8.self)
    }

    static func time(_ bytes: [UInt8]) -> Timestamp? {
        let range = trimmedRange(bytes)
        let span = bytes.span
        if let integer = NumberText.integer(span, range) {
            switch integer.magnitude {
            case ..<100_000_000_000: return Timestamp(seconds: integer)
            case ..<100_000_000_000_000: return Timestamp(milliseconds: integer)
            case ..<100_000_000_000_000_000: return Timestamp(checkedMicroseconds: integer)
            default: return Timestamp(checkedMicroseconds: Timestamp.floorDivide(integer, 1000))
            }
        }
        if let millionths = NumberText.millionths(span, range) {
            let isSeconds = millionths.magnitude < 100_000_000_000_000_000
            return Timestamp(checkedMicroseconds: isSeconds ? millionths : Timestamp.floorDivide(millionths, 1000))
        }
        let text = span.extracting(range)
        if text.count == 10 {
            return Timestamp(String(decoding: bytes[range], as: UTF8.self) + "T00:00:00Z")
        }
        return Timestamp(utf8: text, allowsMissingZone: true)
    }
}
