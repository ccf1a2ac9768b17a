import CairnBytes
import CairnTestSupport
import Foundation
import Testing

/// What the server answers is what the command prints: same rows, same keys, same words where there is no answer.
@Suite struct ServerAnswerTests {
    private struct Pair {
        var command: [String]
        var path: String
        /// Keys that tell who asked and when, or what only the one who has the files may know.
        var besides: Set<String> = []

        init(_ command: [String], _ path: String, besides: Set<String> = []) {
            self.command = command
            self.path = path
            self.besides = besides
        }
    }

    private static let moment = "2026-03-10T09:58:00Z"
    /// When the samples' batch was told: a batch counts from its last sample on.
    private static let afterSamples = "2026-03-10T11:30:00Z"
    private static let selector = #"http_requests_total{app="search",code="503"}"#
    private static let selectorInQuery = "http_requests_total%7Bapp%3D%22search%22%2Ccode%3D%22503%22%7D"

    private static let states = [
        Pair(["status"], "status"),
        Pair(["status", "harbor-eu-1"], "status/harbor-eu-1"),
        Pair(["status", "--at", moment], "status?at=\(moment)"),
        Pair(["status", "--entry", "40"], "status?entry=40"),
        Pair(["status", "harbor-eu-1", "--at", moment], "status/migration/harbor-eu-1?at=\(moment)"),
        Pair(
            ["status", "--at", moment, "--known-at", "2026-03-10T08:00:00Z"],
            "status?at=\(moment)&known_at=2026-03-10T08:00:00Z"),
        Pair(["query"], "queries"),
        Pair(["query", "who-approved-what"], "queries/who-approved-what"),
        Pair(["query", "running-at", "-p", "time=\(moment)"], "queries/running-at?time=\(moment)"),
        Pair(["query", "import-history", "-p", "format=velero"], "queries/import-history?parameter=format%3Dvelero"),
        Pair(
            ["query", "SELECT finding, status FROM findings ORDER BY position"], "findings",
            besides: [
                "acknowledged_by", "app", "cluster", "end_at", "false_by", "false_expires_at", "incident", "kind",
                "metric",
                "mute_expires_at", "muted_by", "peer", "peer_port", "position", "reason", "side", "source_cluster",
                "start_at", "status_reason", "target_cluster",
            ]),
        Pair(
            ["query", "SELECT incident, title, status FROM incidents WHERE status = 'open' ORDER BY position"],
            "incidents?status=open",
            besides: ["severity", "opened_at", "closed_at", "reason", "findings", "position"]),
        Pair(["query", "phase-durations", "--at", moment], "queries/phase-durations?at=\(moment)"),
    ]

    private static let judgements = [
        Pair(["diverge"], "diverge"),
        Pair(["diverge", "--findings-only", "--at", afterSamples], "diverge?findings_only=true&at=\(afterSamples)"),
        Pair(
            ["diverge", "--since", "2026-03-10T09:30:00Z", "--app-label", "app"],
            "diverge?since=2026-03-10T09:30:00Z&app_label=app"),
        Pair(
            ["diverge", "--explain-metrics", "--meaning", "kafka_lag=latency"],
            "diverge?explain_metrics=true&meaning=kafka_lag%3Dlatency"),
        Pair(["drops"], "drops"),
        Pair(["drops", "--watermark", "30", "--entry", "310"], "drops?watermark=30&entry=310"),
        Pair(["drops", "--at", moment], "drops?at=\(moment)"),
        Pair(["anomalies", selector], "anomalies?selector=\(selectorInQuery)"),
        Pair(
            ["anomalies", selector, "--changed-at", "2026-03-10T09:57:00Z"],
            "anomalies?selector=\(selectorInQuery)&changed_at=2026-03-10T09:57:00Z"),
        Pair(["check", "--list"], "checks"),
        Pair(
            ["check", "velero-result", "--migration", "harbor-eu-1", "--at", moment],
            "checks?migration=harbor-eu-1&name=velero-result&at=\(moment)"),
        Pair(
            ["gate", "--migration", "harbor-eu-1", "--phase", "shift-traffic", "--at", moment],
            "gate?migration=harbor-eu-1&phase=shift-traffic&at=\(moment)"),
    ]

    private static let log = [
        Pair(
            ["timeline", "--migration", "harbor-eu-1"], "timeline?migration=migration/harbor-eu-1", besides: ["ledger"]),
        Pair(["report", "population", "--until", moment], "report/population?until=\(moment)", besides: ["report"]),
        Pair(
            ["report", "change", "harbor-eu-1", "--at", moment], "report/change/harbor-eu-1?at=\(moment)",
            besides: ["report"]),
        Pair(["replay", "--stream", "migration/harbor-eu-1"], "events?stream=migration/harbor-eu-1&limit=1000"),
        Pair(["replay", "--rejudge"], "rejudge"),
        Pair(["prove", "3"], "proofs/3?format=json"),
        Pair(["checkpoint"], "checkpoint?format=json", besides: ["export"]),
        Pair(["key", "show"], "keys", besides: ["signing_key"]),
        Pair(["verify"], "verify"),
        Pair(["stats"], "stats", besides: ["read_model_bytes"]),
    ]

    private static let withoutAnswer = [
        Pair(["status", "no-such-run"], "status/no-such-run"),
        Pair(["status", "--entry", "99999999"], "status?entry=99999999"),
        Pair(["diverge", "--at", moment], "diverge?at=\(moment)"),
        Pair(["diverge", "--source", "a", "--target", "b"], "diverge?source=a&target=b"),
        Pair(["diverge", "--meaning", "x=nonsense"], "diverge?meaning=x%3Dnonsense"),
        Pair(["drops", "--watermark", "2000"], "drops?watermark=2000"),
        Pair(
            ["drops", "--since", "2026-03-10T10:00:00Z", "--until", moment],
            "drops?since=2026-03-10T10:00:00Z&until=\(moment)"),
        Pair(["anomalies", "no_such_metric"], "anomalies?selector=no_such_metric"),
        Pair(["explain", "nothing"], "explain/nothing"),
        Pair(["check", "no-such-check", "--list"], "checks?name=no-such-check"),
        Pair(["timeline", "--incident", "nothing"], "timeline?incident=nothing"),
        Pair(["verify", "--vkey", "nonsense"], "verify?vkey=nonsense"),
        Pair(["query", "running-at", "-p", "time=never"], "queries/running-at?time=never"),
    ]

    @Test func everyAnswerIsTheCommands() throws {
        try withServer { ledger, fetch in
            let finding = try #require(
                try ledger.rows(["query", "SELECT finding FROM findings ORDER BY 1"]).first?["finding"]?.string)
            let incident = try #require(
                try ledger.rows(["query", "SELECT incident FROM incidents"]).first?["incident"]?.string)
            let named = [
                Pair(["explain", finding], "explain/\(finding)"),
                Pair(
                    ["timeline", "--incident", incident], "timeline?incident=incident/\(incident)", besides: ["ledger"]),
            ]
            let pairs = Self.states + Self.judgements + Self.log + named
            let replies = try fetch(pairs.map(\.path))
            for (pair, reply) in zip(pairs, replies) {
                let said = try ledger.run(pair.command + ["-o", "json"])
                #expect([0, 1, 2].contains(said.status), "\(pair.command): \(said.errors)")
                #expect(reply["status"]?.integer == 200, "\(pair.path): \(reply)")
                let own = try JSONParser.parse(said.output).value
                let served = try JSONParser.parse(reply["body"]?.string ?? "").value
                #expect(without(pair.besides, own) == without(pair.besides, served), "\(pair.path)")
                let outcome = reply["outcome"]?.string
                let statuses: [String: Int32] = ["fine": 0, "finding": 1, "undecided": 2]
                if let outcome { #expect(statuses[outcome] == said.status, "\(pair.path): \(outcome)") }
            }
        }
    }

    @Test func whereThereIsNoAnswerTheWordsAreTheCommands() throws {
        try withServer { ledger, fetch in
            let replies = try fetch(Self.withoutAnswer.map(\.path))
            for (pair, reply) in zip(Self.withoutAnswer, replies) {
                let said = try ledger.run(pair.command + ["-o", "json"])
                let problem = try JSONParser.parse(reply["body"]?.string ?? "").value
                let detail = problem["detail"]?.string ?? "?"
                #expect([64, 65].contains(said.status), "\(pair.command)")
                #expect(reply["status"]?.integer == (said.status == 64 ? 400 : 404), "\(pair.path): \(problem)")
                #expect(said.errors.hasPrefix(detail), "\(pair.path): \(detail) and \(said.errors)")
                if let remedy = problem["remedy"]?.string { #expect(said.errors.contains(remedy), "\(pair.path)") }
            }
        }
    }

    private func without(_ names: Set<String>, _ value: JSONValue) -> JSONValue {
        if let array = value.array { return .array(array.map { without(names, $0) }) }
        guard let object = value.object else { return value }
        var left = JSONObject()
        for member in object where !names.contains(member.name) { left[member.name] = member.value }
        return .object(left)
    }

    private static let fetcher = """
        import json, sys, urllib.error, urllib.request
        replies = []
        for path in json.load(sys.stdin):
            request = urllib.request.Request(sys.argv[1] + path, headers={"Authorization": "Bearer " + sys.argv[2]})
            try: reply = urllib.request.urlopen(request)
            except urllib.error.HTTPError as error: reply = error
            replies.append({"status": reply.status, "body": reply.read().decode(),
                "outcome": reply.headers.get("X-Cairn-Outcome")})
        json.dump(replies, sys.stdout)
        """

    /// A server of a copy of the demo's ledger, and what asks it for paths below `/v1/`.
    private func withServer(
        _ body: (ScratchLedger, (_ paths: [String]) throws -> [JSONValue]) throws -> Void
    ) throws {
        let ledger = try ScratchLedger(copyOf: DemoLedger.shipped().ledger)
        let token = try ledger.succeed(["token", "create", "--scope", "read", "--name", "reader"])
            .trimmingCharacters(in: .newlines)
        try ledger.succeed(["checkpoint"])
        let settings = ledger.folder.file("serve.yaml")
        try Data("analysis_seconds: 0\ndisk_free_bytes_min: 0\n".utf8).write(to: URL(filePath: settings))
        let server = try RunningProgram(
            ["serve", "--listen", "127.0.0.1:0", "--config", settings], on: ledger, inputFile: "/dev/null",
            errorFile: ledger.folder.file("serve.log"))
        defer {
            server.kill()
            _ = server.wait()
        }
        let port = try #require(server.nextLine()?.split(separator: " ").last, "\(server.errors)")
        try body(ledger) { paths in
            let asked = CanonicalJSON.string(of: .array(paths.map { .string($0) }))
            let said = try Program(path: "/usr/bin/env").run(
                ["python3", "-c", Self.fetcher, "http://127.0.0.1:\(port)/v1/", token], input: asked)
            return try #require(try JSONParser.parse(said.output).value.array, "\(said.errors)")
        }
    }
}
