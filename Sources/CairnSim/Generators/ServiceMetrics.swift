internal import CairnSeries

/// Samples in the shape of services on Kubernetes, on the two clusters of a migration: for each service and cluster
/// requests by status, latency buckets with sum and count, processor seconds and memory of each pod. Both clusters get
/// the same kind of load, the new one half of it.
package struct ServiceMetrics: Sendable {
    package var seed: UInt64
    package var services: Int
    package var points: Int
    package var stepMs: Int64 = 60_000
    package var startMs: Int64 = 1_700_000_000_000

    package init(seed: UInt64, services: Int = 100, points: Int = 240) {
        self.seed = seed
        self.services = services
        self.points = points
    }

    package static let clusters = ["old", "new"]
    private static let podsPerService = 2
    private static let bounds = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"]
    /// Share of the requests that a bucket has and the one before has not.
    private static let shares = [0.08, 0.22, 0.30, 0.19, 0.11, 0.06, 0.025, 0.01, 0.004, 0.001]

    package var sampleCount: Int {
        services * ServiceMetrics.clusters.count * (ServiceMetrics.bounds.count + 5 + ServiceMetrics.podsPerService * 2)
            * points
    }

    /// The series, service by service, sorted by nothing in particular.
    package func forEachSeries(_ body: (MetricSeries) throws -> Void) throws {
        let times = (0..<points).map { startMs + Int64($0) * stepMs }
        for service in 0..<services {
            for (place, cluster) in ServiceMetrics.clusters.enumerated() {
                var random = SimulatedRandom(seed: seed &* 1_000_003 &+ UInt64(service * 2 + place))
                let own = [Label("cluster", cluster), Label("app", "service-\(service)")]
                for (name, labels, values) in columns(place == 0 ? 1 : 0.5, &random) {
                    try body(
                        MetricSeries(
                            key: try SeriesKey(name: name, labels: own + labels), timesMs: times, values: values))
                }
            }
        }
    }

    private func columns(
        _ part: Double, _ random: inout SimulatedRandom
    ) -> [(name: String, labels: [Label], values: [Double])] {
        var codes = [Double](repeating: 0, count: 3)
        var buckets = [Double](repeating: 0, count: ServiceMetrics.bounds.count)
        var microseconds = 0.0
        let rate = random.uniform(1...400) * Double(stepMs) / 1000 * part
        let codeCount = codes.count
        var values = [[Double]](repeating: [], count: codeCount + buckets.count + 2)
        for _ in 0..<points {
            var requests = 0.0
            for (bucket, share) in ServiceMetrics.shares.enumerated() {
                requests += Double(random.count(mean: rate * share))
                buckets[bucket] += requests
            }
            let notFound = min(requests, Double(random.count(mean: rate * 0.01)))
            let failed = min(requests - notFound, Double(random.count(mean: rate * 0.005)))
            for (code, added) in [requests - notFound - failed, notFound, failed].enumerated() { codes[code] += added }
            microseconds += (requests * 60_000 * random.uniform(0.9...1.1)).rounded()
            let row = codes + buckets + [microseconds / 1e6, buckets[buckets.count - 1]]
            for (index, value) in row.enumerated() { values[index].append(value) }
        }
        var columns: [(name: String, labels: [Label], values: [Double])] = []
        for (index, code) in ["200", "404", "500"].enumerated() {
            columns.append(("http_requests_total", [Label("code", code)], values[index]))
        }
        for (index, bound) in ServiceMetrics.bounds.enumerated() {
            columns.append(
                ("http_request_duration_seconds_bucket", [Label("le", bound)], values[codeCount + index]))
        }
        columns.append(("http_request_duration_seconds_sum", [], values[values.count - 2]))
        columns.append(("http_request_duration_seconds_count", [], values[values.count - 1]))
        for pod in 0..<ServiceMetrics.podsPerService { columns += self.pod(pod, rate, &random) }
        return columns
    }

    private func pod(
        _ number: Int, _ rate: Double, _ random: inout SimulatedRandom
    ) -> [(name: String, labels: [Label], values: [Double])] {
        var milliseconds = random.integer(0...1_000_000)
        var pages = random.integer(20_000...60_000)
        var seconds: [Double] = []
        var bytes: [Double] = []
        for _ in 0..<points {
            milliseconds += random.count(mean: rate * 0.8)
            pages = max(1000, pages + Int(random.normal(deviation: 40).rounded()))
            seconds.append(Double(milliseconds) / 1000)
            bytes.append(Double(pages * 4096))
        }
        let label = [Label("pod", "pod-\(number)")]
        return [
            ("container_cpu_usage_seconds_total", label, seconds),
            ("container_memory_working_set_bytes", label, bytes),
        ]
    }
}
