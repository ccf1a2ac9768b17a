import ArgumentParser
import CairnAnalyzer
import CairnBytes
import CairnLedger
import CairnRecorder
import CairnReports
import CairnWeb

struct DropsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drops", abstract: "Find traffic that was dropped, from VPC flow logs.",
        discussion: """
            A third party's firewall never writes a REJECT into our flow logs: connections that go out and are never \
            answered count as much. Attempts of strangers are counted and are no finding. Exits with 1 if anything \
            deviates in one cluster only.

            Examples:
              cairn drops
              cairn drops --source self-managed --target eks --since -6h -o json
            """)

    @Option(
        help: ArgumentHelp("The cluster that is left (default: of the ledger's one migration).", valueName: "cluster"))
    var source: String?

    @Option(help: ArgumentHelp("The cluster that is moved to.", valueName: "cluster"))
    var target: String?

    @Option(
        help: ArgumentHelp(
            "How long a minute waits for an interface that is behind: 12 for files from S3, 6 from CloudWatch Logs.",
            valueName: "minutes"))
    var watermark: Int = 12

    @OptionGroup var range: RangeArguments
    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var moment: MomentArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        guard (0...1440).contains(watermark) else {
            throw CommandError(
                "cannot wait \(watermark) minutes for late files: use 0 to 1440", status: ExitStatus.usage)
        }
        let workspace = try Workspace.open(ledger, command: "drops", moment: moment)
        let now = try moment.clock(in: workspace.ledger)
        let (since, until) = try range.range(now: now)
        let pair = try ClusterPair.named(source: source, target: target, in: workspace.readModel)
        let request = DropsRequest(
            source: pair?.source, target: pair?.target, since: since?.minute, until: until?.minute)
        var policy = DropsPolicy.standard
        policy.watermarkMinutes = Int64(watermark)
        let report = try DropsAnalyzer.report(on: workspace.readModel, for: request, policy: policy)
        guard !report.minutes.isEmpty else {
            throw CommandError(
                "cannot find flow counters of these clusters in this time",
                remedy: "import some: cairn import flow-logs PATH --cluster NAME", status: ExitStatus.data)
        }
        let words = try FindingWords(workspace, now: now)
        try output.print(DropsAnswer.table(report, words))
        if report.findings.contains(where: { $0.side != .both && words.counts($0.id) }) { throw ExitStatus.finding }
    }
}
