import CairnAnalyzer
import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnReports
import Dispatch
import Synchronization

/// Looks at what the log has every minute, records what it finds, and seals samples that have been open for long.
///
/// Runs on a thread of its own with tables of its own connections; senders and people go on meanwhile.
final class AnalysisWatch: Sendable {
    private struct State {
        var reports: [ClusterPair: DivergenceReport] = [:]
        var lookedAt: UInt64 = 0
    }

    private let workspace: Workspace
    private let clock: any WallClock
    let intervalSeconds: Int64
    private let metrics: ServerMetrics
    private let onProblem: @Sendable (String) -> Void
    private let state = Mutex(State())
    private let isStopping = Atomic(false)
    private let isWanted = DispatchSemaphore(value: 0)
    private let thread = Mutex<WorkerThread?>(nil)

    init(
        workspace: Workspace, clock: any WallClock, intervalSeconds: Int64, metrics: ServerMetrics,
        onProblem: @escaping @Sendable (String) -> Void
    ) {
        self.workspace = workspace
        self.clock = clock
        self.intervalSeconds = intervalSeconds
        self.metrics = metrics
        self.onProblem = onProblem
    }

    func start() {
        guard intervalSeconds > 0 else { return }
        thread.withLock { $0 = WorkerThread { self.run() } }
    }

    /// Blocks until the look that runs is over.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        isWanted.signal()
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        running?.join()
    }

    /// The latest verdicts on two clusters; without names those of the one pair there is.
    func report(source: String?, target: String?) -> DivergenceReport? {
        state.withLock { state in
            state.reports.first { pair, _ in
                (source == nil || source == pair.source) && (target == nil || target == pair.target)
            }?.value
        }
    }

    private func run() {
        while true {
            let start = clock.monotonicMicroseconds()
            do { try look() } catch { onProblem("cannot judge: \(error)") }
            do { _ = try SampleSealer(ledger: workspace.ledger, actor: Journal.actor).runIfDue(now: clock.now()) } catch
            {
                onProblem("cannot seal samples: \(error)")
            }
            metrics.set(.analysisSeconds, Double(clock.monotonicMicroseconds() - start) / 1e6)
            _ = isWanted.wait(timeout: .now() + .seconds(Int(intervalSeconds)))
            if isStopping.load(ordering: .acquiring) { return }
        }
    }

    /// One look at every migration that runs; nothing if nothing was appended since the last.
    private func look() throws {
        let ledger = workspace.ledger
        guard state.withLock({ $0.lookedAt != ledger.size }) else { return }
        try workspace.readModel.catchUp(from: ledger)
        for pair in try pairs() {
            if isStopping.load(ordering: .acquiring) { return }
            let analysis = Analysis(
                ledger: ledger, readModel: workspace.readModel, actor: Journal.actor, isPaced: true)
            let outcome = try analysis.run(pair: pair, at: clock.now())
            state.withLock { $0.reports[pair] = outcome.report }
        }
        state.withLock { $0.lookedAt = ledger.size }
    }

    /// Migrations of a fleet that run at once; beyond that the newest.
    private static let pairsMax = 200

    private func pairs() throws -> [ClusterPair] {
        let result = try workspace.readModel.query(
            """
            SELECT DISTINCT source_cluster, target_cluster FROM migrations
            WHERE source_cluster IS NOT NULL AND target_cluster IS NOT NULL AND ended_us IS NULL
            ORDER BY position DESC LIMIT \(AnalysisWatch.pairsMax)
            """)
        return result.rows.compactMap { row in
            guard let source = row[0].text, let target = row[1].text else { return nil }
            return ClusterPair(source: source, target: target)
        }
    }
}
