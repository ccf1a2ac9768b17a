import GRDB
import GRDBSQLite

/// What a query would do, found out before it runs: SQLite compiles it on an empty copy of the tables and reports every
/// table, function and statement in it to an authorizer. GRDB needs the authorizer of the connections that queries run
/// on for itself; the copy is ours alone.
enum QueryCheck {
    /// Functions that reach beyond the tables. Most exist only in SQLite's shell, or are switched off; a SQLite that was
    /// built another way may have them.
    static let refusedFunctions: Set<String> = [
        "load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "lsmode", "fsdir", "zipfile",
    ]

    /// Pragmas as tables that tell of tables, and have nothing to set.
    static let pragmas: Set<String> = [
        "pragma_table_info", "pragma_table_xinfo", "pragma_table_list", "pragma_index_list", "pragma_index_info",
        "pragma_index_xinfo", "pragma_function_list", "pragma_compile_options",
    ]

    /// The empty copy, made once: it takes milliseconds, and a check microseconds.
    private static let emptyTables = Result {
        let queue = try DatabaseQueue(configuration: ReadModel.configuration)
        try queue.writeWithoutTransaction { try ReadModel.makeTables(Connection($0)) }
        return queue
    }

    /// The tables that the statement reads, through views too; nil where it cannot be compiled here, for the connection
    /// that runs it to say why.
    static func tables(readBy sql: String) throws -> Set<String>? {
        do {
            return try emptyTables.get().writeWithoutTransaction { database in
                let connection = try Connection(database)
                var (seen, error) = connection.authorizing(sql, isFirst: true)
                // SQLite makes a table for `json_each` and its like when a connection first compiles one, and reports
                // that as a change of the schema; then it is there.
                if seen.touchesSchema { (seen, error) = connection.authorizing(sql, isFirst: false) }
                if let refusal = seen.refusal {
                    throw ReadModelError(.refused, "cannot run a query with \(refusal): a query only reads the tables")
                }
                return error == nil ? seen.tables : nil
            }
        } catch { throw Connection.wrapped(error) }
    }

    /// The projections whose tables answer the statement, and those that these need; all of them in doubt.
    static func projections(answering sql: String) throws -> [any (Projection & SendableMetatype).Type] {
        guard let tables = try tables(readBy: sql), !tables.contains(Progressed.table.name) else {
            return Projections.all
        }
        let known = Set(Projections.tables.flatMap { [$0.name, $0.storedName] } + Views.all.map(\.name))
        // Something that is no table of ours, `sqlite_schema` or a function that gives rows, may look at any of them.
        guard tables.isSubset(of: known) else { return Projections.all }
        var wanted = Projections.all.filter { projection in
            projection.tables.contains { tables.contains($0.name) || tables.contains($0.storedName) }
        }
        var index = 0
        while index < wanted.count {
            for needed in wanted[index].needs where !wanted.contains(where: { $0 == needed }) { wanted.append(needed) }
            index += 1
        }
        return Projections.all.filter { projection in wanted.contains { $0 == projection } }
    }

    /// What the authorizer was told.
    final class Seen {
        fileprivate(set) var tables: Set<String> = []
        /// True if the schema would change, and that is not refused yet.
        fileprivate(set) var touchesSchema = false
        private let isFirst: Bool

        fileprivate init(isFirst: Bool) { self.isFirst = isFirst }

        /// The first thing that no query may do.
        fileprivate(set) var refusal: String?

        fileprivate func allows(_ action: Int32, _ first: String?, _ second: String?) -> Bool {
            switch action {
            case SQLITE_SELECT, SQLITE_RECURSIVE: return true
            case SQLITE_READ:
                guard let first else { return true }
                tables.insert(first)
                let isAllowed =
                    !first.lowercased().hasPrefix("pragma_") || QueryCheck.pragmas.contains(first.lowercased())
                if isAllowed { return true }
                refusal = refusal ?? "the table \(first)"
            case SQLITE_FUNCTION:
                guard let name = second?.lowercased(), QueryCheck.refusedFunctions.contains(name) else { return true }
                refusal = refusal ?? "the function \(name)"
            case SQLITE_ATTACH, SQLITE_DETACH: refusal = refusal ?? "ATTACH or DETACH"
            case SQLITE_PRAGMA: refusal = refusal ?? "PRAGMA \(first ?? "")"
            case SQLITE_INSERT, SQLITE_UPDATE, SQLITE_DELETE:
                if isFirst, first == "sqlite_master" {
                    touchesSchema = true
                    return true
                }
                refusal = refusal ?? "a statement that changes \(first ?? "something")"
            default:
                refusal = refusal ?? "a statement that is no question"
            }
            return false
        }
    }
}

extension Connection {
    /// Compiles a statement under an authorizer of our own, and does not run it. Only for a connection that GRDB will
    /// not use for statements of its own any more.
    func authorizing(_ sql: String, isFirst: Bool) -> (seen: QueryCheck.Seen, error: ReadModelError?) {
        let seen = QueryCheck.Seen(isFirst: isFirst)
        let context = unsafe Unmanaged.passUnretained(seen).toOpaque()
        unsafe sqlite3_set_authorizer(
            handle,
            { context, action, first, second, _, _ in
                guard let context = unsafe context else { return SQLITE_DENY }
                let seen = unsafe Unmanaged<QueryCheck.Seen>.fromOpaque(context).takeUnretainedValue()
                let isAllowed = seen.allows(
                    action, unsafe first.map { unsafe String(cString: $0) },
                    unsafe second.map { unsafe String(cString: $0) })
                return isAllowed ? SQLITE_OK : SQLITE_DENY
            }, context)
        defer { unsafe sqlite3_set_authorizer(handle, nil, nil) }
        return withExtendedLifetime(seen) {
            do throws(ReadModelError) {
                _ = try prepare(sql)
                return (seen, nil)
            } catch { return (seen, error) }
        }
    }

    /// Bounds the length of every text and blob that a statement makes, for the length of `body`.
    func limitingLengths<Result>(to bytesMax: Int, _ body: () throws -> Result) rethrows -> Result {
        let before = unsafe sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, Int32(clamping: bytesMax))
        defer { unsafe sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, before) }
        return try body()
    }
}
