internal import CairnBytes

/// What a plain scalar (one without quotes) means.
///
/// The rules are those of kubectl, whose reader is YAML 1.1 with JSON's types: `yes`, `no`, `on`, `off`, `y`, `n` are
/// booleans as `true` and `false` are, `0x1F`, `0o17`, `017` and `0b11` are integers, `1_000` is a thousand, `1e3` is a
/// number, and a date or time stays text. Everything in quotes is text.
enum YAMLScalar: Equatable {
    case null
    case bool(Bool)
    case number(Double, isExact: Bool)
    /// `.inf` or `.nan`, which JSON cannot say.
    case notFinite
    case text

    private static let words: [String: YAMLScalar] = {
        var words: [String: YAMLScalar] = ["": .null, "~": .null]
        func add(_ word: String, _ meaning: YAMLScalar) {
            words[word] = meaning
            words[word.uppercased()] = meaning
            words[word.prefix(1).uppercased() + word.dropFirst()] = meaning
        }
        add("null", .null)
        for word in ["true", "yes", "on", "y"] { add(word, .bool(true)) }
        for word in ["false", "no", "off", "n"] { add(word, .bool(false)) }
        for word in [".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF"] {
            words[word] = .notFinite
            if word.lowercased() == ".inf" {
                words["+" + word] = .notFinite
                words["-" + word] = .notFinite
            }
        }
        return words
    }()

    /// Longest text that can be a number, in bytes.
    private static let numberBytesMax = 400

    static func read(_ text: String) -> YAMLScalar {
        if let word = words[text] { return word }
        let bytes = Array(text.utf8)
        guard let first = bytes.first, bytes.count <= numberBytesMax,
            first &- UInt8(ascii: "0") <= 9 || "+-.".utf8.contains(first)
        else { return .text }
        let digits = bytes.filter { $0 != UInt8(ascii: "_") }
        if let integer = integer(digits) { return integer }
        guard isDecimal(digits), let value = Double(String(decoding: digits, as: UTF8.self)), value.isFinite
        else { return .text }
        return .number(value, isExact: isExact(digits, value))
    }

    /// Go's `ParseInt` with base 0: a prefix says the base, and one zero alone says octal.
    private static func integer(_ bytes: [UInt8]) -> YAMLScalar? {
        var rest = bytes[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        guard let first = rest.first, first &- UInt8(ascii: "0") <= 9 else { return nil }
        var radix = 10
        if first == UInt8(ascii: "0"), rest.count > 1 {
            switch rest[rest.startIndex + 1] {
            case UInt8(ascii: "x"), UInt8(ascii: "X"): radix = 16
            case UInt8(ascii: "o"), UInt8(ascii: "O"): radix = 8
            case UInt8(ascii: "b"), UInt8(ascii: "B"): radix = 2
            default: radix = 0
            }
            rest = rest.dropFirst(radix == 0 ? 1 : 2)
            if radix == 0 { radix = 8 }
        }
        // A second sign would be read by the standard library and is none of YAML's.
        guard let digit = rest.first, digit != UInt8(ascii: "-"), digit != UInt8(ascii: "+"),
            let magnitude = UInt64(String(decoding: rest, as: UTF8.self), radix: radix)
        else { return nil }
        let value = Double(magnitude)
        let isExact = UInt64(exactly: value) == magnitude && magnitude <= 1 << 53
        return .number(isNegative && magnitude != 0 ? -value : value, isExact: isExact)
    }

    /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
    private static func isDecimal(_ bytes: [UInt8]) -> Bool {
        var index = 0
        func digits() -> Int {
            let start = index
            while index < bytes.count, bytes[index] &- UInt8(ascii: "0") <= 9 { index += 1 }
            return index - start
        }
        func skip(_ characters: String) -> Bool {
            guard index < bytes.count, characters.utf8.contains(bytes[index]) else { return false }
            index += 1
            return true
        }
        _ = skip("+-")
        let whole = digits()
        let fraction = skip(".") ? digits() : 0
        guard whole + fraction > 0 else { return false }
        if skip("eE") {
            _ = skip("+-")
            guard digits() > 0 else { return false }
        }
        return index == bytes.count
    }

    /// Whether the double says the same as the text, told by the JSON reader, which has to tell that too.
    private static func isExact(_ digits: [UInt8], _ value: Double) -> Bool {
        var text = digits[...]
        if text.first == UInt8(ascii: "+") { text = text.dropFirst() }
        guard let document = try? JSONParser.parse(Array(text)) else { return true }
        return document.isLossless
    }
}
