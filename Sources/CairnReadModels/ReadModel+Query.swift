/// What a query gave.
package struct QueryResult: Sendable, Hashable {
    package var columns: [String]
    package var rows: [[SQLValue]]
    /// True if there were more rows, or longer ones, than the limits.
    package var isTruncated: Bool
}

/// How much a query may take.
package struct QueryLimits: Sendable, Hashable {
    /// A table of a million rows is a file, not an answer; it also bounds the memory of a server.
    package var rowsMax = 1_000_000
    /// Queries over a million events take seconds; a cross join by mistake takes for ever.
    package var secondsMax = 30.0
    /// Texts and blobs of the rows together: a few long ones take as much memory as a million short ones.
    package var bytesMax = 256 << 20

    package init() {}
    package init(rowsMax: Int, secondsMax: Double, bytesMax: Int = 256 << 20) {
        self.rowsMax = rowsMax
        self.secondsMax = secondsMax
        self.bytesMax = bytesMax
    }

    package static let standard = QueryLimits()
}

extension ReadModel {
    /// Answers one read-only statement. `:name` in it takes the argument of that name; a parameter without an argument
    /// is null, and an argument without a parameter is an error, since it is a slip.
    ///
    /// Four locks keep it from changing anything and from other files: the connection is a reader, the statement must
    /// begin as a question does, SQLite's authorizer must find nothing in it but reading, and SQLite itself must call it
    /// read-only.
    package func query(
        _ sql: String, _ arguments: [String: SQLValue] = [:], limits: QueryLimits = .standard
    ) throws -> QueryResult {
        try refuseUnlessQuestion(sql)
        _ = try QueryCheck.tables(readBy: sql)
        return try read { connection in
            if connection.hasSecondStatement(sql) {
                throw ReadModelError(.refused, "cannot run more than one statement at a time")
            }
            let statement = try connection.prepare(sql)
            guard statement.isReadOnly, statement.columnCount > 0 else {
                throw ReadModelError(.refused, "cannot run a statement that is not a question: \(sql.prefix(80))")
            }
            try bind(arguments, to: statement)
            let deadline = ContinuousClock.now.advanced(by: .seconds(limits.secondsMax))
            do {
                return try connection.interrupting(when: { ContinuousClock.now > deadline }) {
                    // A single value is bounded too, before SQLite makes it.
                    try connection.limitingLengths(to: limits.bytesMax) { try rows(of: statement, limits) }
                }
            } catch let error as ReadModelError where error.code == .timeLimit {
                throw ReadModelError(
                    .timeLimit,
                    "the query was stopped after \(limits.secondsMax) s; narrow it by time or position")
            }
        }
    }

    private func rows(of statement: Statement, _ limits: QueryLimits) throws(ReadModelError) -> QueryResult {
        var result = QueryResult(
            columns: (0..<statement.columnCount).map(statement.columnName), rows: [], isTruncated: false)
        var bytes = 0
        while try statement.step() {
            let row = statement.row()
            bytes += row.reduce(0) { $0 + $1.byteCount }
            guard result.rows.count < limits.rowsMax, bytes <= limits.bytesMax else {
                result.isTruncated = true
                break
            }
            result.rows.append(row)
        }
        return result
    }

    private func refuseUnlessQuestion(_ sql: String) throws(ReadModelError) {
        guard let word = SQLText.firstWord(of: sql) else {
            throw ReadModelError(.query, "there is no statement in the query")
        }
        guard ["SELECT", "WITH", "VALUES", "EXPLAIN"].contains(word) else {
            throw ReadModelError(
                .refused, "cannot run \(word): a query begins with SELECT, WITH, VALUES or EXPLAIN and changes nothing")
        }
    }

    private func bind(_ arguments: [String: SQLValue], to statement: Statement) throws(ReadModelError) {
        var used: Set<String> = []
        for index in 0..<statement.parameterCount {
            guard let name = statement.parameterName(index + 1)?.dropFirst() else {
                throw ReadModelError(.query, "cannot fill a nameless parameter: write :name instead of ?")
            }
            used.insert(String(name))
            if let value = arguments[String(name)] { statement.bind(index + 1, value) }
        }
        if let stranger = arguments.keys.filter({ !used.contains($0) }).min() {
            let names = used.isEmpty ? "it has none" : "it has \(used.sorted().joined(separator: ", "))"
            throw ReadModelError(.query, "the query has no parameter \(stranger); \(names)")
        }
    }
}

/// The little that must be known of SQL's text.
enum SQLText {
    /// The first word in upper case, after space, comments and empty statements; nil if there is none.
    static func firstWord(of sql: String) -> String? {
        let bytes = Array(sql.utf8)
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: " "), 0x09...0x0D, UInt8(ascii: ";"), UInt8(ascii: "("):
                index += 1
            case UInt8(ascii: "-") where bytes[index...].starts(with: "--".utf8):
                while index < bytes.count, bytes[index] != 0x0A { index += 1 }
            case UInt8(ascii: "/") where bytes[index...].starts(with: "/*".utf8):
                index += 2
                while index < bytes.count, !bytes[index...].starts(with: "*/".utf8) { index += 1 }
                index += 2
            default:
                let word = bytes[index...].prefix { $0 | 0x20 >= UInt8(ascii: "a") && $0 | 0x20 <= UInt8(ascii: "z") }
                return String(decoding: word, as: UTF8.self).uppercased()
            }
        }
        return nil
    }
}
