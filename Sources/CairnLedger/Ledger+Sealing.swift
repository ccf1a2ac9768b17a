internal import CairnBytes
internal import CairnModel
internal import Synchronization

extension Ledger {
    /// Rows of the index after which a segment is sealed, so that one more commit of any size still fits an index.
    private static let indexBytesDue = 24 << 20

    func isSealDue(_ writer: WriterState) -> Bool {
        view.withLock { view in
            guard let open = view.open, open.count > 0 else { return false }
            let rows =
                open.frames.count * SegmentIndex.frameRowBytes + Int(open.count) * SegmentIndex.hashRowBytes
                + open.streams.count * 64 + open.attachments.count * SegmentIndex.attachmentRowBytes
            return open.end >= options.sealBytes || writer.attachmentsEnd >= options.sealAttachmentBytes
                || rows >= Ledger.indexBytesDue
        }
    }

    /// Ends the open segment with its index now; does nothing if it has no entries.
    package func seal() throws {
        try mapDiskErrors {
            try writer.withLock { writer in
                try withFolderLock(&writer) { writer in
                    try catchUp(&writer, holdsLock: true)
                    try seal(&writer)
                    try sign(&writer)
                }
            }
        }
    }

    /// Says which streams there are and how long each is, in an event; with the lock held and nothing else to append.
    /// A proof that a stream is complete reaches up to the last such event.
    package func commitStreams() throws {
        try mapDiskErrors {
            try writer.withLock { writer in
                try withFolderLock(&writer) { writer in
                    try catchUp(&writer, holdsLock: true)
                    try ensureOpenSegment(&writer)
                    try write([sealingEntry(segment: nil).entry], &writer)
                    try sign(&writer)
                }
            }
        }
    }

    private func sealingEntry(
        segment: UInt32?
    ) throws -> (entry: CommitStage.Entry, streams: StreamMap.Commitment) {
        let (position, last) = view.withLock { ($0.size, $0.open?.lastRecorded ?? .min) }
        let now = environment.clock.now().microseconds
        let map = StreamMap(try streams().map { (key: $0.name, value: $0.lastRevision) })
        var data: JSONObject = [
            "entries": .integer(position), "streams": .integer(map.commitment.count),
            "streams_root": .string(map.commitment.root.description),
        ]
        if let segment { data["segment"] = .integer(segment) }
        let event = ledgerEvent(LedgerEventType.streamsSealed, id: "streams-\(position)", data: data)
        var stage = CommitStage(
            ledger: self, firstPosition: position, recordedTime: Timestamp(microseconds: max(now, last)))
        let prepared = try PreparedEvent(
            event, actor: Ledger.systemActor, privateFields: .none, random: environment.random)
        _ = try stage.add([prepared], expected: [.any])
        return (stage.entries[0], map.commitment)
    }

    /// Takes away records that no entry cites: the rest of a commit that did not happen is no damage behind an open
    /// segment, and would be behind a sealed one. Synced in any case: another process may have cut them before.
    private func cutAttachments(_ segment: UInt32, _ writer: inout WriterState) throws {
        let name = file(Format.attachmentsName(segment))
        guard try disk.kind(of: name) != nil else { return }
        try ensureAttachmentsFile(segment, &writer)
        let attachments = try disk.open(name, .readWrite)
        defer { attachments.close() }
        if try attachments.size() > writer.attachmentsEnd { try attachments.truncate(to: writer.attachmentsEnd) }
        do throws(DiskError) { try attachments.sync() } catch { throw stop(&writer, "\(error)") }
    }

    /// Whoever opens a sealed segment reads the epoch of its index and no frame. So the index has the largest of all,
    /// and an opening that took its own before another one did takes a new one.
    private func sealingEpoch(_ writer: inout WriterState, largest: UInt32) -> UInt32 {
        let epoch = nextEpoch(&writer)
        if epoch >= largest { return epoch }
        writer.epoch = largest &+ 1
        return largest &+ 1
    }

    /// The event that says which streams there are, and behind it the index, in one commit.
    func seal(_ writer: inout WriterState) throws {
        guard
            let (open, file) = view.withLock({ view in view.open.flatMap { open in view.openFile.map { (open, $0) } } }
            ),
            open.count > 0
        else { return }
        try cutAttachments(open.header.number, &writer)
        let (entry, streams) = try sealingEntry(segment: open.header.number)
        let epoch = sealingEpoch(&writer, largest: open.epoch)
        let build = CommitBuild(
            [entry], firstPosition: open.nextPosition, epoch: epoch, previousHash: open.lastHash,
            dictionary: open.header.dictionary, isOpenEnded: true)
        var sealed = open
        for frame in build.frames {
            sealed.add(frame.header, offset: open.end, hash: frame.hash, facts: frame.facts)
        }
        let payload = SegmentIndex.payload(of: sealed, streams: streams, frameOffset: sealed.end)
        // An index too large for its frame leaves the segment open: rather one large file than none.
        guard payload.count <= Format.payloadBytesMax else { return }
        let index = Frame.build(
            kind: .index, flags: [.commitEnds], epoch: epoch, firstPosition: open.header.firstPosition,
            count: sealed.count, payload: payload, compressed: nil, previousHash: sealed.lastHash)
        try writeAndSync(build.bytes + index.bytes, to: file, at: open.end, &writer)
        let name = Format.segmentName(open.header.number)
        guard
            let segment = try SealedSegment(
                header: open.header, name: name, file: file, readsAroundDamage: false)
        else {
            throw stop(&writer, "the index that was just written to \(name) cannot be read")
        }
        view.withLock { view in
            view.sealed.append(segment)
            view.open = nil
            view.openFile = nil
        }
    }
}
