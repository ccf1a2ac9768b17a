internal import CairnBytes
internal import CairnSeries

/// Labels in the bytes in which remote write 1.0 sends them, which is how every receiver asks the table for a series:
/// fields 1 of a `TimeSeries`, each a `Label{name = 1, value = 2}`.
struct LabelSpelling {
    private(set) var bytes: [UInt8] = []

    mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    /// Forgets what was added after `count` bytes.
    mutating func truncate(to count: Int) { bytes.removeLast(bytes.count - count) }

    /// An empty value is an absent label.
    mutating func append(_ name: String, _ value: String) {
        let (nameBytes, valueBytes) = (name.utf8.count, value.utf8.count)
        guard valueBytes > 0 else { return }
        bytes.append(0x0A)
        appendVarint(
            2 + nameBytes + valueBytes + LabelSpelling.varintBytes(nameBytes) + LabelSpelling.varintBytes(valueBytes))
        bytes.append(0x0A)
        appendVarint(nameBytes)
        bytes.append(contentsOf: name.utf8)
        bytes.append(0x12)
        appendVarint(valueBytes)
        bytes.append(contentsOf: value.utf8)
    }

    private static func varintBytes(_ value: Int) -> Int { max(1, (64 - value.leadingZeroBitCount + 6) / 7) }

    private mutating func appendVarint(_ value: Int) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// - Throws: also for more labels or bytes than a series may have, before any text is made.
    static func labels(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(SeriesKeyError) -> [Label] {
        // Every label has at most 14 bytes of tags and lengths.
        guard range.count <= SeriesKey.totalBytesMax + 14 * SeriesKey.labelsMax else {
            throw SeriesKeyError(reason: "its labels have \(range.count) bytes")
        }
        var labels: [Label] = []
        do throws(ProtobufError) {
            var fields = ProtobufReader(range)
            while let field = try fields.next(bytes) {
                guard labels.count <= SeriesKey.labelsMax else {
                    throw ProtobufError(
                        reason: "more labels than \(SeriesKey.labelsMax)", offset: field.offset)
                }
                var name = ""
                var value = ""
                var label = ProtobufReader(try fields.bytes(bytes, field))
                while let part = try label.next(bytes) {
                    switch part.number {
                    case 1: name = try label.text(bytes, part)
                    case 2: value = try label.text(bytes, part)
                    default: try label.skip(bytes, part)
                    }
                }
                labels.append(Label(name, value))
            }
        } catch {
            throw SeriesKeyError(reason: error.reason)
        }
        return labels
    }
}
