import ArgumentParser
import CairnBytes
import CairnLedger
import CairnReports
import CairnSim
import CairnWeb

struct BenchDropsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drops", abstract: "Measure how often the judge of drops is wrong, and how soon it is right.",
        discussion: """
            On made-up flow counters with a known truth: streams in which nothing happens, spikes, a third party's \
            firewall, troubles of both clusters, causes to attribute. Each target stands beside what was reached; exits \
            with 1 if one was missed.

            Examples:
              cairn bench drops
              cairn bench drops --streams 2400 -o md
              cairn bench drops --mawi mawi_170812_50_50.csv
            """)

    @Option(help: ArgumentHelp("How many streams in which nothing happens.", valueName: "n"))
    var streams: Int = 510

    @Option(help: ArgumentHelp("How many days of each.", valueName: "n"))
    var days: Int = 90

    @Option(help: ArgumentHelp("How many spikes, faults and causes of each kind.", valueName: "n"))
    var trials: Int = 200

    @Option(help: ArgumentHelp("Another seed is another truth.", valueName: "n"))
    var seed: UInt64 = 1

    @Option(
        help: ArgumentHelp(
            "Windows of a recorded link with labels: a CSV with the columns rSYN, packet_rate and nSYNatt.",
            valueName: "file"))
    var mawi: String?

    @OptionGroup var output: OutputArguments

    func run() throws {
        guard (1...100_000).contains(streams), (1...1000).contains(days), (25...100_000).contains(trials) else {
            throw CommandError(
                "cannot measure \(streams) streams of \(days) days and \(trials) trials: use up to 100,000 streams, 1,000 "
                    + "days, and 25 to 100,000 trials", status: ExitStatus.usage)
        }
        let bench = DropsQualityBench(streams: streams, days: days, trials: trials, seed: seed)
        var rows: [QualityResult] = []
        if let mawi {
            Terminal.progress("recorded link")
            rows += bench.recordedLink(try BenchDropsCommand.windows(mawi))
        }
        rows += try bench.all { Terminal.progress($0) }
        Terminal.endProgress()
        try output.print(QualityTable.make(rows))
        if rows.contains(where: { $0.isReached == false }) { throw ExitStatus.finding }
    }

    private static let fileBytesMax: UInt64 = 1 << 28

    private static func windows(_ path: String) throws -> [(syn: Double, attack: Double)] {
        let bytes = try RealDisk().open(path, .read).readAll(limit: fileBytesMax)
        guard let windows = DropsQualityBench.windows(QualityData.lines(of: bytes)) else {
            throw CommandError(
                "cannot find the columns rSYN, packet_rate and nSYNatt in \(path)",
                remedy: "unpack the file first if it ends in .gz", status: ExitStatus.data)
        }
        return windows
    }
}
