import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels

/// Follows the log on a thread of its own: what other processes append, tokens that were made or revoked, the tables,
/// and whoever listens. One look costs two system calls when nothing has come.
final class Follower: Sendable {
    /// How old what the server knows of other processes may be.
    private static let intervalMilliseconds = 250
    /// Refusals and rejects are written so often.
    private static let flushIntervalMilliseconds = 5000

    private let ledger: Ledger
    private let readModel: ReadModel
    private let tokens: TokenBook
    private let journal: Journal
    private let feed: LiveFeed
    private let metrics: ServerMetrics
    private let onProblem: @Sendable (String) -> Void
    private let loop = LoopThread()

    init(
        ledger: Ledger, readModel: ReadModel, tokens: TokenBook, journal: Journal, feed: LiveFeed,
        metrics: ServerMetrics, onProblem: @escaping @Sendable (String) -> Void
    ) {
        self.ledger = ledger
        self.readModel = readModel
        self.tokens = tokens
        self.journal = journal
        self.feed = feed
        self.metrics = metrics
        self.onProblem = onProblem
    }

    func start() { loop.start { self.run() } }

    /// Blocks until the last look is over.
    func stop() { loop.stop() }

    private func run() {
        var sinceFlush = 0
        var told = ledger.size
        while true {
            loop.sleep(milliseconds: Follower.intervalMilliseconds)
            let isLast = loop.isStopping
            sinceFlush += Follower.intervalMilliseconds
            if isLast || sinceFlush >= Follower.flushIntervalMilliseconds {
                sinceFlush = 0
                attempt { try journal.flush() }
            }
            attempt {
                try ledger.refresh()
                try tokens.refresh()
                let size = ledger.size
                guard size != told else { return }
                try readModel.catchUp(from: ledger)
                told = size
                metrics.set(.ledgerEntries, Double(size))
                metrics.set(.readModelEntries, Double(size))
                feed.grew(to: size)
            }
            if isLast { return }
        }
    }

    private func attempt(_ body: () throws -> Void) {
        do { try body() } catch { onProblem("\(error)") }
    }
}
