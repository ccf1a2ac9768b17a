internal import CairnBytes
internal import CairnLedger
internal import Dispatch
internal import Synchronization

/// Files that several threads read ahead of the one that takes what they found, in the order of the files.
///
/// A thread that has found something for a file keeps a place until it was taken, and there are few places: memory
/// depends on the number of cores and on the largest files, not on how many there are.
final class FlowFileQueue: Sendable {
    private struct State: Sendable {
        var next = 0
        var isStopped = false
        var found: [Int: Result<FlowFileOutcome, any Error>] = [:]
        /// The last file that was looked at was in the log before.
        var isLikelyKnown = false
    }

    private let files: [InputFile]
    private let reading: FlowFileReading
    private let state = Mutex(State())
    private let places: DispatchSemaphore
    private let isFound = DispatchSemaphore(value: 0)
    private let bytesRead = Atomic<UInt64>(0)
    private let threads = Mutex<[WorkerThread]>([])

    /// Found and not yet taken, for each thread: enough that it need not wait while a batch is written.
    private static let placesEach = 4

    init(_ files: [InputFile], reading: FlowFileReading, threads count: Int) {
        self.files = files
        self.reading = reading
        let count = max(1, min(count, files.count))
        places = DispatchSemaphore(places: count * FlowFileQueue.placesEach)
        let started = (0..<count).map { _ in WorkerThread { self.work() } }
        threads.withLock { $0 = started }
    }

    private func work() {
        while true {
            places.wait()
            let (index, isLikelyKnown) = state.withLock { state -> (Int?, Bool) in
                guard state.next < files.count, !state.isStopped else { return (nil, false) }
                defer { state.next += 1 }
                return (state.next, state.isLikelyKnown)
            }
            guard let index else {
                // The next thread that waits for a place finds the same.
                places.signal()
                return
            }
            let found: Result<FlowFileOutcome, any Error> = Result {
                try reading.read(files[index], isLikelyKnown: isLikelyKnown) { bytes in
                    bytesRead.add(UInt64(bytes), ordering: .relaxed)
                }
            }
            state.withLock { state in
                state.found[index] = found
                if case .success(let outcome) = found, case .known = outcome.content {
                    state.isLikelyKnown = true
                } else {
                    state.isLikelyKnown = false
                }
            }
            isFound.signal()
        }
    }

    /// Bytes of all files that were read so far.
    var bytesDone: UInt64 { bytesRead.load(ordering: .relaxed) }

    /// What was found for this file and as many of those after it as are ready; waits for the first.
    ///
    /// - Parameter waiting: called a few times a second meanwhile.
    func take(from index: Int, atMost count: Int, waiting: () -> Void) -> [Result<FlowFileOutcome, any Error>] {
        while true {
            let found = state.withLock { state -> [Result<FlowFileOutcome, any Error>] in
                var taken: [Result<FlowFileOutcome, any Error>] = []
                while taken.count < count, let next = state.found.removeValue(forKey: index + taken.count) {
                    taken.append(next)
                }
                return taken
            }
            if !found.isEmpty { return found }
            _ = isFound.wait(timeout: .now() + .milliseconds(200))
            waiting()
        }
    }

    /// Gives back the places of files whose outcome is no longer held.
    func release(_ count: Int) {
        for _ in 0..<count { places.signal() }
    }

    /// Ends the threads; the files they are at are finished first.
    func stop() {
        state.withLock { $0.isStopped = true }
        places.signal()
        let running = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in running { thread.join() }
    }
}
