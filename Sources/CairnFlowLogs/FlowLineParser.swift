/// Reads the values of a line into a `FlowRecord`, without making a string of anything.
///
/// `-` and the literal `None`, which some producers write, are missing values. Everything hot is in this module: a
/// generic call across a module boundary would cost more than the parsing.
struct FlowLineParser: Sendable {
    private enum Kind: UInt8 {
        case source, destination, packetSource, packetDestination, sourcePort, destinationPort
        case protocolNumber, tcpFlags, packets, bytes, start, end, action, status, direction

        init?(_ field: FlowLogField?) {
            switch field {
            case .sourceAddress: self = .source
            case .destinationAddress: self = .destination
            case .packetSourceAddress: self = .packetSource
            case .packetDestinationAddress: self = .packetDestination
            case .sourcePort: self = .sourcePort
            case .destinationPort: self = .destinationPort
            case .protocolNumber: self = .protocolNumber
            case .tcpFlags: self = .tcpFlags
            case .packets: self = .packets
            case .bytes: self = .bytes
            case .start: self = .start
            case .end: self = .end
            case .action: self = .action
            case .logStatus: self = .status
            case .flowDirection: self = .direction
            default: return nil
            }
        }
    }

    private struct Step: Sendable {
        var kind: Kind
        var column: Int
    }

    private let steps: [Step]
    private(set) var record = FlowRecord()

    init(_ format: FlowLogFormat) {
        steps = format.columns.enumerated().compactMap { column, name in
            Kind(name.field).map { Step(kind: $0, column: column) }
        }
    }

    /// How far the window may end before it starts: AWS says both may be off by this many seconds.
    private static let clockSlackSeconds: Int64 = 60

    /// Reads a line; `record` tells of it afterwards if the result is nil.
    @inline(__always)
    mutating func parse(_ line: FlowLine) -> FlowFault? {
        record = FlowRecord()
        for index in steps.indices {
            let step = steps[index]
            if let fault = read(step.kind, line, step.column) { return fault }
        }
        if record.end < record.start {
            if record.present.contains(.end), record.end < record.start - FlowLineParser.clockSlackSeconds {
                return FlowFault(.endsBeforeStart, 0)
            }
            if record.present.contains(.start) { record.end = record.start }
        } else if !record.present.contains(.start) {
            record.start = record.end
        }
        return nil
    }

    static func isMissing(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        if end - start == 1 { return bytes[start] == UInt8(ascii: "-") }
        return end - start == 4 && bytes[start] == UInt8(ascii: "N") && bytes[start + 1] == UInt8(ascii: "o")
            && bytes[start + 2] == UInt8(ascii: "n") && bytes[start + 3] == UInt8(ascii: "e")
    }

    @inline(__always)
    private mutating func read(_ kind: Kind, _ line: FlowLine, _ column: Int) -> FlowFault? {
        switch kind {
        case .source: return read(.source, \.source, line, column)
        case .destination: return read(.destination, \.destination, line, column)
        case .packetSource: return read(.packetSource, \.packetSource, line, column)
        case .packetDestination: return read(.packetDestination, \.packetDestination, line, column)
        case .action: return readAction(line, column)
        case .status: return readStatus(line, column)
        case .direction: return readDirection(line, column)
        default: return readNumber(kind, line, column)
        }
    }

    @inline(__always)
    private mutating func read(
        _ present: FlowRecord.Presence, _ path: WritableKeyPath<FlowRecord, IPAddress>, _ line: FlowLine, _ column: Int
    ) -> FlowFault? {
        if let address = line.addressV4(of: column) {
            record[keyPath: path] = IPAddress(v4: address)
        } else {
            if line.isMissing(column) { return nil }
            guard let address = line.addressV6(of: column) else { return FlowFault(.notAnAddress, column) }
            record[keyPath: path] = address
        }
        record.present.insert(present)
        return nil
    }

    @inline(__always)
    private mutating func readNumber(_ kind: Kind, _ line: FlowLine, _ column: Int) -> FlowFault? {
        let value = line.number(of: column)
        let limit: UInt64
        switch kind {
        case .sourcePort, .destinationPort: limit = FlowNumberLimits.port
        case .protocolNumber: limit = FlowNumberLimits.protocolNumber
        case .tcpFlags: limit = FlowNumberLimits.tcpFlags
        default: limit = UInt64(Int64.max)
        }
        guard value <= limit else { return value == FlowLine.missing ? nil : FlowFault(number: value, column) }
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
            guard let seconds = FlowNumberLimits.seconds(value) else { return FlowFault(.outOfRange, column) }
            if kind == .start {
                record.start = seconds
                record.present.insert(.start)
            } else {
                record.end = seconds
                record.present.insert(.end)
            }
        }
        return nil
    }

    @inline(__always)
    private mutating func readAction(_ line: FlowLine, _ column: Int) -> FlowFault? {
        if line.isWord(FlowWord.accept, column) {
            record.action = .accept
        } else if line.isWord(FlowWord.reject, column) {
            record.action = .reject
        } else if !line.isMissing(column) {
            return FlowFault(.unknownWord, column)
        }
        return nil
    }

    @inline(__always)
    private mutating func readStatus(_ line: FlowLine, _ column: Int) -> FlowFault? {
        guard let status = line.status(column) else { return FlowFault(.unknownWord, column) }
        record.status = status
        return nil
    }

    @inline(__always)
    private mutating func readDirection(_ line: FlowLine, _ column: Int) -> FlowFault? {
        if line.isWord(FlowWord.egress, column) {
            record.direction = .egress
        } else if line.isWord(FlowWord.ingress, column) {
            record.direction = .ingress
        } else {
            return line.isMissing(column) ? nil : FlowFault(.unknownWord, column)
        }
        record.present.insert(.direction)
        return nil
    }
}

extension FlowWord {
    static var accept: FlowWord { FlowWord("ACCEPT") }
    static var reject: FlowWord { FlowWord("REJECT") }
    static var egress: FlowWord { FlowWord("egress") }
    static var ingress: FlowWord { FlowWord("ingress") }
    static var ok: FlowWord { FlowWord("OK") }
    static var noData: FlowWord { FlowWord("NODATA") }
    static var skipData: FlowWord { FlowWord("SKIPDATA") }
}

extension FlowLine {
    /// Whether the line tells of traffic; nil if the word is not defined.
    @inline(__always)
    func status(_ column: Int) -> FlowLogStatus? {
        if isWord(FlowWord.ok, column) { return .ok }
        if isWord(FlowWord.noData, column) { return .noData }
        if isWord(FlowWord.skipData, column) { return .skipData }
        return isMissing(column) ? .ok : nil
    }
}

/// Up to where the numbers of flow logs make sense.
enum FlowNumberLimits {
    static let port: UInt64 = 65_535
    static let protocolNumber: UInt64 = 255
    static let tcpFlags = UInt64(Int32.max)
    /// Latest start or end in seconds, the beginning of 2100: one wrong stamp of the far future would make every later
    /// record look late.
    static let secondsMax: UInt64 = 4_102_444_800
    /// Stamps from 2001-09-09 on in milliseconds, before flow logs were, are larger than any date in seconds.
    private static let millisecondsMin: UInt64 = 1_000_000_000_000

    /// The seconds since 1970 of a stamp in seconds or milliseconds.
    @inline(__always)
    static func seconds(_ value: UInt64) -> Int64? {
        let seconds = value >= millisecondsMin ? value / 1000 : value
        return seconds <= secondsMax ? Int64(truncatingIfNeeded: seconds) : nil
    }
}

/// Gives the records of lines to a sink.
struct FlowRecordConsumer<Sink: FlowLogSink>: FlowLineConsumer {
    var sink: Sink
    private var parser = FlowLineParser(.version2)
    private var lastColumn = 0

    init(sink: Sink) { self.sink = sink }

    mutating func begin(_ format: FlowLogFormat) {
        parser = FlowLineParser(format)
        lastColumn = format.columns.count - 1
        sink.begin(format)
    }

    @inline(__always)
    mutating func accept(_ line: FlowLine) -> FlowFault? {
        if let fault = parser.parse(line) { return fault }
        let text = unsafe UnsafeBufferPointer(start: line.bytes, count: line.end(of: lastColumn))
        unsafe sink.accept(parser.record, text.span, FlowFieldBounds(line))
        return nil
    }
}
