/// Finds the records of RFC 4180 in a stream of bytes: fields between commas, in quotes where they hold commas, quotes
/// or line breaks. A quote that never closes costs the line it stands in and not the rest of the file.
struct CSVSplitter {
    struct Record {
        var fields: [Field]
        var range: Range<Int>
        /// The line of the first byte, from 1.
        var line: Int
        /// More than one if a quoted field holds line breaks.
        var lineCount: Int
    }

    struct Field {
        /// Without the quotes around it.
        var range: Range<Int>
        /// Two quotes in a row in it stand for one.
        var hasEscapes: Bool
    }

    enum Outcome {
        /// Go on behind the record.
        case taken
        /// The record is broken: go on at its second line, if it has one.
        case refused
    }

    private enum Scan {
        case record(Record, next: Int)
        case broken(reason: String, offset: Int)
        case incomplete
    }

    private let bytesMax: Int
    private var buffer: [UInt8] = []
    private var line = 1
    private var isSkippingLine = false

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    mutating func append(
        _ bytes: ArraySlice<UInt8>, isLast: Bool, body: (_ bytes: [UInt8], Record) -> Outcome,
        broken: (_ bytes: ArraySlice<UInt8>, _ reason: String, _ line: Int, _ column: Int) -> Void
    ) {
        buffer.append(contentsOf: bytes)
        var start = 0
        while start < buffer.count {
            if isSkippingLine {
                guard let end = buffer[start...].firstIndex(of: UInt8(ascii: "\n")) else {
                    start = buffer.count
                    break
                }
                isSkippingLine = false
                line += 1
                start = end + 1
                continue
            }
            switch scan(from: start, isLast: isLast) {
            case .record(let record, let next):
                if case .refused = body(buffer, record), record.lineCount > 1 {
                    start = skipLine(from: start)
                } else {
                    line += record.lineCount
                    start = next
                }
            case .broken(let reason, let offset):
                let isLineWhole = isLast || buffer[start...].contains(UInt8(ascii: "\n"))
                if !isLineWhole, buffer.count - start <= bytesMax {
                    buffer.removeSubrange(..<start)
                    return
                }
                let next = skipLine(from: start)
                broken(buffer[start..<next], reason, line - (isSkippingLine ? 0 : 1), offset - start + 1)
                start = next
            case .incomplete:
                if buffer.count - start <= bytesMax {
                    buffer.removeSubrange(..<start)
                    return
                }
                let next = skipLine(from: start)
                broken(
                    buffer[start..<next],
                    "the record is longer than the limit of \(bytesMax) bytes, or a quote in it does not close",
                    line - (isSkippingLine ? 0 : 1), 1)
                start = next
            }
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Moves to the next line; if it is not there yet, what is left of this one is passed over when it comes.
    private mutating func skipLine(from start: Int) -> Int {
        guard let end = buffer[start...].firstIndex(of: UInt8(ascii: "\n")) else {
            isSkippingLine = true
            return buffer.count
        }
        line += 1
        return end + 1
    }

    private func scan(from start: Int, isLast: Bool) -> Scan {
        let bytes = buffer.span
        let count = bytes.count
        var fields: [Field] = []
        var index = start
        var lineCount = 1
        while true {
            var field = Field(range: index..<index, hasEscapes: false)
            if index < count, bytes[index] == UInt8(ascii: "\"") {
                let opening = index
                index += 1
                let fieldStart = index
                while true {
                    guard index < count else {
                        return isLast ? .broken(reason: "a quote does not close", offset: opening) : .incomplete
                    }
                    let byte = bytes[index]
                    if byte == UInt8(ascii: "\"") {
                        if index + 1 < count, bytes[index + 1] == UInt8(ascii: "\"") {
                            field.hasEscapes = true
                            index += 2
                            continue
                        }
                        // Whether it is one quote or two is not known before the next byte is there.
                        if index + 1 == count, !isLast { return .incomplete }
                        break
                    }
                    if byte == UInt8(ascii: "\n") { lineCount += 1 }
                    index += 1
                }
                field.range = fieldStart..<index
                index += 1
                if index < count, bytes[index] == UInt8(ascii: "\r"), index + 1 == count || bytes[index + 1] == 0x0A {
                    index += 1
                }
                guard index >= count || bytes[index] == UInt8(ascii: ",") || bytes[index] == 0x0A else {
                    return .broken(reason: "there is text after a closing quote", offset: index)
                }
            } else {
                let fieldStart = index
                while index < count, bytes[index] != UInt8(ascii: ","), bytes[index] != 0x0A { index += 1 }
                var end = index
                if index < count, bytes[index] == 0x0A || isLast, end > fieldStart, bytes[end - 1] == 0x0D { end -= 1 }
                if index == count, isLast, end > fieldStart, bytes[end - 1] == 0x0D { end -= 1 }
                field.range = fieldStart..<end
            }
            fields.append(field)
            if index >= count {
                guard isLast else { return .incomplete }
                return .record(
                    Record(fields: fields, range: start..<count, line: line, lineCount: lineCount), next: count)
            }
            let isEnd = bytes[index] == 0x0A
            index += 1
            if isEnd {
                let record = Record(fields: fields, range: start..<index - 1, line: line, lineCount: lineCount)
                return .record(record, next: index)
            }
        }
    }
}
