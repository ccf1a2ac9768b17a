import CairnBytes
import CairnModel
import Foundation
import GRDB

extension ReadModel {
    /// Events per transaction: long enough that the commit costs nothing, short enough that another process waits
    /// less than a second for the lock.
    static let eventsPerTransaction = 20_000

    /// Projects what the log has and the tables do not. Makes the tables anew where they were made from another log
    /// or by other projections, and after content was taken out of the log. Where the file turns out not to be
    /// writable (a full disk, media gone read-only), goes on in memory and says so in `notice`.
    @discardableResult
    package func catchUp(
        from source: any EventSource, eventsPerTransaction: Int = ReadModel.eventsPerTransaction
    ) throws -> Progress {
        catchUpLock.lock()
        defer { catchUpLock.unlock() }
        do {
            return try catchUpLocked(from: source, eventsPerTransaction: max(1, eventsPerTransaction))
        } catch  where place != .memory && Connection.kind(of: error) == .notWritable {
            let memory = try ReadModel.inMemory()
            try memory.project(from: source, while: { _ in true })
            moveToMemory(memory, notice: "the read model cannot be written (\(error)): it is made in memory")
            return Progress(events: source.size, next: source.size, isRebuilt: true)
        }
    }

    private func catchUpLocked(from source: any EventSource, eventsPerTransaction: Int) throws -> Progress {
        let size = source.size
        let progressed: Progressed?
        do {
            progressed = try read { try Progressed.load($0) }
        } catch  where Connection.kind(of: error) == .damaged {
            return try rebuildLocked(from: source)
        }
        guard let progressed, progressed.signature == Projections.signature,
            progressed.ledger == Hex.string(source.identity), progressed.next <= size,
            try isContinued(progressed, by: source)
        else { return try rebuildLocked(from: source) }
        if progressed.next == size { return Progress(events: 0, next: size, isRebuilt: false) }
        let result = try append(from: source, eventsPerTransaction: eventsPerTransaction)
        if result.needsRebuild { return try rebuildLocked(from: source) }
        return Progress(events: result.events, next: result.next, isRebuilt: false)
    }

    /// True if the last projected event is the one the log has there: a log that was cut and went another way has the
    /// same identity and is another log all the same.
    private func isContinued(_ progressed: Progressed, by source: any EventSource) throws -> Bool {
        guard progressed.next > 0 else { return true }
        let row = try read { connection in
            try connection.first(
                "SELECT source, id, recorded_us FROM events WHERE position = ?", [.position(progressed.next - 1)])
        }
        struct Found: Error { var event: RecordedEvent }
        do {
            try source.forEach(from: progressed.next - 1) { throw Found(event: $0) }
        } catch let found as Found {
            return row == [
                .text(found.event.source), .text(found.event.id), .integer(found.event.recordedTime.microseconds),
            ]
        }
        return false
    }

    private struct Appended {
        var events: UInt64 = 0
        var next: UInt64 = 0
        var needsRebuild = false
    }

    private func append(from source: any EventSource, eventsPerTransaction: Int) throws -> Appended {
        do {
            return try writer.writeWithoutTransaction { database in
                let connection = try Connection(database)
                do {
                    return try ReadModel.append(
                        from: source, to: connection, eventsPerTransaction: eventsPerTransaction)
                } catch {
                    if connection.isInTransaction { try? connection.execute("ROLLBACK") }
                    throw error
                }
            }
        } catch { throw Connection.wrapped(error) }
    }

    private static func append(
        from source: any EventSource, to connection: Connection, eventsPerTransaction: Int
    ) throws -> Appended {
        var appended = Appended()
        let ledger = Hex.string(source.identity)
        /// Takes the lock; another process may have projected some of what we are about to, or made the tables anew.
        func begin() throws -> Bool {
            try connection.execute("BEGIN IMMEDIATE")
            guard let progressed = try Progressed.load(connection), progressed.signature == Projections.signature,
                progressed.ledger == ledger
            else { return false }
            appended.next = progressed.next
            return true
        }
        func commit(_ projector: Projector) throws {
            try projector.flush()
            try projector.settle()
            try connection.run("UPDATE read_model SET next_position = ?", [.position(appended.next)])
            try connection.execute("COMMIT")
        }
        guard try begin() else {
            try connection.execute("ROLLBACK")
            return Appended(needsRebuild: true)
        }
        let projector = try Projector(connection)
        struct Interrupted: Error {}
        var pending = 0
        do {
            try source.forEach(from: appended.next) { event in
                guard event.position >= appended.next else { return }
                // Content that is gone must be gone from the tables too, whatever was made of it.
                if RemovalEvents.isOne(event) { throw Interrupted() }
                try projector.apply(event, from: source)
                appended.next = event.position + 1
                appended.events += 1
                pending += 1
                if pending == eventsPerTransaction {
                    pending = 0
                    try commit(projector)
                    guard try begin() else { throw Interrupted() }
                }
            }
        } catch is Interrupted {
            if connection.isInTransaction { try connection.execute("ROLLBACK") }
            return Appended(needsRebuild: true)
        }
        try commit(projector)
        return appended
    }
}

/// Events that take content out of the log.
enum RemovalEvents {
    static let facts: Set<String> = ["attachment.redacted", "attachment.dropped"]

    static func isOne(_ event: RecordedEvent) -> Bool {
        event.type.hasPrefix("cairn.attachment.") && (Fact.name(ofType: event.type).map(facts.contains) ?? false)
    }
}
