import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnReports

/// The part of `import --analyze` after the import: judge, record, and say what stands.
enum AnalyzeStep {
    static func run(
        _ ledger: Ledger, path: String, actor: Actor, source: String? = nil, target: String? = nil
    ) throws {
        let readModel = try ReadModel.open(path: Workspace.readModelPath(of: path))
        try readModel.catchUp(from: ledger)
        let pair = try ClusterPair.named(source: source, target: target, in: readModel)
        let outcome = try Analysis(ledger: ledger, readModel: readModel, actor: actor).run(pair: pair)
        if outcome.pair == nil {
            Terminal.note(
                "note: the ledger has no single migration, so no two clusters were compared: --source A --target B "
                    + "names them")
        }
        for line in outcome.lines { Terminal.note("found: \(line)") }
        let all = [outcome.drops, outcome.divergence, outcome.silence]
        let opened = all.reduce(0) { $0 + $1.opened }
        let revised = all.reduce(0) { $0 + $1.revised }
        let withdrawn = all.reduce(0) { $0 + $1.withdrawn }
        let incidents = all.reduce(0) { $0 + $1.incidents }
        Terminal.note(
            "analysed: \(opened) findings opened, \(revised) revised, \(withdrawn) withdrawn; \(incidents) new incidents"
        )
    }
}
