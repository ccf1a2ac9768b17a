import Foundation

/// Lets any number of readers in, or one who closes the connections under them. GRDB's own pool takes a read on a
/// connection that is being closed to SQLite, which crashes.
///
/// A thread that is in may come in again (a body that was lent rows may ask for more); nobody else is let in while
/// somebody waits to close.
final class AccessGate: @unchecked Sendable {
    // Guards all of what follows.
    private let condition = NSCondition()
    /// How many times each thread is in.
    private var readers: [ObjectIdentifier: Int] = [:]
    private var isClosing = false

    func reading<Result>(_ body: () throws -> Result) rethrows -> Result {
        let thread = ObjectIdentifier(Thread.current)
        condition.lock()
        while isClosing, readers[thread] == nil { condition.wait() }
        readers[thread, default: 0] += 1
        condition.unlock()
        defer {
            condition.lock()
            let count = readers[thread] ?? 1
            readers[thread] = count > 1 ? count - 1 : nil
            condition.broadcast()
            condition.unlock()
        }
        return try body()
    }

    /// Waits until all are out. Not for a thread that is in.
    func closing<Result>(_ body: () throws -> Result) rethrows -> Result {
        condition.lock()
        while isClosing { condition.wait() }
        isClosing = true
        while !readers.isEmpty { condition.wait() }
        condition.unlock()
        defer {
            condition.lock()
            isClosing = false
            condition.broadcast()
            condition.unlock()
        }
        return try body()
    }
}
