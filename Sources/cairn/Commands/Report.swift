import ArgumentParser
import CairnLedger
import CairnModel
import CairnReports
import CairnWeb

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "For auditors: the population of changes, and the pack of one change.",
        subcommands: [PopulationCommand.self, ChangeCommand.self])
}

struct PopulationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "population", abstract: "All changes, with how the list was made.",
        discussion: """
            Says the query, its parameters, who ran it and when, the number of rows, the range of positions and the signed \
            checkpoint, so that the same list can be made again and shown to be complete.

            Example:
              cairn report population --since 2026-01-01 --until 2026-04-01 -o csv
            """)

    @OptionGroup var range: RangeArguments
    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var moment: MomentArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        let now = SystemClock().now()
        let (since, until) = try range.asked.times(now: now)
        let workspace = try Workspace.fromTheLog(ledger, command: "report", moment: moment)
        let provenance = try AuditReport.Provenance(
            person: LocalActor.current().id, time: now, ledger: workspace.ledger)
        let report = AuditReport(readModel: workspace.readModel, provenance: provenance)
        try Terminal.write(
            ReportRenderer.render(try report.population(since: since, until: until), as: output.format))
    }
}

struct ChangeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "change", abstract: "The pack of one change: request, approval, tests, result, findings.",
        discussion: """
            Example:
              cairn report change migration/harbor-eu-1 -o html > change.html
            """)

    @Argument(help: "The stream of the migration or deployment, or its id.")
    var id: String

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var moment: MomentArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        let workspace = try Workspace.fromTheLog(ledger, command: "report", moment: moment)
        let stream = try StatusAnswer.stream(id, in: workspace)
        let provenance = try AuditReport.Provenance(
            person: LocalActor.current().id, time: SystemClock().now(), ledger: workspace.ledger)
        let report = AuditReport(readModel: workspace.readModel, provenance: provenance)
        try Terminal.write(ReportRenderer.render(try report.change(stream), as: output.format))
    }
}
