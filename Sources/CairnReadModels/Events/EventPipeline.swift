import Foundation

/// Reads a log on a thread of its own, ahead of who applies it: reading and decoding take about as long as storing.
/// The order is that of the log, and what is applied does not depend on which thread came first.
///
/// A real thread, since it blocks; and so does the caller, which must not be a task of Swift's pool.
enum EventPipeline {
    /// Batches that wait to be applied: enough that neither side waits for one slow batch of the other.
    static let batchesMax = 8
    /// Bytes that wait; a batch that is larger waits alone. Frames have 256 KiB as a rule and at most 64 MiB.
    static let bytesMax = 32 << 20
    /// Logs with fewer events to read than this are read where they are applied: a thread would take longer.
    static let eventsMin: UInt64 = 2_000

    /// Calls `body` with the batches that `read` hands out, in their order.
    static func run(
        isAhead: Bool, read: @escaping @Sendable ((EventBatch) throws -> Void) throws -> Void,
        _ body: (EventBatch) throws -> Void
    ) throws {
        guard isAhead else { return try read(body) }
        let queue = BatchQueue()
        let thread = Thread {
            do {
                try read { try queue.put($0) }
                queue.end(nil)
            } catch { queue.end(error) }
        }
        thread.name = "cairn.read-log"
        // As the main thread has: deep JSON takes a stack.
        thread.stackSize = 8 << 20
        thread.start()
        // Whatever happens here, the reader is gone when this returns: it uses the caller's log.
        defer { queue.stop() }
        while let batch = try queue.take() { try body(batch) }
    }
}

/// A bounded queue of one writer and one reader.
private final class BatchQueue: @unchecked Sendable {
    /// The reader of the batches has stopped listening.
    private struct Stopped: Error {}

    // Guards all of what follows.
    private let condition = NSCondition()
    private var batches: [(batch: EventBatch, byteCount: Int)] = []
    private var byteCount = 0
    private var isStopped = false
    private var isEnded = false
    private var failure: (any Error)?

    func put(_ batch: EventBatch) throws {
        let size = batch.byteCount
        condition.lock()
        defer { condition.unlock() }
        while !isStopped, !batches.isEmpty,
            batches.count >= EventPipeline.batchesMax || byteCount + size > EventPipeline.bytesMax
        { condition.wait() }
        if isStopped { throw Stopped() }
        batches.append((batch, size))
        byteCount += size
        condition.broadcast()
    }

    /// Nothing follows, or an error does.
    func end(_ error: (any Error)?) {
        condition.lock()
        isEnded = true
        failure = error
        condition.broadcast()
        condition.unlock()
    }

    func take() throws -> EventBatch? {
        condition.lock()
        defer { condition.unlock() }
        while batches.isEmpty, !isEnded { condition.wait() }
        if !batches.isEmpty {
            let first = batches.removeFirst()
            byteCount -= first.byteCount
            condition.broadcast()
            return first.batch
        }
        if let failure { throw failure }
        return nil
    }

    /// Waits until the writer has ended.
    func stop() {
        condition.lock()
        isStopped = true
        condition.broadcast()
        while !isEnded { condition.wait() }
        condition.unlock()
    }
}
