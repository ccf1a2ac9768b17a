import ArgumentParser
import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnReports
import CairnWeb

struct RedactCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redact", abstract: "Erase private content of an entry; every proof stays valid.",
        discussion: """
            What the schema calls private (comments, notes) lies beside the log and not in it, so that it can go: its bytes \
            leave every file of the ledger and the read model, and an event says what went, why, and who approved. The \
            entry stays, with its type, stream, times and other data: proofs are about it. --role names other content to \
            erase (data, received, samples, flow-counters); what was found from it cannot be judged again. Copies of the \
            folder made before still have it.

            Examples:
              cairn redact 41 --reason 'request 7' --approved-by bob --dry-run
              cairn redact 41 --reason 'request 7' --approved-by bob
              cairn redact 12 --role samples --reason 'contract ended' --approved-by bob
            """)

    @Argument(help: ArgumentHelp("The position of the entry.", valueName: "position"))
    var position: UInt64

    @Option(help: ArgumentHelp("Why, for the log.", valueName: "text"))
    var reason: String

    @Option(help: ArgumentHelp("Who approved, for the log.", valueName: "name"))
    var approvedBy: String

    @Option(
        help: ArgumentHelp(
            "Content to erase, by its role; repeatable (default: all that is private).", valueName: "role"))
    var role: [String] = []

    @Flag(help: "Show what would go, and erase nothing.")
    var dryRun = false

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var key: KeyArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        for (name, text) in [("--reason", reason), ("--approved-by", approvedBy)] where text.allSatisfy(\.isWhitespace)
        {
            throw CommandError("cannot redact with an empty \(name)", status: ExitStatus.usage)
        }
        if dryRun {
            let log = try ledger.openToRead(command: "redact")
            return try show(try chosen(in: log), in: log)
        }
        // Opening for writing finishes what an earlier redaction may have left.
        let log = try ledger.openToWrite(command: "redact", key: key)
        let chosen = try chosen(in: log)
        let present = try chosen.filter { try RedactCommand.removal(of: $0, in: log) == nil }
        try log.remove(
            present.map {
                Removal(digest: $0.digest, kind: .redacted, reason: reason, approvedBy: approvedBy)
            }, actor: LocalActor.current())
        try show(chosen, in: log)
        try forget(log)
        tellOfRejects(log)
        try log.close()
    }

    /// What the options name, whether or not it is there still.
    private func chosen(in log: Ledger) throws -> [AttachmentReference] {
        let event = try log.event(at: position)
        let chosen = event.attachments.filter {
            role.isEmpty ? $0.retention == .personal : role.contains($0.role)
        }
        if let unknown = role.first(where: { name in !event.attachments.contains { $0.role == name } }) {
            throw nothing("no content of role \(unknown)", event)
        }
        if chosen.isEmpty { throw nothing("no private content", event) }
        return chosen
    }

    private func nothing(_ what: String, _ event: RecordedEvent) -> CommandError {
        let roles = Set(event.attachments.map(\.role)).sorted()
        return CommandError(
            "cannot redact entry \(position) (\(event.type) in \(event.subject)): it has \(what)",
            remedy: roles.isEmpty
                ? "only content beside the entry can go: the entry itself is what proofs are about"
                : "name what it has: \(roles.map { "--role \($0)" }.joined(separator: ", "))",
            status: ExitStatus.data)
    }

    /// The event that removed the content; nil if it is there.
    private static func removal(of reference: AttachmentReference, in log: Ledger) throws -> UInt64? {
        guard case .gone(let position) = try log.content(of: reference) else { return nil }
        return position
    }

    private func show(_ references: [AttachmentReference], in log: Ledger) throws {
        let columns = ["position", "role", "media_type", "bytes", "retention", "removed_by", "digest"]
        try output.print(
            Table(
                columns: columns.map { Table.Column($0) },
                rows: try references.map { reference in
                    [
                        .integer(position), .text(reference.role), .text(reference.mediaType),
                        .integer(reference.byteCount), .text(reference.retention.rawValue),
                        .optional(try RedactCommand.removal(of: reference, in: log)),
                        .text(Hex.string(reference.digest)),
                    ]
                }))
    }

    /// Records that an import set aside lie beside the log as they came, and may say the same.
    private func tellOfRejects(_ log: Ledger) {
        let folder = "\(log.path)/rejects"
        guard let names = try? RealDisk().list(folder), !names.isEmpty else { return }
        Terminal.note(
            "note: \(names.count) files in \(folder) hold records that imports set aside: look whether one holds the "
                + "content, and remove it")
    }

    /// Takes the content out of the read model, if there is one: catching up past a removal makes the tables anew.
    private func forget(_ log: Ledger) throws {
        let path = Workspace.readModelPath(of: log.path)
        guard try RealDisk().kind(of: path) != nil else { return }
        let readModel = try ReadModel.open(path: path)
        try readModel.catchUp(from: log)
        let place = readModel.place
        try readModel.close()
        if place == .memory {
            throw CommandError(
                "cannot take the content out of the read model: \(readModel.notice ?? "it cannot be written")",
                remedy: "remove \(path); the next command that reads makes it again")
        }
    }
}
