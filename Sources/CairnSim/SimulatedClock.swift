package import CairnBytes
internal import CairnLedger
internal import Synchronization

/// Time that passes only when it is told to: by `sleep`, by `advance`, and by a fixed step at each reading, so that no
/// two readings are the same.
package final class SimulatedClock: WallClock {
    private struct State {
        var now: Int64
        var monotonic: UInt64 = 0
    }

    private let state: Mutex<State>
    private let stepMicroseconds: Int64

    package init(start: Timestamp, stepMicroseconds: Int64 = 1000) {
        state = Mutex(State(now: start.microseconds))
        self.stepMicroseconds = stepMicroseconds
    }

    package func now() -> Timestamp {
        state.withLock { state in
            state.now += stepMicroseconds
            state.monotonic += UInt64(stepMicroseconds)
            return Timestamp(microseconds: state.now)
        }
    }

    package func monotonicMicroseconds() -> UInt64 {
        state.withLock { state in
            state.now += stepMicroseconds
            state.monotonic += UInt64(stepMicroseconds)
            return state.monotonic
        }
    }

    package func sleep(microseconds: UInt32) { advance(microseconds: Int64(microseconds)) }

    package func advance(microseconds: Int64) {
        state.withLock { state in
            state.now += microseconds
            state.monotonic += UInt64(max(0, microseconds))
        }
    }

    /// Sets the time of day and leaves the other clock alone, as an operator or a bad time server does.
    package func setTimeOfDay(_ time: Timestamp) { state.withLock { $0.now = time.microseconds } }
}
