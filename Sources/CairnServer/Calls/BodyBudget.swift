import Synchronization

/// How many bytes of bodies may be in memory at once, over all calls: the bound that a flood of large bodies meets.
final class BodyBudget: Sendable {
    private let bytesMax: Int
    private let used = Mutex(0)

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// Takes room for bytes; false if there is none.
    func take(_ bytes: Int) -> Bool {
        used.withLock { used in
            guard bytes <= bytesMax - used else { return false }
            used += bytes
            return true
        }
    }

    func give(back bytes: Int) { used.withLock { $0 -= bytes } }

    var bytesUsed: Int { used.withLock { $0 } }
}
