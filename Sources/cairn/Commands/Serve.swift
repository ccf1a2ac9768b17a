import ArgumentParser
import CairnBytes
import CairnLedger
import CairnReadModels
import CairnReports
import CairnServer

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the server: receivers, questions as JSON, pages.",
        discussion: """
            AWS and Prometheus push into it, people look at it, pipelines ask it. Every call needs a token of `cairn token \
            create` but health, logging in and styles. What is answered with success is on disk. It listens on this machine \
            alone unless it has TLS. SIGTERM ends it after what waits is written.

            Settings come from flags, else from the environment (CAIRN_SERVE_LISTEN and so on), else from --config, a YAML \
            file with the same names; an unknown name is refused.

            Examples:
              cairn serve
              cairn serve --listen 127.0.0.1:9000
              cairn serve --config /etc/cairn/serve.yaml
              cairn serve --listen 0.0.0.0:8480 --tls-certificate server.pem --tls-key server.key
            """)

    @Option(
        help: ArgumentHelp(
            "Where to listen (default: 127.0.0.1:8480); port 0 takes a free one.", valueName: "host:port"))
    var listen: String?

    @Option(help: ArgumentHelp("The server's certificates, PEM; read again when they change.", valueName: "file"))
    var tlsCertificate: String?

    @Option(help: ArgumentHelp("The certificate's private key, PEM.", valueName: "file"))
    var tlsKey: String?

    @Flag(help: "Listen beyond this machine without TLS: only behind a proxy that speaks it.")
    var allowPlainText = false

    @Option(help: ArgumentHelp("Settings, YAML.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("The form of log lines: text or json.", valueName: "form"))
    var logFormat: String?

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var key: KeyArguments

    func run() async throws {
        let settings = try ServerSettings(
            flags: [
                "listen": listen, "tls_certificate": tlsCertificate, "tls_key": tlsKey,
                "allow_plain_text": allowPlainText ? "true" : nil, "log_format": logFormat,
            ].compactMapValues { $0 }, file: try config.map { ($0, try ServeCommand.read($0)) },
            environment: Terminal.environment(prefix: ServerSettings.environmentPrefix))
        let path = try ledger.path()
        let log = try ledger.openToWrite(command: "serve", key: key)
        let readModel = try ReadModel.open(path: Workspace.readModelPath(of: path))
        try readModel.catchUp(from: log)
        let server = try CairnServer(
            Workspace(ledger: log, readModel: readModel, path: path), options: try settings.options(),
            environment: CairnServer.Environment(
                clock: SystemClock(), random: SystemRandom(), version: cairnVersion,
                queries: try SavedQueries.load(folder: Terminal.environment("CAIRN_QUERIES")),
                write: { Terminal.note($0) }))
        let result: Result<Void, any Error>
        do {
            result = .success(
                try await server.run { port in
                    try? Terminal.line("listening on port \(port)")
                })
        } catch { result = .failure(error) }
        // However it ended, what is on disk is signed.
        try log.close()
        try result.get()
    }

    private static func read(_ file: String) throws -> [UInt8] {
        let handle = try RealDisk().open(file, .read)
        defer { handle.close() }
        return try handle.readAll(limit: UInt64(ServerSettings.fileBytesMax))
    }
}
