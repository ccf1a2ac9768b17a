internal import CairnBytes
internal import CairnIngest
package import CairnLedger
internal import CairnModel
internal import CairnSeries

/// Imports files into a ledger: bytes to events, events to the log, and one event per file that says what it was.
///
/// A file is known by the SHA-256 over format, cluster, labels, options and bytes, so the same file again adds nothing.
/// A crash in the middle leaves whole events behind, which the next import of the file finds and does not add again.
package struct Importer {
    /// Bytes read from a file at once.
    static let pieceBytes = 1 << 20
    /// Rejects of one import that are kept in the rejects file: past that the file is the wrong format.
    static let rejectsKeptMax = 100_000
    static let source = "/cairn/import"

    private let ledger: Ledger
    private let ledgerPath: String
    private let disk: any Disk
    private let clock: any WallClock
    private let threads: Int

    /// - Parameter threads: how many read flow logs at once.
    package init(ledger: Ledger, ledgerPath: String, disk: any Disk, clock: any WallClock, threads: Int = 2) {
        self.ledger = ledger
        self.ledgerPath = ledgerPath
        self.disk = disk
        self.clock = clock
        self.threads = threads
    }

    /// - Parameters:
    ///   - progress: called often, also while nothing is appended.
    ///   - appended: called after each commit of flow logs, while the next files are read: the place to bring the read
    ///     model up to date.
    package func run(
        _ request: ImportRequest, progress: (ImportProgress) -> Void = { _ in }, appended: () throws -> Void = {}
    ) throws -> ImportSummary {
        let files = try InputFiles.find(request.paths, disk: disk) { name in Importer.isWanted(name, request.format) }
        guard !files.isEmpty else {
            throw InputError(
                path: request.paths.joined(separator: " "),
                message:
                    "cannot import \(request.paths.joined(separator: ", ")): there is no file of \(request.format.name) "
                    + "there", remedy: "name a file, and it is read whatever its name ends in", isNothingThere: true)
        }
        var summary = ImportSummary(format: request.format.name)
        let total = files.reduce(0) { $0 + $1.bytes }
        let rejects = RejectsFile(folder: "\(ledgerPath)/rejects", disk: disk)
        if case .flowLogs = request.format {
            try FlowLogsImport(
                ledger: ledger, disk: disk, clock: clock, request: request, rejects: rejects, threads: threads
            ).run(files, summary: &summary, progress: progress, appended: appended)
            summary.rejectsFile = rejects.path
            return summary
        }
        for (index, file) in files.enumerated() {
            let before = summary.bytes
            let recordsBefore = summary.accepted
            func report(_ bytesOfFile: UInt64) {
                progress(
                    ImportProgress(
                        file: file.path, filesDone: index, filesTotal: files.count,
                        bytesDone: before + bytesOfFile, bytesTotal: total, records: recordsBefore))
            }
            report(0)
            summary.files += 1
            // What the log refuses ends the import; what one file refuses ends that file.
            do {
                let handle = try disk.open(file.path, .read)
                defer { handle.close() }
                try importFile(handle, request, rejects: rejects, summary: &summary, report: report)
            } catch let error as DiskError {
                summary.failures.append("cannot read \(file.path): \(error.reasonText)")
            }
            summary.bytes = before + file.bytes
        }
        summary.rejectsFile = rejects.path
        if case .records = request.format, summary.accepted > 0 {
            // A failure here is not the import's: what is open stays open, and the next import tries again.
            do {
                let sealed = try SampleSealer(ledger: ledger, actor: request.actor).runIfDue(now: clock.now())
                if sealed.windows > 0 {
                    summary.add(notes: ["sealed \(sealed.samples) samples into \(sealed.windows) windows"])
                }
                summary.add(notes: sealed.problems.map { "not sealed: \($0)" })
            } catch { summary.add(notes: ["samples were not sealed: \(error)"]) }
        }
        return summary
    }

    /// What a folder of an import may hold besides data.
    private static func isWanted(_ name: String, _ format: ImportRequest.Format) -> Bool {
        let name = name.lowercased()
        if name == "labels.json" || name == "truth.json" || name.hasSuffix(".md") || name == "license" { return false }
        let plain = name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
        let endings: [String] =
            switch format {
            case .flowLogs: [".log", ".txt", ".json", ".jsonl", ".parquet"]
            case .records(.events), .records(.eventBridge): [".json", ".jsonl", ".ndjson"]
            case .records(.velero), .records(.kubernetesEvents), .records(.kubernetesObjects):
                [".json", ".jsonl", ".yaml", ".yml"]
            case .records(.prometheus): [".prom", ".txt", ".metrics", ".om"]
            case .records(.csv): [".csv"]
            }
        return endings.contains { plain.hasSuffix($0) }
    }

    private func importFile(
        _ handle: any DiskFile, _ request: ImportRequest, rejects: RejectsFile, summary: inout ImportSummary,
        report: (UInt64) -> Void
    ) throws {
        guard case .records(let format) = request.format else { return }
        try RecordFileImport(ledger: ledger, clock: clock, request: request, format: format, rejects: rejects)
            .run(handle, summary: &summary, report: report)
    }
}
