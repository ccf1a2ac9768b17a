import CairnBytes
import CairnModel
import Foundation
import GRDB

extension ReadModel {
    /// Events per transaction: long enough that the commit costs nothing, short enough that another process waits
    /// less than a second for the lock.
    static let eventsPerTransaction = 20_000
    /// Beginnings of one catch-up while others make the tables anew under it.
    private static let appendsMax = 10

    /// Projects what the log has and the tables do not. Makes the tables anew where they were made from another log
    /// or by other projections, and after content was taken out of the log. Where the file turns out not to be
    /// writable (a full disk, media gone read-only), goes on in memory and says so in `notice`.
    @discardableResult
    package func catchUp(
        from source: any EventSource, eventsPerTransaction: Int = ReadModel.eventsPerTransaction
    ) throws -> Progress {
        catchUpLock.lock()
        defer { catchUpLock.unlock() }
        samples.attach(source)
        do {
            return try catchUpLocked(from: source, eventsPerTransaction: max(1, eventsPerTransaction))
        } catch  where place != .memory && Connection.kind(of: error) == .notWritable {
            let memory = try ReadModel.inMemory(samples: samples)
            try memory.project(from: source)
            moveToMemory(memory, notice: "the read model cannot be written (\(error)): it is made in memory")
            return Progress(events: source.size, next: source.size, isRebuilt: true)
        }
    }

    private func catchUpLocked(from source: any EventSource, eventsPerTransaction: Int) throws -> Progress {
        let state: CatchUpState?
        do {
            state = try read { try CatchUpState($0) }
        } catch  where Connection.kind(of: error) == .damaged {
            return try rebuildLocked(from: source)
        }
        // Somebody may have projected what was appended since the log was last looked at.
        if let state, state.progressed.next > source.size { try source.refresh() }
        let size = source.size
        guard let state, state.progressed.signature == Projections.signature,
            state.progressed.ledger == Hex.string(source.identity), state.progressed.next <= size,
            try isContinued(state, by: source)
        else { return try rebuildLocked(from: source) }
        let progressed = state.progressed
        if progressed.next == size { return Progress(events: 0, next: size, isRebuilt: false) }
        var events: UInt64 = 0
        for _ in 0..<ReadModel.appendsMax {
            let result = try append(from: source, eventsPerTransaction: eventsPerTransaction)
            events += result.events
            switch result.end {
            case .whole: return Progress(events: events, next: result.next, isRebuilt: false)
            case .overtaken: continue
            case .needsRebuild: return try rebuildLocked(from: source)
            }
        }
        return try rebuildLocked(from: source)
    }

    /// How far the tables are, and their last event; of one moment, since others may swap the tables.
    private struct CatchUpState {
        var progressed: Progressed
        /// Source, id and time of recording.
        var last: [SQLValue]?

        init?(_ connection: Connection) throws {
            guard let progressed = try Progressed.load(connection) else { return nil }
            self.progressed = progressed
            guard progressed.signature == Projections.signature, progressed.next > 0 else { return }
            last = try connection.first(
                "SELECT source, id, recorded_us FROM stored_events WHERE position = ?",
                [.position(progressed.next - 1)])
        }
    }

    /// True if the last projected event is the one the log has there: a log that was cut and went another way has the
    /// same identity and is another log all the same.
    private func isContinued(_ state: CatchUpState, by source: any EventSource) throws -> Bool {
        guard state.progressed.next > 0 else { return true }
        var last: [SQLValue]?
        let position = state.progressed.next - 1
        try source.forEachBatch(in: position..<state.progressed.next, occurredBy: nil) { batch in
            for event in batch.rows where event.position == position {
                let storage = batch.storage(of: event)
                last = [
                    .text(storage.text(event.source)), .text(storage.text(event.id)),
                    .integer(event.recordedTime.microseconds),
                ]
            }
        }
        return last != nil && state.last == last
    }

    private struct Appended {
        enum End {
            case whole
            /// Between two transactions another process put tables in their place that are not as far.
            case overtaken
            case needsRebuild
        }

        var events: UInt64 = 0
        var next: UInt64 = 0
        var end = End.whole
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
        let size = source.size
        struct Interrupted: Error { var end: Appended.End }
        /// Takes the lock; another process may have projected some of what we are about to, or made the tables anew.
        func begin() throws {
            try connection.execute("BEGIN IMMEDIATE")
            guard let progressed = try Progressed.load(connection), progressed.signature == Projections.signature,
                progressed.ledger == ledger
            else { throw Interrupted(end: .needsRebuild) }
            // What lies between the two would be missed.
            if progressed.next < appended.next { throw Interrupted(end: .overtaken) }
            appended.next = progressed.next
        }
        func commit(_ projector: Projector) throws {
            try projector.flush()
            try projector.settle()
            try connection.run("UPDATE read_model SET next_position = ?", [.position(appended.next)])
            try connection.execute("COMMIT")
        }
        var pending = 0
        do {
            try begin()
            let projector = try Projector(connection)
            let positions = appended.next..<max(appended.next, size)
            try EventPipeline.run(
                isAhead: UInt64(positions.count) >= EventPipeline.eventsMin,
                read: { try source.forEachBatch(in: positions, occurredBy: nil, $0) },
                { batch in
                    for event in batch.rows where event.position >= appended.next {
                        let storage = batch.storage(of: event)
                        // Content that is gone must be gone from the tables too, whatever was made of it.
                        if RemovalEvents.isOne(event, in: storage) { throw Interrupted(end: .needsRebuild) }
                        try projector.apply(event, in: storage, from: source)
                        appended.next = event.position + 1
                        appended.events += 1
                        pending += 1
                        if pending == eventsPerTransaction {
                            pending = 0
                            try commit(projector)
                            try begin()
                        }
                    }
                })
            try commit(projector)
        } catch let interrupted as Interrupted {
            if connection.isInTransaction { try connection.execute("ROLLBACK") }
            appended.end = interrupted.end
        }
        return appended
    }
}

/// Events that take content out of the log.
enum RemovalEvents {
    static let facts: Set<String> = ["attachment.redacted", "attachment.dropped"]

    private static let prefix = Array("cairn.attachment.".utf8)

    static func isOne(_ event: EventRow, in storage: EventStorage) -> Bool {
        storage.bytes[event.type.range].starts(with: prefix)
            && (Fact.name(ofType: storage.text(event.type)).map(facts.contains) ?? false)
    }
}
