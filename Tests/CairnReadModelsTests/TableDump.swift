import CairnReadModels
import Testing

/// Every row of every table, to compare two read models.
struct TableDump {
    private var tables: [String: [String]] = [:]

    init(_ model: ReadModel) throws {
        let names = try model.query("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name")
        for name in names.rows.compactMap({ $0[0].text }) where !name.hasPrefix("sqlite_") {
            let result = try model.query("SELECT * FROM \(name)")
            tables[name] = result.rows.map { String(describing: $0) }.sorted()
        }
        let schema = try model.query("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")
        tables["(schema)"] = schema.rows.map { String(describing: $0) }
    }

    func expectEqual(_ other: TableDump, _ comment: String, except: Set<String> = []) throws {
        #expect(tables.keys.sorted() == other.tables.keys.sorted(), "\(comment)")
        for (name, rows) in tables where !except.contains(name) {
            let others = other.tables[name] ?? []
            guard rows != others else { continue }
            let first = zip(rows, others).first { $0 != $1 }
            Issue.record(
                """
                \(comment): \(name) has \(rows.count) and \(others.count) rows; the first that differ are
                \(first?.0 ?? "")
                \(first?.1 ?? "")
                """)
        }
    }
}
