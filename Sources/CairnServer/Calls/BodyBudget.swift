import Synchronization

/// How many bytes of bodies may be in memory at once, over all calls: the bound that a flood of large bodies meets. No
/// caller gets all of it, and the last of it is for small bodies, so that people and pipelines get through.
package final class BodyBudget: Sendable {
    /// What one call takes of the budget, as its bytes come.
    package final class Room: Sendable {
        private let budget: BodyBudget
        private let caller: String
        private let isSmall: Bool
        private let taken = Mutex(0)

        fileprivate init(_ budget: BodyBudget, _ caller: String, isSmall: Bool) {
            self.budget = budget
            self.caller = caller
            self.isSmall = isSmall
        }

        /// Takes room for so many bytes in all; false, and nothing is taken, if there is none.
        package func grow(to bytes: Int) -> Bool {
            taken.withLock { taken in
                guard bytes > taken else { return true }
                guard budget.take(bytes - taken, caller, isSmall) else { return false }
                taken = bytes
                return true
            }
        }

        package func giveBack() {
            taken.withLock { taken in
                if taken > 0 { budget.give(back: taken, caller) }
                taken = 0
            }
        }
    }

    private struct State {
        var used = 0
        /// Only of those who hold some.
        var usedBy: [String: Int] = [:]
    }

    /// One part of so many is for small bodies alone.
    private static let smallPart = 16

    private let bytesMax: Int
    private let callerBytesMax: Int
    private let state = Mutex(State())

    /// - Parameter bodyBytesMax: a caller has room for one body of this size, however small the budget is.
    package init(bytesMax: Int, bodyBytesMax: Int) {
        self.bytesMax = bytesMax
        callerBytesMax = max(bytesMax / 2, bodyBytesMax)
    }

    package func room(for caller: String, isSmall: Bool) -> Room { Room(self, caller, isSmall: isSmall) }

    package var bytesUsed: Int { state.withLock { $0.used } }

    private func take(_ bytes: Int, _ caller: String, _ isSmall: Bool) -> Bool {
        state.withLock { state in
            let open = isSmall ? bytesMax : bytesMax - bytesMax / BodyBudget.smallPart
            let held = state.usedBy[caller] ?? 0
            guard bytes <= open - state.used, bytes <= callerBytesMax - held else { return false }
            state.used += bytes
            state.usedBy[caller] = held + bytes
            return true
        }
    }

    private func give(back bytes: Int, _ caller: String) {
        state.withLock { state in
            state.used -= bytes
            let held = (state.usedBy[caller] ?? 0) - bytes
            state.usedBy[caller] = held > 0 ? held : nil
        }
    }
}
