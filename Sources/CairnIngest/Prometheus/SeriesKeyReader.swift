internal import CairnBytes
internal import CairnSeries

/// Reads `name{label="value",...}` into a series.
enum SeriesKeyReader {
    typealias Problem = ExpositionReader.Problem

    static func read(_ bytes: Span<UInt8>, _ range: Range<Int>, options: ImportOptions) throws(Problem) -> SeriesKey {
        var index = range.lowerBound
        let end = range.upperBound
        while index < end, bytes[index] != 0x20, bytes[index] != 0x09, bytes[index] != UInt8(ascii: "{") { index += 1 }
        var metric: String?
        if index > range.lowerBound { metric = try name(bytes, range.lowerBound..<index, allowsColon: true) }
        index = ExpositionReader.skipBlanks(bytes, index, end)
        var labels: [Label] = []
        if index < end {
            index += 1
            while true {
                index = ExpositionReader.skipBlanks(bytes, index, end)
                guard index < end else { throw Problem(column: index, reason: "the labels have no end") }
                if bytes[index] == UInt8(ascii: "}") { break }
                try label(bytes, &index, end, &metric, &labels)
                index = ExpositionReader.skipBlanks(bytes, index, end)
                if index < end, bytes[index] == UInt8(ascii: ",") {
                    index += 1
                } else if index < end, bytes[index] != UInt8(ascii: "}") {
                    throw Problem(column: index, reason: "expected ',' or '}' after a label")
                }
            }
        }
        guard let metric else { throw Problem(column: range.lowerBound, reason: "the metric has no name") }
        return try key(metric, labels, options: options, column: range.lowerBound)
    }

    /// One `name="value"`, or the metric's name in quotes.
    private static func label(
        _ bytes: Span<UInt8>, _ index: inout Int, _ end: Int, _ metric: inout String?,
        _ labels: inout [Label]
    ) throws(Problem) {
        let start = index
        let name: String
        if bytes[index] == UInt8(ascii: "\"") {
            name = try quoted(bytes, &index, end)
            let next = ExpositionReader.skipBlanks(bytes, index, end)
            if next < end, bytes[next] != UInt8(ascii: "=") {
                guard metric == nil, !name.isEmpty else {
                    throw Problem(column: start, reason: "a label has no value")
                }
                metric = name
                return
            }
        } else {
            while index < end, bytes[index] != UInt8(ascii: "="), bytes[index] != 0x20, bytes[index] != 0x09,
                bytes[index] != UInt8(ascii: "}"), bytes[index] != UInt8(ascii: ",")
            { index += 1 }
            name = try self.name(bytes, start..<index, allowsColon: false)
        }
        index = ExpositionReader.skipBlanks(bytes, index, end)
        guard index < end, bytes[index] == UInt8(ascii: "=") else {
            throw Problem(column: index, reason: "expected '=' after the label \(name)")
        }
        index = ExpositionReader.skipBlanks(bytes, index + 1, end)
        guard index < end, bytes[index] == UInt8(ascii: "\"") else {
            throw Problem(column: index, reason: "the value of the label \(name) is not in quotes")
        }
        let value = try quoted(bytes, &index, end)
        guard labels.count < SeriesKey.labelsMax else {
            throw Problem(
                column: start, reason: "more than \(SeriesKey.labelsMax) labels", remedy: "drop labels at the source")
        }
        guard name != SeriesKey.nameLabel else {
            guard metric == nil, !value.isEmpty else {
                throw Problem(column: start, reason: "the metric has two names")
            }
            metric = value
            return
        }
        labels.append(Label(name, value))
    }

    private static func name(_ bytes: Span<UInt8>, _ range: Range<Int>, allowsColon: Bool) throws(Problem) -> String {
        guard !range.isEmpty, range.count <= SeriesKey.nameBytesMax else {
            throw Problem(
                column: range.lowerBound, reason: "a name is empty or longer than \(SeriesKey.nameBytesMax) bytes")
        }
        for index in range {
            switch bytes[index] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
                continue
            case UInt8(ascii: "0")...UInt8(ascii: "9"): if index > range.lowerBound { continue }
            case UInt8(ascii: ":"): if allowsColon { continue }
            default: break
            }
            throw Problem(
                column: index, reason: "a name has a character that needs quotes",
                remedy: "names are letters, digits and '_'; others stand in quotes inside the braces")
        }
        return ExpositionReader.text(bytes, range) ?? ""
    }

    /// The text between quotes, with `\\`, `\"` and `\n` read; `index` ends behind the second quote.
    private static func quoted(_ bytes: Span<UInt8>, _ index: inout Int, _ end: Int) throws(Problem) -> String {
        let start = index
        index += 1
        var text: [UInt8] = []
        while index < end {
            var byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "\"") {
                guard text.count <= SeriesKey.valueBytesMax else {
                    throw Problem(column: start, reason: "a label is longer than \(SeriesKey.valueBytesMax) bytes")
                }
                guard let string = String(validating: text.span) else {
                    throw Problem(column: start, reason: "a label is not UTF-8")
                }
                return string
            }
            if byte == UInt8(ascii: "\\"), index < end {
                byte = bytes[index]
                index += 1
                switch byte {
                case UInt8(ascii: "n"): byte = 0x0A
                case UInt8(ascii: "\\"), UInt8(ascii: "\""): break
                default: text.append(UInt8(ascii: "\\"))
                }
            }
            text.append(byte)
        }
        throw Problem(column: start, reason: "a label has no closing quote")
    }

    /// The series of what was read, with what the import says added.
    static func key(
        _ metric: String, _ labels: [Label], options: ImportOptions, column: Int
    ) throws(Problem) -> SeriesKey {
        do throws(SeriesKeyError) {
            return try AddedLabels(options.labels, cluster: options.cluster).key(metric, labels)
        } catch {
            throw Problem(column: column, reason: error.description, remedy: "mend the labels or leave it out")
        }
    }
}
