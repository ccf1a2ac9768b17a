import ArgumentParser
import CairnAnalyzer
import CairnLedger
import CairnReports

struct DivergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diverge", abstract: "Compare two clusters, application by application, metric by metric.",
        discussion: """
            Three verdicts: DIVERGED, EQUIVALENT within the margin, or UNDECIDED with what it would take to decide. Data \
            before --since (by default the start of the phase in which traffic moved) is the baseline and never evidence. \
            Exits with 1 if anything diverged for the worse, with 2 if nothing could be decided.

            Examples:
              cairn diverge
              cairn diverge --source self-managed --target eks --since -6h -o json
              cairn diverge --findings-only
              cairn diverge --record
              cairn diverge --explain-metrics
            """)

    @Option(
        help: ArgumentHelp("The cluster that is left (default: of the ledger's one migration).", valueName: "cluster"))
    var source: String?

    @Option(help: ArgumentHelp("The cluster that is moved to.", valueName: "cluster"))
    var target: String?

    @Option(help: ArgumentHelp("The label that names the application.", valueName: "label"))
    var appLabel: [String] = []

    @Option(
        help: ArgumentHelp(
            "What a metric means, where its name does not say it (repeatable): "
                + DivergenceMeaning.vocabulary.joined(separator: ", ") + ".", valueName: "metric=meaning"))
    var meaning: [String] = []

    @Flag(help: "What each metric is taken for, who says so, and which are not compared and why.")
    var explainMetrics = false

    @Flag(help: "Only what diverged.")
    var findingsOnly = false

    @OptionGroup var recording: RecordArguments
    @OptionGroup var range: RangeArguments
    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var moment: MomentArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        var question = DivergenceQuestion()
        question.source = source
        question.target = target
        question.appLabels = appLabel
        question.meanings = meaning
        question.range = range.asked
        question.findingsOnly = findingsOnly
        question.explainsMetrics = explainMetrics
        let isAsItIs = appLabel.isEmpty && meaning.isEmpty && range.asked == AskedRange()
        try recording.runIfAsked(ledger, moment, source: source, target: target, isAsItIs: isAsItIs)
        let workspace = try Workspace.open(ledger, command: "diverge", moment: moment)
        let now = try workspace.clock(now: SystemClock().now())
        try output.print(question.answer(workspace, now: now), from: workspace.readModel)
    }
}
