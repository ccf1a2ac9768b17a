/// Writes rows as text into its own memory, without a string or an allocation for any of them. One owner at a time:
/// the thread that makes text, then the one that writes it out.
@safe final class FlowRowWriter: @unchecked Sendable {
    private let template: FlowRowTemplate
    private var memory: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0

    // What the row before began with, and where that is written.
    private var previousWord: UInt64 = 0
    private var commonStart = 0
    private var commonCount = -1

    /// Memory to begin with: as many rows as a partition has, at about fifty bytes.
    private static let capacityMin = 768 << 10

    init(_ template: FlowRowTemplate) {
        self.template = template
        capacity = max(FlowRowWriter.capacityMin, template.rowBytesMax)
        unsafe memory = UnsafeMutablePointer.allocate(capacity: capacity)
    }

    deinit { unsafe memory.deallocate() }

    var bytes: UnsafeBufferPointer<UInt8> { unsafe UnsafeBufferPointer(start: memory, count: count) }

    func removeAll() {
        count = 0
        commonCount = -1
    }

    /// Adds a row; `isFirst` if none was written before it.
    @inline(__always)
    func add(_ entry: UnsafePointer<UInt64>, isFirst: Bool) {
        if capacity &- count < template.rowBytesMax { grow() }
        let template = template
        let literals = template.literals
        let cells = template.steps.count
        var place = unsafe memory + count
        if !isFirst { unsafe literals.copy(cells, to: &place) }
        var first = 0
        if template.commonSteps > 0 {
            first = template.commonSteps
            if commonCount >= 0, unsafe entry[0] == previousWord {
                unsafe place.update(from: memory + commonStart, count: commonCount)
                unsafe place += commonCount
            } else {
                let start = unsafe place - memory
                unsafe writeCells(0..<first, entry, &place)
                unsafe previousWord = entry[0]
                commonStart = start
                commonCount = unsafe place - memory - start
            }
        }
        unsafe writeCells(first..<cells, entry, &place)
        unsafe literals.copy(cells &+ 1, to: &place)
        count = unsafe place - memory
    }

    private func grow() {
        let larger = capacity * 2 + template.rowBytesMax
        let next = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        unsafe next.update(from: memory, count: count)
        unsafe memory.deallocate()
        unsafe memory = next
        capacity = larger
    }

    @inline(__always)
    private func writeCells(
        _ cells: Range<Int>, _ entry: UnsafePointer<UInt64>, _ place: inout UnsafeMutablePointer<UInt8>
    ) {
        for index in cells {
            unsafe template.literals.copy(index, to: &place)
            if template.isPadded {
                unsafe writePadded(template.steps[index], entry, &place)
            } else {
                unsafe write(template.steps[index], entry, &place)
            }
        }
    }

    @inline(__always)
    private func write(
        _ step: FlowRowTemplate.Step, _ entry: UnsafePointer<UInt64>, _ place: inout UnsafeMutablePointer<UInt8>
    ) {
        let code = unsafe entry[step.word] &>> step.shift & step.mask
        switch step.kind {
        case .sum: unsafe writeNumber(code, &place)
        case .cluster: unsafe template.clusters.copy(Int(truncatingIfNeeded: code), to: &place)
        case _ where code == 0: unsafe template.missing.copy(0, to: &place)
        case .number: unsafe writeNumber(code &- 1, &place)
        case .text: unsafe template.texts.copy(Int(truncatingIfNeeded: code &- 1), to: &place)
        case .address:
            if code >= FlowKeyLayout.firstSymbolOfAddresses {
                let number = Int(truncatingIfNeeded: code &- FlowKeyLayout.firstSymbolOfAddresses)
                return unsafe template.addresses.copy(number, to: &place)
            }
            if template.quotesAddresses { unsafe FlowRowWriter.writeQuote(&place) }
            unsafe template.digits.writeAddress(UInt32(truncatingIfNeeded: code &- 1), &place)
            if template.quotesAddresses { unsafe FlowRowWriter.writeQuote(&place) }
        }
    }

    @inline(__always)
    private func writeNumber(_ number: UInt64, _ place: inout UnsafeMutablePointer<UInt8>) {
        let isQuoted = template.quotesNumbers && number >= template.quotedNumbersMin
        if isQuoted { unsafe FlowRowWriter.writeQuote(&place) }
        unsafe template.digits.write(number, &place)
        if isQuoted { unsafe FlowRowWriter.writeQuote(&place) }
    }

    @inline(__always)
    private static func writeQuote(_ place: inout UnsafeMutablePointer<UInt8>) {
        unsafe place.pointee = UInt8(ascii: "\"")
        unsafe place += 1
    }

    /// A cell of a table, filled with spaces before or after its value.
    private func writePadded(
        _ step: FlowRowTemplate.Step, _ entry: UnsafePointer<UInt64>, _ place: inout UnsafeMutablePointer<UInt8>
    ) {
        let pad = unsafe max(0, step.width - template.extent(step, entry).width)
        if step.isRight { unsafe FlowRowWriter.writeSpaces(pad, &place) }
        unsafe write(step, entry, &place)
        if !step.isRight { unsafe FlowRowWriter.writeSpaces(pad, &place) }
    }

    private static func writeSpaces(_ number: Int, _ place: inout UnsafeMutablePointer<UInt8>) {
        unsafe place.update(repeating: 0x20, count: number)
        unsafe place += number
    }
}
