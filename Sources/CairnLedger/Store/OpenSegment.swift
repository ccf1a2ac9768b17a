/// The index of a segment in memory: built while frames are read or written, and what the index of a sealed segment is
/// written from. About 100 bytes for each entry.
struct OpenSegment: Sendable {
    struct FrameRow: Sendable, Hashable {
        var offset: UInt64
        var firstPosition: UInt64
        var count: UInt32
        var firstRecorded: Int64
        var lastRecorded: Int64
        var minTime: Int64
        var maxTime: Int64
        /// Of the whole frame.
        var byteCount: UInt32
    }

    struct StreamRun: Sendable {
        var firstRevision: UInt64
        /// Counted from the first entry of the segment.
        var entries: [UInt32]
        var lastRevision: UInt64
    }

    struct AttachmentRow: Sendable {
        /// Where the record was when it was last looked for.
        var offset: UInt64
        /// Counted from the first entry of the segment.
        var citing: UInt32
    }

    let header: SegmentHeader
    private(set) var frames: [FrameRow] = []
    /// End of the last whole commit: where the next frame goes.
    private(set) var end: UInt64
    /// Hash of the last frame, or of the header.
    private(set) var lastHash: TreeHash
    /// Position behind the last entry.
    private(set) var nextPosition: UInt64
    private(set) var identities: [IdentityRow] = []
    private var firstByIdentity: [UInt64: UInt32] = [:]
    /// Further entries with the same short hash: other identities, which 64 bits do not tell apart.
    private var moreByIdentity: [UInt64: [UInt32]] = [:]
    private(set) var streams = StreamTable()
    var attachments: [TreeHash: AttachmentRow] = [:]
    /// The cited digests in the order of their records in the attachments file.
    private(set) var citedDigests: [TreeHash] = []
    /// Leaf hashes of the entries; with gaps where frames are damaged, and then of no use for the tree.
    private(set) var leaves: [TreeHash] = []
    private(set) var frontier: TreeFrontier
    private(set) var hasGap = false
    private(set) var minTime = Int64.max
    private(set) var maxTime = Int64.min
    private(set) var firstRecorded: Int64?
    private(set) var lastRecorded: Int64
    /// `recordedtime` of the last note that the clock stepped back.
    private(set) var lastStepBack: Int64?
    private(set) var epoch: UInt32
    /// Entries that say something to the ledger itself, in order.
    private(set) var special: [(entry: UInt32, meaning: EntryFacts.Meaning)] = []
    /// The first entry that was recorded before the one before it.
    private(set) var firstOutOfTime: UInt32?
    private var lastAdded = Int64.min
    private let tracksTree: Bool
    private let tracksIdentities: Bool

    /// - Parameters:
    ///   - frontier: of the tree before the segment; nil if nobody will ask for the one behind it.
    ///   - tracksIdentities: false if nobody will look for one.
    init(
        header: SegmentHeader, frontier: TreeFrontier?, lastRecorded: Int64, epoch: UInt32,
        tracksIdentities: Bool = true
    ) {
        self.tracksIdentities = tracksIdentities
        self.header = header
        end = UInt64(header.byteCount)
        lastHash = header.hash
        nextPosition = header.firstPosition
        self.frontier = frontier ?? TreeFrontier()
        tracksTree = frontier != nil
        self.lastRecorded = lastRecorded
        lastAdded = lastRecorded
        self.epoch = epoch
    }

    /// For a segment that was read without the ones before it.
    mutating func setFrontier(_ frontier: TreeFrontier) { self.frontier = frontier }

    var count: UInt32 { UInt32(truncatingIfNeeded: nextPosition - header.firstPosition) }

    /// The entries whose identity has this short hash, counted from the first of the segment.
    func candidates(identity: UInt64) -> [UInt32] {
        guard let first = firstByIdentity[identity] else { return [] }
        return [first] + (moreByIdentity[identity] ?? [])
    }

    /// Adds a frame of entries.
    mutating func add(_ header: FrameHeader, offset: UInt64, hash: TreeHash, facts: FrameFacts) {
        let entries = facts.entries
        precondition(entries.count == Int(header.count), "a frame of \(header.count) has \(entries.count) entries")
        if header.firstPosition != nextPosition { hasGap = true }
        let base = UInt32(truncatingIfNeeded: header.firstPosition - self.header.firstPosition)
        var row = FrameRow(
            offset: offset, firstPosition: header.firstPosition, count: header.count,
            firstRecorded: entries.first?.recordedTime ?? lastRecorded,
            lastRecorded: entries.last?.recordedTime ?? lastRecorded, minTime: .max, maxTime: .min,
            byteCount: UInt32(truncatingIfNeeded: header.byteCount))
        let bytes = facts.payload
        for (index, facts) in entries.enumerated() {
            row.minTime = min(row.minTime, facts.time)
            row.maxTime = max(row.maxTime, facts.time)
            add(facts, entry: base + UInt32(index), bytes)
        }
        frames.append(row)
        minTime = min(minTime, row.minTime)
        maxTime = max(maxTime, row.maxTime)
        if firstRecorded == nil { firstRecorded = row.firstRecorded }
        lastRecorded = max(lastRecorded, row.lastRecorded)
        nextPosition = header.firstPosition + UInt64(header.count)
        advance(to: offset + UInt64(header.byteCount), hash: hash, epoch: header.epoch)
    }

    /// Goes past a frame without entries.
    mutating func advance(to end: UInt64, hash: TreeHash, epoch: UInt32) {
        self.end = end
        lastHash = hash
        self.epoch = max(self.epoch, epoch)
    }

    private mutating func note(_ facts: EntryFacts, entry: UInt32) {
        if facts.meaning == .clockSteppedBack { lastStepBack = facts.recordedTime }
        if facts.meaning != .none { special.append((entry, facts.meaning)) }
        if facts.recordedTime < lastAdded, firstOutOfTime == nil { firstOutOfTime = entry }
        lastAdded = max(lastAdded, facts.recordedTime)
    }

    private mutating func add(_ facts: EntryFacts, entry: UInt32, _ bytes: [UInt8]) {
        identities.append(IdentityRow(hash: facts.identity, entry: entry))
        if tracksIdentities, let earlier = firstByIdentity.updateValue(entry, forKey: facts.identity) {
            firstByIdentity[facts.identity] = earlier
            moreByIdentity[facts.identity, default: []].append(entry)
        }
        streams.append(bytes, name: facts.subject, entry: entry, revision: facts.revision)
        for digest in facts.attachments {
            attachments[digest] = AttachmentRow(offset: 0, citing: entry)
            citedDigests.append(digest)
        }
        note(facts, entry: entry)
        leaves.append(facts.leaf)
        if tracksTree { frontier.append(facts.leaf) }
    }
}
