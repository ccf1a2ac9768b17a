package import CairnBytes
package import CairnModel
internal import Synchronization

extension Ledger {
    // MARK: By position

    /// The bytes of an entry: canonical JSON, what the tree hashes.
    package func entryBytes(at position: UInt64) throws -> [UInt8] {
        try mapDiskErrors {
            let cursor = try cursor(at: position)
            guard let entry = try frames.frame(cursor).entry(at: position) else {
                throw cursor.damaged("entry \(position) is not in its frame", at: cursor.offset)
            }
            return entry
        }
    }

    func frameHolding(_ position: UInt64) throws -> DecodedFrame { try frames.frame(try cursor(at: position)) }

    package func event(at position: UInt64) throws -> RecordedEvent {
        try decode(try entryBytes(at: position), position: position)
    }

    /// Every event from one position up to another (not included), or up to what is known now; in order, with one frame
    /// in memory.
    package func forEach(
        from start: UInt64, to end: UInt64? = nil, _ body: (RecordedEvent) throws -> Void
    ) throws {
        try forEachRange(from: start, to: end) { position, payload, range in
            try body(
                EntryDecoder.event(payload, in: range, position: position) { try content(of: $0) })
        }
    }

    /// The same with the bytes of each entry.
    package func forEachEntry(
        from start: UInt64, to end: UInt64? = nil, _ body: (UInt64, [UInt8]) throws -> Void
    ) throws {
        try forEachRange(from: start, to: end) { try body($0, Array($1[$2])) }
    }

    /// The same with the range of each entry in the payload of its frame.
    private func forEachRange(
        from start: UInt64, to end: UInt64?, _ body: (UInt64, [UInt8], Range<Int>) throws -> Void
    ) throws {
        try forEachFrame(from: start, to: end) { frame in
            for (index, range) in frame.ranges.enumerated() {
                try body(frame.firstPosition + UInt64(index), frame.payload, range)
            }
        }
    }

    /// The same frame by frame: what a reader needs that decodes entries itself.
    package func forEachFrame(
        from start: UInt64, to end: UInt64? = nil, _ body: (EntryFrame) throws -> Void
    ) throws {
        try mapDiskErrors {
            let end = min(end ?? .max, size)
            var position = start
            while position < end {
                position = try cursor(at: position).forEachFrame(to: end) { frame in
                    let first = max(frame.firstPosition, start)
                    let last = min(frame.endPosition, end)
                    guard first < last else { return }
                    let isWhole = first == frame.firstPosition && last == frame.endPosition
                    let indices = Int(first - frame.firstPosition)..<Int(last - frame.firstPosition)
                    try body(
                        EntryFrame(
                            firstPosition: first, payload: frame.payload,
                            ranges: isWhole ? frame.ranges : Array(frame.ranges[indices])))
                }
            }
        }
    }

    /// The same, without the frames in which everything happened after a moment.
    package func forEachFrame(
        in positions: Range<UInt64>, occurredBy moment: Timestamp?, _ body: (EntryFrame) throws -> Void
    ) throws {
        guard let moment else { return try forEachFrame(from: positions.lowerBound, to: positions.upperBound, body) }
        // Frames in a row that are wanted are read in one go.
        var wanted: Range<UInt64>?
        func read() throws {
            guard let frames = wanted?.clamped(to: positions), !frames.isEmpty else { return wanted = nil }
            wanted = nil
            try forEachFrame(from: frames.lowerBound, to: frames.upperBound, body)
        }
        for row in try mapDiskErrors({ try frameRows() }) {
            if row.minTime <= moment.microseconds {
                wanted = (wanted?.lowerBound ?? row.firstPosition)..<(row.firstPosition + UInt64(row.count))
            } else {
                try read()
            }
        }
        try read()
    }

    /// The event of an entry that lies in a frame.
    package func event(_ payload: [UInt8], in range: Range<Int>, position: UInt64) throws -> RecordedEvent {
        try EntryDecoder.event(payload, in: range, position: position) { try content(of: $0) }
    }

    private func cursor(at position: UInt64) throws -> SegmentCursor {
        // An open segment is looked up under the lock, a sealed one reads its index and must not.
        let sealed = try view.withLock { view -> Result<SegmentCursor, LedgerError>? in
            guard let open = view.open, position >= open.header.firstPosition else { return nil }
            return .success(try view.cursor(at: position))
        }
        if let sealed { return try sealed.get() }
        var snapshot = LedgerView()
        snapshot.sealed = view.withLock { $0.sealed }
        return try snapshot.cursor(at: position)
    }

    func decode(_ bytes: [UInt8], position: UInt64) throws -> RecordedEvent {
        try EntryDecoder.event(bytes, position: position) { try content(of: $0) }
    }

    // MARK: By stream

    /// The events of a stream in order, from a revision on.
    package func forEach(
        in stream: StreamName, from revision: UInt64 = 0, _ body: (RecordedEvent) throws -> Void
    ) throws {
        for position in try positions(of: stream, from: revision) { try body(event(at: position)) }
    }

    /// The positions of a stream's events, from a revision on.
    package func positions(of stream: StreamName, from revision: UInt64 = 0) throws -> [UInt64] {
        try mapDiskErrors {
            let (sealed, open) = view.withLock { view in
                (view.sealed, view.open.map { ($0.header.firstPosition, $0.streams[stream.text]) })
            }
            var positions: [UInt64] = []
            func add(_ run: OpenSegment.StreamRun?, from first: UInt64) {
                guard let run, run.lastRevision >= revision else { return }
                let skipped = revision > run.firstRevision ? Int(revision - run.firstRevision) : 0
                for entry in run.entries.dropFirst(skipped) { positions.append(first + UInt64(entry)) }
            }
            for segment in sealed { add(try segment.run(of: stream.text), from: segment.firstPosition) }
            if let (first, run) = open { add(run, from: first) }
            return positions
        }
    }

    /// The revision of the last event of a stream, or nil if it has none.
    package func lastRevision(of stream: StreamName) throws -> UInt64? {
        try mapDiskErrors { try lastRevision(ofStream: stream.text) }
    }

    func lastRevision(ofStream name: String) throws -> UInt64? {
        let (sealed, open) = view.withLock { ($0.sealed, $0.open?.streams.row(named: name)?.lastRevision) }
        if let open { return open }
        for segment in sealed.reversed() {
            if let run = try segment.run(of: name) { return run.lastRevision }
        }
        return nil
    }

    /// Every stream with its last revision, sorted by name.
    package func streams() throws -> [(name: String, lastRevision: UInt64)] {
        try mapDiskErrors { try lastRevisions(view.withLock { ($0.sealed, $0.open?.streams ?? StreamTable()) }) }
    }

    func lastRevisions(
        _ state: (sealed: [SealedSegment], open: StreamTable)
    ) throws -> [(name: String, lastRevision: UInt64)] {
        var last: [String: UInt64] = [:]
        for segment in state.sealed { try segment.forEachStream { last[$0] = $1.lastRevision } }
        for row in state.open.rows { last[state.open.name(row)] = row.lastRevision }
        return last.map { ($0.key, $0.value) }
            .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    // MARK: By time

    /// The events that happened in `[start, end)`, in the order of the log. Reads only frames that can hold one.
    package func forEach(
        occurredFrom start: Timestamp, to end: Timestamp, _ body: (RecordedEvent) throws -> Void
    ) throws {
        try mapDiskErrors {
            for row in try frameRows() {
                guard row.minTime < end.microseconds, row.maxTime >= start.microseconds else { continue }
                try forEach(from: row.firstPosition, to: row.firstPosition + UInt64(row.count)) { event in
                    if event.time >= start, event.time < end { try body(event) }
                }
            }
        }
    }

    /// The first position that was recorded at or after a moment; the size if there is none.
    package func firstPosition(recordedFrom moment: Timestamp) throws -> UInt64 {
        try mapDiskErrors {
            let rows = try frameRows()
            var low = 0
            var high = rows.count
            while low < high {
                let middle = (low + high) / 2
                if rows[middle].lastRecorded < moment.microseconds { low = middle + 1 } else { high = middle }
            }
            guard low < rows.count else { return size }
            var found: UInt64?
            let end = rows[low].firstPosition + UInt64(rows[low].count)
            try forEachEntry(from: rows[low].firstPosition, to: end) { position, bytes in
                guard found == nil, let facts = EntryFacts(bytes, in: 0..<bytes.count),
                    facts.recordedTime >= moment.microseconds
                else { return }
                found = position
            }
            return found ?? end
        }
    }

    private func frameRows() throws -> [OpenSegment.FrameRow] {
        let (sealed, open) = view.withLock { ($0.sealed, $0.open?.frames ?? []) }
        var rows: [OpenSegment.FrameRow] = []
        for segment in sealed {
            for index in 0..<(try segment.frameCount()) { rows.append(try segment.frame(at: index)) }
        }
        return rows + open
    }

    // MARK: Attachments

    /// The content of an attachment, checked against the digest that the entry cites.
    package func content(of reference: AttachmentReference) throws -> AttachmentContent {
        try mapDiskErrors {
            let (file, record, offset) = try found(reference)
            if record.kind == .content, let position = try pendingRemoval(of: record.digest) {
                return .gone(by: position)
            }
            return try file.content(record, at: offset)
        }
    }

    /// A part of the content, cut to what is there. Reads no more than these bytes where the content is stored as it
    /// is, and so cannot check them against the digest: for content that has checksums of its own.
    package func content(of reference: AttachmentReference, bytes range: Range<Int>) throws -> AttachmentContent {
        try mapDiskErrors {
            let (file, record, offset) = try found(reference)
            let range = range.clamped(to: 0..<record.contentCount)
            if record.kind == .content, let position = try pendingRemoval(of: record.digest) {
                return .gone(by: position)
            }
            guard record.kind == .content, !record.isCompressed else {
                guard case .present(let bytes) = try file.content(record, at: offset) else {
                    return .gone(by: record.position)
                }
                return .present(Array(bytes[range]))
            }
            let start = offset + UInt64(Format.recordHeaderBytes + record.mediaTypeCount + range.lowerBound)
            let bytes = try file.file.read(at: start, count: range.count)
            guard bytes.count == range.count else {
                throw AttachmentsFile.damaged(file.name, offset, "the attachment ends early")
            }
            return .present(bytes)
        }
    }

    private func found(
        _ reference: AttachmentReference
    ) throws -> (file: AttachmentsFile, record: RecordHeader, offset: UInt64) {
        guard let digest = TreeHash(reference.digest) else {
            throw LedgerError(.notFound, "cannot read an attachment: its digest has not 32 bytes")
        }
        guard let found = try find(digest) else {
            throw LedgerError(
                .notFound, "cannot read attachment \(digest): no entry cites it, or its record is damaged",
                remedy: "run verify")
        }
        return found
    }

    /// The record of an attachment.
    func find(_ digest: TreeHash) throws -> (file: AttachmentsFile, record: RecordHeader, offset: UInt64)? {
        guard let place = try segment(citing: digest),
            let file = try AttachmentsFile(disk, folder: path, segment: place.number, ledgerID: identity),
            let (record, offset) = try file.find(digest, hint: place.hint)
        else { return nil }
        return (file, record, offset)
    }

    /// The segment whose attachments file has the record, and where the record was last.
    func segment(citing digest: TreeHash) throws -> (number: UInt32, hint: UInt64)? {
        let (sealed, open) = view.withLock { view in
            (
                view.sealed,
                view.open.flatMap { open in open.attachments[digest].map { (open.header.number, $0.offset) } }
            )
        }
        if let open { return open }
        for segment in sealed.reversed() {
            if let row = try segment.attachment(digest) { return (segment.number, row.offset) }
        }
        return nil
    }

    // MARK: Following

    /// Waits until the ledger has an entry at or behind a position, or until the time is over.
    /// - Returns: the size then.
    package func wait(for position: UInt64, timeoutMilliseconds: UInt64 = 30_000) async throws -> UInt64 {
        // Other processes append too, and the folder cannot tell: look ten times a second.
        let pollMilliseconds: UInt64 = 100
        var waited: UInt64 = 0
        while true {
            try refresh()
            let size = size
            if size > position || waited >= timeoutMilliseconds { return size }
            try await Task.sleep(nanoseconds: pollMilliseconds * 1_000_000)
            waited += pollMilliseconds
        }
    }

    /// All events from a position on, and then those to come, until the task is cancelled.
    package func follow(from position: UInt64) -> LedgerFollower { LedgerFollower(ledger: self, next: position) }
}

/// Entries of one frame in a row: where each lies in the payload.
package struct EntryFrame: Sendable {
    /// Position of the first entry.
    package let firstPosition: UInt64
    package let payload: [UInt8]
    package let ranges: [Range<Int>]

    package init(firstPosition: UInt64, payload: [UInt8], ranges: [Range<Int>]) {
        self.firstPosition = firstPosition
        self.payload = payload
        self.ranges = ranges
    }
}

/// The events of a ledger from a position on, without an end: a catch-up subscription. Nothing is skipped, because
/// positions have no gaps and entries are seen only when they are synced.
package struct LedgerFollower: AsyncSequence, AsyncIteratorProtocol, Sendable {
    package typealias Element = RecordedEvent

    private let ledger: Ledger
    private var position: UInt64
    private var batch: [RecordedEvent] = []
    /// Events in memory at most.
    private static let batchMax: UInt64 = 256

    init(ledger: Ledger, next: UInt64) {
        self.ledger = ledger
        position = next
    }

    package func makeAsyncIterator() -> LedgerFollower { self }

    package mutating func next() async throws -> RecordedEvent? {
        while batch.isEmpty {
            if Task.isCancelled { return nil }
            let size = try await ledger.wait(for: position)
            guard size > position else { continue }
            let end = Swift.min(size, position + LedgerFollower.batchMax)
            try ledger.forEach(from: position, to: end) { batch.append($0) }
            batch.reverse()
            position = end
        }
        return batch.popLast()
    }
}
