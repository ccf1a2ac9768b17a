import ArgumentParser
import CairnLedger
import CairnReports
import CairnWeb

struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint", abstract: "The signed head of the log.",
        discussion: """
            With the signing key the present size is signed first. --export writes a static folder that any verifier of \
            C2SP tlog-tiles reads (checkpoint, hash tiles, entry bundles), and the verifier key in DIR/vkey. The form `table` \
            is the signed note itself, which --against of `cairn verify` reads.

            Examples:
              cairn checkpoint > harbor.checkpoint
              cairn checkpoint --export ./public
            """)

    @Option(help: ArgumentHelp("Write the whole log as static files.", valueName: "dir"))
    var export: String?

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var key: KeyArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        let log = try CheckpointCommand.open(ledger, key, command: "checkpoint")
        guard let checkpoint = try log.checkpoint() else {
            throw CommandError(
                "cannot show a checkpoint: none was ever signed for this ledger", remedy: "pass --key FILE",
                status: ExitStatus.data)
        }
        if let export {
            try CheckpointCommand.write(log, to: export)
            Terminal.note("wrote the log up to entry \(checkpoint.checkpoint.size) to \(export)")
        }
        try log.close()
        guard output.format == .table else {
            return try output.print(LogAnswers.table(checkpoint, export: export))
        }
        try Terminal.write(checkpoint.bytes)
    }

    /// Opens for signing where there is a key and the folder can be written, else for reading.
    static func open(_ ledger: LedgerArguments, _ key: KeyArguments, command: String) throws -> Ledger {
        guard try key.existing(for: try ledger.path()) != nil else { return try ledger.openToRead(command: command) }
        do {
            return try ledger.openToWrite(command: command, key: key)
        } catch let error as LedgerError where [.readOnly, .denied].contains(error.code) {
            return try ledger.openToRead(command: command)
        }
    }

    private static func write(_ log: Ledger, to folder: String) throws {
        let disk = RealDisk()
        var folders: Set<String> = []
        try log.export { path, bytes in
            var parent = folder
            if folders.insert(parent).inserted, try disk.kind(of: parent) == nil { try disk.createFolder(parent) }
            for part in path.split(separator: "/").dropLast() {
                parent += "/\(part)"
                if folders.insert(parent).inserted, try disk.kind(of: parent) == nil { try disk.createFolder(parent) }
            }
            let file = try disk.open(
                "\(folder)/\(path)", .readWriteCreate(permissions: DiskOpenMode.ledgerPermissions))
            defer { file.close() }
            try file.truncate(to: 0)
            try file.writeAll(bytes, at: 0)
        }
    }
}
