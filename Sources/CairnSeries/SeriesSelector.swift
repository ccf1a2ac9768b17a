/// Which series are meant: label matchers as PromQL writes them, all of which must hold.

/// One condition on a label. A label that is absent has the empty text.
package struct LabelMatcher: Sendable, Hashable {
    package enum Operator: String, Sendable {
        case equal = "="
        case notEqual = "!="
        case matches = "=~"
        case matchesNot = "!~"
    }

    package let label: String
    package let comparison: Operator
    package let value: String
    private let expression: RegularExpression?

    /// - Throws: for a regular expression outside the supported part of RE2.
    package init(_ label: String, _ comparison: Operator, _ value: String) throws(SelectorError) {
        self.label = label
        self.comparison = comparison
        self.value = value
        switch comparison {
        case .equal, .notEqual: expression = nil
        case .matches, .matchesNot: expression = try RegularExpression(value)
        }
    }

    /// A condition that cannot fail to parse.
    package init(_ label: String, equals value: String) {
        self.label = label
        comparison = .equal
        self.value = value
        expression = nil
    }

    package func matches(_ text: String) -> Bool {
        switch comparison {
        case .equal: isSameText(text, value)
        case .notEqual: !isSameText(text, value)
        case .matches: expression?.matches(text) ?? false
        case .matchesNot: !(expression?.matches(text) ?? true)
        }
    }

    package static func == (left: LabelMatcher, right: LabelMatcher) -> Bool {
        isSameText(left.label, right.label) && left.comparison == right.comparison
            && isSameText(left.value, right.value)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(label)
        hasher.combine(comparison)
        hasher.combine(value)
    }
}

/// Why a selector cannot be used, with the place in its text.
package struct SelectorError: Error, Hashable, Sendable, CustomStringConvertible {
    package var reason: String
    /// Unicode scalars before the place, counted from the start of what was parsed.
    package var offset: Int

    package var description: String { "cannot use the selector: \(reason) (at character \(offset + 1))" }
}

/// All matchers must hold; without any, every series is meant.
package struct SeriesSelector: Sendable, Hashable {
    package let matchers: [LabelMatcher]

    /// A selector is written by a person or a dashboard; more is an attack on every series' comparison.
    package static let matchersMax = 64
    package static let textBytesMax = 16_384

    package init(_ matchers: [LabelMatcher] = []) { self.matchers = matchers }

    /// The series of one cluster.
    package static func cluster(_ name: String) -> SeriesSelector {
        SeriesSelector([LabelMatcher(SeriesKey.clusterLabel, equals: name)])
    }

    package static func metric(_ name: String) -> SeriesSelector {
        SeriesSelector([LabelMatcher(SeriesKey.nameLabel, equals: name)])
    }

    package func and(_ matcher: LabelMatcher) -> SeriesSelector { SeriesSelector(matchers + [matcher]) }

    package func and(_ other: SeriesSelector) -> SeriesSelector { SeriesSelector(matchers + other.matchers) }

    package func matches(_ key: SeriesKey) -> Bool {
        matchers.allSatisfy { $0.matches(key[$0.label] ?? "") }
    }

    /// The cluster this selector asks for, if it names exactly one.
    package var cluster: String? {
        matchers.first { $0.label == SeriesKey.clusterLabel && $0.comparison == .equal }?.value
    }

    /// Reads `name`, `name{label="x",other=~"a|b"}` or `{...}`; strings in double, single or back quotes.
    package init(parsing text: String) throws(SelectorError) {
        guard text.utf8.count <= SeriesSelector.textBytesMax else {
            throw SelectorError(reason: "it has over \(SeriesSelector.textBytesMax) bytes", offset: 0)
        }
        var parser = SelectorParser(text)
        self.init(try parser.parse())
    }
}

extension SeriesSelector: CustomStringConvertible {
    package var description: String {
        "{" + matchers.map { "\($0.label)\($0.comparison.rawValue)\(quoted($0.value))" }.joined(separator: ",") + "}"
    }
}

private struct SelectorParser {
    private let scalars: [Unicode.Scalar]
    private var offset = 0

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    mutating func parse() throws(SelectorError) -> [LabelMatcher] {
        var matchers: [LabelMatcher] = []
        skipSpace()
        let name = identifier(allowsColon: true)
        if !name.isEmpty { matchers.append(LabelMatcher(SeriesKey.nameLabel, equals: name)) }
        skipSpace()
        if take("{") {
            skipSpace()
            while !take("}") {
                guard matchers.count < SeriesSelector.matchersMax else {
                    throw failure("it has more than \(SeriesSelector.matchersMax) matchers")
                }
                matchers.append(try matcher())
                skipSpace()
                if take(",") { skipSpace() } else if peek != "}" { throw failure("a comma or } is missing") }
            }
        } else if name.isEmpty {
            throw failure("a metric name or { is missing")
        }
        skipSpace()
        guard offset == scalars.count else { throw failure("there is more after its end") }
        return matchers
    }

    private mutating func matcher() throws(SelectorError) -> LabelMatcher {
        let label = identifier(allowsColon: false)
        guard !label.isEmpty else { throw failure("a label name is missing") }
        skipSpace()
        let comparison: LabelMatcher.Operator
        if take("=") {
            comparison = take("~") ? .matches : .equal
        } else if take("!") {
            guard peek == "=" || peek == "~" else { throw failure("= or ~ is missing after !") }
            comparison = take("=") ? .notEqual : .matchesNot
            if comparison == .matchesNot { offset += 1 }
        } else {
            throw failure("=, !=, =~ or !~ is missing after \(label)")
        }
        skipSpace()
        let start = offset
        let value = try string()
        do {
            return try LabelMatcher(label, comparison, value)
        } catch {
            throw SelectorError(reason: error.reason, offset: start + 1 + error.offset)
        }
    }

    private mutating func string() throws(SelectorError) -> String {
        guard let quote = peek, quote == "\"" || quote == "'" || quote == "`" else {
            throw failure("a text in quotes is missing")
        }
        let start = offset
        offset += 1
        var text = String.UnicodeScalarView()
        while let scalar = peek {
            offset += 1
            if scalar == quote { return String(text) }
            guard scalar == "\\", quote != "`" else {
                text.append(scalar)
                continue
            }
            text.append(try escaped())
        }
        throw SelectorError(reason: "a text has no end", offset: start)
    }

    private mutating func escaped() throws(SelectorError) -> Unicode.Scalar {
        guard let scalar = peek else { throw failure("an escape has no end") }
        offset += 1
        switch scalar {
        case "n": return "\n"
        case "t": return "\t"
        case "r": return "\r"
        case "\\", "\"", "'": return scalar
        case "x": return try hexadecimal(digits: 2)
        case "u": return try hexadecimal(digits: 4)
        case "U": return try hexadecimal(digits: 8)
        default: throw SelectorError(reason: "the escape \\\(scalar) is unknown", offset: offset - 1)
        }
    }

    private mutating func hexadecimal(digits: Int) throws(SelectorError) -> Unicode.Scalar {
        guard offset + digits <= scalars.count else { throw failure("an escape has no end") }
        let text = String(String.UnicodeScalarView(scalars[offset..<offset + digits]))
        guard text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
            let number = UInt32(text, radix: 16), let scalar = Unicode.Scalar(number)
        else { throw failure("\(text) is no character") }
        offset += digits
        return scalar
    }

    private mutating func identifier(allowsColon: Bool) -> String {
        let start = offset
        while let scalar = peek {
            let isLetter = scalar.isASCII && scalar.properties.isAlphabetic || scalar == "_"
            let isDigit = offset > start && ("0"..."9").contains(scalar)
            guard isLetter || isDigit || allowsColon && scalar == ":" else { break }
            offset += 1
        }
        return String(String.UnicodeScalarView(scalars[start..<offset]))
    }

    private var peek: Unicode.Scalar? { offset < scalars.count ? scalars[offset] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == scalar else { return false }
        offset += 1
        return true
    }

    private mutating func skipSpace() {
        while let scalar = peek, scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r" { offset += 1 }
    }

    private func failure(_ reason: String) -> SelectorError { SelectorError(reason: reason, offset: offset) }
}
