import ArgumentParser
import CairnAnalyzer
import CairnLedger
import CairnReadModels
import CairnRecorder
import CairnReports

struct AnomaliesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "anomalies", abstract: "Find what is unusual in any series, judged by its own past.",
        discussion: """
            Every sample is compared with the level before it and, where the history shows one, with the course of the day \
            and of the week; what counts is how rare such a distance was so far. An anomaly raises one alarm and lasts until \
            the series is calm again. A counter is judged as its growth per second. Exits with 1 if there is an anomaly, \
            with 2 if no series has enough samples to be judged.

            With --changed-at the question is whether each series moved at that moment, more than it does at other moments \
            of its own earlier days: MOVED, WITHIN or UNDECIDED.

            Examples:
              cairn anomalies 'http_requests_total{app="shop",code="500"}'
              cairn anomalies http_p99_seconds --since -6h -o json
              cairn anomalies 'kafka_lag{cluster="eks"}' --scores
              cairn anomalies kafka_lag --record
              cairn anomalies http_p99_seconds --changed-at 2026-03-10T10:00:00Z
            """)

    @Argument(help: "Which series, as PromQL writes it: a metric's name, label matchers in braces, or both.")
    var selector: String

    @Flag(help: "One JSON object a line for each sample: time, value, score from 0 to 1, series.")
    var scores = false

    @Flag(help: "Record the anomalies as findings, so that explain and timeline know them.")
    var record = false

    @Option(help: ArgumentHelp("Judge what a change at this moment did, by earlier days.", valueName: "time"))
    var changedAt: TimeArgument?

    @OptionGroup var range: RangeArguments
    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var key: KeyArguments
    @OptionGroup var moment: MomentArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        var question = AnomaliesQuestion(selector: selector)
        question.range = range.asked
        question.changedAt = changedAt
        if record { try recordFindings(question.request(now: SystemClock().now())) }
        let workspace = try Workspace.open(ledger, command: "anomalies", moment: moment)
        let now = try workspace.clock(now: SystemClock().now())
        guard scores else {
            return try output.print(question.answer(workspace, now: now), from: workspace.readModel)
        }
        try OutputArguments.end(
            question.scores(workspace, now: now) { try Terminal.write($0) }, from: workspace.readModel)
    }

    private func recordFindings(_ request: AnomalyRequest) throws {
        guard !scores, changedAt == nil, moment.asked.isNow else {
            throw CommandError(
                "cannot record with --scores, --changed-at or as of another moment", status: ExitStatus.usage)
        }
        let log = try ledger.openToWrite(command: "anomalies", key: key)
        let readModel = try ReadModel.open(path: Workspace.readModelPath(of: try ledger.path()))
        let outcome = try Analysis(ledger: log, readModel: readModel, actor: LocalActor.current())
            .recordAnomalies(request)
        try log.close()
        Terminal.note(
            "recorded: \(outcome.opened) findings opened, \(outcome.revised) revised, \(outcome.withdrawn) withdrawn")
    }
}
