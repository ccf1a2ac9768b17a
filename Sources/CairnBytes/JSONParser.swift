/// Limits on JSON from outside. Every one has a reason: a parser without them is a way to stop the recorder.
package struct JSONLimits: Sendable {
    /// Longest text accepted, in bytes. 64 MiB is the largest body any of the protocols may send.
    package var bytesMax = 64 << 20
    /// Deepest nesting accepted; real events stay below 20, and each level costs a stack frame.
    package var depthMax = 128
    /// Most values in one text: a value costs up to 40 bytes of memory for 2 bytes of text.
    package var valuesMax = 4_000_000

    package init() {}

    package static let standard = JSONLimits()
}

/// Why a text is not JSON, and where.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    package var reason: String
    /// Offset of the byte that could not be read, from 0.
    package var offset: Int
    /// Line and column (in bytes) of that byte, from 1.
    package var line: Int
    package var column: Int

    package var description: String { "cannot read JSON at line \(line), column \(column): \(reason)" }
}

/// A parsed text, and whether its canonical form says the same as the text did.
package struct JSONDocument: Sendable, Hashable {
    package var value: JSONValue
    /// True if every number in the text survives as a double: 1.10 does, 9007199254740993 does not.
    package var isLossless: Bool
}

/// Reads JSON strictly by RFC 8259 and I-JSON (RFC 7493): UTF-8 only, no duplicate names, no lone surrogates, no
/// comments, no trailing commas, no bytes after the value.
package enum JSONParser {
    package static func parse(_ bytes: [UInt8], limits: JSONLimits = .standard) throws(JSONError) -> JSONDocument {
        try parse(bytes.span, limits: limits)
    }

    package static func parse(_ text: String, limits: JSONLimits = .standard) throws(JSONError) -> JSONDocument {
        try parse(Array(text.utf8), limits: limits)
    }

    package static func parse(
        _ bytes: Span<UInt8>, limits: JSONLimits = .standard
    ) throws(JSONError) -> JSONDocument {
        var state = State(limits: limits)
        guard bytes.count <= limits.bytesMax else {
            throw state.error("\(bytes.count) bytes are more than the limit of \(limits.bytesMax)", at: 0, in: bytes)
        }
        state.skipSpace(bytes)
        let value = try state.value(bytes, depth: 0)
        state.skipSpace(bytes)
        guard state.offset == bytes.count else {
            throw state.error("there are bytes after the value", at: state.offset, in: bytes)
        }
        return JSONDocument(value: value, isLossless: state.isLossless)
    }

    private struct State {
        var offset = 0
        var isLossless = true
        var values = 0
        let limits: JSONLimits

        init(limits: JSONLimits) { self.limits = limits }

        func error(_ reason: String, at offset: Int, in bytes: Span<UInt8>) -> JSONError {
            var line = 1
            var column = 1
            for index in 0..<min(offset, bytes.count) {
                if bytes[index] == UInt8(ascii: "\n") {
                    line += 1
                    column = 1
                } else {
                    column += 1
                }
            }
            return JSONError(reason: reason, offset: offset, line: line, column: column)
        }

        mutating func skipSpace(_ bytes: Span<UInt8>) {
            while offset < bytes.count {
                switch bytes[offset] {
                case 0x20, 0x09, 0x0A, 0x0D: offset += 1
                default: return
                }
            }
        }

        mutating func value(_ bytes: Span<UInt8>, depth: Int) throws(JSONError) -> JSONValue {
            guard depth <= limits.depthMax else {
                throw error("more than \(limits.depthMax) levels of nesting", at: offset, in: bytes)
            }
            values += 1
            guard values <= limits.valuesMax else {
                throw error("more than \(limits.valuesMax) values", at: offset, in: bytes)
            }
            guard offset < bytes.count else { throw error("the text ends early", at: offset, in: bytes) }
            switch bytes[offset] {
            case UInt8(ascii: "{"): return try object(bytes, depth: depth)
            case UInt8(ascii: "["): return try array(bytes, depth: depth)
            case UInt8(ascii: "\""): return .string(try string(bytes))
            case UInt8(ascii: "t"): return try word(bytes, "true", .bool(true))
            case UInt8(ascii: "f"): return try word(bytes, "false", .bool(false))
            case UInt8(ascii: "n"): return try word(bytes, "null", .null)
            default: return .number(try number(bytes))
            }
        }

        mutating func word(
            _ bytes: Span<UInt8>, _ text: StaticString, _ value: JSONValue
        ) throws(JSONError) -> JSONValue {
            let expected = Array("\(text)".utf8)
            guard bytes.count - offset >= expected.count else {
                throw error("the text ends early", at: bytes.count, in: bytes)
            }
            for index in expected.indices where bytes[offset + index] != expected[index] {
                throw error("expected \(text)", at: offset, in: bytes)
            }
            offset += expected.count
            return value
        }

        mutating func object(_ bytes: Span<UInt8>, depth: Int) throws(JSONError) -> JSONValue {
            var members: [JSONObject.Member] = []
            var starts: [Int] = []
            offset += 1
            skipSpace(bytes)
            if offset < bytes.count, bytes[offset] == UInt8(ascii: "}") {
                offset += 1
                return .object(JSONObject())
            }
            while true {
                skipSpace(bytes)
                guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else {
                    throw error("expected the name of a member in quotes", at: offset, in: bytes)
                }
                let start = offset
                let name = try string(bytes)
                skipSpace(bytes)
                guard offset < bytes.count, bytes[offset] == UInt8(ascii: ":") else {
                    throw error("expected ':' after the name \"\(name)\"", at: offset, in: bytes)
                }
                offset += 1
                skipSpace(bytes)
                members.append(JSONObject.Member(name: name, value: try value(bytes, depth: depth + 1)))
                starts.append(start)
                skipSpace(bytes)
                guard offset < bytes.count else { throw error("the text ends early", at: offset, in: bytes) }
                offset += 1
                if bytes[offset - 1] == UInt8(ascii: ",") { continue }
                if bytes[offset - 1] == UInt8(ascii: "}") { break }
                throw error("expected ',' or '}'", at: offset - 1, in: bytes)
            }
            do throws(JSONObject.DuplicateName) {
                return .object(try JSONObject(unordered: members))
            } catch {
                throw self.error(
                    "the name \"\(error.name)\" occurs twice in one object", at: starts[error.index], in: bytes)
            }
        }

        mutating func array(_ bytes: Span<UInt8>, depth: Int) throws(JSONError) -> JSONValue {
            var array: [JSONValue] = []
            offset += 1
            skipSpace(bytes)
            if offset < bytes.count, bytes[offset] == UInt8(ascii: "]") {
                offset += 1
                return .array(array)
            }
            while true {
                skipSpace(bytes)
                array.append(try value(bytes, depth: depth + 1))
                skipSpace(bytes)
                guard offset < bytes.count else { throw error("the text ends early", at: offset, in: bytes) }
                offset += 1
                if bytes[offset - 1] == UInt8(ascii: ",") { continue }
                if bytes[offset - 1] == UInt8(ascii: "]") { return .array(array) }
                throw error("expected ',' or ']'", at: offset - 1, in: bytes)
            }
        }

        mutating func string(_ bytes: Span<UInt8>) throws(JSONError) -> String {
            offset += 1
            let start = offset
            while offset < bytes.count {
                let byte = bytes[offset]
                if byte == UInt8(ascii: "\"") {
                    let text = try utf8(bytes, start, offset)
                    offset += 1
                    return text
                }
                if byte == UInt8(ascii: "\\") { return try escapedString(bytes, start: start) }
                guard byte >= 0x20 else { throw error("a control character in a string", at: offset, in: bytes) }
                offset += 1
            }
            throw error("a string without its end", at: start - 1, in: bytes)
        }

        func utf8(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) throws(JSONError) -> String {
            guard let text = String(validating: bytes.extracting(start..<end)) else {
                throw error("a string is not valid UTF-8", at: start, in: bytes)
            }
            return text
        }

        mutating func escapedString(_ bytes: Span<UInt8>, start: Int) throws(JSONError) -> String {
            var text: [UInt8] = []
            for index in start..<offset { text.append(bytes[index]) }
            while offset < bytes.count {
                let byte = bytes[offset]
                offset += 1
                if byte == UInt8(ascii: "\"") {
                    guard let string = String(validating: text.span) else {
                        throw error("a string is not valid UTF-8", at: start, in: bytes)
                    }
                    return string
                }
                guard byte >= 0x20 else { throw error("a control character in a string", at: offset - 1, in: bytes) }
                guard byte == UInt8(ascii: "\\") else {
                    text.append(byte)
                    continue
                }
                guard offset < bytes.count else { break }
                offset += 1
                switch bytes[offset - 1] {
                case UInt8(ascii: "\""): text.append(0x22)
                case UInt8(ascii: "\\"): text.append(0x5C)
                case UInt8(ascii: "/"): text.append(0x2F)
                case UInt8(ascii: "b"): text.append(0x08)
                case UInt8(ascii: "f"): text.append(0x0C)
                case UInt8(ascii: "n"): text.append(0x0A)
                case UInt8(ascii: "r"): text.append(0x0D)
                case UInt8(ascii: "t"): text.append(0x09)
                case UInt8(ascii: "u"):
                    let scalar = try escapedScalar(bytes)
                    text.append(contentsOf: Array(String(Character(scalar)).utf8))
                default: throw error("an unknown escape in a string", at: offset - 2, in: bytes)
                }
            }
            throw error("a string without its end", at: start - 1, in: bytes)
        }

        mutating func hexUnit(_ bytes: Span<UInt8>) throws(JSONError) -> UInt32 {
            guard bytes.count - offset >= 4 else { throw error("the text ends early", at: bytes.count, in: bytes) }
            var unit: UInt32 = 0
            for _ in 0..<4 {
                guard let digit = Hex.digit(bytes[offset]) else {
                    throw error("expected a hexadecimal digit", at: offset, in: bytes)
                }
                unit = unit << 4 | UInt32(digit)
                offset += 1
            }
            return unit
        }

        mutating func escapedScalar(_ bytes: Span<UInt8>) throws(JSONError) -> Unicode.Scalar {
            let start = offset - 2
            let first = try hexUnit(bytes)
            var code = first
            if (0xD800..<0xDC00).contains(first) {
                guard bytes.count - offset >= 6, bytes[offset] == UInt8(ascii: "\\"),
                    bytes[offset + 1] == UInt8(ascii: "u")
                else { throw error("half of a surrogate pair", at: start, in: bytes) }
                offset += 2
                let second = try hexUnit(bytes)
                guard (0xDC00..<0xE000).contains(second) else {
                    throw error("half of a surrogate pair", at: start, in: bytes)
                }
                code = 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else {
                throw error("half of a surrogate pair", at: start, in: bytes)
            }
            return scalar
        }

        mutating func number(_ bytes: Span<UInt8>) throws(JSONError) -> Double {
            let start = offset
            var small: Int64 = 0
            var digits = 0
            func isDigit(_ index: Int) -> Bool {
                index < bytes.count && bytes[index] >= UInt8(ascii: "0") && bytes[index] <= UInt8(ascii: "9")
            }
            let isNegative = bytes[offset] == UInt8(ascii: "-")
            if isNegative { offset += 1 }
            guard isDigit(offset) else { throw error("expected a value", at: start, in: bytes) }
            if bytes[offset] == UInt8(ascii: "0"), isDigit(offset + 1) {
                throw error("a number with a leading zero", at: start, in: bytes)
            }
            while isDigit(offset) {
                if digits < 16 { small = small * 10 + Int64(bytes[offset] - UInt8(ascii: "0")) }
                digits += 1
                offset += 1
            }
            var isInteger = true
            if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
                isInteger = false
                offset += 1
                guard isDigit(offset) else { throw error("expected a digit after '.'", at: offset, in: bytes) }
                while isDigit(offset) { offset += 1 }
            }
            if offset < bytes.count, bytes[offset] == UInt8(ascii: "e") || bytes[offset] == UInt8(ascii: "E") {
                isInteger = false
                offset += 1
                if offset < bytes.count, bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-") {
                    offset += 1
                }
                guard isDigit(offset) else { throw error("expected a digit in the exponent", at: offset, in: bytes) }
                while isDigit(offset) { offset += 1 }
            }
            // Up to 15 digits every integer is a double. Minus zero keeps its sign as a double and loses it in
            // canonical form, which JavaScript writes as 0.
            if isInteger, digits <= 15, !(isNegative && small == 0) { return Double(isNegative ? -small : small) }
            let text = try utf8(bytes, start, offset)
            guard let value = Double(text), value.isFinite else {
                throw error("a number outside the range of a double", at: start, in: bytes)
            }
            if isLossless { isLossless = DecimalText(text) == DecimalText(CanonicalJSON.text(of: value)) }
            return value
        }
    }
}

/// A decimal number as its significant digits and exponent, to tell whether two texts mean the same number.
private struct DecimalText: Equatable {
    var isNegative = false
    var digits: [UInt8] = []
    var exponent = 0

    init(_ text: String) {
        var fraction = 0
        var sawPoint = false
        var rest = Array(text.utf8)[...]
        if rest.first == UInt8(ascii: "-") {
            isNegative = true
            rest = rest.dropFirst()
        }
        while let byte = rest.first {
            rest = rest.dropFirst()
            if byte == UInt8(ascii: ".") {
                sawPoint = true
            } else if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
                // An exponent over 32 bits is one that no finite double but zero has, and must not overflow below.
                exponent = Int(Int32(String(decoding: rest, as: UTF8.self)) ?? .min)
                break
            } else {
                digits.append(byte)
                if sawPoint { fraction += 1 }
            }
        }
        exponent -= fraction
        while digits.last == UInt8(ascii: "0") {
            digits.removeLast()
            exponent += 1
        }
        // At once: a text may have millions of them.
        digits.removeFirst(digits.prefix { $0 == UInt8(ascii: "0") }.count)
        if digits.isEmpty { exponent = 0 }
    }
}
