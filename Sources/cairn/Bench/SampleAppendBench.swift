import CairnBytes
import CairnLedger
import CairnModel
import CairnRecorder
import CairnSeries
import CairnSim

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Measures how samples get into the log and into sealed windows, in processor seconds: other programs on the machine
/// change these less than the clock on the wall.
struct SampleAppendBench {
    let folder: String
    let seed: UInt64

    private static let batchSamples = 5000
    private static let samplesMax = 2_000_000

    /// User and system time of this process so far.
    private static func processorSeconds() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    func run(samples: Int) throws -> [BenchResult] {
        try append(samples: min(samples, SampleAppendBench.samplesMax)) + windows()
    }

    /// Scrape by scrape, as an agent sends them, in batches that are each synced.
    private func append(samples: Int) throws -> [BenchResult] {
        let hosts = 200
        let points = max(10, samples / (hosts * HostMetrics.fields.count))
        var series: [MetricSeries] = []
        try HostMetrics(seed: seed, hosts: hosts, points: points).forEachSeries { series.append($0) }
        let disk = RealDisk()
        let path = "\(folder)/appended"
        let ledger = try Ledger.create(
            at: path, origin: "bench.example/appended", keyFile: nil, environment: .live(command: "cairn bench"))
        let writer = SampleWriter(
            ledger: ledger, actor: LocalActor.current(), cluster: "bench", name: "bench", clock: SystemClock())
        let numbers = series.map { writer.series($0.key) }
        let count = series.count * points
        let plain = try disk.open("\(folder)/plain-samples", .readWriteCreate(permissions: 0o600))
        defer { plain.close() }
        let block = [UInt8](repeating: 0x5A, count: SampleAppendBench.batchSamples * 16)
        var offset: UInt64 = 0
        var bare = 0.0
        let start = SampleAppendBench.processorSeconds()
        for point in 0..<points {
            for (index, one) in series.enumerated() {
                try writer.add(numbers[index], timeMs: one.timesMs[point], value: one.values[point])
                guard writer.pendingCount == SampleAppendBench.batchSamples else { continue }
                try writer.commit()
                let before = SampleAppendBench.processorSeconds()
                try plain.writeAll(block, at: offset)
                try plain.sync()
                offset += UInt64(block.count)
                bare += SampleAppendBench.processorSeconds() - before
            }
        }
        try writer.commit()
        let seconds = max(1e-9, SampleAppendBench.processorSeconds() - start - bare)
        try ledger.close()
        var bytes: UInt64 = 0
        for name in try disk.list("\(path)/segments") {
            let file = try disk.open("\(path)/segments/\(name)", .read)
            bytes += try file.size()
            file.close()
        }
        let rate = Double(count) / seconds
        let bareRate = Double(count) / max(1e-9, bare)
        let perSample = Double(bytes) / Double(count)
        let amount = "\(count) of \(series.count) series, batches of \(SampleAppendBench.batchSamples)"
        return [
            BenchResult(
                name: "samples appended, synced", amount: amount, measured: rate / 1e6, unit: "M/core-s",
                baselineName: "16 bytes each, written and synced", baseline: bareRate / 1e6, ratio: rate / 2e6,
                target: "2 M/core-s", note: "ratio to the target"),
            BenchResult(
                name: "log before sealing", amount: amount, measured: perSample, unit: "B/sample",
                baselineName: "time and value as they are", baseline: 16, ratio: perSample / 2.5,
                target: "2.5 B/sample", note: "ratio to the target; entries, names and values"),
        ]
    }

    /// Each shape sealed, decoded and searched in memory.
    private func windows() throws -> [BenchResult] {
        let bench = SampleWindowBench(processorSeconds: SampleAppendBench.processorSeconds)
        let figures = [
            try bench.run("TSBS-shaped", HostMetrics(seed: seed).forEachSeries),
            try bench.run("node-shaped", NodeMetrics(seed: seed).forEachSeries),
            try bench.run("kube-shaped", ServiceMetrics(seed: seed).forEachSeries),
        ]
        return figures.flatMap { one -> [BenchResult] in
            let amount = "\(one.samples) of \(one.series) series"
            func rate(_ name: String, _ measured: Double, _ target: Double) -> BenchResult {
                BenchResult(
                    name: "\(one.name): \(name)", amount: amount, measured: measured / 1e6, unit: "M/core-s",
                    baselineName: "target", baseline: target / 1e6, ratio: measured / target, target: ">= 1", note: "")
            }
            return [
                BenchResult(
                    name: "\(one.name): sealed", amount: amount, measured: one.bytesPerSample, unit: "B/sample",
                    baselineName: "time and value as they are", baseline: 16, ratio: one.bytesPerSample / 16,
                    target: "", note: "directory included; names \(one.keyBytes / max(1, one.series)) B a series"),
                rate("seal", one.sealPerSecond, 20e6), rate("decode", one.decodePerSecond, 100e6),
                rate("cold scan", one.scanPerSecond, 50e6),
            ]
        }
    }
}
