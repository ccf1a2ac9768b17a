import CairnBytes
import CairnIngest
import CairnModel
import CairnSeries
import Foundation

/// A parser, or several behind each other, as the server calls them.
enum Target: String, CaseIterable {
    case snappy
    case protobuf
    case remoteWrite1 = "remote-write-1"
    case remoteWrite2 = "remote-write-2"
    case otlpProtobuf = "otlp-protobuf"
    case otlpJSON = "otlp-json"
    case firehose
    case firehoseRecords = "firehose-records"
    case sns
    case events
    case headers
    case gates
}

/// Valid messages from which damaged ones are made.
struct Fixtures {
    private var files: [String: [UInt8]] = [:]

    init(folder: String) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            files[name] = Array(try Data(contentsOf: URL(filePath: "\(folder)/\(name)")))
        }
    }

    func messages(_ names: String...) -> [[UInt8]] { names.map { files[$0] ?? [] } }

    static let line = "2 111122223333 eni-0a 10.0.1.5 10.0.2.9 49152 443 6 12 4096 1773136800 1773136860 ACCEPT OK\n"
    static let texts: [[UInt8]] = [
        line, #"{"message":"\#(line.dropLast())"}"#,
        #"{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","timestamp":1,"message":"\#(line.dropLast())"}]}"#,
        #"{"namespace":"AWS/ECS","metric_name":"CPUUtilization","account_id":"1","region":"eu-west-1","dimensions":"#
            + #"{"ServiceName":"shop"},"timestamp":1773136800000,"value":{"count":5,"sum":6.5,"max":3,"min":1,"p99.9":2}}"#,
        #"{"version":2,"srcaddr":"10.0.1.5","dstaddr":"10.0.2.9","srcport":49152,"action":"ACCEPT","log-status":null}"#,
    ].map { Array($0.utf8) }
    static let cloudEvent = Array(
        (#"{"specversion":"1.0","id":"1","source":"/ci","type":"deploy.done","time":"2026-03-10T10:00:00Z","#
            + #""subject":"migration/a","data":{"n":1.10}}"#).utf8)
    static let eventBridge = Array(
        (#"{"source":"aws.ecs","detail-type":"ECS Service Action","id":"1","account":"1","region":"eu-west-1","#
            + #""time":"2026-03-10T10:00:00Z","resources":["arn:aws:ecs:eu-west-1:1:service/a/b"],"detail":{"a":[1]}}"#)
            .utf8)
    static let hook = Array(
        (#"{"executionId":"f","lifecycleStage":"PRE_SCALE_UP","resourceArn":"arn:aws:ecs:us-west-2:1:"#
            + #"service-deployment/a/b/c","executionDetails":{"productionTrafficWeights":{"g":100}},"hookDetails":{}}"#)
            .utf8)
    static let webhook = Array(#"{"name":"a","namespace":"b","phase":"Progressing","metadata":{"migration":"m"}}"#.utf8)
}

final class Fuzzer {
    private let target: Target
    private let messages: [[UInt8]]
    private var table: ReceivedSeriesTable
    private let options = ImportOptions(format: .events, cluster: "c")
    private(set) var accepted = 0

    init(target: Target, fixtures: Fixtures) {
        self.target = target
        table = ReceivedSeriesTable(adding: AddedLabels(cluster: "c"), seed: 7, seriesMax: 20_000, bytesMax: 8 << 20)
        let remoteWrite = fixtures.messages("remote-write-1.bin", "remote-write-2.bin")
        messages =
            switch target {
            case .snappy: (remoteWrite + Fixtures.texts).map { Fuzzer.literals($0) } + [Fuzzer.copies]
            case .protobuf: remoteWrite + fixtures.messages("otlp-metrics.bin")
            case .remoteWrite1: [remoteWrite[0]]
            case .remoteWrite2: [remoteWrite[1]]
            case .otlpProtobuf: fixtures.messages("otlp-metrics.bin")
            case .otlpJSON: fixtures.messages("otlp-metrics.json")
            case .firehose, .firehoseRecords: Fixtures.texts + fixtures.messages("metric-stream-otlp.bin")
            case .sns: fixtures.messages("sns-notification.json", "sns-plain.json", "sns-confirmation.json")
            case .events: [Fixtures.cloudEvent, Fixtures.eventBridge, [0x5B] + Fixtures.cloudEvent + [0x5D]]
            case .headers: ["%2Fci", "\"a \\\"b\\\" %E2%82%AC\"", "ce-type", "application/json"].map { Array($0.utf8) }
            case .gates: [Fixtures.hook, Fixtures.webhook]
            }
    }

    /// A block without copies.
    private static func literals(_ bytes: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.appendVarint(UInt64(bytes.count))
        for start in stride(from: 0, to: bytes.count, by: 60) {
            let piece = bytes[start..<min(start + 60, bytes.count)]
            writer.append(UInt8((piece.count - 1) << 2))
            writer.append(piece)
        }
        return writer.bytes
    }

    private static let copies: [UInt8] = [27, 0x04, 0x61, 0x62, 0x15, 0x02, 0x2A, 0x04, 0x00, 0x0F, 0x05, 0, 0, 0]

    func run(_ number: UInt64) {
        var random = Mutator(seed: number)
        let input = random.damaged(messages)
        if (try? take(input, &random)) != nil { accepted += 1 }
    }

    private func take(_ input: [UInt8], _ random: inout Mutator) throws {
        switch target {
        case .snappy: _ = try Snappy.decompress(input, bytesMax: 1 << 20)
        case .protobuf: try walk(input)
        case .remoteWrite1: _ = try RemoteWriteReader.read(input.span, version: .v1, table: &table)
        case .remoteWrite2: _ = try RemoteWriteReader.read(input.span, version: .v2, table: &table)
        case .otlpProtobuf: try otlp(input, .protobuf)
        case .otlpJSON: try otlp(input, .json)
        case .firehose:
            let body = Fuzzer.request([input, messages[0]])
            try firehose(random.damaged([body]))
        case .firehoseRecords:
            let isCompressed = random.next() % 64 == 0
            var record = isCompressed ? Deflate.compress(input, container: .gzip) : input
            if isCompressed, random.next() % 2 == 0 { record = random.damaged([record]) }
            try firehose(Fuzzer.request([record]))
        case .sns:
            let message = try SNSMessage(input)
            _ = message.stringToSign
            _ = try message.events(options: options)
        case .events:
            _ = try? PostedEventReader.cloudEvents(input, options: options)
            _ = try? PostedEventReader.eventBridge(input, options: options)
            _ = try PostedEventReader.cloudEvent(input, options: options)
        case .headers:
            let (name, value) = (
                String(decoding: random.damaged(messages), as: UTF8.self), String(decoding: input, as: UTF8.self)
            )
            let headers = [
                ("ce-specversion", "1.0"), ("ce-id", value), ("ce-source", "/x"), ("ce-type", "t"), (name, value),
                ("ce-time", "2026-03-10T10:00:00Z"), ("content-type", name),
            ]
            _ = try PostedEventReader.cloudEvent(headers: headers, body: input, options: options)
        case .gates:
            _ = try? GateRequest.flagger(input)
            _ = try GateRequest.ecsHook(input)
        }
    }

    private func otlp(_ input: [UInt8], _ encoding: OTLPMetricsReader.Encoding) throws {
        let received = try OTLPMetricsReader.read(input.span, encoding: encoding, table: &table)
        _ = OTLPAnswer.response(received.rejects, encoding)
    }

    private func firehose(_ body: [UInt8]) throws {
        _ = try FirehoseContent(try FirehoseRequest(body.span), table: &table)
    }

    private static func request(_ records: [[UInt8]]) -> [UInt8] {
        let list = records.map { #"{"data":"\#(Base64.string($0))"}"# }.joined(separator: ",")
        return Array(#"{"requestId":"a","timestamp":1773136800000,"records":[\#(list)]}"#.utf8)
    }

    /// Every field as whatever it says it is, and into every message that it may be: what is none ends there.
    private func walk(_ input: [UInt8]) throws {
        var ranges: [Range<Int>] = []
        try read(input.indices, of: input, into: &ranges)
        var count = 0
        while let range = ranges.popLast(), count < 1000 {
            count += 1
            try? read(range, of: input, into: &ranges)
        }
    }

    private func read(_ range: Range<Int>, of input: [UInt8], into ranges: inout [Range<Int>]) throws {
        var reader = ProtobufReader(range)
        while let field = try reader.next(input.span) {
            if field.type == .bytes {
                ranges.append(try reader.bytes(input.span, field))
            } else {
                try reader.skip(input.span, field)
            }
        }
    }
}
