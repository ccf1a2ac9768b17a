import ArgumentParser
import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnReports
import CairnWeb

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Where each migration and deployment stands.",
        discussion: """
            Examples:
              cairn status
              cairn status harbor-eu-1       each phase of one migration, in both numberings
              cairn status --at 2026-03-10T10:00:00Z
            """)

    @Argument(help: "The id of a migration or deployment.")
    var id: String?

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var moment: MomentArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        let workspace = try Workspace.open(ledger, command: "status", moment: moment)
        guard let id else {
            return try output.print(StatusAnswer.all(workspace, now: workspace.clock(now: SystemClock().now())))
        }
        let stream = try StatusAnswer.stream(id, in: workspace)
        try output.print(StatusAnswer.one(stream, workspace))
    }
}
