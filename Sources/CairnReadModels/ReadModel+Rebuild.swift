import CairnBytes
import CairnModel
import Foundation
import GRDB
import GRDBSQLite
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension ReadModel {
    /// Makes the tables anew from the first event, beside the old ones, and swaps when done: readers see the old
    /// tables or the new ones.
    ///
    /// - Parameter isReadAhead: whether a thread of its own reads the log; by default, if that is worth its while. The
    ///   tables are the same.
    @discardableResult
    package func rebuild(from source: any EventSource, isReadAhead: Bool? = nil) throws -> Progress {
        catchUpLock.lock()
        defer { catchUpLock.unlock() }
        samples.attach(source)
        return try rebuildLocked(from: source, isReadAhead: isReadAhead)
    }

    /// Numbers the shadows of this process, which may make several at once.
    private static let shadows = Atomic(0)

    func rebuildLocked(from source: any EventSource, isReadAhead: Bool? = nil) throws -> Progress {
        // Content may be gone, and come back from elsewhere.
        samples.reset()
        guard case .file(let path) = place else { return try rebuildInMemory(from: source) }
        try ReadModel.removeAbandonedShadows(of: path)
        let number = ReadModel.shadows.add(1, ordering: .relaxed).newValue
        let shadow = "\(path).rebuild-\(getpid())-\(number)"
        try ReadModel.remove(shadow)
        defer { try? ReadModel.remove(shadow) }
        var configuration = ReadModel.configuration
        // Nobody else sees the shadow and a crash only leaves rubbish: no log of its own, no waiting for the disk.
        configuration.prepareDatabase { database in
            try database.execute(
                sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE")
            // Indexes are sorted in memory as large as the page cache, and then in files that nobody else can open:
            // in memory alone they would take a tenth of the log.
            try database.execute(sql: "PRAGMA temp_store = FILE")
        }
        let next: UInt64
        do {
            let queue = try DatabaseQueue(path: shadow, configuration: configuration)
            next = try queue.writeWithoutTransaction { database in
                try ReadModel.fill(Connection(database), from: source, isReadAhead: isReadAhead)
            }
            try queue.close()
        } catch { throw Connection.wrapped(error) }
        try swap(path, with: shadow)
        return Progress(events: next, next: next, isRebuilt: true)
    }

    private func rebuildInMemory(from source: any EventSource) throws -> Progress {
        let other = try ReadModel.inMemory(samples: samples)
        let next = try other.project(from: source)
        writer = other.writer
        return Progress(events: next, next: next, isRebuilt: true)
    }

    /// Fills an empty read model, in one transaction. Returns the position after the last event that was read.
    @discardableResult
    func project(from source: any EventSource, _ part: LogPart = LogPart()) throws -> UInt64 {
        do {
            return try writer.writeWithoutTransaction { database in
                try ReadModel.fill(Connection(database), from: source, part)
            }
        } catch { throw Connection.wrapped(error) }
    }

    static func fill(
        _ connection: Connection, from source: any EventSource, _ part: LogPart = LogPart(), isReadAhead: Bool? = nil
    ) throws -> UInt64 {
        try connection.execute("BEGIN IMMEDIATE")
        do {
            let next = try fillOpen(connection, from: source, part, isReadAhead: isReadAhead)
            try connection.execute("COMMIT")
            return next
        } catch {
            // A connection must not be handed back with an open transaction.
            if connection.isInTransaction { try? connection.execute("ROLLBACK") }
            throw error
        }
    }

    private static func fillOpen(
        _ connection: Connection, from source: any EventSource, _ part: LogPart, isReadAhead: Bool?
    ) throws -> UInt64 {
        try makeTables(connection)
        let projector = try Projector(connection, part.projections)
        var next: UInt64 = 0
        let positions = 0..<min(source.size, part.end ?? .max)
        let occurredBy = part.occurredBy
        do {
            try EventPipeline.run(
                isAhead: isReadAhead ?? (UInt64(positions.count) >= EventPipeline.eventsMin),
                read: { try source.forEachBatch(in: positions, occurredBy: occurredBy, $0) },
                { batch in
                    for event in batch.rows {
                        if part.isOver(at: event) { throw LogPart.Over() }
                        if part.contains(event) {
                            try projector.apply(event, in: batch.storage(of: event), from: source)
                        }
                        next = event.position + 1
                    }
                })
        } catch is LogPart.Over {}
        try projector.flush()
        for table in Projections.tables {
            for statement in table.indexStatements { try connection.execute(statement) }
        }
        // By now there are indexes to find the rows by.
        try projector.finish()
        try projector.settle()
        try connection.run(
            "INSERT INTO read_model (ledger, next_position, made_with) VALUES (?, ?, ?)",
            [.text(Hex.string(source.identity)), .position(next), .text(Projections.signature)])
        return next
    }

    /// Every table and view, without the indexes that only readers need.
    static func makeTables(_ connection: Connection) throws(ReadModelError) {
        try connection.execute(Progressed.table.createStatement)
        for table in Projections.tables {
            let view = table.viewStatement.map { [$0] } ?? []
            for statement in [table.createStatement] + table.lookupStatements + view {
                try connection.execute(statement)
            }
        }
        for view in Views.all { try connection.execute(view.createStatement) }
    }

    /// Puts the shadow in the place of the file.
    ///
    /// A rename alone would be wrong: SQLite finds a write-ahead log by the name of its database, and would apply the
    /// old one to the new file. So the old database first leaves the write-ahead mode, which takes every lock there is
    /// and removes that log, and the rename happens under an exclusive transaction; who opened the old file meanwhile
    /// reads a consistent old read model, and SQLite refuses to write to a file that was moved. Where others have the
    /// file open, the pages are copied in one transaction instead.
    private func swap(_ path: String, with shadow: String) throws {
        try gate.closing { try swapClosed(path, with: shadow) }
    }

    private func swapClosed(_ path: String, with shadow: String) throws {
        try? writer.close()
        do {
            let isMoved = try FolderLock.hold(.exclusive, folder: ReadModel.folder(of: path)) {
                guard try ReadModel.move(shadow, over: path) else { return false }
                writer = try ReadModel.openFileLocked(path, samples)
                return true
            }
            if !isMoved {
                let source = try DatabaseQueue(path: shadow)
                let target = try ReadModel.openFile(path, samples)
                try source.backup(to: target)
                try source.close()
                // What was taken out of the log must not live on in old frames of the write-ahead log. Where a reader
                // still needs them, the next checkpoint does it.
                _ = try? target.writeWithoutTransaction { try $0.checkpoint(.truncate) }
                writer = target
            }
        } catch {
            if let reopened = try? ReadModel.openFile(path, samples) { writer = reopened }
            throw Connection.wrapped(error)
        }
    }

    /// False if another process has the file open.
    private static func move(_ shadow: String, over path: String) throws -> Bool {
        var configuration = Configuration()
        configuration.busyMode = .timeout(1)
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let isAlone = try queue.writeWithoutTransaction { database in
                let connection = try Connection(database)
                guard try connection.first("PRAGMA journal_mode = DELETE") == ["delete"] else { return false }
                try connection.execute("BEGIN EXCLUSIVE")
                defer { try? connection.execute("ROLLBACK") }
                try moveFile(shadow, to: path)
                return true
            }
            try? queue.close()
            return isAlone
        } catch {
            switch Connection.kind(of: error) {
            case .busy: return false
            case .damaged:
                try remove(path)
                try moveFile(shadow, to: path)
                return true
            default: throw error
            }
        }
    }

    private static func moveFile(_ source: String, to target: String) throws(ReadModelError) {
        guard unsafe rename(source, target) == 0 else {
            throw ReadModelError(
                .notWritable, "cannot move \(source) to \(target): error \(errno); is the folder writable?")
        }
    }

    /// Removes what rebuilds left that were killed: shadows whose process is no more.
    private static func removeAbandonedShadows(of path: String) throws {
        let folder = (path as NSString).deletingLastPathComponent
        let prefix = (path as NSString).lastPathComponent + ".rebuild-"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)) ?? []
        for name in names where name.hasPrefix(prefix) {
            guard let process = Int32(name.dropFirst(prefix.count).prefix { $0 != "-" }), process != getpid(),
                kill(process, 0) != 0, errno == ESRCH
            else { continue }
            try? FileManager.default.removeItem(atPath: (folder as NSString).appendingPathComponent(name))
        }
    }
}
