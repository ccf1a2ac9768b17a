import ArgumentParser
import CairnBytes
import CairnLedger
import CairnWeb

struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy a ledger that is in use, and prove that the copy is one.",
        discussion: """
            The copy is a ledger by itself: `cairn verify`, every question and `cairn serve` work on it, and the tables are \
            made again when somebody first asks. It holds no signing key. What was appended before the copy began is in \
            it. To go on from a backup after a loss: cairn init --continues CHECKPOINT.

            Examples:
              cairn backup --to /backup/harbor-2026-03-10
              cairn verify --ledger /backup/harbor-2026-03-10 --against harbor.checkpoint --vkey 'harbor...'
            """)

    @Option(help: ArgumentHelp("A folder that does not exist yet.", valueName: "dir"))
    var to: String

    @Flag(help: "Only copy; somebody else verifies.")
    var noVerify = false

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        let path = try ledger.path()
        let environment = LedgerEnvironment.live(command: "cairn backup")
        let before = try Ledger.open(at: path, access: .readOnly, environment: environment)
        let checkpoint = try before.checkpoint()
        let entries = before.size
        try LedgerBackup.copy(path, to: to, environment: environment) { progress in
            let percent = progress.bytesTotal == 0 ? 100 : progress.bytesDone * 100 / progress.bytesTotal
            Terminal.progress("\(progress.file): \(progress.bytesDone >> 20) MiB, \(percent) %")
        }
        Terminal.endProgress()
        var verdict: String?
        if !noVerify {
            let report = try LedgerVerifier.verify(
                at: to, environment: environment, vkey: nil, against: [checkpoint].compactMap { $0 })
            for problem in report.problems { Terminal.note(problem.description) }
            verdict = report.verdict.rawValue
            guard report.verdict != .corrupt, report.entries >= entries else {
                throw CommandError(
                    "cannot use the backup at \(to): it has \(report.entries) of \(entries) entries and is "
                        + report.verdict.rawValue, remedy: "verify the ledger itself: cairn verify",
                    status: ExitStatus.finding)
            }
        }
        try output.print(
            .ofOne([
                ("backup", .text(to)), ("entries", .integer(entries)), ("verdict", .optional(verdict)),
                ("signed_entries", .optional(checkpoint.map { $0.checkpoint.size })),
                ("root", .optional(checkpoint.map { "\($0.checkpoint.root)" })),
            ]))
    }
}
