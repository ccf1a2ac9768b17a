import CairnLedger
import CairnReadModels

/// Keeps the read model up to date while a long import goes on, so that the first question after it need not wait.
///
/// A courtesy: what goes wrong here goes wrong again, and is told, when somebody asks.
final class ReadModelFollower {
    private let ledger: Ledger
    private let path: String
    private var model: ReadModel?
    private var isGivenUp = false
    private var next: UInt64 = 0

    /// Entries worth a catch-up: each prepares some hundred statements.
    private static let entriesMin: UInt64 = 16

    init(ledger: Ledger, path: String) {
        self.ledger = ledger
        self.path = path
    }

    func follow() {
        guard !isGivenUp, ledger.size >= next + ReadModelFollower.entriesMin else { return }
        catchUp()
    }

    /// Projects the rest, if there was anything to follow, and closes the file.
    func finish() {
        if model != nil, !isGivenUp { catchUp() }
        try? model?.close()
        model = nil
    }

    private func catchUp() {
        do {
            let model = try self.model ?? ReadModel.open(path: Workspace.readModelPath(of: path))
            self.model = model
            // Tables in memory would be gone with this process.
            guard model.place != .memory else { return isGivenUp = true }
            next = try model.catchUp(from: ledger).next
            isGivenUp = model.place == .memory
        } catch { isGivenUp = true }
    }
}
