/// Canonical JSON by RFC 8785 (JCS): members sorted by UTF-16 code units, numbers as ECMAScript writes them, the
/// shortest escapes, no spaces. Two writers that agree on the value agree on every byte, and so on the hash.
package enum CanonicalJSON {
    package static func bytes(of value: JSONValue) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256)
        write(value, to: &bytes)
        return bytes
    }

    package static func string(of value: JSONValue) -> String {
        String(decoding: bytes(of: value), as: UTF8.self)
    }

    package static func write(_ value: JSONValue, to bytes: inout [UInt8]) {
        switch value {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let flag): bytes.append(contentsOf: (flag ? "true" : "false").utf8)
        case .number(let number):
            if number >= 0, number < 1e9, number == number.rounded(.towardZero) {
                append(UInt64(number), to: &bytes)
            } else {
                bytes.append(contentsOf: text(of: number).utf8)
            }
        case .string(let text): write(text, to: &bytes)
        case .array(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                write(value, to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let object):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in object.members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                write(member.name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                write(member.value, to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// Decimal digits.
    package static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        if number >= 10 { append(number / 10, to: &bytes) }
        bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
    }

    package static func write(_ text: String, to bytes: inout [UInt8]) {
        var text = text
        let isPlain = text.withUTF8 { utf8 in
            // Almost all text is: no branch for each byte, so that the compiler looks at many at once.
            var special: UInt8 = 0
            for index in 0..<utf8.count {
                let byte = unsafe utf8[index]
                special |= (byte < 0x20 ? 1 : 0) | (byte == 0x22 ? 1 : 0) | (byte == 0x5C ? 1 : 0)
            }
            guard special == 0 else { return false }
            bytes.append(UInt8(ascii: "\""))
            unsafe bytes.append(contentsOf: utf8)
            bytes.append(UInt8(ascii: "\""))
            return true
        }
        if !isPlain { writeEscaped(text, to: &bytes) }
    }

    private static func writeEscaped(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case 0x22: bytes.append(contentsOf: [0x5C, 0x22])
            case 0x5C: bytes.append(contentsOf: [0x5C, 0x5C])
            case 0x08: bytes.append(contentsOf: "\\b".utf8)
            case 0x0C: bytes.append(contentsOf: "\\f".utf8)
            case 0x0A: bytes.append(contentsOf: "\\n".utf8)
            case 0x0D: bytes.append(contentsOf: "\\r".utf8)
            case 0x09: bytes.append(contentsOf: "\\t".utf8)
            case 0..<0x20:
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(Hex.digits[Int(byte >> 4)])
                bytes.append(Hex.digits[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// A finite double as ECMAScript's `Number::toString` writes it. Not-a-number and infinities are no JSON values:
    /// callers keep them out, and a slip becomes `null`, as in JavaScript.
    package static func text(of number: Double) -> String {
        guard number.isFinite else { return "null" }
        if number == 0 { return "0" }
        if number.magnitude < 9_007_199_254_740_992, number == number.rounded(.towardZero) {
            return String(Int64(number))
        }
        // Swift's description has the shortest digits that round-trip, the same that ECMAScript asks for; only the
        // layout differs.
        var digits: [UInt8] = []
        var point = 0
        var sawPoint = false
        var exponent = 0
        var rest = Substring(number.magnitude.description)
        if let mark = rest.firstIndex(where: { $0 == "e" || $0 == "E" }) {
            exponent = Int(rest[rest.index(after: mark)...]) ?? 0
            rest = rest[..<mark]
        }
        for byte in rest.utf8 {
            if byte == UInt8(ascii: ".") {
                sawPoint = true
            } else {
                digits.append(byte)
                if !sawPoint { point += 1 }
            }
        }
        let leadingZeros = digits.prefix { $0 == UInt8(ascii: "0") }.count
        digits.removeFirst(leadingZeros)
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        // The value is 0.digits times ten to the power of `scale`.
        let scale = point - leadingZeros + exponent
        let text = layout(digits, scale: scale)
        return number < 0 ? "-" + text : text
    }

    private static func layout(_ digits: [UInt8], scale: Int) -> String {
        let text = String(decoding: digits, as: UTF8.self)
        let count = digits.count
        if count <= scale, scale <= 21 { return text + String(repeating: "0", count: scale - count) }
        if 0 < scale, scale <= 21 { return "\(text.prefix(scale)).\(text.dropFirst(scale))" }
        if -6 < scale, scale <= 0 { return "0." + String(repeating: "0", count: -scale) + text }
        let power = scale - 1
        let sign = power < 0 ? "-" : "+"
        let mantissa = count == 1 ? text : "\(text.prefix(1)).\(text.dropFirst(1))"
        return "\(mantissa)e\(sign)\(power.magnitude)"
    }
}
