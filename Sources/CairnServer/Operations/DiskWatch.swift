import CairnLedger
import Logging
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Looks at the free space beside the ledger: says how many days are left at the pace of late, and refuses samples before
/// events have no room.
final class DiskWatch: Sendable {
    /// What is known of the disk.
    struct Outlook: Sendable, Hashable {
        /// Nil where the system does not say.
        var freeBytes: UInt64?
        /// Until it is used up at the pace of the last day; nil while nothing is used up, or too little was seen.
        var daysLeft: Double?
        var isShedding = false
    }

    private struct Look {
        var microseconds: UInt64
        var freeBytes: UInt64
    }

    /// The pace is that of this long.
    private static let paceSeconds: UInt64 = 24 * 3600
    /// A pace of less than this is that of one import.
    private static let paceSecondsMin: UInt64 = 600
    private static let looksMax = 1000
    /// Samples are taken again with so much more room than they are refused with: part of this.
    private static let slackPart: UInt64 = 10

    private let path: String
    private let freeBytesMin: UInt64
    private let intervalMilliseconds: Int
    private let freeBytes: @Sendable (String) -> UInt64?
    private let clock: any WallClock
    private let metrics: ServerMetrics
    private let samples: SampleIntake
    private let journal: Journal
    private let logger: Logger
    private let last = Mutex(Outlook())
    private let loop = LoopThread()

    /// - Parameter freeBytes: of the file system that holds a path; nil: as the system says.
    init(
        path: String, freeBytesMin: UInt64, intervalMilliseconds: Int, freeBytes: (@Sendable (String) -> UInt64?)?,
        clock: any WallClock, metrics: ServerMetrics, samples: SampleIntake, journal: Journal, logger: Logger
    ) {
        self.path = path
        self.freeBytesMin = freeBytesMin
        self.intervalMilliseconds = intervalMilliseconds
        self.freeBytes = freeBytes ?? { DiskWatch.systemFreeBytes(at: $0) }
        self.clock = clock
        self.metrics = metrics
        self.samples = samples
        self.journal = journal
        self.logger = logger
    }

    var outlook: Outlook { last.withLock { $0 } }

    func start() { loop.start { self.run() } }

    func stop() { loop.stop() }

    private func run() {
        var looks: [Look] = []
        while !loop.isStopping {
            var outlook = self.outlook
            outlook.freeBytes = freeBytes(path)
            if let free = outlook.freeBytes {
                looks = DiskWatch.thinned(
                    looks + [Look(microseconds: clock.monotonicMicroseconds(), freeBytes: free)])
                outlook.daysLeft = DiskWatch.daysLeft(looks)
                let wasShedding = outlook.isShedding
                outlook.isShedding = free < freeBytesMin + (wasShedding ? freeBytesMin / DiskWatch.slackPart : 0)
                if outlook.isShedding != wasShedding { crossed(outlook, free) }
            }
            metrics.set(.diskFreeBytes, outlook.freeBytes.map { Double($0) })
            metrics.set(.diskDaysLeft, outlook.daysLeft)
            last.withLock { $0 = outlook }
            loop.sleep(milliseconds: intervalMilliseconds)
        }
    }

    private func crossed(_ outlook: Outlook, _ free: UInt64) {
        let text = "\(free >> 20) MiB are free where the ledger is, and \(freeBytesMin >> 20) MiB are kept for events"
        samples.shed(because: outlook.isShedding ? text : nil)
        guard outlook.isShedding else {
            logger.notice("samples are taken again: \(text)")
            return
        }
        let days = outlook.daysLeft.map { "\(DiskWatch.rounded($0)) days are left at the pace of late" }
        logger.warning("samples are refused: \(text)", metadata: days.map { ["outlook": "\($0)"] })
        journal.shed(receiver: "samples", count: 1, reason: text)
    }

    /// To a tenth.
    static func rounded(_ days: Double) -> Double { (days * 10).rounded() / 10 }

    /// Those of the last day, every second one where there are too many.
    private static func thinned(_ looks: [Look]) -> [Look] {
        guard let last = looks.last else { return looks }
        let recent = looks.filter { last.microseconds - $0.microseconds <= paceSeconds * 1_000_000 }
        guard recent.count > looksMax else { return recent }
        return recent.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element)
    }

    private static func daysLeft(_ looks: [Look]) -> Double? {
        guard let first = looks.first, let last = looks.last,
            last.microseconds - first.microseconds >= paceSecondsMin * 1_000_000, first.freeBytes > last.freeBytes
        else { return nil }
        let bytesPerSecond =
            Double(first.freeBytes - last.freeBytes) / (Double(last.microseconds - first.microseconds) / 1e6)
        return Double(last.freeBytes) / bytesPerSecond / 86_400
    }

    private static func systemFreeBytes(at path: String) -> UInt64? {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else { return nil }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }
}
