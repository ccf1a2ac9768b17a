import ArgumentParser
import CairnReadModels
import CairnReports
import CairnWeb

struct RebuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild", abstract: "Make the read models anew from the log.",
        discussion: """
            The new tables are made beside the old ones and take their place at once; readers never see a hole.

            Example:
              cairn rebuild
            """)

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        let path = try ledger.path()
        let log = try ledger.openToRead(command: "rebuild")
        let readModel = try ReadModel.open(path: Workspace.readModelPath(of: path))
        let progress = try readModel.rebuild(from: log)
        if let notice = readModel.notice {
            throw CommandError("cannot rebuild the read models of \(path): \(notice)", status: ExitStatus.inputOutput)
        }
        try output.print(
            Table(
                columns: [Table.Column("events"), Table.Column("next_position")],
                rows: [[.integer(progress.events), .integer(progress.next)]]))
    }
}
