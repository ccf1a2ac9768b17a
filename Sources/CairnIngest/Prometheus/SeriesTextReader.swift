internal import CairnBytes

/// Reads `name{label="value",...}` into a series.
enum SeriesTextReader {
    /// Most labels of one series: Prometheus' own limits are around 30, and each costs in every index.
    static let labelsMax = 128
    /// Longest metric or label name and label value, in bytes.
    static let nameBytesMax = 1024
    static let valueBytesMax = 16 << 10

    typealias Problem = ExpositionReader.Problem

    static func read(_ bytes: Span<UInt8>, _ range: Range<Int>, options: ImportOptions) throws(Problem) -> SeriesText {
        var index = range.lowerBound
        let end = range.upperBound
        while index < end, bytes[index] != 0x20, bytes[index] != 0x09, bytes[index] != UInt8(ascii: "{") { index += 1 }
        var metric: String?
        if index > range.lowerBound { metric = try name(bytes, range.lowerBound..<index, allowsColon: true) }
        index = ExpositionReader.skipBlanks(bytes, index, end)
        var labels: [SeriesText.Label] = []
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
        return try series(metric, labels, options: options, column: range.lowerBound)
    }

    /// One `name="value"`, or the metric's name in quotes.
    private static func label(
        _ bytes: Span<UInt8>, _ index: inout Int, _ end: Int, _ metric: inout String?,
        _ labels: inout [SeriesText.Label]
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
        guard labels.count < labelsMax else {
            throw Problem(column: start, reason: "more than \(labelsMax) labels", remedy: "drop labels at the source")
        }
        guard name != "__name__" else {
            guard metric == nil, !value.isEmpty else {
                throw Problem(column: start, reason: "the metric has two names")
            }
            metric = value
            return
        }
        labels.append(SeriesText.Label(name: name, value: value))
    }

    private static func name(_ bytes: Span<UInt8>, _ range: Range<Int>, allowsColon: Bool) throws(Problem) -> String {
        guard !range.isEmpty, range.count <= nameBytesMax else {
            throw Problem(column: range.lowerBound, reason: "a name is empty or longer than \(nameBytesMax) bytes")
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
                guard text.count <= valueBytesMax else {
                    throw Problem(column: start, reason: "a label is longer than \(valueBytesMax) bytes")
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

    /// Sorts the labels, drops empty ones (they mean the same as none), and adds what the import says. What the import
    /// says wins; the file's own value of the same label is kept as `exported_NAME`, as Prometheus does.
    static func series(
        _ metric: String, _ labels: [SeriesText.Label], options: ImportOptions, column: Int
    ) throws(Problem) -> SeriesText {
        var result = labels.filter { !$0.value.isEmpty }
        var added = options.labels
        if let cluster = options.cluster { added["cluster"] = cluster }
        for (name, value) in added.sorted(by: { $0.key < $1.key }) where !value.isEmpty {
            if let index = result.firstIndex(where: { $0.name == name }) {
                if result[index].value == value { continue }
                result[index].name = "exported_\(name)"
            }
            result.append(SeriesText.Label(name: name, value: value))
        }
        result.sort { $0.name < $1.name }
        for (first, second) in zip(result, result.dropFirst()) where first.name == second.name {
            throw Problem(column: column, reason: "the label \(first.name) occurs twice")
        }
        return SeriesText(metric: metric, labels: result)
    }
}
