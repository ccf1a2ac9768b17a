import CairnBytes

/// Reads flow logs that arrive in pieces and gives every record to a sink.
///
/// It takes the four wrappings in which AWS delivers them, plain or gzip: text with a header line (S3), CloudWatch Logs
/// subscription JSON (also as the base64 of a gzip in `awslogs.data` or `records[].data`), bare lines (Firehose with
/// message extraction) and `{"message": ...}` objects (Firehose). It holds one unfinished line or object, never a file.
/// A bad line is set aside in `rejects` and reading goes on; an error ends it after everything before was delivered.
package struct FlowLogReader<Sink: FlowLogSink>: ~Copyable {
    private enum Wrapping { case unknown, lines, objects }

    package var sink: Sink
    /// Lines set aside since the caller last emptied this list.
    package var rejects: [FlowLogReject] = []
    /// Lines or messages seen so far.
    package private(set) var lines = 0

    private let limits: FlowLogLimits
    private let configured: FlowLogFormat?
    private var parser = FlowLineParser(format: .version2, isAssumed: true)
    private var hasBegun = false
    private var wrapping = Wrapping.unknown
    private var inflater: InflateStream?
    private var isContainerKnown = false
    private var buffer: [UInt8] = []
    private var objects = JSONObjectSplitter()
    private var compressedBytes = 0
    /// The rest of a line that was too long is being skipped.
    private var isSkippingLine = false

    /// - Parameter format: the order of the fields where no header line says it; a header line overrides it.
    package init(sink: Sink, format: FlowLogFormat? = nil, limits: FlowLogLimits = FlowLogLimits()) {
        self.sink = sink
        self.limits = limits
        configured = format
    }

    /// Bytes given to the decompressor at once, so that what comes out at once is bounded too.
    private static var pieceBytes: Int { 64 << 10 }

    package mutating func push(_ bytes: [UInt8]) throws(FlowLogError) {
        if inflater == nil, isContainerKnown {
            buffer.append(contentsOf: bytes)
            try readBuffer(isLast: false)
            return
        }
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + FlowLogReader.pieceBytes)
            try pushPiece(start == 0 && end == bytes.count ? bytes : Array(bytes[start..<end]))
            start = end
        }
    }

    private mutating func pushPiece(_ piece: [UInt8]) throws(FlowLogError) {
        if !isContainerKnown {
            buffer.append(contentsOf: piece)
            // Two bytes tell a gzip.
            guard buffer.count >= 2 else { return }
            isContainerKnown = true
            let first = buffer
            if first[0] == 0x1F, first[1] == 0x8B {
                buffer = []
                inflater = InflateStream(container: .gzip, limit: limits.fileBytesMax)
                try inflate(first)
            } else {
                try readBuffer(isLast: false)
            }
            return
        }
        if inflater != nil {
            try inflate(piece)
        } else {
            buffer.append(contentsOf: piece)
            try readBuffer(isLast: false)
        }
    }

    private mutating func inflate(_ piece: [UInt8]) throws(FlowLogError) {
        var failure: InflateError?
        do throws(InflateError) {
            try inflater?.append(piece, to: &buffer)
        } catch {
            failure = error
        }
        try readBuffer(isLast: false)
        guard let failure else {
            compressedBytes += piece.count
            return
        }
        rejectCutLine()
        throw FlowLogReader.damage(failure)
    }

    private static func damage(_ error: InflateError) -> FlowLogError {
        switch error {
        case .damaged(let offset, let reason): .damaged(offset: offset, reason: reason)
        case .endsEarly(let offset): .damaged(offset: offset, reason: "the compressed bytes end early")
        case .tooLarge(let limit): .damaged(offset: 0, reason: "more than the limit of \(limit) bytes comes out")
        }
    }

    /// Call once after the last piece: reads the last line, which needs no line break at its end.
    package mutating func finish() throws(FlowLogError) {
        isContainerKnown = true
        var isWhole = true
        if inflater != nil { isWhole = inflater?.isFinished ?? true }
        if isWhole {
            try readBuffer(isLast: true)
            return
        }
        try readBuffer(isLast: false)
        rejectCutLine()
        throw .damaged(offset: compressedBytes, reason: "the compressed bytes end early")
    }

    /// What stands in the buffer is the beginning of a line whose end is lost: a number could be cut in two.
    private mutating func rejectCutLine() {
        let rest = wrapping == .objects ? objects.unfinished : buffer
        if !rest.isEmpty, !isSkippingLine {
            lines += 1
            reject(.cut, rest.span, 0, rest.count)
        }
        buffer = []
    }

    private mutating func readBuffer(isLast: Bool) throws(FlowLogError) {
        if wrapping == .unknown {
            try detectWrapping(isLast: isLast)
            if wrapping == .unknown { return }
        }
        var work: [UInt8] = []
        swap(&work, &buffer)
        let used: Int
        switch wrapping {
        case .objects: used = readObjects(work, isLast: isLast)
        default: used = readLines(work, isLast: isLast, depth: 0)
        }
        // The unfinished rest moves to the front; the storage is kept.
        work.removeSubrange(0..<used)
        swap(&work, &buffer)
    }

    private mutating func detectWrapping(isLast: Bool) throws(FlowLogError) {
        if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { buffer.removeFirst(3) }
        guard buffer.count >= 4 || isLast else { return }
        if buffer.starts(with: Array("PAR1".utf8)) { throw .parquet }
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
        guard let first = buffer.first(where: { !isSpace($0) }) else {
            // Blank lines before the first one count as lines and mean nothing.
            for byte in buffer where byte == 0x0A { _ = byte; lines += 1 }
            buffer = []
            return
        }
        wrapping = first == UInt8(ascii: "{") || first == UInt8(ascii: "[") ? .objects : .lines
    }

    /// The sink, for the next file; ends the reader.
    package consuming func takeSink() -> Sink { sink }

    // MARK: Lines

    /// Reads whole lines and returns how many bytes they were; with `isLast` the rest is a line too.
    private mutating func readLines(_ work: [UInt8], isLast: Bool, depth: Int) -> Int {
        let bytes = work.span
        let count = bytes.count
        var start = 0
        while start < count {
            var end = start
            while end < count, bytes[end] != 0x0A { end += 1 }
            if end == count, !isLast {
                guard count - start > limits.lineBytesMax else { return start }
                if !isSkippingLine { rejectLongLine(bytes, start, count) }
                isSkippingLine = true
                return count
            }
            if isSkippingLine {
                isSkippingLine = false
            } else {
                readLine(bytes, start, end, depth: depth)
            }
            start = end + 1
        }
        return count
    }

    private mutating func rejectLongLine(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) {
        lines += 1
        reject(.tooLong(limit: limits.lineBytesMax), bytes, start, end)
    }

    private mutating func readLine(_ bytes: Span<UInt8>, _ start: Int, _ lineEnd: Int, depth: Int) {
        var end = lineEnd
        while end > start, bytes[end - 1] == 0x0D || bytes[end - 1] == 0x20 { end -= 1 }
        guard end - start <= limits.lineBytesMax else {
            if FlowLogReader.isGzipInBase64(bytes, start, end), depth < limits.wrappingDepthMax {
                lines += 1
                readPayload(base64: FlowLogReader.copy(bytes, start, end), depth: depth + 1)
            } else {
                rejectLongLine(bytes, start, end)
            }
            return
        }
        lines += 1
        if start == end { return }
        let first = bytes[start]
        if first >= UInt8(ascii: "a"), first <= UInt8(ascii: "z"),
            let format = FlowLogFormat(header: bytes, from: start, to: end)
        {
            begin(FlowLineParser(format: format, isAssumed: false))
            return
        }
        if first == UInt8(ascii: "H"), FlowLogReader.isGzipInBase64(bytes, start, end), depth < limits.wrappingDepthMax
        {
            readPayload(base64: FlowLogReader.copy(bytes, start, end), depth: depth + 1)
            return
        }
        if !hasBegun { begin(FlowLineParser(format: configured ?? .version2, isAssumed: configured == nil)) }
        if let reason = parser.parse(bytes, from: start, to: end) {
            reject(reason, bytes, start, end)
        } else {
            sink.accept(parser.record, bytes, parser.bounds)
        }
    }

    private mutating func begin(_ next: FlowLineParser) {
        if !hasBegun || parser.format != next.format { sink.begin(next.format) }
        hasBegun = true
        parser = next
    }

    private mutating func reject(_ reason: FlowLogRejectReason, _ bytes: Span<UInt8>, _ start: Int, _ end: Int) {
        let text = FlowLogReader.copy(bytes, start, min(end, start + FlowLogReject.textBytesMax))
        rejects.append(FlowLogReject(line: lines, reason: reason, text: String(decoding: text, as: UTF8.self)))
    }

    private static func copy(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> [UInt8] {
        var copy: [UInt8] = []
        copy.reserveCapacity(end - start)
        for index in start..<end { copy.append(bytes[index]) }
        return copy
    }

    // MARK: Objects

    private mutating func readObjects(_ work: [UInt8], isLast: Bool) -> Int {
        let bytes = work.span
        for index in 0..<bytes.count {
            switch objects.take(bytes[index], limit: limits.objectBytesMax) {
            case .more: continue
            case .object(let object): readObject(object, depth: 0)
            case .tooLong(let beginning):
                lines += 1
                reject(.tooLong(limit: limits.objectBytesMax), beginning.span, 0, beginning.count)
            case .stray(let byte):
                lines += 1
                reject(.notJSON("bytes between the objects"), [byte].span, 0, 1)
            }
        }
        let rest = objects.unfinished
        if isLast, !rest.isEmpty {
            lines += 1
            reject(.notJSON("the object has no end"), rest.span, 0, rest.count)
        }
        return work.count
    }

    private mutating func readObject(_ object: [UInt8], depth: Int) {
        var jsonLimits = JSONLimits()
        jsonLimits.bytesMax = limits.objectBytesMax
        do throws(JSONError) {
            readValue(try JSONParser.parse(object, limits: jsonLimits).value, object, depth: depth)
        } catch {
            lines += 1
            reject(.notJSON(error.description), object.span, 0, object.count)
        }
    }

    private mutating func readValue(_ value: JSONValue, _ object: [UInt8], depth: Int) {
        if let message = value["message"]?.string {
            readMessage(message, depth: depth)
        } else if value["messageType"]?.string == "CONTROL_MESSAGE" {
            // A test that the destination is reachable; its events carry no flows.
            return
        } else if let events = value["logEvents"]?.array {
            for event in events {
                if let message = event["message"]?.string { readMessage(message, depth: depth) }
            }
        } else if let payload = value["awslogs"]?["data"]?.string {
            readPayload(base64: Array(payload.utf8), depth: depth + 1)
        } else if let records = value["records"]?.array {
            for record in records {
                if let payload = record["data"]?.string {
                    readPayload(base64: Array(payload.utf8), depth: depth + 1)
                }
            }
        } else {
            lines += 1
            reject(.unknownWrapping, object.span, 0, object.count)
        }
    }

    private mutating func readMessage(_ message: String, depth: Int) {
        let skipped = isSkippingLine
        isSkippingLine = false
        _ = readLines(Array(message.utf8), isLast: true, depth: depth)
        isSkippingLine = skipped
    }

    /// `H4sI` is how the base64 of every gzip begins.
    private static func isGzipInBase64(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        end - start >= 24 && bytes[start] == UInt8(ascii: "H") && bytes[start + 1] == UInt8(ascii: "4")
            && bytes[start + 2] == UInt8(ascii: "s") && bytes[start + 3] == UInt8(ascii: "I")
    }

    private mutating func readPayload(base64: [UInt8], depth: Int) {
        guard depth <= limits.wrappingDepthMax, let decoded = Base64.bytes(base64) else {
            lines += 1
            let reason = depth <= limits.wrappingDepthMax ? "it is not base64" : "it is wrapped too deeply"
            reject(.damagedPayload(reason), base64.span, 0, base64.count)
            return
        }
        var content = decoded
        if decoded.starts(with: [0x1F, 0x8B]) {
            do throws(InflateError) {
                content = try Inflate.decompress(decoded, container: .gzip, limit: limits.payloadBytesMax)
            } catch {
                lines += 1
                reject(.damagedPayload(error.description), base64.span, 0, base64.count)
                return
            }
        }
        guard let first = content.first(where: { $0 > 0x20 }) else { return }
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else {
            _ = readLines(content, isLast: true, depth: depth)
            return
        }
        var splitter = JSONObjectSplitter()
        for byte in content {
            if case .object(let object) = splitter.take(byte, limit: limits.objectBytesMax) {
                readObject(object, depth: depth)
            }
        }
        if !splitter.unfinished.isEmpty {
            lines += 1
            reject(.notJSON("the object has no end"), splitter.unfinished.span, 0, splitter.unfinished.count)
        }
    }
}

/// Cuts a stream of JSON objects, with or without anything between them, into single objects. Brackets and commas at
/// the outermost level are skipped, so an array of objects gives its members.
private struct JSONObjectSplitter: Sendable {
    enum Step {
        case more
        case object([UInt8])
        case tooLong([UInt8])
        case stray(UInt8)
    }

    private(set) var unfinished: [UInt8] = []
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    private var isTooLong = false
    private var isStray = false

    mutating func take(_ byte: UInt8, limit: Int) -> Step {
        if depth == 0 {
            switch byte {
            case UInt8(ascii: "{"):
                depth = 1
                isStray = false
                unfinished = [byte]
            case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"): isStray = false
            default:
                if isStray { return .more }
                isStray = true
                return .stray(byte)
            }
            return .more
        }
        if !isTooLong {
            if unfinished.count >= limit {
                isTooLong = true
                let beginning = Array(unfinished.prefix(FlowLogReject.textBytesMax))
                unfinished = []
                advance(byte)
                if depth == 0 { isTooLong = false }
                return .tooLong(beginning)
            }
            unfinished.append(byte)
        }
        advance(byte)
        guard depth == 0 else { return .more }
        if isTooLong {
            isTooLong = false
            return .more
        }
        let object = unfinished
        unfinished = []
        return .object(object)
    }

    private mutating func advance(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if isInString {
            if byte == UInt8(ascii: "\\") { isEscaped = true }
            if byte == UInt8(ascii: "\"") { isInString = false }
        } else {
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
    }
}
