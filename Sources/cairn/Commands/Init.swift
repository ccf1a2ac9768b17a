import ArgumentParser
import CairnBytes
import CairnLedger
import CairnWeb

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make a ledger and its signing key.",
        discussion: """
            Prints the verifier key: keep it elsewhere, it is what shows later that a ledger is this one.

            Examples:
              cairn init --ledger ./ledger --origin migrations.example.com/harbor
              cairn init --ledger ./new --continues old/checkpoint    go on after a loss
            """)

    @Option(
        help: ArgumentHelp("The name of the log in its checkpoints (default: host name and folder).", valueName: "name")
    )
    var origin: String?

    @Option(
        help: ArgumentHelp("The last checkpoint of the ledger that this one goes on from.", valueName: "checkpoint"))
    var continues: String?

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var key: KeyArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        let path = try ledger.path()
        let origin = origin ?? InitCommand.defaultOrigin(path)
        guard let keyFile = try key.named ?? KeyArguments.freshPath(origin: origin) else {
            throw CommandError(
                "cannot tell where the signing key goes", remedy: "pass --key FILE or set CAIRN_KEY",
                status: ExitStatus.usage)
        }
        let isReused = try RealDisk().kind(of: keyFile) != nil
        try InitCommand.makeParents(of: keyFile)
        let continuing = try continues.map { try InitCommand.read($0) }
        let made = try Ledger.create(
            at: path, origin: origin, keyFile: keyFile, continuing: continuing,
            environment: .live(command: "cairn init"))
        let verifier = made.verifierKey?.description
        let identity = Hex.string(made.identity)
        try made.close()
        if isReused {
            Terminal.note(
                "note: \(keyFile) was there already: whoever verifies cannot tell the ledgers apart that it signs")
        }
        guard output.format == .table else {
            return try output.print(
                .ofOne([
                    ("ledger", .text(path)), ("origin", .text(origin)), ("ledger_id", .text(identity)),
                    ("signing_key", .text(keyFile)), ("verifier_key", .optional(verifier)),
                ]))
        }
        try Terminal.write(
            """
            ledger        \(path)
            origin        \(origin)
            signing key   \(keyFile) (keep it out of backups of the ledger)
            verifier key  \(verifier ?? "none")

            Keep the verifier key somewhere else: `cairn verify --vkey KEY` needs it to show that nobody replaced the ledger.

            """)
    }

    private static func defaultOrigin(_ path: String) -> String {
        let folder = path.split(separator: "/").last.map(String.init) ?? "ledger"
        let name = "\(LocalActor.hostName())/\(folder)"
        return String(name.map { $0.isWhitespace || $0 == "+" ? "-" : $0 })
    }

    /// The folders above the key are made for the user alone.
    private static func makeParents(of file: String) throws {
        let disk = RealDisk()
        var missing: [String] = []
        var folder = String(file[..<(file.lastIndex(of: "/") ?? file.startIndex)])
        while !folder.isEmpty, try disk.kind(of: folder) == nil {
            missing.append(folder)
            folder = String(folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)])
        }
        for folder in missing.reversed() { try disk.createFolder(folder) }
    }

    /// A checkpoint has a few lines; anything larger is another file.
    private static let checkpointBytesMax: UInt64 = 1 << 16

    static func read(_ file: String) throws -> String {
        let handle = try RealDisk().open(file, .read)
        defer { handle.close() }
        let bytes = try handle.readAll(limit: checkpointBytesMax)
        guard let text = String(validating: bytes) else {
            throw CommandError("cannot read \(file): it is not text", status: ExitStatus.data)
        }
        return text
    }
}
