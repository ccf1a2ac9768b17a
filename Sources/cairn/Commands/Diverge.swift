import ArgumentParser
import CairnAnalyzer
import CairnBytes
import CairnLedger
import CairnRecorder
import CairnReports
import CairnWeb

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

    @OptionGroup var range: RangeArguments
    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var moment: MomentArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        let workspace = try Workspace.open(ledger, command: "diverge", moment: moment)
        let now = try moment.clock(in: workspace.ledger)
        let (since, until) = try range.range(now: now)
        guard let pair = try ClusterPair.named(source: source, target: target, in: workspace.readModel) else {
            throw CommandError(
                "cannot tell which clusters to compare: the ledger has no single migration",
                remedy: "pass --source and --target", status: ExitStatus.usage)
        }
        var request = DivergenceRequest(source: pair.source, target: pair.target)
        request.sinceMs = try (since ?? JudgedSince.ofPhase(pair, workspace.readModel))?.milliseconds
        request.untilMs = until?.milliseconds
        request.trafficShiftsMs = try TrafficShifts.times(pair, workspace.readModel)
        request.meanings = DivergenceMeaning.all(try PlannedMeanings.json(pair, workspace.readModel))
            .merging(try meanings()) { $1 }
        if !appLabel.isEmpty { request.appLabels = appLabel }
        let report = try DivergenceAnalyzer.analyze(workspace.readModel, request)
        guard !report.comparisons.isEmpty else {
            throw CommandError(
                "cannot find a metric of both \(pair.source) and \(pair.target) in this time",
                remedy: "import metrics with a cluster label, or with --cluster NAME", status: ExitStatus.data)
        }
        if explainMetrics {
            return try output.print(DivergenceAnswer.meanings(report, said: Set(request.meanings.keys)))
        }
        let words = try FindingWords(workspace, now: now)
        try output.print(DivergenceAnswer.table(report, words, findingsOnly: findingsOnly))
        SampleWarnings.show(workspace.readModel)
        if report.findings.contains(where: { words.counts($0.id) }) { throw ExitStatus.finding }
        if report.comparisons.allSatisfy({ $0.verdict == .undecided }) { throw ExitStatus.undecided }
    }

    private func meanings() throws -> [String: DivergenceMeaning] {
        var output: [String: DivergenceMeaning] = [:]
        for text in meaning {
            guard let mark = text.firstIndex(of: "="),
                let known = DivergenceMeaning(parsing: String(text[text.index(after: mark)...]))
            else {
                throw CommandError(
                    "cannot tell what \(text) says of a metric",
                    remedy: "use metric=meaning with one of \(DivergenceMeaning.vocabulary.joined(separator: ", "))",
                    status: ExitStatus.usage)
            }
            output[String(text[..<mark])] = known
        }
        return output
    }
}
