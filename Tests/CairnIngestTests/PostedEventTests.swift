import CairnBytes
import CairnIngest
import CairnModel
import CairnTestSupport
import Testing

/// Events as they are posted: EventBridge, CloudEvents in three modes, SNS, and calls of gates.
@Suite struct PostedEventTests {
    static let options = ImportOptions(format: .events, cluster: "eks-1")
    static let event =
        #"{"specversion":"1.0","id":"1","source":"/ci","type":"deploy.done","time":"2026-03-10T10:00:00Z","data":{"n":1.10}}"#

    @Test func aBatchGivesItsEventsAndNamesTheOthers() throws {
        let body = "[ \(PostedEventTests.event) , 5, {\"specversion\":\"1.0\"},\(PostedEventTests.event)]"
        let received = try PostedEventReader.cloudEvents(Array(body.utf8), options: PostedEventTests.options)
        #expect(received.events.map(\.event.id) == ["1", "1"])
        #expect(received.events.allSatisfy { $0.event.received?.bytes == Array(PostedEventTests.event.utf8) })
        #expect(received.rejects.held.map(\.index) == [1, 2])
        #expect(try PostedEventReader.cloudEvents(Array("[]".utf8), options: PostedEventTests.options).events.isEmpty)
        for body in ["{}", "[", ""] {
            #expect(throws: ReceiveError.self) {
                try PostedEventReader.cloudEvents(Array(body.utf8), options: PostedEventTests.options)
            }
        }
        var limits = ReceiveLimits.standard
        limits.eventsMax = 1
        let error = #expect(throws: ReceiveError.self) {
            try PostedEventReader.cloudEvents(Array("[1,2]".utf8), options: PostedEventTests.options, limits: limits)
        }
        #expect(error?.kind == .tooLarge)
    }

    @Test func theBinaryModeSaysTheSameAsTheStructured() throws {
        let structured = try PostedEventReader.cloudEvent(
            Array(PostedEventTests.event.utf8), options: PostedEventTests.options)
        let headers = [
            ("CE-SpecVersion", "1.0"), ("ce-id", "1"), ("ce-source", "%2Fci"), ("ce-type", "\"deploy.done\""),
            ("Ce-Time", "2026-03-10T10:00:00Z"), ("Content-Type", "application/json; charset=utf-8"), ("Host", "x"),
        ]
        let binary = try PostedEventReader.cloudEvent(
            headers: headers, body: Array(#"{"n":1.10}"#.utf8), options: PostedEventTests.options)
        var expected = try #require(structured.events.first?.event)
        var found = try #require(binary.events.first?.event)
        #expect(found.extensions["datacontenttype"] == "application/json; charset=utf-8")
        // The number as it was written is in the bytes received.
        let bytes = String(decoding: found.received?.bytes ?? [], as: UTF8.self)
        #expect(bytes.contains("1.10"))
        expected.received = nil
        found.received = nil
        found.extensions["datacontenttype"] = nil
        #expect(found == expected)
    }

    @Test func bodiesThatAreNoJSONAreKept() throws {
        let headers = [
            ("ce-specversion", "1.0"), ("ce-id", "a%20b%E2%82%AC"), ("ce-source", "/x"), ("ce-type", "t"),
            ("ce-time", "2026-03-10T10:00:00Z"), ("ce-note", "\"say \\\"hi\\\"\""),
        ]
        let text = try PostedEventReader.cloudEvent(
            headers: headers + [("content-type", "text/plain")], body: Array("ü".utf8),
            options: PostedEventTests.options)
        #expect(text.events.first?.event.id == "a b€" && text.events.first?.event.data == "ü")
        #expect(text.events.first?.event.extensions["note"] == "say \"hi\"")
        let binary = try PostedEventReader.cloudEvent(
            headers: headers + [("content-type", "application/x-thing")], body: [0xFF, 0],
            options: PostedEventTests.options)
        #expect(binary.events.first?.event.data == ["data_base64": "/wA="])
        let empty = try PostedEventReader.cloudEvent(headers: headers, body: [], options: PostedEventTests.options)
        #expect(empty.events.first?.event.data == .null)
    }

    @Test(arguments: [
        ("ce-id", "%zz", "percent"), ("ce-id", "%FF", "percent"), ("ce-id", "%4", "percent"),
        ("ce-a-b", "x", "letters"),
        ("ce-", "x", "letters"), ("ce-data", "x", "body is the data"), ("CE-source", "/y", "twice"),
    ]) func headersThatAreNoAttributesAreRefused(name: String, value: String, says: String) {
        let headers = [("ce-specversion", "1.0"), ("ce-source", "/x"), (name, value)]
        let error = #expect(throws: ReceiveError.self) {
            try PostedEventReader.cloudEvent(headers: headers, body: [], options: PostedEventTests.options)
        }
        #expect(error?.reason.contains(says) ?? false, "\(String(describing: error))")
    }

    @Test func typesOfCairnsOwnAreRejected() throws {
        let headers = [
            ("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/x"), ("ce-type", "cairn.phase.started.v1"),
            ("ce-time", "2026-03-10T10:00:00Z"),
        ]
        let received = try PostedEventReader.cloudEvent(headers: headers, body: [], options: PostedEventTests.options)
        #expect(received.events.isEmpty && received.rejects.summary.contains("only Cairn itself produces"))
    }

    // MARK: SNS

    static let moment = Timestamp(seconds: 1_796_083_200) ?? .latest

    @Test(arguments: ["notification", "plain", "confirmation"], ["sns.pem", "sns.der"])
    func whatOpensslSignedIsVerified(name: String, certificate: String) throws {
        let body = try Fixture.bytes("Wire/sns-\(name).json")
        let certificate = try Fixture.bytes("Wire/\(certificate)")
        let validity = try SNSSignature.Certificate(certificate).validity
        let message = try SNSMessage(body)
        try SNSSignature.verify(message, certificate: certificate, at: validity.from)
        // One letter of what was signed, or of who signed.
        let text = String(decoding: body, as: UTF8.self)
        for (old, new) in [("22b80b92", "22b80b93"), ("2026-03-10T10:00:01", "2026-03-10T10:00:02")] {
            let changed = try SNSMessage(Array(text.replacing(old, with: new).utf8))
            #expect(throws: SNSSignature.Failure.wrong) {
                try SNSSignature.verify(changed, certificate: certificate, at: validity.from)
            }
        }
        #expect(throws: SNSSignature.Failure.notValid(validity)) {
            try SNSSignature.verify(message, certificate: certificate, at: validity.until.adding(seconds: 1))
        }
    }

    @Test func aCertificateThatIsNoneIsNamed() throws {
        let message = try SNSMessage(try Fixture.bytes("Wire/sns-plain.json"))
        let good = try Fixture.bytes("Wire/sns.der")
        for bytes in [
            [], [0x30], Array("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n".utf8), good + [0],
        ] {
            #expect(throws: SNSSignature.Failure.self) {
                try SNSSignature.verify(message, certificate: bytes, at: PostedEventTests.moment)
            }
        }
        #expect(throws: SNSSignature.Failure.certificate("has no RSA key of at least 2048 bits")) {
            try SNSSignature.verify(
                message, certificate: try Fixture.bytes("Wire/sns-ec.pem"), at: PostedEventTests.moment)
        }
        var random = SeededRandom(seed: 9)
        for _ in 0..<300 {
            let damaged = FuzzTests.damaged(good, &random)
            _ = try? SNSSignature.verify(message, certificate: damaged, at: PostedEventTests.moment)
        }
    }

    @Test(arguments: [
        "http://sns.eu-west-1.amazonaws.com/x.pem", "https://sns.us-east-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/x.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/x.pem", "https://sns.eu-west-1.amazonaws.com:8443/x.pem",
        "https://sns.eu-west-1.amazonaws.com\\\\@evil.example/x.pem", "https://sns.eu-west-1.amazonaws.com/x.pem?y",
        "HTTPS://sns.eu-west-1.amazonaws.com/x.pem", "https://sns.eu-west-1.amazonaws.com/x y.pem",
    ]) func otherHostsAreNotAsked(address: String) throws {
        let text = String(decoding: try Fixture.bytes("Wire/sns-confirmation.json"), as: UTF8.self)
        let certificate = try #require(text.firstMatch(of: /https:[^"]*\.pem/)?.output)
        let error = #expect(throws: ReceiveError.self) {
            try SNSMessage(Array(text.replacing(certificate, with: address).utf8))
        }
        #expect(error?.kind == .unsupported, "\(address)")
        guard !address.hasSuffix("?y") else { return }
        let subscribe = try #require(text.firstMatch(of: /https:[^"]*ConfirmSubscription[^"]*/)?.output)
        #expect(throws: ReceiveError.self) {
            try SNSMessage(Array(text.replacing(subscribe, with: address).utf8))
        }
    }

    @Test func notificationsBecomeEvents() throws {
        let options = PostedEventTests.options
        let alarm = try SNSMessage(try Fixture.bytes("Wire/sns-notification.json")).events(options: options)
        let event = try #require(alarm.events.first?.event)
        #expect(event.type == "aws.cloudwatch.alarm-state-change.v0")
        #expect(
            Facts.interpret(PostedEventTests.recorded(event)).map(\.data) == [
                ["alarm": "checkout-5xx", "state": "ALARM", "previous": "OK"]
            ])
        let plain = try SNSMessage(try Fixture.bytes("Wire/sns-plain.json")).events(options: options)
        #expect(plain.events.first?.event.type == "aws.sns.notification.v0")
        #expect(plain.events.first?.event.subject.text == "aws-sns/eu-west-1/111122223333/migrations")
        let confirmation = try SNSMessage(try Fixture.bytes("Wire/sns-confirmation.json"))
        #expect(confirmation.kind == .subscriptionConfirmation && confirmation.token == "2336412f37")
        #expect(try confirmation.events(options: options).events.isEmpty)
    }

    static func recorded(_ event: ProposedEvent) -> RecordedEvent {
        RecordedEvent(
            position: 0, id: event.id, source: event.source, type: event.type, subject: event.subject, revision: 0,
            time: event.time, recordedTime: event.time, data: event.data, actor: Actor(id: "a", type: "token"))
    }

    @Test func alarmsOfLambdaActionsAreTheSameFact() throws {
        let body = #"""
            {"source":"aws.cloudwatch","alarmArn":"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-5xx",
             "accountId":"111122223333","time":"2026-03-10T10:00:00.123+0000","region":"eu-west-1","alarmData":{
             "alarmName":"checkout-5xx","state":{"value":"OK","timestamp":"2026-03-10T10:00:00.123+0000"},
             "previousState":{"value":"ALARM"}}}
            """#
        let received = try PostedEventReader.eventBridge(Array(body.utf8), options: PostedEventTests.options)
        let event = try #require(received.events.first?.event)
        #expect(
            Facts.interpret(PostedEventTests.recorded(event)).map(\.data) == [
                ["alarm": "checkout-5xx", "state": "OK", "previous": "ALARM"]
            ])
    }

    // MARK: Gates

    @Test func hooksOfECSSayRunAndStage() throws {
        let body = #"""
            {"executionId":"f4fcae0f","lifecycleStage":"PRODUCTION_TRAFFIC_SHIFT",
             "resourceArn":"arn:aws:ecs:us-west-2:123456789012:service-deployment/shop/checkout/EZe5RN",
             "executionDetails":{"serviceArn":"arn:aws:ecs:us-west-2:123456789012:service/shop/checkout",
             "testTrafficWeights":{},"productionTrafficWeights":{"green":100,"blue":0}},"hookDetails":{"seen":true}}
            """#
        let request = try GateRequest.ecsHook(Array(body.utf8))
        #expect(request.run == "shop/checkout/EZe5RN" && request.phase == "PRODUCTION_TRAFFIC_SHIFT")
        #expect(request.details == ["seen": true] && request.executionID == "f4fcae0f")
        #expect(request.productionWeights == ["green": 100, "blue": 0])
        let flat = #"{"lifecycleStage":"PRE_SCALE_UP","serviceArn":"arn:aws:ecs:us-west-2:1:service/shop/checkout"}"#
        #expect(try GateRequest.ecsHook(Array(flat.utf8)).run == "shop/checkout")
        for body in ["", "[]", "{}", #"{"lifecycleStage":"X","resourceArn":"arn:aws:s3:::b/c"}"#] {
            #expect(throws: ReceiveError.self) { try GateRequest.ecsHook(Array(body.utf8)) }
        }
    }

    @Test func webhooksOfFlaggerSayCanaryAndPhase() throws {
        let body =
            #"{"name":"checkout","namespace":"shop","phase":"Progressing","checksum":"85d557f47b","metadata":{"a":"b"}}"#
        let request = try GateRequest.flagger(Array(body.utf8))
        #expect(request.run == "checkout" && request.phase == "Progressing" && request.details == ["a": "b"])
        let named =
            #"{"name":"checkout","phase":"Progressing","metadata":{"migration":"harbor-eu-1","phase":"shift-traffic"}}"#
        #expect(try GateRequest.flagger(Array(named.utf8)).run == "harbor-eu-1")
        #expect(try GateRequest.flagger(Array(named.utf8)).phase == "shift-traffic")
        #expect(throws: ReceiveError.self) { try GateRequest.flagger(Array(#"{"name":5,"phase":"x"}"#.utf8)) }
    }

    @Test(arguments: [UInt64(1), 2, 3]) func noBytesStopIt(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let bodies = [
            try Fixture.bytes("Wire/sns-notification.json"), try Fixture.bytes("Wire/sns-confirmation.json"),
            Array(PostedEventTests.event.utf8), Array("[\(PostedEventTests.event)]".utf8),
        ]
        let options = PostedEventTests.options
        for round in 0..<200 {
            let body = FuzzTests.damaged(bodies[round % bodies.count], &random)
            if let message = try? SNSMessage(body) {
                _ = message.stringToSign
                _ = try? message.events(options: options)
            }
            _ = try? PostedEventReader.cloudEvent(body, options: options)
            _ = try? PostedEventReader.cloudEvents(body, options: options)
            _ = try? PostedEventReader.eventBridge(body, options: options)
            _ = try? GateRequest.ecsHook(body)
            _ = try? GateRequest.flagger(body)
            let value = String(decoding: FuzzTests.damaged(Array("%2Fci\\\"%E2%82".utf8), &random), as: UTF8.self)
            _ = try? PostedEventReader.cloudEvent(
                headers: [("ce-id", value), (value, "x"), ("content-type", value)], body: body, options: options)
        }
    }
}
