internal import CairnSeries

/// Samples in the shape of what one node exporter shows of a small server: 507 series, 64 % of which never change, and
/// the rest counters of bytes, packets, ticks and milliseconds, gauges in pages, load averages and durations.
///
/// Not a recording: rates follow one common activity with quiet and busy times, so that series are as alike as they are
/// on a real machine.
package struct NodeMetrics: Sendable {
    package var seed: UInt64
    package var scrapes: Int
    package var stepMs: Int64 = 15_000
    package var startMs: Int64 = 1_700_000_000_000
    package var instance = "node-1:9100"

    package init(seed: UInt64, scrapes: Int = 900) {
        self.seed = seed
        self.scrapes = scrapes
    }

    package static let seriesCount = 507
    package var sampleCount: Int { NodeMetrics.seriesCount * scrapes }

    /// How a series moves from scrape to scrape.
    private enum Motion {
        case still(Double)
        /// Whole units at a mean rate per scrape under full activity; the value is units times `unit`.
        case counter(rate: Double, unit: Double, start: Int)
        /// As `counter`, divided: ticks and microseconds.
        case ticks(rate: Double, perUnit: Double, start: Int)
        /// Moves by whole units in one scrape of `every`.
        case gauge(deviation: Double, unit: Double, every: Double, start: Int)
        /// Nanoseconds around a level, with a long tail.
        case duration(level: Double)
        /// An average of the activity over so many scrapes, in hundredths.
        case load(scrapes: Double)
        /// Grows and falls back: a heap between collections.
        case sawtooth(rate: Double, limit: Double)
        /// The clock of the machine.
        case clock
    }

    /// The series, sorted by nothing in particular.
    package func forEachSeries(_ body: (MetricSeries) throws -> Void) throws {
        let times = (0..<scrapes).map { startMs + Int64($0) * stepMs }
        let activity = activityOfScrapes()
        for (number, (key, motion)) in try catalog().enumerated() {
            var random = SimulatedRandom(seed: seed &* 31 &+ UInt64(number) &* 1_000_003)
            let values = values(of: motion, activity, &random)
            try body(MetricSeries(key: key, timesMs: times, values: values))
        }
    }

    /// Between 0.05 and 1.5, the same for all series: a machine is busy as a whole.
    private func activityOfScrapes() -> [Double] {
        var random = SimulatedRandom(seed: seed &+ 17)
        var level = 0.4
        var busy = 0.3
        return (0..<scrapes).map { _ in
            if random.uniform(0...1) < 0.02 { busy = random.uniform(0.05...1.2) }
            level += 0.2 * (busy - level)
            return max(0.05, min(1.5, level * random.uniform(0.7...1.3)))
        }
    }

    private func values(
        of motion: Motion, _ activity: [Double], _ random: inout SimulatedRandom
    ) -> [Double] {
        switch motion {
        case .still(let value):
            return [Double](repeating: value, count: scrapes)
        case .counter(let rate, let unit, let start):
            return counts(rate, start, activity, &random).map { Double($0) * unit }
        case .ticks(let rate, let perUnit, let start):
            return counts(rate, start, activity, &random).map { Double($0) / perUnit }
        case .gauge(let deviation, let unit, let every, let start):
            var level = start
            return activity.map { _ in
                if random.uniform(0...1) < 1 / every {
                    level = max(0, level + Int(random.normal(deviation: deviation).rounded()))
                }
                return Double(level) * unit
            }
        case .duration(let level):
            return activity.map { activity in
                let stretch = random.uniform(0...1) < 0.06 ? random.uniform(1...12) : random.uniform(0.9...1.25)
                return (level * stretch * (1 + 0.1 * activity)).rounded() / 1e9
            }
        case .load(let scrapes):
            var average = 0.8
            return activity.map { activity in
                average += (activity * 3 - average) / scrapes
                return (average * 100).rounded() / 100
            }
        case .sawtooth(let rate, let limit):
            var level = limit * 0.3
            return activity.map { _ in
                level += random.uniform(0.6...1.4) * rate
                if level > limit { level = limit * random.uniform(0.3...0.4) }
                return (level / 8).rounded() * 8
            }
        case .clock:
            return (0..<scrapes).map { scrape in
                Double(startMs + Int64(scrape) * stepMs) / 1000 + random.uniform(0.01...0.03)
            }
        }
    }

    private func counts(
        _ rate: Double, _ start: Int, _ activity: [Double], _ random: inout SimulatedRandom
    ) -> [Int] {
        var total = start
        return activity.map { activity in
            // Rates scatter more than chance alone would make them.
            total += random.count(mean: rate * activity * random.uniform(0.8...1.2))
            return total
        }
    }

    private func catalog() throws -> [(SeriesKey, Motion)] {
        var list: [(SeriesKey, Motion)] = []
        func add(_ name: String, _ labels: [Label] = [], _ motion: Motion) throws {
            let key = try SeriesKey(
                name: name, labels: labels + [Label("instance", instance), Label("job", "node")])
            list.append((key, motion))
        }
        try addProcessor(add)
        try addDevices(add)
        try addMemory(add)
        try addCounts(add)
        try addExporter(add)
        var number = 0
        while list.count < NodeMetrics.seriesCount {
            let value = [0, 1, 0, 1500, 0, 1, 65536, 0, 4096, 2][number % 10]
            try add(
                "node_\(["network", "filesystem", "memory", "netstat", "sysctl"][number % 5])_setting_\(number / 4)",
                [Label("device", "eth\(number % 4)")], .still(Double(value)))
            number += 1
        }
        return list
    }

    private typealias Add = (String, [Label], Motion) throws -> Void

    private func addProcessor(_ add: Add) throws {
        let modes = [
            ("idle", 900.0), ("user", 400), ("system", 90), ("iowait", 4), ("steal", 1), ("softirq", 2), ("irq", 0),
            ("nice", 0),
        ]
        for cpu in 0..<2 {
            for (mode, rate) in modes {
                let motion: Motion =
                    rate == 0 ? .still(0) : .ticks(rate: rate, perUnit: 100, start: 10_000 * (cpu + 1))
                try add("node_cpu_seconds_total", [Label("cpu", "\(cpu)"), Label("mode", mode)], motion)
            }
            try add("node_softnet_processed_total", [Label("cpu", "\(cpu)")], .counter(rate: 60, unit: 1, start: 9000))
        }
        for (name, scrapes) in [("node_load1", 4.0), ("node_load5", 20), ("node_load15", 60)] {
            try add(name, [], .load(scrapes: scrapes))
        }
        try add("node_time_seconds", [], .clock)
        for (name, rate) in [("cpu_waiting", 9e5), ("io_waiting", 2e4), ("io_stalled", 9e3)] {
            try add("node_pressure_\(name)_seconds_total", [], .ticks(rate: rate, perUnit: 1e6, start: 3_000_000))
        }
    }

    private func addDevices(_ add: Add) throws {
        let disk = [Label("device", "vda")]
        for (name, rate) in [
            ("read_time", 300.0), ("write_time", 120), ("io_time", 200), ("io_time_weighted", 500), ("discard_time", 3),
        ] {
            try add("node_disk_\(name)_seconds_total", disk, .counter(rate: rate, unit: 0.001, start: 150_000))
        }
        for (name, rate) in [
            ("reads_completed", 300.0), ("writes_completed", 250), ("reads_merged", 9), ("writes_merged", 80),
            ("discards_completed", 20), ("discarded_sectors", 3000),
        ] {
            try add("node_disk_\(name)_total", disk, .counter(rate: rate, unit: 1, start: 400_000))
        }
        try add("node_disk_read_bytes_total", disk, .counter(rate: 9000, unit: 512, start: 60_000_000))
        try add("node_disk_written_bytes_total", disk, .counter(rate: 20_000, unit: 512, start: 80_000_000))
        for name in ["avail", "free"] {
            try add(
                "node_filesystem_\(name)_bytes", [Label("mountpoint", "/")],
                .gauge(deviation: 500, unit: 4096, every: 1.1, start: 18_000_000))
        }
        try add("node_filesystem_files_free", [], .gauge(deviation: 40, unit: 1, every: 1.3, start: 16_000_000))
        for (device, rate) in [("eth0", 40.0), ("lo", 6)] {
            for direction in ["receive", "transmit"] {
                let labels = [Label("device", device)]
                try add("node_network_\(direction)_packets_total", labels, .counter(rate: rate, unit: 1, start: 7000))
                try add(
                    "node_network_\(direction)_bytes_total", labels, .counter(rate: rate * 700, unit: 1, start: 900_000)
                )
            }
        }
    }

    private func addMemory(_ add: Add) throws {
        for (name, deviation, every) in [
            ("Active", 300.0, 1.0), ("Active_file", 300, 1), ("Active_anon", 6, 5), ("AnonPages", 900, 1),
            ("Buffers", 5, 2),
            ("Cached", 400, 1), ("Dirty", 120, 1), ("Inactive", 700, 1), ("Inactive_anon", 700, 1),
            ("Inactive_file", 300, 1), ("KReclaimable", 40, 2), ("KernelStack", 12, 1), ("MemAvailable", 900, 1),
            ("MemFree", 1200, 1), ("PageTables", 60, 1), ("SReclaimable", 40, 2), ("SUnreclaim", 30, 1),
            ("Slab", 50, 1), ("Mapped", 90, 4), ("Shmem", 3, 30), ("Committed_AS", 4000, 1), ("Writeback", 2, 12),
        ] {
            let unit = name == "KernelStack" ? 1024.0 : 4096
            try add(
                "node_memory_\(name)_bytes", [],
                .gauge(deviation: deviation, unit: unit, every: every, start: 400_000))
        }
    }

    private func addCounts(_ add: Add) throws {
        for (name, rate) in [
            ("node_context_switches_total", 12_000.0), ("node_intr_total", 8000), ("node_forks_total", 40),
            ("node_vmstat_pgfault", 60_000), ("node_vmstat_pgmajfault", 3), ("node_vmstat_pgpgin", 2500),
            ("node_vmstat_pgpgout", 9000), ("node_netstat_IpExt_InOctets", 60_000),
            ("node_netstat_IpExt_OutOctets", 50_000), ("node_netstat_Tcp_InSegs", 50), ("node_netstat_Tcp_OutSegs", 45),
            ("node_netstat_Tcp_ActiveOpens", 0.3), ("node_netstat_Tcp_PassiveOpens", 0.3),
            ("promhttp_metric_handler_requests_total", 1), ("node_netstat_Udp_InDatagrams", 1.5),
            ("node_netstat_Udp_OutDatagrams", 1.5),
        ] {
            try add(name, [], .counter(rate: rate, unit: 1, start: 30_000))
        }
        for (name, every) in [
            ("node_procs_running", 1.2), ("node_procs_blocked", 3), ("node_sockstat_TCP_tw", 4),
            ("node_sockstat_sockets_used", 4), ("node_sockstat_TCP_alloc", 9), ("node_entropy_available_bits", 40),
            ("process_open_fds", 90),
        ] {
            try add(name, [], .gauge(deviation: 1.4, unit: 1, every: every, start: 12))
        }
    }

    private func addExporter(_ add: Add) throws {
        for number in 0..<46 {
            let collector = [Label("collector", "collector_\(number)")]
            try add("node_scrape_collector_success", collector, .still(1))
            try add(
                "node_scrape_collector_duration_seconds", collector,
                .duration(level: [4000, 20_000, 90_000, 400_000, 2_000_000][number % 5] * (1 + Double(number) / 40)))
        }
        for (name, limit) in [
            ("alloc_bytes", 4_200_000.0), ("heap_alloc_bytes", 4_200_000), ("heap_inuse_bytes", 5_200_000),
            ("heap_objects", 40_000), ("heap_idle_bytes", 5_000_000),
        ] {
            try add("go_memstats_\(name)", [], .sawtooth(rate: limit / 7, limit: limit))
        }
        for (name, rate) in [("alloc_bytes_total", 600_000.0), ("mallocs_total", 7000), ("frees_total", 7000)] {
            try add("go_memstats_\(name)", [], .counter(rate: rate, unit: 1, start: 300_000))
        }
        for quantile in ["0", "0.25", "0.5", "0.75", "1"] {
            try add(
                "go_gc_duration_seconds", [Label("quantile", quantile)],
                .gauge(deviation: 900, unit: 1e-9, every: 9, start: 26_000))
        }
        try add("go_gc_duration_seconds_count", [], .counter(rate: 0.14, unit: 1, start: 8))
        try add("process_cpu_seconds_total", [], .ticks(rate: 3, perUnit: 100, start: 12))
        try add("process_resident_memory_bytes", [], .gauge(deviation: 20, unit: 4096, every: 6, start: 5000))
    }
}
