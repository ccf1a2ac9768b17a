import CairnBytes
import CairnSeries
import GRDBSQLite

/// The C side of `SamplesFunction`: SQLite's virtual-table interface, with the work done by the cursors.
@safe final class SamplesModule: Sendable {
    static let shared = SamplesModule()

    /// Read by SQLite for as long as the process runs, and changed by nobody.
    nonisolated(unsafe) let pointer: UnsafeMutablePointer<sqlite3_module>

    private init() {
        var module = sqlite3_module()
        module.iVersion = 0
        // Without `xCreate` there are no tables of this kind, only the function.
        unsafe module.xConnect = { unsafe SamplesModule.connect($0, $1, $4, $5) }
        unsafe module.xDisconnect = { unsafe SamplesModule.disconnect($0) }
        unsafe module.xBestIndex = { unsafe SamplesModule.plan($0, $1) }
        unsafe module.xOpen = { unsafe SamplesModule.open($1) }
        unsafe module.xClose = { unsafe SamplesModule.close($0) }
        unsafe module.xFilter = { unsafe SamplesModule.filter($0, $1, $3, $4) }
        unsafe module.xNext = { unsafe SamplesModule.next($0) }
        unsafe module.xEof = { unsafe SamplesModule.isAtEnd($0) }
        unsafe module.xColumn = { unsafe SamplesModule.column($0, $1, $2) }
        unsafe module.xRowid = { unsafe SamplesModule.rowNumber($0, $1) }
        unsafe pointer = .allocate(capacity: 1)
        unsafe pointer.initialize(to: module)
    }

    /// What a function was registered with.
    final class Context: Sendable {
        let function: SamplesFunction
        let store: SampleStore

        init(_ function: SamplesFunction, _ store: SampleStore) {
            self.function = function
            self.store = store
        }
    }

    /// SQLite's part comes first, as its interface demands.
    @unsafe private struct Table {
        var base: sqlite3_vtab
        var connection: OpaquePointer
        var context: Unmanaged<Context>
        var function: SamplesFunction
    }

    /// One of the two has rows, once the arguments are known.
    @unsafe private struct Cursor {
        var base: sqlite3_vtab_cursor
        var rows: SamplesCursor?
        var statistics: StatisticsCursor?
    }

    /// A bit for each argument that is given, and one for rows in order of time.
    private static let sortedBit: Int32 = 1 << 16

    private static func connect(
        _ connection: OpaquePointer?, _ context: UnsafeMutableRawPointer?,
        _ output: UnsafeMutablePointer<UnsafeMutablePointer<sqlite3_vtab>?>?,
        _ message: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    ) -> Int32 {
        guard let connection = unsafe connection, let context = unsafe context, let output = unsafe output else {
            return SQLITE_ERROR
        }
        let held = unsafe Unmanaged<Context>.fromOpaque(context)
        let function = unsafe held.takeUnretainedValue().function
        let code = unsafe sqlite3_declare_vtab(connection, function.declaration)
        guard code == SQLITE_OK else { return code }
        let table = UnsafeMutablePointer<Table>.allocate(capacity: 1)
        unsafe table.initialize(
            to: Table(base: sqlite3_vtab(), connection: connection, context: held, function: function))
        unsafe output.pointee = unsafe UnsafeMutableRawPointer(table).assumingMemoryBound(to: sqlite3_vtab.self)
        return SQLITE_OK
    }

    private static func disconnect(_ table: UnsafeMutablePointer<sqlite3_vtab>?) -> Int32 {
        guard let table = unsafe table else { return SQLITE_OK }
        let own = unsafe UnsafeMutableRawPointer(table).assumingMemoryBound(to: Table.self)
        unsafe own.deinitialize(count: 1)
        unsafe own.deallocate()
        return SQLITE_OK
    }

    /// Takes every argument that is given as a value, and the order of time if it is asked for.
    private static func plan(
        _ table: UnsafeMutablePointer<sqlite3_vtab>?, _ info: UnsafeMutablePointer<sqlite3_index_info>?
    ) -> Int32 {
        guard let table = unsafe table, let info = unsafe info else { return SQLITE_ERROR }
        let function = unsafe UnsafeMutableRawPointer(table).assumingMemoryBound(to: Table.self).pointee.function
        var chosen: [SamplesFunction.Argument: Int] = [:]
        for index in 0..<Int(unsafe info.pointee.nConstraint) {
            let constraint = unsafe info.pointee.aConstraint[index]
            guard constraint.iColumn >= function.firstArgument,
                let argument = SamplesFunction.Argument(rawValue: constraint.iColumn - function.firstArgument),
                Int32(constraint.op) == SQLITE_INDEX_CONSTRAINT_EQ
            else { continue }
            // An argument that depends on a table still to be read: SQLite must order the tables otherwise.
            guard constraint.usable != 0 else { return SQLITE_CONSTRAINT }
            chosen[argument] = index
        }
        var flags: Int32 = 0
        var place: Int32 = 1
        for argument in SamplesFunction.Argument.allCases {
            guard let index = chosen[argument] else { continue }
            flags |= 1 << argument.rawValue
            unsafe info.pointee.aConstraintUsage[index].argvIndex = place
            unsafe info.pointee.aConstraintUsage[index].omit = 1
            place += 1
        }
        if unsafe function == .samples && info.pointee.nOrderBy == 1 {
            let order = unsafe info.pointee.aOrderBy[0]
            let isTime =
                order.iColumn == SamplesFunction.Column.ts.rawValue
                || order.iColumn == SamplesFunction.Column.tsMicroseconds.rawValue
            if isTime, order.desc == 0 {
                unsafe info.pointee.orderByConsumed = 1
                flags |= sortedBit
            }
        }
        unsafe info.pointee.idxNum = flags
        // What each argument leaves: enough for SQLite to put the tables in a sensible order.
        var rows = 1e8
        for argument in chosen.keys { rows /= argument == .metric || argument == .matchers ? 30 : 5 }
        unsafe info.pointee.estimatedRows = Int64(rows)
        unsafe info.pointee.estimatedCost = rows * 2 + 1000
        return SQLITE_OK
    }

    private static func open(
        _ output: UnsafeMutablePointer<UnsafeMutablePointer<sqlite3_vtab_cursor>?>?
    ) -> Int32 {
        guard let output = unsafe output else { return SQLITE_ERROR }
        let cursor = UnsafeMutablePointer<Cursor>.allocate(capacity: 1)
        unsafe cursor.initialize(to: Cursor(base: sqlite3_vtab_cursor(), rows: nil, statistics: nil))
        unsafe output.pointee = unsafe UnsafeMutableRawPointer(cursor).assumingMemoryBound(to: sqlite3_vtab_cursor.self)
        return SQLITE_OK
    }

    private static func close(_ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?) -> Int32 {
        guard let own = unsafe own(cursor) else { return SQLITE_OK }
        unsafe own.deinitialize(count: 1)
        unsafe own.deallocate()
        return SQLITE_OK
    }

    private static func own(
        _ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?
    ) -> UnsafeMutablePointer<Cursor>? {
        unsafe UnsafeMutableRawPointer(cursor)?.assumingMemoryBound(to: Cursor.self)
    }

    private static func filter(
        _ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?, _ flags: Int32, _ count: Int32,
        _ values: UnsafeMutablePointer<OpaquePointer?>?
    ) -> Int32 {
        guard let cursor = unsafe cursor, let own = unsafe own(cursor), let base = unsafe cursor.pointee.pVtab else {
            return SQLITE_ERROR
        }
        unsafe own.pointee.rows = nil
        unsafe own.pointee.statistics = nil
        let table = unsafe UnsafeMutableRawPointer(base).assumingMemoryBound(to: Table.self)
        let function = unsafe table.pointee.function
        let columns = SamplesFunction.Argument.allCases.filter { flags & (1 << $0.rawValue) != 0 }
        return unsafe reporting(base) {
            let given = (0..<Int(count)).map { unsafe value(values?[$0]) }
            let arguments = try SamplesFunction.Arguments(function, given, columns)
            let reader = unsafe SampleReader(
                Connection(borrowing: table.pointee.connection), table.pointee.context.takeUnretainedValue().store)
            switch function {
            case .samples:
                unsafe own.pointee.rows = try SamplesCursor(reader, arguments, isSorted: flags & sortedBit != 0)
            case .statistics: unsafe own.pointee.statistics = try StatisticsCursor(reader, arguments)
            }
        }
    }

    private static func next(_ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?) -> Int32 {
        guard let own = unsafe own(cursor), let base = unsafe cursor?.pointee.pVtab else { return SQLITE_ERROR }
        return unsafe reporting(base) {
            try unsafe own.pointee.rows?.advance()
            try unsafe own.pointee.statistics?.advance()
        }
    }

    private static func isAtEnd(_ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?) -> Int32 {
        guard let own = unsafe own(cursor) else { return 1 }
        return unsafe own.pointee.rows?.isAtEnd ?? own.pointee.statistics?.isAtEnd ?? true ? 1 : 0
    }

    private static func rowNumber(
        _ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?, _ output: UnsafeMutablePointer<Int64>?
    ) -> Int32 {
        guard let own = unsafe own(cursor), let output = unsafe output,
            let row = unsafe own.pointee.rows?.row ?? own.pointee.statistics?.row
        else { return SQLITE_ERROR }
        unsafe output.pointee = row
        return SQLITE_OK
    }

    private static func column(
        _ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?, _ context: OpaquePointer?, _ number: Int32
    ) -> Int32 {
        guard let own = unsafe own(cursor), let context = unsafe context else { return SQLITE_ERROR }
        if unsafe own.pointee.statistics != nil {
            guard let column = SamplesFunction.StatisticsColumn(rawValue: number),
                let value = unsafe own.pointee.statistics?.value(of: column)
            else {
                unsafe sqlite3_result_null(context)
                return SQLITE_OK
            }
            unsafe give(value, to: context)
            return SQLITE_OK
        }
        guard let column = SamplesFunction.Column(rawValue: number) else {
            // An argument.
            unsafe sqlite3_result_null(context)
            return SQLITE_OK
        }
        if column == .value, let value = unsafe own.pointee.rows?.sample.value {
            // SQLite makes null of NaN.
            unsafe sqlite3_result_double(context, value)
        } else if let value = unsafe own.pointee.rows?.value(of: column) {
            unsafe give(value, to: context)
        }
        return SQLITE_OK
    }

    // MARK: Values and errors

    private static var transient: sqlite3_destructor_type { unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

    private static func give(_ value: SQLValue, to context: OpaquePointer) {
        switch value {
        case .null, .blob: unsafe sqlite3_result_null(context)
        case .integer(let integer): unsafe sqlite3_result_int64(context, integer)
        case .real(let real): unsafe sqlite3_result_double(context, real)
        case .text(let text):
            var text = text
            text.withUTF8 { buffer in
                guard let base = buffer.baseAddress else {
                    unsafe sqlite3_result_text(context, "", 0, transient)
                    return
                }
                unsafe base.withMemoryRebound(to: CChar.self, capacity: buffer.count) { start in
                    unsafe sqlite3_result_text64(
                        context, start, UInt64(buffer.count), transient, UInt8(SQLITE_UTF8))
                }
            }
        }
    }

    private static func value(_ value: OpaquePointer?) -> SQLValue {
        switch unsafe sqlite3_value_type(value) {
        case SQLITE_INTEGER: return .integer(unsafe sqlite3_value_int64(value))
        case SQLITE_FLOAT: return .real(unsafe sqlite3_value_double(value))
        case SQLITE_TEXT:
            guard let base = unsafe sqlite3_value_text(value) else { return .text("") }
            let count = Int(unsafe sqlite3_value_bytes(value))
            return .text(unsafe String(decoding: UnsafeBufferPointer(start: base, count: count), as: UTF8.self))
        case SQLITE_BLOB: return .blob([])
        default: return .null
        }
    }

    /// Runs `body`; what it throws becomes the error of the SQL statement.
    private static func reporting(_ table: UnsafeMutablePointer<sqlite3_vtab>, _ body: () throws -> Void) -> Int32 {
        do {
            try body()
            return SQLITE_OK
        } catch {
            let message = Array("\(error)".utf8.prefix(2000))
            if let text = unsafe sqlite3_malloc64(UInt64(message.count + 1)) {
                unsafe text.copyMemory(from: message, byteCount: message.count)
                unsafe text.storeBytes(of: 0, toByteOffset: message.count, as: UInt8.self)
                unsafe sqlite3_free(table.pointee.zErrMsg)
                unsafe table.pointee.zErrMsg = unsafe text.assumingMemoryBound(to: CChar.self)
            }
            return SQLITE_ERROR
        }
    }
}
