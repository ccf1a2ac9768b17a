import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnReports
import CairnSeries
import CairnSim

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// How long a new process takes until it has answered from a large sample store, and how much memory: the store is made
/// here, and the question is asked by this program started anew.
struct SampleOpenBench {
    let folder: String
    let series: Int
    let samplesPerSeries: Int
    let seed: UInt64

    private static let startMs: Int64 = 1_773_100_800_000
    private static let stepMs: Int64 = 15_000
    private static let runs = 5

    private var path: String { "\(folder)/samples" }

    /// Sealed windows of all series, each of a stretch of time, as scrapes of a fleet give them.
    func make() throws -> Ledger {
        let ledger = try Ledger.create(
            at: path, origin: "bench.example/samples", keyFile: nil,
            environment: .live(command: "cairn bench"))
        let perWindow = max(1, min(samplesPerSeries, SampleWindow.samplesMax / max(1, series)))
        let keys = try self.keys()
        var random = SimulatedRandom(seed: seed)
        var levels = keys.map { _ in Double(Int.random(in: 0..<100_000, using: &random)) }
        var first = 0
        while first < samplesPerSeries {
            let count = min(perWindow, samplesPerSeries - first)
            let times = (0..<count).map {
                SampleOpenBench.startMs + Int64(first + $0) * SampleOpenBench.stepMs
            }
            var encoder = SampleWindowEncoder()
            for (index, key) in keys.enumerated() {
                var values: [Double] = []
                values.reserveCapacity(count)
                for _ in 0..<count {
                    // A third stands still, the others grow a little.
                    if index % 3 > 0 { levels[index] += Double(random.next() & 15) }
                    values.append(levels[index])
                }
                try encoder.add(key, times: times.span, values: values.span)
            }
            try append(
                try encoder.finish(), count: count, first: times[0], last: times[count - 1], to: ledger)
            first += count
            Terminal.progress("made \(first) of \(samplesPerSeries) samples of each series")
        }
        return ledger
    }

    private func keys() throws -> [SeriesKey] {
        try (0..<series).map { index in
            let pod = index / 20
            return try SeriesKey(
                name: "container_metric_\(index % 20)_total",
                labels: [
                    Label("app", "app-\(pod / 10)"), Label("cluster", pod % 2 == 0 ? "old" : "new"),
                    Label("namespace", "team-\(pod / 10 % 40)"),
                    Label("node", "ip-10-0-\(pod % 250).internal"),
                    Label("pod", "app-\(pod / 10)-7d9f8c6b5-\(pod)"),
                ])
        }.sorted()
    }

    private func append(_ bytes: [UInt8], count: Int, first: Int64, last: Int64, to ledger: Ledger)
        throws
    {
        let position = ledger.size
        let event = ProposedEvent(
            id: "window-\(position)", source: "/bench", type: "cairn.samples.sealed.v1",
            subject: StreamName(kind: "ledger", foreignID: "samples"),
            time: Timestamp(milliseconds: last) ?? .latest,
            data: [
                "series": .integer(series), "samples": .integer(series * count),
                "first": .string(Timestamp(milliseconds: first)?.description ?? ""),
                "last": .string(Timestamp(milliseconds: last)?.description ?? ""),
                "bytes": .integer(bytes.count),
                "covers": [[.integer(position), .integer(position)]],
            ],
            attachments: [
                ProposedAttachment(
                    role: "sample-window", mediaType: SampleWindow.mediaType, content: bytes,
                    retention: .droppable,
                    isStoredAsIs: true)
            ])
        try ledger.append([Append(event)], actor: LocalActor.current())
    }

    /// Makes the store, then asks it in new processes.
    func run() throws -> [BenchResult] {
        let ledger = try make()
        let model = try ReadModel.open(path: Workspace.readModelPath(of: path))
        try model.catchUp(from: ledger)
        try model.close()
        try ledger.close()
        let index = try RealDisk().open(Workspace.readModelPath(of: path), .read)
        let indexBytes = Double(try index.size()) / Double(series)
        index.close()
        let questions = [
            (
                "open, and one series over all time",
                "SELECT count(*), max(value) FROM samples('container_metric_7_total', "
                    + "'{pod=\"app-0-7d9f8c6b5-3\"}')"
            ),
            (
                "open, and one application for an hour",
                "SELECT count(*), max(value) FROM samples(NULL, '{app=\"app-3\"}', "
                    + "'2026-03-10T01:00:00Z', '2026-03-10T02:00:00Z')"
            ),
            ("open, and which series match", "SELECT count(*) FROM label_pairs WHERE label = 'pod'"),
        ]
        let amount = "\(series * samplesPerSeries) samples in \(series) series"
        let size = BenchResult(
            name: "read model", amount: amount, measured: indexBytes, unit: "B/series",
            baselineName: "target",
            baseline: 80, ratio: indexBytes / 80, target: "<= 1",
            note: "names, labels and where each series lies")
        return try [size, scan(amount)]
            + questions.flatMap { name, sql in
                let measured = try (0..<SampleOpenBench.runs).map { _ in try ask(sql) }
                let seconds = measured.map(\.seconds).min() ?? 0
                let megabytes = Double(measured.map(\.kilobytes).max() ?? 0) / 1000
                return [
                    BenchResult(
                        name: name, amount: amount, measured: seconds, unit: "s", baselineName: "target",
                        baseline: 1,
                        ratio: seconds, target: "<= 1", note: "a new process, files in the page cache"),
                    BenchResult(
                        name: "\(name): memory", amount: amount, measured: megabytes, unit: "MB",
                        baselineName: "target",
                        baseline: 150, ratio: megabytes / 150, target: "<= 1", note: "largest resident set"),
                ]
            }
    }

    /// Every sample decoded by one question to a new process, whose start is part of it.
    private func scan(_ amount: String) throws -> BenchResult {
        let sql = "SELECT max(maximum), sum(samples) FROM sample_stats(NULL, NULL, NULL, NULL, '15m')"
        let seconds = try (0..<3).map { _ in try ask(sql).processorSeconds }.min() ?? 0
        let rate = Double(series * samplesPerSeries) / max(1e-9, seconds) / 1e6
        return BenchResult(
            name: "cold scan by `cairn query`", amount: amount, measured: rate, unit: "M/core-s",
            baselineName: "target", baseline: 50, ratio: rate / 50, target: ">= 1",
            note: "least, most and sum of each series and 15 minutes, no window within one; the whole process")
    }

    /// Runs `cairn query` on the store: wall time, processor time and the largest resident set.
    private func ask(_ sql: String) throws -> (seconds: Double, processorSeconds: Double, kilobytes: Int) {
        let arguments = [try SampleOpenBench.program(), "query", sql, "--ledger", path, "-o", "json"]
        var pointers = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        let clock = SystemClock()
        let start = clock.monotonicMicroseconds()
        var process: pid_t = 0
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        let code = unsafe posix_spawn(&process, arguments[0], &actions, nil, &pointers, environ)
        guard code == 0 else { throw CommandError("cannot start \(arguments[0]): error \(code)") }
        var usage = rusage()
        var status: Int32 = 0
        var kilobytes: Int?
        var ended = unsafe wait4(process, &status, WNOHANG, &usage)
        while ended == 0 {
            kilobytes = SampleOpenBench.peakKilobytes(of: process) ?? kilobytes
            usleep(1000)
            ended = unsafe wait4(process, &status, WNOHANG, &usage)
        }
        guard ended == process, status == 0 else {
            throw CommandError("the question ended with status \(status): \(sql)")
        }
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return (
            Double(clock.monotonicMicroseconds() - start) / 1e6, seconds(usage.ru_utime) + seconds(usage.ru_stime),
            kilobytes ?? Int(usage.ru_maxrss)
        )
    }

    /// The largest resident set of a running process so far. What `wait4` says of it begins, on Linux, with that of the
    /// process that started it, which has made the whole store here.
    private static func peakKilobytes(of process: pid_t) -> Int? {
        guard let file = try? RealDisk().open("/proc/\(process)/status", .read) else { return nil }
        defer { file.close() }
        guard let bytes = try? file.read(at: 0, count: 8192) else { return nil }
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first {
            $0.hasPrefix("VmHWM:")
        }
        return line?.split(separator: " ").dropLast().last.flatMap { Int($0.filter(\.isNumber)) }
    }

    /// This program.
    private static func program() throws -> String {
        #if os(Linux)
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe readlink(
                    "/proc/self/exe", bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count)
            }
            guard count > 0 else { throw CommandError("cannot tell where this program is") }
            return String(decoding: buffer[..<count], as: UTF8.self)
        #else
            return CommandLine.arguments[0]
        #endif
    }
}
