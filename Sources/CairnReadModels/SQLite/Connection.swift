import GRDB
import GRDBSQLite

/// A connection of GRDB's, seen through SQLite's C interface, for the length of one closure. Statements are kept by
/// their text, and finalised with the connection object.
@safe final class Connection {
    let handle: OpaquePointer
    private var statements: [String: Statement] = [:]
    private var literals: [UInt: Statement] = [:]

    init(_ database: Database) throws(ReadModelError) {
        guard let handle = unsafe database.sqliteConnection else {
            throw ReadModelError(.database, "the connection to the read model is closed")
        }
        unsafe self.handle = unsafe handle
    }

    /// A connection that SQLite itself lends, to a function that it calls.
    init(borrowing handle: OpaquePointer) { unsafe self.handle = unsafe handle }

    /// The statement, prepared on first use. Not for two overlapping uses of one text.
    func statement(_ sql: String) throws(ReadModelError) -> Statement {
        if let statement = statements[sql] { return statement }
        let statement = try unsafe Statement(sql, on: handle)
        statements[sql] = statement
        return statement
    }

    /// A statement that is not kept.
    func prepare(_ sql: String) throws(ReadModelError) -> Statement { try unsafe Statement(sql, on: handle) }

    /// Runs one or more statements without results.
    func execute(_ sql: String) throws(ReadModelError) {
        let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw unsafe Connection.error(code, on: handle, while: sql) }
    }

    /// The statement of a literal, found by the literal's address: a projection has hundreds of bytes of SQL an event,
    /// and hashing them would take longer than some of the statements.
    private func statement(literal sql: StaticString) throws(ReadModelError) -> Statement {
        guard sql.hasPointerRepresentation else { return try statement("\(sql)") }
        let address = unsafe UInt(bitPattern: sql.utf8Start)
        if let statement = literals[address] { return statement }
        let statement = try statement("\(sql)")
        literals[address] = statement
        return statement
    }

    func run(_ sql: StaticString, _ values: [SQLValue] = []) throws(ReadModelError) {
        try statement(literal: sql).run(values)
    }

    /// For text that is put together; a literal takes the other one.
    @_disfavoredOverload
    func run(_ sql: String, _ values: [SQLValue] = []) throws(ReadModelError) { try statement(sql).run(values) }

    @_disfavoredOverload
    func all(_ sql: String, _ values: [SQLValue] = []) throws(ReadModelError) -> [[SQLValue]] {
        try statement(sql).all(values)
    }

    func first(_ sql: StaticString, _ values: [SQLValue] = []) throws(ReadModelError) -> [SQLValue]? {
        try statement(literal: sql).first(values)
    }

    func all(_ sql: StaticString, _ values: [SQLValue] = []) throws(ReadModelError) -> [[SQLValue]] {
        try statement(literal: sql).all(values)
    }

    /// How many rows the last statement changed.
    var changes: Int { Int(unsafe sqlite3_changes(handle)) }

    /// The number that the last inserted row got.
    var lastInsertedRow: Int64 { unsafe sqlite3_last_insert_rowid(handle) }

    /// True while a transaction is open.
    var isInTransaction: Bool { unsafe sqlite3_get_autocommit(handle) == 0 }

    /// True if the text is a statement and something other than space, comments and semicolons follows it.
    func hasSecondStatement(_ sql: String) -> Bool {
        var text = sql
        return text.withUTF8 { buffer in
            guard let base = buffer.baseAddress else { return false }
            return unsafe base.withMemoryRebound(to: CChar.self, capacity: buffer.count) { start in
                var first: OpaquePointer?
                var rest: UnsafePointer<CChar>?
                guard
                    unsafe sqlite3_prepare_v2(handle, start, Int32(clamping: buffer.count), &first, &rest) == SQLITE_OK
                else { return false }
                unsafe sqlite3_finalize(first)
                // A rest that compiles to nothing is space or a comment; one that does not compile is a statement too.
                while let next = unsafe rest, unsafe next < start + buffer.count {
                    var second: OpaquePointer?
                    let left = unsafe Int32(clamping: buffer.count - (next - start))
                    let code = unsafe sqlite3_prepare_v2(handle, next, left, &second, &rest)
                    defer { unsafe sqlite3_finalize(second) }
                    if unsafe code != SQLITE_OK || second != nil { return true }
                    if unsafe rest == next { return false }
                }
                return false
            }
        }
    }

    /// Calls `check` about every thousandth of a second of a running statement, and stops the statement when it says
    /// true, for the length of `body`.
    func interrupting<Result>(
        when check: @escaping () -> Bool, _ body: () throws -> Result
    ) rethrows -> Result {
        let box = Check(check)
        let context = unsafe Unmanaged.passUnretained(box).toOpaque()
        unsafe sqlite3_progress_handler(
            handle, 10_000,
            { context in
                guard let context = unsafe context else { return 0 }
                return unsafe Unmanaged<Check>.fromOpaque(context).takeUnretainedValue().check() ? 1 : 0
            }, context)
        defer { unsafe sqlite3_progress_handler(handle, 0, nil, nil) }
        return try withExtendedLifetime(box) { try body() }
    }

    /// What a progress handler, which is a C function, gets to see.
    private final class Check {
        let check: () -> Bool
        init(_ check: @escaping () -> Bool) { self.check = check }
    }

    static func error(_ code: Int32, on handle: OpaquePointer, while sql: String) -> ReadModelError {
        let text = unsafe sqlite3_errmsg(handle).map { unsafe String(cString: $0) } ?? "code \(code)"
        return ReadModelError(
            kind(of: code), "cannot use the read model: \(text) (SQLite code \(code)) in \(sql.prefix(200))")
    }

    static func kind(of code: Int32) -> ReadModelError.Code {
        switch code & 0xFF {
        case SQLITE_BUSY, SQLITE_LOCKED: .busy
        case SQLITE_INTERRUPT: .timeLimit
        case SQLITE_READONLY, SQLITE_FULL, SQLITE_PERM, SQLITE_CANTOPEN, SQLITE_IOERR: .notWritable
        case SQLITE_CORRUPT, SQLITE_NOTADB: .damaged
        case SQLITE_ERROR, SQLITE_RANGE, SQLITE_MISMATCH, SQLITE_TOOBIG: .query
        default: .database
        }
    }
}

extension ReadModel {
    /// Of the SQLite that is linked, as it calls itself.
    package static var sqliteVersion: String { unsafe String(cString: sqlite3_libversion()) }
}
