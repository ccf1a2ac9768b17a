import AsyncHTTPClient
import CairnBytes
import CairnLedger
import CairnModel
import CairnServer
import CairnTestSupport
import NIOCore
import NIOHTTP1
import Testing

/// What questions take, what they answer with, and what is said where there is no answer.
@Suite("Questions")
struct QuestionTests {
    private static func prepare(_ ledger: Ledger) throws {
        for number in 0..<3 {
            _ = try ledger.append(
                [
                    Append(
                        ProposedEvent(
                            id: "e-\(number)", source: "//test", type: "observed.migration.planned.v1",
                            subject: StreamName(kind: "migration", foreignID: "m-\(number)"),
                            time: Timestamp(seconds: 1_773_000_000 + Int64(number) * 3600)!,
                            data: [
                                "playbook": "cluster-migration", "source_cluster": "old", "target_cluster": "new",
                                "applications": [],
                            ]))
                ], actor: Actor(id: "test", type: "local"))
        }
    }

    @Test("Moments of the past, by either clock and by entry")
    func moments() async throws {
        try await ServerHarness.run(prepare: QuestionTests.prepare) { server in
            let reader = try await server.token("read", name: "reader")
            func count(_ query: String) async throws -> Int? {
                try await server.send("GET", "/v1/status\(query)", token: reader).json?.array?.count
            }
            #expect(try await count("") == 3)
            #expect(try await count("?at=2026-03-08T20:00:00Z") == 1)
            #expect(try await count("?at=2026-03-08T20:00:00Z&entry=0") == 1)
            #expect(try await count("?entry=1") == 2)
            #expect(try await count("?known_at=2020-01-01T00:00:00Z") == 0)
            for (query, status) in [
                ("?at=never", 400), ("?entry=-1", 400), ("?entry=999999", 404), ("?known_at=", 200),
                ("?format=pdf", 400),
            ] {
                #expect(try await server.send("GET", "/v1/status\(query)", token: reader).status == status, "\(query)")
            }
            let sql = try await server.send(
                "POST", "/v1/query?entry=1&parameter=kind%3Dmigration", token: reader,
                headers: [("Content-Type", "text/plain")],
                Array("SELECT count(*) AS n FROM runs WHERE kind = :kind".utf8))
            #expect(sql.json == [["n": 2]], "\(sql.text)")
        }
    }

    @Test("The log is verified, and proves itself to others' tools")
    func log() async throws {
        try await ServerHarness.run(prepare: QuestionTests.prepare) { server in
            let reader = try await server.token("read", name: "reader")
            let verified = try await server.send("GET", "/v1/verify", token: reader)
            #expect(verified.json?.array?.first?["verdict"]?.string == "intact", "\(verified.text)")
            #expect(verified["X-Cairn-Outcome"] == "fine")
            let checkpoint = try await server.send("GET", "/v1/tlog/checkpoint", token: reader)
            let head = try SignedCheckpoint(parsing: checkpoint.bytes).checkpoint
            let bundle = try await server.send(
                "GET", "/v1/tlog/\(Tile(kind: .entries, index: 0, width: Int(head.size)).path)", token: reader)
            let entries = try #require(EntryBundle.entries(bundle.bytes, width: Int(head.size)))
            let tile = try await server.send(
                "GET", "/v1/tlog/\(Tile(kind: .hashes(level: 0), index: 0, width: Int(head.size)).path)", token: reader)
            let leaves = entries.map { TreeHasher.leaf($0) }
            #expect(tile.bytes == TreeHash.bytes(of: leaves))
            var tree = TileTree()
            for leaf in leaves { tree.append(leaf) { _, _ in } }
            #expect(tree.root == head.root)
            for path in ["tile/0/001", "tile/entries/000", "tile/9/000", "elsewhere", "../key"] {
                #expect(try await server.send("GET", "/v1/tlog/\(path)", token: reader).status == 404, "\(path)")
            }
            let keys = try await server.send("GET", "/v1/keys", token: reader)
            let key = try #require(keys.json?.array?.first?["verifier_key"]?.string)
            let own = try await server.send("GET", "/v1/tlog/vkey", token: reader)
            #expect(own.text == key + "\n")
            let stats = try await server.send("GET", "/v1/stats", token: reader)
            #expect((stats.json?.array?.first?["entries"]?.integer ?? 0) >= 3, "\(stats.text)")
            let rejudged = try await server.send("GET", "/v1/rejudge", token: reader)
            #expect(rejudged.status == 200 && rejudged.json?.array != nil, "\(rejudged.text)")
        }
    }

    @Test("Every parameter with nonsense: a refusal with a reason, and no failure")
    func nonsense() async throws {
        try await ServerHarness.run({ $0.callsPerSecond = 100_000 }, prepare: QuestionTests.prepare) { server in
            let reader = try await server.token("read", name: "reader")
            let document = try await server.send("GET", "/v1/openapi.json")
            let paths = try #require(document.json?["paths"]?.object)
            let values = [
                "", "0", "-1", "9007199254740993", "1e999", "%00", "%F0%9F%A6%86", "now", "-2h", "a%3Db", "%7B",
                String(repeating: "x", count: 5000),
            ]
            var calls = 0
            for path in paths where path.name != "/v1/follow" {
                guard let parameters = path.value["get"]?["parameters"]?.array else { continue }
                let filled = path.name.replacing(#/\{[a-z]+\}/#, with: "m-1")
                for parameter in parameters where parameter["in"]?.string == "query" {
                    for value in values {
                        let name = parameter["name"]?.string ?? ""
                        let reply = try await server.send("GET", "\(filled)?\(name)=\(value)", token: reader)
                        #expect(reply.status < 500, "\(filled)?\(name)=\(value): \(reply.text)")
                        calls += 1
                        guard reply.status == 400, let problem = reply.json else { continue }
                        #expect(problem["detail"]?.string?.hasPrefix("cannot ") == true, "\(problem)")
                    }
                }
            }
            #expect(calls > 500, "\(calls)")
        }
    }

    @Test("A page that is refused says what to do, in a page of whoever is logged in")
    func errorPages() async throws {
        try await ServerHarness.run { server in
            let token = try await server.token("read", name: "ana")
            let login = try await server.send(
                "POST", "/login", headers: [("Content-Type", "application/x-www-form-urlencoded")],
                Array("token=\(token)".utf8))
            let cookie = try #require(login["Set-Cookie"]?.split(separator: ";").first.map(String.init))
            let page = try await server.send(
                "GET", "/incidents/none", headers: [("Cookie", cookie), ("Accept", "text/html")])
            #expect(page.status == 404)
            #expect(page.text.contains("Cannot find the incident none in this ledger."))
            #expect(
                page.text.contains(
                    "<code>cairn query &#39;SELECT incident, title FROM incidents&#39;</code> lists them."))
            #expect(page.text.contains("ana"))
            let unknown = try await server.send(
                "GET", "/nowhere", headers: [("Cookie", cookie), ("Accept", "text/html")])
            #expect(unknown.status == 404 && unknown.text.contains("To the fleet"))
        }
    }
}

/// What one caller can take of the server: others go on being answered.
@Suite("Bounds of questions")
struct QuestionBoundsTests {
    private static let endless = Array(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n".utf8)

    private static func query(_ server: ServerHarness, _ token: String, _ sql: [UInt8]) async throws
        -> ServerHarness.Reply
    {
        try await server.send(
            "POST", "/v1/query", token: token, headers: [("Content-Type", "text/plain")], sql)
    }

    @Test("Who asks without end holds up itself alone")
    func endlessQuestions() async throws {
        try await ServerHarness.run { server in
            let greedy = try await server.token("read", name: "greedy")
            let other = try await server.token("read", "ingest:commands", name: "other")
            try await withThrowingTaskGroup(of: Int.self) { group in
                // The client has eight connections to a server.
                for _ in 0..<6 {
                    group.addTask {
                        try await QuestionBoundsTests.query(server, greedy, QuestionBoundsTests.endless).status
                    }
                }
                try await Task.sleep(for: .milliseconds(500))
                let clock = ContinuousClock()
                let took = try await clock.measure {
                    for path in ["/readyz", "/v1/status", "/"] {
                        let reply = try await server.send("GET", path, token: other)
                        #expect(reply.status == 200, "\(path): \(reply.status)")
                    }
                    let note = try await server.post(
                        "/v1/commands", token: other,
                        ["type": "cairn.note.added.v1", "stream": "migration/m-1", "data": ["text": "still here"]])
                    #expect(note.status == 201, "\(note.text)")
                }
                #expect(took < .seconds(5), "\(took)")
                var statuses: [Int: Int] = [:]
                for try await status in group { statuses[status, default: 0] += 1 }
                // Some were stopped, the others never begun.
                #expect(statuses == [422: 4, 429: 2], "\(statuses)")
            }
            #expect(try await server.send("GET", "/v1/status", token: greedy).status == 200)
        }
    }

    @Test("An answer has so many bytes and no more, and says where the rest begins")
    func largeAnswers() async throws {
        let long = String(repeating: "x", count: 40_000)
        try await ServerHarness.run(
            prepare: { ledger in
                for number in 0..<300 {
                    _ = try ledger.append(
                        [
                            Append(
                                ProposedEvent(
                                    id: "e-\(number)", source: "//test", type: "test.long.v1",
                                    subject: StreamName(kind: "test", foreignID: "a"),
                                    time: Timestamp(seconds: 1_773_000_000)!, data: ["text": .string(long)]))
                        ], actor: Actor(id: "test", type: "local"))
                }
            }
        ) { server in
            let reader = try await server.token("read", name: "reader")
            var from = 0
            var seen: [Int64] = []
            while true {
                let page = try await server.send(
                    "GET", "/v1/events?limit=1000&from=\(from)&stream=test/a", token: reader)
                #expect(page.status == 200 && page.bytes.count < 9 << 20)
                seen += page.json?.array?.compactMap { $0["position"]?.integer } ?? []
                guard let next = page["X-Cairn-Next"] else { break }
                from = try #require(Int(next))
            }
            #expect(seen == (0..<300).map { Int64($0) })
            let rows = try await QuestionBoundsTests.query(server, reader, Array("SELECT data FROM events".utf8))
            #expect(rows.status == 200 && rows["X-Cairn-Truncated"] == "true")
            #expect(rows.bytes.count < 20 << 20)
            // What was never read is given back.
            for _ in 0..<20 {
                let head = try await server.send("HEAD", "/v1/events?limit=1000", token: reader)
                #expect(head.status == 200)
            }
        }
    }

    @Test("Who asks for the head of a stream follows nothing")
    func headsOfStreams() async throws {
        try await ServerHarness.run({ $0.callsPerSecond = 100_000 }) { server in
            let reader = try await server.token("read", name: "reader")
            for _ in 0..<600 {
                let reply = try await server.send("HEAD", "/v1/follow", token: reader)
                #expect(reply.status == 200)
            }
            let metrics = try await server.send("GET", "/metrics", token: reader)
            #expect(metrics.text.contains("\ncairn_followers 0"), "\(metrics.text)")
        }
    }

    @Test("A stream ends with its token, and begins after the last position that can be")
    func revokedFollowers() async throws {
        try await ServerHarness.run { server in
            let admin = try await server.token("admin", "ingest:commands", name: "root")
            let reader = try await server.token("read", name: "reader")
            let id = try #require(reader.split(separator: "_").dropFirst().first.map(String.init))
            let text = Locked("")
            let following = Task {
                var request = server.request("/v1/follow", token: reader)
                request.headers.add(name: "Last-Event-ID", value: "18446744073709551615")
                let response = try await server.client.execute(request, timeout: .seconds(60))
                for try await chunk in response.body { text.with { $0 += String(buffer: chunk) } }
            }
            while text.with({ $0.isEmpty }) { try await Task.sleep(for: .milliseconds(20)) }
            #expect(text.with { $0 }.hasPrefix(": following from 18446744073709551615"))
            #expect(try await server.send("DELETE", "/v1/tokens/\(id)", token: admin).status == 204)
            try await Task.sleep(for: .seconds(1))
            let note = try await server.post(
                "/v1/commands", token: admin,
                ["type": "cairn.note.added.v1", "stream": "migration/m-1", "data": ["text": "secret"]])
            #expect(note.status == 201, "\(note.text)")
            // The stream ends by itself.
            try await following.value
            #expect(!text.with { $0 }.contains("secret"))
        }
    }
}
