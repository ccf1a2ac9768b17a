import ArgumentParser
import CairnLedger
import CairnReports
import CairnWeb

extension TimelineFormat: ExpressibleByArgument {}

struct TimelineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "timeline", abstract: "Tell the story of an incident, a migration or a stretch of time.",
        discussion: """
            Every line has its time in UTC, who did it, what was done, what it rests on, and its position in the log.

            Examples:
              cairn timeline --incident 3f2a9c > incident.md
              cairn timeline --migration harbor-eu-1 -o html > harbor.html
              cairn timeline --since -2h -o json
            """)

    @Option(help: ArgumentHelp("An incident's id.", valueName: "id"))
    var incident: String?

    @Option(help: ArgumentHelp("A migration's id.", valueName: "id"))
    var migration: String?

    @OptionGroup var range: RangeArguments
    @OptionGroup var ledger: LedgerArguments

    @Option(name: [.customShort("o"), .customLong("output")], help: "The form of the output.")
    var format: TimelineFormat = .md

    func run() throws {
        let scope = try TimelineScope(
            incident: incident, migration: migration, range: range.asked, now: SystemClock().now())
        let document = try TimelineReport.document(scope, ledger: ledger.openToRead(command: "timeline"))
        try Terminal.write(TimelineRenderer.render(document, as: format))
    }
}
