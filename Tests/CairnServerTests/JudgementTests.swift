import CairnBytes
import CairnServer
import Testing

/// Who may only deliver events does not approve, neither by a command nor by telling it as a fact.
@Suite("Judgements")
struct JudgementTests {
    private static func fact(_ type: String, _ data: JSONValue) -> JSONValue {
        [
            "specversion": "1.0", "id": .string("\(type)-1"), "source": "//elsewhere", "type": .string(type),
            "subject": "migration/m-1", "time": "2026-03-10T10:00:00Z", "data": data,
        ]
    }

    private static let judgements: [(type: String, data: JSONValue)] = [
        ("approval.requested", ["phase": "snapshot", "requested_by": "bob"]),
        ("approval.granted", ["phase": "snapshot", "approver": "ana"]),
        ("gate.evaluated", ["phase": "snapshot", "result": "pass"]),
        ("finding.marked_false", ["finding": "f-1", "person": "bob", "reason": "no"]),
        ("finding.withdrawn", ["finding": "f-1"]), ("incident.closed", ["incident": "i-1", "reason": "over"]),
    ]

    @Test(arguments: judgements)
    func tellingOneNeedsTheScopeAdmin(type: String, data: JSONValue) async throws {
        let fact = Self.fact("observed.\(type).v1", data)
        try await ServerHarness.run { server in
            let narrow = try await server.token("ingest", "approve", name: "narrow")
            let single = try await server.post("/v1/events", token: narrow, fact, type: "application/cloudevents+json")
            #expect(single.status == 403, "\(single.text)")
            let batch = try await server.post(
                "/v1/events", token: narrow, [Self.fact("com.example.build.v1", [:]), fact],
                type: "application/cloudevents-batch+json")
            #expect(batch.status == 403, "\(batch.text)")
            let command = try await server.post(
                "/v1/commands", token: narrow,
                ["type": .string("cairn.\(type).v1"), "stream": "migration/m-1", "data": data])
            #expect(command.status == 403, "\(command.text)")
            let reader = try await server.token("read", name: "reader")
            let events = try await server.send("GET", "/v1/events?stream=migration/m-1", token: reader)
            #expect(events.json == [], "\(events.text)")
        }
    }

    @Test func anAdministratorsSenderTellsOfApprovals() async throws {
        let (type, data) = Self.judgements[1]
        try await ServerHarness.run { server in
            let bridge = try await server.token("ingest:cloudevents", "admin", name: "bridge")
            let reply = try await server.post(
                "/v1/events", token: bridge, Self.fact("observed.\(type).v1", data),
                type: "application/cloudevents+json")
            #expect(reply.status == 202, "\(reply.text)")
        }
    }
}
