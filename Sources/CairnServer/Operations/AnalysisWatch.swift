import CairnAnalyzer
import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnReports
import Synchronization

/// Looks at what the log has every minute, records what it finds, and seals samples that have been open for long.
///
/// Runs on a thread of its own with tables of its own connections; senders and people go on meanwhile.
final class AnalysisWatch: Sendable {
    private let workspace: Workspace
    private let clock: any WallClock
    let intervalSeconds: Int64
    private let metrics: ServerMetrics
    private let onProblem: @Sendable (String) -> Void
    private let reports = Mutex<[ClusterPair: DivergenceReport]>([:])
    private let loop = LoopThread()

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
        loop.start { self.run() }
    }

    /// Blocks until the look that runs is over.
    func stop() { loop.stop() }

    /// The latest verdicts on two clusters; without names those of the one pair there is.
    func report(source: String?, target: String?) -> DivergenceReport? {
        reports.withLock { reports in
            reports.first { pair, _ in
                (source == nil || source == pair.source) && (target == nil || target == pair.target)
            }?.value
        }
    }

    private func run() {
        while !loop.isStopping {
            let start = clock.monotonicMicroseconds()
            do { try look() } catch { onProblem("cannot judge: \(error)") }
            do { _ = try SampleSealer(ledger: workspace.ledger, actor: Journal.actor).runIfDue(now: clock.now()) } catch
            {
                onProblem("cannot seal samples: \(error)")
            }
            metrics.set(.analysisSeconds, Double(clock.monotonicMicroseconds() - start) / 1e6)
            loop.sleep(milliseconds: Int(intervalSeconds) * 1000)
        }
    }

    /// One look at every migration that runs, also where nothing was appended: what is missed is found by the clock.
    private func look() throws {
        try workspace.readModel.catchUp(from: workspace.ledger)
        let analysis = Analysis(
            ledger: workspace.ledger, readModel: workspace.readModel, actor: Journal.actor, isPaced: true)
        for pair in try pairs() where !loop.isStopping {
            let outcome = try analysis.run(pair: pair, at: clock.now())
            reports.withLock { $0[pair] = outcome.report }
        }
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
