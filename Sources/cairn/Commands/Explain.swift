import ArgumentParser
import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnReports
import CairnWeb

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Why a finding is one: the data, the test, the evidence over time.",
        discussion: """
            Explains a recorded finding from its own events, and says what would change the verdict.

            Examples:
              cairn query "SELECT finding, kind, reason FROM findings"
              cairn explain drop-3f2a
              cairn explain diverge-9c1e -o html > finding.html
            """)

    @Argument(help: "The finding's id; its beginning is enough.")
    var id: String

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var moment: MomentArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        let workspace = try Workspace.open(ledger, command: "explain", moment: moment)
        let explanation = try ExplainAnswer.explanation(
            of: id, workspace, now: workspace.clock(now: SystemClock().now()))
        try Terminal.write(ExplanationRenderer.render(explanation, as: output.format))
    }
}
