import CairnBytes
import CairnLedger
import CairnReadModels
import CairnReports
import Dispatch
import Synchronization

/// Keeps the read model up to date while a long import goes on, on a thread of its own, so that the import waits for
/// syncs and not for tables, and the first question after it need not wait.
///
/// A courtesy: what goes wrong here goes wrong again, and is told, when somebody asks.
final class ReadModelFollower: Sendable {
    private let ledger: Ledger
    private let path: String
    /// Signalled when there may be something to do.
    private let isWanted = DispatchSemaphore(value: 0)
    private let isFinishing = Atomic(false)
    private let thread = Mutex<WorkerThread?>(nil)

    /// Entries worth a catch-up: each prepares some hundred statements.
    private static let entriesMin: UInt64 = 16

    init(ledger: Ledger, path: String) {
        self.ledger = ledger
        self.path = path
    }

    func follow() {
        thread.withLock { thread in
            if thread == nil, ledger.size >= ReadModelFollower.entriesMin {
                thread = WorkerThread.ifAvailable { self.run() }
            }
        }
        isWanted.signal()
    }

    /// Waits until the rest is projected, if there was anything to follow.
    func finish() {
        isFinishing.store(true, ordering: .releasing)
        isWanted.signal()
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        running?.join()
    }

    private func run() {
        guard let model = try? ReadModel.open(path: Workspace.readModelPath(of: path)) else { return }
        defer { try? model.close() }
        var next: UInt64 = 0
        while true {
            isWanted.wait()
            let isLast = isFinishing.load(ordering: .acquiring)
            if isLast || ledger.size >= next + ReadModelFollower.entriesMin {
                // Tables in memory would be gone with this process.
                guard model.place != .memory, let progress = try? model.catchUp(from: ledger) else { return }
                next = progress.next
            }
            if isLast { return }
        }
    }
}
