import ArgumentParser
import CairnBytes
import CairnLedger
import CairnReports
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
        let clock = SystemClock()
        var rows: [DropsQualityBench.Row] = []
        func step(_ name: String, _ body: () throws -> [DropsQualityBench.Row]) rethrows {
            Terminal.progress(name)
            rows += try body()
        }
        if let mawi {
            let windows = try BenchDropsCommand.windows(mawi)
            step("recorded link") { bench.recordedLink(windows) }
        }
        step("spikes") { bench.spikes() }
        try step("firewalls") { try bench.blackholes() }
        step("attribution") {
            bench.attribution() + [bench.attributionTime { Int64(clock.monotonicMicroseconds()) }]
        }
        step("quiet streams") { bench.falseAlarms() }
        Terminal.endProgress()
        let columns = [
            Table.Column("what"), Table.Column("amount"), Table.Column("reached", decimals: 3), Table.Column("unit"),
            Table.Column("target"), Table.Column("met"), Table.Column("note"),
        ]
        try output.print(
            Table(
                columns: columns,
                rows: rows.map { row in
                    [
                        .text(row.what), .text(row.amount), .number(row.reached), .text(row.unit), .text(row.target),
                        .text(row.isMet ? "yes" : "no"), .text(row.note),
                    ]
                }))
        if rows.contains(where: { !$0.isMet }) { throw ExitStatus.finding }
    }

    /// A window of the recorded link lasts so long.
    private static let windowSeconds = 50.0
    private static let fileBytesMax: UInt64 = 1 << 28

    /// SYN packets and attacking flows of each window; windows without numbers are left out.
    private static func windows(_ path: String) throws -> [(syn: Double, attack: Double)] {
        let text = String(decoding: try RealDisk().open(path, .read).readAll(limit: fileBytesMax), as: UTF8.self)
        let lines = text.split(whereSeparator: \.isNewline)
        let names = (lines.first ?? "").split(separator: ",", omittingEmptySubsequences: false)
        guard let rate = names.firstIndex(of: "rSYN"), let packets = names.firstIndex(of: "packet_rate"),
            let attacks = names.firstIndex(of: "nSYNatt")
        else {
            throw CommandError(
                "cannot find the columns rSYN, packet_rate and nSYNatt in \(path)",
                remedy: "unpack the file first if it ends in .gz", status: ExitStatus.data)
        }
        return lines.dropFirst().compactMap { line in
            let cells = line.split(separator: ",", omittingEmptySubsequences: false)
            guard cells.count == names.count, let rate = Double(cells[rate]), let packets = Double(cells[packets]),
                let attack = Double(cells[attacks])
            else { return nil }
            return ((rate * packets * windowSeconds).rounded(), attack)
        }
    }
}
