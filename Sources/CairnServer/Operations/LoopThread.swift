import CairnBytes
import Dispatch
import Synchronization

/// A thread that does the same again and again for as long as the server runs: it sleeps between two turns, can be woken,
/// and ends after the turn in which it was told to. What blocks or computes for long has one, so that Swift's own tasks,
/// which share as many threads as there are cores, never wait for it.
final class LoopThread: Sendable {
    private let isAskedToStop = Atomic(false)
    private let isWanted = DispatchSemaphore(value: 0)
    private let thread = Mutex<WorkerThread?>(nil)

    /// - Parameter body: the whole loop; it returns soon after `isStopping` is true.
    func start(_ body: @escaping @Sendable () -> Void) {
        thread.withLock { $0 = WorkerThread(body) }
    }

    /// Ends the loop and blocks until it has ended.
    func stop() {
        isAskedToStop.store(true, ordering: .releasing)
        wake()
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        running?.join()
    }

    var isStopping: Bool { isAskedToStop.load(ordering: .acquiring) }

    /// Ends the sleep of now, or the next one.
    func wake() { isWanted.signal() }

    /// Sleeps until it is woken or told to stop, at most for so long.
    func sleep(milliseconds: Int) { _ = isWanted.wait(timeout: .now() + .milliseconds(milliseconds)) }

    /// Sleeps until it is woken or told to stop.
    func sleep() { isWanted.wait() }
}
