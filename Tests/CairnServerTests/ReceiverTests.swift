import AsyncHTTPClient
import CairnBytes
import CairnModel
import CairnServer
import CairnTestSupport
import Foundation
import NIOCore
import NIOHTTP1
import Testing

@Suite("Receivers")
struct ReceiverTests {
    private static func fixture(_ name: String) throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return Array(try Data(contentsOf: folder.appending(path: "CairnIngestTests/Fixtures/Wire/\(name)")))
    }

    private static func query(_ server: ServerHarness, _ token: String, _ sql: String) async throws -> JSONValue? {
        let reply = try await server.send(
            "POST", "/v1/query", token: token, headers: [("Content-Type", "text/plain")], Array(sql.utf8))
        #expect(reply.status == 200, "\(reply.text)")
        return reply.json
    }

    @Test("Events of EventBridge are taken once, however often they come")
    func eventBridge() async throws {
        try await ServerHarness.run { server in
            let sender = try await server.token("ingest:eventbridge", name: "eventbridge")
            let reader = try await server.token("read", name: "reader")
            let event: JSONValue = [
                "version": "0", "id": "ddca6449-b258-46c0-8653-e0e3aEXAMPLE",
                "detail-type": "ECS Deployment State Change",
                "source": "aws.ecs", "account": "111122223333", "time": "2026-03-10T12:31:14Z", "region": "us-west-2",
                "resources": ["arn:aws:ecs:us-west-2:111122223333:service/default/servicetest"],
                "detail": [
                    "eventType": "INFO", "eventName": "SERVICE_DEPLOYMENT_IN_PROGRESS", "deploymentId": "ecs-svc/123",
                    "updatedAt": "2026-03-10T11:11:11Z", "reason": "started",
                ],
            ]
            let first = try await server.post("/v1/eventbridge", token: sender, event)
            #expect(first.status == 202)
            #expect(first.json?["accepted"]?.integer == 1)
            let again = try await server.post("/v1/eventbridge", token: sender, event)
            #expect(again.status == 202)
            #expect(again.json?["accepted"]?.integer == 0)
            #expect(again.json?["duplicates"]?.integer == 1)
            let rows = try await ReceiverTests.query(
                server, reader, "SELECT actor, count(*) AS n FROM events WHERE type LIKE 'aws.ecs.%' GROUP BY actor")
            #expect(rows == [["actor": "eventbridge", "n": 1]])
        }
    }

    @Test("CloudEvents in all three modes")
    func cloudEvents() async throws {
        try await ServerHarness.run { server in
            let sender = try await server.token("ingest:cloudevents", name: "ci")
            func event(_ id: String) -> JSONValue {
                [
                    "specversion": "1.0", "id": .string(id), "source": "//ci", "type": "com.example.build.v1",
                    "subject": "migration/m-1", "time": "2026-03-10T10:00:00Z", "data": ["n": 1],
                ]
            }
            let structured = try await server.post(
                "/v1/events", token: sender, event("a"), type: "application/cloudevents+json")
            #expect(structured.json?["accepted"]?.integer == 1, "\(structured.text)")
            let batch = try await server.post(
                "/v1/events", token: sender, [event("b"), event("c"), event("a")],
                type: "application/cloudevents-batch+json")
            #expect(batch.json?["accepted"]?.integer == 2, "\(batch.text)")
            #expect(batch.json?["duplicates"]?.integer == 1)
            let binary = try await server.send(
                "POST", "/v1/events", token: sender,
                headers: [
                    ("ce-specversion", "1.0"), ("ce-id", "d"), ("ce-source", "//ci"),
                    ("ce-type", "com.example.build.v1"),
                    ("ce-subject", "migration/m%2D1"), ("ce-time", "2026-03-10T10:00:00Z"),
                    ("Content-Type", "application/json"),
                ], Array(#"{"n":2}"#.utf8))
            #expect(binary.json?["accepted"]?.integer == 1, "\(binary.text)")
            let reserved = try await server.post(
                "/v1/events", token: sender,
                [
                    "specversion": "1.0", "id": "x", "source": "//ci", "type": "cairn.phase.started.v1",
                    "subject": "migration/m-1", "data": [:],
                ], type: "application/cloudevents+json")
            #expect(reserved.status == 400)
        }
    }

    @Test("Remote write is read back bit by bit, and a repeat changes nothing", arguments: [1, 2])
    func remoteWrite(version: Int) async throws {
        let body = RemoteWriteBody.snappy(try ReceiverTests.fixture("remote-write-\(version).bin"))
        let type =
            version == 1 ? "application/x-protobuf" : "application/x-protobuf;proto=io.prometheus.write.v2.Request"
        try await ServerHarness.run { server in
            let sender = try await server.token("ingest:remote-write", name: "prometheus", cluster: "eks")
            let reader = try await server.token("read", name: "reader")
            var counts: [JSONValue?] = []
            for _ in 0..<2 {
                let reply = try await server.send(
                    "POST", "/api/v1/write", token: sender,
                    headers: [("Content-Type", type), ("Content-Encoding", "snappy")], body)
                #expect(reply.status == 204 || reply.status == 400, "\(reply.status) \(reply.text)")
                #expect(Int(reply["X-Prometheus-Remote-Write-Samples-Written"] ?? "") ?? 0 > 0)
                counts.append(
                    try await ReceiverTests.query(
                        server, reader, "SELECT count(*) AS n FROM samples(NULL, NULL)"))
            }
            #expect(counts[0] == counts[1])
            let many = counts[0]?.array?.first?["n"]?.integer ?? 0
            #expect(many > 0)
        }
    }

    @Test("Hostile bodies are refused with the right status, and the server goes on")
    func hostile() async throws {
        try await ServerHarness.run { server in
            let sender = try await server.token("ingest", name: "sender")
            let protobuf = [("Content-Type", "application/x-protobuf"), ("Content-Encoding", "snappy")]
            let garbage = try await server.send(
                "POST", "/api/v1/write", token: sender, headers: protobuf, [1, 2, 3, 255])
            #expect(garbage.status == 400)
            // 4 GiB announced by five bytes.
            let bomb = try await server.send(
                "POST", "/api/v1/write", token: sender, headers: protobuf, [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0])
            #expect(bomb.status == 400 || bomb.status == 413)
            let otherType = try await server.send(
                "POST", "/api/v1/write", token: sender, headers: [("Content-Type", "text/plain")], [1])
            #expect(otherType.status == 415)
            let otherMessage = try await server.send(
                "POST", "/api/v1/write", token: sender,
                headers: [("Content-Type", "application/x-protobuf;proto=other"), ("Content-Encoding", "snappy")], [0])
            #expect(otherMessage.status == 415)
            #expect(otherMessage["X-Prometheus-Remote-Write-Samples-Written"] == "0")
            let large = try await server.send(
                "POST", "/v1/commands", token: sender, headers: [("Content-Type", "application/json")],
                [UInt8](repeating: 32, count: (4 << 20) + 1))
            #expect(large.status == 413)
            let zeros = Deflate.compress([UInt8](repeating: 0, count: 200 << 20), container: .gzip, level: 6)
            let zipBomb = try await server.send(
                "POST", "/v1/eventbridge", token: sender,
                headers: [("Content-Type", "application/json"), ("Content-Encoding", "gzip")], zeros)
            #expect(zipBomb.status == 413)
            #expect(try await server.send("GET", "/healthz").status == 200)
        }
    }

    @Test("A gate is asked in each shape, and what pipelines ask is in the log")
    func gates() async throws {
        try await ServerHarness.run { server in
            let token = try await server.token("ingest", "read", name: "pipeline")
            let plan = try await server.post(
                "/v1/commands", token: token,
                [
                    "type": "cairn.deployment.planned.v1", "stream": "deployment/prod/shop/d-1",
                    "data": [
                        "playbook": "ecs-blue-green", "service": "shop", "cluster": "prod", "source_revision": "1",
                        "target_revision": "2", "parameters": ["bake_minutes": 5], "hooks": [],
                    ],
                ])
            #expect(plan.status == 201, "\(plan.text)")
            let hook = try await server.post(
                "/v1/gates/ecs-hook", token: token,
                [
                    "executionId": "e-1", "lifecycleStage": "POST_TEST_TRAFFIC_SHIFT",
                    "resourceArn": "arn:aws:ecs:eu-west-1:111122223333:service-deployment/prod/shop/d-1",
                ])
            #expect(hook.status == 200, "\(hook.text)")
            #expect(["SUCCEEDED", "FAILED", "IN_PROGRESS"].contains(hook.json?["hookStatus"]?.string ?? ""))
            let flagger = try await server.post(
                "/v1/gates/flagger", token: token,
                [
                    "name": "shop", "namespace": "prod", "phase": "Progressing",
                    "metadata": ["migration": "deployment/prod/shop/d-1", "phase": "POST_TEST_TRAFFIC_SHIFT"],
                ])
            #expect(flagger.status == 200 || flagger.status == 403, "\(flagger.text)")
            let argo = try await server.send(
                "GET", "/v1/gates/argo/prod%2Fshop%2Fd-1/POST_TEST_TRAFFIC_SHIFT", token: token)
            #expect(argo.status == 200, "\(argo.text)")
            let unknown = try await server.post(
                "/v1/gates/flagger", token: token, ["name": "nothing", "namespace": "x", "phase": "y", "metadata": [:]])
            #expect(unknown.status == 404)
            // A stage that the playbook does not have, in each shape: never a pass.
            let run = "deployment/prod/shop/d-1", typo = "POST_TEST_TRAFIC_SHIFT"
            let answers = [
                try await server.send("GET", "/v1/gates/argo/prod%2Fshop%2Fd-1/\(typo)", token: token),
                try await server.post(
                    "/v1/gates/flagger", token: token,
                    [
                        "name": "shop", "namespace": "prod", "phase": "Progressing",
                        "metadata": ["migration": .string(run), "phase": .string(typo)],
                    ]),
                try await server.post(
                    "/v1/gates/ecs-hook", token: token,
                    [
                        "executionId": "e-2", "lifecycleStage": .string(typo),
                        "resourceArn": "arn:aws:ecs:eu-west-1:111122223333:service-deployment/prod/shop/d-1",
                    ]),
            ]
            for answer in answers { #expect(answer.status == 409 && answer.text.contains(typo), "\(answer.text)") }
            let rows = try await ReceiverTests.query(
                server, token, "SELECT count(*) AS n FROM gates WHERE run = 'deployment/prod/shop/d-1'")
            #expect(rows == [["n": 2]])
        }
    }

    @Test("A follower sees an event when it is appended")
    func follow() async throws {
        try await ServerHarness.run { server in
            let reader = try await server.token("read", name: "reader")
            let sender = try await server.token("ingest:commands", name: "pipeline")
            let found = Locked("")
            let following = Task {
                var request = server.request("/v1/follow", token: reader)
                request.headers.add(name: "Accept", value: "text/event-stream")
                let response = try await server.client.execute(request, timeout: .seconds(30))
                for try await chunk in response.body {
                    let text = found.with { found in
                        found += String(buffer: chunk)
                        return found
                    }
                    if text.contains("deploy window") { return }
                }
            }
            while found.with({ $0.isEmpty }) { try await Task.sleep(for: .milliseconds(20)) }
            let note = try await server.post(
                "/v1/commands", token: sender,
                ["type": "cairn.note.added.v1", "stream": "migration/m-1", "data": ["text": "deploy window"]])
            #expect(note.status == 201, "\(note.text)")
            try await following.value
            #expect(found.with { $0 }.contains("event: cairn.note.added.v1"))
        }
    }
}
