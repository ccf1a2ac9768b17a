import CairnBytes
import CairnIngest
import CairnLedger
import CairnModel
import CairnRecorder
import CairnSeries
import Synchronization

/// Takes samples from receivers to the log: read side by side, written by one thread that puts what came meanwhile into
/// one batch, and answered when that batch is on disk.
///
/// The queue is bounded in samples; beyond that callers are told to come back, and nothing is dropped in silence. What
/// was sent again after a lost answer is recorded again and read once: an exact repeat of a sample is the same sample.
final class SampleIntake: Sendable {
    /// What became of one request.
    struct Outcome: Sendable {
        var samples: Int
        var rejects: ReceivedRejects
    }

    /// Samples of one commit: more make no batch smaller, and everybody waits for the whole.
    private static let commitSamplesMax = 500_000
    /// How far ahead of this machine's clock a sample may be: a broken clock must not found a future that never seals.
    private static let futureSecondsMax: Int64 = 24 * 3600

    private struct Job: Sendable {
        var reading: SeriesTables.Reading
        var done: CheckedContinuation<Outcome, any Error>
    }

    private struct Queue {
        var jobs: [Job] = []
        var samples = 0
        var isClosed = false
        /// Why nothing is taken now, if so.
        var obstacle: String?
    }

    private let ledger: Ledger
    private let clock: any WallClock
    private let pool: BlockingPool
    private let run: String
    private let tables: Mutex<SeriesTables>
    private let queuedSamplesMax: Int
    private let queue = Mutex(Queue())
    private let loop = LoopThread()

    /// - Parameters:
    ///   - run: no two runs of a server have the same.
    ///   - seed: what senders cannot know.
    ///   - queuedSamplesMax: with so many waiting for the disk, callers are told to come back.
    init(
        ledger: Ledger, clock: any WallClock, pool: BlockingPool, run: String, seed: UInt64, queuedSamplesMax: Int
    ) {
        self.ledger = ledger
        self.clock = clock
        self.pool = pool
        self.run = run
        tables = Mutex(SeriesTables(seed: seed))
        self.queuedSamplesMax = queuedSamplesMax
    }

    func start() { loop.start { self.work() } }

    /// Writes what waits and ends the thread; blocks until that is done.
    func stop() {
        queue.withLock { $0.isClosed = true }
        loop.stop()
    }

    /// Refuses samples until it is called with nil: the disk is filling up, and events come first.
    func shed(because obstacle: String?) { queue.withLock { $0.obstacle = obstacle } }

    var queuedSamples: Int { queue.withLock { $0.samples } }

    /// Limits for requests of now.
    private var limits: ReceiveLimits {
        var limits = ReceiveLimits.standard
        let latest = clock.now().adding(seconds: SampleIntake.futureSecondsMax).milliseconds
        limits.timesMs = limits.timesMs.lowerBound...max(limits.timesMs.lowerBound, latest)
        return limits
    }

    /// Reads a request with `read` and returns when its samples are on disk.
    /// - Throws: what `read` throws, and `Problem` with 503 if there is no room or the log takes nothing.
    func take(
        from sender: SeriesTables.Sender,
        _ read: @escaping @Sendable (inout ReceivedSeriesTable, ReceiveLimits) throws -> ReceivedSamples
    ) async throws -> Outcome {
        try checkRoom()
        return try await withCheckedThrowingContinuation { continuation in
            pool.submit {
                do { try self.read(sender, read, continuation) } catch { continuation.resume(throwing: error) }
            }
        }
    }

    private func checkRoom() throws {
        try queue.withLock { queue in
            if let obstacle = queue.obstacle { throw Problem.busy("cannot take samples now: \(obstacle)") }
            guard !queue.isClosed else { throw SampleIntake.stopping }
            guard queue.samples < queuedSamplesMax else {
                throw Problem.busy("cannot take samples now: \(queue.samples) wait for the disk")
            }
        }
    }

    private func read(
        _ sender: SeriesTables.Sender, _ read: (inout ReceivedSeriesTable, ReceiveLimits) throws -> ReceivedSamples,
        _ done: CheckedContinuation<Outcome, any Error>
    ) throws {
        let limits = limits
        // Held while the request is read and queued, so that names reach the writer in the order of their numbers.
        try tables.withLock { tables in
            let reading = try tables.read(sender) { try read(&$0, limits) }
            guard !reading.received.samples.isEmpty else { return done.resume(returning: Outcome(reading.received)) }
            try enqueue(Job(reading: reading, done: done))
        }
    }

    private func enqueue(_ job: Job) throws {
        try queue.withLock { queue in
            // Nobody would write it any more.
            guard !queue.isClosed else { throw SampleIntake.stopping }
            queue.jobs.append(job)
            queue.samples += job.reading.received.samples.count
        }
        loop.wake()
    }

    private static let stopping = Problem.busy("the server is stopping")

    // MARK: - The writing thread

    private func work() {
        var writer = IntakeWriter(ledger: ledger, clock: clock, run: run)
        while true {
            let (jobs, isClosed) = taken()
            if jobs.isEmpty {
                if isClosed { return }
                loop.sleep()
                continue
            }
            let result = Result { try writer.write(jobs.map(\.reading)) }
            for job in jobs { job.done.resume(with: result.map { Outcome(job.reading.received) }) }
        }
    }

    private func taken() -> (jobs: [Job], isClosed: Bool) {
        queue.withLock { queue in
            var samples = 0
            var count = 0
            while count < queue.jobs.count, count == 0 || samples < SampleIntake.commitSamplesMax {
                samples += queue.jobs[count].reading.received.samples.count
                count += 1
            }
            let jobs = Array(queue.jobs.prefix(count))
            queue.jobs.removeFirst(count)
            queue.samples -= samples
            return (jobs, queue.isClosed)
        }
    }
}

extension SampleIntake.Outcome {
    init(_ received: ReceivedSamples) {
        samples = received.samples.count
        rejects = received.rejects
    }
}
