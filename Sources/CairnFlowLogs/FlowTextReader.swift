import CairnBytes

/// Finds the lines in a flow log's text, which arrives in buffers, and gives each to a consumer.
///
/// Most lines are taken as they lie: the index of the block says where their fields are. What is irregular (doubled
/// spaces, a header, a wrapping, a line that spans two buffers by far) is copied into a line of its own with single
/// spaces and goes to the same consumer. A bad line is set aside and reading goes on.
struct FlowTextReader<Consumer: FlowLineConsumer & ~Copyable>: ~Copyable {
    enum Wrapping { case unknown, lines, objects }

    var consumer: Consumer
    /// Lines set aside since the caller last emptied this list, `FlowLogLimits.rejectsHeldMax` at most.
    var rejects: [FlowLogReject] = []
    var counts = FlowLineCounts()

    let limits: FlowLogLimits
    let configured: FlowLogFormat?
    var format = FlowLogFormat.version2
    /// True if neither a header line nor the caller said what the fields are.
    var isAssumed = true
    var hasBegun = false
    var wrapping = Wrapping.unknown
    var objects = JSONObjectSplitter()
    /// The beginning of a line or object whose end has not come yet.
    private var carry: [UInt8] = []
    /// The rest of a line that was too long is being skipped.
    private var isSkippingLine = false
    private let index = FlowLineIndex()
    let lineCopy = FlowLineCopy()

    init(consumer: consuming Consumer, format: FlowLogFormat?, limits: FlowLogLimits) {
        self.consumer = consumer
        self.limits = limits
        configured = format
    }

    /// Forgets everything about the file before; the consumer stays.
    mutating func beginFile() {
        rejects = []
        counts = FlowLineCounts()
        hasBegun = false
        wrapping = .unknown
        objects = JSONObjectSplitter()
        carry.removeAll(keepingCapacity: true)
        isSkippingLine = false
    }

    // MARK: Buffers

    /// Reads what was written to the buffer; nothing of it is needed afterwards.
    mutating func read(_ buffer: FlowTextBuffer) throws(FlowLogError) {
        let base = unsafe buffer.base
        var start = FlowTextBuffer.textStart
        let end = start + buffer.count
        if isSkippingLine {
            guard let lineEnd = unsafe FlowTextReader.lineEnd(base, start, end) else { return }
            isSkippingLine = false
            start = lineEnd + 1
        }
        if carry.count > FlowTextBuffer.frontBytes {
            guard let next = unsafe lengthenCarry(base, start, end) else { return }
            start = next
        } else if !carry.isEmpty {
            start -= carry.count
            let count = carry.count
            unsafe carry.withUnsafeBufferPointer { unsafe (base + start).update(from: $0.baseAddress!, count: count) }
            carry.removeAll(keepingCapacity: true)
        }
        if wrapping == .unknown {
            start += try unsafe begin(UnsafeBufferPointer(start: base + start, count: end - start), isLast: false)
        }
        if wrapping == .objects {
            unsafe readObjects(UnsafeBufferPointer(start: base + start, count: end - start))
            return
        }
        if wrapping == .lines { start = unsafe readBlocks(base, from: start, to: end) }
        if start < end { unsafe keep(UnsafeBufferPointer(start: base + start, count: end - start)) }
    }

    /// Reads the last line, which needs no line break at its end.
    /// - Parameter isCut: the end of the line is lost: a number could be cut in two.
    mutating func finish(isCut: Bool) throws(FlowLogError) {
        if wrapping == .unknown {
            let beginning = carry
            let skipped = try unsafe beginning.withUnsafeBufferPointer { text throws(FlowLogError) in
                try unsafe begin(text, isLast: true)
            }
            carry.removeFirst(skipped)
        }
        if wrapping == .objects, !carry.isEmpty {
            unsafe carry.withUnsafeBufferPointer { unsafe readObjects($0) }
        }
        let rest = wrapping == .objects ? objects.unfinished : carry
        carry = []
        objects = JSONObjectSplitter()
        if rest.isEmpty || isSkippingLine { return }
        if isCut {
            counts.lines += 1
            reject(.cut, rest)
        } else if wrapping == .objects {
            counts.lines += 1
            reject(.notJSON("the object has no end"), rest)
        } else {
            unsafe rest.withUnsafeBufferPointer { unsafe readLine($0, depth: 0) }
        }
    }

    /// Decides from its first bytes what the file is, if they suffice.
    /// - Returns: how many of the bytes need no reading: a byte order mark, or blank lines.
    private mutating func begin(_ text: UnsafeBufferPointer<UInt8>, isLast: Bool) throws(FlowLogError) -> Int {
        guard text.count >= 4 || isLast else { return 0 }
        if unsafe text.starts(with: Array("PAR1".utf8)) { throw .parquet }
        let mark = unsafe text.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
        guard let first = unsafe text.dropFirst(mark).first(where: { !isSpace($0) }) else {
            // Blank lines before the first one count as lines and mean nothing.
            let blank = unsafe text.count { $0 == 0x0A }
            counts.lines += blank
            counts.blank += blank
            return text.count
        }
        wrapping = first == UInt8(ascii: "{") || first == UInt8(ascii: "[") ? .objects : .lines
        return mark
    }

    /// Adds up to the next line break to a line that is too long to be put in front of a buffer.
    /// - Returns: where the next line starts, or nil if the line has not ended.
    private mutating func lengthenCarry(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int? {
        let lineEnd = unsafe FlowTextReader.lineEnd(base, start, end)
        var line = carry
        carry = []
        unsafe line.append(
            contentsOf: UnsafeBufferPointer(start: base + start, count: (lineEnd ?? end) - start))
        unsafe line.withUnsafeBufferPointer { line in
            if lineEnd == nil { unsafe keep(line) } else { unsafe readLine(line, depth: 0) }
        }
        return lineEnd.map { $0 + 1 }
    }

    /// Keeps an unfinished line for the next buffer, unless it is longer than any line may be.
    private mutating func keep(_ rest: UnsafeBufferPointer<UInt8>) {
        if unsafe rest.count > lineBytesMax(rest) {
            counts.lines += 1
            unsafe reject(.tooLong(limit: limits.lineBytesMax), rest)
            isSkippingLine = true
        } else {
            unsafe carry.append(contentsOf: rest)
        }
    }

    private static func lineEnd(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int? {
        var place = start
        while place < end {
            if unsafe base[place] == 0x0A { return place }
            place += 1
        }
        return nil
    }

    // MARK: Lines as they lie

    /// Reads whole lines and returns where the unfinished one starts.
    private mutating func readBlocks(_ base: UnsafePointer<UInt8>, from: Int, to end: Int) -> Int {
        var start = from
        while start < end {
            let blockEnd = min(end, start + FlowLineIndex.blockBytes)
            unsafe index.scan(base, from: start, to: blockEnd)
            if index.lineCount > 0 {
                start = unsafe readBlock(base, from: start)
            } else {
                guard blockEnd < end, let lineEnd = unsafe FlowTextReader.lineEnd(base, blockEnd, end) else {
                    return start
                }
                unsafe readLine(UnsafeBufferPointer(start: base + start, count: lineEnd - start), depth: 0)
                start = lineEnd + 1
            }
        }
        return start
    }

    /// Reads the whole lines of the indexed block and returns where the next one starts.
    private mutating func readBlock(_ base: UnsafePointer<UInt8>, from: Int) -> Int {
        let separators = unsafe index.separators
        let lineEnds = unsafe index.lineEnds
        let separatorCount = index.separatorCount
        let isRegular = !index.hasRuns && limits.lineBytesMax >= FlowLineIndex.blockBytes
        var start = from
        var first = 0
        for number in 0..<index.lineCount {
            let end = unsafe Int(lineEnds[number])
            // A header may have changed the format.
            let last = first &+ format.columns.count &- 1
            if isRegular, hasBegun, last < separatorCount, unsafe Int(separators[last]) == end,
                unsafe FlowTextReader.isRecord(base, start)
            {
                counts.lines &+= 1
                // A carriage return before the line break belongs to neither.
                if unsafe base[end &- 1] != 0x0D {
                    unsafe accept(base, separators + first, start, end)
                } else if unsafe Int(separators[last &- 1]) &+ 2 < end, unsafe base[end &- 2] != 0x0D {
                    unsafe separators[last] = UInt32(truncatingIfNeeded: end &- 1)
                    unsafe accept(base, separators + first, start, end)
                    unsafe separators[last] = UInt32(truncatingIfNeeded: end)
                } else {
                    counts.lines &-= 1
                    unsafe readLine(UnsafeBufferPointer(start: base + start, count: end &- start), depth: 0)
                }
                first = last &+ 1
            } else {
                unsafe readLine(UnsafeBufferPointer(start: base + start, count: end &- start), depth: 0)
                while first < separatorCount, unsafe Int(separators[first]) <= end { first &+= 1 }
            }
            start = end &+ 1
        }
        return start
    }

    /// False for what may be a header line or the base64 of a gzip.
    @inline(__always)
    private static func isRecord(_ base: UnsafePointer<UInt8>, _ start: Int) -> Bool {
        let byte = unsafe base[start]
        if byte == UInt8(ascii: "H") { return false }
        return unsafe byte &- UInt8(ascii: "a") > 25 || !FlowLogFormat.begins(base + start)
    }

    @inline(__always)
    private mutating func accept(
        _ base: UnsafePointer<UInt8>, _ separators: UnsafePointer<UInt32>, _ start: Int, _ end: Int
    ) {
        if let fault = unsafe consumer.accept(FlowLine(bytes: base, separators: separators)) {
            unsafe reject(fault.reason(format), UnsafeBufferPointer(start: base + start, count: end - start))
        } else {
            counts.records &+= 1
        }
    }

    // MARK: Lines one by one

    /// Reads the whole lines of text that lies anywhere, and returns how many bytes they were.
    mutating func readLines(_ text: UnsafeBufferPointer<UInt8>, depth: Int) -> Int {
        var start = 0
        while let end = unsafe text[start...].firstIndex(of: 0x0A) {
            unsafe readLine(UnsafeBufferPointer(rebasing: text[start..<end]), depth: depth)
            start = end + 1
        }
        return start
    }

    /// Reads all lines of text that lies anywhere; the last one needs no line break.
    mutating func readAllLines(_ text: [UInt8], depth: Int) {
        unsafe text.withUnsafeBufferPointer { text in
            let used = unsafe readLines(text, depth: depth)
            if used < text.count { unsafe readLine(UnsafeBufferPointer(rebasing: text[used...]), depth: depth) }
        }
    }

    /// The longest that a line may be which begins like this one.
    private func lineBytesMax(_ line: UnsafeBufferPointer<UInt8>) -> Int {
        unsafe FlowTextReader.isGzipInBase64(line)
            ? max(limits.objectBytesMax, limits.lineBytesMax) : limits.lineBytesMax
    }

    /// Reads one line, without its line break, whatever it is.
    mutating func readLine(_ whole: UnsafeBufferPointer<UInt8>, depth: Int) {
        counts.lines += 1
        guard unsafe whole.count <= lineBytesMax(whole) else {
            unsafe reject(.tooLong(limit: limits.lineBytesMax), whole)
            return
        }
        var end = whole.count
        while end > 0, unsafe whole[end - 1] == 0x0D || whole[end - 1] == 0x20 { end -= 1 }
        let line = unsafe UnsafeBufferPointer(rebasing: whole[..<end])
        guard let first = unsafe line.first(where: { $0 != 0x20 }) else {
            counts.blank += 1
            return
        }
        if first >= UInt8(ascii: "a"), first <= UInt8(ascii: "z"),
            let header = unsafe FlowLogFormat(header: line.span, from: 0, to: end)
        {
            counts.headers += 1
            begin(header, isAssumed: false)
            return
        }
        if unsafe FlowTextReader.isGzipInBase64(line), depth < limits.wrappingDepthMax {
            counts.wrappings += 1
            unsafe readPayload(base64: Array(line), depth: depth + 1)
            return
        }
        if !hasBegun { begin(configured ?? .version2, isAssumed: configured == nil) }
        let columns = format.columns.count
        let found = unsafe lineCopy.fill(line, columns: columns)
        if found < columns {
            unsafe reject(.tooFewFields(found: found, expected: columns, isAssumed: isAssumed), line)
        } else if found > columns {
            unsafe reject(.tooManyFields(expected: columns, isAssumed: isAssumed), line)
        } else if let fault = consumer.accept(lineCopy.line) {
            unsafe reject(fault.reason(format), line)
        } else {
            counts.records += 1
        }
    }

    private mutating func begin(_ next: FlowLogFormat, isAssumed: Bool) {
        if !hasBegun || format != next { consumer.begin(next) }
        hasBegun = true
        format = next
        self.isAssumed = isAssumed
    }

    // MARK: Rejects

    mutating func reject(_ reason: FlowLogRejectReason, _ line: UnsafeBufferPointer<UInt8>) {
        counts.rejects += 1
        guard rejects.count < limits.rejectsHeldMax else { return }
        let text = unsafe String(decoding: line.prefix(FlowLogReject.textBytesMax), as: UTF8.self)
        rejects.append(FlowLogReject(line: counts.lines, reason: reason, text: text))
    }

    mutating func reject(_ reason: FlowLogRejectReason, _ line: [UInt8]) {
        unsafe line.withUnsafeBufferPointer { unsafe reject(reason, $0) }
    }

    /// `H4sI` is how the base64 of every gzip begins.
    static func isGzipInBase64(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
        unsafe line.count >= 24 && line[0] == UInt8(ascii: "H") && line[1] == UInt8(ascii: "4")
            && line[2] == UInt8(ascii: "s") && line[3] == UInt8(ascii: "I")
    }
}

/// What the lines of a file were. Every line is one of: record, reject, header, blank, wrapping.
package struct FlowLineCounts: Hashable, Sendable {
    /// Lines, or messages within wrapped logs, and payloads that carry some.
    package var lines = 0
    /// Those that were accepted.
    package var records = 0
    package var rejects = 0
    package var headers = 0
    package var blank = 0
    /// Lines that are the base64 of a gzip with lines in it.
    package var wrappings = 0

    package init() {}
}

/// A line copied to where it can be read in one go: its fields single-spaced, with slack around them.
@safe final class FlowLineCopy {
    private var bytes: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private let separators: UnsafeMutablePointer<UInt32>

    init() {
        capacity = 4096
        unsafe bytes = FlowLineCopy.memory(capacity)
        unsafe separators = UnsafeMutablePointer.allocate(capacity: FlowLogFormat.columnsMax + 2)
        unsafe separators.initialize(repeating: 0, count: FlowLogFormat.columnsMax + 2)
    }

    deinit {
        unsafe bytes.deallocate()
        unsafe separators.deallocate()
    }

    private static func memory(_ capacity: Int) -> UnsafeMutablePointer<UInt8> {
        let count = capacity + 2 * FlowTextBuffer.slackBytes
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
        unsafe memory.initialize(repeating: 0, count: count)
        return unsafe memory
    }

    var line: FlowLine { unsafe FlowLine(bytes: bytes, separators: separators + 1) }

    /// Copies the fields of a line; returns how many there are, `columns + 1` for all that are more than `columns`.
    func fill(_ line: UnsafeBufferPointer<UInt8>, columns: Int) -> Int {
        if line.count + 1 > capacity {
            unsafe bytes.deallocate()
            capacity = line.count + 1
            unsafe bytes = FlowLineCopy.memory(capacity)
        }
        var place = FlowTextBuffer.slackBytes
        unsafe separators[0] = UInt32(place - 1)
        var column = 0
        var index = 0
        while true {
            while index < line.count, unsafe line[index] == 0x20 { index += 1 }
            if index == line.count { return column }
            if column == columns { return columns + 1 }
            while index < line.count, unsafe line[index] != 0x20 {
                unsafe bytes[place] = line[index]
                place += 1
                index += 1
            }
            column += 1
            unsafe separators[column] = UInt32(place)
            unsafe bytes[place] = 0x20
            place += 1
        }
    }
}
