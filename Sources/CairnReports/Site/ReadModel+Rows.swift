internal import CairnBytes
internal import CairnReadModels

/// One row of an answer, its values by name.
struct AnswerRow {
    fileprivate let places: [String: Int]
    fileprivate let values: [SQLValue]

    subscript(name: String) -> SQLValue { places[name].map { values[$0] } ?? .null }

    func text(_ name: String) -> String? { self[name].text }
    func number(_ name: String) -> Double? { self[name].double }
    func count(_ name: String) -> Int { self[name].integer.map { Int(clamping: $0) } ?? 0 }
    func flag(_ name: String) -> Bool { self[name].integer == 1 }
    func position(_ name: String) -> UInt64? { self[name].integer.flatMap { UInt64(exactly: $0) } }

    /// A column in microseconds.
    func time(_ name: String) -> Timestamp? { self[name].integer.flatMap { Timestamp(checkedMicroseconds: $0) } }
}

extension ReadModel {
    /// A page that takes longer is of no use to whoever waits for it.
    private static let pageSecondsMax = 5.0

    /// The rows of a question that a page asks, at most so many.
    func rows(_ sql: String, _ arguments: [String: SQLValue] = [:], most: Int = 20_000) throws -> [AnswerRow] {
        let limits = QueryLimits(rowsMax: most, secondsMax: ReadModel.pageSecondsMax, bytesMax: 32 << 20)
        let result = try query(sql, arguments, limits: limits)
        let places = Dictionary(
            result.columns.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
        return result.rows.map { AnswerRow(places: places, values: $0) }
    }
}

extension SQLValue {
    /// A JSON list, for `IN (SELECT value FROM json_each(:names))`.
    static func list(_ texts: [String]) -> SQLValue {
        .text(CanonicalJSON.string(of: .array(texts.map { .string($0) })))
    }
}
