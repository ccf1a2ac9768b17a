/// One line of a flow log whose fields have been found. Valid while it is being accepted, no longer.
///
/// Values are read straight from the text, eight or sixteen bytes at a time: the memory around the line may be loaded
/// (`FlowTextBuffer.slackBytes`), and what does not belong to the field is shifted out.
@safe struct FlowLine {
    /// Places are counted from here.
    let bytes: UnsafePointer<UInt8>
    /// Where the separator after each field is; the one before the first is at -1.
    let separators: UnsafePointer<UInt32>

    @inline(__always)
    init(bytes: UnsafePointer<UInt8>, separators: UnsafePointer<UInt32>) {
        unsafe self.bytes = bytes
        unsafe self.separators = separators
    }

    @inline(__always)
    func start(of column: Int) -> Int { unsafe Int(truncatingIfNeeded: separators[column &- 1]) &+ 1 }

    @inline(__always)
    func end(of column: Int) -> Int { unsafe Int(truncatingIfNeeded: separators[column]) }

    @inline(__always)
    func field(_ column: Int) -> UnsafeBufferPointer<UInt8> {
        let start = start(of: column)
        return unsafe UnsafeBufferPointer(start: bytes + start, count: end(of: column) &- start)
    }

    /// `-`, and the literal `None` that some producers write.
    @inline(__always)
    func isMissing(_ column: Int) -> Bool {
        let start = start(of: column)
        let count = end(of: column) &- start
        if count == 1 { return unsafe bytes[start] == UInt8(ascii: "-") }
        return count == 4 && word(at: start) & 0xFFFF_FFFF == 0x656E_6F4E
    }

    @inline(__always)
    func word(at place: Int) -> UInt64 { unsafe FlowByteMasks.word(bytes + place) }

    // MARK: Numbers

    /// What `number` gives instead of one; all are larger than any number.
    static let missing = UInt64.max
    static let notANumber = UInt64.max - 1
    static let negative = UInt64.max - 2
    static let outOfRange = UInt64.max - 3

    /// A number up to 2^63 - 1, or one of the four constants.
    @inline(__always)
    func number(of column: Int) -> UInt64 {
        let start = start(of: column)
        let end = end(of: column)
        let count = end &- start
        guard count <= 8 else { return longNumber(of: column) }
        let digits = FlowLine.digits(word(at: end &- 8), count)
        return FlowLine.areDigits(digits) ? FlowLine.value(digits) : oddNumber(of: column)
    }

    /// Nine to sixteen digits, such as times and byte counts; anything else takes the slow way.
    @inline(__always)
    private func longNumber(of column: Int) -> UInt64 {
        let start = start(of: column)
        let end = end(of: column)
        guard end &- start <= 16 else { return oddNumber(of: column) }
        let low = word(at: end &- 8) ^ 0x3030_3030_3030_3030
        let high = FlowLine.digits(word(at: end &- 16), end &- start &- 8)
        guard FlowLine.areDigits(low), FlowLine.areDigits(high) else { return oddNumber(of: column) }
        return FlowLine.value(high) &* 100_000_000 &+ FlowLine.value(low)
    }

    /// The last `count` bytes of a word as digits, with zeros in front.
    @inline(__always)
    private static func digits(_ word: UInt64, _ count: Int) -> UInt64 {
        let shift = UInt64(truncatingIfNeeded: 64 &- count &* 8)
        return ((word ^ 0x3030_3030_3030_3030) &>> shift) &<< shift
    }

    @inline(__always)
    private static func areDigits(_ word: UInt64) -> Bool {
        ((word &+ 0x7676_7676_7676_7676) | word) & 0x8080_8080_8080_8080 == 0
    }

    /// Eight digits, the first one lowest: pairs, then fours, then all, each by one multiplication.
    @inline(__always)
    private static func value(_ digits: UInt64) -> UInt64 {
        let pairs = digits &* 10 &+ digits &>> 8
        let first = (pairs & 0x0000_00FF_0000_00FF) &* 0x000F_4240_0000_0064
        let second = ((pairs &>> 16) & 0x0000_00FF_0000_00FF) &* 0x0000_2710_0000_0001
        return (first &+ second) &>> 32
    }

    /// What is not up to sixteen digits: a missing value, a fault, or leading zeros.
    @inline(never)
    private func oddNumber(of column: Int) -> UInt64 {
        if isMissing(column) { return FlowLine.missing }
        let field = unsafe field(column)
        var value: UInt64 = 0
        for index in field.indices {
            let byte = unsafe field[index]
            let digit = byte &- 0x30
            guard digit <= 9 else {
                let isNegative = index == 0 && byte == UInt8(ascii: "-") && field.count > 1
                let rest = unsafe field.dropFirst()
                return unsafe isNegative && rest.allSatisfy { $0 &- 0x30 <= 9 }
                    ? FlowLine.negative : FlowLine.notANumber
            }
            // Eighteen digits cannot overflow; more are out of range but for leading zeros.
            if index >= 18, value > (UInt64.max - 9) / 10 { return FlowLine.outOfRange }
            value = value &* 10 &+ UInt64(digit)
        }
        if field.isEmpty { return FlowLine.notANumber }
        return value > UInt64(Int64.max) ? FlowLine.outOfRange : value
    }

    // MARK: Words

    /// True if the field is `word`, of at most eight bytes.
    @inline(__always)
    func isWord(_ word: FlowWord, _ column: Int) -> Bool {
        let start = start(of: column)
        return end(of: column) &- start == word.count && self.word(at: start) & word.mask == word.bits
    }

    // MARK: Addresses

    /// The IPv4 address of a field, or nil if it is anything else.
    @inline(__always)
    func addressV4(of column: Int) -> UInt32? {
        let start = start(of: column)
        let count = end(of: column) &- start
        guard count &- 7 <= 8, count >= 7 else { return nil }
        let (allDots, allDigits) = unsafe FlowByteMasks.dotsAndDigits(bytes + start)
        let inside = (1 as UInt32) &<< UInt32(truncatingIfNeeded: count) &- 1
        var dots = allDots & inside
        guard (dots | allDigits) & inside == inside else { return nil }
        let first = (dots | 1 << 31).trailingZeroBitCount
        dots &= dots &- 1
        let second = (dots | 1 << 31).trailingZeroBitCount
        dots &= dots &- 1
        let third = (dots | 1 << 31).trailingZeroBitCount
        // Exactly three dots: the third is there, and nothing after it.
        guard dots != 0, dots & (dots &- 1) == 0 else { return nil }
        let a = octet(start, first)
        let b = octet(start &+ first &+ 1, second &- first &- 1)
        let c = octet(start &+ second &+ 1, third &- second &- 1)
        let d = octet(start &+ third &+ 1, count &- third &- 1)
        guard (a | b | c | d) & ~0xFF == 0 else { return nil }
        return a &<< 24 | b &<< 16 | c &<< 8 | d
    }

    /// The value of one to three digits, or more than 255: also for no digit, for too many, and for a leading zero,
    /// which makes a number octal to some readers and decimal to others.
    @inline(__always)
    private func octet(_ start: Int, _ count: Int) -> UInt32 {
        let shift = UInt32(truncatingIfNeeded: 32 &- count &* 8)
        let word = unsafe UInt32(
            littleEndian: UnsafeRawPointer(bytes + (start &+ count &- 4)).loadUnaligned(as: UInt32.self))
        let digits = ((word ^ 0x3030_3030) &>> shift) &<< shift
        let value = (digits &>> 8 & 0xFF) &* 100 &+ (digits &>> 16 & 0xFF) &* 10 &+ digits &>> 24
        // The least value of one, two and three digits: 0, 10 and 100.
        let least = (0x64_0A_00 as UInt32) &>> UInt32(truncatingIfNeeded: (count &- 1) &* 8) & 0xFF
        let isRight = UInt32(truncatingIfNeeded: count &- 1) <= 2 && value >= least
        return isRight ? value : 256
    }

    /// Any address of a field.
    @inline(never)
    func addressV6(of column: Int) -> IPAddress? {
        let field = unsafe field(column)
        return unsafe IPAddress(field.span, from: 0, to: field.count)
    }
}

/// A word of at most eight bytes, to be compared with a field in one go.
struct FlowWord: Sendable {
    let bits: UInt64
    let mask: UInt64
    let count: Int

    @inline(__always)
    init(_ text: StaticString) {
        var bits: UInt64 = 0
        text.withUTF8Buffer { buffer in
            for index in buffer.indices.reversed() { unsafe bits = bits << 8 | UInt64(buffer[index]) }
        }
        self.bits = bits
        count = text.utf8CodeUnitCount
        precondition(count <= 8, "a word of more than eight bytes")
        mask = count == 8 ? .max : (1 << UInt64(count * 8)) - 1
    }
}

/// Where the fields of a line lie in the bytes it was read from. Valid while the line is being accepted, no longer.
@safe package struct FlowFieldBounds {
    private let separators: UnsafePointer<UInt32>

    @inline(__always)
    init(_ line: FlowLine) { unsafe separators = line.separators }

    @inline(__always)
    package func range(of column: Int) -> Range<Int> {
        let start = unsafe Int(truncatingIfNeeded: separators[column &- 1]) &+ 1
        let end = unsafe Int(truncatingIfNeeded: separators[column])
        return start..<end
    }
}

/// What is wrong with a field.
struct FlowFault: Hashable, Sendable {
    enum Kind: UInt8, Sendable { case notANumber, negative, outOfRange, notAnAddress, unknownWord, endsBeforeStart }

    var kind: Kind
    var column: UInt16

    @inline(__always)
    init(_ kind: Kind, _ column: Int) {
        self.kind = kind
        self.column = UInt16(truncatingIfNeeded: column)
    }

    /// Of a number that is none, or is larger than its field allows.
    init(number: UInt64, _ column: Int) {
        switch number {
        case FlowLine.negative: self.init(.negative, column)
        case FlowLine.notANumber: self.init(.notANumber, column)
        default: self.init(.outOfRange, column)
        }
    }

    func reason(_ format: FlowLogFormat) -> FlowLogRejectReason {
        let place = Int(column)
        let name = format.columns.indices.contains(place) ? format.columns[place].name : ""
        return switch kind {
        case .notANumber: .notANumber(field: name)
        case .negative: .negative(field: name)
        case .outOfRange: .outOfRange(field: name)
        case .notAnAddress: .notAnAddress(field: name)
        case .unknownWord: .unknownWord(field: name)
        case .endsBeforeStart: .endsBeforeStart
        }
    }
}

/// Takes lines whose fields have been found, and says what is wrong with those it cannot use.
protocol FlowLineConsumer: ~Copyable {
    /// Called before the first line, and again when a later header line changes the order of the fields.
    mutating func begin(_ format: FlowLogFormat)
    mutating func accept(_ line: FlowLine) -> FlowFault?
}
