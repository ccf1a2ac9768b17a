internal import CairnBytes

/// Reads an `ExportMetricsServiceRequest` in the JSON of OTLP: names in lowerCamelCase, 64-bit integers as text or
/// numbers, what is unknown passed over.
enum OTLPJSON {
    static func read(
        _ body: Span<UInt8>, into translator: inout OTLPTranslator, _ table: inout ReceivedSeriesTable
    ) throws(ReceiveError) {
        let request: JSONValue
        do throws(JSONError) {
            request = try JSONParser.parse(body).value
        } catch {
            throw ReceiveError(.malformed, error.description)
        }
        guard request.object != nil else { throw ReceiveError(.malformed, "the body is not a JSON object") }
        for resourceMetrics in try list(request, "resourceMetrics") {
            var attributes: [OTLPAttribute] = []
            if let resource = resourceMetrics["resource"] { attributes = try OTLPJSON.attributes(resource) }
            translator.beginResource(attributes)
            for scope in try list(resourceMetrics, "scopeMetrics") {
                for metric in try list(scope, "metrics") { try read(metric, &translator, &table) }
            }
            translator.endResource(&table)
        }
    }

    private static let kinds: [(String, OTLPMetric.Kind)] = [
        ("gauge", .gauge), ("sum", .sum), ("histogram", .histogram), ("exponentialHistogram", .exponentialHistogram),
        ("summary", .summary),
    ]

    private static func read(
        _ value: JSONValue, _ translator: inout OTLPTranslator, _ table: inout ReceivedSeriesTable
    ) throws(ReceiveError) {
        var metric = OTLPMetric()
        metric.name = value["name"]?.string ?? ""
        metric.unit = value["unit"]?.string ?? ""
        for (name, kind) in kinds {
            guard let data = value[name], !data.isNull else { continue }
            metric.kind = kind
            metric.temporality = try temporality(data["aggregationTemporality"])
            metric.isMonotonic = data["isMonotonic"]?.bool ?? false
            for point in try list(data, "dataPoints") {
                let point = try OTLPJSON.point(point, &translator)
                translator.add(point, of: metric, &table)
            }
        }
    }

    private static func point(
        _ value: JSONValue, _ translator: inout OTLPTranslator
    ) throws(ReceiveError) -> OTLPPoint {
        var point = OTLPPoint()
        point.timeNanoseconds = try unsigned(value["timeUnixNano"])
        point.attributes = try attributes(value)
        point.flags = try unsigned(value["flags"])
        if let double = value["asDouble"], !double.isNull {
            point.value = try self.double(double)
        } else if let integer = value["asInt"], !integer.isNull {
            point.value = try self.double(integer)
        }
        point.count = try unsigned(value["count"])
        if let sum = value["sum"], !sum.isNull { point.sum = try double(sum) }
        for count in try list(value, "bucketCounts") { point.bucketCounts.append(try unsigned(count)) }
        for bound in try list(value, "explicitBounds") { point.bounds.append(try double(bound)) }
        for one in try list(value, "quantileValues") {
            point.quantiles.append((try double(one["quantile"] ?? 0), try double(one["value"] ?? 0)))
        }
        for _ in try list(value, "exemplars") { translator.leaveOutExemplar() }
        return point
    }

    private static func attributes(_ value: JSONValue) throws(ReceiveError) -> [OTLPAttribute] {
        var attributes: [OTLPAttribute] = []
        for one in try list(value, "attributes").prefix(OTLPAttribute.countMax) {
            attributes.append(
                OTLPAttribute(key: one["key"]?.string ?? "", value: try anyValue(one["value"] ?? .null, depth: 0)))
        }
        return attributes
    }

    private static func anyValue(_ value: JSONValue, depth: Int) throws(ReceiveError) -> JSONValue {
        guard depth < OTLPAttribute.depthMax else {
            throw ReceiveError(.malformed, "a value is nested more than \(OTLPAttribute.depthMax) deep")
        }
        guard let object = value.object else { return .null }
        for member in object {
            switch member.name {
            case "stringValue", "boolValue", "bytesValue": return member.value
            case "doubleValue": return .number(try double(member.value))
            case "intValue":
                if let number = member.value.integer { return OTLPAttribute.integer(number) }
                guard let number = member.value.string.flatMap({ Int64($0) }) else {
                    throw ReceiveError(.malformed, "an intValue is no integer of 64 bits")
                }
                return OTLPAttribute.integer(number)
            case "arrayValue":
                var values: [JSONValue] = []
                for one in try list(member.value, "values") { values.append(try anyValue(one, depth: depth + 1)) }
                return .array(values)
            case "kvlistValue":
                var result = JSONObject()
                for one in try list(member.value, "values").prefix(OTLPAttribute.countMax) {
                    result.add(
                        name: one["key"]?.string ?? "", value: try anyValue(one["value"] ?? .null, depth: depth + 1))
                }
                return .object(result)
            default: continue
            }
        }
        return .null
    }

    // MARK: Values

    private static func list(_ value: JSONValue, _ name: String) throws(ReceiveError) -> [JSONValue] {
        guard let member = value[name], !member.isNull else { return [] }
        guard let list = member.array else { throw ReceiveError(.malformed, "\(name) is not an array") }
        return list
    }

    /// As protobuf's JSON writes them: the number or the name of the value.
    private static func temporality(_ value: JSONValue?) throws(ReceiveError) -> UInt64 {
        switch value?.string {
        case "AGGREGATION_TEMPORALITY_DELTA": 1
        case "AGGREGATION_TEMPORALITY_CUMULATIVE": 2
        default: try unsigned(value)
        }
    }

    private static func unsigned(_ value: JSONValue?) throws(ReceiveError) -> UInt64 {
        guard let value, !value.isNull else { return 0 }
        if let text = value.string, let number = UInt64(text) { return number }
        if let double = value.double, let number = UInt64(exactly: double) { return number }
        throw ReceiveError(.malformed, "\(shown(value)) is no unsigned integer of 64 bits")
    }

    /// A number, or a text of one, as protobuf's JSON writes what JSON has no number for.
    private static func double(_ value: JSONValue) throws(ReceiveError) -> Double {
        if let number = value.double { return number }
        switch value.string {
        case "NaN": return .nan
        case "Infinity": return .infinity
        case "-Infinity": return -.infinity
        case let text?:
            let bytes = Array(text.utf8)
            if let number = NumberText.double(bytes.span, bytes.indices) { return number }
        case nil: break
        }
        throw ReceiveError(.malformed, "\(shown(value)) is no number")
    }

    private static func shown(_ value: JSONValue) -> String { String(CanonicalJSON.string(of: value).prefix(40)) }
}
