import ArgumentParser
import CairnBytes
import CairnFlowLogs
import CairnIngest
import CairnLedger
import CairnRecorder
import CairnReports
import CairnWeb

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Import files into the ledger.",
        discussion: """
            FORMAT is one of: events (CloudEvents JSON), eventbridge, velero, k8s-events, k8s-objects (kubectl get -o \
            json), prometheus (text with timestamps), csv, flow-logs. Files may be plain or gzip; folders are searched. The same file twice adds \
            nothing. A record that cannot be used is named by file and line and set aside; the rest goes on.

            Flow logs are of the cluster that --cluster or --cluster-map says, else of the first folder below PATH; \
            folders of AWS's own layout (AWSLogs and below, accounts, dates) name none.

            Examples:
              cairn import flow-logs ./AWSLogs --cluster eks --analyze
              cairn import prometheus metrics.prom --cluster self-managed
              cairn import csv lag.csv --metric kafka_lag --label app=billing \\
                --time-column ts --value-column lag
              cairn import eventbridge events.jsonl
              cairn import velero restore.yaml --cluster eks
              cairn import events runs.jsonl --playbook database-failover.yaml
            """)

    @Argument(help: ArgumentHelp("The format of the files.", valueName: "format"))
    var formatName: String

    @Argument(help: ArgumentHelp("Files or folders.", valueName: "path"))
    var paths: [String]

    @Option(help: ArgumentHelp("The cluster that the files tell of.", valueName: "name"))
    var cluster: String?

    @Option(
        help: ArgumentHelp("Flow logs: which subnet, interface, tag or prefix is which cluster.", valueName: "file"))
    var clusterMap: String?

    @Option(
        name: [.customShort("l"), .customLong("label")],
        help: ArgumentHelp("A label for every sample.", valueName: "name=value"))
    var labels: [String] = []

    @Option(
        name: .customLong("format"),
        help: ArgumentHelp("Flow logs without a header line: the order of the fields.", valueName: "fields"))
    var fieldOrder: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The time of records that have none: \(TimeArgument.help).", valueName: "time"))
    var defaultTime: TimeArgument?

    @Option(help: ArgumentHelp("CSV: the metric's name.", valueName: "name"))
    var metric: String?

    @Option(help: ArgumentHelp("CSV: the column with the time.", valueName: "name"))
    var timeColumn: String?

    @Option(help: ArgumentHelp("CSV: a column with values.", valueName: "name"))
    var valueColumn: [String] = []

    @Option(
        help: ArgumentHelp("Events: a playbook that plans in them name, YAML or JSON; repeatable.", valueName: "file"))
    var playbook: [String] = []

    @Option(help: ArgumentHelp("For whom; Cairn records it and does not check it.", valueName: "name"))
    var actor: String?

    @Flag(help: "Judge the data after the import and record what is found.")
    var analyze = false

    @Option(
        help: ArgumentHelp("With --analyze: the old cluster (default: the ledger's one migration).", valueName: "name"))
    var source: String?

    @Option(help: ArgumentHelp("With --analyze: the new cluster.", valueName: "name"))
    var target: String?

    @Flag(help: "Exit with 65 if any record was set aside.")
    var strict = false

    @Flag(help: "Flow logs: count what can be read of a damaged file. A whole copy later would be counted again.")
    var salvage = false

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var key: KeyArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        guard let format = ImportRequest.Format(name: formatName) else {
            throw CommandError(
                "cannot import the format \(formatName)",
                remedy: "use one of \(ImportRequest.Format.names.joined(separator: ", "))", status: ExitStatus.usage)
        }
        var request = ImportRequest(
            format: format, paths: paths, cluster: cluster, labels: try labelValues(),
            csv: CSVOptions(metric: metric, timeColumn: timeColumn, valueColumns: valueColumn),
            actor: LocalActor.current(), onBehalfOf: actor)
        request.salvagesDamaged = salvage
        request.defaultTime = defaultTime?.moment(now: SystemClock().now())
        if let clusterMap { try read(clusterMap, into: &request) }
        if let fieldOrder { request.flowLogFormat = try flowFormat(fieldOrder) }
        let playbooks = try playbook.map { try PlaybookFile(at: $0, disk: RealDisk()) }
        let path = try ledger.path()
        let log = try ledger.openToWrite(command: "import \(formatName)", key: key)
        let registrar = PlaybookRegistrar(ledger: log, actor: LocalActor.current(), clock: SystemClock())
        for file in playbooks { try registrar.register(file, onBehalfOf: actor).map(PlaybookNote.tell) }
        let importer = Importer(
            ledger: log, ledgerPath: path, disk: RealDisk(), clock: SystemClock(), threads: Cores.count)
        let progress = ProgressLine()
        let follower = ReadModelFollower(ledger: log, path: path)
        let summary = try importer.run(request, progress: { progress.show($0) }, appended: follower.follow)
        follower.finish()
        progress.end()
        try show(summary)
        if analyze { try AnalyzeStep.run(log, path: path, actor: LocalActor.current(), source: source, target: target) }
        try log.close()
        if summary.accepted + summary.duplicates + summary.knownFiles == 0 {
            throw CommandError(
                "cannot find a usable record of the format \(formatName) in \(paths.joined(separator: ", "))",
                remedy: summary.failures.isEmpty ? "check the format and the path" : nil, status: ExitStatus.data)
        }
        if !summary.failures.isEmpty { throw ExitStatus.inputOutput }
        if strict, summary.rejected > 0 { throw ExitStatus.data }
    }

    private func labelValues() throws -> [String: String] {
        var values: [String: String] = [:]
        for label in labels {
            guard let mark = label.firstIndex(of: "="), mark > label.startIndex else {
                throw CommandError(
                    "cannot read the label \(label)", remedy: "write it as name=value", status: ExitStatus.usage)
            }
            values[String(label[..<mark])] = String(label[label.index(after: mark)...])
        }
        return values
    }

    private func flowFormat(_ text: String) throws -> FlowLogFormat {
        do { return try FlowLogFormat(configured: text) } catch {
            throw CommandError("cannot use --format: \(error)", status: ExitStatus.usage)
        }
    }

    /// Largest cluster map read: a million rules of 64 bytes.
    private static let clusterMapBytesMax: UInt64 = 64 << 20

    private func read(_ file: String, into request: inout ImportRequest) throws {
        let handle = try RealDisk().open(file, .read)
        defer { handle.close() }
        let bytes = try handle.readAll(limit: ImportCommand.clusterMapBytesMax)
        do { request.clusterMap = try ClusterMap(bytes) } catch {
            throw CommandError("\(error) (\(file))", status: ExitStatus.data)
        }
        request.clusterMapDigest = Digests.sha256(bytes)
    }

    private func show(_ summary: ImportSummary) throws {
        for reject in summary.firstRejects { Terminal.note("set aside: \(reject)") }
        if let file = summary.rejectsFile {
            Terminal.note("\(summary.rejected) records were set aside; \(file) says which and why")
        }
        if cluster == nil, clusterMap == nil, !summary.clusters.isEmpty {
            Terminal.note("clusters, by the folders: \(summary.clusters.sorted().joined(separator: ", "))")
            if summary.clusters.contains(FlowPlace.unassignedCluster) {
                Terminal.note("note: unassigned records belong to no cluster: --cluster or --cluster-map names it")
            }
        }
        for note in summary.notes { Terminal.note("note: \(note)") }
        for failure in summary.failures { Terminal.note(failure) }
        try output.print(
            Table(
                columns: [
                    Table.Column("format"), Table.Column("files"), Table.Column("known_files"),
                    Table.Column("accepted"),
                    Table.Column("duplicates"), Table.Column("rejected"), Table.Column("violations"),
                ],
                rows: [
                    [
                        .text(summary.format), .integer(summary.files), .integer(summary.knownFiles),
                        .integer(summary.accepted), .integer(summary.duplicates), .integer(summary.rejected),
                        .integer(summary.violations),
                    ]
                ]))
    }
}
