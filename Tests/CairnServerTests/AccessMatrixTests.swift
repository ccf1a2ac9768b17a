import CairnBytes
import CairnLedger
import CairnModel
import CairnRecorder
import CairnServer
import Testing

/// Every route with every scope: who holds the scope that a route needs gets in, and nobody else does.
@Suite("Access")
struct AccessMatrixTests {
    private static let scopes = ["read", "approve", "admin", "ingest"] + AccessScope.receivers.map { "ingest:\($0)" }

    @Test("Every route with every scope, and with none")
    func matrix() async throws {
        try await ServerHarness.run {
            $0.callsPerSecond = 100_000
        } _: { server in
            var tokens: [(scope: String, token: String)] = []
            for scope in AccessMatrixTests.scopes {
                tokens.append((scope, try await server.token(scope, name: scope)))
            }
            let table = server.accessTable
            #expect(table.count > 40)
            for route in table {
                let path = AccessMatrixTests.filled(route.path)
                let anonymous = try await server.send(route.method, path)
                // Who calls often without a token is slowed down too.
                let isSentToLogIn = anonymous.status == 303 && anonymous["location"]?.hasPrefix("/login?next=") == true
                let isRefused = anonymous.status == 401 || anonymous.status == 429 || isSentToLogIn
                #expect(
                    isRefused == (route.scope != "none"),
                    "\(route.method) \(route.path) without a token: \(anonymous.status)")
                for (scope, token) in tokens where route.scope != "none" && route.path != "/v1/follow" {
                    let held = try #require(AccessScope(scope))
                    let mayCall = route.scope == "any" || AccessScope(route.scope).map { held.allows($0) } ?? false
                    let reply = try await server.send(route.method, path, token: token)
                    let code = reply.json?["code"]?.string
                    let isForbidden =
                        reply.status == 403 && (code == "forbidden" || reply.text.contains("does not hold the scope"))
                    #expect(reply.status != 401, "\(route.method) \(route.path) with \(scope)")
                    #expect(isForbidden == !mayCall, "\(route.method) \(route.path) with \(scope): \(reply.status)")
                    #expect(
                        reply.status < 500, "\(route.method) \(route.path) with \(scope): \(reply.status) \(reply.text)"
                    )
                }
            }
        }
    }

    private static func filled(_ path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false).map { part in
            part.hasPrefix("{") ? (part.hasSuffix("...}") ? "migration/none" : "0") : String(part)
        }.joined(separator: "/")
    }

    @Test("A revoked token is refused, and the log says who held what")
    func revocation() async throws {
        try await ServerHarness.run { server in
            let admin = try await server.token("admin", "read", name: "root")
            let made = try await server.post("/v1/tokens", token: admin, ["name": "ana", "scopes": ["read"]])
            #expect(made.status == 201)
            let token = try #require(made.json?["token"]?.string)
            let id = try #require(made.json?["id"]?.string)
            #expect(try await server.send("GET", "/v1/status", token: token).status == 200)
            #expect(try await server.send("DELETE", "/v1/tokens/\(id)?reason=left", token: admin).status == 204)
            #expect(try await server.send("GET", "/v1/status", token: token).status == 401)
            let review = try await server.send("GET", "/v1/queries/access-review", token: admin)
            #expect(review.status == 200)
            #expect(!review.text.contains("\"ana\""))
            let used = try await server.send(
                "POST", "/v1/query", token: admin, headers: [("Content-Type", "text/plain")],
                Array("SELECT count(*) AS n FROM access_events WHERE kind = 'used' AND principal = 'root'".utf8))
            #expect(used.json?.array?.first?["n"]?.integer == 2)
        }
    }

    @Test("Who tells of a token makes none")
    func toldTokens() async throws {
        try await ServerHarness.run { server in
            let sender = try await server.token("ingest:cloudevents", name: "mallory")
            let secret = "mallory-knows-this"
            let digest = Hex.string(TokenOffice.digest(of: secret))
            func event(_ type: String) -> JSONValue {
                [
                    "specversion": "1.0", "id": .string(type), "source": "/cairn/access", "type": .string(type),
                    "subject": "access/tokens", "time": "2026-03-10T10:00:00Z",
                    "data": [
                        "token": "feed", "name": "mallory", "scopes": ["admin", "read"],
                        "secret_sha256": .string(digest),
                    ],
                ]
            }
            for type in ["observed.token.created.v1", "cairn.token.created.v1", "token.created"] {
                _ = try await server.post(
                    "/v1/events", token: sender, event(type), type: "application/cloudevents+json")
            }
            try await Task.sleep(for: .milliseconds(700))
            let token = TokenText(id: "feed", secret: secret).text
            #expect(try await server.send("GET", "/v1/whoami", token: token).status == 401)
        }
    }

    @Test("Refusals are counted in the log, by who and where")
    func refusals() async throws {
        try await ServerHarness.run { server in
            let reader = try await server.token("read", name: "reader")
            for _ in 0..<3 {
                let reply = try await server.post("/v1/tokens", token: reader, ["name": "x", "scopes": ["admin"]])
                #expect(reply.status == 403)
            }
            var rows: [JSONValue] = []
            for _ in 0..<100 where rows.isEmpty {
                try await Task.sleep(for: .milliseconds(100))
                let reply = try await server.send(
                    "POST", "/v1/query", token: reader, headers: [("Content-Type", "text/plain")],
                    Array(
                        "SELECT count, route, reason FROM access_events WHERE kind = 'denied' AND principal = 'reader'"
                            .utf8))
                rows = reply.json?.array ?? []
            }
            #expect(rows == [["count": 3, "route": "/v1/tokens", "reason": "forbidden"]])
        }
    }

    @Test("Who is refused inside a route, or by where the call is from, is in the log, too")
    func denials() async throws {
        let clock = ManualClock()
        try await ServerHarness.run(
            clock: clock,
            afterwards: { ledger throws in
                var reasons: [String: Int64] = [:]
                try ledger.forEach(from: 0) { event in
                    guard event.type == "cairn.access.denied.v1" else { return }
                    let key = "\(event.data["route"]?.string ?? "") \(event.data["reason"]?.string ?? "")"
                    reasons[key, default: 0] += event.data["count"]?.integer ?? 0
                }
                #expect(reasons["/v1/commands forbidden"] == 1)
                #expect(reasons["/v1/commands person"] == 1)
                #expect(reasons["/v1/approvals person"] == 1)
                #expect(reasons["/v1/approvals refused.approver_is_requester"] == 1)
                #expect(reasons["/v1/commands cross-site"] == 1)
                #expect(reasons["/login cross-site"] == 1)
                #expect(reasons["/login unauthorized"] == 50)
                #expect(reasons["/login rate-limit"] == 3)
            }
        ) { server in
            let token = try await server.token("ingest", "read", "approve", name: "ana")
            func status(_ path: String, _ type: String, _ data: JSONValue) async throws -> Int {
                try await server.post(
                    path, token: token, ["type": .string(type), "stream": "migration/m-1", "data": data]
                ).status
            }
            let plan: JSONValue = [
                "playbook": "cluster-migration", "source_cluster": "old", "target_cluster": "new", "applications": [],
            ]
            #expect(try await status("/v1/commands", "cairn.migration.planned.v1", plan) == 201)
            let asked: JSONValue = ["phase": "precheck", "reason": "ready"]
            #expect(try await status("/v1/commands", "cairn.approval.requested.v1", asked) == 201)
            let granted = "cairn.approval.granted.v1"
            #expect(try await status("/v1/commands", granted, ["phase": "precheck"]) == 403)
            #expect(try await status("/v1/approvals", granted, ["phase": "precheck"]) == 409)
            let other: JSONValue = ["phase": "precheck", "approver": "eve", "requested_by": "eve"]
            #expect(try await status("/v1/approvals", granted, other) == 403)
            #expect(try await status("/v1/commands", "cairn.approval.requested.v1", other) == 403)

            // A browser that keeps a password sends it for another site's page, too.
            let basic = "Basic \(Base64.string(Array("ana:\(token)".utf8)))"
            let crossing = try await server.send(
                "POST", "/v1/commands",
                headers: [
                    ("Authorization", basic), ("Sec-Fetch-Site", "cross-site"), ("Content-Type", "application/json"),
                ], Array("{}".utf8))
            #expect(crossing.status == 403)
            func logIn(_ token: String, site: String = "same-origin") async throws -> Int {
                try await server.send(
                    "POST", "/login",
                    headers: [("Content-Type", "application/x-www-form-urlencoded"), ("Sec-Fetch-Site", site)],
                    Array("token=\(token)".utf8)
                ).status
            }
            #expect(try await logIn(token, site: "cross-site") == 403)

            // Whoever guesses is slowed down and told so; whoever has a token gets in all the same.
            clock.advance(seconds: 60)
            var statuses: [Int] = []
            for _ in 0..<53 { statuses.append(try await logIn("cairn_no_no")) }
            #expect(statuses == [Int](repeating: 401, count: 50) + [429, 429, 429])
            #expect(try await logIn(token) == 303)
        }
    }

    @Test("A route that is open does not look at what is shown")
    func openRoutes() async throws {
        var provider = ServerOptions.OIDC(
            issuer: "https://login.example.com/", audience: "cairn", keysURL: "https://login.example.com/keys")
        provider.scopes = ["sre": ["read"]]
        let oidc = provider
        try await ServerHarness.run({ $0.oidc = oidc }, outside: Unreachable()) { server async throws in
            for path in ["/healthz", "/readyz", "/login"] {
                #expect(try await server.send("GET", path, token: "a.b.c").status == 200, "\(path)")
            }
            #expect(try await server.send("GET", "/v1/status").status == 401)
            #expect(try await server.send("GET", "/v1/status", token: "eyJhIjoxfQ.b.c").status == 503)
        }
    }

    private struct Unreachable: OutsideReader {
        struct Failure: Error {}
        func read(_ url: String, keptSeconds: Int64) async throws -> [UInt8] { throw Failure() }
    }
}
