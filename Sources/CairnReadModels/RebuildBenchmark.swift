import CairnBytes
import CairnModel
import Foundation
import GRDB

/// How fast a read model is made, beside the fastest thing that SQLite does: a loop over one prepared statement that
/// stores each event's position, type and data in one table, and does nothing else.
package struct RebuildBenchmark: Sendable, Hashable {
    package var events: UInt64
    /// Mean size of an event's data as canonical JSON.
    package var meanDataBytes: Double
    /// Reading and decoding the log alone, on one thread.
    package var readSeconds: Double
    /// The whole rebuild: reading, projecting, indexes, swap.
    package var rebuildSeconds: Double
    /// The plain loop over data that is already in memory.
    package var insertLoopSeconds: Double

    package var rebuildEventsPerSecond: Double { Double(events) / max(rebuildSeconds, 1e-9) }
    package var insertLoopRowsPerSecond: Double { Double(events) / max(insertLoopSeconds, 1e-9) }

    /// Events whose data the plain loop holds in memory at a time, so that preparing them is not measured.
    private static let batchSize = 50_000

    /// Measures in a folder of its own that the caller removes.
    package static func measure(_ source: any EventSource, in folder: String) throws -> RebuildBenchmark {
        let clock = ContinuousClock()
        var events: UInt64 = 0
        let reading = try clock.measure {
            try source.forEachBatch(in: 0..<source.size, occurredBy: nil) { events += UInt64($0.rows.count) }
        }
        let model = try ReadModel.open(path: "\(folder)/measured.sqlite")
        let rebuild = try clock.measure { try model.rebuild(from: source) }
        try model.close()
        let (bytes, loop) = try insertLoop(source, in: folder)
        return RebuildBenchmark(
            events: events, meanDataBytes: events == 0 ? 0 : Double(bytes) / Double(events),
            readSeconds: reading.seconds, rebuildSeconds: rebuild.seconds, insertLoopSeconds: loop.seconds)
    }

    private static func insertLoop(
        _ source: any EventSource, in folder: String
    ) throws -> (bytes: Int, duration: Duration) {
        var configuration = Configuration()
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        }
        let queue = try DatabaseQueue(path: "\(folder)/plain.sqlite", configuration: configuration)
        defer { try? queue.close() }
        return try queue.writeWithoutTransaction { database in
            let connection = try Connection(database)
            try connection.execute(
                "CREATE TABLE plain (position INTEGER PRIMARY KEY, type TEXT, data TEXT) STRICT; BEGIN")
            let insert = try connection.statement("INSERT INTO plain VALUES (?, ?, ?)")
            let clock = ContinuousClock()
            var duration = Duration.zero
            var bytes = 0
            var batch: [(position: Int64, type: String, data: [UInt8])] = []
            func flush() throws {
                duration += try clock.measure {
                    for row in batch {
                        insert.bind(1, row.position)
                        insert.bind(2, row.type)
                        insert.bind(3, utf8: row.data)
                        _ = try insert.step()
                        insert.reset()
                    }
                }
                batch.removeAll(keepingCapacity: true)
            }
            try source.forEach(from: 0) { event in
                let data = CanonicalJSON.bytes(of: event.data)
                bytes += data.count
                batch.append((Int64(clamping: event.position), event.type, data))
                if batch.count == batchSize { try flush() }
            }
            try flush()
            duration += try clock.measure { try connection.execute("COMMIT") }
            return (bytes, duration)
        }
    }
}

extension Duration {
    fileprivate var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
