internal import CairnBytes
internal import Dispatch
internal import Synchronization

/// Buffers of text on their way from the thread that inflates a file to the one that reads its lines: a ring in which
/// each buffer belongs to one of the two at any time.
final class FlowTextChannel: Sendable {
    private struct State {
        var isCancelled = false
        var failure: (any Error)?
    }

    /// Buffers in the ring: one being written, one being read, and two between for when either thread waits.
    private static let bufferCount = 4

    private let buffers = (0..<bufferCount).map { _ in FlowTextBuffer() }
    private let free = DispatchSemaphore(places: bufferCount)
    private let filled = DispatchSemaphore(value: 0)
    private let written = Atomic<Int>(0)
    private let read = Atomic<Int>(0)
    private let state = Mutex(State())

    /// Thrown to the writer when the reader has gone away.
    private struct Cancelled: Error {}

    deinit {
        // A semaphore must not end with less than it began with.
        for _ in 0..<FlowTextChannel.bufferCount { free.signal() }
    }

    // MARK: The thread that writes

    /// Waits for a free buffer and fills it; false if the container needs more bytes first.
    func fill(from container: inout FlowContainer) throws -> Bool {
        free.wait()
        if state.withLock({ $0.isCancelled }) { throw Cancelled() }
        let place = written.load(ordering: .relaxed)
        guard try container.fill(buffers[place % FlowTextChannel.bufferCount]) else {
            free.signal()
            return false
        }
        written.store(place + 1, ordering: .releasing)
        filled.signal()
        return true
    }

    /// There is no more text, because of an error if one is given.
    func end(_ failure: (any Error)?) {
        state.withLock { $0.failure = failure }
        filled.signal()
    }

    // MARK: The thread that reads

    /// Waits for the next text; nil at the end, or what ended it.
    func next() throws -> FlowTextBuffer? {
        filled.wait()
        let place = read.load(ordering: .relaxed)
        if place == written.load(ordering: .acquiring) {
            if let failure = state.withLock({ $0.failure }) { throw failure }
            return nil
        }
        return buffers[place % FlowTextChannel.bufferCount]
    }

    /// The text given last has been read.
    func giveBack() {
        read.store(read.load(ordering: .relaxed) + 1, ordering: .relaxed)
        free.signal()
    }

    /// Nobody reads any more.
    func cancel() {
        state.withLock { $0.isCancelled = true }
        free.signal()
    }
}
