import AsyncHTTPClient
import CairnBytes
import CairnLedger
import CairnModel
import CairnServer
import NIOCore
import Testing

/// What a server does between SIGTERM and its end.
@Suite("Stopping")
struct StopTests {
    private static func note(_ text: String) -> JSONValue {
        ["type": "cairn.note.added.v1", "stream": "migration/m-1", "data": ["text": .string(text)]]
    }

    private static func head(_ token: String, length: Int) -> String {
        "POST /v1/commands HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n"
            + "Content-Type: application/json\r\nContent-Length: \(length)\r\n\r\n"
    }

    private static func isRefused(_ server: ServerHarness) async -> Bool {
        do {
            _ = try await RawConnection.open(port: server.port) { connection in
                try await connection.send("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                let answer = try await connection.read()
                if answer.isEmpty { throw CancellationError() }
            }
            return false
        } catch { return true }
    }

    @Test("Calls on their way are answered, new ones refused, streams end, and the last checkpoint has everything")
    func graceful() async throws {
        let acknowledged = Locked<[UInt64]>([])
        let streamed = Locked("")
        try await ServerHarness.run(
            afterwards: { ledger throws in
                let positions = acknowledged.with { $0 }
                #expect(positions.count > 1)
                for position in positions {
                    #expect(try ledger.event(at: position).type == "cairn.note.added.v1")
                }
                #expect(try ledger.checkpoint()?.checkpoint.size == ledger.size)
            }
        ) { server in
            let sender = try await server.token("ingest:commands", name: "sender")
            let reader = try await server.token("read", name: "reader")
            @Sendable func keep(_ reply: JSONValue?) {
                if let position = reply?["position"]?.integer.flatMap({ UInt64(exactly: $0) }) {
                    acknowledged.with { $0.append(position) }
                }
            }
            let following = Task {
                let response = try await server.client.execute(
                    server.request("/v1/follow", token: reader), timeout: .seconds(30))
                for try await chunk in response.body { streamed.with { $0 += String(buffer: chunk) } }
                return true
            }
            while streamed.with({ $0.isEmpty }) { try await Task.sleep(for: .milliseconds(20)) }
            let posting = Task {
                for number in 0... {
                    let reply = try await server.post("/v1/commands", token: sender, StopTests.note("note \(number)"))
                    guard reply.status == 201 else { break }
                    keep(reply.json)
                }
            }
            while acknowledged.with({ $0.isEmpty }) { try await Task.sleep(for: .milliseconds(20)) }
            let body = CanonicalJSON.bytes(of: StopTests.note(String(repeating: "on its way ", count: 5000)))
            let answer = try await RawConnection.open(port: server.port) { connection in
                try await connection.send(
                    StopTests.head(sender, length: body.count) + String(decoding: body.dropLast(10), as: UTF8.self))
                try await server.waitForBody(bytes: body.count - 10, reader)
                await server.stop()
                for _ in 0..<200 {
                    if await StopTests.isRefused(server) { break }
                    try await Task.sleep(for: .milliseconds(20))
                }
                #expect(await StopTests.isRefused(server))
                try await connection.send(String(decoding: body.suffix(10), as: UTF8.self))
                return try await connection.read()
            }
            #expect(answer.hasPrefix("HTTP/1.1 201"), "\(answer)")
            keep(answer.split(separator: "\r\n\r\n").last.flatMap { try? JSONParser.parse(Array($0.utf8)).value })
            _ = await posting.result
            // The stream ended as streams end, and not by a broken connection.
            #expect(try await following.value)
            #expect(streamed.with { $0.contains("event: cairn.note.added.v1") })
        }
    }

    @Test("A client that never finishes does not keep the server from stopping")
    func bounded() async throws {
        let clock = ContinuousClock()
        let stopped = Locked<ContinuousClock.Instant?>(nil)
        let (held, release) = AsyncStream.makeStream(of: Void.self)
        let begun = Locked<Task<String, any Error>?>(nil)
        try await ServerHarness.run({ $0.stopSecondsMax = 1 }) { server in
            let sender = try await server.token("ingest:commands", name: "sender")
            let reader = try await server.token("read", name: "reader")
            let task = Task {
                try await RawConnection.open(port: server.port) { connection in
                    try await connection.send(
                        StopTests.head(sender, length: 100_000) + String(repeating: " ", count: 50_000))
                    for await _ in held {}
                    return try await connection.read()
                }
            }
            begun.with { $0 = task }
            try await server.waitForBody(bytes: 50_000, reader)
            stopped.with { $0 = clock.now }
        }
        let begin = try #require(stopped.with { $0 })
        // Far below the minute and more in which such a body is given up otherwise.
        #expect(clock.now - begin < .seconds(20))
        release.finish()
        let answer = try await begun.with { $0 }?.value
        #expect(answer?.hasPrefix("HTTP/1.1 2") == false, "\(answer ?? "")")
    }

    @Test("However it ends, what was counted but not yet written is written", arguments: [false, true])
    func last(isCancelled: Bool) async throws {
        try await ServerHarness.run(
            afterwards: { ledger throws in
                var denied = 0
                try ledger.forEach(from: 0) { if $0.type == "cairn.access.denied.v1" { denied += 1 } }
                #expect(denied == 1)
                #expect(try ledger.checkpoint()?.checkpoint.size == ledger.size)
            }
        ) { server async throws in
            #expect(try await server.send("GET", "/v1/status").status == 401)
            if isCancelled { server.cancel() } else { await server.stop() }
        }
    }
}
