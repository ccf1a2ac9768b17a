import AsyncHTTPClient
import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnReports
import CairnServer
import CairnTestSupport
import Foundation
import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import Testing

/// A server of a new ledger on a free port of loopback, for as long as `body` runs.
struct ServerHarness: Sendable {
    let port: Int
    let workspace: Workspace
    let client: HTTPClient
    let log: LogLines
    let accessTable: [(method: String, path: String, scope: String)]
    /// Tells the server to stop, as SIGTERM does, and returns at once.
    let stop: @Sendable () async -> Void
    /// Cancels the task that runs the server.
    let cancel: @Sendable () -> Void

    /// What the server logged.
    final class LogLines: Sendable {
        private let lines = Locked<[String]>([])
        func add(_ line: String) { lines.with { $0.append(line) } }
        var all: [String] { lines.with { $0 } }
    }

    struct Reply: Sendable {
        var status: Int
        var headers: [(name: String, value: String)]
        var bytes: [UInt8]

        var text: String { String(decoding: bytes, as: UTF8.self) }
        var json: JSONValue? { try? JSONParser.parse(bytes).value }
        subscript(name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }
    }

    /// - Parameters:
    ///   - prepare: writes to the ledger before the server starts.
    ///   - files: lie in the ledger's folder before the server starts.
    ///   - afterwards: reads the ledger after the server has stopped and closed it.
    static func run(
        _ change: (inout ServerOptions) -> Void = { _ in },
        prepare: (Ledger) throws -> Void = { _ in }, files: [(name: String, bytes: [UInt8])] = [],
        outside: (any OutsideReader)? = nil,
        clock: any WallClock = SystemClock(), freeBytes: (@Sendable (String) -> UInt64?)? = nil,
        afterwards: (Ledger) throws -> Void = { _ in },
        _ body: @escaping @Sendable (ServerHarness) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder("cairn-server")
        let path = folder.file("ledger")
        let ledger = try Ledger.create(
            at: path, origin: "server.test/ledger", keyFile: folder.file("key"),
            environment: .live(command: "server tests"))
        try prepare(ledger)
        for file in files {
            let url = URL(filePath: "\(path)/\(file.name)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(file.bytes).write(to: url)
        }
        let readModel = try ReadModel.open(path: Workspace.readModelPath(of: path))
        let workspace = Workspace(ledger: ledger, readModel: readModel, path: path)
        var options = ServerOptions()
        options.port = 0
        options.analysisSeconds = 0
        options.diskFreeBytesMin = 0
        change(&options)
        let log = LogLines()
        let server = try CairnServer(
            workspace, options: options,
            environment: .init(
                clock: clock, random: SystemRandom(), version: "test",
                queries: try SavedQueries.load(folder: nil), write: { log.add($0) }, outside: outside,
                freeBytes: freeBytes))
        let client = HTTPClient(
            eventLoopGroupProvider: .singleton, configuration: .init(redirectConfiguration: .disallow))
        let (ports, announced) = AsyncStream.makeStream(of: Int.self)
        let group = ServiceGroup(
            services: [Running(server: server, announced: announced)], gracefulShutdownSignals: [],
            logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { try await group.run() }
        var result = Result<Void, any Error>.failure(HarnessError.didNotStart)
        for await port in ports {
            do {
                try await body(
                    ServerHarness(
                        port: port, workspace: workspace, client: client, log: log,
                        accessTable: server.accessTable, stop: { await group.triggerGracefulShutdown() },
                        cancel: { running.cancel() }))
                result = .success(())
            } catch { result = .failure(error) }
            break
        }
        await group.triggerGracefulShutdown()
        _ = await running.result
        try await client.shutdown()
        try ledger.close()
        try readModel.close()
        try result.get()
        let reopened = try Ledger.open(
            at: path, access: .readOnly, environment: .live(command: "server tests"))
        try afterwards(reopened)
        try reopened.close()
        withExtendedLifetime(folder) {}
    }

    private struct Running: Service {
        let server: CairnServer
        let announced: AsyncStream<Int>.Continuation

        func run() async throws {
            defer { announced.finish() }
            try await server.run { announced.yield($0) }
        }
    }

    enum HarnessError: Error { case didNotStart }

    /// A token of these scopes, made through the log as the command line does.
    func token(_ scopes: String..., name: String = "tester", cluster: String? = nil) async throws -> String {
        let scopes = try scopes.map { try #require(AccessScope($0)) }
        let token = try TokenOffice(
            ledger: workspace.ledger, actor: Actor(id: "test", type: "local"), clock: SystemClock(),
            random: SystemRandom()
        ).create(.init(name: name, scopes: scopes, cluster: cluster))
        // The server follows the log four times a second.
        for _ in 0..<100 {
            if try await send("GET", "/v1/whoami", token: token.text).status == 200 { break }
            try await Task.sleep(for: .milliseconds(100))
        }
        return token.text
    }

    func send(
        _ method: String, _ path: String, token: String? = nil, headers: [(String, String)] = [], _ body: [UInt8]? = nil
    ) async throws -> Reply {
        var request = request(path, token: token)
        request.method = .RAW(value: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
        let response = try await client.execute(request, timeout: .seconds(60))
        let bytes = try await response.body.collect(upTo: 64 << 20)
        return Reply(
            status: Int(response.status.code), headers: response.headers.map { ($0.name, $0.value) },
            bytes: Array(bytes.readableBytesView))
    }

    func request(_ path: String, token: String?) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        return request
    }

    func post(
        _ path: String, token: String?, _ json: JSONValue, type: String = "application/json"
    ) async throws -> Reply {
        try await send("POST", path, token: token, headers: [("Content-Type", type)], CanonicalJSON.bytes(of: json))
    }

    /// Waits until so many bytes of bodies are on their way.
    func waitForBody(bytes: Int, _ reader: String) async throws {
        for _ in 0..<200 {
            let metrics = try await send("GET", "/metrics", token: reader).text.split(separator: "\n")
            let gauge = metrics.first { $0.hasPrefix("cairn_body_bytes ") }?.split(separator: " ").last
            if let gauge, Double(gauge) ?? 0 >= Double(bytes) { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("no body of \(bytes) bytes came")
    }
}
