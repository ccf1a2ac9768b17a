import ArgumentParser
import CairnBytes
import CairnLedger

struct ProveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove", abstract: "An offline proof of one entry, in the form of c2sp.org/tlog-proof@v1.",
        discussion: """
            The proof says that the entry is in the log whose checkpoint it carries; the entry itself goes to --entry-to. \
            Whoever has the verifier key can check both without this ledger.

            Examples:
              cairn prove 41 > 41.tlog-proof
              cairn prove 41 --entry-to 41.json > 41.tlog-proof
            """)

    @Argument(help: ArgumentHelp("The position of the entry.", valueName: "position"))
    var position: UInt64

    @Option(help: ArgumentHelp("Write the entry's bytes, which the proof is about.", valueName: "file"))
    var entryTo: String?

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var key: KeyArguments

    func run() throws {
        let log = try CheckpointCommand.open(ledger, key, command: "prove")
        let proof = try log.prove(position)
        if let entryTo {
            let file = try RealDisk().open(entryTo, .readWriteCreate(permissions: DiskOpenMode.ledgerPermissions))
            defer { file.close() }
            try file.truncate(to: 0)
            try file.writeAll(try log.entryBytes(at: position), at: 0)
        }
        try Terminal.write(proof.bytes)
        try log.close()
    }
}
