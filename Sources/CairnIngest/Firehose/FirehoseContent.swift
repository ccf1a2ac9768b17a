internal import CairnBytes
internal import CairnFlowLogs

/// What the records of a delivery stream are, told from each record's first bytes, so that a stream needs no setting.
///
/// Known are: VPC flow logs as lines, as `{"message": LINE}`, as JSON objects of their fields, and as CloudWatch Logs
/// subscriptions (`messageType`, `logEvents`); CloudWatch metric streams in JSON and in OpenTelemetry 1.0. Each may be
/// compressed with gzip; objects and lines may follow each other with or without line breaks. Metrics become samples
/// with the names that `CloudWatchMetric` gives.
package struct FirehoseContent: Sendable {
    /// Flow logs as text for a `FlowLogReader`, a line each: first those without a header, whose order of fields is the
    /// one that the stream is configured with (`FlowLogFormat(configured:)`, or nil for the default), then those that
    /// came as objects, under header lines.
    package private(set) var flowLines: [UInt8] = []
    /// Metrics, with the data points and records that were rejected.
    package private(set) var samples: ReceivedSamples
    /// Records that could not be used, beside those of the request.
    package private(set) var rejects: ReceivedRejects
    /// Subscription messages that only test whether the endpoint answers.
    package private(set) var controlMessages = 0

    /// Lines of flow logs that came as objects of fields.
    private var flowObjectLines: [UInt8] = []
    private var header: [FlowLogField] = []

    /// - Throws: `.tooLarge` if more comes out than `limits.inflatedBytesMax` or `limits.samplesMax`.
    package init(
        _ request: FirehoseRequest, table: inout ReceivedSeriesTable, limits: ReceiveLimits = .standard
    ) throws(ReceiveError) {
        table.beginRequest()
        var translator = OTLPTranslator(generation: table.generation, limits: limits)
        samples = ReceivedSamples(generation: table.generation, limits: limits)
        rejects = request.rejects
        var room = limits.inflatedBytesMax
        for (index, record) in request.records.enumerated() {
            guard var record, !record.isEmpty else { continue }
            if record.starts(with: [0x1F, 0x8B]) {
                do throws(InflateError) {
                    record = try Inflate.decompress(record, container: .gzip, limit: room)
                } catch {
                    if case .tooLarge = error {
                        throw ReceiveError(
                            .tooLarge, "the records inflate to more than \(limits.inflatedBytesMax) bytes")
                    }
                    rejects.add("record", index, error.description)
                    continue
                }
            }
            room -= record.count
            guard room >= 0 else {
                throw ReceiveError(.tooLarge, "the records have more than \(limits.inflatedBytesMax) bytes")
            }
            do throws(Refusal) {
                try take(record, &translator, &table)
            } catch {
                rejects.add("record", index, error.reason)
            }
        }
        flowLines += flowObjectLines
        flowObjectLines = []
        samples = try translator.collector.finish()
    }

    private struct Refusal: Error {
        var reason: String
    }

    private mutating func take(
        _ record: [UInt8], _ translator: inout OTLPTranslator, _ table: inout ReceivedSeriesTable
    ) throws(Refusal) {
        if let frames = FirehoseContent.frames(record.span) {
            for frame in frames {
                do throws(ReceiveError) {
                    try OTLPMetricsReader.readProtobuf(record.span, frame, into: &translator, &table)
                } catch {
                    throw Refusal(reason: error.reason)
                }
            }
            return
        }
        guard let first = record.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) else { return }
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else { return try takeLines(record) }
        var splitter = JSONSplitter(bytesMax: record.count, keptBytesMax: 0, splitsLists: false)
        var pieces: [JSONSplitter.Piece] = []
        // Objects wait in a list, which must not become millions of them.
        for start in stride(from: 0, to: record.count, by: FirehoseContent.pieceBytesMax) {
            let end = min(record.count, start + FirehoseContent.pieceBytesMax)
            splitter.append(record[start..<end]) { piece, _, _ in pieces.append(piece) }
            if end == record.count { splitter.finish { piece, _, _ in pieces.append(piece) } }
            for piece in pieces { try take(piece, &translator, &table) }
            pieces.removeAll(keepingCapacity: true)
        }
    }

    /// Bytes of a record in which objects are looked for at a time.
    private static let pieceBytesMax = 64 << 10

    private mutating func take(
        _ piece: JSONSplitter.Piece, _ translator: inout OTLPTranslator, _ table: inout ReceivedSeriesTable
    ) throws(Refusal) {
        switch piece {
        case .object(let bytes):
            let value: JSONValue
            do throws(JSONError) {
                value = try JSONParser.parse(bytes).value
            } catch {
                throw Refusal(reason: error.description)
            }
            try take(value, &translator, &table)
        case .broken(_, _, let reason, let line, let column):
            throw Refusal(reason: "line \(line), column \(column): \(reason)")
        case .listBegins, .listEnds: return
        }
    }

    // MARK: Kinds

    private mutating func takeLines(_ record: [UInt8]) throws(Refusal) {
        // A flow log's line is printable; what is not is some other format, and would give thousands of bad lines.
        guard record.prefix(256).allSatisfy({ $0 >= 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }) else {
            throw Refusal(
                reason:
                    "its bytes are of no known kind; metric streams have the output formats json and opentelemetry1.0")
        }
        flowLines += record
        if record.last != 0x0A { flowLines.append(0x0A) }
    }

    private mutating func take(
        _ value: JSONValue, _ translator: inout OTLPTranslator, _ table: inout ReceivedSeriesTable
    ) throws(Refusal) {
        if value["metric_name"] != nil, value["namespace"] != nil {
            let metric = try FirehoseContent.metric(value)
            return translator.add(metric, timeMs: value["timestamp"]?.integer, &table)
        }
        if let type = value["messageType"]?.string {
            if type == "CONTROL_MESSAGE" {
                controlMessages += 1
                return
            }
            guard type == "DATA_MESSAGE", let events = value["logEvents"]?.array else {
                throw Refusal(reason: "a subscription message of the type \(type.prefix(40)) without logEvents")
            }
            for event in events {
                guard let message = event["message"]?.string else {
                    throw Refusal(reason: "a log event has no message")
                }
                try takeLines(Array(message.utf8))
            }
            return
        }
        if let message = value["message"]?.string { return try takeLines(Array(message.utf8)) }
        guard let object = value.object, value["srcaddr"] != nil || value["pkt_srcaddr"] ?? value["pkt-srcaddr"] != nil
        else {
            throw Refusal(
                reason: "a JSON object that is no flow log, no log subscription and no metric of a metric stream")
        }
        try takeFields(object)
    }

    /// A flow log record as an object: a line, under a header line where its fields are others than before.
    private mutating func takeFields(_ object: JSONObject) throws(Refusal) {
        var fields: [FlowLogField] = []
        var line = ""
        for member in object {
            guard let field = FlowLogField(name: member.name), !fields.contains(field) else { continue }
            let text: String
            switch member.value {
            case .string(let value): text = value
            case .number: text = CanonicalJSON.string(of: member.value)
            case .null: text = ""
            default: throw Refusal(reason: "the field \(member.name) is neither text nor number")
            }
            guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
                throw Refusal(reason: "the field \(member.name) has blanks in it")
            }
            line += (fields.isEmpty ? "" : " ") + (text.isEmpty ? "-" : text)
            fields.append(field)
        }
        if fields != header {
            header = fields
            flowObjectLines += Array(fields.map(\.rawValue).joined(separator: " ").utf8) + [0x0A]
        }
        flowObjectLines += Array(line.utf8) + [0x0A]
    }

    private static func metric(_ value: JSONValue) throws(Refusal) -> CloudWatchMetric {
        guard let namespace = value["namespace"]?.string, let name = value["metric_name"]?.string,
            let statistics = value["value"]?.object
        else { throw Refusal(reason: "a metric without namespace, metric_name or value") }
        var metric = CloudWatchMetric(
            namespace: namespace, name: name, dimensions: [], account: value["account_id"]?.string ?? "",
            region: value["region"]?.string ?? "", statistics: [])
        for member in value["dimensions"]?.object ?? [:] {
            guard let text = member.value.string else { throw Refusal(reason: "a dimension is not a text") }
            metric.dimensions.append((member.name, text))
        }
        for member in statistics {
            guard let number = member.value.double else { throw Refusal(reason: "a statistic is not a number") }
            metric.add(statistic: member.name, number)
        }
        return metric
    }

    /// The messages of a record that is a sequence of them, each behind its length; nil for anything else.
    static func frames(_ record: Span<UInt8>) -> [Range<Int>]? {
        var frames: [Range<Int>] = []
        var reader = ProtobufReader(record.indices)
        var place = 0
        while place < record.count {
            reader = ProtobufReader(place..<record.count)
            guard let count = try? reader.varint(record), count > 0, count <= UInt64(record.count - reader.offset),
                // Every message of metrics begins with its first list, and no text with such a byte behind its first.
                record[reader.offset] == 0x0A
            else { return nil }
            frames.append(reader.offset..<reader.offset + Int(count))
            place = reader.offset + Int(count)
        }
        return frames
    }
}
