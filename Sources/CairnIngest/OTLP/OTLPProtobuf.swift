internal import CairnBytes

/// Walks an `ExportMetricsServiceRequest` of opentelemetry-proto 1.x.
///
/// Fields may come in any order, and some are needed before others (a sum's temporality before its points), so such a
/// message is walked twice: for what it is, and for what is in it.
enum OTLPProtobuf {
    static func request(
        _ body: Span<UInt8>, _ range: Range<Int>, _ translator: inout OTLPTranslator,
        _ table: inout ReceivedSeriesTable
    ) throws(ProtobufError) {
        var message = ProtobufReader(range)
        while let field = try message.next(body) {
            guard field.number == 1 else {
                try message.skip(body, field)
                continue
            }
            try resourceMetrics(body, try message.bytes(body, field), &translator, &table)
        }
    }

    private static func resourceMetrics(
        _ body: Span<UInt8>, _ range: Range<Int>, _ translator: inout OTLPTranslator,
        _ table: inout ReceivedSeriesTable
    ) throws(ProtobufError) {
        var attributes: [OTLPAttribute] = []
        var message = ProtobufReader(range)
        while let field = try message.next(body) {
            guard field.number == 1 else {
                try message.skip(body, field)
                continue
            }
            var resource = ProtobufReader(try message.bytes(body, field))
            while let part = try resource.next(body) {
                if part.number == 1 {
                    try add(body, try resource.bytes(body, part), to: &attributes)
                } else {
                    try resource.skip(body, part)
                }
            }
        }
        translator.beginResource(attributes)
        message = ProtobufReader(range)
        while let field = try message.next(body) {
            guard field.number == 2 else {
                try message.skip(body, field)
                continue
            }
            var scope = ProtobufReader(try message.bytes(body, field))
            while let part = try scope.next(body) {
                if part.number == 2 {
                    try metric(body, try scope.bytes(body, part), &translator, &table)
                } else {
                    try scope.skip(body, part)
                }
            }
        }
        translator.endResource(&table)
    }

    // MARK: Metrics

    private static func metric(
        _ body: Span<UInt8>, _ range: Range<Int>, _ translator: inout OTLPTranslator,
        _ table: inout ReceivedSeriesTable
    ) throws(ProtobufError) {
        var metric = OTLPMetric()
        var data = range.lowerBound..<range.lowerBound
        var message = ProtobufReader(range)
        while let field = try message.next(body) {
            switch field.number {
            case 1: metric.name = try message.text(body, field)
            case 3: metric.unit = try message.text(body, field)
            case 5, 7, 9, 10, 11:
                data = try message.bytes(body, field)
                metric.kind =
                    switch field.number {
                    case 5: .gauge
                    case 7: .sum
                    case 9: .histogram
                    case 10: .exponentialHistogram
                    default: .summary
                    }
            default: try message.skip(body, field)
            }
        }
        message = ProtobufReader(data)
        while let field = try message.next(body) {
            switch field.number {
            case 2: metric.temporality = try message.varint(body, field)
            case 3: metric.isMonotonic = try message.varint(body, field) != 0
            default: try message.skip(body, field)
            }
        }
        message = ProtobufReader(data)
        while let field = try message.next(body) {
            guard field.number == 1 else {
                try message.skip(body, field)
                continue
            }
            let point = try point(body, try message.bytes(body, field), metric.kind, &translator)
            translator.add(point, of: metric, &table)
        }
    }

    private static func point(
        _ body: Span<UInt8>, _ range: Range<Int>, _ kind: OTLPMetric.Kind, _ translator: inout OTLPTranslator
    ) throws(ProtobufError) -> OTLPPoint {
        var point = OTLPPoint()
        var message = ProtobufReader(range)
        while let field = try message.next(body) {
            switch (kind, field.number) {
            case (.exponentialHistogram, 3): point.timeNanoseconds = try message.fixed64(body, field)
            // It is left out, whatever else it has.
            case (.exponentialHistogram, _): try message.skip(body, field)
            case (_, 3): point.timeNanoseconds = try message.fixed64(body, field)
            case (.gauge, 4), (.sum, 4): point.value = try message.double(body, field)
            case (.gauge, 6), (.sum, 6): point.value = Double(Int64(bitPattern: try message.fixed64(body, field)))
            case (.gauge, 5), (.sum, 5), (.histogram, 8):
                try message.skip(body, field)
                translator.leaveOutExemplar()
            case (.gauge, 7), (.sum, 7), (.histogram, 9), (.summary, 7):
                try add(body, try message.bytes(body, field), to: &point.attributes)
            case (.gauge, 8), (.sum, 8), (.histogram, 10), (.summary, 8):
                point.flags = try message.varint(body, field)
            case (.histogram, 4), (.summary, 4): point.count = try message.fixed64(body, field)
            case (.histogram, 5), (.summary, 5): point.sum = try message.double(body, field)
            case (.histogram, 6): try numbers(body, &message, field, into: &point.bucketCounts)
            case (.histogram, 7):
                var bits: [UInt64] = []
                try numbers(body, &message, field, into: &bits)
                point.bounds += bits.map { Double(bitPattern: $0) }
            case (.summary, 1):
                throw ProtobufError(
                    reason:
                        "this is OpenTelemetry 0.7; choose opentelemetry1.0 or json as the metric stream's output format",
                    offset: field.offset)
            case (.summary, 6): point.quantiles.append(try quantile(body, try message.bytes(body, field)))
            default: try message.skip(body, field)
            }
        }
        return point
    }

    /// Eight bytes each, packed or one by one.
    private static func numbers(
        _ body: Span<UInt8>, _ message: inout ProtobufReader, _ field: ProtobufReader.Field, into list: inout [UInt64]
    ) throws(ProtobufError) {
        guard field.type == .bytes else {
            list.append(try message.fixed64(body, field))
            return
        }
        var packed = ProtobufReader(try message.bytes(body, field))
        while !packed.isAtEnd { list.append(try packed.fixed64(body)) }
    }

    private static func quantile(
        _ body: Span<UInt8>, _ range: Range<Int>
    ) throws(ProtobufError) -> (quantile: Double, value: Double) {
        var result = (quantile: 0.0, value: 0.0)
        var message = ProtobufReader(range)
        while let field = try message.next(body) {
            switch field.number {
            case 1: result.quantile = try message.double(body, field)
            case 2: result.value = try message.double(body, field)
            default: try message.skip(body, field)
            }
        }
        return result
    }

    // MARK: Attributes

    private static func add(
        _ body: Span<UInt8>, _ range: Range<Int>, to attributes: inout [OTLPAttribute]
    ) throws(ProtobufError) {
        // More than a series may have labels are told when the series is made.
        guard attributes.count <= OTLPAttribute.countMax else { return }
        let (key, value) = try keyAndValue(body, range)
        attributes.append(OTLPAttribute(key: key, value: try anyValue(body, value, depth: 0)))
    }

    private static func anyValue(
        _ body: Span<UInt8>, _ range: Range<Int>, depth: Int
    ) throws(ProtobufError) -> JSONValue {
        guard depth < OTLPAttribute.depthMax else {
            throw ProtobufError(
                reason: "a value nested more than \(OTLPAttribute.depthMax) deep", offset: range.lowerBound)
        }
        var value = JSONValue.null
        var message = ProtobufReader(range)
        while let field = try message.next(body) {
            switch field.number {
            case 1: value = .string(try message.text(body, field))
            case 2: value = .bool(try message.varint(body, field) != 0)
            case 3: value = OTLPAttribute.integer(Int64(bitPattern: try message.varint(body, field)))
            case 4: value = .number(try message.double(body, field))
            case 5:
                var values: [JSONValue] = []
                var list = ProtobufReader(try message.bytes(body, field))
                while let part = try list.next(body) {
                    values.append(try anyValue(body, try list.bytes(body, part), depth: depth + 1))
                }
                value = .array(values)
            case 6:
                var object = JSONObject()
                var list = ProtobufReader(try message.bytes(body, field))
                while let part = try list.next(body) {
                    let (key, inner) = try keyAndValue(body, try list.bytes(body, part))
                    guard object.count < OTLPAttribute.countMax else { continue }
                    object.add(name: key, value: try anyValue(body, inner, depth: depth + 1))
                }
                value = .object(object)
            case 7: value = .string(Base64.string(try bytes(body, &message, field)))
            default: try message.skip(body, field)
            }
        }
        return value
    }

    private static func bytes(
        _ body: Span<UInt8>, _ message: inout ProtobufReader, _ field: ProtobufReader.Field
    ) throws(ProtobufError) -> [UInt8] {
        let range = try message.bytes(body, field)
        var bytes: [UInt8] = []
        for place in range { bytes.append(body[place]) }
        return bytes
    }

    private static func keyAndValue(
        _ body: Span<UInt8>, _ range: Range<Int>
    ) throws(ProtobufError) -> (String, Range<Int>) {
        var result = ("", range.lowerBound..<range.lowerBound)
        var message = ProtobufReader(range)
        while let field = try message.next(body) {
            switch field.number {
            case 1: result.0 = try message.text(body, field)
            case 2: result.1 = try message.bytes(body, field)
            default: try message.skip(body, field)
            }
        }
        return result
    }
}
