import CairnBytes

/// A part of some bytes. Four bytes an end: nothing that is read at once is longer than 64 MiB.
struct ByteSlice: Sendable, Hashable {
    var start: UInt32
    var end: UInt32

    static let missing = ByteSlice(start: .max, end: .max)

    init(start: UInt32, end: UInt32) {
        self.start = start
        self.end = end
    }

    init(_ range: Range<Int>) {
        start = UInt32(range.lowerBound)
        end = UInt32(range.upperBound)
    }

    var isMissing: Bool { start == .max }
    var range: Range<Int> { Int(start)..<Int(end) }
    var count: Int { Int(end - start) }
}

/// One value of a JSON text: where it lies and where the next one is. A list of them in the order of the text stands
/// for the whole text; the names of members are values too. Reading one builds no string, array or dictionary, of which
/// a tree of values has dozens.
struct JSONMark: Sendable {
    enum Kind: UInt8, Sendable {
        case null
        case `false`
        case `true`
        case number
        case string
        case array
        case object
    }

    /// The value's text; of a string what is between the quotes.
    var slice: ByteSlice
    /// Index of the mark behind this value and all that it holds.
    var next: UInt32
    var kind: Kind
    /// True for a string with a backslash in it.
    var hasEscapes = false
}

/// Reads JSON into marks. Meant for entries of the log, which are canonical JSON (RFC 8785): whatever else it meets,
/// valid or not, it hands back as nil, and the caller takes the long way through `JSONParser`, which knows what to say.
struct JSONMarkReader {
    private(set) var marks: [JSONMark] = []
    private var offset = 0
    private var end = 0
    /// The bits of all bytes of strings: below 0x80 they are ASCII.
    private var bits: UInt8 = 0
    private var depthMax = 0
    /// False for text that `CanonicalJSON` has just written: its names may have any characters.
    private let isChecked: Bool

    /// As deep as `JSONParser` goes, and one more for the entry around the data.
    private static let depthMax = JSONLimits.standard.depthMax + 1
    /// Data whose parts came from attachments may be as deep as they are together.
    private static let uncheckedDepthMax = 4 * depthMax

    init(isChecked: Bool = true) {
        self.isChecked = isChecked
        depthMax = isChecked ? JSONMarkReader.depthMax : JSONMarkReader.uncheckedDepthMax
    }

    mutating func reserveCapacity(_ count: Int) { marks.reserveCapacity(count) }

    /// The index of the mark of the value that fills the range, or nil if it is not one of canonical JSON.
    mutating func read(_ bytes: Span<UInt8>, in range: Range<Int>) -> Int? {
        offset = range.lowerBound
        end = range.upperBound
        bits = 0
        let root = marks.count
        guard value(bytes, depth: 0), offset == end else {
            marks.removeSubrange(root...)
            return nil
        }
        if isChecked, bits >= 0x80, String(validating: bytes.extracting(range)) == nil {
            marks.removeSubrange(root...)
            return nil
        }
        return root
    }

    private mutating func value(_ bytes: Span<UInt8>, depth: Int) -> Bool {
        guard offset < end, depth <= depthMax else { return false }
        switch bytes[offset] {
        case UInt8(ascii: "\""): return string(bytes)
        case UInt8(ascii: "{"): return object(bytes, depth: depth)
        case UInt8(ascii: "["): return array(bytes, depth: depth)
        case UInt8(ascii: "t"): return word(bytes, 0x74_72_75_65, 4, .true)
        case UInt8(ascii: "f"): return word(bytes, 0x66_61_6C_73_65, 5, .false)
        case UInt8(ascii: "n"): return word(bytes, 0x6E_75_6C_6C, 4, .null)
        default: return number(bytes)
        }
    }

    private mutating func add(_ kind: JSONMark.Kind, _ start: Int, _ end: Int, hasEscapes: Bool = false) {
        marks.append(
            JSONMark(
                slice: ByteSlice(start..<end), next: UInt32(marks.count + 1), kind: kind, hasEscapes: hasEscapes))
    }

    private mutating func word(_ bytes: Span<UInt8>, _ letters: UInt64, _ count: Int, _ kind: JSONMark.Kind) -> Bool {
        guard end - offset >= count else { return false }
        var found: UInt64 = 0
        for index in offset..<offset + count { found = found << 8 | UInt64(bytes[index]) }
        guard found == letters else { return false }
        add(kind, offset, offset + count)
        offset += count
        return true
    }

    private mutating func string(_ bytes: Span<UInt8>) -> Bool {
        let start = offset + 1
        var index = start
        var seen: UInt8 = 0
        var hasEscapes = false
        while index < end {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                bits |= seen
                add(.string, start, index, hasEscapes: hasEscapes)
                offset = index + 1
                return true
            }
            guard byte >= 0x20 else { return false }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                guard let length = escapeLength(bytes, index) else { return false }
                index += length
            } else {
                seen |= byte
                index += 1
            }
        }
        return false
    }

    /// The length of an escape as canonical JSON writes it: the two-character ones, and `\u00` for other controls.
    private func escapeLength(_ bytes: Span<UInt8>, _ index: Int) -> Int? {
        guard index + 1 < end else { return nil }
        switch bytes[index + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            return 2
        case UInt8(ascii: "u"):
            guard index + 6 <= end, bytes[index + 2] == UInt8(ascii: "0"), bytes[index + 3] == UInt8(ascii: "0"),
                bytes[index + 4] == UInt8(ascii: "0") || bytes[index + 4] == UInt8(ascii: "1")
            else { return nil }
            switch bytes[index + 5] {
            case UInt8(ascii: "0")...UInt8(ascii: "7"), UInt8(ascii: "b"), UInt8(ascii: "e"), UInt8(ascii: "f"):
                return 6
            case UInt8(ascii: "8"), UInt8(ascii: "9"), UInt8(ascii: "a"), UInt8(ascii: "c"), UInt8(ascii: "d"):
                // 0008, 0009, 000a, 000c and 000d have shorter escapes.
                return bytes[index + 4] == UInt8(ascii: "1") ? 6 : nil
            default: return nil
            }
        default: return nil
        }
    }

    private mutating func array(_ bytes: Span<UInt8>, depth: Int) -> Bool {
        let mark = open(.array)
        if offset < end, bytes[offset] == UInt8(ascii: "]") { return close(mark) }
        while value(bytes, depth: depth + 1), offset < end {
            if bytes[offset] == UInt8(ascii: "]") { return close(mark) }
            guard bytes[offset] == UInt8(ascii: ",") else { return false }
            offset += 1
        }
        return false
    }

    private mutating func object(_ bytes: Span<UInt8>, depth: Int) -> Bool {
        let mark = open(.object)
        if offset < end, bytes[offset] == UInt8(ascii: "}") { return close(mark) }
        var previous = ByteSlice.missing
        while offset < end, bytes[offset] == UInt8(ascii: "\"") {
            let bitsBefore = bits
            bits = 0
            guard string(bytes), offset < end, bytes[offset] == UInt8(ascii: ":") else { return false }
            if isChecked {
                // Names in ASCII sort by bytes as they do by UTF-16; one after another, so none is there twice.
                let name = marks[marks.count - 1]
                guard bits < 0x80, !name.hasEscapes,
                    previous.isMissing || JSONMarkReader.precedes(bytes, previous, name.slice)
                else { return false }
                previous = name.slice
            }
            bits |= bitsBefore
            offset += 1
            guard value(bytes, depth: depth + 1), offset < end else { return false }
            if bytes[offset] == UInt8(ascii: "}") { return close(mark) }
            guard bytes[offset] == UInt8(ascii: ",") else { return false }
            offset += 1
        }
        return false
    }

    private mutating func open(_ kind: JSONMark.Kind) -> Int {
        add(kind, offset, offset)
        offset += 1
        return marks.count - 1
    }

    private mutating func close(_ mark: Int) -> Bool {
        offset += 1
        marks[mark].slice.end = UInt32(offset)
        marks[mark].next = UInt32(marks.count)
        return true
    }

    private static func precedes(_ bytes: Span<UInt8>, _ left: ByteSlice, _ right: ByteSlice) -> Bool {
        var index = Int(left.start)
        var other = Int(right.start)
        while index < Int(left.end), other < Int(right.end) {
            if bytes[index] != bytes[other] { return bytes[index] < bytes[other] }
            index += 1
            other += 1
        }
        return left.count < right.count
    }

    /// Integers of up to 15 digits are what they are; any other number has to be written as canonical JSON writes it.
    private mutating func number(_ bytes: Span<UInt8>) -> Bool {
        let start = offset
        var index = offset
        if bytes[index] == UInt8(ascii: "-") { index += 1 }
        let digits = index
        while index < end, bytes[index] &- UInt8(ascii: "0") <= 9 { index += 1 }
        let count = index - digits
        guard count > 0, count == 1 || bytes[digits] != UInt8(ascii: "0") else { return false }
        let isZero = bytes[digits] == UInt8(ascii: "0")
        let isPlain = index == end || !JSONMarkReader.continuesNumber(bytes[index])
        guard isPlain, count <= 15, !(isZero && digits > start) else {
            while index < end, JSONMarkReader.continuesNumber(bytes[index]) { index += 1 }
            guard let text = String(validating: bytes.extracting(start..<index)), let value = Double(text),
                value.isFinite, CanonicalJSON.text(of: value) == text
            else { return false }
            add(.number, start, index)
            offset = index
            return true
        }
        add(.number, start, index)
        offset = index
        return true
    }

    private static func continuesNumber(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"),
            UInt8(ascii: "+"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
