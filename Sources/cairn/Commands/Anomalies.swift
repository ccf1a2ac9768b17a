import ArgumentParser
import CairnAnalyzer
import CairnBytes
import CairnLedger
import CairnReadModels
import CairnRecorder
import CairnReports
import CairnSeries
import CairnWeb

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
        let (since, until) = try range.range(now: SystemClock().now())
        var request = AnomalyRequest(selector: try parsedSelector())
        request.sinceMs = since?.milliseconds
        request.untilMs = until?.milliseconds
        if record { try recordFindings(request) }
        let workspace = try Workspace.open(ledger, command: "anomalies", moment: moment)
        if let changedAt { return try judgeChange(request, changedAt, workspace) }
        var reports: [AnomalyReport]
        if scores {
            reports = try AnomalyAnalyzer.scores(workspace.readModel, request) { key, scored in
                try Terminal.write(
                    TableRenderer.jsonLine(AnomaliesCommand.row(key, scored), columns: Self.scoreColumns))
            }
        } else {
            reports = try AnomalyAnalyzer.analyze(workspace.readModel, request)
        }
        reports.removeAll { $0.samples == 0 }
        guard !reports.isEmpty else { throw nothingFound }
        if !scores { try output.print(AnomaliesAnswer.table(reports)) }
        AnomaliesCommand.noteUndecided(reports)
        SampleWarnings.show(workspace.readModel)
        if reports.contains(where: { !$0.events.isEmpty }) { throw ExitStatus.finding }
        if reports.allSatisfy({ $0.undecided != nil }) { throw ExitStatus.undecided }
    }

    private func recordFindings(_ request: AnomalyRequest) throws {
        guard !scores, changedAt == nil, moment.at == nil, moment.knownAt == nil, moment.entry == nil else {
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

    private var nothingFound: CommandError {
        CommandError(
            "cannot find a sample of \(selector) in this time",
            remedy: "`cairn query 'SELECT DISTINCT name FROM series'` lists the metrics there are",
            status: ExitStatus.data)
    }

    private func judgeChange(_ request: AnomalyRequest, _ moment: TimeArgument, _ workspace: Workspace) throws {
        guard !scores, range.since == nil else {
            throw CommandError(
                "cannot use --changed-at with --scores or --since: it judges one moment", status: ExitStatus.usage)
        }
        let change = moment.moment(now: SystemClock().now())
        let changes = try AnomalyAnalyzer.changes(workspace.readModel, request, changeMs: change.milliseconds)
        guard !changes.isEmpty else { throw nothingFound }
        try output.print(AnomaliesAnswer.table(changes))
        SampleWarnings.show(workspace.readModel)
        if changes.contains(where: { $0.change.verdict == .moved }) { throw ExitStatus.finding }
        if changes.allSatisfy({ $0.change.verdict == .undecided }) { throw ExitStatus.undecided }
    }

    private func parsedSelector() throws -> SeriesSelector {
        do {
            return try SeriesSelector(parsing: selector)
        } catch {
            throw CommandError(
                "\(error)", remedy: "write it as metric{label=\"value\"}", status: ExitStatus.usage)
        }
    }

    private static let scoreColumns = ["time", "value", "score", "rate", "series"].map { Table.Column($0) }

    private static func row(_ key: SeriesKey, _ scored: AnomalyAnalyzer.Scored) -> [Table.Cell] {
        [
            .optional(Timestamp(milliseconds: scored.timeMs)), .number(scored.value), .number(scored.score),
            .optional(scored.rate), .text(key.description),
        ]
    }

    private static let shownMax = 5

    /// What could not be judged, and why, is never silent.
    private static func noteUndecided(_ reports: [AnomalyReport]) {
        let undecided = reports.filter { $0.undecided != nil }
        for report in undecided.prefix(shownMax) {
            Terminal.note("undecided: \(report.key) has \(report.undecided ?? "")")
        }
        if undecided.count > shownMax { Terminal.note("undecided: \(undecided.count - shownMax) more series") }
    }
}
