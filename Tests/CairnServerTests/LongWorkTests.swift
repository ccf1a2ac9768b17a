import CairnBytes
import CairnLedger
import CairnServer
import Dispatch
import Testing

/// Work that takes longer than a caller waits: one at a time, and what comes out is kept for who was told to come back.
@Suite("Long work")
struct LongWorkTests {
    private let now = Timestamp(seconds: 1_773_000_000)!

    @Test("One at a time, kept for who comes back, and made anew for who comes later")
    func oneAtATime() async throws {
        let work = LongWork<Int>(clock: SystemClock(), waitMilliseconds: 50)
        let started = Locked(0)
        let mayEnd = DispatchSemaphore(value: 0)
        let slow: @Sendable () throws -> Int = {
            let number = started.with { count in
                count += 1
                return count
            }
            mayEnd.wait()
            return number
        }
        guard case .running(let since) = try await work.result(of: "a", now: now, slow) else {
            Issue.record("it cannot be done yet")
            return
        }
        #expect(since == now)
        guard case .busy = try await work.result(of: "b", now: now, { 0 }) else {
            Issue.record("two at once")
            return
        }
        guard case .running = try await work.result(of: "a", now: now, slow) else {
            Issue.record("the same asked again is the same work")
            return
        }
        mayEnd.signal()
        #expect(try await LongWorkTests.done(work, "a", now, slow) == 1)
        #expect(started.with { $0 } == 1)
        mayEnd.signal()
        #expect(try await LongWorkTests.done(work, "a", now, slow) == 2)
        #expect(try await LongWorkTests.done(work, "b", now, { 7 }) == 7)
    }

    @Test("An error is told, and the next one works")
    func errors() async throws {
        struct Failed: Error {}
        let work = LongWork<Int>(clock: SystemClock(), waitMilliseconds: 5000)
        await #expect(throws: Failed.self) { try await work.result(of: "a", now: now) { throw Failed() } }
        #expect(try await LongWorkTests.done(work, "a", now) { 1 } == 1)
    }

    private static func done(
        _ work: LongWork<Int>, _ name: String, _ now: Timestamp, _ body: @escaping @Sendable () throws -> Int
    ) async throws -> Int? {
        for _ in 0..<100 {
            if case .done(let value) = try await work.result(of: name, now: now, body) { return value }
        }
        return nil
    }
}
