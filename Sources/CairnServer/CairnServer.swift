package import CairnLedger
import CairnModel
package import CairnReadModels
import CairnRecorder
package import CairnReports
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// The server of one ledger: receivers that take, questions that are answered, pages that are looked at.
///
/// Whoever starts it opens the ledger and closes it; everything else is made here, started in the order in which the
/// parts need each other, and stopped the other way round: first no new calls, then what waits goes to disk.
package struct CairnServer: Sendable {
    /// What a server takes from outside besides the ledger.
    package struct Environment: Sendable {
        package var clock: any WallClock
        package var random: any RandomSource
        package var version: String
        package var queries: SavedQueries
        /// Where log lines go.
        package var write: @Sendable (String) -> Void
        /// How certificates of SNS and keys of OIDC are read; nil: over HTTPS.
        package var outside: (any OutsideReader)?
        /// Free space of the file system that holds a path; nil: as the system says.
        package var freeBytes: (@Sendable (String) -> UInt64?)?

        package init(
            clock: any WallClock, random: any RandomSource, version: String, queries: SavedQueries,
            write: @escaping @Sendable (String) -> Void, outside: (any OutsideReader)? = nil,
            freeBytes: (@Sendable (String) -> UInt64?)? = nil
        ) {
            self.outside = outside
            self.freeBytes = freeBytes
            self.clock = clock
            self.random = random
            self.version = version
            self.queries = queries
            self.write = write
        }
    }

    private let options: ServerOptions
    private let environment: Environment
    private let workspace: Workspace
    private let parts: ServerParts
    private let logger: Logger

    /// - Parameter workspace: a ledger opened for writing with its tables.
    package init(_ workspace: Workspace, options: ServerOptions, environment: Environment) throws {
        if let obstacle = options.obstacle {
            throw QuestionError(
                .question, obstacle, remedy: "give --tls-certificate and --tls-key, or allow it with --allow-plain-text"
            )
        }
        self.workspace = workspace
        self.options = options
        self.environment = environment
        let format = options.logFormat
        let clock = environment.clock
        let write = environment.write
        logger = Logger(label: "cairn") { _ in LineLogHandler(format: format, clock: clock, write: write) }
        parts = try ServerParts(workspace, options: options, environment: environment, logger: logger)
    }

    /// Runs until the process is told to end (SIGTERM, SIGINT) or the task is cancelled.
    /// - Parameter onListening: told the port, once calls are taken.
    package func run(onListening: @escaping @Sendable (Int) -> Void) async throws {
        let front = parts.front
        let http = HTTPServerBuilder.http1(
            configuration: HTTP1Channel.Configuration(
                additionalChannelHandlers: [RequestHeadDeadline()],
                idleTimeout: .seconds(Int64(CairnServer.idleSeconds)),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 64 << 10, maxHeaderFieldCount: 100)))
        let server =
            try parts.certificates.map { try HTTPServerBuilder.tls(http, tlsConfiguration: $0.configuration) } ?? http
        let app = Application(
            responder: front.router().buildResponder(), server: server,
            configuration: ApplicationConfiguration(
                address: .hostname(options.host, port: options.port), serverName: nil, backlog: 1024,
                availableConnectionsDelegate: MaximumAvailableConnections(options.connectionsMax, logger: logger)),
            onServerRunning: { channel in onListening(channel.localAddress?.port ?? 0) }, logger: logger)
        parts.start()
        let services: [any Service] = [app, FeedCloser(feed: parts.feed)] + parts.services
        var configuration = ServiceGroupConfiguration(
            services: services.map {
                .init(
                    service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup)
            }, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(options.stopSecondsMax)
        let group = ServiceGroup(configuration: configuration)
        let result: Result<Void, any Error>
        do { result = .success(try await group.run()) } catch { result = .failure(error) }
        try await parts.stop()
        do { try result.get() } catch let error as IOError {
            throw ListenError(place: "\(options.host):\(options.port)", reason: "\(error)")
        }
    }

    /// Every route with the scope that it needs: a scope's text, `any` for any valid token, `none` for nobody's.
    package var accessTable: [(method: String, path: String, scope: String)] {
        parts.front.routes.map { ($0.method.rawValue, $0.path, $0.neededScope) }
    }

    /// A connection on which nothing moves for so long is closed.
    private static let idleSeconds = 75
}

/// The port cannot be had now; another attempt may have it.
struct ListenError: Error, CustomStringConvertible {
    var place: String
    var reason: String

    var description: String {
        "cannot listen on \(place): \(reason)\nsee which program has it, or choose another one with --listen"
    }
}

/// Ends the streams of followers when the server stops: they would hold their connections open for ever.
private struct FeedCloser: Service {
    let feed: LiveFeed

    func run() async throws {
        try await gracefulShutdown()
        feed.close()
    }
}
