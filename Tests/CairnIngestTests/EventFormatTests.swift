import CairnBytes
import CairnIngest
import CairnModel
import CairnTestSupport
import Testing

@Suite struct EventFormatTests {
    @Test(arguments: [1, 7, 4096]) func cloudEventsFixture(pieceBytes: Int) throws {
        let collected = try Collected(
            Fixture.bytes("cloudevents.jsonl"), ImportOptions(format: .events, cluster: "blue"), pieceBytes: pieceBytes)
        try Golden.expect(collected.golden, matches: "cloudevents.txt", in: #filePath)
        #expect(collected.summary.events == collected.events.count)
        #expect(collected.summary.rejected == collected.rejects.count)
    }

    @Test func reservedTypesAreRefusedWithARemedy() throws {
        let collected = try Collected(
            #"{"specversion":"1.0","id":"1","source":"s","type":"cairn.phase.started.v1","#
                + #""time":"2026-01-01T00:00:00Z"}"#,
            ImportOptions(format: .events))
        #expect(collected.events.isEmpty)
        let reject = try #require(collected.rejects.first)
        #expect(reject.remedy.contains("observed.phase.started.v1"))
        #expect(reject.line == 1)
    }

    @Test(arguments: ["/cairn", "/cairn/import"]) func sourcesOfCairnAreRefused(source: String) throws {
        let event = #"{"specversion":"1.0","id":"1","source":"\#(source)","type":"t","time":"2026-01-01T00:00:00Z"}"#
        #expect(try Collected(event, ImportOptions(format: .events)).rejects.count == 1)
        let envelope = #"{"source":"\#(source)","detail-type":"t","detail":{},"time":"2026-01-01T00:00:00Z"}"#
        #expect(try Collected(envelope, ImportOptions(format: .eventBridge)).rejects.count == 1)
    }

    @Test(arguments: [
        ("migration/eu", "migration/eu"), ("ledger/self", "events/ledger/self"), ("import/1", "events/import/1"),
        ("no stream", "events/no~20stream"), ("/a//b/", "events/~2fa/~2fb/~"),
    ]) func subjectsBecomeStreams(subject: String, stream: String) throws {
        let event =
            #"{"specversion":"1.0","id":"1","source":"s","type":"t","time":"2026-01-01T00:00:00Z","#
            + #""subject":"\#(subject)"}"#
        let collected = try Collected(event, ImportOptions(format: .events))
        #expect(collected.events.first?.event.subject.text == stream)
    }

    @Test func attributesThatCairnSetsAreNeverTaken() throws {
        let collected = try Collected(
            #"{"specversion":"1.0","id":"1","source":"s","type":"t","time":"2026-01-01T00:00:00Z","authid":"a","#
                + #""authtype":"b","recordedtime":"2020-01-01T00:00:00Z","revision":7,"onbehalfof":"eve","#
                + #""colour":"red"}"#,
            ImportOptions(format: .events))
        let ingested = try #require(collected.events.first)
        #expect(ingested.event.extensions.names == ["colour"])
        #expect(ingested.event.onBehalfOf == "eve")
        #expect(ingested.notes.count == 4)
        // What was dropped is still in the bytes received, so these are kept.
        #expect(ingested.event.received?.isLossless == false)
    }

    @Test(arguments: [1, 5, 4096]) func eventBridgeFixture(pieceBytes: Int) throws {
        let collected = try Collected(
            Fixture.bytes("eventbridge.json"),
            ImportOptions(format: .eventBridge, labels: ["team": "shop", "env": "prod"]), pieceBytes: pieceBytes)
        try Golden.expect(collected.golden, matches: "eventbridge.txt", in: #filePath)
        let subjects = collected.events.map(\.event.subject.text)
        #expect(subjects.contains("deployment/unicorn/checkout/Kx91"))
        #expect(subjects.contains("aws-ecs/eu-west-1/210987654321/service/unicorn/checkout"))
    }

    @Test func dataIsTheWholeEnvelope() throws {
        let bytes = try Fixture.bytes("eventbridge.json")
        let collected = try Collected(bytes, ImportOptions(format: .eventBridge))
        for ingested in collected.events {
            let received = try #require(ingested.event.received)
            #expect(try JSONParser.parse(received.bytes).value == ingested.event.data)
        }
    }
}
