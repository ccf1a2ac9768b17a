internal import CairnBytes

/// Prometheus exposition text 0.0.4 and the parts of OpenMetrics that files have: samples with timestamps,
/// exemplars (passed over) and comments, of which those that tell the two apart are looked at.
///
/// Timestamps are milliseconds in the one format and seconds in the other, and a stream does not say at its start
/// which it is. So: a point or exponent means seconds; an integer from 10^8 to 10^11 means seconds too (as milliseconds
/// it would lie between January 1970 and 1973, where no metric was); a smaller one means seconds once the file has
/// shown itself as OpenMetrics; all others are milliseconds.
struct ExpositionConverter: RecordConverter {
    private var lines: LineSplitter
    private var reader: ExpositionReader

    init(options: ImportOptions) {
        lines = LineSplitter(
            bytesMax: options.limits.lineBytesMax, keptBytesMax: options.limits.rejectRawBytesMax)
        reader = ExpositionReader(options: options)
    }

    mutating func append(_ bytes: ArraySlice<UInt8>, to batch: inout IngestBatch) {
        reader.begin(batch)
        let limit = reader.lineBytesMax
        var reader = take()
        lines.append(bytes) { bytes, range, line in
            reader.read(bytes.span, range, line: line, into: &batch)
        } tooLong: { head, count, line in
            ExpositionConverter.rejectLong(head, count, line, limit, &batch)
        }
        self.reader = reader
    }

    mutating func finish(to batch: inout IngestBatch) {
        reader.begin(batch)
        let limit = reader.lineBytesMax
        var reader = take()
        lines.finish { bytes, range, line in
            reader.read(bytes.span, range, line: line, into: &batch)
        } tooLong: { head, count, line in
            ExpositionConverter.rejectLong(head, count, line, limit, &batch)
        }
        self.reader = reader
    }

    /// Takes the reader out, so that it is changed in place while the splitter is too.
    private mutating func take() -> ExpositionReader {
        var empty = ExpositionReader(options: reader.options)
        swap(&empty, &reader)
        return empty
    }

    static func rejectLong(_ head: [UInt8], _ count: Int, _ line: Int, _ limit: Int, _ batch: inout IngestBatch) {
        batch.reject(
            line: line, "the line is longer than the limit of \(limit) bytes", remedy: "leave it out", raw: head,
            rawByteCount: count)
    }
}
