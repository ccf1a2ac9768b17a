internal import CairnBytes

/// CSV with a header line: one column of times, one or more of values, and columns that become labels.
///
/// Times are RFC 3339, `YYYY-MM-DD hh:mm:ss` (UTC), or numbers since 1970: below 10^11 seconds, below 10^14
/// milliseconds, below 10^17 microseconds, else nanoseconds.
struct CSVConverter: RecordConverter {
    private var splitter: CSVSplitter
    private var rows: CSVRows

    init(options: ImportOptions) {
        splitter = CSVSplitter(bytesMax: options.limits.lineBytesMax)
        rows = CSVRows(options: options)
    }

    mutating func append(_ bytes: ArraySlice<UInt8>, to batch: inout IngestBatch) {
        feed(bytes, isLast: false, &batch)
    }

    mutating func finish(to batch: inout IngestBatch) {
        feed([], isLast: true, &batch)
        rows.finish(&batch)
    }

    private mutating func feed(_ bytes: ArraySlice<UInt8>, isLast: Bool, _ batch: inout IngestBatch) {
        var rows = CSVRows(options: self.rows.options)
        swap(&rows, &self.rows)
        rows.begin(batch)
        splitter.append(bytes, isLast: isLast) { bytes, record in
            rows.take(bytes, record, &batch)
        } broken: { bytes, reason, line, column in
            batch.reject(line: line, column: column, reason, remedy: "mend the line or leave it out", raw: bytes)
        }
        swap(&rows, &self.rows)
    }
}
