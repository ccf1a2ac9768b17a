import ArgumentParser
import CairnLedger
import CairnReports

struct DropsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drops", abstract: "Find traffic that was dropped, from VPC flow logs.",
        discussion: """
            A third party's firewall never writes a REJECT into our flow logs: connections that go out and are never \
            answered count as much. Attempts of strangers are counted and are no finding. Exits with 1 if anything \
            deviates in one cluster only.

            Examples:
              cairn drops
              cairn drops --source self-managed --target eks --since -6h -o json
              cairn drops --record
            """)

    @Option(
        help: ArgumentHelp("The cluster that is left (default: of the ledger's one migration).", valueName: "cluster"))
    var source: String?

    @Option(help: ArgumentHelp("The cluster that is moved to.", valueName: "cluster"))
    var target: String?

    @Option(
        help: ArgumentHelp(
            "How long a minute waits for an interface that is behind: 12 for files from S3, 6 from CloudWatch Logs.",
            valueName: "minutes"))
    var watermark = DropsQuestion.watermarkMinutesUsual

    @OptionGroup var recording: RecordArguments
    @OptionGroup var range: RangeArguments
    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var moment: MomentArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        var question = DropsQuestion()
        question.source = source
        question.target = target
        question.watermarkMinutes = watermark
        question.range = range.asked
        let isAsItIs = watermark == DropsQuestion.watermarkMinutesUsual && range.asked == AskedRange()
        try recording.runIfAsked(ledger, moment, source: source, target: target, isAsItIs: isAsItIs)
        let workspace = try Workspace.open(ledger, command: "drops", moment: moment)
        try output.print(question.answer(workspace, now: workspace.clock(now: SystemClock().now())))
    }
}
