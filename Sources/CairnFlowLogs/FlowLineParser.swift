/// Reads one line at a time into a `FlowRecord`, without making a string of anything.
///
/// Fields are separated by runs of spaces, since AWS's own samples have doubled ones. `-` and the literal `None`, which
/// some producers write, are missing values. Everything hot is in this file: a generic call across a module boundary
/// would cost more than the parsing.
struct FlowLineParser: Sendable {
    private enum Kind: UInt8 {
        case skipped, source, destination, packetSource, packetDestination, sourcePort, destinationPort
        case protocolNumber, tcpFlags, packets, bytes, start, end, action, status, direction
    }

    let format: FlowLogFormat
    /// True if neither a header line nor the caller said what the fields are.
    let isAssumed: Bool
    private let kinds: [Kind]
    private(set) var bounds: FlowFieldBounds
    private(set) var record = FlowRecord()

    init(format: FlowLogFormat, isAssumed: Bool) {
        self.format = format
        self.isAssumed = isAssumed
        bounds = FlowFieldBounds(columns: format.columns.count)
        kinds = format.columns.map { column in
            switch column.field {
            case .sourceAddress: .source
            case .destinationAddress: .destination
            case .packetSourceAddress: .packetSource
            case .packetDestinationAddress: .packetDestination
            case .sourcePort: .sourcePort
            case .destinationPort: .destinationPort
            case .protocolNumber: .protocolNumber
            case .tcpFlags: .tcpFlags
            case .packets: .packets
            case .bytes: .bytes
            case .start: .start
            case .end: .end
            case .action: .action
            case .logStatus: .status
            case .flowDirection: .direction
            default: .skipped
            }
        }
    }

    /// Latest start or end in seconds, 9999-12-31T23:59:59Z; anything later is milliseconds.
    private static let secondsMax: UInt64 = 253_402_300_799
    /// Stamps from 1973-03-03 on in milliseconds are larger than any stamp before the year 5138 in seconds.
    private static let millisecondsMin: UInt64 = 100_000_000_000
    /// How far the window may end before it starts: AWS says both may be off by this many seconds.
    private static let clockSlackSeconds: Int64 = 60

    /// Reads the line in `bytes[start..<end]`. `record` and `bounds` tell of it afterwards if the result is nil.
    mutating func parse(_ bytes: Span<UInt8>, from lineStart: Int, to lineEnd: Int) -> FlowLogRejectReason? {
        record = FlowRecord()
        let columns = kinds.count
        var column = 0
        var index = lineStart
        while true {
            while index < lineEnd, bytes[index] == 0x20 { index += 1 }
            if index >= lineEnd { break }
            let start = index
            while index < lineEnd, bytes[index] != 0x20 { index += 1 }
            if column == columns { return .tooManyFields(expected: columns, isAssumed: isAssumed) }
            bounds.starts[column] = start
            bounds.ends[column] = index
            let kind = kinds[column]
            if kind != .skipped, !FlowLineParser.isMissing(bytes, start, index) {
                if let reason = read(kind, bytes, start, index, column) { return reason }
            }
            column += 1
        }
        if column < columns { return .tooFewFields(found: column, expected: columns, isAssumed: isAssumed) }
        if record.end < record.start {
            if record.present.contains(.end), record.end < record.start - FlowLineParser.clockSlackSeconds {
                return .endsBeforeStart
            }
            if record.present.contains(.start) { record.end = record.start }
        } else if !record.present.contains(.start) {
            record.start = record.end
        }
        return nil
    }

    @inline(__always)
    static func isMissing(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        if end - start == 1 { return bytes[start] == UInt8(ascii: "-") }
        return end - start == 4 && bytes[start] == UInt8(ascii: "N") && bytes[start + 1] == UInt8(ascii: "o")
            && bytes[start + 2] == UInt8(ascii: "n") && bytes[start + 3] == UInt8(ascii: "e")
    }

    @inline(__always)
    private mutating func read(
        _ kind: Kind, _ bytes: Span<UInt8>, _ start: Int, _ end: Int, _ column: Int
    ) -> FlowLogRejectReason? {
        switch kind {
        case .skipped: return nil
        case .source, .destination, .packetSource, .packetDestination:
            guard let address = IPAddress(bytes, from: start, to: end) else {
                return .notAnAddress(field: format.columns[column].name)
            }
            switch kind {
            case .source:
                record.source = address
                record.present.insert(.source)
            case .destination:
                record.destination = address
                record.present.insert(.destination)
            case .packetSource:
                record.packetSource = address
                record.present.insert(.packetSource)
            default:
                record.packetDestination = address
                record.present.insert(.packetDestination)
            }
            return nil
        case .action, .status, .direction: return readWord(kind, bytes, start, end, column)
        default: return readNumber(kind, bytes, start, end, column)
        }
    }

    private mutating func readNumber(
        _ kind: Kind, _ bytes: Span<UInt8>, _ start: Int, _ end: Int, _ column: Int
    ) -> FlowLogRejectReason? {
        var value: UInt64 = 0
        for index in start..<end {
            let digit = bytes[index] &- 0x30
            guard digit <= 9 else {
                let isNegative = index == start && bytes[index] == UInt8(ascii: "-")
                let name = format.columns[column].name
                return isNegative && FlowLineParser.areDigits(bytes, start + 1, end)
                    ? .negative(field: name) : .notANumber(field: name)
            }
            // Eighteen digits cannot overflow; more are out of any field's range but for leading zeros.
            if index - start >= 18, value > (UInt64.max - 9) / 10 {
                return .outOfRange(field: format.columns[column].name)
            }
            value = value &* 10 &+ UInt64(digit)
        }
        let limit: UInt64
        switch kind {
        case .sourcePort, .destinationPort: limit = 65_535
        case .protocolNumber: limit = 255
        case .tcpFlags: limit = UInt64(Int32.max)
        default: limit = UInt64(Int64.max)
        }
        if value > limit { return .outOfRange(field: format.columns[column].name) }
        return store(value, as: kind, column)
    }

    @inline(__always)
    private mutating func store(_ value: UInt64, as kind: Kind, _ column: Int) -> FlowLogRejectReason? {
        switch kind {
        case .sourcePort:
            record.sourcePort = UInt16(truncatingIfNeeded: value)
            record.present.insert(.sourcePort)
        case .destinationPort:
            record.destinationPort = UInt16(truncatingIfNeeded: value)
            record.present.insert(.destinationPort)
        case .protocolNumber:
            record.protocolNumber = UInt8(truncatingIfNeeded: value)
            record.present.insert(.protocolNumber)
        case .tcpFlags:
            record.tcpFlags = UInt8(truncatingIfNeeded: value)
            record.present.insert(.tcpFlags)
        case .packets:
            record.packets = value
            record.present.insert(.packets)
        case .bytes:
            record.bytes = value
            record.present.insert(.bytes)
        default:
            let seconds = value >= FlowLineParser.millisecondsMin ? value / 1000 : value
            if seconds > FlowLineParser.secondsMax { return .outOfRange(field: format.columns[column].name) }
            if kind == .start {
                record.start = Int64(seconds)
                record.present.insert(.start)
            } else {
                record.end = Int64(seconds)
                record.present.insert(.end)
            }
        }
        return nil
    }

    private static func areDigits(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        for index in start..<end where bytes[index] &- 0x30 > 9 { return false }
        return start < end
    }

    private mutating func readWord(
        _ kind: Kind, _ bytes: Span<UInt8>, _ start: Int, _ end: Int, _ column: Int
    ) -> FlowLogRejectReason? {
        func has(_ word: StaticString) -> Bool {
            guard word.utf8CodeUnitCount == end - start else { return false }
            return word.withUTF8Buffer { buffer in
                for index in buffer.indices where unsafe buffer[index] != bytes[start + index] { return false }
                return true
            }
        }
        switch kind {
        case .action where has("ACCEPT"): record.action = .accept
        case .action where has("REJECT"): record.action = .reject
        case .status where has("OK"): record.status = .ok
        case .status where has("NODATA"): record.status = .noData
        case .status where has("SKIPDATA"): record.status = .skipData
        case .direction where has("egress"):
            record.direction = .egress
            record.present.insert(.direction)
        case .direction where has("ingress"):
            record.direction = .ingress
            record.present.insert(.direction)
        default: return .unknownWord(field: format.columns[column].name)
        }
        return nil
    }
}
