import ArgumentParser
import CairnBytes
import CairnLedger
import CairnReports
import CairnWeb

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
        let kept = try against.map { file in
            do { return try SignedCheckpoint(parsing: Array(try InitCommand.read(file).utf8)) } catch let error
                as NoteError
            {
                throw CommandError("cannot use the checkpoint \(file): \(error)", status: ExitStatus.data)
            }
        }
        let path = try ledger.path()
        let environment = LedgerEnvironment.live(command: "cairn verify")
        let report = try LedgerVerifier.verify(at: path, environment: environment, vkey: key, against: kept)
        for damage in report.torn {
            Terminal.note("unfinished: \(damage.file) from byte \(damage.offset) on: \(damage.reason)")
        }
        for problem in report.problems {
            Terminal.note(problem.description)
            guard problem.code == .fork else { continue }
            for checkpoint in kept { Terminal.note(String(decoding: checkpoint.bytes, as: UTF8.self)) }
            if let own = try? Ledger.open(at: path, access: .readOnly, environment: environment).checkpoint() {
                Terminal.note(String(decoding: own.bytes, as: UTF8.self))
            }
        }
        if key == nil, report.signedSize != nil {
            Terminal.note(
                "note: no --vkey was given, so this shows that the ledger is intact, not that it is the one you mean")
        }
        if let signed = report.signedSize, signed < report.entries {
            Terminal.note(
                "note: entries \(signed) to \(report.entries - 1) came after the last checkpoint: no signature covers "
                    + "them")
        }
        try output.print(VerifyCommand.table(report))
        // A torn tail was never acknowledged, and the next writer cuts it off.
        if report.verdict == .corrupt { throw ExitStatus.finding }
    }

    static func key(_ text: String) throws -> VerifierKey {
        var text = text
        if (try? RealDisk().kind(of: text)) == .file { text = try InitCommand.read(text) }
        while text.last?.isWhitespace == true { text.removeLast() }
        do { return try VerifierKey(text) } catch {
            throw CommandError("cannot use --vkey: \(error)", status: ExitStatus.usage)
        }
    }

    private static func table(_ report: VerifyReport) -> Table {
        .ofOne([
            ("verdict", .text(report.verdict.rawValue)), ("origin", .text(report.origin)),
            ("ledger_id", .text(Hex.string(report.ledgerID))), ("entries", .integer(report.entries)),
            ("signed_entries", .optional(report.signedSize)), ("root", .text(report.root)),
            ("segments", .integer(report.segments)), ("frames", .integer(report.frames)),
            ("streams", .integer(report.streams)), ("attachments", .integer(report.attachments)),
            ("gone_attachments", .integer(report.goneAttachments)),
            ("bytes", .integer(report.segmentBytes + report.attachmentBytes)),
            ("problems", .integer(report.problems.count)), ("torn", .integer(report.torn.count)),
        ])
    }
}
