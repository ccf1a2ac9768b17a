import ArgumentParser
import CairnBytes
import CairnLedger
import CairnModel
import CairnReports
import CairnWeb

struct ProveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove", abstract: "An offline proof of one entry, or that a stream is complete.",
        discussion: """
            The proof of an entry (c2sp.org/tlog-proof@v1) says that it is in the log whose checkpoint it carries; the \
            entry itself goes to --entry-to. The proof of a stream holds all of its events and shows that none is left \
            out. Whoever has the verifier key can check both without this ledger. The form `table` is the proof file itself.

            Examples:
              cairn prove 41 --entry-to 41.json > 41.tlog-proof
              cairn prove --stream migration/harbor-eu-1 > harbor.stream-proof
              cairn prove --check harbor.stream-proof --vkey 'harbor.example/ledger+db3574b5+AWwe...'
            """)

    @Argument(help: ArgumentHelp("The position of the entry.", valueName: "position"))
    var position: UInt64?

    @Option(help: ArgumentHelp("Prove that this stream is complete.", valueName: "stream"))
    var stream: String?

    @Option(help: ArgumentHelp("Check the proof of a stream instead of making one.", valueName: "file"))
    var check: String?

    @Option(help: ArgumentHelp("With --check: the verifier key of the log.", valueName: "key"))
    var vkey: String?

    @Option(help: ArgumentHelp("Write the entry's bytes, which the proof is about.", valueName: "file"))
    var entryTo: String?

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var key: KeyArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        if let check { return try runCheck(check) }
        guard (position == nil) != (stream == nil) else {
            throw CommandError(
                "cannot tell what to prove", remedy: "name a position or --stream", status: ExitStatus.usage)
        }
        let log = try CheckpointCommand.open(ledger, key, command: "prove")
        defer { try? log.close() }
        if let stream {
            let proof = try log.proveStream(try ReplayCommand.stream(stream), isCommitting: log.access == .readWrite)
            return try Terminal.line(CanonicalJSON.string(of: proof.json))
        }
        guard let position else { return }
        let proof = try log.prove(position)
        if let entryTo {
            let file = try RealDisk().open(entryTo, .readWriteCreate(permissions: DiskOpenMode.ledgerPermissions))
            defer { file.close() }
            try file.truncate(to: 0)
            try file.writeAll(try log.entryBytes(at: position), at: 0)
        }
        guard output.format == .table else { return try output.print(LogAnswers.table(proof, of: position)) }
        try Terminal.write(proof.bytes)
    }

    private func runCheck(_ file: String) throws {
        guard let vkey else {
            throw CommandError("cannot check a proof without --vkey", status: ExitStatus.usage)
        }
        let handle = try RealDisk().open(file, .read)
        defer { handle.close() }
        let proof = try StreamProof(parsing: try handle.readAll(limit: UInt64(StreamProof.bytesMax)))
        let key = try VerifyCommand.key(vkey)
        var reason: String?
        do { try proof.verify(logKeys: [key]) } catch { reason = "\(error)" }
        if output.format != .table {
            try output.print(
                .ofOne([
                    ("stream", .text(proof.stream.text)), ("complete", .boolean(reason == nil)),
                    ("events", .integer(proof.events.count)), ("up_to_position", .integer(proof.seal.position)),
                    ("reason", .optional(reason)),
                ]))
        } else if reason == nil {
            try Terminal.line(
                "all \(proof.events.count) events of \(proof.stream) up to position \(proof.seal.position) are there")
        }
        if let reason {
            Terminal.note("the proof does not hold: \(reason)")
            throw ExitStatus.finding
        }
    }
}
