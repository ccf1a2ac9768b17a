import ArgumentParser
import CairnLedger
import CairnReports

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check everything: files, chain, tree, signatures.",
        discussion: """
            Every byte of every segment and attachment, the order of entries, the tree against the signed checkpoints. \
            --vkey is the verifier key that `cairn init` printed; without it the ledger vouches for itself. What is made \
            from the log (read-model.sqlite, tile/) is not looked at: `cairn rebuild` makes the read models again, and \
            `cairn report` reads the log itself. --against is \
            a checkpoint that was kept: if the ledger does not contain it, the two are printed as a FORK. Exits with 1 \
            if the ledger is not intact.

            Examples:
              cairn verify
              cairn verify --vkey 'harbor.example/ledger+db3574b5+AWwe...' \\
                --against harbor.checkpoint
            """)

    @Option(help: ArgumentHelp("The verifier key, or a file that holds it.", valueName: "key"))
    var vkey: String?

    @Option(help: ArgumentHelp("A checkpoint that was kept.", valueName: "checkpoint"))
    var against: [String] = []

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        let key = try vkey.map { try VerifyCommand.key($0) }
        let kept = try against.map { try LogAnswers.checkpoint(try InitCommand.read($0), from: $0) }
        try output.print(
            LogAnswers.verify(
                at: ledger.path(), environment: .live(command: "cairn verify"), vkey: key, against: kept))
    }

    /// A key, or the file that holds one.
    static func key(_ text: String) throws -> VerifierKey {
        let isFile = (try? RealDisk().kind(of: text)) == .file
        return try LogAnswers.verifierKey(isFile ? InitCommand.read(text) : text)
    }
}
