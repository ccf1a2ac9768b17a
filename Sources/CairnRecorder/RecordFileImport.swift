internal import CairnBytes
internal import CairnIngest
internal import CairnLedger
internal import CairnModel
internal import CairnSeries

/// Imports one file of events or samples.
struct RecordFileImport {
    let ledger: Ledger
    let clock: any WallClock
    let request: ImportRequest
    let format: ImportFormat
    let rejects: RejectsFile

    private var options: ImportOptions {
        ImportOptions(
            format: format, cluster: request.cluster, labels: request.labels, defaultTime: request.defaultTime,
            csv: request.csv)
    }

    func run(_ handle: any DiskFile, summary: inout ImportSummary, report: (UInt64) -> Void) throws {
        var identity = FileIdentity(options: options)
        try RecordFileImport.read(handle) { piece, _ in identity.update(piece) }
        let name = identity.identityHex
        let stream = StreamName(kind: "import", foreignID: name)
        guard try ledger.lastRevision(of: stream) == nil else {
            summary.knownFiles += 1
            return
        }
        var facts = FactAppender(ledger: ledger, actor: request.actor, clock: clock)
        var samples = SampleAppender(ledger: ledger, clock: clock, request: request, importName: name)
        var rejected = 0
        let importer = FileImporter(file: handle.path, options: options)
        func take(_ batch: IngestBatch) throws {
            var refused = batch.rejects
            let outcomes = try facts.append(batch.events.map { claimed($0.event) })
            for (event, error) in zip(batch.events, outcomes) {
                guard let error else { continue }
                refused.append(
                    IngestReject(
                        file: handle.path, line: event.line, column: 0, reason: error.message,
                        remedy: error.remedy ?? "correct the record and import it again",
                        raw: Array(CanonicalJSON.bytes(of: event.event.data).prefix(options.limits.rejectRawBytesMax)),
                        rawByteCount: 0))
            }
            for event in batch.events { summary.add(notes: event.notes.map { "\(handle.path):\(event.line): \($0)" }) }
            try samples.append(batch.samples)
            rejected += refused.count
            summary.add(rejects: refused)
            try rejects.append(refused, name: name)
        }
        try RecordFileImport.read(handle) { piece, offset in
            try importer.append(piece, emit: take)
            report(offset)
        }
        let file = try importer.finish(emit: take)
        try samples.finish()
        if samples.rejected > 0 {
            let reject = IngestReject(
                file: handle.path, line: 0, column: 0,
                reason: "it has more than \(request.seriesMax) different series, and \(samples.rejected) "
                    + "samples of further ones were set aside",
                remedy: "take out the label that differs in every series, or import the file in parts", raw: [],
                rawByteCount: 0)
            summary.add(rejects: [reject])
            try rejects.append([reject], name: name)
            rejected += samples.rejected
        }
        if let damage = file.damage { summary.failures.append("cannot read all of \(handle.path): \(damage)") }
        summary.accepted += facts.accepted + samples.accepted
        summary.duplicates += facts.duplicates
        summary.violations += facts.violations
        summary.add(notes: facts.playbookProblems)
        summary.rejected += rejected
        // A damaged file is not finished business: with the rest of it the bytes, and so the identity, are others.
        try complete(file, name: name, stream: stream, facts: facts, samples: samples, rejected: rejected)
    }

    private func claimed(_ event: ProposedEvent) -> ProposedEvent {
        var event = event
        event.onBehalfOf = event.onBehalfOf ?? request.onBehalfOf
        return event
    }

    private func complete(
        _ file: FileSummary, name: String, stream: StreamName, facts: FactAppender, samples: SampleAppender,
        rejected: Int
    ) throws {
        let data: JSONValue = [
            "import": .string(name), "format": .string(format.rawValue), "cluster": .optional(request.cluster),
            "labels": .object(options.labelsJSON), "options": .object(options.json),
            "files": [
                [
                    "name": .string(file.file), "bytes": .integer(file.bytes), "sha256": .string(file.sha256),
                    "accepted": .integer(facts.accepted + samples.accepted), "rejected": .integer(rejected),
                ]
            ],
            "accepted": .integer(facts.accepted + samples.accepted), "rejected": .integer(rejected),
            "skipped_duplicates": .integer(facts.duplicates),
        ]
        let event = ProposedEvent(
            id: name, source: Importer.source, type: "cairn.import.completed.v1", subject: stream, time: clock.now(),
            data: data, onBehalfOf: request.onBehalfOf)
        _ = try ledger.append([Append(event)], actor: request.actor)
    }

    /// Reads a file from its beginning in pieces; `body` also gets the offset after the piece.
    static func read(_ handle: any DiskFile, _ body: ([UInt8], UInt64) throws -> Void) throws {
        var offset: UInt64 = 0
        while true {
            let piece = try handle.read(at: offset, count: Importer.pieceBytes)
            if piece.isEmpty { return }
            offset += UInt64(piece.count)
            try body(piece, offset)
        }
    }
}

extension ImportSummary {
    mutating func add(rejects: [IngestReject]) {
        for reject in rejects.prefix(ImportSummary.shownMax - min(ImportSummary.shownMax, firstRejects.count)) {
            firstRejects.append(reject.description)
        }
    }

    mutating func add(notes: [String]) {
        for note in notes where self.notes.count < ImportSummary.shownMax { self.notes.append(note) }
    }
}
