import ArgumentParser
import CairnBytes
import CairnLedger
import CairnModel
import CairnRecorder
import CairnReports
import CairnWeb

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Who may do what at the server: make, list and revoke tokens.",
        subcommands: [TokenCreateCommand.self, TokenListCommand.self, TokenRevokeCommand.self])
}

struct TokenCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a token and print it: this is the only time that it can be seen.",
        discussion: """
            The log keeps a digest of the secret, who made it, for what and until when. Senders send it as \
            `Authorization: Bearer TOKEN`; Firehose as its access key; whoever knows only passwords as the password.

            Scopes: read, approve, admin, ingest (any receiver), and ingest: with a receiver: \
            \(AccessScope.receivers.joined(separator: ", ")).

            Examples:
              cairn token create --scope read --name grafana
              cairn token create --scope ingest:remote-write --cluster eks --name prometheus-eks
              cairn token create --scope read --scope approve --name ana --expires +30d
            """)

    @Option(help: ArgumentHelp("What it allows; repeatable.", valueName: "scope"))
    var scope: [String]

    @Option(help: ArgumentHelp("What its holder is called in events (default: the scopes).", valueName: "name"))
    var name: String?

    @Option(help: ArgumentHelp("The cluster of samples and flow logs that name none.", valueName: "name"))
    var cluster: String?

    @Option(parsing: .unconditional, help: ArgumentHelp("When it ends by itself.", valueName: "time"))
    var expires: TimeArgument?

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var key: KeyArguments

    func run() throws {
        let scopes = try scope.map { text in
            guard let scope = AccessScope(text) else {
                throw CommandError(
                    "cannot use the scope \(text)",
                    remedy: "use read, approve, admin, ingest or ingest: with one of "
                        + AccessScope.receivers.joined(separator: ", "), status: ExitStatus.usage)
            }
            return scope
        }
        let name = name ?? scope.joined(separator: " ")
        guard !name.isEmpty, name.utf8.count <= TokenOffice.nameBytesMax else {
            throw CommandError(
                "cannot use a name of \(name.utf8.count) bytes: it has 1 to \(TokenOffice.nameBytesMax)",
                status: ExitStatus.usage)
        }
        let clock = SystemClock()
        let log = try ledger.openToWrite(command: "token create", key: key)
        let office = TokenOffice(ledger: log, actor: LocalActor.current(), clock: clock, random: SystemRandom())
        let token = try office.create(
            .init(name: name, scopes: scopes, cluster: cluster, expires: expires?.moment(now: clock.now())))
        try Terminal.line(token.text)
        try log.close()
    }
}

struct TokenListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "All tokens, without their secrets.",
        discussion: """
            Examples:
              cairn token list
              cairn query access-review -p time=2026-03-10T10:00:00Z     who held what then
            """)

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        let log = try ledger.openToRead(command: "token list")
        let tokens = try TokenOffice.tokens(in: log).tokens.values.sorted { ($0.created, $0.id) < ($1.created, $1.id) }
        try output.print(
            Table(
                columns: ["id", "name", "scopes", "cluster", "created", "expires", "revoked"].map { Table.Column($0) },
                rows: tokens.map { token in
                    [
                        .text(token.id), .text(token.name),
                        .text(token.scopes.map(\.description).joined(separator: " ")), .optional(token.cluster),
                        .time(token.created), .optional(token.expires), .optional(token.revoked),
                    ]
                }))
    }
}

struct TokenRevokeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "End a token; a server that runs refuses it within a second.",
        discussion: """
            Example:
              cairn token revoke 3f2a9c81d04e --reason "left the team"
            """)

    @Argument(help: "The token's id, as `cairn token list` shows it.")
    var id: String

    @Option(help: ArgumentHelp("Why.", valueName: "text"))
    var reason: String?

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var key: KeyArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        let log = try ledger.openToWrite(command: "token revoke", key: key)
        try TokenOffice(ledger: log, actor: LocalActor.current(), clock: SystemClock(), random: SystemRandom())
            .revoke(id, reason: reason)
        let revoked = try TokenOffice.tokens(in: log)[id]
        try output.print(
            .ofOne([
                ("id", .text(id)), ("name", .optional(revoked?.name)), ("revoked", .optional(revoked?.revoked)),
            ]))
        try log.close()
    }
}
