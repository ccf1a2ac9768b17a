import ArgumentParser
import CairnLedger
import CairnReports

struct StatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Sizes and ratios of a ledger.",
        discussion: """
            Example:
              cairn stats
            """)

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        let workspace = try Workspace.open(ledger, command: "stats")
        try output.print(StatsAnswer.answer(workspace, disk: RealDisk()))
    }
}
