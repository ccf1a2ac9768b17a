internal import CairnBytes
internal import CairnFlowLogs
internal import CairnIngest
internal import CairnLedger
internal import CairnModel
internal import Crypto

/// Imports one flow-log file: its counters and its unpaired rest go into the log, the raw file stays where it is.
struct FlowFileImport {
    let ledger: Ledger
    let clock: any WallClock
    let request: ImportRequest
    let rejects: RejectsFile

    /// What was said about the file, as it enters its identity.
    private var said: JSONValue {
        var labels = JSONObject()
        for (name, value) in request.labels { labels[name] = .string(value) }
        return [
            "format": "flow-logs", "cluster": .optional(request.cluster),
            "cluster_map": .optional(request.clusterMapDigest), "labels": .object(labels),
            "options": .optional(request.flowLogFormat.map { String(describing: $0) }),
        ]
    }

    func run(_ handle: any DiskFile, summary: inout ImportSummary, report: (UInt64) -> Void) throws {
        var identity = SHA256()
        var content = SHA256()
        var byteCount = 0
        identity.update(data: CanonicalJSON.bytes(of: said))
        identity.update(data: [0])
        try RecordFileImport.read(handle) { piece, _ in
            identity.update(data: piece)
            content.update(data: piece)
            byteCount += piece.count
        }
        let name = Hex.string(identity.finalize())
        guard try ledger.position(ofSource: Importer.source, id: name) == nil else {
            summary.knownFiles += 1
            return
        }
        let assignment: ClusterAssignment
        if let map = request.clusterMap {
            assignment = .map(map)
        } else {
            assignment = .one(request.cluster ?? SampleAppender.unassigned)
        }
        var reader = FlowLogReader(sink: FlowFileCounter(assignment), format: request.flowLogFormat)
        var rejected = 0
        var failure: FlowLogError?
        func takeRejects() throws {
            guard !reader.rejects.isEmpty else { return }
            let refused = reader.rejects.map { IngestReject($0, file: handle.path) }
            reader.rejects = []
            rejected += refused.count
            summary.add(rejects: refused)
            try rejects.append(refused, name: name)
        }
        try RecordFileImport.read(handle) { piece, offset in
            guard failure == nil else { return }
            do throws(FlowLogError) { try reader.push(piece) } catch { failure = error }
            try takeRejects()
            report(offset)
        }
        if failure == nil { do throws(FlowLogError) { try reader.finish() } catch { failure = error } }
        try takeRejects()
        let counted = reader.sink.finishColumns()
        summary.rejected += rejected
        if let failure {
            let readable = counted.totals.records
            summary.failures.append(
                "cannot read all of \(handle.path): \(failure); \(readable) records before it can be read")
            // The whole file, once it is found, has another identity: counting this part now would count it twice.
            guard request.salvagesDamaged else { return }
        }
        guard counted.totals.records > 0 else { return }
        try append(
            counted, name: name, sha256: Hex.string(content.finalize()), byteCount: byteCount, path: handle.path,
            rejected: rejected)
        summary.accepted += Int(clamping: counted.totals.records)
    }

    private func append(
        _ counted: FlowFileColumns, name: String, sha256: String, byteCount: Int, path: String, rejected: Int
    ) throws {
        let totals = counted.totals
        let first = totals.first.flatMap { Timestamp(seconds: $0) }
        let last = totals.last.flatMap { Timestamp(seconds: $0) }
        let cluster = request.clusterMap == nil ? request.cluster ?? SampleAppender.unassigned : nil
        var data: JSONObject = [
            "file": .string(path), "bytes": .integer(byteCount), "sha256": .string(sha256),
            "cluster": .optional(cluster), "records": .integer(totals.records),
            "accepted_records": .integer(totals.acceptedRecords),
            "rejected_records": .integer(totals.rejectedRecords), "no_data": .integer(totals.noData),
            "skip_data": .integer(totals.skipData), "unreadable_lines": .integer(rejected), "import": .string(name),
        ]
        if let first { data["first"] = .string(first.description) }
        if let last { data["last"] = .string(last.description) }
        data["clusters"] = .array(Set(counted.seen.map(\.place.cluster)).sorted().map { .string($0) })
        let event = ProposedEvent(
            id: name, source: Importer.source, type: "cairn.flows.counted.v1",
            subject: StreamName(kind: "flows", foreignID: cluster ?? "mapped"), time: last ?? clock.now(),
            data: .object(data), onBehalfOf: request.onBehalfOf,
            attachments: [
                ProposedAttachment(
                    role: "flow-counters", mediaType: FlowFileSummary.mediaType, content: counted.encoded(),
                    retention: .droppable)
            ])
        _ = try ledger.append([Append(event)], actor: request.actor)
    }
}

extension IngestReject {
    /// A line of a flow log that could not be read.
    init(_ reject: FlowLogReject, file: String) {
        self.init(
            file: file, line: reject.line, column: 0, reason: String(describing: reject.reason),
            remedy: "check the format of the flow log (--format names the order of its fields)",
            raw: Array(reject.text.utf8), rawByteCount: reject.text.utf8.count)
    }
}
