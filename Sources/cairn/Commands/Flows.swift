import ArgumentParser
import CairnBytes
import CairnFlowLogs
import CairnLedger
import CairnRecorder
import CairnWeb

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

struct FlowsCommand: AsyncParsableCommand {
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

    @OptionGroup var output: OutputArguments

    func run() async throws {
        let query: FlowQuery
        do { query = try FlowQuery(by: by, where: condition) } catch {
            throw CommandError("\(error)", status: ExitStatus.usage)
        }
        if let top, top < 1 { throw CommandError("cannot show the top \(top) rows", status: ExitStatus.usage) }
        let format = try flowFormat()
        var inputs: [FlowFileInput] = []
        for path in paths {
            for file in try InputFiles.find([path], disk: RealDisk(), accepts: FlowsCommand.isFlowLog) {
                inputs.append(input(file.path, below: path))
            }
        }
        guard !inputs.isEmpty else {
            throw CommandError("cannot find a flow log in \(paths.joined(separator: ", "))", status: ExitStatus.data)
        }
        let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let result = await FlowAggregation.run(query, over: inputs, format: format, workers: cores)
        for failure in result.failures { Terminal.note("cannot read all of \(failure.file): \(failure.reason)") }
        for (file, reject) in result.rejects.prefix(5) { Terminal.note("set aside: \(file), \(reject)") }
        if result.rejectCount > 0 { Terminal.note("\(result.rejectCount) lines were set aside") }
        let rows = result.aggregation.rows(top: top)
        try print(rows, query)
        if rows.isEmpty, !result.failures.isEmpty { throw ExitStatus.inputOutput }
    }

    private func flowFormat() throws -> FlowLogFormat? {
        guard let fieldOrder else { return nil }
        do { return try FlowLogFormat(configured: fieldOrder) } catch {
            throw CommandError("cannot use --format: \(error)", status: ExitStatus.usage)
        }
    }

    private static func isFlowLog(_ name: String) -> Bool {
        let name = name.lowercased()
        let plain = name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
        return [".log", ".txt", ".jsonl", ".parquet"].contains { plain.hasSuffix($0) }
    }

    private func input(_ path: String, below folder: String) -> FlowFileInput {
        var name = cluster
        if name == nil, path.hasPrefix(folder), path != folder {
            name = path.dropFirst(folder.count).split(separator: "/").dropLast().first.map(String.init)
        }
        return FlowFileInput(name: path, cluster: name ?? "-") { take in
            let handle = try RealDisk().open(path, .read)
            defer { handle.close() }
            var offset: UInt64 = 0
            while true {
                let piece = try handle.read(at: offset, count: 1 << 20)
                if piece.isEmpty { return }
                offset += UInt64(piece.count)
                try take(piece)
            }
        }
    }

    private func print(_ rows: [FlowAggregation.Row], _ query: FlowQuery) throws {
        if output.format == .csv { return try printCSV(rows, query) }
        let columns =
            query.columns.map { Table.Column($0.description) } + FlowAggregation.sumNames.map { Table.Column($0) }
        let table = Table(
            columns: columns,
            rows: rows.map { row in
                let key: [Table.Cell] = zip(query.columns, row.key).map { column, text in
                    text == "-"
                        ? .missing : column.isNumber ? Int64(text).map { .integer($0) } ?? .text(text) : .text(text)
                }
                let sums = row.sums
                return key + [sums.flows, sums.rejects, sums.synOnly, sums.packets, sums.bytes].map { .integer($0) }
            })
        try output.print(table)
    }

    /// Rows by the million are written as they come, without a table of cells in between.
    private func printCSV(_ rows: [FlowAggregation.Row], _ query: FlowQuery) throws {
        var bytes: [UInt8] = []
        let names = query.columns.map(\.description) + FlowAggregation.sumNames
        bytes.append(contentsOf: names.joined(separator: ",").utf8)
        bytes.append(UInt8(ascii: "\n"))
        for row in rows {
            for key in row.key {
                let isPlain = !key.utf8.contains { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 < 0x20 }
                let text = key == "-" ? "" : isPlain ? key : "\"\(key.replacing("\"", with: "\"\""))\""
                bytes.append(contentsOf: text.utf8)
                bytes.append(UInt8(ascii: ","))
            }
            let sums = row.sums
            let line = "\(sums.flows),\(sums.rejects),\(sums.synOnly),\(sums.packets),\(sums.bytes)\n"
            bytes.append(contentsOf: line.utf8)
            if bytes.count >= 1 << 20 {
                try Terminal.write(bytes)
                bytes.removeAll(keepingCapacity: true)
            }
        }
        try Terminal.write(bytes)
    }
}
