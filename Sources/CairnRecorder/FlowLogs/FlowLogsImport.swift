internal import CairnBytes
internal import CairnFlowLogs
internal import CairnIngest
internal import CairnLedger
internal import CairnModel

/// Imports flow-log files: their counters and what they leave open go into the log, the files stay where they are.
///
/// Threads read, count and pack files; this one appends what they found, in the order of the files and several at a
/// time, so that the log does not depend on which thread was faster.
struct FlowLogsImport {
    let ledger: Ledger
    let disk: any Disk
    let clock: any WallClock
    let request: ImportRequest
    let rejects: RejectsFile
    /// Threads that read.
    let threads: Int

    /// Files in one commit: one sync for all of them.
    private static let filesPerCommit = 16

    /// - Parameters:
    ///   - appended: called after each commit.
    func run(
        _ files: [InputFile], summary: inout ImportSummary, progress: (ImportProgress) -> Void,
        appended: () throws -> Void
    ) throws {
        let total = files.reduce(0) { $0 + $1.bytes }
        let reading = FlowFileReading(ledger: ledger, disk: disk, request: request)
        let queue = FlowFileQueue(files, reading: reading, threads: threads)
        defer { queue.stop() }
        var next = 0
        func report(_ records: Int) {
            progress(
                ImportProgress(
                    file: files[min(next, files.count - 1)].path, filesDone: next, filesTotal: files.count,
                    bytesDone: min(queue.bytesDone, total), bytesTotal: total, records: records))
        }
        while next < files.count {
            let records = summary.accepted
            let found = queue.take(from: next, atMost: FlowLogsImport.filesPerCommit) { report(records) }
            var outcomes: [FlowFileOutcome] = []
            for (file, result) in zip(files[next...], found) {
                summary.files += 1
                summary.bytes += file.bytes
                // What the log refuses ends the import; what one file refuses ends that file.
                do { outcomes.append(try result.get()) } catch let error as DiskError {
                    summary.failures.append("cannot read \(file.path): \(error.reasonText)")
                }
            }
            next += found.count
            if try append(outcomes, summary: &summary) { try appended() }
            queue.release(found.count)
            report(summary.accepted)
        }
    }

    /// - Returns: true if something was appended.
    private func append(_ outcomes: [FlowFileOutcome], summary: inout ImportSummary) throws -> Bool {
        var batch: [Append] = []
        var names: Set<String> = []
        for outcome in outcomes {
            summary.rejected += outcome.rejected
            summary.add(rejects: outcome.rejects)
            try rejects.append(outcome.rejects, name: outcome.name)
            if let failure = outcome.failure { summary.failures.append(failure) }
            switch outcome.content {
            case .known: summary.knownFiles += 1
            case .counted(let totals, let clusters, let stored):
                // The same bytes under two names, read at the same time.
                guard names.insert(outcome.name).inserted,
                    try ledger.position(ofSource: Importer.source, id: outcome.name) == nil
                else {
                    summary.knownFiles += 1
                    continue
                }
                batch.append(Append(event(outcome, totals, clusters: clusters, stored: stored)))
                summary.clusters.formUnion(clusters)
                summary.accepted += Int(clamping: totals.records)
            case .unusable: continue
            }
        }
        guard !batch.isEmpty else { return false }
        _ = try ledger.append(batch, actor: request.actor)
        return true
    }

    private func event(
        _ outcome: FlowFileOutcome, _ totals: FlowTotals, clusters: [String], stored: [UInt8]
    ) -> ProposedEvent {
        let first = totals.first.flatMap { Timestamp(seconds: $0) }
        let last = totals.last.flatMap { Timestamp(seconds: $0) }
        var data: JSONObject = [
            "file": .string(outcome.path), "bytes": .integer(outcome.byteCount), "sha256": .string(outcome.sha256),
            "cluster": .optional(outcome.cluster), "records": .integer(totals.records),
            "accepted_records": .integer(totals.acceptedRecords),
            "rejected_records": .integer(totals.rejectedRecords), "no_data": .integer(totals.noData),
            "skip_data": .integer(totals.skipData), "unreadable_lines": .integer(outcome.rejected),
            "import": .string(outcome.name),
        ]
        if let first { data["first"] = .string(first.description) }
        if let last { data["last"] = .string(last.description) }
        data["clusters"] = .array(clusters.map { .string($0) })
        return ProposedEvent(
            id: outcome.name, source: Importer.source, type: "cairn.flows.counted.v1",
            subject: StreamName(kind: "flows", foreignID: outcome.cluster ?? "mapped"), time: last ?? clock.now(),
            data: .object(data), onBehalfOf: request.onBehalfOf,
            attachments: [
                ProposedAttachment(
                    role: "flow-counters", mediaType: FlowFileSummary.mediaType, content: stored,
                    retention: .droppable, isStoredAsIs: true)
            ])
    }
}
