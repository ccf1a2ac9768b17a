import ArgumentParser
import CairnBytes
import CairnFlowLogs
import CairnLedger
import CairnRecorder
import CairnReports
import CairnWeb

struct FlowsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flows", abstract: "Aggregate flow-log files by any fields; no ledger needed.",
        discussion: """
            The fields are those of VPC flow logs by their AWS names, and cluster (the first folder below PATH, unless \
            --cluster names it) and minute (since 1970). After the key come flows, rejects, syn_only, packets and bytes.

            Examples:
              cairn flows ./flow-logs --by cluster,minute,dstaddr,dstport --top 20
              cairn flows ./flow-logs --by dstaddr -o csv \\
                --where "action = REJECT and dstport in (443, 8443)"
            """)

    @Argument(help: ArgumentHelp("Files or folders.", valueName: "path"))
    var paths: [String]

    @Option(help: ArgumentHelp("The fields of the key, separated by commas.", valueName: "fields"))
    var by: String

    @Option(name: .customLong("where"), help: ArgumentHelp("Only records that fit.", valueName: "condition"))
    var condition: String?

    @Option(help: ArgumentHelp("Only the rows with the most flows.", valueName: "n"))
    var top: Int?

    @Option(help: ArgumentHelp("The cluster of all files.", valueName: "name"))
    var cluster: String?

    @Option(
        name: .customLong("format"),
        help: ArgumentHelp("The order of the fields where there is no header line.", valueName: "fields"))
    var fieldOrder: String?

    @Flag(help: "No progress on the terminal.")
    var quiet = false

    @OptionGroup var output: OutputArguments

    func run() throws {
        let query: FlowQuery
        do { query = try FlowQuery(by: by, where: condition) } catch {
            throw CommandError("\(error)", status: ExitStatus.usage)
        }
        if let top, top < 1 { throw CommandError("cannot show the top \(top) rows", status: ExitStatus.usage) }
        let format = try flowFormat()
        let inputs = try findInputs()
        let workers = Cores.count
        let progress = ProgressLine(isQuiet: quiet)
        let result = FlowAggregation.run(query, over: inputs, format: format, workers: workers) { progress.show($0) }
        progress.end()
        try tell(result, fileCount: inputs.count)
        try print(result.rows, query, workers: workers)
        if result.counts.records == 0, !result.failures.isEmpty { throw ExitStatus.inputOutput }
    }

    private func flowFormat() throws -> FlowLogFormat? {
        guard let fieldOrder else { return nil }
        do { return try FlowLogFormat(configured: fieldOrder) } catch {
            throw CommandError("cannot use --format: \(error)", status: ExitStatus.usage)
        }
    }

    // MARK: Files

    private func findInputs() throws -> [FlowFileInput] {
        let inputs = try InputFiles.find(paths, disk: RealDisk(), accepts: FlowsCommand.isFlowLog).map(input)
        guard !inputs.isEmpty else {
            throw CommandError("cannot find a flow log in \(paths.joined(separator: ", "))", status: ExitStatus.data)
        }
        return inputs
    }

    private static func isFlowLog(_ name: String) -> Bool {
        let name = name.lowercased()
        let plain = name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
        return [".log", ".txt", ".jsonl", ".parquet"].contains { plain.hasSuffix($0) }
    }

    /// Bytes of a file read at once.
    private static let pieceBytes = 1 << 20

    private func input(_ file: InputFile) -> FlowFileInput {
        let path = file.path
        let name = cluster ?? file.firstFolder ?? "-"
        return FlowFileInput(name: path, cluster: name, bytes: Int(clamping: file.bytes)) { take in
            let handle = try RealDisk().open(path, .read)
            defer { handle.close() }
            var offset: UInt64 = 0
            while true {
                let piece = try handle.read(at: offset, count: FlowsCommand.pieceBytes)
                if piece.isEmpty { return }
                offset += UInt64(piece.count)
                try take(piece)
            }
        }
    }

    // MARK: What was read

    /// Says what was not counted, and refuses where nothing was or where it would be wrong.
    private func tell(_ result: FlowAggregationResult, fileCount: Int) throws {
        if let first = result.parquetFiles.first {
            let files = result.parquetFiles.count == 1 ? first : "\(first) and \(result.parquetFiles.count - 1) more"
            let error = CommandError("\(files): \(FlowLogError.parquet)", status: ExitStatus.data)
            if result.parquetFiles.count == fileCount { throw error }
            Terminal.note("left out: \(error)")
        }
        for failure in result.failures { Terminal.note("cannot read all of \(failure.file): \(failure.reason)") }
        for (file, reject) in result.rejects.prefix(5) { Terminal.note("set aside: \(file), \(reject)") }
        if result.counts.rejects > 0 { Terminal.note("\(result.counts.rejects) lines were set aside") }
        if result.hasTooManyGroups {
            throw CommandError(
                "cannot hold so many groups", remedy: "group by fewer fields, or narrow what is counted with --where",
                status: ExitStatus.data)
        }
    }

    // MARK: Output

    private func print(_ rows: FlowGroupRows, _ query: FlowQuery, workers: Int) throws {
        let style: FlowRowStyle
        switch output.format {
        case .csv: style = .csv(query)
        case .json: style = .json(query)
        case .table: style = .terminal(query, rows: rows, top: top, workers: workers)
        case .md: style = .markdown(query, rows: rows, top: top, workers: workers)
        case .html: return try printPage(rows, query)
        }
        try unsafe rows.write(style, top: top, workers: workers) { bytes in try unsafe Terminal.write(bytes) }
    }

    /// A page is for people, and no browser shows rows by the million.
    private func printPage(_ rows: FlowGroupRows, _ query: FlowQuery) throws {
        let columns = FlowRowStyle.names(of: query).map { Table.Column($0) }
        let table = Table(
            columns: columns,
            rows: rows.values(top: top).map { row in
                let key: [Table.Cell] = zip(query.columns, row.key).map { column, text in
                    text == "-"
                        ? .missing : column.isNumber ? Int64(text).map { .integer($0) } ?? .text(text) : .text(text)
                }
                let sums = row.sums
                return key + [sums.flows, sums.rejects, sums.synOnly, sums.packets, sums.bytes].map { .integer($0) }
            })
        try output.print(table)
    }
}
