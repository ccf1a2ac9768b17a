internal import CairnBytes

/// The part of verifying that looks at one segment alone, so that segments are checked side by side: every byte of the
/// frames and of the attachments.
struct SegmentCheck: Sendable {
    var segment: OpenSegment
    var name: String
    var damage: [Damage] = []
    var hasHeader = true
    var frameCount = 0
    /// The payload of the index, if the segment ends in one.
    var index: [UInt8]?
    var indexOffset: UInt64 = 0
    var segmentBytes: UInt64 = 0
    var attachmentBytes: UInt64 = 0
    var contentCount = 0
    /// Digests that were removed, with the position of the event that did it.
    var gone: [(digest: TreeHash, position: UInt64)] = []
    var attachmentRewrites: UInt64 = 0
    var attachmentHints: [TreeHash: UInt64] = [:]
    var isNewer: LedgerError?
    /// Sorted as the index sorts them.
    var identities: [IdentityRow] = []

    /// - Parameter signedSize: entries that the last checkpoint counts.
    init(number: UInt32, path: String, disk: any Disk, isLast: Bool, signedSize: UInt64, expected: SegmentHeader) {
        name = Format.segmentName(number)
        segment = OpenSegment(header: expected, frontier: nil, lastRecorded: .min, epoch: 0, tracksIdentities: false)
        do {
            let file = try disk.open("\(path)/\(name)", .read)
            segmentBytes = try file.size()
            try checkHeader(file, number: number, expected: expected)
            try checkFrames(file, isLast: isLast, signedSize: signedSize)
            try checkAttachments(disk, path, isLast: isLast)
        } catch let error as LedgerError where error.code == .newerVersion {
            isNewer = error
        } catch let error as LedgerError {
            damage.append(
                Damage(.corrupt, file: error.segment ?? name, offset: error.offset ?? 0, reason: error.message))
        } catch {
            damage.append(Damage(.corrupt, file: name, offset: 0, reason: "\(error)"))
        }
    }

    private mutating func checkHeader(_ file: any DiskFile, number: UInt32, expected: SegmentHeader) throws {
        do throws(FormatError) {
            let bytes: [UInt8]
            do {
                let length = try SegmentHeader.length(try file.read(at: 0, count: 16))
                bytes = try file.read(at: 0, count: length)
            } catch let error as FormatError { throw error } catch { throw .damaged("\(error)") }
            let header = try SegmentHeader(parsing: bytes)
            guard header.number == number else { throw .damaged("it is segment \(header.number) under another name") }
            segment = OpenSegment(header: header, frontier: nil, lastRecorded: .min, epoch: 0, tracksIdentities: false)
        } catch {
            if case .newer(let reason) = error {
                throw LedgerError(
                    .newerVersion, "cannot verify \(name): \(reason)", segment: name, offset: 8,
                    remedy: "use a later version of cairn")
            }
            hasHeader = false
            damage.append(Damage(.corrupt, file: name, offset: 0, reason: error.reason))
        }
    }

    private mutating func checkFrames(_ file: any DiskFile, isLast: Bool, signedSize: UInt64) throws {
        guard segmentBytes >= segment.end else { return }
        var scanner = FrameScanner(
            file: file, fileEnd: segmentBytes, offset: segment.end,
            previousHash: hasHeader ? segment.lastHash : nil, nextPosition: segment.nextPosition)
        var found: [Damage] = []
        var open = segment
        var frames = 0
        var indexFrame: Frame?
        var afterIndex: UInt64?
        let name = name
        func add(_ frame: Frame, _ facts: Result<FrameFacts, FormatError>) {
            switch facts {
            case .success(let facts) where frame.header.kind == .entries:
                open.add(frame.header, offset: frame.offset, hash: frame.hash, facts: facts)
            case .success: open.advance(to: frame.end, hash: frame.hash, epoch: frame.header.epoch)
            case .failure(let error):
                found.append(
                    Damage(
                        .corrupt, file: name, offset: frame.offset, byteCount: frame.end - frame.offset,
                        reason: error.reason, position: frame.header.firstPosition))
            }
        }
        var reader = FactsReader(dictionary: open.header.dictionary)
        let outcome = try CommitScanner.walk(
            &scanner, file: file, name: name, signedSize: signedSize, mayBeTorn: isLast
        ) { frame in
            frames += 1
            if indexFrame != nil { afterIndex = afterIndex ?? frame.offset }
            if frame.header.kind == .index { indexFrame = frame }
            reader.add(frame) { add($0.frame, $0.facts) }
        }
        reader.finish { add($0.frame, $0.facts) }
        if let afterIndex {
            found.append(Damage(.corrupt, file: name, offset: afterIndex, reason: "there are frames behind the index"))
        }
        if indexFrame != nil, let torn = outcome.damage.first(where: { $0.verdict == .torn }) {
            // Nobody writes behind an index: what is there is no interrupted commit.
            found.append(
                Damage(.corrupt, file: name, offset: torn.offset, reason: "there are bytes behind the index"))
        } else {
            found += outcome.damage
        }
        if indexFrame == nil, !isLast, found.isEmpty {
            found.append(
                Damage(
                    .corrupt, file: name, offset: segmentBytes, reason: "it has no index, and is not the last segment",
                    position: open.nextPosition))
        }
        segment = open
        identities = IdentityRow.sorted(open.identities)
        frameCount = frames
        if let indexFrame {
            index = Array(indexFrame.stored)
            indexOffset = indexFrame.offset
        }
        damage += found
    }

    private mutating func checkAttachments(_ disk: any Disk, _ path: String, isLast: Bool) throws {
        guard
            let file = try AttachmentsFile(
                disk, folder: path, segment: segment.header.number, ledgerID: segment.header.ledgerID)
        else {
            for digest in segment.citedDigests { addMissing(digest, at: 0) }
            return
        }
        attachmentBytes = file.size
        attachmentRewrites = file.header.rewrites
        var unseen = Set(segment.citedDigests)
        var lastCitedEnd = UInt64(Format.attachmentsHeaderBytes)
        var firstUncited: UInt64?
        var found: [Damage] = []
        var start = lastCitedEnd
        while true {
            let (stop, failure) = try file.walk(from: start) { record, offset in
                guard unseen.remove(record.digest) != nil else {
                    firstUncited = firstUncited ?? offset
                    return true
                }
                lastCitedEnd = offset + UInt64(record.byteCount)
                attachmentHints[record.digest] = offset
                check(record, at: offset, in: file, &found)
                return true
            }
            guard let failure else { break }
            let resumed = try file.resynchronize(behind: stop)
            found.append(
                Damage(
                    .corrupt, file: file.name, offset: stop, byteCount: (resumed ?? file.size) - stop,
                    reason: failure.reason))
            guard let resumed else { break }
            start = resumed
        }
        judgeTail(
            file, &found, lastCitedEnd: lastCitedEnd, firstUncited: firstUncited, isLast: isLast && unseen.isEmpty)
        damage += found
        for digest in segment.citedDigests where unseen.contains(digest) { addMissing(digest, at: lastCitedEnd) }
    }

    private mutating func check(
        _ record: RecordHeader, at offset: UInt64, in file: AttachmentsFile, _ found: inout [Damage]
    ) {
        let citing = segment.attachments[record.digest].map { segment.header.firstPosition + UInt64($0.citing) }
        do {
            switch try file.content(record, at: offset) {
            case .present:
                contentCount += 1
                if record.position != citing {
                    found.append(
                        Damage(
                            .corrupt, file: file.name, offset: offset, reason: "it names another entry than cites it",
                            position: citing))
                }
            case .gone(let position): gone.append((record.digest, position))
            }
        } catch {
            let reason = (error as? LedgerError)?.message ?? "\(error)"
            found.append(Damage(.corrupt, file: file.name, offset: offset, reason: reason, position: citing))
        }
    }

    /// What lies behind the last cited record was never part of the log.
    private func judgeTail(
        _ file: AttachmentsFile, _ found: inout [Damage], lastCitedEnd: UInt64, firstUncited: UInt64?, isLast: Bool
    ) {
        if let firstUncited, firstUncited < lastCitedEnd {
            found.append(
                Damage(.corrupt, file: file.name, offset: firstUncited, reason: "no entry cites the attachment there"))
        }
        guard file.size > lastCitedEnd, isLast, index == nil else {
            if file.size > lastCitedEnd {
                found.append(
                    Damage(.corrupt, file: file.name, offset: lastCitedEnd, reason: "no entry cites what is there"))
            }
            return
        }
        found.removeAll { $0.offset >= lastCitedEnd }
        found.append(
            Damage(
                .torn, file: file.name, offset: lastCitedEnd, byteCount: file.size - lastCitedEnd,
                reason: "the last commit was interrupted"))
    }

    private mutating func addMissing(_ digest: TreeHash, at offset: UInt64) {
        let citing = segment.attachments[digest].map { segment.header.firstPosition + UInt64($0.citing) }
        damage.append(
            Damage(
                .corrupt, file: Format.attachmentsName(segment.header.number), offset: offset,
                reason: "attachment \(digest) is missing", position: citing))
    }
}
