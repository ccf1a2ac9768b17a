import ArgumentParser
import CairnReports
import CairnSim
import CairnWeb

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// `cairn bench quality`: how often verdicts are wrong, how late they are right, and what they cost; with `--complete` every
/// target of the analyzer in one table.
struct BenchQualityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quality", abstract: "Judge simulated clusters whose truth is known, beside each target.",
        discussion: """
            Everything comes from the seed. It takes about two minutes; with --metrics 1000 five. --complete adds what \
            `bench drops` measures, and --data the public data sets: one table of every target, met or missed. Exits with 1 \
            if one was missed.

            Examples:
              cairn bench quality
              cairn bench quality --seed 7 --metrics 1000 -o md
              cairn bench quality --complete --data data -o md
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

    @Option(help: ArgumentHelp("Applications of the replay from samples to verdicts.", valueName: "n"))
    var replayApplications: Int = 160

    @Option(help: ArgumentHelp("For how long they are replayed.", valueName: "days"))
    var replayDays: Int = 3

    @Flag(help: "Also what `bench drops` measures.")
    var complete = false

    @Option(help: ArgumentHelp("Streams without a drop, with --complete.", valueName: "n"))
    var streams: Int = 2400

    @Option(help: ArgumentHelp("Also the public data sets in this folder.", valueName: "dir"))
    var data: String?

    @OptionGroup var output: OutputArguments

    func run() throws {
        let sizes = [
            metrics, days, applications, hours - 13, runs, replayApplications, replayDays, streams,
        ]
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
        bench.replayApplications = replayApplications
        bench.replayDays = replayDays
        var results: [QualityResult] = []
        Terminal.progress("cost")
        results += bench.cost(seconds: BenchQualityCommand.processorSeconds)
        Terminal.progress("replay")
        results += try bench.replay(seconds: BenchQualityCommand.processorSeconds)
        results += try bench.reportedCases()
        Terminal.progress("delays")
        results += bench.delays()
        Terminal.progress("equivalence")
        results += bench.equivalence()
        Terminal.progress("fleet")
        results += bench.fleet()
        Terminal.progress("healthy clusters")
        results += bench.healthy()
        if complete {
            results += try DropsQualityBench(streams: streams, seed: seed).all { Terminal.progress($0) }
        }
        if let data { results += try QualityBench.run(data) }
        Terminal.endProgress()
        try output.print(QualityTable.make(results))
        if results.contains(where: { $0.isReached == false }) { throw ExitStatus.finding }
    }

    /// Processor time of this thread: the machine may be busy with other things.
    private static func processorSeconds() -> Double {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
