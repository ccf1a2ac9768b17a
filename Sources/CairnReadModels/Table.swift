/// A table of the read model as data: the statements that make it and the page that documents it come from here.
package struct Table: Sendable {
    package struct Column: Sendable {
        package var name: String
        /// What follows the name in `CREATE TABLE`: the type, then constraints.
        package var definition: String
        /// What the column says, for `queries/README.md`.
        package var meaning: String
        /// For a column that is computed when it is read: of what.
        var expression: String?
    }

    package var name: String
    /// What one row is.
    package var row: String
    package var columns: [Column]
    var constraints: [String] = []
    /// An index that the projection itself looks rows up by: made with the table. Its condition leaves only rows that
    /// still wait for something, so that looking one up does not become slower as the log grows.
    struct Lookup: Sendable {
        var columns: String
        var condition: String
    }

    var lookups: [Lookup] = []
    /// Indexes that only readers need; a rebuild makes them after the last row.
    var indexes: [String] = []
    /// Rows live in the primary key itself: right for small rows that are looked up by it.
    var isWithoutRowID = false

    init(
        _ name: String, _ row: String, _ columns: [[Column]], constraints: [String] = [], lookups: [Lookup] = [],
        indexes: [String] = [],
        isWithoutRowID: Bool = false
    ) {
        self.name = name
        self.row = row
        self.columns = columns.flatMap { $0 }
        self.constraints = constraints
        self.lookups = lookups
        self.indexes = indexes
        self.isWithoutRowID = isWithoutRowID
    }

    /// Where the rows are. A table with computed columns is a view of that name over a table that stores the others:
    /// SQLite's own generated columns would do, but it computes even the virtual ones on every insert and update, which
    /// makes a rebuild 2.7 times slower.
    var storedName: String { columns.contains { $0.expression != nil } ? "stored_\(name)" : name }

    /// Every table is `STRICT`, so a value of another type is an error and not a surprise.
    var createStatement: String {
        let stored = columns.filter { $0.expression == nil }
        let parts = stored.map { "\($0.name) \($0.definition)" } + constraints
        return "CREATE TABLE \(storedName) (\n  \(parts.joined(separator: ",\n  "))\n)"
            + " STRICT\(isWithoutRowID ? ", WITHOUT ROWID" : "")"
    }

    /// The view with the computed columns, for a table that has some.
    var viewStatement: String? {
        guard storedName != name else { return nil }
        let parts = columns.map { column in column.expression.map { "\($0) AS \(column.name)" } ?? column.name }
        return "CREATE VIEW \(name) AS SELECT \(parts.joined(separator: ", ")) FROM \(storedName)"
    }

    var lookupStatements: [String] {
        lookups.enumerated().map { index, lookup in
            "CREATE INDEX \(name)_lookup_\(index) ON \(storedName) (\(lookup.columns))"
                + (lookup.condition.isEmpty ? "" : " WHERE \(lookup.condition)")
        }
    }

    var indexStatements: [String] {
        indexes.enumerated().map {
            "CREATE INDEX IF NOT EXISTS \(indexName($0.offset)) ON \(storedName) (\($0.element))"
        }
    }

    func indexName(_ place: Int) -> String { "\(name)_\(place)" }
}

extension Table.Column {
    static func text(_ name: String, _ meaning: String, _ more: String = "") -> [Table.Column] {
        [Table.Column(name: name, definition: more.isEmpty ? "TEXT" : "TEXT \(more)", meaning: meaning)]
    }

    static func integer(_ name: String, _ meaning: String, _ more: String = "") -> [Table.Column] {
        [Table.Column(name: name, definition: more.isEmpty ? "INTEGER" : "INTEGER \(more)", meaning: meaning)]
    }

    static func real(_ name: String, _ meaning: String, _ more: String = "") -> [Table.Column] {
        [Table.Column(name: name, definition: more.isEmpty ? "REAL" : "REAL \(more)", meaning: meaning)]
    }

    static func blob(_ name: String, _ meaning: String, _ more: String = "") -> [Table.Column] {
        [Table.Column(name: name, definition: more.isEmpty ? "BLOB" : "BLOB \(more)", meaning: meaning)]
    }

    /// A column that is computed when it is read.
    static func computed(
        _ name: String, _ meaning: String, _ type: String, _ expression: String
    ) -> [Table.Column] {
        [Table.Column(name: name, definition: type, meaning: meaning, expression: expression)]
    }

    static func flag(_ name: String, _ meaning: String) -> [Table.Column] {
        [Table.Column(name: name, definition: "INTEGER", meaning: "\(meaning) (0 or 1)")]
    }

    /// A moment as two columns: `NAME_us`, microseconds since 1970, which is stored and sorts; and `NAME_at`, the same
    /// as RFC 3339, which is computed when it is read and which therefore can never disagree.
    static func time(_ name: String, _ meaning: String, _ more: String = "") -> [Table.Column] {
        let stored = "\(name)_us"
        let fraction = "((\(stored) % 1000000 + 1000000) % 1000000)"
        let text =
            "strftime('%Y-%m-%dT%H:%M:%S', (\(stored) - \(fraction)) / 1000000, 'unixepoch')"
            + " || CASE \(fraction) WHEN 0 THEN 'Z' ELSE rtrim(printf('.%06d', \(fraction)), '0') || 'Z' END"
        return [
            Table.Column(
                name: stored, definition: more.isEmpty ? "INTEGER" : "INTEGER \(more)",
                meaning: "\(meaning), in microseconds since 1970"),
            Table.Column(
                name: "\(name)_at", definition: "TEXT", meaning: "\(meaning), RFC 3339 in UTC", expression: text),
        ]
    }

    /// For a row whose numbers come from an attachment.
    static let content = text("content", "present, gone (retention), or why it cannot be read", "NOT NULL")

    /// The event that made the row: its place in the log, and both clocks.
    static let origin: [Table.Column] =
        integer("position", "place in the log of the event that made the row", "NOT NULL")
        + time("occurred", "when it happened", "NOT NULL") + time("recorded", "when it was recorded", "NOT NULL")
}
