import CairnBytes
import CairnLedger
import CairnModel
import CairnServer
import CairnTestSupport
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
            #expect(rejudged.json?.array?.isEmpty == true, "\(rejudged.text)")
        }
    }

    @Test("Every parameter with nonsense: a refusal with a reason, and no failure")
    func nonsense() async throws {
        try await ServerHarness.run({ $0.callsPerSecond = 100_000 }, prepare: QuestionTests.prepare) { server in
            let reader = try await server.token("read", name: "reader")
            let document = try await server.send("GET", "/v1/openapi.json")
            let paths = try #require(document.json?["paths"]?.object)
            let values = [
                "", "0", "-1", "9007199254740993", "1e999", "%00", "%F0%9F%A6%86", "now", "-2h", "a%3Db", "{",
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
                page.text.contains("cairn query &#39;SELECT incident, title FROM incidents&#39;")
                    || page.text.contains("cairn query 'SELECT incident, title FROM incidents'"))
            #expect(page.text.contains("ana"))
            let unknown = try await server.send(
                "GET", "/nowhere", headers: [("Cookie", cookie), ("Accept", "text/html")])
            #expect(unknown.status == 404 && unknown.text.contains("To the fleet"))
        }
    }
}
