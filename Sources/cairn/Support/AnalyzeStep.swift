import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder

/// The part of `import --analyze` after the import: judge, record, and say what stands.
enum AnalyzeStep {
    static func run(_ ledger: Ledger, path: String, actor: Actor) throws {
        let readModel = try ReadModel.open(path: Workspace.readModelPath(of: path))
        let outcome = try Analysis(ledger: ledger, readModel: readModel, actor: actor).run()
        if outcome.pair == nil {
            Terminal.note(
                "note: the ledger has no single migration, so no two clusters were compared; `cairn diverge --source A "
                    + "--target B` names them")
        }
        for line in outcome.lines { Terminal.note("found: \(line)") }
        let opened = outcome.drops.opened + outcome.divergence.opened
        let revised = outcome.drops.revised + outcome.divergence.revised
        let withdrawn = outcome.drops.withdrawn + outcome.divergence.withdrawn
        let incidents = outcome.drops.incidents + outcome.divergence.incidents
        Terminal.note(
            "analysed: \(opened) findings opened, \(revised) revised, \(withdrawn) withdrawn; \(incidents) new incidents"
        )
    }
}
