package import CairnBytes
package import CairnLedger
import Synchronization

/// Work that may take minutes, since it reads the whole log: one piece at a time, on a thread of its own. Whoever asks
/// waits some seconds; if that is not enough, it is told so, and the result is kept until it asks again.
package final class LongWork<Value: Sendable>: Sendable {
    package enum Outcome: Sendable {
        case done(Value)
        /// It goes on; what comes out is kept.
        case running(since: Timestamp)
        /// Other work goes on.
        case busy
    }

    private struct Running {
        var name: String
        var start: Timestamp
        /// Somebody was told to come back for it.
        var isPromised = false
    }

    private struct Done {
        var name: String
        var result: Result<Value, any Error>
        var monotonicMicroseconds: UInt64
        var isPromised: Bool
    }

    private struct State {
        var running: Running?
        var done: Done?
        /// Of the work that runs, or the last one.
        var thread: WorkerThread?
    }

    private enum Turn {
        case start
        case wait
        case busy
        case take(Result<Value, any Error>)
    }

    private let clock: any WallClock
    private let waitMilliseconds: Int
    private let state = Mutex(State())

    private static var lookMilliseconds: Int { 10 }

    /// - Parameter waitMilliseconds: how long a caller is kept waiting.
    package init(clock: any WallClock, waitMilliseconds: Int) {
        self.clock = clock
        self.waitMilliseconds = waitMilliseconds
    }

    /// - Parameters:
    ///   - name: tells the work from other work.
    ///   - now: when it was asked for.
    /// - Throws: what `work` threw.
    package func result(
        of name: String, now: Timestamp, _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Outcome {
        let asked = clock.monotonicMicroseconds()
        for _ in 0..<max(1, waitMilliseconds / LongWork.lookMilliseconds) {
            switch turn(name, asked, now) {
            case .take(let result): return .done(try result.get())
            case .busy: return .busy
            case .start: start { self.finish(name, Result { try work() }) }
            case .wait: break
            }
            try await Task.sleep(for: .milliseconds(LongWork.lookMilliseconds))
        }
        return state.withLock { state in
            state.running?.isPromised = true
            return .running(since: state.running?.start ?? now)
        }
    }

    private func turn(_ name: String, _ asked: UInt64, _ now: Timestamp) -> Turn {
        state.withLock { state in
            // One that was made for somebody who came before it was done; an older one says nothing of the log now.
            if let done = state.done, done.name == name, done.isPromised || asked <= done.monotonicMicroseconds {
                state.done?.isPromised = false
                return .take(done.result)
            }
            guard let running = state.running else {
                state.running = Running(name: name, start: now)
                return .start
            }
            return running.name == name ? .wait : .busy
        }
    }

    /// Nobody waits for the thread when the server stops: it ends with the process, whatever it has come to.
    private func start(_ body: @escaping @Sendable () -> Void) {
        // The one before has done all but return.
        state.withLock { $0.thread.take() }?.join()
        let thread = WorkerThread(body)
        state.withLock { $0.thread = thread }
    }

    private func finish(_ name: String, _ result: Result<Value, any Error>) {
        let end = clock.monotonicMicroseconds()
        state.withLock { state in
            state.done = Done(
                name: name, result: result, monotonicMicroseconds: end, isPromised: state.running?.isPromised ?? false)
            state.running = nil
        }
    }
}
