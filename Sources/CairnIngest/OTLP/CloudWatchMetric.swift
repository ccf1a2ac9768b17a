/// A CloudWatch metric as metric streams send it, in JSON or as an OpenTelemetry summary, with names as the Prometheus
/// exporter for CloudWatch gives them.
///
/// `AWS/ECS`, `CPUUtilization` is `aws_ecs_cpuutilization`, and each statistic of a minute a gauge: `_sum`,
/// `_sample_count`, `_minimum`, `_maximum`, and percentiles as `_p99`, `_p99_9`. Dimensions are labels in snake case
/// (`LoadBalancer` is `load_balancer`), beside `account_id` and `region`.
struct CloudWatchMetric {
    var namespace: String
    var name: String
    var dimensions: [(name: String, value: String)]
    var account: String
    var region: String
    var statistics: [(name: String, value: Double)]

    var rows: [SampleCollector.Row] {
        let base = "\(CloudWatchMetric.snake(namespace.lowercased()))_\(CloudWatchMetric.snake(name))"
        return statistics.map { SampleCollector.Row(name: "\(base)_\($0.name)", value: $0.value) }
    }

    var labels: [(name: String, value: String)] {
        var labels: [(name: String, value: String)] = []
        for (name, value) in dimensions {
            let name = OTLPNames.label(CloudWatchMetric.snake(name))
            if let index = labels.firstIndex(where: { $0.name == name }) {
                labels[index].value += ";\(value)"
            } else {
                labels.append((name, value))
            }
        }
        for (name, value) in [("account_id", account), ("region", region)]
        where !labels.contains(where: { $0.name == name }) {
            labels.append((name, value))
        }
        return labels
    }

    /// `TargetResponseTime` is `target_response_time`, `CPUUtilization` is `cpuutilization`, `aws/ecs` is `aws_ecs`.
    static func snake(_ text: String) -> String {
        var result = ""
        var mayBreak = false
        for scalar in text.unicodeScalars {
            let isUpper = ("A"..."Z").contains(scalar)
            let isLower = ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar)
            if isUpper, mayBreak { result += "_" }
            if isUpper {
                result.unicodeScalars.append(Unicode.Scalar(UInt8(scalar.value) + 32))
            } else {
                result.unicodeScalars.append(isLower ? scalar : "_")
            }
            mayBreak = isLower
        }
        return result
    }

    /// - Parameter statistic: `sum`, `count`, `min`, `max` or a percentile or the like as `p99.9`.
    mutating func add(statistic: String, _ value: Double) {
        switch statistic {
        case "count": statistics.append(("sample_count", value))
        case "min": statistics.append(("minimum", value))
        case "max": statistics.append(("maximum", value))
        default: statistics.append((CloudWatchMetric.snake(statistic), value))
        }
    }
}

extension CloudWatchMetric {
    /// The summary that a metric stream in the format `opentelemetry1.0` makes of a metric; nil for any other summary.
    init?(_ metric: OTLPMetric, _ point: OTLPPoint, resource: [OTLPAttribute]) {
        guard metric.name.hasPrefix("amazonaws.com/") else { return nil }
        func attribute(_ key: String) -> OTLPAttribute? { point.attributes.first { $0.key == key } }
        guard let namespace = attribute("Namespace")?.text, let name = attribute("MetricName")?.text else { return nil }
        self.namespace = namespace
        self.name = name
        dimensions = (attribute("Dimensions")?.members ?? []).map { ($0.key, $0.text) }
        account = resource.first { $0.key == "cloud.account.id" }?.text ?? ""
        region = resource.first { $0.key == "cloud.region" }?.text ?? ""
        statistics = []
        add(statistic: "count", Double(point.count))
        if let sum = point.sum { add(statistic: "sum", sum) }
        for (quantile, value) in point.quantiles {
            switch quantile {
            case 0: add(statistic: "min", value)
            case 1: add(statistic: "max", value)
            default: add(statistic: "p\(OTLPNames.number((quantile * 1e6).rounded() / 1e4))", value)
            }
        }
    }
}
