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
        let base = "\(CloudWatchMetric.snake(namespace))_\(CloudWatchMetric.snake(name))"
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

    /// `TargetResponseTime` is `target_response_time`, `CPUUtilization` is `cpuutilization`, `AWS/ECS` is `aws_ecs`.
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

    /// `p99.9` as part of a metric's name; nil for what is none of CloudWatch's statistics.
    static func percentile(_ text: String) -> String? {
        guard text.utf8.count <= 32 else { return nil }
        let name = snake(text)
        // p99, tm99, tc99, ts99, wm99, and ranges as IQM or PR(0:300).
        guard ["p", "tm", "tc", "ts", "wm", "iqm"].contains(where: { name.hasPrefix($0) }) else { return nil }
        return name
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
        statistics = [("sum", point.sum ?? 0), ("sample_count", Double(point.count))]
        for (quantile, value) in point.quantiles {
            switch quantile {
            case 0: statistics.append(("minimum", value))
            case 1: statistics.append(("maximum", value))
            default:
                let percent = OTLPNames.number((quantile * 1e6).rounded() / 1e4)
                statistics.append(("p\(CloudWatchMetric.snake(percent))", value))
            }
        }
    }
}
