/// Counts lines by key: what one thread of an aggregation does with every line it reads.
///
/// Only the fields that the query names, and those that are summed, are looked at; a line is set aside if one of them
/// makes no sense.
@safe struct FlowTally: FlowLineConsumer, ~Copyable {
    /// Where a value of the key comes from in the format being read.
    private struct Step {
        enum Source: UInt8 { case minute, address, number, time, text }

        var source: Source
        var word: Int
        var shift: UInt64
        var column: Int
        /// For minutes: where `end` is, which serves if `start` is missing.
        var otherColumn: Int
        var limit: UInt64
    }

    private let query: FlowQuery
    private let layout: FlowKeyLayout
    /// Sorted names; a record's cluster is an index into them.
    private let clusters: [String]
    private(set) var table: FlowGroupTable
    private(set) var symbols = FlowSymbols()
    private var filter: FlowFilterProgram?

    private let steps: UnsafeMutablePointer<Step>
    private var stepCount = 0
    /// What the key of every record of the file has in common.
    private let common: UnsafeMutablePointer<UInt64>

    // Columns of what is summed; -1 if the format lacks them.
    private var statusColumn = -1
    private var actionColumn = -1
    private var flagsColumn = -1
    private var packetsColumn = -1
    private var bytesColumn = -1

    init(_ query: FlowQuery, layout: FlowKeyLayout, clusters: [String], limits: FlowLogLimits) {
        self.query = query
        self.layout = layout
        self.clusters = clusters
        table = FlowGroupTable(layout, limits: limits)
        unsafe steps = UnsafeMutablePointer.allocate(capacity: layout.parts.count)
        unsafe common = UnsafeMutablePointer.allocate(capacity: layout.words)
        unsafe common.initialize(repeating: 0, count: layout.words)
        filter = query.filter.map { FlowFilterProgram($0) }
    }

    deinit {
        unsafe steps.deallocate()
        unsafe common.deallocate()
    }

    /// Says whose file the next records are from.
    mutating func beginFile(cluster name: String) {
        let cluster = clusters.firstIndex(of: name) ?? 0
        unsafe common.update(repeating: 0, count: layout.words)
        for part in layout.parts where part.content == .cluster {
            unsafe common[part.word] |= UInt64(cluster) << part.shift
        }
        filter?.beginFile(cluster: name)
    }

    mutating func begin(_ format: FlowLogFormat) {
        statusColumn = format.column(of: .logStatus) ?? -1
        actionColumn = format.column(of: .action) ?? -1
        flagsColumn = format.column(of: .tcpFlags) ?? -1
        packetsColumn = format.column(of: .packets) ?? -1
        bytesColumn = format.column(of: .bytes) ?? -1
        stepCount = 0
        for part in layout.parts {
            guard let step = FlowTally.step(part, format) else { continue }
            unsafe steps[stepCount] = step
            stepCount += 1
        }
        filter?.begin(format)
    }

    /// Nil for what does not come from a line, and for fields that the format lacks: their value is missing.
    private static func step(_ part: FlowKeyLayout.Part, _ format: FlowLogFormat) -> Step? {
        let source: Step.Source
        let column: Int
        var otherColumn = -1
        switch part.column {
        case .cluster: return nil
        case .minute:
            source = .minute
            let end = format.column(of: .end)
            guard let place = format.column(of: .start) ?? end else { return nil }
            column = place
            otherColumn = end ?? -1
        case .field(let field):
            guard let place = format.column(of: field) else { return nil }
            column = place
            switch part.content {
            case .address: source = .address
            case .time: source = .time
            case .text: source = .text
            default: source = .number
            }
        }
        return Step(
            source: source, word: part.word, shift: part.shift, column: column, otherColumn: otherColumn,
            limit: FlowKeyLayout.limit(of: part.column))
    }

    // MARK: Lines

    @inline(__always)
    mutating func accept(_ line: FlowLine) -> FlowFault? {
        switch layout.words {
        case 1: accept(line, words: 1)
        case 2: accept(line, words: 2)
        default: accept(line, words: layout.words)
        }
    }

    @inline(__always)
    private mutating func accept(_ line: FlowLine, words: Int) -> FlowFault? {
        if statusColumn >= 0 {
            guard let status = line.status(statusColumn) else { return FlowFault(.unknownWord, statusColumn) }
            if status != .ok, !query.wantsGaps { return nil }
        }
        if filter != nil {
            var fits = false
            if let fault = filter?.test(line, &fits) { return fault }
            if !fits { return nil }
        }
        let row = unsafe table.row
        for word in 0..<words { unsafe row[word] = common[word] }
        for index in 0..<stepCount {
            let step = unsafe steps + index
            var code: UInt64 = 0
            if let fault = unsafe read(step, line, &code) { return fault }
            unsafe row[step.pointee.word] |= code &<< step.pointee.shift
        }
        var packets: UInt64 = 0
        var bytes: UInt64 = 0
        if packetsColumn >= 0, let fault = FlowTally.read(line, packetsColumn, &packets) { return fault }
        if bytesColumn >= 0, let fault = FlowTally.read(line, bytesColumn, &bytes) { return fault }
        var isReject: UInt64 = 0
        if actionColumn >= 0 {
            if line.isWord(FlowWord.reject, actionColumn) {
                isReject = 1
            } else if !line.isWord(FlowWord.accept, actionColumn), !line.isMissing(actionColumn) {
                return FlowFault(.unknownWord, actionColumn)
            }
        }
        var isSynOnly: UInt64 = 0
        if flagsColumn >= 0 {
            let flags = line.number(of: flagsColumn)
            if flags > FlowNumberLimits.tcpFlags, flags != FlowLine.missing {
                return FlowFault(number: flags, flagsColumn)
            }
            isSynOnly = flags & 0xFF == UInt64(TCPFlags.syn) ? 1 : 0
        }
        unsafe row[words] = 1
        unsafe row[words &+ 1] = isReject
        unsafe row[words &+ 2] = isSynOnly
        unsafe row[words &+ 3] = packets
        unsafe row[words &+ 4] = bytes
        table.addRow(words: words)
        return nil
    }

    /// A number to be summed; a missing one adds nothing.
    @inline(__always)
    private static func read(_ line: FlowLine, _ column: Int, _ value: inout UInt64) -> FlowFault? {
        value = line.number(of: column)
        if value <= UInt64(Int64.max) { return nil }
        if value != FlowLine.missing { return FlowFault(number: value, column) }
        value = 0
        return nil
    }

    /// The value of the key that a step stands for, plus one; zero if it is missing.
    @inline(__always)
    private mutating func read(
        _ step: UnsafePointer<Step>, _ line: FlowLine, _ code: inout UInt64
    ) -> FlowFault? {
        let column = unsafe step.pointee.column
        switch unsafe step.pointee.source {
        case .number:
            let value = line.number(of: column)
            if unsafe value <= step.pointee.limit {
                code = value &+ 1
            } else if value != FlowLine.missing {
                return FlowFault(number: value, column)
            }
        case .minute, .time:
            return unsafe step.pointee.source == .minute
                ? FlowTally.readMinute(line, column, step.pointee.otherColumn, &code)
                : FlowTally.readTime(line, column, &code)
        case .address:
            if let address = line.addressV4(of: column) {
                code = UInt64(address) &+ 1
            } else {
                return readOtherAddress(line, column, &code)
            }
        case .text:
            if !line.isMissing(column) { code = unsafe UInt64(symbols.texts.index(of: line.field(column)) &+ 1) }
        }
        return nil
    }

    @inline(__always)
    static func readTime(_ line: FlowLine, _ column: Int, _ code: inout UInt64) -> FlowFault? {
        let value = line.number(of: column)
        guard value <= UInt64(Int64.max) else {
            return value == FlowLine.missing ? nil : FlowFault(number: value, column)
        }
        guard let seconds = FlowNumberLimits.seconds(value) else { return FlowFault(.outOfRange, column) }
        code = UInt64(truncatingIfNeeded: seconds) &+ 1
        return nil
    }

    /// floor(start / 60), or of the end where the start is missing.
    @inline(__always)
    static func readMinute(
        _ line: FlowLine, _ column: Int, _ otherColumn: Int, _ code: inout UInt64
    ) -> FlowFault? {
        if let fault = readTime(line, column, &code) { return fault }
        if code == 0, otherColumn >= 0, let fault = readTime(line, otherColumn, &code) { return fault }
        if code != 0 { code = (code &- 1) / 60 &+ 1 }
        return nil
    }

    @inline(never)
    private mutating func readOtherAddress(_ line: FlowLine, _ column: Int, _ code: inout UInt64) -> FlowFault? {
        if line.isMissing(column) { return nil }
        guard let address = line.addressV6(of: column) else { return FlowFault(.notAnAddress, column) }
        if address.isV4 {
            code = address.low & 0xFFFF_FFFF &+ 1
        } else {
            code = UInt64(symbols.index(of: address)) &+ FlowKeyLayout.firstSymbolOfAddresses
        }
        return nil
    }

    /// Ends the counting; `table.runs` has everything then.
    mutating func finish() { table.flush() }
}
