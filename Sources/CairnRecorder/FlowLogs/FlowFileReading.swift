internal import CairnBytes
internal import CairnFlowLogs
internal import CairnIngest
internal import CairnLedger
internal import Crypto

/// What became of one flow-log file that was read.
struct FlowFileOutcome: Sendable {
    enum Content: Sendable {
        /// The log has it: nothing was counted.
        case known
        /// Its counters, and what the event says of them.
        case counted(FlowTotals, clusters: [String], stored: [UInt8])
        /// It cannot be used, in words.
        case unusable
    }

    var path: String
    /// Of all its records; nil where the cluster map says it record by record.
    var cluster: String?
    /// The identity of the import, in hexadecimal; empty if the file could not be read to its end.
    var name = ""
    /// Of the bytes alone.
    var sha256 = ""
    var byteCount = 0
    var content = Content.unusable
    var rejects: [IngestReject] = []
    /// Lines set aside, also those that are not in `rejects`.
    var rejected = 0
    /// Why not all of the file could be read, in words.
    var failure: String?
}

/// Reads flow-log files, each from its beginning to its end and once: what identifies a file is computed from the same
/// bytes as its counters, on whichever thread it is.
struct FlowFileReading: Sendable {
    private let ledger: Ledger
    private let disk: any Disk
    private let request: ImportRequest

    init(ledger: Ledger, disk: any Disk, request: ImportRequest) {
        self.ledger = ledger
        self.disk = disk
        self.request = request
    }

    private func assignment(of file: InputFile) -> ClusterAssignment {
        if let map = request.clusterMap { return .map(map) }
        return .one(request.cluster ?? file.folderCluster ?? FlowPlace.unassignedCluster)
    }

    /// What was said about the file, as it enters its identity.
    private func said(of file: InputFile) -> [UInt8] {
        var labels = JSONObject()
        for (name, value) in request.labels { labels[name] = .string(value) }
        let said: JSONValue = [
            "format": "flow-logs", "cluster": .optional(request.cluster ?? file.folderCluster),
            "cluster_map": .optional(request.clusterMapDigest), "labels": .object(labels),
            "options": .optional(request.flowLogFormat.map { String(describing: $0) }),
        ]
        return CanonicalJSON.bytes(of: said) + [0]
    }

    /// - Parameters:
    ///   - isLikelyKnown: the files before were in the log: the file is first identified, and read again if it is not.
    ///   - report: takes the bytes read since it was called last.
    func read(_ input: InputFile, isLikelyKnown: Bool, report: (Int) -> Void) throws -> FlowFileOutcome {
        let path = input.path
        let file = try disk.open(path, .read)
        defer { file.close() }
        let said = said(of: input)
        if isLikelyKnown, let known = try identify(file, said: said) { return known }
        let assignment = assignment(of: input)
        var outcome = FlowFileOutcome(path: path)
        if case .one(let cluster) = assignment { outcome.cluster = cluster }
        var identity = SHA256()
        var content = SHA256()
        identity.update(data: said)
        var reader = FlowLogReader(sink: FlowFileCounter(assignment), format: request.flowLogFormat)
        var failure: FlowLogError?
        func takeRejects() {
            guard !reader.rejects.isEmpty else { return }
            let refused = reader.rejects
            reader.rejects = []
            outcome.rejected += refused.count
            let room = max(0, Importer.rejectsKeptMax - outcome.rejects.count)
            outcome.rejects += refused.prefix(room).map { IngestReject($0, file: path) }
        }
        try FlowFileReading.pieces(of: file) { piece, isWhole in
            identity.update(data: piece)
            content.update(data: piece)
            outcome.byteCount += piece.count
            if failure == nil {
                let text = isWhole ? FlowFileReading.text(ofWhole: piece) : nil
                do throws(FlowLogError) { try reader.push(text ?? piece) } catch { failure = error }
                takeRejects()
            }
            report(piece.count)
        }
        if failure == nil { do throws(FlowLogError) { try reader.finish() } catch { failure = error } }
        takeRejects()
        outcome.name = Hex.string(identity.finalize())
        outcome.sha256 = Hex.string(content.finalize())
        if try isInLog(outcome.name) {
            outcome.content = .known
            outcome.rejects = []
            outcome.rejected = 0
            return outcome
        }
        let counted = reader.sink.finishColumns()
        if let failure {
            outcome.failure =
                "cannot read all of \(path): \(failure); \(counted.totals.records) records before the damage "
                + (request.salvagesDamaged ? "were counted" : "were not counted: get the whole file, or use --salvage")
        }
        // The whole file, once it is found, has another identity: counting this part now would count it twice.
        guard counted.totals.records > 0, failure == nil || request.salvagesDamaged else { return outcome }
        outcome.content = .counted(
            counted.totals, clusters: Set(counted.seen.map(\.place.cluster)).sorted(), stored: counted.encoded())
        return outcome
    }

    /// Files up to this size are read, and inflated, in one piece, which is twice as fast; AWS starts a new object every
    /// five minutes, and most are smaller. A larger one comes in pieces.
    private static let wholeBytesMax = 8 << 20
    /// What such a file may inflate to; ten times its size is usual.
    private static let wholeTextBytesMax = 64 << 20

    private static func pieces(
        of file: any DiskFile, _ body: (_ piece: [UInt8], _ isWhole: Bool) throws -> Void
    ) throws {
        let size = try file.size()
        if size <= UInt64(wholeBytesMax) {
            let bytes = try file.read(at: 0, count: wholeBytesMax + 1)
            // One that grew meanwhile is read as it is now.
            if bytes.count <= wholeBytesMax { return try body(bytes, true) }
        }
        try RecordFileImport.read(file) { piece, _ in try body(piece, false) }
    }

    /// The text of a sound gzip file; nil for any other, which the reader of pieces takes.
    private static func text(ofWhole file: [UInt8]) -> [UInt8]? {
        guard file.starts(with: [0x1F, 0x8B]) else { return nil }
        var inflater = Inflater()
        // A gzip within a gzip is what the reader says it is.
        guard let text = inflater.gzipContent(file, limit: wholeTextBytesMax), !text.starts(with: [0x1F, 0x8B]) else {
            return nil
        }
        return text
    }

    private func isInLog(_ name: String) throws -> Bool {
        try ledger.position(ofSource: Importer.source, id: name) != nil
    }

    /// The outcome for a file that is in the log, by its digest alone.
    private func identify(_ file: any DiskFile, said: [UInt8]) throws -> FlowFileOutcome? {
        var identity = SHA256()
        identity.update(data: said)
        try RecordFileImport.read(file) { piece, _ in identity.update(data: piece) }
        let name = Hex.string(identity.finalize())
        guard try isInLog(name) else { return nil }
        var outcome = FlowFileOutcome(path: file.path)
        outcome.name = name
        outcome.content = .known
        return outcome
    }
}

extension InputFile {
    /// The cluster that the first folder names, as `cairn flows` has it; nil for a folder of AWS's own layout (AWSLogs and
    /// what is below it, an account, a date, key=value), which names none.
    var folderCluster: String? {
        guard let firstFolder, !firstFolder.contains("="), !firstFolder.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            path.split(separator: "/").prefix(while: { $0 != "AWSLogs" && $0 != "vpcflowlogs" })
                .contains(where: { $0 == firstFolder })
        else { return nil }
        return firstFolder
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
