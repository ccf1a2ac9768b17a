package import CairnBytes
package import CairnLedger
internal import CairnModel
package import CairnReadModels

/// A ledger and its read model, caught up: what every answer is made from.
package struct Workspace: Sendable {
    package let ledger: Ledger
    package let readModel: ReadModel
    /// The ledger's folder.
    package let path: String
    /// Of which past the read model is; empty for now.
    package let moments: [ReadModel.Moment]

    package init(ledger: Ledger, readModel: ReadModel, path: String, moments: [ReadModel.Moment] = []) {
        self.ledger = ledger
        self.readModel = readModel
        self.path = path
        self.moments = moments
    }

    package static func readModelPath(of ledger: String) -> String { "\(ledger)/read-model.sqlite" }

    /// When it is for the answers: the earliest moment that is asked about, else now. What people said of a finding holds
    /// or has ended as of then, and relative times count from it.
    package func clock(now: Timestamp) throws -> Timestamp {
        try moments.map { moment in
            switch moment {
            case .at(let time), .knownAt(let time): time
            case .entry(let position): try ledger.event(at: position).recordedTime
            }
        }.min() ?? now
    }
}
