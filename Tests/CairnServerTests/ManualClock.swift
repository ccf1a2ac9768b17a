import CairnBytes
import CairnLedger
import CairnModel

/// A clock that stands still until a test moves it on.
final class ManualClock: WallClock {
    private let begin = SystemClock().now()
    private let passed = Locked<UInt64>(0)

    func advance(seconds: UInt64) { passed.with { $0 += seconds * 1_000_000 } }

    func now() -> Timestamp { begin.adding(seconds: Int64(passed.with { $0 } / 1_000_000)) }
    func monotonicMicroseconds() -> UInt64 { 1_000_000_000 + passed.with { $0 } }
    func sleep(microseconds: UInt32) { SystemClock().sleep(microseconds: microseconds) }
}
