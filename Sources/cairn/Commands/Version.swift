import ArgumentParser
import CairnLedger
import CairnReadModels
import CairnWeb

/// The version that this source is.
let cairnVersion = "0.1.0"

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version.",
        discussion: """
            Examples:
              cairn version
              cairn version -o json    also the version of the log's format and of SQLite
            """)

    @OptionGroup var output: OutputArguments

    func run() throws {
        if output.format == .table { return try Terminal.line("cairn \(cairnVersion)") }
        try output.print(
            .ofOne([
                ("cairn", .text(cairnVersion)), ("log_format", .integer(Format.version)),
                ("sqlite", .text(ReadModel.sqliteVersion)),
            ]))
    }
}
