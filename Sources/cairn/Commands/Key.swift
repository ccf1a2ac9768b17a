import ArgumentParser
import CairnLedger
import CairnReports
import CairnWeb

struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "The keys that sign the log's checkpoints.",
        subcommands: [KeyShowCommand.self, KeyRotateCommand.self])
}

struct KeyShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Which key signs which sizes of the log, and whether it is here.",
        discussion: """
            One row for each key the log has had. `verify` accepts a checkpoint only from the key of its size.

            Example:
              cairn key show -o json
            """)

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var key: KeyArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        let log = try ledger.openToRead(command: "key show")
        let file = try key.existing(for: log.path)
        let here = try file.flatMap { try KeyFile($0).key?.verifier }
        try output.print(LogAnswers.keys(log, here: here, file: file))
    }
}

struct KeyRotateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Go over to a new signing key, by an event that both keys sign.",
        discussion: """
            The new key takes the place of the old one, which is kept beside it as FILE.retired-ID: destroy it, or keep it \
            where nobody signs with it. With --new-key nothing is moved, and --key has to name the new file from then on. \
            Prints the new verifier key: keep it elsewhere, beside the old one, which checkpoints up to now still need. \
            Run again after an interruption, it finishes what was begun.

            Examples:
              cairn key rotate
              cairn key rotate --key ./old.key --new-key ./new.key
            """)

    @Option(help: ArgumentHelp("Where the new key is or goes; nothing is moved then.", valueName: "file"))
    var newKey: String?

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var key: KeyArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        let path = try ledger.path()
        guard let file = try key.existing(for: path), let old = try KeyFile(file).key else {
            throw CommandError(
                "cannot rotate the key: the present one is not here", remedy: "name its file with --key or CAIRN_KEY")
        }
        let next = KeyFile(newKey ?? KeyFile.nextPath(of: file))
        // A rotation that was interrupted after its event: the log signs with the next key already.
        if newKey == nil, let finished = try finish(file, next, path) { return try show(finished) }
        let log = try ledger.openToWrite(command: "key rotate", key: key)
        do { try log.rotateKey(to: next.path, actor: LocalActor.current()) } catch {
            if newKey == nil { _ = try? finish(file, next, path) }
            throw error
        }
        try log.close()
        if newKey == nil { try KeyFile(file).replace(with: next, retiring: old.verifier.idText) }
        try show(try self.result(path, file: newKey ?? file))
    }

    private struct Result {
        var position: UInt64
        var oldKey: VerifierKey
        var newKey: VerifierKey
        var file: String
    }

    private func finish(_ file: String, _ next: KeyFile, _ path: String) throws -> Result? {
        guard let key = try next.key, let old = try KeyFile(file).key else { return nil }
        let result = try? self.result(path, file: file)
        guard let result, result.newKey == key.verifier, old.verifier != key.verifier else { return nil }
        try KeyFile(file).replace(with: next, retiring: old.verifier.idText)
        return result
    }

    /// What the last rotation in the log says.
    private func result(_ path: String, file: String) throws -> Result {
        let ranges = try ledger.openToRead(command: "key rotate").keyHistory().ranges
        guard ranges.count >= 2 else {
            throw CommandError("cannot find the rotation in the log", status: ExitStatus.finding)
        }
        let (old, new) = (ranges[ranges.count - 2], ranges[ranges.count - 1])
        return Result(position: old.through, oldKey: old.key, newKey: new.key, file: file)
    }

    private func show(_ result: Result) throws {
        try output.print(
            .ofOne([
                ("position", .integer(result.position)), ("old_key_id", .text(result.oldKey.idText)),
                ("new_key_id", .text(result.newKey.idText)), ("signing_key", .text(result.file)),
                ("verifier_key", .text(result.newKey.description)),
            ]))
    }
}
