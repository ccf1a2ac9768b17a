import ArgumentParser
import CairnBytes
import CairnLedger
import CairnReports
import CairnSeries
import CairnWeb

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure this machine: the log beside its baselines, in one run.",
        discussion: """
            Works in a new folder and removes it. Build a release first; tools/bench also measures `import flow-logs` beside \
            other programs.

            Examples:
              cairn bench
              cairn bench --events 1000000 --folder /mnt/ssd -o md
              cairn bench --samples 100000000 --series 100000
              cairn bench drops --streams 2400
              cairn bench quality
            """, subcommands: [BenchDropsCommand.self, BenchQualityCommand.self])

    @Option(help: ArgumentHelp("How many events.", valueName: "n"))
    var events: Int = 200_000

    @Option(help: ArgumentHelp("Where to make the folder: the disk that is measured.", valueName: "dir"))
    var folder: String = "."

    @Option(
        help: ArgumentHelp("How many samples are recorded and then opened; 0 leaves samples out.", valueName: "n"))
    var samples: Int = 0

    @Option(help: ArgumentHelp("In how many series.", valueName: "n"))
    var series: Int = 100_000

    @Option(
        help: ArgumentHelp(
            "Instead: how good the analyzer is on the public data sets in this folder.", valueName: "dir"))
    var qualityData: String?

    @OptionGroup var output: OutputArguments

    func run() throws {
        if let qualityData { return try output.print(QualityTable.make(try QualityBench.run(qualityData))) }
        guard events >= 1000, events <= 100_000_000 else {
            throw CommandError("cannot measure \(events) events: use 1,000 to 100 million", status: ExitStatus.usage)
        }
        guard samples >= 0, samples <= 1_000_000_000, series >= 1, series <= SampleWindow.seriesMax else {
            throw CommandError(
                "cannot measure \(samples) samples in \(series) series: use up to a billion in up to "
                    + "\(SampleWindow.seriesMax)", status: ExitStatus.usage)
        }
        let disk = RealDisk()
        let suffix = Hex.string(SystemRandom().bytes(count: 4))
        let place = "\(folder)/cairn-bench-\(suffix)"
        try disk.createFolder(place)
        defer { BenchCommand.remove(place, disk) }
        let bench = LedgerBench(folder: place, events: events)
        Terminal.progress("append")
        var results: [BenchResult] = []
        if samples > 0 {
            let store = SampleOpenBench(
                folder: place, series: series, samplesPerSeries: max(1, samples / max(1, series)), seed: 1)
            results = try SampleAppendBench(folder: place, seed: 1).run(samples: samples) + store.run()
        }
        let (ledger, appended) = try bench.append()
        results += appended
        Terminal.progress("rebuild")
        results.append(try bench.rebuild(ledger))
        try ledger.close()
        Terminal.progress("open")
        results.append(try bench.open())
        Terminal.progress("verify")
        results.append(try bench.verify())
        Terminal.endProgress()
        let columns = [
            Table.Column("what"), Table.Column("amount"), Table.Column("measured", decimals: 2), Table.Column("unit"),
            Table.Column("baseline"), Table.Column("baseline_value", decimals: 2), Table.Column("ratio", decimals: 2),
            Table.Column("aimed_at"), Table.Column("note"),
        ]
        let rows: [[Table.Cell]] = results.map { result in
            [
                .text(result.name), .text(result.amount), .number(result.measured), .text(result.unit),
                .text(result.baselineName), .number(result.baseline), .number(result.ratio), .text(result.target),
                .text(result.note),
            ]
        }
        try output.print(Table(columns: columns, rows: rows))
    }

    /// Removes a folder that this command made.
    private static func remove(_ folder: String, _ disk: RealDisk) {
        for name in (try? disk.list(folder)) ?? [] {
            let path = "\(folder)/\(name)"
            if (try? disk.kind(of: path)) == .folder { remove(path, disk) } else { try? disk.remove(path) }
        }
        _ = unsafe rmdir(folder)
    }
}
