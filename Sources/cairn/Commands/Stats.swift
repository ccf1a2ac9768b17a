import ArgumentParser
import CairnBytes
import CairnLedger
import CairnReadModels
import CairnReports
import CairnWeb

struct StatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Sizes and ratios of a ledger.",
        discussion: """
            Example:
              cairn stats
            """)

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var output: OutputArguments

    /// Gaps told one by one on standard error.
    private static let gapsShownMax = 10

    func run() throws {
        let path = try ledger.path()
        let workspace = try Workspace.open(ledger, command: "stats")
        let disk = RealDisk()
        var segments: UInt64 = 0
        var attachments: UInt64 = 0
        for name in try disk.list("\(path)/segments") {
            let file = try disk.open("\(path)/segments/\(name)", .read)
            defer { file.close() }
            if name.hasSuffix(".segment") { segments += try file.size() }
            if name.hasSuffix(".attachments") { attachments += try file.size() }
        }
        var entryBytes: UInt64 = 0
        try workspace.ledger.forEachEntry(from: 0) { _, bytes in entryBytes += UInt64(bytes.count) }
        let readModel = Workspace.readModelPath(of: path)
        var readModelBytes: UInt64 = 0
        if try disk.kind(of: readModel) == .file {
            let file = try disk.open(readModel, .read)
            defer { file.close() }
            readModelBytes = try file.size()
        }
        let counts = try workspace.readModel.query(
            """
            SELECT (SELECT coalesce(sum(samples), 0) FROM sample_batches),
              (SELECT coalesce(sum(records), 0) FROM flow_files), (SELECT count(*) FROM series),
              (SELECT count(*) FROM sample_windows WHERE replaced_by IS NULL),
              (SELECT coalesce(sum(samples), 0) FROM sample_batches WHERE window IS NULL AND content = 'present')
            """)
        let found: [Int64] = (0..<5).map { counts.rows.first?[$0].integer ?? 0 }
        let entries = workspace.ledger.size
        let gaps = try workspace.readModel.sampleGaps()
        for gap in gaps.prefix(StatsCommand.gapsShownMax) { Terminal.note("missing: \(gap)") }
        if gaps.count > StatsCommand.gapsShownMax {
            Terminal.note("missing: \(gaps.count - StatsCommand.gapsShownMax) more; see the view sample_gaps")
        }
        let values: [(String, Table.Cell)] = [
            ("entries", .integer(entries)), ("entry_bytes", .integer(entryBytes)),
            ("segment_bytes", .integer(segments)),
            ("entry_ratio", segments == 0 ? .missing : .number(Double(entryBytes) / Double(segments))),
            ("attachment_bytes", .integer(attachments)), ("read_model_bytes", .integer(readModelBytes)),
            ("samples", .integer(found[0])), ("flow_records", .integer(found[1])), ("series", .integer(found[2])),
            ("sample_windows", .integer(found[3])), ("open_samples", .integer(found[4])),
            ("sample_gaps", .integer(gaps.count)),
        ]
        try output.print(
            Table(
                columns: values.map { Table.Column($0.0, decimals: $0.0 == "entry_ratio" ? 2 : nil) },
                rows: [values.map(\.1)]))
    }
}
