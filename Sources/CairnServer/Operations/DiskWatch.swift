import CairnBytes
import CairnLedger
import Dispatch
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Looks at the free space beside the ledger: says how many days are left at the pace of late, and refuses samples before
/// events have no room.
final class DiskWatch: Sendable {
    private static let intervalSeconds: UInt64 = 10
    /// The pace is that of this long.
    private static let paceSeconds: UInt64 = 24 * 3600
    private static let looksMax = 1000

    private struct Look {
        var microseconds: UInt64
        var freeBytes: UInt64
    }

    private let path: String
    private let freeBytesMin: UInt64
    private let clock: any WallClock
    private let metrics: ServerMetrics
    private let samples: SampleIntake
    private let journal: Journal
    private let onProblem: @Sendable (String) -> Void
    private let isStopping = Atomic(false)
    private let isWanted = DispatchSemaphore(value: 0)
    private let thread = Mutex<WorkerThread?>(nil)

    init(
        path: String, freeBytesMin: UInt64, clock: any WallClock, metrics: ServerMetrics, samples: SampleIntake,
        journal: Journal, onProblem: @escaping @Sendable (String) -> Void
    ) {
        self.path = path
        self.freeBytesMin = freeBytesMin
        self.clock = clock
        self.metrics = metrics
        self.samples = samples
        self.journal = journal
        self.onProblem = onProblem
    }

    func start() {
        thread.withLock { $0 = WorkerThread { self.run() } }
    }

    func stop() {
        isStopping.store(true, ordering: .releasing)
        isWanted.signal()
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        running?.join()
    }

    private func run() {
        var looks: [Look] = []
        var isShedding = false
        while !isStopping.load(ordering: .acquiring) {
            if let free = DiskWatch.freeBytes(at: path) {
                metrics.set(.diskFreeBytes, Double(free))
                looks.append(Look(microseconds: clock.monotonicMicroseconds(), freeBytes: free))
                looks = DiskWatch.thinned(looks)
                if let days = DiskWatch.daysLeft(looks) { metrics.set(.diskDaysLeft, days) }
                if (free < freeBytesMin) != isShedding {
                    isShedding.toggle()
                    tell(isShedding, free)
                }
            }
            _ = isWanted.wait(timeout: .now() + .seconds(Int(DiskWatch.intervalSeconds)))
        }
    }

    private func tell(_ isShedding: Bool, _ free: UInt64) {
        let text = "\(free >> 20) MiB are free where the ledger is, and \(freeBytesMin >> 20) MiB are kept for events"
        samples.shed(because: isShedding ? text : nil)
        guard isShedding else { return }
        onProblem("samples are refused: \(text)")
        journal.shed(receiver: "samples", count: 1, reason: text)
    }

    /// Those of the last day, every second one where there are too many.
    private static func thinned(_ looks: [Look]) -> [Look] {
        guard let last = looks.last else { return looks }
        let recent = looks.filter { last.microseconds - $0.microseconds <= paceSeconds * 1_000_000 }
        guard recent.count > looksMax else { return recent }
        return recent.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element)
    }

    /// Nil while nothing is used up.
    private static func daysLeft(_ looks: [Look]) -> Double? {
        guard let first = looks.first, let last = looks.last, last.microseconds > first.microseconds,
            first.freeBytes > last.freeBytes
        else { return nil }
        let bytesPerSecond =
            Double(first.freeBytes - last.freeBytes) / (Double(last.microseconds - first.microseconds) / 1e6)
        return Double(last.freeBytes) / bytesPerSecond / 86_400
    }

    private static func freeBytes(at path: String) -> UInt64? {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else { return nil }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }
}
