import CairnBytes
import Dispatch
import Testing

@Suite struct SemaphoreTests {
    /// What an import that is stopped by a full disk does; the process must live to say so.
    @Test func mayBeLetGoWithPlacesTaken() {
        var semaphore: DispatchSemaphore? = DispatchSemaphore(places: 2)
        #expect(semaphore?.wait(timeout: .now()) == .success)
        #expect(semaphore?.wait(timeout: .now()) == .success)
        #expect(semaphore?.wait(timeout: .now()) == .timedOut)
        semaphore?.signal()
        #expect(semaphore?.wait(timeout: .now()) == .success)
        semaphore = nil
    }
}
