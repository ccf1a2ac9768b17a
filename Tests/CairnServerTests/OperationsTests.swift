import CairnBytes
import CairnLedger
import CairnModel
import CairnReports
import CairnServer
import CairnTestSupport
import Foundation
import Testing

/// What whoever runs the server counts on: limits, certificates, the disk, traces.
@Suite("Operations")
struct OperationsTests {
    private static func note(_ text: String) -> JSONValue {
        ["type": "cairn.note.added.v1", "stream": "migration/m-1", "data": ["text": .string(text)]]
    }

    /// Waits for what another thread does.
    private static func eventually(_ what: String, _ isSo: () async throws -> Bool) async throws {
        for _ in 0..<200 {
            if try await isSo() { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("it did not come to this: \(what)")
    }

    // MARK: - TLS

    @Test("A renewed certificate is shown to new connections; broken files leave the last one in use and are told once")
    func certificates() async throws {
        let folder = try TemporaryFolder("cairn-tls")
        let (first, second) = (try SelfSigned(name: "first"), try SelfSigned(name: "second", expires: "450101000000Z"))
        @Sendable func write(_ certificate: String, _ key: String) throws {
            try Data(certificate.utf8).write(to: URL(filePath: folder.file("server.pem")), options: .atomic)
            try Data(key.utf8).write(to: URL(filePath: folder.file("server.key")), options: .atomic)
        }
        try write(first.certificatePEM, first.keyPEM)
        try await ServerHarness.run {
            $0.tls = ServerOptions.TLS(
                certificatePath: folder.file("server.pem"), keyPath: folder.file("server.key"))
            $0.lookMilliseconds = 20
        } _: { server in
            func shown() async throws -> [UInt8] {
                let seen = Locked<[UInt8]>([])
                let answer = try await RawConnection.open(port: server.port, tls: seen) { connection in
                    try await connection.send("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                    return try await connection.read()
                }
                #expect(answer.hasPrefix("HTTP/1.1 200"), "\(answer)")
                #expect(answer.lowercased().contains("strict-transport-security"))
                return seen.with { $0 }
            }
            func told() -> Int { server.log.all.count { $0.contains("cannot renew the certificate") } }
            #expect(try await shown() == first.certificate)

            try write("no certificate", first.keyPEM)
            try await OperationsTests.eventually("a broken file is told") { told() == 1 }
            try await Task.sleep(for: .milliseconds(100))
            #expect(told() == 1)
            #expect(try await shown() == first.certificate)

            // A renewal writes one file after the other.
            try write(second.certificatePEM, first.keyPEM)
            try await OperationsTests.eventually("a certificate without its key is told") { told() == 2 }
            #expect(try await shown() == first.certificate)

            try write(second.certificatePEM, second.keyPEM)
            try await OperationsTests.eventually("the new certificate is shown") {
                try await shown() == second.certificate
            }
            #expect(server.log.all.contains { $0.contains("the certificate was renewed") })
            try FileManager.default.removeItem(atPath: folder.file("server.pem"))
            try await OperationsTests.eventually("a missing file is told") { told() == 3 }
            #expect(try await shown() == second.certificate)
            #expect(!server.log.all.contains { $0.contains("PRIVATE KEY") })
        }
        withExtendedLifetime(folder) {}
    }

    @Test("A server does not start with a key that is not its certificate's")
    func wrongKey() async throws {
        let folder = try TemporaryFolder("cairn-tls")
        try Data(try SelfSigned(name: "one").certificatePEM.utf8).write(to: URL(filePath: folder.file("server.pem")))
        try Data(try SelfSigned(name: "two").keyPEM.utf8).write(to: URL(filePath: folder.file("server.key")))
        await #expect(throws: (any Error).self) {
            try await ServerHarness.run {
                $0.tls = ServerOptions.TLS(
                    certificatePath: folder.file("server.pem"), keyPath: folder.file("server.key"))
            } _: { _ in
            }
        }
    }

    // MARK: - Limits

    @Test("A token that calls too often is told when to come back, and another one is not held up")
    func rateLimit() async throws {
        let clock = ManualClock()
        try await ServerHarness.run({ $0.callsPerSecond = 2 }, clock: clock) { server in
            let eager = try await server.token("read", name: "eager")
            let other = try await server.token("read", name: "other")
            func call(_ token: String) async throws -> ServerHarness.Reply {
                try await server.send("GET", "/v1/whoami", token: token)
            }
            var replies: [ServerHarness.Reply] = []
            for _ in 0..<10 { replies.append(try await call(eager)) }
            // Four times the rate at once, of which making the token took one.
            #expect(replies.map(\.status) == [Int](repeating: 200, count: 7) + [429, 429, 429])
            #expect(replies.last?["retry-after"] == "1")
            #expect(replies.last?.json?["code"]?.string == "rate-limit")
            #expect(try await call(other).status == 200)
            clock.advance(seconds: 1)
            var again: [Int] = []
            for _ in 0..<4 { again.append(try await call(eager).status) }
            #expect(again == [200, 200, 429, 429])
            clock.advance(seconds: 3600)
            var full: [Int] = []
            for _ in 0..<10 { full.append(try await call(eager).status) }
            #expect(full.count { $0 == 200 } == 8)
        }
    }

    @Test("Bodies have one bound over all calls: beyond it callers are told to come back")
    func bodies() async throws {
        try await ServerHarness.run({ $0.bodyBytesMax = 1 << 20 }) { server in
            let sender = try await server.token("ingest:commands", name: "sender")
            let reader = try await server.token("read", name: "reader")
            let padded = OperationsTests.note(String(repeating: "a", count: 200 << 10))
            func post() async throws -> ServerHarness.Reply {
                try await server.post("/v1/commands", token: sender, padded)
            }
            try await RawConnection.open(port: server.port) { connection in
                // What is only announced takes no room.
                try await connection.send(OperationsTests.head(sender, length: 1_000_000))
                try await Task.sleep(for: .milliseconds(100))
                #expect(try await post().status == 201)
                try await connection.send(String(repeating: " ", count: 950_000))
                try await server.waitForBody(bytes: 950_000, reader)
                let reply = try await post()
                #expect(reply.status == 503)
                #expect(reply.json?["code"]?.string == "busy")
                #expect(reply["retry-after"] != nil)
            }
            try await OperationsTests.eventually("there is room again") { try await post().status == 201 }
        }
    }

    private static func head(_ token: String, length: Int, more: String = "") -> String {
        "POST /v1/commands HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n"
            + "Content-Type: application/json\r\nContent-Length: \(length)\r\n\(more)\r\n"
    }

    @Test("No caller has all the room for bodies, and the last of it is for small ones")
    func shares() {
        let budget = BodyBudget(bytesMax: 1600, bodyBytesMax: 100)
        let (first, second) = (budget.room(for: "a", isSmall: false), budget.room(for: "a", isSmall: false))
        #expect(first.grow(to: 500) && first.grow(to: 400) && second.grow(to: 300))
        #expect(!second.grow(to: 301))
        #expect(budget.bytesUsed == 800)
        let other = budget.room(for: "b", isSmall: false)
        #expect(other.grow(to: 700))
        // A sixteenth is left, for small bodies.
        #expect(!budget.room(for: "c", isSmall: false).grow(to: 1))
        let small = budget.room(for: "c", isSmall: true)
        #expect(small.grow(to: 100) && !small.grow(to: 101))
        for room in [first, second, other, small, small] { room.giveBack() }
        #expect(budget.bytesUsed == 0)
        #expect(second.grow(to: 800))
        second.giveBack()
        // One body of the largest size always has room.
        #expect(BodyBudget(bytesMax: 100, bodyBytesMax: 100).room(for: "a", isSmall: true).grow(to: 100))
    }

    @Test("A body that comes too slowly is given up")
    func slowBody() async throws {
        let clock = ManualClock()
        try await ServerHarness.run(clock: clock) { server in
            let sender = try await server.token("ingest:commands", name: "sender")
            let answer = try await RawConnection.open(port: server.port) { connection in
                try await connection.send(OperationsTests.head(sender, length: 100_000) + "{")
                try await Task.sleep(for: .milliseconds(300))
                clock.advance(seconds: 12)
                try await connection.send(" ")
                return try await connection.read { $0.contains("too-slow") }
            }
            #expect(answer.hasPrefix("HTTP/1.1 408"), "\(answer)")
        }
    }

    @Test("Faults of clients are theirs: a broken body is 400, a wrong method 405, and no error of ours")
    func clientFaults() async throws {
        try await ServerHarness.run { server in
            let sender = try await server.token("ingest:commands", "read", name: "sender")
            let answer = try await RawConnection.open(port: server.port) { connection in
                try await connection.send(
                    "POST /v1/commands HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(sender)\r\n"
                        + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n")
                return try await connection.read()
            }
            #expect(answer.hasPrefix("HTTP/1.1 400"), "\(answer)")
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(OperationsTests.head(sender, length: 1000) + "{")
            }
            for (method, path) in [("DELETE", "/v1/status"), ("POST", "/readyz"), ("GET", "/v1/commands")] {
                let reply = try await server.send(method, path, token: sender)
                #expect(reply.status == 405, "\(method) \(path): \(reply.text)")
            }
            #expect(try await server.send("GET", "/v1/nothing", token: sender).status == 404)
            try await Task.sleep(for: .milliseconds(200))
            #expect(!server.log.all.contains { $0.contains("level=error") }, "\(server.log.all)")
        }
    }

    @Test("A client that waits for a word before its body gets it")
    func goOn() async throws {
        try await ServerHarness.run { server in
            let sender = try await server.token("ingest:commands", name: "sender")
            let body = CanonicalJSON.string(of: OperationsTests.note("after the word"))
            let answer = try await RawConnection.open(port: server.port) { connection in
                try await connection.send(
                    OperationsTests.head(
                        sender, length: body.utf8.count, more: "Expect: 100-continue\r\nConnection: close\r\n"))
                let word = try await connection.read { $0.hasSuffix("\r\n\r\n") }
                #expect(word.hasPrefix("HTTP/1.1 100"), "\(word)")
                try await connection.send(body)
                return try await connection.read()
            }
            #expect(answer.hasPrefix("HTTP/1.1 201"), "\(answer)")
        }
    }

    @Test("Samples wait in a bounded queue: beyond it senders are told to come back, and what waits is written")
    func queue() async throws {
        let body = RemoteWriteBody.samples(3)
        try await ServerHarness.run({ $0.queuedSamplesMax = 1 }) { server in
            let sender = try await server.token("ingest:remote-write", name: "sender")
            let reader = try await server.token("read", name: "reader")
            @Sendable func write() async throws -> ServerHarness.Reply {
                try await server.send(
                    "POST", "/api/v1/write", token: sender,
                    headers: [("Content-Type", "application/x-protobuf"), ("Content-Encoding", "snappy")], body)
            }
            func queued() async throws -> Bool {
                let metrics = try await server.send("GET", "/metrics", token: reader).text
                return metrics.contains("\ncairn_queued_samples ") && !metrics.contains("\ncairn_queued_samples 0.0\n")
            }
            // Whoever writes has the lock of the ledger; while another process has it, samples wait.
            let lock = try RealDisk().open(
                "\(server.workspace.path)/lock", .readWriteCreate(permissions: DiskOpenMode.ledgerPermissions))
            #expect(try lock.tryLock())
            var waiting: [Task<ServerHarness.Reply, any Error>] = []
            for _ in 0..<2 {
                waiting.append(Task { try await write() })
                // One is with the writer, the next one in the queue.
                try await Task.sleep(for: .milliseconds(300))
            }
            try await OperationsTests.eventually("samples wait") { try await queued() }
            let refused = try await write()
            #expect(refused.status == 503)
            #expect(refused["retry-after"] != nil)
            try lock.unlock()
            lock.close()
            for task in waiting { #expect(try await task.value.status == 204) }
            #expect(try await write().status == 204)
            #expect(try await !queued())
        }
    }

    // MARK: - The disk

    @Test("With little room samples are refused before events, until there is room again; everybody is told")
    func lowDisk() async throws {
        let body = RemoteWriteBody.samples(3)
        let free = Locked<UInt64?>(100 << 30)
        let clock = ManualClock()
        try await ServerHarness.run(
            {
                $0.diskFreeBytesMin = 10 << 30
                $0.lookMilliseconds = 20
            }, clock: clock, freeBytes: { _ in free.with { $0 } }
        ) { server in
            let sender = try await server.token("ingest", name: "sender")
            let reader = try await server.token("read", name: "reader")
            func samples() async throws -> ServerHarness.Reply {
                try await server.send(
                    "POST", "/api/v1/write", token: sender,
                    headers: [("Content-Type", "application/x-protobuf"), ("Content-Encoding", "snappy")], body)
            }
            func disk() async throws -> JSONValue? {
                let reply = try await server.send("GET", "/readyz")
                #expect(reply.status == 200)
                return reply.json?["disk"]
            }
            #expect(try await samples().status == 204)
            #expect(try await disk() == ["free_bytes": 107_374_182_400, "days_left": nil, "takes_samples": true])

            // 4 GiB in an hour.
            clock.advance(seconds: 3600)
            free.with { $0 = 96 << 30 }
            try await OperationsTests.eventually("the days left are told") {
                try await disk()?["days_left"] == 1
            }
            let metrics = try await server.send("GET", "/metrics", token: reader).text
            #expect(metrics.contains("\ncairn_disk_days_left 1.0\n"))
            #expect(metrics.contains("\ncairn_disk_free_bytes 103079215104.0\n"))

            free.with { $0 = (10 << 30) - 1 }
            try await OperationsTests.eventually("samples are refused") { try await samples().status == 503 }
            let refused = try await samples()
            #expect(refused["retry-after"] != nil)
            #expect(refused.text.contains("kept for events"))
            #expect(try await disk()?["takes_samples"] == false)
            let event = try await server.post("/v1/commands", token: sender, OperationsTests.note("still here"))
            #expect(event.status == 201, "\(event.text)")

            // A little more is not enough to begin again, and nothing is told twice.
            free.with { $0 = (10 << 30) + 1 }
            try await Task.sleep(for: .milliseconds(200))
            #expect(try await samples().status == 503)
            #expect(server.log.all.count { $0.contains("samples are refused") } == 1)

            // With no room for events either, or no folder, nothing is ready.
            for bytes in [nil, 1 << 20] as [UInt64?] {
                free.with { $0 = bytes }
                try await OperationsTests.eventually("it is not ready") {
                    try await server.send("GET", "/readyz").status == 503
                }
            }

            free.with { $0 = 12 << 30 }
            try await OperationsTests.eventually("samples are taken again") { try await samples().status == 204 }
            #expect(server.log.all.count { $0.contains("samples are taken again") } == 1)
            try await OperationsTests.eventually("the log tells it") {
                let reply = try await server.send(
                    "POST", "/v1/query", token: reader, headers: [("Content-Type", "text/plain")],
                    Array("SELECT count(*) AS n FROM events WHERE type = 'cairn.intake.shed.v1'".utf8))
                return reply.json?.array?.first?["n"]?.integer == 1
            }
        }
    }

    // MARK: - The analyzer

    @Test("A sender that falls silent is missed, though nothing comes that would say so")
    func silence() async throws {
        let clock = ManualClock()
        try await ServerHarness.run({ $0.analysisSeconds = 1 }, clock: clock) { server in
            let sender = try await server.token("ingest", name: "sender", cluster: "old")
            let reader = try await server.token("read", name: "reader")
            func count(_ type: String) async throws -> Int64? {
                let reply = try await server.send(
                    "POST", "/v1/query", token: reader, headers: [("Content-Type", "text/plain")],
                    Array("SELECT count(*) AS n FROM events WHERE type = '\(type)'".utf8))
                return reply.json?.array?.first?["n"]?.integer
            }
            let plan = try await server.post(
                "/v1/commands", token: sender,
                [
                    "type": "cairn.migration.planned.v1", "stream": "migration/m-1",
                    "data": [
                        "playbook": "cluster-migration", "source_cluster": "old", "target_cluster": "new",
                        "applications": [],
                    ],
                ])
            #expect(plan.status == 201, "\(plan.text)")
            let minute = UInt64(clock.now().milliseconds - 60_000)
            let written = try await server.send(
                "POST", "/api/v1/write", token: sender,
                headers: [("Content-Type", "application/x-protobuf"), ("Content-Encoding", "snappy")],
                RemoteWriteBody.samples(3, from: minute))
            #expect(written.status == 204)
            // The server itself writes of calls that came before a token was known; then the log is quiet.
            try await OperationsTests.eventually("refusals are written") {
                try await count("cairn.access.denied.v1") ?? 0 > 0
            }
            try await Task.sleep(for: .milliseconds(1500))
            #expect(try await count("cairn.finding.opened.v1") == 0)
            clock.advance(seconds: 3600)
            try await OperationsTests.eventually("the silence is found") {
                try await count("cairn.finding.opened.v1") == 1
            }
            let size = server.workspace.ledger.size
            try await Task.sleep(for: .milliseconds(2500))
            #expect(server.workspace.ledger.size == size)
        }
    }

    // MARK: - Traces

    @Test("A caller's place in a trace is in the answer, the log line and the event; what is none is dropped")
    func traces() async throws {
        let place = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        try await ServerHarness.run { server in
            let sender = try await server.token("ingest", name: "sender")
            let reader = try await server.token("read", name: "reader")
            func tell(_ id: String, _ traceparent: String) async throws -> ServerHarness.Reply {
                try await server.send(
                    "POST", "/v1/events", token: sender,
                    headers: [("Content-Type", "application/cloudevents+json"), ("traceparent", traceparent)],
                    CanonicalJSON.bytes(of: [
                        "specversion": "1.0", "id": .string(id), "source": "//ci", "type": "com.example.build.v1",
                        "subject": "migration/m-1", "time": "2026-03-10T10:00:00Z", "data": [:],
                    ]))
            }
            let reply = try await tell("a", place)
            #expect(reply.status == 202, "\(reply.text)")
            #expect(reply["traceparent"] == place)
            #expect(server.log.all.contains { $0.contains("traceparent=\(place)") && $0.contains("caller=sender") })
            for text in ["garbage", "00-\(String(repeating: "0", count: 32))-00f067aa0ba902b7-01", place + "-x"] {
                #expect(try await tell("b", text)["traceparent"] == nil)
            }
            let entries = try await server.send(
                "POST", "/v1/query", token: reader, headers: [("Content-Type", "text/plain")],
                Array("SELECT position FROM events WHERE type = 'com.example.build.v1' ORDER BY 1".utf8))
            let positions = (entries.json?.array ?? []).compactMap { $0["position"]?.integer }
            #expect(positions.count == 2)
            let found = try positions.map { try server.workspace.ledger.event(at: UInt64($0)).traceparent }
            #expect(found == [place, nil])
        }
    }
}
