import ArgumentParser
import CairnLedger
import CairnRecorder
import CairnReports

/// Recording what a question about the two clusters finds, and that it was asked.
struct RecordArguments: ParsableArguments {
    @Flag(help: "Record the findings of all analyses, and that they were made, as `import --analyze` does.")
    var record = false

    @OptionGroup var key: KeyArguments

    /// - Parameter isAsItIs: whether the question is the one that is recorded: everything, by the plan.
    func runIfAsked(
        _ ledger: LedgerArguments, _ moment: MomentArguments, source: String?, target: String?, isAsItIs: Bool
    ) throws {
        guard record else { return }
        guard isAsItIs, moment.asked.isNow else {
            throw CommandError(
                "cannot record an answer to a question of one's own: --record judges all there is, by the plan",
                remedy: "leave out what narrows the question or changes its settings", status: ExitStatus.usage)
        }
        let log = try ledger.openToWrite(command: "record", key: key)
        try AnalyzeStep.run(log, path: try ledger.path(), actor: LocalActor.current(), source: source, target: target)
        try log.close()
    }
}
