internal import Synchronization

extension Ledger {
    /// Reads what other processes appended since, segment by segment.
    ///
    /// Bytes in the file may not be on disk yet: their writer may have died before its sync, or be about to sync. So
    /// whoever reads them syncs them before it shows them or builds on them.
    /// - Parameter holdsLock: true for a writer, which cuts off what an interrupted commit left.
    func catchUp(_ writer: inout WriterState, holdsLock: Bool) throws {
        if writer.isClosed { throw LedgerError(.closed, "cannot read \(path): the ledger was closed") }
        try readTails(&writer, holdsLock: holdsLock)
        guard holdsLock, writer.mayOweRemoval else { return }
        writer.mayOweRemoval = false
        // Who recorded the removal may have died before it erased anything. What cannot be erased now is erased by the
        // next opening, and is no reason to refuse an append.
        do { try finishRemoval(&writer) } catch {
            if let stopped = writer.stopped { throw stopped }
        }
    }

    private func readTails(_ writer: inout WriterState, holdsLock: Bool) throws {
        while true {
            let tail = view.withLock { view -> SegmentTail? in
                guard let open = view.open, let file = view.openFile else { return nil }
                return SegmentTail(
                    header: open.header, file: file, end: open.end, lastHash: open.lastHash,
                    nextPosition: open.nextPosition, epoch: open.epoch)
            }
            if let tail {
                guard try catchUp(tail, &writer, holdsLock: holdsLock) else { return }
            } else {
                guard try openNextSegment(&writer) else { return }
            }
        }
    }

    private struct SegmentTail {
        var header: SegmentHeader
        var file: any DiskFile
        var end: UInt64
        var lastHash: TreeHash
        var nextPosition: UInt64
        var epoch: UInt32
    }

    /// - Returns: true if the segment was sealed, so that the next one may be there.
    private func catchUp(_ tail: SegmentTail, _ writer: inout WriterState, holdsLock: Bool) throws -> Bool {
        let size = try tail.file.size()
        if size == tail.end { return false }
        let name = Format.segmentName(tail.header.number)
        guard size > tail.end else {
            throw LedgerError(
                .lostEvents, "cannot trust \(name): it was \(tail.end) bytes long, and is \(size) now", segment: name,
                offset: size, remedy: "another program cut it: restore the file from a backup")
        }
        var scanner = FrameScanner(
            file: tail.file, fileEnd: size, offset: tail.end, previousHash: tail.lastHash,
            nextPosition: tail.nextPosition)
        var found: [(frame: FrameHeader, offset: UInt64, hash: TreeHash, facts: FrameFacts)] = []
        var isSealed = false
        let outcome = try CommitScanner.walk(
            &scanner, file: tail.file, name: name, signedSize: 0, mayBeTorn: true
        ) { frame in
            do throws(FormatError) {
                let facts = try SegmentLoader.facts(of: frame, dictionary: tail.header.dictionary)
                found.append((frame.header, frame.offset, frame.hash, facts))
            } catch {
                throw LedgerError(
                    .corrupt, "cannot read \(name) at byte \(frame.offset): \(error.reason)", segment: name,
                    offset: frame.offset, remedy: "run verify")
            }
            if frame.header.kind == .index { isSealed = true }
        }
        if let damage = outcome.damage.first(where: { $0.verdict == .corrupt }) {
            // Without the lock this may be a commit that is being written right now.
            guard holdsLock else { return false }
            throw LedgerError(
                .corrupt, "cannot trust \(name) at byte \(damage.offset): \(damage.reason)", segment: name,
                offset: damage.offset, remedy: "run verify, and restore the file from a backup")
        }
        if holdsLock, !outcome.damage.isEmpty { try tail.file.truncate(to: outcome.end) }
        if holdsLock || !found.isEmpty { try syncWhatOthersWrote(tail.file, &writer, holdsLock: holdsLock) }
        if found.isEmpty { return false }
        if found.contains(where: { $0.facts.has(.removal) }) { writer.mayOweRemoval = true }
        if isSealed {
            writer.keys = nil
            guard
                let sealed = try SealedSegment(
                    header: tail.header, name: name, file: tail.file, readsAroundDamage: access == .readOnly)
            else {
                throw LedgerError(
                    .corrupt, "cannot read the index of \(name)", segment: name, remedy: "run verify")
            }
            view.withLock { view in
                view.sealed.append(sealed)
                view.open = nil
                view.openFile = nil
            }
            return true
        }
        let citing = found.contains { $0.facts.entries.contains { !$0.attachments.isEmpty } }
        view.withLock { view in
            for part in found where part.frame.kind == .entries {
                view.open?.add(part.frame, offset: part.offset, hash: part.hash, facts: part.facts)
            }
        }
        if found.contains(where: { $0.facts.has(.keyRotated) }) { writer.keys = nil }
        if citing { try findNewRecords(&writer) }
        return false
    }

    private func syncWhatOthersWrote(
        _ file: any DiskFile, _ writer: inout WriterState, holdsLock: Bool
    ) throws {
        do throws(DiskError) { try file.sync() } catch {
            if holdsLock { throw stop(&writer, "\(error)") }
            // On media that cannot be written there is no writer to wait for.
            switch error.reason {
            case .readOnly, .denied, .other: return
            default: throw error
            }
        }
    }

    /// Looks for the records of attachments that other processes wrote.
    func findNewRecords(_ writer: inout WriterState) throws {
        guard
            let file = try AttachmentsFile(
                disk, folder: path, segment: view.withLock { $0.open?.header.number ?? 0 }, ledgerID: identity)
        else { return }
        let isSameFile = writer.attachmentsEnd > 0 && file.header.rewrites == writer.attachmentRewrites
        // Who made or rewrote it may have died before it synced the name.
        if !isSameFile, access == .readWrite { try disk.syncFolder(self.file("segments")) }
        let start = isSameFile ? writer.attachmentsEnd : UInt64(Format.attachmentsHeaderBytes)
        writer.attachmentRewrites = file.header.rewrites
        var records: [(TreeHash, UInt64, UInt64)] = []
        _ = try file.walk(from: start) { record, offset in
            records.append((record.digest, offset, offset + UInt64(record.byteCount)))
            return true
        }
        let found = records
        let end = view.withLock { view in
            var end = start
            for (digest, offset, recordEnd) in found where view.open?.attachments[digest] != nil {
                view.open?.attachments[digest]?.offset = offset
                end = recordEnd
            }
            return end
        }
        writer.attachmentsEnd = end
    }

    /// Opens the segment behind the last sealed one, if another process made it.
    private func openNextSegment(_ writer: inout WriterState) throws -> Bool {
        guard let last = view.withLock({ $0.sealed.last }) else { return false }
        let name = Format.segmentName(last.number + 1)
        let file: any DiskFile
        do throws(DiskError) {
            file = try disk.open(self.file(name), access == .readWrite ? .readWrite : .read)
        } catch {
            if error.reason == .notFound { return false }
            throw error
        }
        let header: SegmentHeader
        let start = try file.read(at: 0, count: 16)
        do throws(FormatError) {
            let length = try SegmentHeader.length(start)
            let bytes: [UInt8]
            do { bytes = try file.read(at: 0, count: length) } catch { throw .damaged(error.description) }
            header = try SegmentHeader(parsing: bytes)
        } catch {
            throw LedgerError(
                .corrupt, "cannot read \(name): \(error.reason)", segment: name, offset: 0, remedy: "run verify")
        }
        guard header.ledgerID == identity, header.firstPosition == last.endPosition else {
            throw LedgerError(
                .corrupt, "cannot read \(name): it does not follow \(last.name)", segment: name, offset: 0)
        }
        // Its maker may have died before this.
        if access == .readWrite { try disk.syncFolder(self.file("segments")) }
        writer.attachmentsEnd = 0
        writer.attachmentRewrites = 0
        view.withLock { view in
            view.open = OpenSegment(
                header: header, frontier: last.frontier, lastRecorded: last.summary.lastRecorded, epoch: last.epoch)
            view.openFile = file
        }
        return true
    }
}
