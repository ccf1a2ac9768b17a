internal import Dispatch
internal import Synchronization

/// Work that is cut into parts for all cores, with the results in order.
enum Parallel {
    static func map<Value: Sendable>(_ count: Int, _ body: @Sendable (Int) -> Value) -> [Value] {
        if count == 1 { return [body(0)] }
        let results = Mutex([Value?](repeating: nil, count: count))
        DispatchQueue.concurrentPerform(iterations: count) { index in
            let value = body(index)
            results.withLock { $0[index] = value }
        }
        return results.withLock {
            $0.map { value in
                guard let value else { preconditionFailure("a part of the work was not done") }
                return value
            }
        }
    }

    /// Cuts a range into parts of about `size`, all of one length but for the last.
    static func parts(_ count: Int, size: Int) -> [Range<Int>] {
        guard count > 0 else { return [] }
        let number = (count + size - 1) / size
        let length = (count + number - 1) / number
        return stride(from: 0, to: count, by: length).map { $0..<min(count, $0 + length) }
    }
}
