internal import CairnBytes
internal import Dispatch
internal import Synchronization

/// Inflates frames and reads the facts of their entries on all cores while the caller goes on reading frames, and hands
/// them out in order: most of the work of opening and of verifying is here.
struct FactsReader {
    typealias Outcome = (frame: Frame, facts: Result<FrameFacts, FormatError>)

    /// Frames are given to a thread together, so that small ones cost no more than their bytes.
    private static let groupBytes = 256 << 10
    /// Groups in memory at once: what the threads work on, and one more each to go on with.
    private static let groupsMax = 2 * Cores.count + 1

    private let dictionary: [UInt8]
    private var group: [Frame] = []
    private var groupBytes = 0
    private var waiting: [FactsJob] = []
    private var threads: FactsThreads?

    init(dictionary: [UInt8]) { self.dictionary = dictionary }

    mutating func add(_ frame: Frame, _ body: (Outcome) throws -> Void) rethrows {
        group.append(frame)
        groupBytes += frame.header.rawCount
        guard groupBytes >= FactsReader.groupBytes else { return }
        let threads = self.threads ?? FactsThreads()
        self.threads = threads
        let job = FactsJob(group, dictionary)
        threads.add(job)
        waiting.append(job)
        group = []
        groupBytes = 0
        guard waiting.count == FactsReader.groupsMax else { return }
        let first = waiting.removeFirst()
        try handOut(first, body)
    }

    /// Hands out what is still waiting.
    mutating func finish(_ body: (Outcome) throws -> Void) rethrows {
        let last = FactsJob(group, dictionary)
        group = []
        groupBytes = 0
        last.run()
        let jobs = waiting + [last]
        waiting = []
        for job in jobs { try handOut(job, body) }
        threads = nil
    }

    private func handOut(_ job: FactsJob, _ body: (Outcome) throws -> Void) rethrows {
        for (frame, facts) in zip(job.frames, job.outcome()) { try body((frame, facts)) }
    }
}

/// Some frames to be read, and what came of them.
private final class FactsJob: Sendable {
    let frames: [Frame]
    private let dictionary: [UInt8]
    private let results = Mutex<[Result<FrameFacts, FormatError>]>([])
    private let done = DispatchSemaphore(value: 0)

    init(_ frames: [Frame], _ dictionary: [UInt8]) {
        self.frames = frames
        self.dictionary = dictionary
    }

    func run() {
        let facts = frames.map { frame -> Result<FrameFacts, FormatError> in
            do throws(FormatError) {
                return .success(try SegmentLoader.facts(of: frame, dictionary: dictionary))
            } catch { return .failure(error) }
        }
        results.withLock { $0 = facts }
        done.signal()
    }

    /// Waits until the job has run.
    func outcome() -> [Result<FrameFacts, FormatError>] {
        done.wait()
        return results.withLock { $0 }
    }
}

/// As many threads as there are cores, until the owner lets go of them.
private final class FactsThreads: Sendable {
    private final class Shared: Sendable {
        let jobs = Mutex<[FactsJob]>([])
        /// Signalled once for each job, and once for each thread at the end.
        let work = DispatchSemaphore(value: 0)

        func run() {
            while true {
                work.wait()
                // No job is the end: the queue is first in, first out, and the owner adds nothing behind the end.
                guard let job = jobs.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { return }
                job.run()
            }
        }
    }

    private let shared = Shared()
    private let threads: [WorkerThread]

    init() {
        let shared = shared
        threads = (0..<Cores.count).compactMap { _ in WorkerThread.ifAvailable { shared.run() } }
    }

    func add(_ job: FactsJob) {
        if threads.isEmpty { return job.run() }
        shared.jobs.withLock { $0.append(job) }
        shared.work.signal()
    }

    deinit {
        for _ in threads { shared.work.signal() }
        for thread in threads { thread.join() }
    }
}
