/// What all rows of an output have in common: which value goes where, and every piece of text that occurs in them,
/// made once as the format wants it. Threads share it.
final class FlowRowTemplate: Sendable {
    enum Kind: UInt8 { case cluster, text, address, number, sum }

    /// A cell ready to be written.
    struct Step: Sendable {
        var kind: Kind
        var word: Int
        var shift: UInt64
        var mask: UInt64
        var width: Int
        var isRight: Bool
    }

    let steps: [Step]
    /// How many of the first steps depend on the first word of the key alone. Neighbours in the order of keys mostly
    /// share it: what was written for one serves the next.
    let commonSteps: Int
    let isPadded: Bool
    let quotesAddresses: Bool
    /// The least number that is quoted.
    let quotedNumbersMin: UInt64
    let quotesNumbers: Bool
    /// What stands before each cell, then before a row, then after it.
    let literals: FlowTexts
    let clusters: FlowTexts
    let texts: FlowTexts
    let addresses: FlowTexts
    let missing: FlowTexts
    let digits = FlowDigits()
    /// No row takes more bytes than this, with what is written in excess.
    let rowBytesMax: Int

    /// Twenty digits with quotes; an IPv4 address is shorter.
    private static let valueBytesMax = 24

    init(_ rows: FlowGroupRows, _ style: FlowRowStyle) {
        let layout = rows.layout
        steps = style.cells.map { cell in
            var step = Step(
                kind: .sum, word: layout.words + cell.column - layout.parts.count, shift: 0, mask: .max,
                width: cell.width, isRight: cell.isRight)
            if cell.column < layout.parts.count {
                let part = layout.parts[cell.column]
                step.kind = FlowRowTemplate.kind(part.content)
                step.word = part.word
                step.shift = part.shift
                step.mask = part.mask
            }
            return step
        }
        commonSteps = steps.prefix { $0.kind != .sum && $0.word == 0 }.count
        isPadded = style.cells.contains { $0.width > 0 }
        quotesAddresses = style.quotesAddresses
        quotesNumbers = style.quotedNumbersMin != nil
        quotedNumbersMin = style.quotedNumbersMin ?? 0
        literals = FlowTexts(style.cells.map(\.before) + [style.betweenRows, style.afterRow])
        let quote = style.quotesAddresses ? "\"" : ""
        clusters = FlowTexts(
            rows.clusters.map { $0 == "-" ? style.missing : style.text($0) }, widths: rows.clusters.map(style.width))
        texts = FlowTexts(rows.texts.map(style.text), widths: rows.texts.map(style.width))
        addresses = FlowTexts(rows.addresses.map { Array("\(quote)\($0)\(quote)".utf8) })
        missing = FlowTexts([style.missing])
        let valueMax = max(
            clusters.longest, texts.longest, addresses.longest, missing.longest, FlowRowTemplate.valueBytesMax)
        // Padding is counted on top: the width may be more than the value, or the value more than the width.
        rowBytesMax = steps.reduce(literals.bytes + FlowTexts.excessBytes) { $0 + valueMax + $1.width }
    }

    private static func kind(_ content: FlowKeyLayout.Content) -> Kind {
        switch content {
        case .cluster: .cluster
        case .text: .text
        case .address: .address
        case .minute, .port, .number, .time: .number
        }
    }

    /// Adds how wide the cells of a row are, in the order of the style.
    func measure(_ entry: UnsafePointer<UInt64>, _ extents: inout [FlowColumnExtent]) {
        for index in steps.indices { unsafe extents[index].add(extent(steps[index], entry)) }
    }

    /// How wide a cell is on a screen, and whether it has a value.
    func extent(_ step: Step, _ entry: UnsafePointer<UInt64>) -> FlowColumnExtent {
        let code = unsafe entry[step.word] &>> step.shift & step.mask
        switch step.kind {
        case .sum: return FlowColumnExtent(width: FlowDigits.count(code), hasValue: true)
        case .cluster: return FlowColumnExtent(width: clusters.width(Int(truncatingIfNeeded: code)), hasValue: true)
        case _ where code == 0: return FlowColumnExtent(width: missing.width(0))
        case .number: return FlowColumnExtent(width: FlowDigits.count(code &- 1), hasValue: true)
        case .text: return FlowColumnExtent(width: texts.width(Int(truncatingIfNeeded: code &- 1)), hasValue: true)
        case .address:
            if code >= FlowKeyLayout.firstSymbolOfAddresses {
                let number = Int(truncatingIfNeeded: code - FlowKeyLayout.firstSymbolOfAddresses)
                return FlowColumnExtent(width: addresses.width(number), hasValue: true)
            }
            let address = UInt32(truncatingIfNeeded: code &- 1)
            var width = quotesAddresses ? 5 : 3
            for octet in 0..<4 { width += FlowDigits.count(UInt64(address >> UInt32(octet * 8) & 0xFF)) }
            return FlowColumnExtent(width: width, hasValue: true)
        }
    }
}

/// Pieces of text side by side, to be copied by number.
@safe final class FlowTexts: @unchecked Sendable {
    // Written in `init` alone.
    private let memory: UnsafeMutablePointer<UInt8>
    /// Where each piece starts; one more for the end of the last.
    private let starts: UnsafeMutablePointer<Int>
    private let widths: [Int]
    let longest: Int
    let bytes: Int

    /// Copies are made eight bytes at a time, so up to so many bytes after a piece are written too.
    static let excessBytes = 8

    /// - Parameter widths: columns of the screen that each takes; as many as it has bytes if nil.
    init(_ texts: [[UInt8]], widths: [Int]? = nil) {
        bytes = texts.reduce(0) { $0 + $1.count }
        longest = texts.reduce(0) { max($0, $1.count) }
        self.widths = widths ?? texts.map(\.count)
        unsafe memory = UnsafeMutablePointer.allocate(capacity: bytes + FlowTexts.excessBytes)
        unsafe memory.initialize(repeating: 0, count: bytes + FlowTexts.excessBytes)
        unsafe starts = UnsafeMutablePointer.allocate(capacity: texts.count + 1)
        var place = 0
        for (index, text) in texts.enumerated() {
            unsafe starts[index] = place
            for byte in text {
                unsafe memory[place] = byte
                place += 1
            }
        }
        unsafe starts[texts.count] = place
    }

    deinit {
        unsafe memory.deallocate()
        unsafe starts.deallocate()
    }

    func width(_ index: Int) -> Int { widths[index] }

    @inline(__always)
    func copy(_ index: Int, to place: inout UnsafeMutablePointer<UInt8>) {
        var from = unsafe UnsafeRawPointer(memory + starts[index])
        let count = unsafe starts[index &+ 1] &- starts[index]
        var to = UnsafeMutableRawPointer(place)
        var left = count
        while left > 0 {
            unsafe to.storeBytes(of: from.loadUnaligned(as: UInt64.self), as: UInt64.self)
            unsafe from += 8
            unsafe to += 8
            left &-= 8
        }
        unsafe place += count
    }
}
