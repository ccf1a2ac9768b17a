/// Follows a JSON text byte by byte, as far as its outline goes: brackets, names, commas and the ends of strings. What
/// stands inside a number or a word is not looked at.
struct JSONGrammar {
    private enum Expected {
        case value
        case valueOrEnd
        case name
        case nameOrEnd
        case colon
        case commaOrEnd
    }

    /// Deepest nesting followed; the parser refuses less than that.
    private static let depthMax = 160

    private var brackets: [UInt8] = []
    private var expected = Expected.value
    private(set) var isInString = false
    private var isEscaped = false
    private var isInScalar = false

    var depth: Int { brackets.count }

    /// Starts anew, before a value or behind a member of an object.
    mutating func reset(insideObject: Bool = false) {
        brackets.removeAll(keepingCapacity: true)
        isInString = false
        isEscaped = false
        isInScalar = false
        expected = .value
        guard insideObject else { return }
        brackets.append(UInt8(ascii: "{"))
        expected = .commaOrEnd
    }

    /// Whether this byte would start the name of a member.
    func startsName(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\"") && !isInString && (expected == .name || expected == .nameOrEnd)
    }

    /// Takes one byte. Returns why it cannot stand here, and nil if it can.
    mutating func accept(_ byte: UInt8) -> String? {
        if isInString {
            if byte == UInt8(ascii: "\n") { return "a line break inside a string" }
            followString(byte)
            return nil
        }
        if isInScalar {
            switch byte {
            case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), 0x20, 0x09, 0x0A, 0x0D: isInScalar = false
            case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "\""), UInt8(ascii: ":"):
                return "expected ',' or the end of the value"
            default: return nil
            }
        }
        switch byte {
        case 0x20, 0x09, 0x0A, 0x0D: return nil
        case UInt8(ascii: "{"), UInt8(ascii: "["): return open(byte)
        case UInt8(ascii: "}"), UInt8(ascii: "]"): return close(byte)
        case UInt8(ascii: ","):
            guard expected == .commaOrEnd else { return "a ',' where a value or name belongs" }
            expected = brackets.last == UInt8(ascii: "{") ? .name : .value
        case UInt8(ascii: ":"):
            guard expected == .colon else { return "a ':' where it does not belong" }
            expected = .value
        case UInt8(ascii: "\""):
            switch expected {
            case .name, .nameOrEnd: expected = .colon
            case .value, .valueOrEnd: expected = .commaOrEnd
            case .colon, .commaOrEnd: return "two values without a ',' or ':' between them"
            }
            isInString = true
        default:
            guard expected == .value || expected == .valueOrEnd else {
                return expected == .commaOrEnd
                    ? "expected ',' or the end" : expected == .colon ? "expected ':'" : "expected a name in quotes"
            }
            isInScalar = true
            expected = .commaOrEnd
        }
        return nil
    }

    private mutating func open(_ byte: UInt8) -> String? {
        guard expected == .value || expected == .valueOrEnd else {
            return expected == .commaOrEnd ? "two values without a ',' between them" : "expected a name in quotes"
        }
        guard brackets.count < JSONGrammar.depthMax else {
            return "more than \(JSONGrammar.depthMax) levels of nesting"
        }
        brackets.append(byte)
        expected = byte == UInt8(ascii: "{") ? .nameOrEnd : .valueOrEnd
        return nil
    }

    private mutating func close(_ byte: UInt8) -> String? {
        let opening = byte == UInt8(ascii: "}") ? UInt8(ascii: "{") : UInt8(ascii: "[")
        guard brackets.last == opening,
            expected == .commaOrEnd || expected == (opening == UInt8(ascii: "{") ? .nameOrEnd : .valueOrEnd)
        else { return "a '\(Unicode.Scalar(byte))' where it does not belong" }
        brackets.removeLast()
        expected = .commaOrEnd
        return nil
    }

    /// Takes one byte of a text whose grammar is broken already: strings and the number of brackets, nothing else.
    mutating func skim(_ byte: UInt8) {
        if isInString { return followString(byte) }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): if brackets.count < JSONGrammar.depthMax { brackets.append(byte) }
        case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = brackets.popLast()
        default: break
        }
    }

    private mutating func followString(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isInString = false
        }
    }
}
