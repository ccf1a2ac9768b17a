internal import CairnBytes
internal import CairnModel
internal import Synchronization

/// Checks a whole ledger from its files alone, trusting neither index nor tiles: every byte of every segment and
/// attachment, the chain of frames, the numbers of positions and revisions, the indexes against the entries, the tree
/// against the checkpoints, the keys against their rotations.
package struct LedgerVerifier {
    private let path: String
    private let environment: LedgerEnvironment
    private var report = VerifyReport()
    private var checkpoint: SignedCheckpoint?
    /// Short hashes of the identities of each segment, sorted.
    private var identities: [(name: String, firstPosition: UInt64, rows: [IdentityRow])] = []
    private var lastRevisions: [String: UInt64] = [:]
    private var tree = TreeFrontier()
    /// Sizes whose roots are wanted, with the roots once they are reached.
    private var wantedRoots: [UInt64: TreeHash?] = [:]
    private var rotations: [KeyHistory.Rotation] = []
    private var removals: [UInt64: String] = [:]
    private var gone: [(digest: TreeHash, position: UInt64, file: String)] = []
    private var isTreeWhole = true
    private var previousHash: TreeHash? = SegmentHeader.noHash
    private var ledgerID: [UInt8]?
    private var firstKey: VerifierKey?

    private init(path: String, environment: LedgerEnvironment) {
        self.path = path
        self.environment = environment
    }

    /// - Parameters:
    ///   - vkey: the verifier key that the caller trusts; without it the ledger vouches for its own key.
    ///   - against: checkpoints that the caller kept, which the ledger must contain.
    package static func verify(
        at path: String, environment: LedgerEnvironment, vkey: VerifierKey? = nil, against: [SignedCheckpoint] = []
    ) throws -> VerifyReport {
        var verifier = LedgerVerifier(path: path, environment: environment)
        return try mapDiskErrors { try verifier.run(vkey: vkey, against: against) }
    }

    private mutating func run(vkey: VerifierKey?, against: [SignedCheckpoint]) throws -> VerifyReport {
        let names: [String]
        do throws(DiskError) { names = try environment.disk.list("\(path)/segments") } catch {
            if error.reason == .notFound || error.reason == .notFolder { throw Ledger.notALedger(path) }
            throw error
        }
        let numbers = names.compactMap { Format.segmentNumber(ofName: $0) }.sorted()
        guard let last = numbers.last else { throw Ledger.notALedger(path) }
        readCheckpoint()
        for checkpoint in against + (checkpoint.map { [$0] } ?? []) {
            wantedRoots[checkpoint.checkpoint.size] = .some(nil)
        }
        if wantedRoots[0] != nil { wantedRoots[0] = tree.root }
        try checkSegments(numbers, last: last)
        checkIdentities()
        try checkRemovals()
        report.entries = tree.size
        report.streams = lastRevisions.count
        report.root = tree.root.description
        checkKeys(vkey: vkey)
        for checkpoint in against { check(checkpoint, isOwn: false) }
        if let checkpoint { check(checkpoint, isOwn: true) }
        // The verifier key is public and stands in the header: without a signature anybody can write such a ledger.
        if vkey != nil, checkpoint == nil, against.isEmpty, report.entries > 0 {
            report.add(
                .key, "cannot trust \(path): it has no checkpoint, so nothing in it is signed by the key",
                remedy: "bring its checkpoint back, or compare with one that was kept: --against FILE")
        }
        return report
    }

    private mutating func readCheckpoint() {
        do {
            let file = try environment.disk.open("\(path)/checkpoint", .read)
            let checkpoint = try SignedCheckpoint(parsing: try file.readAll(limit: UInt64(SignedNote.bytesMax)))
            self.checkpoint = checkpoint
            report.signedSize = checkpoint.checkpoint.size
        } catch let error as DiskError where error.reason == .notFound {
            return
        } catch {
            report.add(.corrupt, "cannot read checkpoint: \(error)", file: "checkpoint", offset: 0)
        }
    }

    // MARK: Segments

    /// Segments side by side, as many as fit the machine, then in order what goes across them.
    private mutating func checkSegments(_ numbers: [UInt32], last: UInt32) throws {
        // Two, so that one can be read and put together while the cores work on the other; a segment and its facts take up
        // to 150 MB.
        let width = 2
        var next: UInt32 = 0
        while next <= last {
            let end = min(last, next + UInt32(width) - 1)
            let wanted = (next...end).filter { numbers.contains($0) }
            let checks = checkSideBySide(wanted, last: last)
            for number in next...end {
                guard let check = checks[number] else {
                    report.add(
                        Damage(
                            .corrupt, file: Format.segmentName(number), offset: 0, reason: "the file is missing",
                            position: tree.size))
                    isTreeWhole = false
                    previousHash = nil
                    continue
                }
                if let newer = check.isNewer { throw newer }
                try add(check, isLast: number == last)
            }
            next = end + 1
        }
    }

    private func checkSideBySide(_ numbers: [UInt32], last: UInt32) -> [UInt32: SegmentCheck] {
        let results = SegmentChecks()
        let path = path
        let disk = environment.disk
        let signedSize = checkpoint?.checkpoint.size ?? 0
        let size = tree.size
        let id = ledgerID ?? [UInt8](repeating: 0, count: Format.ledgerIDBytes)
        // Threads of their own: they wait for those that read the entries.
        WorkerThread.run(numbers.count) { index in
            let number = numbers[index]
            // Stands in for a header that cannot be read.
            let expected = SegmentHeader(
                ledgerID: id, number: number, firstPosition: size, created: 0, previousHash: SegmentHeader.noHash,
                origin: "unknown", verifierKey: "", dictionary: PresetDictionary.standard)
            let check = SegmentCheck(
                number: number, path: path, disk: disk, isLast: number == last, signedSize: signedSize,
                expected: expected)
            results.byNumber.withLock { $0[number] = check }
        }
        return results.byNumber.withLock { $0 }
    }

    /// What several threads found.
    private final class SegmentChecks: Sendable {
        let byNumber = Mutex<[UInt32: SegmentCheck]>([:])
    }

    private mutating func add(_ check: SegmentCheck, isLast: Bool) throws {
        let header = check.segment.header
        report.segments += 1
        report.frames += check.frameCount
        report.segmentBytes += check.segmentBytes
        report.attachmentBytes += check.attachmentBytes
        report.attachments += check.contentCount
        report.goneAttachments += check.gone.count
        for damage in check.damage { report.add(damage) }
        if check.hasHeader { checkHeader(header, check.name) } else { isTreeWhole = false }
        previousHash = check.damage.contains { $0.verdict == .corrupt } ? nil : check.segment.lastHash
        if header.firstPosition != tree.size || check.segment.hasGap { isTreeWhole = false }
        try checkNumbers(check)
        if let index = check.index, !check.segment.hasGap, isTreeWhole { try checkIndex(index, check) }
        for item in check.gone {
            gone.append((item.digest, item.position, Format.attachmentsName(header.number)))
        }
    }

    private mutating func checkHeader(_ header: SegmentHeader, _ name: String) {
        if ledgerID == nil {
            ledgerID = header.ledgerID
            report.ledgerID = header.ledgerID
            report.origin = header.origin
            firstKey = try? VerifierKey(header.verifierKey)
        }
        if header.ledgerID != ledgerID || header.origin != report.origin {
            report.add(.corrupt, "cannot trust \(name): it belongs to another ledger", file: name, offset: 16)
        }
        if let previousHash, header.previousHash != previousHash {
            report.add(
                .corrupt, "cannot trust \(name): its header does not follow the segment before it", file: name,
                offset: 52)
        }
        if isTreeWhole, header.firstPosition != tree.size {
            report.add(
                .corrupt,
                "cannot trust \(name): it begins with entry \(header.firstPosition), and entry \(tree.size) is next",
                file: name, offset: 36)
        }
    }

    /// Positions, revisions, identities, times; and the leaves into the tree.
    private mutating func checkNumbers(_ check: SegmentCheck) throws {
        let segment = check.segment
        identities.append((check.name, segment.header.firstPosition, check.identities))
        for row in segment.streams.rows {
            let name = segment.streams.name(row)
            let expected = lastRevisions[name].map { $0 &+ 1 } ?? 0
            if isTreeWhole, !row.isDense || row.firstRevision != expected {
                report.add(
                    .corrupt, "cannot trust \(check.name): the revisions of stream \(name) have a gap",
                    file: check.name)
            }
        }
        if let entry = segment.firstOutOfTime {
            report.add(
                .corrupt,
                "cannot trust \(check.name): entry \(segment.header.firstPosition + UInt64(entry)) was recorded before "
                    + "the one before it", file: check.name)
        }
        addLeaves(segment.leaves)
        try readSpecial(check)
        for row in segment.streams.rows { lastRevisions[segment.streams.name(row)] = row.lastRevision }
    }

    private mutating func addLeaves(_ leaves: [TreeHash]) {
        var rest = leaves[...]
        let end = tree.size + UInt64(leaves.count)
        for size in wantedRoots.keys.sorted() where size > tree.size && size <= end {
            let part = rest.prefix(Int(size - tree.size))
            tree.append(contentsOf: part)
            wantedRoots[size] = .some(tree.root)
            rest = rest.dropFirst(part.count)
        }
        tree.append(contentsOf: rest)
    }

    /// No two entries have the same source and id.
    private mutating func checkIdentities() {
        for repeated in IdentityRow.repeated(identities.map(\.rows)) {
            let (name, firstPosition, _) = identities[repeated.segment]
            report.add(
                .corrupt,
                "cannot trust \(name): entry \(firstPosition + UInt64(repeated.entry)) has the source and id of an "
                    + "earlier one", file: name)
        }
    }

    // MARK: Events that say something to the ledger

    private mutating func readSpecial(_ check: SegmentCheck) throws {
        guard !check.segment.special.isEmpty else { return }
        var view = LedgerView()
        view.open = check.segment
        view.openFile = try environment.disk.open("\(path)/\(check.name)", .read)
        for (entry, meaning) in check.segment.special {
            let position = check.segment.header.firstPosition + UInt64(entry)
            guard let bytes = try? view.cursor(at: position).frame().entry(at: position),
                let value = try? JSONParser.parse(bytes).value
            else { continue }
            switch meaning {
            case .removal: removals[position] = value["data"]?["digest"]?.string
            case .keyRotated:
                if let rotation = KeyHistory.rotation(bytes, position: position) { rotations.append(rotation) }
            case .streamsSealed: checkStreams(value, position, check)
            case .none, .clockSteppedBack: break
            }
        }
    }

    /// The root over the streams that the event says must be the one its position gives.
    private mutating func checkStreams(_ event: JSONValue, _ position: UInt64, _ check: SegmentCheck) {
        guard isTreeWhole, let root = event["data"]?["streams_root"]?.string else { return }
        var last = lastRevisions
        let limit = UInt32(truncatingIfNeeded: position - check.segment.header.firstPosition)
        let streams = check.segment.streams
        for row in streams.rows {
            let before = streams.entryCount(of: row, before: limit)
            if before > 0 { last[streams.name(row)] = row.firstRevision + UInt64(before - 1) }
        }
        let commitment = StreamMap(last.map { (key: $0.key, value: $0.value) }).commitment
        if commitment.root.description != root || event["data"]?["entries"]?.integer != Int64(exactly: position) {
            report.add(
                .corrupt,
                "cannot trust \(check.name): the event at position \(position) says another root over the streams than "
                    + "the entries give", file: check.name)
        }
    }

    /// The index must be the one that the entries give, byte for byte.
    private mutating func checkIndex(_ index: [UInt8], _ check: SegmentCheck) throws {
        func differs(_ reason: String) {
            report.add(
                .corrupt, "cannot trust the index of \(check.name): \(reason)", file: check.name,
                offset: check.indexOffset)
        }
        guard let summary = try? SegmentSummary(parsing: Array(index.suffix(Format.summaryBytes))),
            summary.payloadByteCount == index.count
        else {
            differs("its tables do not fit each other")
            return
        }
        guard case .streamsSealed? = check.segment.special.last?.meaning,
            check.segment.special.last?.entry == check.segment.count - 1
        else {
            differs("the last entry does not seal the streams")
            return
        }
        var segment = check.segment
        if check.attachmentRewrites == 0 {
            for (digest, offset) in check.attachmentHints { segment.attachments[digest]?.offset = offset }
        } else {
            // Records moved since; where they were cannot be known any more.
            let rows = index[Int(summary.attachmentsOffset)..<Int(summary.treeOffset)]
            for start in stride(from: rows.startIndex, to: rows.endIndex, by: SegmentIndex.attachmentRowBytes) {
                let digest = TreeHash(checked: index[start..<start + TreeHash.byteCount])
                segment.attachments[digest]?.offset = index.uint64(at: start + TreeHash.byteCount)
            }
        }
        segment.setFrontier(tree)
        var last = lastRevisions
        let selfName = "ledger/self"
        if let run = segment.streams[selfName], run.lastRevision == 0 {
            last[selfName] = nil
        } else {
            last[selfName] = last[selfName].map { $0 &- 1 }
        }
        let commitment = StreamMap(last.map { (key: $0.key, value: $0.value) }).commitment
        let expected = SegmentIndex.payload(
            of: segment, identities: check.identities, streams: commitment, frameOffset: check.indexOffset)
        if expected != index { differs("it is not the one that the entries give") }
    }

    /// What is gone was removed by an event, and what an event removed is gone.
    private mutating func checkRemovals() throws {
        for item in gone where removals[item.position] != item.digest.description {
            report.add(
                .corrupt,
                "cannot trust \(item.file): attachment \(item.digest) is gone, and entry \(item.position) is no event "
                    + "that removed it", file: item.file)
        }
        guard isTreeWhole, report.problems.isEmpty else { return }
        let goneDigests = Set(gone.map(\.digest.description))
        let left = removals.filter { !goneDigests.contains($0.value) }
        if left.isEmpty { return }
        let pending = try pendingDigests()
        for (position, digest) in left.sorted(by: { $0.key < $1.key }) {
            if pending.contains(digest) {
                report.add(
                    Damage(
                        .torn, file: Ledger.pendingName, offset: 0,
                        reason: "attachment \(digest) is still to be erased; the next writer does it"))
            } else {
                report.add(
                    .corrupt,
                    "cannot trust the removal of attachment \(digest) by the event at position \(position): its content "
                        + "is still there", remedy: "redact it once more")
            }
        }
    }

    private func pendingDigests() throws -> Set<String> {
        do throws(DiskError) {
            let file = try environment.disk.open("\(path)/\(Ledger.pendingName)", .read)
            let bytes = try file.readAll(limit: Ledger.pendingBytesMax)
            return Set(Ledger.pendingRemovals(in: bytes).digests.map(\.description))
        } catch {
            if error.reason == .notFound { return [] }
            throw error
        }
    }

    // MARK: Signatures

    private mutating func checkKeys(vkey: VerifierKey?) {
        rotations.sort { $0.position < $1.position }
        let history = KeyHistory(
            first: firstKey, rotations: rotations, origin: report.origin, ledgerID: ledgerID ?? [])
        report.keys = history.ranges
        for (position, reason) in history.refused {
            report.add(.key, "cannot accept the key rotation at position \(position): \(reason)")
        }
        if let vkey, !history.ranges.contains(where: { $0.key == vkey }) {
            report.add(
                .key, "cannot trust \(path): the key \(vkey) is none of the ledger's keys",
                remedy: "compare the key with the one that init printed")
        }
    }

    private mutating func check(_ signed: SignedCheckpoint, isOwn: Bool) {
        let head = signed.checkpoint
        let name = isOwn ? "the last checkpoint" : "the given checkpoint"
        if head.origin != report.origin {
            report.add(.fork, "cannot accept \(name): it is of \(head.origin), and the ledger is \(report.origin)")
            return
        }
        if let key = report.keys.last(where: { head.size >= $0.from && head.size <= $0.through })?.key {
            do throws(NoteError) { _ = try signed.verify(logKeys: [key]) } catch {
                report.add(.key, "cannot accept \(name): \(error)", file: isOwn ? "checkpoint" : nil)
            }
        }
        if head.size > tree.size {
            report.add(
                .lostEvents,
                "cannot trust \(path): \(name) was signed for \(head.size) entries, and the files have \(tree.size): "
                    + "entries \(tree.size) to \(head.size - 1) are lost",
                remedy: "restore the files from a backup, or go on with cairn init --continues CHECKPOINT")
            return
        }
        guard isTreeWhole, let root = wantedRoots[head.size] ?? nil, root != head.root else { return }
        let here = Checkpoint(origin: report.origin, size: head.size, root: root)
        report.add(
            .fork,
            "FORK: \(name) and the entries disagree at size \(head.size)\n\(head.text)\n\(here.text)",
            remedy: "one of them was altered: compare with a copy that an auditor keeps")
    }
}
