import CairnBytes
import CairnLedger
import CairnModel
import CairnReports
import CairnServer
import Crypto
import Foundation
import Hummingbird
import JWTKit
import NIOCore
import Testing

/// What comes from others, or goes to them: Firehose, SNS, identity providers, notifications.
@Suite("Others")
struct OutsideTests {
    /// Pages that lie elsewhere.
    private final class Pages: OutsideReader {
        private let pages: Locked<[String: [UInt8]]>
        private let asked = Locked<[String]>([])
        init(_ pages: [String: [UInt8]]) { self.pages = Locked(pages) }
        func put(_ page: [UInt8], at url: String) { pages.with { $0[url] = page } }
        var addresses: [String] { asked.with { $0 } }

        func read(_ url: String, keptSeconds: Int64) async throws -> [UInt8] {
            asked.with { $0.append(url) }
            return pages.with { $0[url] ?? [] }
        }
    }

    private static func fixture(_ name: String) throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return Array(try Data(contentsOf: folder.appending(path: "CairnIngestTests/Fixtures/Wire/\(name)")))
    }

    private static func query(_ server: ServerHarness, _ token: String, _ sql: String) async throws -> [JSONValue] {
        let reply = try await server.send(
            "POST", "/v1/query", token: token, headers: [("Content-Type", "text/plain")], Array(sql.utf8))
        #expect(reply.status == 200, "\(reply.text)")
        return reply.json?.array ?? []
    }

    // MARK: - Firehose

    @Test("Flow logs of Firehose are counted once, however often they are sent")
    func firehose() async throws {
        let lines = (0..<20).map { index in
            "2 111122223333 eni-0a1 10.0.0.5 203.0.113.\(index) \(40_000 + index) 443 6 10 840 \(1_773_136_800 + index * 60) "
                + "\(1_773_136_800 + index * 60 + 30) ACCEPT OK\n"
        }
        let records = lines.map { JSONValue.object(["data": .string(Base64.string(Array($0.utf8)))]) }
        let body = CanonicalJSON.bytes(of: [
            "requestId": "ed4acda5-034f-9f42-bba1-f29aea6d7d8f", "timestamp": 1_773_137_000_000,
            "records": .array(records + [["data": "!!!"]]),
        ])
        // A server that was killed left a file.
        let left = [(name: "spool/firehose-left-1.log", bytes: Array("2 1".utf8))]
        try await ServerHarness.run(files: left) { server in
            #expect(!FileManager.default.fileExists(atPath: "\(server.workspace.path)/\(left[0].name)"))
            let token = try await server.token("ingest:firehose", name: "firehose", cluster: "eks")
            let reader = try await server.token("read", name: "reader")
            for _ in 0..<2 {
                let reply = try await server.send(
                    "POST", "/v1/firehose",
                    headers: [
                        ("X-Amz-Firehose-Access-Key", token), ("Content-Type", "application/json"),
                        ("X-Amz-Firehose-Request-Id", "ed4acda5-034f-9f42-bba1-f29aea6d7d8f"),
                        ("X-Amz-Firehose-Protocol-Version", "1.0"),
                    ], body)
                #expect(reply.status == 200, "\(reply.text)")
                #expect(reply["content-type"] == "application/json")
                #expect(reply.json?["requestId"]?.string == "ed4acda5-034f-9f42-bba1-f29aea6d7d8f")
                #expect(reply.json?["timestamp"]?.integer != nil)
                #expect(reply.json?["errorMessage"] == nil)
            }
            let rows = try await OutsideTests.query(
                server, reader, "SELECT cluster, sum(flows) AS flows, sum(bytes) AS bytes FROM flow_counters GROUP BY 1"
            )
            #expect(rows == [["cluster": "eks", "flows": 20, "bytes": 16_800]])
            let wrong = try await server.send(
                "POST", "/v1/firehose",
                headers: [("X-Amz-Firehose-Access-Key", "cairn_no_no"), ("Content-Type", "application/json")], body)
            #expect(wrong.status == 401)
        }
    }

    @Test("Firehose keeps a request of which nothing can be used, and a token speaks for its cluster")
    func firehoseRefusals() async throws {
        @Sendable func body(_ lines: [String]) -> [UInt8] {
            CanonicalJSON.bytes(of: [
                "requestId": "r-1", "timestamp": 1_773_137_000_000,
                "records": .array(lines.map { ["data": .string(Base64.string(Array($0.utf8)))] }),
            ])
        }
        try await ServerHarness.run { server in
            let token = try await server.token("ingest:firehose", name: "firehose", cluster: "eks")
            func send(_ lines: [String]) async throws -> ServerHarness.Reply {
                try await server.send(
                    "POST", "/v1/firehose",
                    headers: [
                        ("X-Amz-Firehose-Access-Key", token), ("Content-Type", "application/json"),
                        ("X-Amz-Firehose-Common-Attributes", #"{"commonAttributes":{"cluster":"other"}}"#),
                    ], body(lines))
            }
            let unusable = try await send(["\u{1}\u{2}", "not a flow log\n"])
            #expect(unusable.status == 400 && unusable.json?["errorMessage"]?.string != nil, "\(unusable.text)")
            let sound = try await send([
                "2 111122223333 eni-0a1 10.0.0.5 203.0.113.9 40000 443 6 10 840 1773136800 1773136830 ACCEPT OK\n"
            ])
            #expect(sound.status == 200, "\(sound.text)")
            let reader = try await server.token("read", name: "reader")
            let rows = try await OutsideTests.query(server, reader, "SELECT DISTINCT cluster FROM flow_counters")
            #expect(rows == [["cluster": "eks"]])
        }
    }

    // MARK: - SNS

    /// The time of day of a moment at which the certificate of the fixture is valid.
    private struct LaterClock: WallClock {
        private let begin = SystemClock().monotonicMicroseconds()
        func now() -> Timestamp {
            let passed = Int64(SystemClock().monotonicMicroseconds() - begin)
            return Timestamp(checkedMicroseconds: 1_796_083_200_000_000 + passed) ?? .latest
        }
        func monotonicMicroseconds() -> UInt64 { SystemClock().monotonicMicroseconds() }
        func sleep(microseconds: UInt32) { SystemClock().sleep(microseconds: microseconds) }
    }

    private static let topic = "arn:aws:sns:eu-west-1:111122223333:alarms"

    @Test("Only signed messages of allowed topics are taken")
    func notifications() async throws {
        let message = try OutsideTests.fixture("sns-notification.json")
        let parsed = try JSONParser.parse(message).value
        let topic = try #require(parsed["TopicArn"]?.string)
        let certificate = try #require(parsed["SigningCertURL"]?.string)
        let pages = Pages([certificate: try OutsideTests.fixture("sns.pem")])
        try await ServerHarness.run({ $0.topics = [topic] }, outside: pages, clock: LaterClock()) { server in
            let token = try await server.token("ingest:sns", name: "sns")
            func send(_ body: [UInt8]) async throws -> ServerHarness.Reply {
                try await server.send(
                    "POST", "/v1/sns", token: token, headers: [("Content-Type", "text/plain; charset=UTF-8")], body)
            }
            let taken = try await send(message)
            #expect(taken.status == 200, "\(taken.text)")
            #expect(taken.json?["accepted"]?.integer == 1)
            var forged = try #require(parsed.object)
            forged["Message"] = "{\"AlarmName\":\"forged\"}"
            let refused = try await send(CanonicalJSON.bytes(of: .object(forged)))
            #expect(refused.status == 403)
            #expect(refused.json?["code"]?.string == "signature")
        }
        try await ServerHarness.run({ $0.topics = [] }, outside: pages, clock: LaterClock()) { server in
            let token = try await server.token("ingest:sns", name: "sns")
            let other = try await server.send(
                "POST", "/v1/sns", token: token, headers: [("Content-Type", "text/plain; charset=UTF-8")], message)
            #expect(other.status == 403)
            #expect(other.json?["code"]?.string == "topic")
        }
    }

    // MARK: - Identity providers

    private struct Token: JWTPayload {
        var iss: String
        var aud: [String]
        var sub = "ana@example.com"
        var exp: Double
        var nbf: String?
        var iat: Double?
        var groups: [String]
        func verify(using algorithm: some JWTAlgorithm) throws {}
    }

    @Test("Signed tokens give what their groups hold, and nothing else does")
    func identityProvider() async throws {
        let key = P256.Signing.PrivateKey()
        let point = key.publicKey.rawRepresentation
        func published(_ point: Data, _ id: String) -> JSONValue {
            [
                "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": .string(id),
                "x": .string(Base64.urlString(Array(point.prefix(32)))),
                "y": .string(Base64.urlString(Array(point.suffix(32)))),
            ]
        }
        let keys: JSONValue = ["keys": [published(point, "k1")]]
        let pages = Pages(["https://login.example.com/keys": CanonicalJSON.bytes(of: keys)])
        let signer = JWTKeyCollection()
        await signer.add(ecdsa: try ES256PrivateKey(backing: key), kid: "k1")
        let stranger = JWTKeyCollection()
        await stranger.add(ecdsa: ES256PrivateKey(), kid: "k1")
        let later = Date().timeIntervalSince1970 + 600
        let good = Token(iss: "https://login.example.com/", aud: ["cairn"], exp: later, groups: ["sre", "staff"])
        var others = [good, good, good, good, good, good, good, good, good]
        others[0].iss = "https://elsewhere.example.com/"
        others[1].aud = ["wiki"]
        others[2].exp = later - 3600
        others[3].groups = ["staff"]
        others[4].nbf = "2020-01-01"
        others[5].iat = later
        others[6].sub = String(repeating: "a", count: 5000)
        others[7].sub = "ana\nadmin"
        others[8].sub = ""
        let valid = try await signer.sign(good, kid: "k1")
        var refused = [try await stranger.sign(good, kid: "k1"), "a.b.c", String(valid.dropLast(2)) + "AA"]
        for other in others { refused.append(try await signer.sign(other, kid: "k1")) }
        refused.append(try await signer.sign(good, kid: "k1", header: ["crit": ["urn:x"]]))
        let newKey = P256.Signing.PrivateKey()
        let newSigner = JWTKeyCollection()
        await newSigner.add(ecdsa: try ES256PrivateKey(backing: newKey), kid: "k2")
        let newer = try await newSigner.sign(good, kid: "k2")
        let newKeys: JSONValue = [
            "keys": [published(point, "k1"), published(newKey.publicKey.rawRepresentation, "k2")]
        ]
        let texts = refused
        var oidc = ServerOptions.OIDC(
            issuer: "https://login.example.com/", audience: "cairn", keysURL: "https://login.example.com/keys")
        oidc.scopes = ["sre": ["read", "approve"]]
        let provider = oidc
        try await ServerHarness.run({ $0.oidc = provider }, outside: pages) { server in
            let who = try await server.send("GET", "/v1/whoami", token: valid)
            #expect(who.json?["name"]?.string == "oidc:ana@example.com", "\(who.text)")
            #expect(who.json?["type"]?.string == "oidc")
            #expect(who.json?["scopes"] == ["read", "approve"])
            #expect(try await server.send("GET", "/v1/status", token: valid).status == 200)
            for text in texts {
                let reply = try await server.send("GET", "/v1/status", token: text)
                #expect(reply.status == 401 || reply.status == 403, "\(reply.status) \(text)")
            }
            // A new key is asked for when a token names it.
            #expect(try await server.send("GET", "/v1/whoami", token: newer).status == 401)
            pages.put(CanonicalJSON.bytes(of: newKeys), at: "https://login.example.com/keys")
            #expect(try await server.send("GET", "/v1/whoami", token: newer).status == 200)
        }
    }

    // MARK: - Notifications

    @Test("An approval that waits is told in each shape, again until somebody takes it, and the log knows")
    func notifier() async throws {
        let bodies = Locked<[(path: String, body: JSONValue, key: String?)]>([])
        let router = Router()
        router.post("**") { request, _ -> Response in
            let bytes = Array(try await request.body.collect(upTo: 1 << 20).readableBytesView)
            let body = (try? JSONParser.parse(bytes).value) ?? .null
            let isFirst = bodies.with { bodies in
                bodies.append((request.uri.path, body, request.headers[.authorization]))
                return bodies.count { $0.path == request.uri.path } == 1
            }
            // One of them is down at first.
            if isFirst, request.uri.path == "/pager" { return Response(status: .serviceUnavailable) }
            // And one has moved, to where nobody decided to tell anything.
            if request.uri.path == "/moved" {
                return Response(status: .temporaryRedirect, headers: [.location: "/elsewhere"])
            }
            return Response(status: .ok)
        }
        let (ports, announced) = AsyncStream.makeStream(of: Int.self)
        let app = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { announced.yield($0.localAddress?.port ?? 0) })
        let running = Task { try await app.run() }
        defer { running.cancel() }
        var iterator = ports.makeAsyncIterator()
        let port = try #require(await iterator.next())
        let targets = [
            NotificationTarget(name: "chat", url: "http://127.0.0.1:\(port)/chat", shape: .webhook, secret: "s3cret"),
            NotificationTarget(name: "alerts", url: "http://127.0.0.1:\(port)/alerts", shape: .alertmanager),
            NotificationTarget(name: "pager", url: "http://127.0.0.1:\(port)/pager", shape: .pagerduty, secret: "key"),
            NotificationTarget(name: "moved", url: "http://127.0.0.1:\(port)/moved", shape: .webhook),
        ]
        try await ServerHarness.run {
            $0.notifications = targets
        } _: { server in
            let token = try await server.token("ingest:commands", "read", name: "pipeline")
            let plan = try await server.post(
                "/v1/commands", token: token,
                [
                    "type": "cairn.migration.planned.v1", "stream": "migration/m-1",
                    "data": [
                        "playbook": "cluster-migration", "source_cluster": "old", "target_cluster": "new",
                        "applications": [],
                    ],
                ])
            #expect(plan.status == 201, "\(plan.text)")
            let asked = try await server.post(
                "/v1/commands", token: token,
                [
                    "type": "cairn.approval.requested.v1", "stream": "migration/m-1",
                    "data": ["phase": "precheck", "reason": "ready"],
                ])
            #expect(asked.status == 201, "\(asked.text)")
            var rows: [JSONValue] = []
            for _ in 0..<150 where rows.count < 4 {
                try await Task.sleep(for: .milliseconds(100))
                rows = try await OutsideTests.query(
                    server, token, "SELECT target, status, attempts, entry FROM notifications ORDER BY target")
            }
            let entry = asked.json?["position"] ?? .null
            let expected: [JSONValue] = [("alerts", 1), ("chat", 1), ("moved", 1), ("pager", 2)].map { name, attempts in
                [
                    "target": .string(name), "status": name == "moved" ? "failed" : "delivered",
                    "attempts": .integer(attempts), "entry": entry,
                ]
            }
            #expect(rows == expected)
        }
        let taken = bodies.with { $0 }
        #expect(!taken.contains { $0.path == "/elsewhere" })
        let chat = try #require(taken.first { $0.path == "/chat" })
        #expect(chat.body["kind"]?.string == "approval")
        #expect(chat.key == "Bearer s3cret")
        let alert = try #require(taken.first { $0.path == "/alerts" }).body
        #expect(alert.array?.first?["labels"]?["alertname"]?.string == "Cairn_approval")
        let page = try #require(taken.last { $0.path == "/pager" }).body
        #expect(page["routing_key"]?.string == "key")
        #expect(page["event_action"]?.string == "trigger")
    }
}
