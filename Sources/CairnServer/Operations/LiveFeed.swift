import Synchronization

/// Tells everybody who follows the log that it has grown.
final class LiveFeed: Sendable {
    private struct State {
        var listeners: [Int: AsyncStream<UInt64>.Continuation] = [:]
        var next = 0
        var isClosed = false
    }

    /// Each holds a connection open: more are programs that should poll.
    static let listenersMax = 500

    private let state = Mutex(State())

    /// Sizes of the log, each larger than the one before; sizes that came while nobody looked are left out but the last.
    /// - Throws: `Problem` if too many follow already.
    func listen() throws -> (id: Int, sizes: AsyncStream<UInt64>) {
        let (stream, continuation) = AsyncStream.makeStream(of: UInt64.self, bufferingPolicy: .bufferingNewest(1))
        let id = try state.withLock { state in
            guard !state.isClosed, state.listeners.count < LiveFeed.listenersMax else {
                throw Problem.busy("there are too many followers")
            }
            state.next += 1
            state.listeners[state.next] = continuation
            return state.next
        }
        return (id, stream)
    }

    func leave(_ id: Int) {
        state.withLock { state in state.listeners.removeValue(forKey: id) }?.finish()
    }

    func grew(to size: UInt64) {
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.yield(size) }
    }

    /// Ends every stream: the server stops.
    func close() {
        let listeners = state.withLock { state in
            state.isClosed = true
            defer { state.listeners = [:] }
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.finish() }
    }

    var count: Int { state.withLock { $0.listeners.count } }
}
