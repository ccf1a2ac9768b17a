import ArgumentParser
import CairnReports
import CairnSim
import CairnWeb

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// `cairn bench quality`: how often verdicts on two clusters are wrong, how late they are right, and what they cost.
struct BenchQualityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quality", abstract: "Judge simulated clusters whose truth is known, beside each target.",
        discussion: """
            Everything comes from the seed. It takes about a minute and a half; with --metrics 1000 five.

            Examples:
              cairn bench quality
              cairn bench quality --seed 7 --metrics 1000 -o md
            """)

    @Option(help: ArgumentHelp("Where all simulated noise comes from.", valueName: "n"))
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Healthy metrics of each kind of noise.", valueName: "n"))
    var metrics: Int = 200

    @Option(help: ArgumentHelp("For how long each is watched.", valueName: "days"))
    var days: Int = 30

    @Option(help: ArgumentHelp("Applications of the fleet; one of forty is faulty.", valueName: "n"))
    var applications: Int = 1600

    @Option(help: ArgumentHelp("For how long the fleet is watched.", valueName: "hours"))
    var hours: Int = 72

    @Option(help: ArgumentHelp("Runs behind each median delay.", valueName: "n"))
    var runs: Int = 101

    @OptionGroup var output: OutputArguments

    func run() throws {
        let sizes = [metrics, days, applications, hours - 13, runs]
        guard sizes.allSatisfy({ (1...1_000_000).contains($0) }) else {
            throw CommandError(
                "cannot measure that: a fleet is watched for at least 14 hours, and of everything else there is at least one",
                status: ExitStatus.usage)
        }
        var bench = VerdictBench(seed: seed)
        bench.healthyMetrics = metrics
        bench.healthyDays = days
        bench.applications = applications
        bench.fleetHours = hours
        bench.delayRuns = runs
        bench.costMinutes = min(60, runs)
        var results: [VerdictResult] = []
        Terminal.progress("cost")
        results += bench.cost(seconds: BenchQualityCommand.processorSeconds)
        Terminal.progress("delays")
        results += bench.delays()
        Terminal.progress("equivalence")
        results += bench.equivalence()
        Terminal.progress("fleet")
        results += bench.fleet()
        Terminal.progress("healthy clusters")
        results += bench.healthy()
        Terminal.endProgress()
        let columns = [
            Table.Column("what"), Table.Column("amount"), Table.Column("measured", decimals: 2), Table.Column("unit"),
            Table.Column("aimed_at"), Table.Column("reached"), Table.Column("note"),
        ]
        let rows: [[Table.Cell]] = results.map { result in
            [
                .text(result.name), .text(result.amount), .number(result.measured), .text(result.unit),
                .text(result.target), .text(result.isReached ? "yes" : "no"), .text(result.note),
            ]
        }
        try output.print(Table(columns: columns, rows: rows))
    }

    /// Processor time of this thread: the machine may be busy with other things.
    private static func processorSeconds() -> Double {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
