import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import Crypto
import Dispatch

/// Measures the log beside what the machine can do at best, in the same run.
struct LedgerBench {
    let folder: String
    let events: Int
    let clock = SystemClock()
    let disk = RealDisk()

    private static let batchEvents = 500

    private func seconds<Result>(_ body: () throws -> Result) rethrows -> (Double, Result) {
        let start = clock.monotonicMicroseconds()
        let result = try body()
        return (Double(clock.monotonicMicroseconds() - start) / 1e6, result)
    }

    /// Appends batches, each synced, and between two of them writes and syncs as many bytes to a plain file: the same
    /// sequence of syncs without a log around it.
    func append() throws -> (Ledger, [BenchResult]) {
        let ledger = try Ledger.create(
            at: "\(folder)/ledger", origin: "bench.example/ledger", keyFile: "\(folder)/key",
            environment: .live(command: "cairn bench"))
        let actor = LocalActor.current()
        let plain = try disk.open("\(folder)/plain", .readWriteCreate(permissions: DiskOpenMode.ledgerPermissions))
        defer { plain.close() }
        var appends: [Double] = []
        var syncs: [Double] = []
        var offset: UInt64 = 0
        var number = 0
        let block = [UInt8](repeating: 0x5A, count: LedgerBench.batchEvents * 120)
        while number < events {
            let batch = (number..<min(events, number + LedgerBench.batchEvents)).map { Append(BenchEvents.event($0)) }
            appends.append(try seconds { try ledger.append(batch, actor: actor) }.0)
            number += batch.count
            let (sync, _) = try seconds {
                try plain.writeAll(block, at: offset)
                try plain.sync()
            }
            offset += UInt64(block.count)
            syncs.append(sync)
        }
        let total = appends.reduce(0, +)
        let rate = Double(events) / total
        let results = [
            BenchResult(
                name: "append, synced", amount: "\(events) events in batches of \(LedgerBench.batchEvents)",
                measured: rate, unit: "events/s", baselineName: "target", baseline: 20_000, ratio: rate / 20_000,
                target: ">= 1", note: "Tessera POSIX publishes 2,900-10,000 a second"),
            BenchResult(
                name: "append, p99 of a batch", amount: "\(appends.count) batches",
                measured: percentile(appends, 0.99) * 1000, unit: "ms", baselineName: "write and sync, p99",
                baseline: percentile(syncs, 0.99) * 1000,
                ratio: percentile(appends, 0.99) / max(1e-9, percentile(syncs, 0.99)), target: "<= 3",
                note:
                    "medians \(rounded(percentile(appends, 0.5) * 1000)) and \(rounded(percentile(syncs, 0.5) * 1000)) ms"
            ),
        ]
        return (ledger, results)
    }

    private func rounded(_ value: Double) -> String { CanonicalJSON.text(of: (value * 100).rounded() / 100) }

    /// `verify` beside inflating the same frames and hashing the same entries, which no verifier can do without.
    func verify() throws -> BenchResult {
        let environment = LedgerEnvironment.live(command: "cairn bench")
        let (verify, report) = try seconds {
            try LedgerVerifier.verify(at: "\(folder)/ledger", environment: environment)
        }
        let names = try disk.list("\(folder)/ledger/segments").filter { $0.hasSuffix(".segment") }.sorted()
        var files: [[UInt8]] = []
        for name in names {
            let file = try disk.open("\(folder)/ledger/segments/\(name)", .read)
            files.append(try file.readAll(limit: 1 << 30))
            file.close()
        }
        let contents = files
        let (bare, _) = seconds {
            DispatchQueue.concurrentPerform(iterations: contents.count) { index in
                LedgerBench.inflateAndHash(contents[index])
            }
        }
        return BenchResult(
            name: "verify", amount: "\(report.entries) entries, \(report.segments) segments", measured: verify,
            unit: "s", baselineName: "inflate and SHA-256", baseline: bare, ratio: bare / max(1e-9, verify),
            target: ">= 0.8", note: "verdict \(report.verdict.rawValue)")
    }

    /// Walks the frames of a segment as FORMAT.md draws them.
    private static func inflateAndHash(_ bytes: [UInt8]) {
        func integer(_ offset: Int, _ size: Int) -> Int {
            (0..<size).reversed().reduce(0) { $0 << 8 | Int(bytes[offset + $1]) }
        }
        let header = integer(12, 4)
        let dictionaryStart = 92 + integer(84, 2) + integer(86, 2)
        let dictionary = Array(bytes[dictionaryStart..<dictionaryStart + integer(88, 4)])
        var offset = header
        while offset + 80 <= bytes.count {
            let stored = integer(offset + 28, 4)
            let raw = integer(offset + 32, 4)
            let body = Array(bytes[offset + 76..<offset + 76 + stored])
            let isPlain = bytes[offset + 10] & 8 != 0
            if bytes[offset + 9] == 1,
                let payload = isPlain ? body : try? Inflate.decompress(body, dictionary: dictionary, limit: raw)
            {
                var entry = 0
                while entry + 2 <= payload.count {
                    let length = Int(payload[entry]) << 8 | Int(payload[entry + 1])
                    var hash = SHA256()
                    hash.update(data: [0])
                    hash.update(data: payload[entry + 2..<entry + 2 + length])
                    _ = hash.finalize()
                    entry += 2 + length
                }
            }
            offset += 80 + stored
        }
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
