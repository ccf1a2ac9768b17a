internal import CairnSeries

/// What a metric is, apart from its data points.
struct OTLPMetric {
    enum Kind {
        case gauge
        case sum
        case histogram
        case exponentialHistogram
        case summary
        /// None of those known when this was written.
        case none
    }

    var name = ""
    var unit = ""
    var kind = Kind.none
    /// 1 delta, 2 cumulative, 0 not said.
    var temporality: UInt64 = 0
    var isMonotonic = false
}

/// A data point of any kind: each kind fills what it has.
struct OTLPPoint {
    var attributes: [OTLPAttribute] = []
    var timeNanoseconds: UInt64 = 0
    var flags: UInt64 = 0
    var value: Double?
    var count: UInt64 = 0
    var sum: Double?
    var bucketCounts: [UInt64] = []
    var bounds: [Double] = []
    var quantiles: [(quantile: Double, value: Double)] = []

    /// Bit 0 of the flags: the series ended here, as a stale marker says.
    var isStale: Bool { flags & 1 != 0 }
}

/// Brings data points of OpenTelemetry into samples as Prometheus names them.
///
/// A resource's `service.namespace/service.name` is `job` and its `service.instance.id` is `instance`; its other
/// attributes are labels of `target_info`, which is 1. Cumulative histograms become `_bucket`, `_sum` and `_count`,
/// summaries quantiles, and what CloudWatch streams what `CloudWatchNames` says. Deltas are rejected: adding them up
/// would need every one of them, in order, and a retry would count twice. Exponential histograms are rejected too.
struct OTLPTranslator {
    static let deltaReason =
        "delta temporality is not kept; let the exporter send cumulative values, or add deltatocumulative to the collector"
    static let exponentialReason =
        "exponential histograms are not kept; let the exporter send histograms with explicit buckets"

    private(set) var collector: SampleCollector
    private var identity: [(name: String, value: String)] = []
    private var resource: [OTLPAttribute] = []
    private var lastTimeMs: Int64?

    init(generation: Int, limits: ReceiveLimits) {
        collector = SampleCollector(generation: generation, limits: limits)
    }

    // MARK: Resources

    mutating func beginResource(_ attributes: [OTLPAttribute]) {
        func value(_ key: String) -> String { attributes.first { $0.key == key }?.text ?? "" }
        let (namespace, service) = (value("service.namespace"), value("service.name"))
        identity = []
        if !service.isEmpty { identity.append(("job", namespace.isEmpty ? service : "\(namespace)/\(service)")) }
        let instance = value("service.instance.id")
        if !instance.isEmpty { identity.append(("instance", instance)) }
        resource = attributes
        lastTimeMs = nil
    }

    mutating func endResource(_ table: inout ReceivedSeriesTable) {
        let rest = resource.filter { !["service.name", "service.namespace", "service.instance.id"].contains($0.key) }
        guard !identity.isEmpty, !rest.isEmpty, let lastTimeMs else { return }
        let row = SampleCollector.Row(name: "target_info", value: 1)
        collector.add(
            [row], labels: OTLPTranslator.join(OTLPNames.labels(rest), identity), timeMs: lastTimeMs, &table)
    }

    /// What the resource says of a label wins over what an attribute of the same name does.
    private static func join(
        _ labels: [(name: String, value: String)], _ identity: [(name: String, value: String)]
    ) -> [(name: String, value: String)] {
        labels.filter { label in !identity.contains { $0.name == label.name } } + identity
    }

    // MARK: Points

    mutating func add(
        _ point: OTLPPoint, of metric: OTLPMetric, _ table: inout ReceivedSeriesTable
    ) {
        let timeMs = point.timeNanoseconds == 0 ? nil : Int64(point.timeNanoseconds / 1_000_000)
        if metric.kind == .summary, let stream = CloudWatchMetric(metric, point, resource: resource) {
            return add(stream, timeMs: timeMs, &table)
        }
        var problem: String?
        var rows: [SampleCollector.Row] = []
        switch metric.kind {
        case .gauge: rows = number(point, of: metric, &problem)
        case .sum: rows = metric.temporality == 2 ? number(point, of: metric, &problem) : []
        case .histogram: rows = metric.temporality == 2 ? histogram(point, of: metric, &problem) : []
        case .summary: rows = summary(point, of: metric)
        case .exponentialHistogram:
            problem = OTLPTranslator.exponentialReason
            collector.leaveOutHistogram()
        case .none: problem = "the metric has no data of a known kind"
        }
        if [.sum, .histogram].contains(metric.kind), metric.temporality != 2 {
            problem =
                metric.temporality == 1 ? OTLPTranslator.deltaReason : "the metric says no aggregation temporality"
        }
        if problem == nil, let timeMs { lastTimeMs = max(lastTimeMs ?? .min, timeMs) }
        collector.add(
            rows, labels: OTLPTranslator.join(OTLPNames.labels(point.attributes), identity), timeMs: timeMs,
            unless: problem, &table)
    }

    mutating func add(_ metric: CloudWatchMetric, timeMs: Int64?, _ table: inout ReceivedSeriesTable) {
        collector.add(metric.rows, labels: metric.labels, timeMs: timeMs, &table)
    }

    mutating func leaveOutExemplar() { collector.leaveOutExemplar() }

    private func name(_ metric: OTLPMetric) -> String {
        OTLPNames.metric(
            metric.name, unit: metric.unit, isCounter: metric.kind == .sum && metric.isMonotonic,
            isGauge: metric.kind == .gauge)
    }

    private func number(
        _ point: OTLPPoint, of metric: OTLPMetric, _ problem: inout String?
    ) -> [SampleCollector.Row] {
        guard let value = point.isStale ? OTLPTranslator.stale : point.value else {
            problem = "it has no value"
            return []
        }
        return [SampleCollector.Row(name: name(metric), value: value)]
    }

    private static let stale = Double(bitPattern: Sample.staleMarkerBits)

    private func histogram(
        _ point: OTLPPoint, of metric: OTLPMetric, _ problem: inout String?
    ) -> [SampleCollector.Row] {
        guard point.bucketCounts.isEmpty && point.bounds.isEmpty || point.bucketCounts.count == point.bounds.count + 1
        else {
            problem = "\(point.bounds.count) bounds with \(point.bucketCounts.count) buckets"
            return []
        }
        guard zip(point.bounds, point.bounds.dropFirst()).allSatisfy({ $0 < $1 }) else {
            problem = "its bounds do not ascend"
            return []
        }
        let name = name(metric)
        var rows: [SampleCollector.Row] = []
        var below: UInt64 = 0
        for (bound, count) in zip(point.bounds, point.bucketCounts) where bound != .infinity {
            let (sum, isOver) = below.addingReportingOverflow(count)
            guard !isOver else {
                problem = "its buckets count more than 64 bits"
                return []
            }
            below = sum
            rows.append(
                SampleCollector.Row(
                    name: "\(name)_bucket", label: ("le", OTLPNames.number(bound)), value: Double(below)))
        }
        rows.append(SampleCollector.Row(name: "\(name)_bucket", label: ("le", "+Inf"), value: Double(point.count)))
        if let sum = point.sum { rows.append(SampleCollector.Row(name: "\(name)_sum", value: sum)) }
        rows.append(SampleCollector.Row(name: "\(name)_count", value: Double(point.count)))
        return point.isStale ? OTLPTranslator.ended(rows, sum: "\(name)_sum") : rows
    }

    private func summary(_ point: OTLPPoint, of metric: OTLPMetric) -> [SampleCollector.Row] {
        let name = name(metric)
        var rows = point.quantiles.map {
            SampleCollector.Row(name: name, label: ("quantile", OTLPNames.number($0.quantile)), value: $0.value)
        }
        rows.append(SampleCollector.Row(name: "\(name)_sum", value: point.sum ?? 0))
        rows.append(SampleCollector.Row(name: "\(name)_count", value: Double(point.count)))
        return point.isStale ? OTLPTranslator.ended(rows, sum: "\(name)_sum") : rows
    }

    /// A point that has no value any more need not repeat its sum.
    private static func ended(_ rows: [SampleCollector.Row], sum: String) -> [SampleCollector.Row] {
        var rows = rows
        if !rows.contains(where: { $0.name == sum }) { rows.append(SampleCollector.Row(name: sum, value: 0)) }
        for index in rows.indices { rows[index].value = stale }
        return rows
    }
}
