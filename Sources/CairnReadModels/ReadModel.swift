import CairnBytes
import CairnModel
import Foundation
import GRDB
import Synchronization

/// The log as tables: one SQLite file that any SQLite tool can read, made from the events and from nothing else.
///
/// The file is never the truth: it may be deleted at any time, and is rebuilt when a projection has changed or when it
/// belongs to another log. Rows and the position up to which they were projected commit in one transaction, so a crash
/// leaves an older read model, never a wrong one. Several processes may keep one file up to date.
package final class ReadModel: Sendable {
    /// Where the tables are.
    package enum Place: Sendable, Hashable {
        case file(path: String)
        /// In memory, for as long as the process runs.
        case memory
    }

    /// What a catch-up did.
    package struct Progress: Sendable, Hashable {
        /// Events projected by this call.
        package var events: UInt64
        /// The position after the last projected event.
        package var next: UInt64
        /// True if the tables were made anew from the first event.
        package var isRebuilt: Bool

        package init(events: UInt64, next: UInt64, isRebuilt: Bool) {
            self.events = events
            self.next = next
            self.isRebuilt = isRebuilt
        }
    }

    struct State {
        var writer: any DatabaseWriter
        var place: Place
        var notice: String?
    }

    let state: Mutex<State>
    /// One catch-up at a time in this process; other processes are kept out by SQLite's own lock.
    let catchUpLock = NSLock()
    /// Keeps readers off while the connections are closed and opened anew.
    let gate = AccessGate()
    let path: String?
    /// Where the bytes of samples come from.
    let samples: SampleStore

    init(
        writer: any DatabaseWriter, place: Place, path: String?, samples: SampleStore, notice: String? = nil
    ) {
        state = Mutex(State(writer: writer, place: place, notice: notice))
        self.path = path
        self.samples = samples
    }

    package enum Access: Sendable, Hashable {
        case readOnly
        case readWrite
    }

    /// Opens the file, or makes an empty one. Where it cannot be written (`readOnly`, read-only media, no permission),
    /// the read model lives in memory and `notice` says so.
    package static func open(path: String, access: Access = .readWrite) throws -> ReadModel {
        let folder = (path as NSString).deletingLastPathComponent
        let isWritable =
            access == .readWrite && FileManager.default.isWritableFile(atPath: folder.isEmpty ? "." : folder)
            && (!FileManager.default.fileExists(atPath: path) || FileManager.default.isWritableFile(atPath: path))
        guard isWritable else {
            return try inMemory(path: path, notice: "\(path) cannot be written: the read model is made in memory")
        }
        let samples = SampleStore()
        do {
            return ReadModel(
                writer: try ReadModel.openFile(path, samples), place: .file(path: path), path: path, samples: samples)
        } catch {
            switch Connection.kind(of: error) {
            case .damaged:
                // The file holds nothing that the log does not: make room for a new one.
                try ReadModel.remove(path)
                return ReadModel(
                    writer: try ReadModel.openFile(path, samples), place: .file(path: path), path: path,
                    samples: samples)
            case .notWritable:
                return try inMemory(
                    path: path, notice: "\(path) cannot be written (\(error)): the read model is made in memory")
            default: throw Connection.wrapped(error)
            }
        }
    }

    /// An empty read model that no file backs.
    package static func inMemory() throws -> ReadModel { try inMemory(path: nil) }

    static func inMemory(
        path: String? = nil, notice: String? = nil, samples: SampleStore = SampleStore()
    ) throws -> ReadModel {
        do {
            let queue = try DatabaseQueue(configuration: configuration(with: samples))
            return ReadModel(writer: queue, place: .memory, path: path, samples: samples, notice: notice)
        } catch { throw Connection.wrapped(error) }
    }

    /// What a person should know about this read model, if anything: that it was made in memory, and why.
    package var notice: String? { state.withLock { $0.notice } }
    package var place: Place { state.withLock { $0.place } }

    /// The position after the last projected event, and 0 for an empty read model.
    package var next: UInt64 {
        get throws { try read { try Progressed.load($0)?.next ?? 0 } }
    }

    /// The connections, as they are now: a rebuild replaces them.
    var writer: any DatabaseWriter {
        get { state.withLock { $0.writer } }
        set { state.withLock { $0.writer = newValue } }
    }

    func moveToMemory(_ memory: ReadModel, notice: String) {
        state.withLock { $0 = State(writer: memory.writer, place: .memory, notice: notice) }
    }

    /// Closes the connections; using the read model afterwards is an error.
    package func close() throws {
        try gate.closing {
            do { try writer.close() } catch { throw Connection.wrapped(error) }
        }
    }

    static func openFile(_ path: String, _ samples: SampleStore) throws -> any DatabaseWriter {
        try FolderLock.hold(.shared, folder: folder(of: path)) { try openFileLocked(path, samples) }
    }

    static func folder(of path: String) -> String { (path as NSString).deletingLastPathComponent }

    /// For who holds the lock of the folder.
    static func openFileLocked(_ path: String, _ samples: SampleStore) throws -> any DatabaseWriter {
        let pool = try DatabasePool(path: path, configuration: configuration(with: samples))
        // Opening is lazy: read something, so that a file which is no database is found out here.
        _ = try pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM sqlite_schema") }
        return pool
    }

    static func remove(_ path: String) throws {
        for suffix in ["-wal", "-shm", "-journal", ""] {
            let file = path + suffix
            if FileManager.default.fileExists(atPath: file) { try FileManager.default.removeItem(atPath: file) }
        }
    }

    /// How long a statement waits for another process: catch-ups commit every few hundred milliseconds.
    static let busySecondsMax = 10.0

    /// With the table-valued functions over samples.
    static func configuration(with samples: SampleStore) -> Configuration {
        var configuration = configuration
        configuration.prepareDatabase { database in try SamplesFunction.register(on: database, samples) }
        return configuration
    }

    /// Questions that go on at once: each has a connection, and those of senders and gates find one left.
    private static let readersMax = 12

    static var configuration: Configuration {
        var configuration = Configuration()
        configuration.maximumReaderCount = readersMax
        configuration.busyMode = .timeout(busySecondsMax)
        configuration.label = "cairn.read-model"
        configuration.prepareDatabase { database in
            // The log is what is durable: after a power failure the read model may lose its last transactions, and
            // then catches up again.
            try database.execute(
                sql: """
                    PRAGMA synchronous = NORMAL;
                    PRAGMA cache_size = -65536;
                    PRAGMA temp_store = MEMORY;
                    PRAGMA trusted_schema = OFF;
                    """)
            if !database.configuration.readonly {
                try database.execute(sql: "PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864")
            }
        }
        return configuration
    }

    /// Lends a connection that sees one state of the tables and cannot change it.
    func read<Result>(_ body: (Connection) throws -> Result) throws -> Result {
        try gate.reading {
            do {
                if let frozen = ReadModel.frozen, frozen.model === self { return try body(Connection(frozen.database)) }
                return try writer.read { try body(Connection($0)) }
            } catch { throw Connection.wrapped(error) }
        }
    }

    /// All that the body reads is of one state of the tables, whatever is projected meanwhile: what is judged by many
    /// questions must be what the log had at one position. The body must not catch up.
    package func atOneMoment<Result>(_ body: () throws -> Result) throws -> Result {
        try gate.reading {
            try writer.read { database in
                try ReadModel.$frozen.withValue(Frozen(model: self, database: database), operation: body)
            }
        }
    }

    /// The state that the current thread reads.
    @TaskLocal private static var frozen: Frozen?

    /// Used by one thread only: the one that the database was lent to.
    private final class Frozen: @unchecked Sendable {
        let model: ReadModel
        let database: Database

        init(model: ReadModel, database: Database) {
            self.model = model
            self.database = database
        }
    }
}

extension Connection {
    static func kind(of error: any Error) -> ReadModelError.Code {
        switch error {
        case let error as ReadModelError: error.code
        case let error as DatabaseError: kind(of: error.resultCode.rawValue)
        default: .database
        }
    }

    /// Errors of GRDB as ours; others (of the log, of a projection's input) pass as they are.
    static func wrapped(_ error: any Error) -> any Error {
        guard let error = error as? DatabaseError else { return error }
        return ReadModelError(kind(of: error), "cannot use the read model: \(error)")
    }
}

/// The row that says how far the log is projected, and by what.
struct Progressed: Hashable {
    /// The log's identity, in hexadecimal.
    var ledger: String
    var next: UInt64
    /// What made the tables; see `Projections.signature`.
    var signature: String

    static let table = Table(
        "read_model", "the one row that says what this file is and how far it is",
        [
            Table.Column.text("ledger", "identity of the log, in hexadecimal", "NOT NULL"),
            Table.Column.integer("next_position", "position after the last projected event", "NOT NULL"),
            Table.Column.text("made_with", "projections and their versions", "NOT NULL"),
        ])

    /// Nil for a file without our tables.
    static func load(_ connection: Connection) throws -> Progressed? {
        guard try connection.first("SELECT 1 FROM sqlite_schema WHERE name = 'read_model'") != nil,
            let row = try connection.first("SELECT ledger, next_position, made_with FROM read_model"),
            let ledger = row[0].text, let next = row[1].integer, let signature = row[2].text, next >= 0
        else { return nil }
        return Progressed(ledger: ledger, next: UInt64(next), signature: signature)
    }
}
