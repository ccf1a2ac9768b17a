package import CairnLedger
internal import CairnReadModels
internal import CairnWeb

/// Sizes and ratios of a ledger.
package enum StatsAnswer {
    /// Gaps told one by one.
    private static let gapsShownMax = 10

    /// Reads every entry once, for its length.
    package static func answer(_ workspace: Workspace, disk: any Disk) throws -> Answered {
        let path = workspace.path
        var segments: UInt64 = 0
        var attachments: UInt64 = 0
        for name in try disk.list("\(path)/segments") {
            let size = try StatsAnswer.size(of: "\(path)/segments/\(name)", disk)
            if name.hasSuffix(".segment") { segments += size }
            if name.hasSuffix(".attachments") { attachments += size }
        }
        var entryBytes: UInt64 = 0
        try workspace.ledger.forEachEntry(from: 0) { _, bytes in entryBytes += UInt64(bytes.count) }
        let readModel = Workspace.readModelPath(of: path)
        let readModelBytes = try disk.kind(of: readModel) == .file ? try size(of: readModel, disk) : 0
        let counts = try workspace.readModel.query(
            """
            SELECT (SELECT coalesce(sum(samples), 0) FROM sample_batches),
              (SELECT coalesce(sum(records), 0) FROM flow_files), (SELECT count(*) FROM series),
              (SELECT count(*) FROM sample_windows WHERE replaced_by IS NULL),
              (SELECT coalesce(sum(samples), 0) FROM sample_batches WHERE window IS NULL AND content = 'present')
            """)
        let found: [Int64] = (0..<5).map { counts.rows.first?[$0].integer ?? 0 }
        let gaps = try workspace.readModel.sampleGaps()
        var notes = gaps.prefix(gapsShownMax).map { "missing: \($0)" }
        if gaps.count > gapsShownMax {
            notes.append("missing: \(gaps.count - gapsShownMax) more; see the view sample_gaps")
        }
        var table = Table.ofOne([
            ("entries", .integer(workspace.ledger.size)), ("entry_bytes", .integer(entryBytes)),
            ("segment_bytes", .integer(segments)),
            ("entry_ratio", segments == 0 ? .missing : .number(Double(entryBytes) / Double(segments))),
            ("attachment_bytes", .integer(attachments)), ("read_model_bytes", .integer(readModelBytes)),
            ("samples", .integer(found[0])), ("flow_records", .integer(found[1])), ("series", .integer(found[2])),
            ("sample_windows", .integer(found[3])), ("open_samples", .integer(found[4])),
            ("sample_gaps", .integer(gaps.count)),
        ])
        if let ratio = table.columns.firstIndex(where: { $0.name == "entry_ratio" }) {
            table.columns[ratio].decimals = 2
        }
        return Answered(table, notes: notes)
    }

    private static func size(of path: String, _ disk: any Disk) throws -> UInt64 {
        let file = try disk.open(path, .read)
        defer { file.close() }
        return try file.size()
    }
}
