import ArgumentParser
import CairnLedger
import CairnReadModels
import CairnReports
import CairnWeb

struct QueryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Answer a saved question, or any SQL that only reads.",
        discussion: """
            Examples:
              cairn query                                   the saved questions
              cairn query who-approved-what
              cairn query running-at -p time=2026-03-10T10:00:00Z
              cairn query 'SELECT kind, count(*) FROM findings GROUP BY kind' -o csv
              cairn query phase-durations --at 2026-03-10T10:00:00Z
            """)

    @Argument(help: "The name of a saved query, or a SQL statement. Without it, the saved queries are listed.")
    var question: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("A parameter of the query.", valueName: "name=value"))
    var parameter: [String] = []

    @Option(help: ArgumentHelp("Stop a query that takes longer.", valueName: "seconds"))
    var timeout: Double = QueryLimits.standard.secondsMax

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var moment: MomentArguments
    @OptionGroup var output: OutputArguments

    func validate() throws {
        guard timeout > 0, timeout <= 86_400 else {
            throw ValidationError("--timeout takes seconds above 0 and up to 86400, a day")
        }
    }

    func run() throws {
        let library = try SavedQueries.load(folder: Terminal.environment("CAIRN_QUERIES"))
        guard let question else { return try output.print(QueryAnswer.catalog(library)) }
        let saved = library[question]
        if saved == nil, !question.contains(where: \.isWhitespace) {
            throw CommandError(
                "cannot find a saved query named \(question)", remedy: "`cairn query` lists them",
                status: ExitStatus.usage)
        }
        let workspace = try Workspace.open(
            ledger, command: "query", moment: moment, answering: saved?.sql ?? question)
        let arguments = try QueryAnswer.arguments(parameter, of: saved, now: SystemClock().now())
        var limits = QueryLimits.standard
        limits.secondsMax = timeout
        let result =
            if let saved {
                try workspace.readModel.query(saved, arguments, limits: limits)
            } else {
                try workspace.readModel.query(question, arguments, limits: limits)
            }
        try output.print(QueryAnswer.answered(result), from: workspace.readModel)
    }
}
