import CairnBytes
import CairnIngest
import CairnSeries
import CairnTestSupport
import Testing

/// OTLP metrics as opentelemetry-proto writes them (tools/make-wire-fixtures.py).
@Suite struct OTLPTests {
    @Test func protobufAndJSONSayTheSame() throws {
        var table = ReceivedSeriesTable(seed: 1)
        let binary = try Received.otlp(try Fixture.bytes("Wire/otlp-metrics.bin"), .protobuf, &table)
        let text = Received.text(binary, table)
        try Golden.expect(text, matches: "otlp-metrics.txt", in: #filePath)
        let json = try Received.otlp(try Fixture.bytes("Wire/otlp-metrics.json"), .json, &table)
        #expect(Received.text(json, table) == text)
        #expect(json.parts == binary.parts)
    }

    @Test func answersSayWhatWasRejected() throws {
        var table = ReceivedSeriesTable(seed: 2)
        var limits = ReceiveLimits.standard
        limits.rejectsHeldMax = 1
        let body = try Fixture.bytes("Wire/otlp-metrics.json")
        let received = try Received.otlp(body, .json, &table, limits: limits)
        #expect(
            String(decoding: OTLPAnswer.response(received.rejects, .json), as: UTF8.self)
                == #"{"partialSuccess":{"errorMessage":"data point 3: it has no value; 5 were rejected in all","#
                + #""rejectedDataPoints":"5"}}"#)
        let message = "data point 3: it has no value; 5 were rejected in all"
        let partial = [0x08, 5, 0x12, UInt8(message.utf8.count)] + Array(message.utf8)
        #expect(OTLPAnswer.response(received.rejects, .protobuf) == [0x0A, UInt8(partial.count)] + partial)
        let empty = try Received.otlp([], .protobuf, &table)
        #expect(OTLPAnswer.response(empty.rejects, .protobuf).isEmpty)
        #expect(OTLPAnswer.response(empty.rejects, .json) == Array("{}".utf8))
        #expect(OTLPAnswer.status(code: 3, message: "no", .protobuf) == [0x08, 3, 0x12, 2, 0x6E, 0x6F])
        #expect(OTLPAnswer.status(code: 3, message: "no", .json) == Array(#"{"code":3,"message":"no"}"#.utf8))
    }

    @Test(arguments: [
        ("http.server.duration", "s", false, false, "http_server_duration_seconds"),
        ("http.requests", "1", true, false, "http_requests_total"), ("total.total", "", true, false, "total"),
        ("hits.total", "", true, false, "hits_total"), ("cpu.ratio", "1", false, true, "cpu_ratio"),
        ("cpu", "1", false, true, "cpu_ratio"), ("cpu", "1", false, false, "cpu"),
        ("disk.io", "By/s", false, true, "disk_io_bytes_per_second"), ("disk.bytes", "By", false, true, "disk_bytes"),
        ("2xx.share", "%", false, true, "_2xx_share_percent"), ("q__length", "{items}", false, true, "q_length"),
        ("a:b", "m/{x}", false, false, "a:b_meters"), ("temp", "Cel", false, true, "temp_celsius"),
        ("odd", "frob-2/mo", false, true, "odd_frob_2_per_month"),
    ]) func namesAreThoseOfPrometheus(name: String, unit: String, isCounter: Bool, isGauge: Bool, expected: String)
        throws
    {
        let kind =
            isGauge
            ? #""gauge":{"# : #""sum":{"aggregationTemporality":2,"isMonotonic":\#(isCounter),"#
        let body =
            #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"\#(name)","unit":"\#(unit)",\#(kind)"#
            + #""dataPoints":[{"asDouble":1,"timeUnixNano":"1000000"}]}}]}]}]}"#
        var table = ReceivedSeriesTable(seed: 3)
        let received = try Received.otlp(Array(body.utf8), .json, &table)
        #expect(received.parts.map { table[$0.series].name } == [expected])
    }

    @Test(arguments: [
        ("[]", "not a JSON object"), ("{", "JSON"), (#"{"resourceMetrics":{}}"#, "not an array"),
        (
            #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"timeUnixNano":"-1"}]}}]}]}]}"#,
            "no unsigned integer"
        ),
        (
            #"{"resourceMetrics":[{"resource":{"attributes":[{"key":"a","value":{"intValue":"x"}}]}}]}"#,
            "no integer of 64 bits"
        ),
    ]) func aBodyThatIsNoRequestIsRefused(body: String, says: String) {
        var table = ReceivedSeriesTable(seed: 4)
        let error = #expect(throws: ReceiveError.self) { try Received.otlp(Array(body.utf8), .json, &table) }
        #expect(error?.kind == .malformed && error?.reason.contains(says) ?? false, "\(String(describing: error))")
    }

    @Test func valuesNestedTooDeepAreRefused() {
        var value: [UInt8] = []
        for _ in 0..<20 {
            // An array with one value.
            let inner = [0x0A, UInt8(value.count)] + value
            value = [0x2A, UInt8(inner.count)] + inner
        }
        let pair = [0x12] + [UInt8(value.count & 0x7F | 0x80), UInt8(value.count >> 7)] + value
        var body = pair
        // KeyValue, Resource, ResourceMetrics, request.
        for _ in 0..<3 { body = [0x0A, UInt8(body.count & 0x7F | 0x80), UInt8(body.count >> 7)] + body }
        var table = ReceivedSeriesTable(seed: 5)
        let error = #expect(throws: ReceiveError.self) { try Received.otlp(body, .protobuf, &table) }
        #expect(error?.reason.contains("nested more than 16 deep") ?? false, "\(String(describing: error))")
    }

    @Test func tooManySamplesAreRefusedWhole() throws {
        var limits = ReceiveLimits.standard
        limits.samplesMax = 5
        var table = ReceivedSeriesTable(seed: 6)
        let body = try Fixture.bytes("Wire/otlp-metrics.bin")
        let error = #expect(throws: ReceiveError.self) { try Received.otlp(body, .protobuf, &table, limits: limits) }
        #expect(error?.kind == .tooLarge)
    }

    @Test(arguments: ["otlp-metrics.bin", "otlp-metrics.json"], [UInt64(1), 2, 3]) func noBytesStopIt(
        name: String, seed: UInt64
    ) throws {
        let body = try Fixture.bytes("Wire/\(name)")
        var random = SeededRandom(seed: seed)
        var table = ReceivedSeriesTable(seed: seed, seriesMax: 200)
        for _ in 0..<200 {
            let damaged = FuzzTests.damaged(body, &random)
            let encoding: OTLPMetricsReader.Encoding = name.hasSuffix("json") ? .json : .protobuf
            guard let received = try? Received.otlp(damaged, encoding, &table) else { continue }
            #expect(received.parts.count == received.samples.count)
        }
    }
}

extension Received {
    static func otlp(
        _ body: [UInt8], _ encoding: OTLPMetricsReader.Encoding, _ table: inout ReceivedSeriesTable,
        limits: ReceiveLimits = .standard
    ) throws -> ReceivedSamples {
        try OTLPMetricsReader.read(body.span, encoding: encoding, table: &table, limits: limits)
    }
}
