import GRDBSQLite

/// A prepared statement over SQLite's C interface: the loop that projects events binds and steps through this, since
/// every convenience above it costs half the speed or more.
///
/// Not `Sendable`: it belongs to the connection that GRDB lends to one closure at a time.
@safe final class Statement {
    private let handle: OpaquePointer
    private let connection: OpaquePointer

    init(_ sql: String, on connection: OpaquePointer) throws(ReadModelError) {
        var handle: OpaquePointer?
        let code = unsafe sqlite3_prepare_v3(connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
        guard code == SQLITE_OK, let handle = unsafe handle else {
            throw unsafe Connection.error(code, on: connection, while: sql)
        }
        unsafe self.handle = unsafe handle
        unsafe self.connection = unsafe connection
    }

    deinit { unsafe sqlite3_finalize(handle) }

    /// SQLite copies the bytes before the call returns.
    fileprivate static var transient: sqlite3_destructor_type {
        unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    }

    func bind(_ index: Int32, _ value: Int64) { unsafe sqlite3_bind_int64(handle, index, value) }
    func bind(_ index: Int32, _ value: Double) { unsafe sqlite3_bind_double(handle, index, value) }
    func bindNull(_ index: Int32) { unsafe sqlite3_bind_null(handle, index) }

    func bind(_ index: Int32, _ text: String) {
        var text = text
        text.withUTF8 { buffer in unsafe bindText(index, buffer) }
    }

    func bind(_ index: Int32, _ text: String?) {
        if let text { bind(index, text) } else { bindNull(index) }
    }

    /// Binds bytes that are UTF-8 as a text.
    func bind(_ index: Int32, utf8 bytes: [UInt8]) {
        unsafe bytes.withUnsafeBufferPointer { buffer in unsafe bindText(index, buffer) }
    }

    private func bindText(_ index: Int32, _ buffer: UnsafeBufferPointer<UInt8>) {
        guard let base = buffer.baseAddress else {
            // A null pointer would bind NULL, not the empty text.
            unsafe sqlite3_bind_text(handle, index, "", 0, Statement.transient)
            return
        }
        unsafe base.withMemoryRebound(to: CChar.self, capacity: buffer.count) { text in
            _ = unsafe sqlite3_bind_text64(
                handle, index, text, UInt64(buffer.count), Statement.transient, UInt8(SQLITE_UTF8))
        }
    }

    /// Runs once with texts that are parts of `bytes`, without copying them: SQLite reads them where they lie. What is
    /// not bound is null.
    func run(over bytes: [UInt8], _ bind: (SliceBinder) -> Void) throws(ReadModelError) {
        let result = unsafe bytes.withUnsafeBytes { buffer -> Result<Void, ReadModelError> in
            unsafe bind(SliceBinder(handle, buffer))
            defer { unsafe sqlite3_clear_bindings(handle) }
            do throws(ReadModelError) {
                while try step() {}
                reset()
                return .success(())
            } catch { return .failure(error) }
        }
        try result.get()
    }

    func bind(_ index: Int32, _ value: SQLValue) {
        switch value {
        case .null: bindNull(index)
        case .integer(let integer): bind(index, integer)
        case .real(let real): bind(index, real)
        case .text(let text): bind(index, text)
        case .blob(let bytes):
            if bytes.isEmpty {
                unsafe sqlite3_bind_zeroblob(handle, index, 0)
            } else {
                unsafe bytes.withUnsafeBytes { buffer in
                    _ = unsafe sqlite3_bind_blob64(
                        handle, index, buffer.baseAddress, UInt64(buffer.count), Statement.transient)
                }
            }
        }
    }

    /// True if there is a row to read.
    func step() throws(ReadModelError) -> Bool {
        switch unsafe sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code:
            let sql = unsafe sqlite3_sql(handle).map { unsafe String(cString: $0) } ?? ""
            let error = unsafe Connection.error(code, on: connection, while: sql)
            unsafe sqlite3_reset(handle)
            throw error
        }
    }

    func reset() { unsafe sqlite3_reset(handle) }

    /// Binds, runs to the end and resets.
    func run(_ values: [SQLValue] = []) throws(ReadModelError) {
        for index in values.indices { bind(Int32(index + 1), values[index]) }
        while try step() {}
        reset()
    }

    /// The first row of the result, or nil.
    func first(_ values: [SQLValue] = []) throws(ReadModelError) -> [SQLValue]? {
        for index in values.indices { bind(Int32(index + 1), values[index]) }
        defer { reset() }
        return try step() ? row() : nil
    }

    /// Every row of the result; for results that are known to be small.
    func all(_ values: [SQLValue] = []) throws(ReadModelError) -> [[SQLValue]] {
        for index in values.indices { bind(Int32(index + 1), values[index]) }
        defer { reset() }
        var rows: [[SQLValue]] = []
        while try step() { rows.append(row()) }
        return rows
    }

    var columnCount: Int32 { unsafe sqlite3_column_count(handle) }
    var isReadOnly: Bool { unsafe sqlite3_stmt_readonly(handle) != 0 }
    var parameterCount: Int32 { unsafe sqlite3_bind_parameter_count(handle) }

    /// The name of a parameter with its mark (`:run`), or nil for a nameless `?`.
    func parameterName(_ index: Int32) -> String? {
        unsafe sqlite3_bind_parameter_name(handle, index).map { unsafe String(cString: $0) }
    }

    func columnName(_ index: Int32) -> String {
        unsafe sqlite3_column_name(handle, index).map { unsafe String(cString: $0) } ?? ""
    }

    func row() -> [SQLValue] { (0..<columnCount).map(value) }

    func isNull(_ index: Int32) -> Bool { unsafe sqlite3_column_type(handle, index) == SQLITE_NULL }
    func integer(_ index: Int32) -> Int64 { unsafe sqlite3_column_int64(handle, index) }
    func double(_ index: Int32) -> Double { unsafe sqlite3_column_double(handle, index) }

    func text(_ index: Int32) -> String {
        guard let base = unsafe sqlite3_column_text(handle, index) else { return "" }
        let count = Int(unsafe sqlite3_column_bytes(handle, index))
        return unsafe String(decoding: UnsafeBufferPointer(start: base, count: count), as: UTF8.self)
    }

    /// The bytes of a text.
    func utf8(_ index: Int32) -> [UInt8] {
        guard let base = unsafe sqlite3_column_text(handle, index) else { return [] }
        return unsafe Array(UnsafeBufferPointer(start: base, count: Int(sqlite3_column_bytes(handle, index))))
    }

    /// Whether a text has these bytes.
    func isText(_ index: Int32, _ bytes: [UInt8]) -> Bool {
        guard let base = unsafe sqlite3_column_text(handle, index) else { return false }
        let count = Int(unsafe sqlite3_column_bytes(handle, index))
        return unsafe UnsafeBufferPointer(start: base, count: count).elementsEqual(bytes)
    }

    func blob(_ index: Int32) -> [UInt8] {
        guard let base = unsafe sqlite3_column_blob(handle, index) else { return [] }
        return unsafe Array(UnsafeRawBufferPointer(start: base, count: Int(sqlite3_column_bytes(handle, index))))
    }

    func value(_ index: Int32) -> SQLValue {
        switch unsafe sqlite3_column_type(handle, index) {
        case SQLITE_INTEGER: .integer(integer(index))
        case SQLITE_FLOAT: .real(double(index))
        case SQLITE_TEXT: .text(text(index))
        case SQLITE_BLOB: .blob(blob(index))
        default: .null
        }
    }
}

/// Binds parts of a statement's bytes; of use only while `Statement.run(over:)` lends it.
@safe struct SliceBinder {
    private let handle: OpaquePointer
    private let bytes: UnsafeRawBufferPointer

    fileprivate init(_ handle: OpaquePointer, _ bytes: UnsafeRawBufferPointer) {
        unsafe self.handle = unsafe handle
        unsafe self.bytes = unsafe bytes
    }

    func bind(_ index: Int32, _ value: Int64) { unsafe sqlite3_bind_int64(handle, index, value) }

    /// Binds a part that is UTF-8; a missing one is null.
    func bind(_ index: Int32, _ slice: ByteSlice) {
        guard !slice.isMissing else { return }
        let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[slice.range])
        guard let base = part.baseAddress, part.count > 0 else {
            // A null pointer would bind null, not the empty text.
            unsafe sqlite3_bind_text(handle, index, "", 0, Statement.transient)
            return
        }
        let text = unsafe base.assumingMemoryBound(to: CChar.self)
        unsafe sqlite3_bind_text64(handle, index, text, UInt64(part.count), nil, UInt8(SQLITE_UTF8))
    }
}
