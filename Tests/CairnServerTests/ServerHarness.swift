import AsyncHTTPClient
import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnReports
import CairnServer
import CairnTestSupport
import HTTPTypes
import NIOCore
import NIOHTTP1
import Testing

/// A server of a new ledger on a free port of loopback, for as long as `body` runs.
struct ServerHarness: Sendable {
    let port: Int
    let workspace: Workspace
    let client: HTTPClient
    let log: LogLines
    let accessTable: [(method: String, path: String, scope: String)]

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

    /// - Parameter prepare: writes to the ledger before the server starts.
    static func run(
        _ change: (inout ServerOptions) -> Void = { _ in },
        prepare: (Ledger) throws -> Void = { _ in }, outside: (any OutsideReader)? = nil,
        clock: any WallClock = SystemClock(),
        _ body: @escaping @Sendable (ServerHarness) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder("cairn-server")
        let path = folder.file("ledger")
        let ledger = try Ledger.create(
            at: path, origin: "server.test/ledger", keyFile: folder.file("key"),
            environment: .live(command: "server tests"))
        try prepare(ledger)
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
                queries: try SavedQueries.load(folder: nil), write: { log.add($0) }, outside: outside))
        let client = HTTPClient(
            eventLoopGroupProvider: .singleton, configuration: .init(redirectConfiguration: .disallow))
        let (ports, announced) = AsyncStream.makeStream(of: Int.self)
        let running = Task {
            defer { announced.finish() }
            try await server.run { announced.yield($0) }
        }
        var result = Result<Void, any Error>.failure(HarnessError.didNotStart)
        for await port in ports {
            do {
                try await body(
                    ServerHarness(
                        port: port, workspace: workspace, client: client, log: log,
                        accessTable: server.accessTable))
                result = .success(())
            } catch { result = .failure(error) }
            break
        }
        running.cancel()
        _ = await running.result
        try await client.shutdown()
        try ledger.close()
        try readModel.close()
        withExtendedLifetime(folder) {}
        try result.get()
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
        for _ in 0..<100 where try await send("GET", "/v1/whoami", token: token.text).status != 200 {
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
}
