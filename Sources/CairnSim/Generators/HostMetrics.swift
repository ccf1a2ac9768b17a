internal import CairnSeries

/// Samples in the shape of the cpu set of the Time Series Benchmark Suite: for each host ten gauges that walk by a
/// normal step, stay within 0 to 100 and are cut to whole numbers, with ten tags.
package struct HostMetrics: Sendable {
    package var seed: UInt64
    package var hosts = 200
    package var points = 1440
    package var stepMs: Int64 = 10_000
    package var startMs: Int64 = 1_700_000_000_000

    package init(seed: UInt64, hosts: Int = 200, points: Int = 1440) {
        self.seed = seed
        self.hosts = hosts
        self.points = points
    }

    package static let fields = [
        "user", "system", "idle", "nice", "iowait", "irq", "softirq", "steal", "guest", "guest_nice",
    ]
    private static let regions = [
        "us-east-1", "us-west-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-1", "ap-southeast-2",
        "ap-northeast-1", "sa-east-1",
    ]

    package var sampleCount: Int { hosts * HostMetrics.fields.count * points }

    /// The series, field by field and host by host; each is the same whichever others are asked for.
    package func forEachSeries(_ body: (MetricSeries) throws -> Void) throws {
        let times = (0..<points).map { startMs + Int64($0) * stepMs }
        for (number, field) in HostMetrics.fields.enumerated() {
            for host in 0..<hosts {
                var random = SimulatedRandom(seed: seed &* 1_000_003 &+ UInt64(number * 100_000 + host))
                var level = random.uniform(0...100)
                let values = (0..<points).map { _ in
                    level = min(100, max(0, level + random.normal()))
                    return level.rounded(.down)
                }
                try body(MetricSeries(key: try key(field: field, host: host), timesMs: times, values: values))
            }
        }
    }

    private func key(field: String, host: Int) throws -> SeriesKey {
        var random = SimulatedRandom(seed: seed &+ 7919 &* UInt64(host))
        func choice(_ options: [String]) -> String { options.randomElement(using: &random) ?? "" }
        let region = choice(HostMetrics.regions)
        return try SeriesKey(
            name: "cpu_usage_\(field)",
            labels: [
                Label("hostname", "host_\(host)"), Label("region", region),
                Label("datacenter", region + choice(["a", "b", "c"])), Label("rack", "\(random.integer(0...99))"),
                Label("os", choice(["Ubuntu16.10", "Ubuntu16.04LTS", "Ubuntu15.10"])),
                Label("arch", choice(["x64", "x86"])),
                Label("team", choice(["SF", "NYC", "LON", "CHI"])), Label("service", "\(random.integer(0...19))"),
                Label("service_version", "\(random.integer(0...1))"),
                Label("service_environment", choice(["production", "staging", "test"])),
            ])
    }
}
