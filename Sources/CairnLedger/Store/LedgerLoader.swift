internal import CairnBytes

/// Reads the files of a ledger when it is opened: sealed segments by their index, the open one frame by frame. Collects
/// what is wrong instead of stopping, so that readers get the rest.
struct LedgerLoader {
    let path: String
    let access: Ledger.Access
    let environment: LedgerEnvironment
    private(set) var view = LedgerView()
    private(set) var identity: [UInt8] = []
    private(set) var origin = ""
    /// Which key signs which sizes; nil until the files were found good enough to tell.
    private(set) var keys: KeyHistory?
    private(set) var signed: (checkpoint: SignedCheckpoint, frontier: TreeFrontier)?
    private(set) var attachmentsEnd: UInt64 = 0
    private(set) var attachmentRewrites: UInt64 = 0
    /// Rests of interrupted commits; no problem for readers.
    private(set) var torn: [Damage] = []
    private var checkpoint: SignedCheckpoint?

    init(path: String, access: Ledger.Access, environment: LedgerEnvironment) {
        self.path = path
        self.access = access
        self.environment = environment
    }

    private var disk: any Disk { environment.disk }

    private mutating func add(_ damage: Damage) {
        if damage.verdict == .torn {
            torn.append(damage)
            return
        }
        view.problems.append(
            LedgerError(
                .corrupt, "cannot trust \(damage.file) at byte \(damage.offset): \(damage.reason)",
                segment: damage.file, offset: damage.offset,
                remedy: "events outside the damage can be read; restore the file from a backup to write again"))
    }

    mutating func load() throws {
        let names: [String]
        do throws(DiskError) { names = try disk.list("\(path)/segments") } catch {
            if error.reason == .notFound || error.reason == .notFolder { throw Ledger.notALedger(path) }
            throw error
        }
        let numbers = names.compactMap { Format.segmentNumber(ofName: $0) }.sorted()
        guard let last = numbers.last else { throw Ledger.notALedger(path) }
        loadCheckpoint()
        for number in 0...last {
            if numbers.contains(number) {
                try loadSegment(number, isLast: number == last)
            } else {
                add(
                    Damage(
                        .corrupt, file: Format.segmentName(number), offset: 0, reason: "the file is missing",
                        position: view.size))
            }
        }
        try loadAttachments()
        guard view.problems.isEmpty else { return }
        keys = try KeyHistory(of: view, origin: origin, ledgerID: identity)
        try checkAgainstCheckpoint()
    }

    private mutating func loadCheckpoint() {
        do {
            let file = try disk.open("\(path)/checkpoint", .read)
            checkpoint = try SignedCheckpoint(parsing: try file.readAll(limit: UInt64(SignedNote.bytesMax)))
        } catch let error as DiskError where error.reason == .notFound {
            return
        } catch {
            add(Damage(.corrupt, file: "checkpoint", offset: 0, reason: "\(error)"))
        }
    }

    private mutating func loadSegment(_ number: UInt32, isLast: Bool) throws {
        let name = Format.segmentName(number)
        let file = try disk.open("\(path)/\(name)", access == .readWrite && isLast ? .readWrite : .read)
        let header = try loadHeader(number, name, file)
        if let sealed = try SealedSegment(
            header: header, name: name, file: file, readsAroundDamage: access == .readOnly)
        {
            view.sealed.append(sealed)
            return
        }
        var segment = OpenSegment(
            header: header, frontier: view.sealed.last?.frontier ?? TreeFrontier(),
            lastRecorded: view.sealed.last?.summary.lastRecorded ?? .min, epoch: view.sealed.last?.epoch ?? 0)
        let damage = try SegmentLoader.scan(
            &segment, file: file, name: name, fileEnd: try file.size(),
            signedSize: checkpoint?.checkpoint.size ?? 0, mayBeTorn: isLast)
        for damage in damage { add(damage) }
        if isLast {
            view.open = segment
            view.openFile = file
        } else {
            if damage.isEmpty {
                add(
                    Damage(
                        .corrupt, file: name, offset: segment.end,
                        reason: "it has no index, and is not the last segment", position: segment.nextPosition))
            }
            do throws(FormatError) {
                view.sealed.append(try SealedSegment(scanned: segment, name: name, file: file))
            } catch {
                add(Damage(.corrupt, file: name, offset: 0, reason: error.reason))
            }
        }
    }

    private mutating func loadHeader(_ number: UInt32, _ name: String, _ file: any DiskFile) throws -> SegmentHeader {
        let start = try file.read(at: 0, count: 16)
        do throws(FormatError) {
            let length = try SegmentHeader.length(start)
            let bytes: [UInt8]
            do { bytes = try file.read(at: 0, count: length) } catch { throw .damaged(error.description) }
            let header = try SegmentHeader(parsing: bytes)
            if identity.isEmpty {
                identity = header.ledgerID
                origin = header.origin
            }
            guard header.ledgerID == identity else { throw .damaged("it belongs to another ledger") }
            guard header.number == number else { throw .damaged("it is segment \(header.number) under another name") }
            guard header.firstPosition == view.size || !view.problems.isEmpty else {
                throw .damaged("it begins with entry \(header.firstPosition), and entry \(view.size) is next")
            }
            return header
        } catch {
            if case .newer(let reason) = error {
                throw LedgerError(
                    .newerVersion, "cannot open \(path): \(reason)", segment: name, offset: 8,
                    remedy: "use a later version of cairn")
            }
            add(Damage(.corrupt, file: name, offset: 0, reason: error.reason, position: view.size))
            // Its frames may still be good: go on with what the header would say.
            return SegmentHeader(
                ledgerID: identity, number: number, firstPosition: view.size, created: 0,
                previousHash: SegmentHeader.noHash, origin: origin, verifierKey: "",
                dictionary: view.sealed.last?.header.dictionary ?? PresetDictionary.standard)
        }
    }

    /// Finds the records of the open segment's attachments.
    private mutating func loadAttachments() throws {
        guard var segment = view.open else { return }
        view.open = nil
        defer { view.open = segment }
        do {
            let damage = try SegmentLoader.scanAttachments(
                &segment, disk, path, from: nil, end: &attachmentsEnd, rewrites: &attachmentRewrites)
            for damage in damage { add(damage) }
        } catch let error as LedgerError where error.code == .corrupt {
            view.problems.append(error)
        }
    }

    /// The files must have all that was signed for, and give the same tree.
    private mutating func checkAgainstCheckpoint() throws {
        guard let checkpoint else { return }
        let head = checkpoint.checkpoint
        let size = view.size
        guard head.size <= size else {
            view.problems.append(
                LedgerError(
                    .lostEvents,
                    "cannot trust \(path): its last checkpoint was signed for \(head.size) entries, and the files have "
                        + "\(size): entries \(size) to \(head.size - 1) are lost",
                    remedy: "restore the files from a backup, or go on with cairn init --continues CHECKPOINT"))
            return
        }
        let frontier = try LedgerTree(view: view).frontier(at: head.size)
        guard frontier.root == head.root, head.origin == origin else {
            view.problems.append(
                LedgerError(
                    .fork,
                    "FORK: the checkpoint signed for \(head.origin) at size \(head.size) has root \(head.root), and "
                        + "the entries of \(origin) give \(frontier.root)",
                    remedy: "one of them was altered: compare with a copy that an auditor keeps"))
            return
        }
        do {
            if let keys, !keys.ranges.isEmpty { _ = try checkpoint.verify(logKeys: keys.ranges.map(\.key)) }
        } catch {
            add(Damage(.corrupt, file: "checkpoint", offset: 0, reason: "\(error)"))
            return
        }
        signed = (checkpoint, frontier)
    }

    /// Syncs what was read and will be built on: a process that died may have written, named or removed it and not have
    /// come to its own sync.
    func makeLast() throws {
        try (view.openFile ?? view.sealed.last?.file)?.sync()
        try disk.syncFolder("\(path)/segments")
        try disk.syncFolder(path)
        // The name of the folder itself, if the process that made it died before this.
        try disk.syncFolder(Ledger.parentFolder(path))
    }

    /// Cuts off the rest of an interrupted commit, and what else a crash left behind. Holds the lock.
    mutating func repair() throws {
        if let damage = torn.first, let file = view.openFile, let segment = view.open {
            precondition(damage.offset == segment.end, "the torn tail begins where the last commit ends")
            // `makeLast` syncs it, so that no later crash can mix the old tail with what is written over it.
            try file.truncate(to: segment.end)
        }
        for name in try disk.list("\(path)/segments") where name.hasSuffix(".new") {
            try disk.remove("\(path)/segments/\(name)")
        }
        for name in ["checkpoint.new", "redaction.pending.new"] where try disk.kind(of: "\(path)/\(name)") != nil {
            try disk.remove("\(path)/\(name)")
        }
    }

    /// Cuts records off that no frame came to cite. Holds the lock, and comes after `makeLast`: a frame that `repair`
    /// cut off cannot come back and cite what goes here. Not synced: after a crash the records are there again, as the
    /// same torn tail, and whoever seals the segment syncs the file first.
    func cutAttachments() throws {
        guard let segment = view.open, attachmentsEnd > 0 else { return }
        let file = try disk.open("\(path)/\(Format.attachmentsName(segment.header.number))", .readWrite)
        defer { file.close() }
        if try file.size() > attachmentsEnd { try file.truncate(to: attachmentsEnd) }
    }
}

/// Reading the frames and the records of one segment.
enum SegmentLoader {
    /// Adds the frames behind `segment.end` to the index.
    static func scan(
        _ segment: inout OpenSegment, file: any DiskFile, name: String, fileEnd: UInt64, signedSize: UInt64,
        mayBeTorn: Bool
    ) throws -> [Damage] {
        guard fileEnd >= segment.end else {
            return [
                Damage(
                    .corrupt, file: name, offset: fileEnd, byteCount: 0, reason: "the file ends inside its header",
                    position: segment.nextPosition)
            ]
        }
        var scanner = FrameScanner(
            file: file, fileEnd: fileEnd, offset: segment.end, previousHash: segment.lastHash,
            nextPosition: segment.nextPosition)
        var unreadable: [Damage] = []
        func add(_ frame: Frame, _ facts: Result<FrameFacts, FormatError>) {
            switch facts {
            case .success(let facts) where frame.header.kind == .entries:
                segment.add(frame.header, offset: frame.offset, hash: frame.hash, facts: facts)
            case .success: segment.advance(to: frame.end, hash: frame.hash, epoch: frame.header.epoch)
            case .failure(let error):
                segment.advance(to: frame.end, hash: frame.hash, epoch: frame.header.epoch)
                unreadable.append(
                    Damage(
                        .corrupt, file: name, offset: frame.offset, byteCount: frame.end - frame.offset,
                        reason: error.reason, position: frame.header.firstPosition))
            }
        }
        var reader = FactsReader(dictionary: segment.header.dictionary)
        let outcome = try CommitScanner.walk(
            &scanner, file: file, name: name, signedSize: signedSize, mayBeTorn: mayBeTorn
        ) { frame in reader.add(frame) { add($0.frame, $0.facts) } }
        reader.finish { add($0.frame, $0.facts) }
        return (unreadable + outcome.damage).sorted { $0.offset < $1.offset }
    }

    static func facts(of frame: Frame, dictionary: [UInt8]) throws(FormatError) -> FrameFacts {
        guard frame.header.kind == .entries else { return .none }
        var payload = try frame.payload(dictionary: dictionary)
        let ranges = try EntryOffsets.ranges(of: payload, count: frame.header.count)
        // The byte before each entry belongs to its length, which is read by now.
        let leaves = TreeHasher.leaves(&payload, ranges)
        var facts: [EntryFacts] = []
        facts.reserveCapacity(ranges.count)
        for (index, range) in ranges.enumerated() {
            guard let entry = EntryFacts(payload, in: range, leaf: leaves[index]) else {
                throw .damaged("an entry is not the canonical JSON of an event")
            }
            facts.append(entry)
        }
        return FrameFacts(payload: payload, entries: facts)
    }

    /// Finds the record of each cited digest and where the cited records end.
    /// - Parameter from: where new records begin, or nil for the first.
    static func scanAttachments(
        _ segment: inout OpenSegment, _ disk: any Disk, _ path: String, from: UInt64?, end: inout UInt64,
        rewrites: inout UInt64
    ) throws -> [Damage] {
        guard
            let file = try AttachmentsFile(
                disk, folder: path, segment: segment.header.number, ledgerID: segment.header.ledgerID)
        else {
            guard let digest = segment.citedDigests.first else { return [] }
            return [missing(segment, digest)]
        }
        let start =
            from.flatMap { file.header.rewrites == rewrites ? $0 : nil }
            ?? UInt64(Format.attachmentsHeaderBytes)
        rewrites = file.header.rewrites
        var lastCitedEnd = start
        var damage: [Damage] = []
        var next = start
        while true {
            let (stop, failure) = try file.walk(from: next) { record, offset in
                if segment.attachments[record.digest] != nil {
                    segment.attachments[record.digest]?.offset = offset
                    lastCitedEnd = offset + UInt64(record.byteCount)
                }
                return true
            }
            guard let failure else { break }
            guard let resumed = try file.resynchronize(behind: stop) else { break }
            damage.append(
                Damage(
                    .corrupt, file: file.name, offset: stop, byteCount: resumed - stop, reason: failure.reason))
            next = resumed
        }
        end = lastCitedEnd
        // Damage behind the last cited record is the rest of a commit that did not happen.
        damage.removeAll { $0.offset >= lastCitedEnd }
        for digest in segment.citedDigests where segment.attachments[digest]?.offset == 0 {
            damage.append(missing(segment, digest, at: lastCitedEnd))
        }
        return damage
    }

    private static func missing(_ segment: OpenSegment, _ digest: TreeHash, at offset: UInt64 = 0) -> Damage {
        let citing = segment.attachments[digest].map { segment.header.firstPosition + UInt64($0.citing) }
        return Damage(
            .corrupt, file: Format.attachmentsName(segment.header.number), offset: offset,
            reason: "attachment \(digest) is missing", position: citing)
    }
}
