package import CairnBytes

/// A value of a column, in SQLite's own five types.
package enum SQLValue: Sendable, Hashable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    package static func optional(_ text: String?) -> SQLValue { text.map { .text($0) } ?? .null }
    package static func optional(_ integer: Int64?) -> SQLValue { integer.map { .integer($0) } ?? .null }
    package static func optional(_ real: Double?) -> SQLValue { real.map { .real($0) } ?? .null }
    package static func flag(_ flag: Bool?) -> SQLValue { flag.map { .integer($0 ? 1 : 0) } ?? .null }

    /// A position of the log. Positions stay far below 2^63: at a million events a second that is 292,000 years.
    package static func position(_ position: UInt64) -> SQLValue { .integer(Int64(clamping: position)) }

    /// The memory of a text or a blob.
    var byteCount: Int {
        switch self {
        case .text(let text): text.utf8.count
        case .blob(let bytes): bytes.count
        default: 0
        }
    }

    package var integer: Int64? {
        if case .integer(let value) = self { value } else { nil }
    }

    package var text: String? {
        if case .text(let value) = self { value } else { nil }
    }

    /// The number, whether SQLite kept it as an integer or as a real.
    package var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .real(let value): value
        default: nil
        }
    }

    /// As a JSON value: integers beyond 2^53 and blobs (in hexadecimal) become texts, since a double cannot hold them.
    package var json: JSONValue {
        switch self {
        case .null: .null
        case .integer(let value):
            value.magnitude <= 9_007_199_254_740_992 ? .number(Double(value)) : .string(String(value))
        case .real(let value): value.isFinite ? .number(value) : .null
        case .text(let value): .string(value)
        case .blob(let value): .string(Hex.string(value))
        }
    }
}

extension SQLValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByNilLiteral, CustomStringConvertible
{
    package init(stringLiteral value: String) { self = .text(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(floatLiteral value: Double) { self = .real(value) }
    package init(nilLiteral: ()) { self = .null }

    /// As a table or a CSV file shows it; null is empty.
    package var description: String {
        switch self {
        case .null: ""
        case .integer(let value): String(value)
        case .real(let value): CanonicalJSON.text(of: value)
        case .text(let value): value
        case .blob(let value): Hex.string(value)
        }
    }
}
