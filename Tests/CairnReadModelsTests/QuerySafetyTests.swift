import CairnBytes
import CairnReadModels
import CairnTestSupport
import Foundation
import Testing

/// A query reads the tables and can do nothing else, whatever is in it.
@Suite struct QuerySafetyTests {
    private func list() -> EventList {
        var list = EventList()
        for number in 0..<4 {
            list.append("cairn.note.added.v1", "migration/m1", at: Double(number), ["text": "a note", "about": 0])
        }
        return list
    }

    /// Every way we know to write, to open another file, to load code or to loosen the locks.
    private static let attacks = [
        "ATTACH DATABASE 'FOLDER/other.sqlite' AS other", "DETACH main", "VACUUM INTO 'FOLDER/copy.sqlite'", "VACUUM",
        "EXPLAIN ATTACH DATABASE 'FOLDER/other.sqlite' AS other", "EXPLAIN PRAGMA writable_schema = ON",
        "PRAGMA writable_schema = ON", "PRAGMA query_only = OFF", "PRAGMA journal_mode = DELETE",
        "PRAGMA user_version = 7", "PRAGMA temp_store_directory = 'FOLDER'", "SELECT load_extension('FOLDER/x.so')",
        "SELECT LOAD_EXTENSION('x', 'y')", "SELECT (SELECT load_extension('x') FROM events)",
        "SELECT readfile('/etc/passwd')", "SELECT writefile('FOLDER/x', 'y')", "SELECT edit('x')",
        "SELECT fts3_tokenizer('simple')", "SELECT * FROM fsdir('/')", "SELECT * FROM pragma_writable_schema",
        "SELECT * FROM pragma_journal_mode('delete')", "INSERT INTO stored_notes DEFAULT VALUES",
        "REPLACE INTO stored_notes SELECT * FROM stored_notes", "UPDATE stored_events SET data = ''",
        "DELETE FROM stored_events RETURNING *", "WITH x AS (SELECT 1) UPDATE stored_events SET data = ''",
        "WITH x AS (SELECT 1) DELETE FROM stored_events RETURNING *",
        "WITH x AS (SELECT 1) INSERT INTO stored_notes (position) SELECT * FROM x RETURNING *",
        "DROP TABLE stored_events", "ALTER TABLE stored_events ADD COLUMN x", "CREATE TABLE x (y)",
        "CREATE TEMP TABLE x AS SELECT * FROM events",
        "CREATE TRIGGER t AFTER INSERT ON stored_events BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE x USING fts5(y)", "REINDEX", "ANALYZE", "BEGIN", "COMMIT", "SAVEPOINT x", "ROLLBACK",
        "SELECT 1; ATTACH 'FOLDER/other.sqlite' AS other", "SELECT 1 /* */; -- \n DROP TABLE stored_events",
        "SELECT 1;;; PRAGMA writable_schema = ON", "; DELETE FROM stored_events",
        "-- SELECT\nDELETE FROM stored_events",
        "/* x */ ( SELECT 1", "SELECT * FROM 'FOLDER/read-model.sqlite'", "SELECT * FROM other.events",
        "SELECT zeroblob(1000000000)", "SELECT hex(zeroblob(200000000))",
    ]

    @Test(arguments: attacks) func nothingButReadingPasses(_ attack: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("read-model.sqlite")
        for place in [ReadModel.Place.file(path: path), .memory] {
            let model = place == .memory ? try ReadModel.inMemory() : try ReadModel.open(path: path)
            try model.catchUp(from: list())
            let before = try TableDump(model)
            #expect(throws: ReadModelError.self, "\(attack)") {
                try model.query(attack.replacingOccurrences(of: "FOLDER", with: folder.path))
            }
            try before.expectEqual(TableDump(model), attack)
            // The locks are where they were.
            #expect(throws: ReadModelError.self) { try model.query("WITH x AS (SELECT 1) DELETE FROM stored_events") }
            try model.catchUp(from: list())
            try model.close()
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(names.allSatisfy { $0.hasPrefix("read-model.sqlite") }, "\(attack): \(names)")
    }

    @Test(arguments: [
        "SELECT load_extension('x')": "the function load_extension", "EXPLAIN ATTACH 'x' AS y": "ATTACH or DETACH",
        "EXPLAIN PRAGMA writable_schema = 1": "PRAGMA writable_schema",
        "WITH x AS (SELECT 1) DELETE FROM stored_events": "a statement that changes stored_events",
    ]) func saysWhatItRefuses(_ sql: String, _ what: String) throws {
        let model = try ReadModel.inMemory()
        try model.catchUp(from: list())
        let error = #expect(throws: ReadModelError.self) { try model.query(sql) }
        #expect(error?.code == .refused)
        #expect(error?.message == "cannot run a query with \(what): a query only reads the tables")
    }

    @Test(arguments: [
        "SELECT count(*) FROM notes", "EXPLAIN QUERY PLAN SELECT * FROM notes", "VALUES (1), (2)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) FROM n",
        "SELECT json_extract(data, '$.text') FROM events", "SELECT name FROM pragma_table_info('stored_notes')",
        "SELECT value FROM json_each('[1,2]')", "SELECT count(*) FROM sqlite_schema", "SELECT upper('x') || sqrt(4)",
        "SELECT row_number() OVER (ORDER BY position) FROM events;",
    ]) func questionsPass(_ sql: String) throws {
        let model = try ReadModel.inMemory()
        try model.catchUp(from: list())
        #expect(try !model.query(sql).rows.isEmpty, "\(sql)")
    }

    @Test func boundsTheBytesOfAnAnswer() throws {
        let model = try ReadModel.inMemory()
        try model.catchUp(from: list())
        let sql =
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT printf('%500d', i) FROM n"
        let limits = QueryLimits(rowsMax: 1000, secondsMax: 5, bytesMax: 5_000)
        let result = try model.query(sql, limits: limits)
        #expect(result.isTruncated)
        #expect(result.rows.count == 10)
        let error = #expect(throws: ReadModelError.self) {
            try model.query("SELECT hex(zeroblob(3000))", limits: limits)
        }
        #expect(error?.code == .query)
        // Only for the length of that query.
        #expect(try model.query("SELECT length(hex(zeroblob(3000)))").rows == [[6000]])
    }

    /// A query that nobody waits for any more leaves the read model as usable as before.
    @Test func runawayQueriesAreStopped() throws {
        let folder = try TemporaryFolder()
        let model = try ReadModel.open(path: folder.file("read-model.sqlite"))
        try model.catchUp(from: list())
        let limits = QueryLimits(rowsMax: 10, secondsMax: 0.05)
        for sql in [
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n ORDER BY -i",
            "SELECT count(*) FROM events a, events b, events c, events d, events e, events f, events g, events h, "
                + "events i, events j, events k, events l, events m, events n",
        ] {
            let error = #expect(throws: ReadModelError.self) { try model.query(sql, limits: limits) }
            #expect(error?.code == .timeLimit)
            #expect(error?.message.contains("0.05 s") == true)
            #expect(try model.query("SELECT count(*) FROM events").rows == [[4]])
        }
    }
}
