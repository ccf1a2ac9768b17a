import ArgumentParser
import CairnBytes
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
        guard let question else {
            let rows: [[Table.Cell]] = library.all.map { query in
                let parameters = query.parameters.map(\.name).joined(separator: ", ")
                return [.text(query.name), .text(query.question), .text(parameters)]
            }
            let columns = ["name", "question", "parameters"].map { Table.Column($0) }
            return try output.print(Table(columns: columns, rows: rows))
        }
        let saved = library[question]
        if saved == nil, !question.contains(where: \.isWhitespace) {
            throw CommandError(
                "cannot find a saved query named \(question)", remedy: "`cairn query` lists them",
                status: ExitStatus.usage)
        }
        let workspace = try Workspace.open(
            ledger, command: "query", moment: moment, answering: saved?.sql ?? question)
        let arguments = try arguments(of: saved)
        var limits = QueryLimits.standard
        limits.secondsMax = timeout
        let result =
            if let saved {
                try workspace.readModel.query(saved, arguments, limits: limits)
            } else {
                try workspace.readModel.query(question, arguments, limits: limits)
            }
        var table = Table(result)
        if result.isTruncated { table.notes.append("There are more rows: narrow the question.") }
        try output.print(table)
        SampleWarnings.show(workspace.readModel)
        if result.isTruncated { Terminal.note("there are more than \(result.rows.count) rows; the rest is left out") }
    }

    private func arguments(of query: SavedQuery?) throws -> [String: SQLValue] {
        let now = SystemClock().now()
        var arguments: [String: SQLValue] = [:]
        for parameter in parameter {
            guard let mark = parameter.firstIndex(of: "=") else {
                throw CommandError(
                    "cannot read the parameter \(parameter)", remedy: "write it as name=value", status: ExitStatus.usage
                )
            }
            let name = String(parameter[..<mark])
            let value = String(parameter[parameter.index(after: mark)...])
            if query?.parameters.contains(where: { $0.name == name && $0.isTime }) == true {
                guard let time = TimeArgument(value) else {
                    throw CommandError(
                        "cannot read the time \(value) of the parameter \(name)", remedy: "write \(TimeArgument.help)",
                        status: ExitStatus.usage)
                }
                arguments[name] = .text(time.moment(now: now).description)
            } else {
                // 007 is a name and no number: as a number it would be another text.
                let number = Int64(value).flatMap { String($0) == value ? $0 : nil }
                arguments[name] = number.map { .integer($0) } ?? .text(value)
            }
        }
        return arguments
    }
}
