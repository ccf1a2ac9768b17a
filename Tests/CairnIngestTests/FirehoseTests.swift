import CairnBytes
import CairnFlowLogs
import CairnIngest
import CairnSeries
import CairnTestSupport
import Testing

/// Firehose requests built to the documented shape, around records of every kind.
@Suite struct FirehoseTests {
    static let line =
        "2 111122223333 eni-0a 10.0.1.5 10.0.2.9 49152 443 6 12 4096 1773136800 1773136860 ACCEPT OK"
    static let other =
        "2 111122223333 eni-0b 10.0.9.9 10.0.2.9 49153 443 6 1 40 1773136800 1773136860 REJECT OK"
    static let metric = """
        {"metric_stream_name":"all","account_id":"111122223333","region":"eu-west-1","namespace":"AWS/ApplicationELB",\
        "metric_name":"TargetResponseTime","dimensions":{"LoadBalancer":"app/shop/1"},"timestamp":1773136800000,\
        "value":{"count":5.0,"sum":61.25,"max":15.0,"min":10.0,"p99.9":14.5},"unit":"Seconds"}
        """
    static let subscription = """
        {"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"flows","logStream":"eni-0a","subscriptionFilters":\
        ["all"],"logEvents":[{"id":"1","timestamp":1773136800000,"message":"\(line)"},{"id":"2","timestamp":1,"message":\
        "\(other)"}]}
        """
    static let object = """
        {"version":2,"account_id":"111122223333","interface-id":"eni-0a","srcaddr":"10.0.1.5","dstaddr":"10.0.2.9",\
        "srcport":49152,"dstport":"443","protocol":6,"packets":12,"bytes":4096,"start":1773136800,"end":1773136860,\
        "action":"ACCEPT","log-status":"OK","comment":null}
        """

    static func body(_ records: [[UInt8]]) -> [UInt8] {
        CanonicalJSON.bytes(of: [
            "requestId": "ed4acda5-034f-9f42-bba1-f29aea6d7d8f", "timestamp": 1_773_136_800_123,
            "records": .array(records.map { ["data": .string(Base64.string($0))] }),
        ])
    }

    static func request(_ body: String) throws -> FirehoseRequest { try FirehoseRequest(Array(body.utf8).span) }

    static func content(
        _ records: [[UInt8]], _ table: inout ReceivedSeriesTable, limits: ReceiveLimits = .standard
    ) throws -> FirehoseContent {
        try FirehoseContent(try FirehoseRequest(body(records).span, limits: limits), table: &table, limits: limits)
    }

    @Test(arguments: [
        [FirehoseTests.line, FirehoseTests.other], [FirehoseTests.line + "\n" + FirehoseTests.other + "\n"],
        [#"{"message":"\#(FirehoseTests.line)"}{"message":"\#(FirehoseTests.other)"}"#],
        [FirehoseTests.subscription],
        [
            #"{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"CWL CONTROL MESSAGE"}]}"#,
            FirehoseTests.subscription,
        ],
    ]) func flowLogsComeOutOfAllWrappings(records: [String]) throws {
        var table = ReceivedSeriesTable(seed: 1)
        let expected = "\(FirehoseTests.line)\n\(FirehoseTests.other)\n"
        for isCompressed in [false, true] {
            let bytes = records.map { Array($0.utf8) }
            let content = try FirehoseTests.content(
                isCompressed ? bytes.map { Deflate.compress($0, container: .gzip) } : bytes, &table)
            #expect(String(decoding: content.flowLines, as: UTF8.self) == expected)
            #expect(content.rejects.isEmpty && content.samples.samples.isEmpty)
            #expect(content.controlMessages == (records.count == 2 && records[0].hasPrefix("{") ? 1 : 0))
        }
    }

    @Test func objectsOfFieldsBecomeLinesUnderAHeader() throws {
        var table = ReceivedSeriesTable(seed: 2)
        let record = FirehoseTests.object + "\n" + FirehoseTests.object
        let content = try FirehoseTests.content([Array(record.utf8), Array(FirehoseTests.other.utf8)], &table)
        var reader = FlowLogReader(sink: FlowFileCounter(.one("eks-1")))
        try reader.push(content.flowLines)
        try reader.finish()
        #expect(reader.counts.records == 3 && reader.counts.headers == 1 && reader.rejects.isEmpty)
        let totals = reader.sink.finishColumns().totals
        #expect(totals.bytes == 4096 + 4096 + 40 && totals.rejectedRecords == 1)
    }

    @Test func metricStreamsBecomeSamples() throws {
        var table = ReceivedSeriesTable(adding: AddedLabels(cluster: "eks-1"), seed: 3)
        let json = "\(FirehoseTests.metric)\n\(FirehoseTests.metric)\n"
        let content = try FirehoseTests.content(
            [Array(json.utf8), try Fixture.bytes("Wire/metric-stream-otlp.bin"), []], &table)
        try Golden.expect(Received.text(content.samples, table), matches: "metric-stream.txt", in: #filePath)
        #expect(content.rejects.isEmpty)
    }

    @Test func theOldMetricFormatIsNamed() throws {
        // A summary whose point has labels: field 1, as 0.7 had it.
        let point: [UInt8] = [0x0A, 0x06, 0x0A, 0x01, 0x61, 0x12, 0x01, 0x62]
        var message: [UInt8] = [0x0A, UInt8(point.count)] + point
        for tag in [0x5A, 0x12, 0x12, 0x0A] as [UInt8] { message = [tag, UInt8(message.count)] + message }
        var table = ReceivedSeriesTable(seed: 4)
        let content = try FirehoseTests.content([[UInt8(message.count)] + message], &table)
        #expect(content.rejects.summary.contains("this is OpenTelemetry 0.7; choose opentelemetry1.0"))
    }

    @Test(arguments: [
        ("{\"a\":1}", "no flow log"), ("{\"message\":", "line 1, column"), ("\u{1}\u{2}\u{3}", "no known kind"),
        (#"{"metric_name":"x","namespace":"y","value":{"sum":"z"}}"#, "not a number"),
        (#"{"srcaddr":"10.0.0.1","dstaddr":"a b"}"#, "blanks"),
    ]) func anUnknownRecordIsARejectWithItsPlace(record: String, says: String) throws {
        var table = ReceivedSeriesTable(seed: 5)
        let content = try FirehoseTests.content([Array(FirehoseTests.line.utf8), Array(record.utf8)], &table)
        #expect(content.rejects.held.first?.index == 1 && content.rejects.count == 1)
        #expect(content.rejects.summary.contains(says), "\(content.rejects.summary)")
        #expect(content.flowLines == Array("\(FirehoseTests.line)\n".utf8))
    }

    @Test func limitsAreKept() throws {
        var limits = ReceiveLimits.standard
        limits.recordsMax = 1
        limits.inflatedBytesMax = 500
        var table = ReceivedSeriesTable(seed: 6)
        let bomb = Deflate.compress([UInt8](repeating: 0x20, count: 100_000), container: .gzip)
        for records in [[[], []], [bomb]] as [[[UInt8]]] {
            let error = #expect(throws: ReceiveError.self) {
                try FirehoseTests.content(records, &table, limits: limits)
            }
            #expect(error?.kind == .tooLarge)
        }
        limits.recordBytesMax = 10
        let long = try FirehoseTests.content([Array(FirehoseTests.line.utf8)], &table, limits: limits)
        #expect(long.rejects.count == 1 && long.flowLines.isEmpty)
    }

    @Test(arguments: [
        ("[]", "requestId"), (#"{"requestId":"a"}"#, "timestamp"), (#"{"requestId":"a","timestamp":1}"#, "records"),
        ("", "JSON"),
    ]) func aBodyThatIsNoRequestIsRefused(body: String, says: String) {
        let error = #expect(throws: ReceiveError.self) { try FirehoseTests.request(body) }
        #expect(error?.kind == .malformed && error?.reason.contains(says) ?? false)
    }

    @Test func recordsThatAreNoBase64AreRejects() throws {
        let body = #"{"requestId":"a","timestamp":1,"records":[{"data":"!"},{},{"data":""}]}"#
        let request = try FirehoseTests.request(body)
        #expect(request.records == [nil, nil, []] && request.rejects.count == 2)
    }

    @Test func answersAreThoseOfTheProtocol() throws {
        #expect(
            String(decoding: FirehoseRequest.answer(requestID: "a", timestampMs: 5), as: UTF8.self)
                == #"{"requestId":"a","timestamp":5}"#)
        let long = FirehoseRequest.answer(
            requestID: "a", timestampMs: 5, errorMessage: String(repeating: "ü", count: 5000) + "x")
        let message = try JSONParser.parse(long).value["errorMessage"]?.string
        #expect(message == String(repeating: "ü", count: 4096))
        #expect(
            try FirehoseRequest.commonAttributes(header: #"{"commonAttributes":{"cluster":"eks-1","a":"b"}}"#)
                == ["cluster": "eks-1", "a": "b"])
        for header in ["", "{}", #"{"commonAttributes":{"a":1}}"#] {
            #expect(throws: ReceiveError.self) { try FirehoseRequest.commonAttributes(header: header) }
        }
    }

    @Test(arguments: [UInt64(1), 2, 3]) func noBytesStopIt(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var table = ReceivedSeriesTable(seed: seed, seriesMax: 100)
        let kinds =
            [FirehoseTests.line, FirehoseTests.metric, FirehoseTests.subscription, FirehoseTests.object].map {
                Array($0.utf8)
            } + [try Fixture.bytes("Wire/metric-stream-otlp.bin")]
        for round in 0..<150 {
            var record = kinds[round % kinds.count]
            if random.next() % 3 == 0 { record = Deflate.compress(record, container: .gzip) }
            var body = FirehoseTests.body([FuzzTests.damaged(record, &random), record])
            if random.next() % 3 == 0 { body = FuzzTests.damaged(body, &random) }
            guard let request = try? FirehoseRequest(body.span) else { continue }
            _ = try? FirehoseContent(request, table: &table)
        }
    }
}
