package import CairnLedger
package import CairnReadModels

/// A ledger and its read model, caught up: what every answer is made from.
package struct Workspace: Sendable {
    package let ledger: Ledger
    package let readModel: ReadModel
    /// The ledger's folder.
    package let path: String

    package init(ledger: Ledger, readModel: ReadModel, path: String) {
        self.ledger = ledger
        self.readModel = readModel
        self.path = path
    }

    package static func readModelPath(of ledger: String) -> String { "\(ledger)/read-model.sqlite" }
}
