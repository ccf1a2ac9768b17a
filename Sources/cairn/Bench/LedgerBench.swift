import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels

/// Measures the log beside what the machine can do at best, in the same run.
struct LedgerBench {
    let folder: String
    let events: Int
    let clock = SystemClock()
    let disk = RealDisk()

    private static let batchEvents = 500
    /// Appends of one event each, after the batches: enough for a p99.
    private static let singleAppends = 1000
    /// Sealed segments of the ledger that is opened, and entries in each.
    private static let sealedSegments = 200
    /// How often what is not appended is measured; the least counts, since others use the machine too.
    private static let rounds = 5

    private func seconds<Result>(_ body: () throws -> Result) rethrows -> (Double, Result) {
        let start = clock.monotonicMicroseconds()
        let result = try body()
        return (Double(clock.monotonicMicroseconds() - start) / 1e6, result)
    }

    private func rounded(_ value: Double) -> String { CanonicalJSON.text(of: (value * 100).rounded() / 100) }

    // MARK: Append

    /// Times of appends, of the calls to the disk in them, and of the same calls made again on plain files.
    private struct Appends {
        var whole: [Double] = []
        var disk: [Double] = []
        var plain: [Double] = []
    }

    /// Appends batches, each acknowledged after its sync, and between two of them makes the same sequence of writes and
    /// syncs, with the same bytes, on plain files of the same disk: what is left is the log's own work.
    func append() throws -> (Ledger, [BenchResult]) {
        let recording = RecordingDisk()
        let path = "\(folder)/ledger"
        let environment = LedgerEnvironment(
            disk: recording, clock: SystemClock(), random: SystemRandom(), command: "cairn bench")
        let ledger = try Ledger.create(
            at: path, origin: "bench.example/ledger", keyFile: "\(folder)/key", environment: environment)
        var plain = PlainFiles(copying: folder, to: "\(folder)/plain")
        try disk.createFolder("\(folder)/plain")
        try plain.make(recording.take().steps)
        var next = 0
        let batches = try measure(
            ledger, recording, &plain, batch: LedgerBench.batchEvents, count: events / LedgerBench.batchEvents, &next)
        let singles = try measure(
            ledger, recording, &plain, batch: 1, count: min(LedgerBench.singleAppends, events / 10), &next)
        let rate = Double(batches.whole.count * LedgerBench.batchEvents) / batches.whole.reduce(0, +)
        let results = [
            BenchResult(
                name: "append, synced",
                amount:
                    "\(batches.whole.count * LedgerBench.batchEvents) events in batches of \(LedgerBench.batchEvents)",
                measured: rate, unit: "events/s", baselineName: "target", baseline: 20_000, ratio: rate / 20_000,
                target: ">= 1", note: "Tessera POSIX publishes 2,900-10,000 a second"),
            tail(batches, name: "append, p99 of a batch", amount: "\(batches.whole.count) batches"),
            tail(singles, name: "append, p99 of one event", amount: "\(singles.whole.count) events"),
        ]
        return (ledger, results)
    }

    private func measure(
        _ ledger: Ledger, _ recording: RecordingDisk, _ plain: inout PlainFiles, batch: Int, count: Int,
        _ next: inout Int
    ) throws -> Appends {
        let actor = LocalActor.current()
        var appends = Appends()
        for _ in 0..<count {
            let events = (next..<next + batch).map { Append(BenchEvents.event($0)) }
            next += batch
            appends.whole.append(try seconds { try ledger.append(events, actor: actor) }.0)
            let (steps, microseconds) = recording.take()
            appends.disk.append(Double(microseconds) / 1e6)
            appends.plain.append(try seconds { try plain.make(steps) }.0)
        }
        return appends
    }

    private func tail(_ appends: Appends, name: String, amount: String) -> BenchResult {
        let (whole, plain) = (percentile(appends.whole, 0.99), percentile(appends.plain, 0.99))
        let encoding = zip(appends.whole, appends.disk).map { $0 - $1 }
        func median(_ values: [Double]) -> String { rounded(percentile(values, 0.5) * 1000) }
        return BenchResult(
            name: name, amount: amount, measured: whole * 1000, unit: "ms",
            baselineName: "the same writes and syncs, p99", baseline: plain * 1000, ratio: whole / max(1e-9, plain),
            target: "<= 3",
            note: "medians \(median(appends.whole)) and \(median(appends.plain)) ms; of the first \(median(encoding)) "
                + "encoding, \(median(appends.disk)) disk; p99 of encoding \(rounded(percentile(encoding, 0.99) * 1000))"
        )
    }

    // MARK: Open

    /// Opening a ledger of many sealed segments beside reading the least that there is to read of each: its header and
    /// the end of its index.
    func open() throws -> BenchResult {
        let path = "\(folder)/sealed"
        var options = LedgerOptions()
        // Every commit ends a segment.
        options.sealBytes = 1
        let environment = LedgerEnvironment.live(command: "cairn bench")
        let ledger = try Ledger.create(
            at: path, origin: "bench.example/sealed", keyFile: "\(folder)/sealed-key", environment: environment,
            options: options)
        let entries = min(LedgerBench.batchEvents, events / LedgerBench.sealedSegments)
        for segment in 0..<LedgerBench.sealedSegments {
            let start = segment * entries
            try ledger.append(
                (start..<start + entries).map { Append(BenchEvents.event($0)) }, actor: LocalActor.current())
        }
        try ledger.close()
        var opening = Double.infinity
        var first = Double.infinity
        var bare = Double.infinity
        for round in 0..<LedgerBench.rounds {
            bare = min(bare, try seconds { try readEnds(of: path) }.0)
            let (open, ledger) = try seconds {
                try Ledger.open(
                    at: path, access: .readWrite, environment: environment, keyFile: "\(folder)/sealed-key")
            }
            opening = min(opening, open)
            let event = Append(BenchEvents.event(LedgerBench.sealedSegments * entries + round))
            first = min(first, try seconds { try ledger.append([event], actor: LocalActor.current()) }.0)
            try ledger.close()
        }
        return BenchResult(
            name: "open for writing",
            amount: "\(LedgerBench.sealedSegments) sealed segments of \(entries) entries", measured: opening * 1000,
            unit: "ms", baselineName: "read header and index end of each", baseline: bare * 1000,
            ratio: opening / max(1e-9, bare), target: "none",
            note: "the first append after it takes \(rounded(first * 1000)) ms")
    }

    private func readEnds(of path: String) throws {
        for name in try disk.list("\(path)/segments") where name.hasSuffix(".segment") {
            let file = try disk.open("\(path)/segments/\(name)", .read)
            defer { file.close() }
            let size = try file.size()
            _ = try file.read(at: 0, count: 4096)
            _ = try file.read(at: size - min(size, 4096), count: 4096)
        }
    }

    // MARK: Verify

    /// `verify` beside inflating the same frames with zlib and hashing the same entries, on as many cores.
    func verify() throws -> BenchResult {
        let environment = LedgerEnvironment.live(command: "cairn bench")
        let baseline = try VerifyBaseline(segments: "\(folder)/ledger/segments", disk: disk)
        var verify = Double.infinity
        var bare = Double.infinity
        var report: VerifyReport?
        for _ in 0..<LedgerBench.rounds {
            bare = min(bare, seconds { baseline.run() }.0)
            let (time, found) = try seconds {
                try LedgerVerifier.verify(at: "\(folder)/ledger", environment: environment)
            }
            verify = min(verify, time)
            report = found
        }
        return BenchResult(
            name: "verify", amount: "\(report?.entries ?? 0) entries, \(report?.segments ?? 0) segments",
            measured: verify,
            unit: "s", baselineName: "zlib inflate and SHA-256 on all cores", baseline: bare,
            ratio: bare / max(1e-9, verify), target: ">= 0.8", note: "verdict \(report?.verdict.rawValue ?? "none")")
    }

    /// A rebuild beside a bare loop that stores position, type and data in one table.
    func rebuild(_ ledger: Ledger) throws -> BenchResult {
        try disk.createFolder("\(folder)/rebuild")
        let result = try RebuildBenchmark.measure(ledger, in: "\(folder)/rebuild")
        return BenchResult(
            name: "read-model rebuild",
            amount: "\(result.events) events of \(Int(result.meanDataBytes)) bytes of data",
            measured: result.rebuildEventsPerSecond, unit: "events/s", baselineName: "bare insert loop",
            baseline: result.insertLoopRowsPerSecond,
            ratio: result.rebuildEventsPerSecond / max(1e-9, result.insertLoopRowsPerSecond), target: "83,333 events/s",
            note: "reading the log alone takes \(rounded(result.readSeconds)) of \(rounded(result.rebuildSeconds)) s")
    }
}
