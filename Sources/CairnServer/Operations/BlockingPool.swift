import NIOPosix

/// Threads for what blocks: questions to SQLite, appends, hashing. Swift's own tasks share as many threads as there are
/// cores, and one that waits for a disk holds up every connection. What senders wait for and what people ask have a pool
/// each, so that no question holds up an acknowledgement.
struct BlockingPool: Sendable {
    private let pool: NIOThreadPool

    /// Enough that some slow questions leave room for quick ones; each may hold an answer in memory.
    static let threads = 8

    init() {
        pool = NIOThreadPool(numberOfThreads: BlockingPool.threads)
        pool.start()
    }

    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await pool.runIfActive(body)
    }

    /// Runs it some time; it must not be lost, so after `stop` it runs at once on the caller's thread.
    func submit(_ body: @escaping @Sendable () -> Void) { pool.submit { _ in body() } }

    func stop() async throws { try await pool.shutdownGracefully() }
}
