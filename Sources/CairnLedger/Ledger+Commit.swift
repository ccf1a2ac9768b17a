internal import CairnBytes
internal import CairnModel
internal import Synchronization

// The order of system calls of a commit, which the fault tests assert:
//
//     flock lock                              exclusive, for this one commit
//     fstat segment                           did others append? then read, fdatasync, and add it to the index
//     pwrite lock                             who holds it
//     [pwrite attachments; fdatasync]         only if an entry cites any
//     pwrite segment; fdatasync segment       all frames of the commit
//     (acknowledge)
//     [seal: pwrite, fdatasync]               when the segment is large enough
//     [checkpoint.new: write, fdatasync, rename, fsync folder]    at most once a second
//     unlock
//
// A new segment or attachments file: NAME.new written, fdatasync, rename, fsync of segments/, before the first frame.
// A write that fails is taken back (ftruncate, fdatasync); a sync that fails stops this object for good.

extension Ledger {
    /// Runs one commit for all of the requests and gives each its result.
    func commit(_ requests: [AppendRequest]) {
        var results: [Result<[Receipt], any Error>] = []
        do {
            results = try mapDiskErrors {
                try writer.withLock { writer in
                    try withFolderLock(&writer) { writer in
                        try catchUp(&writer, holdsLock: true)
                        let results = try commit(requests, &writer)
                        finishCommit(&writer)
                        return results
                    }
                }
            }
        } catch {
            results = requests.map { _ in .failure(error) }
        }
        precondition(results.count == requests.count, "a commit forgot a request")
        for (request, result) in zip(requests, results) { request.finish(result) }
    }

    /// The same where the lock is held and the index is up to date.
    func commit(
        _ requests: [AppendRequest], _ writer: inout WriterState
    ) throws -> [Result<[Receipt], any Error>] {
        try ensureOpenSegment(&writer)
        var stage = try newStage()
        let ownEntries = stage.entries.count
        var results: [Result<[Receipt], any Error>] = []
        for request in requests {
            do { results.append(.success(try stage.add(request.events, expected: request.expected))) } catch let error
                as DiskError
            {
                results.append(.failure(LedgerError(error)))
            } catch {
                results.append(.failure(error))
            }
        }
        // A note that the clock stepped back is no reason to write.
        if stage.entries.count > ownEntries { try write(stage.entries, &writer) }
        return results
    }

    /// A stage for the next commit; begins with a note if the clock stepped back since the last entry.
    private func newStage() throws -> CommitStage {
        let now = environment.clock.now()
        let (position, last, lastStepBack) = view.withLock { view in
            (view.size, view.open?.lastRecorded ?? .min, view.open?.lastStepBack)
        }
        let recorded = Timestamp(microseconds: max(now.microseconds, last))
        var stage = CommitStage(ledger: self, firstPosition: position, recordedTime: recorded)
        let (behind, overflow) = last.subtractingReportingOverflow(now.microseconds)
        // Once for each moment from which the log waits for the clock to come back.
        if !overflow, behind > Timestamp.microsecondsPerSecond, lastStepBack != last {
            let seconds = Double(behind) / Double(Timestamp.microsecondsPerSecond)
            let event = ledgerEvent(
                LedgerEventType.clockSteppedBack, id: randomID(), data: ["by_seconds": .number(seconds)])
            let prepared = try PreparedEvent(
                event, actor: Ledger.systemActor, privateFields: .none, random: environment.random)
            _ = try stage.add([prepared], expected: [.any])
        }
        return stage
    }

    /// What follows an acknowledged commit; a failure here is not the appenders' and shows again at the next commit.
    private func finishCommit(_ writer: inout WriterState) {
        do {
            guard isSealDue(writer) else { return try signIfDue(&writer) }
            try seal(&writer)
            // At once: a checkpoint inside a sealed segment would make every opening read entries of that segment.
            try sign(&writer)
        } catch let error as LedgerError where error.code == .stopped {
            writer.stopped = error
        } catch {}
    }

    // MARK: The lock

    /// Holds the lock of the folder while `body` runs. Refuses after a failed sync and after `close`.
    func withFolderLock<Result>(
        _ writer: inout WriterState, _ body: (inout WriterState) throws -> Result
    ) throws -> Result {
        if writer.isClosed { throw LedgerError(.closed, "cannot append to \(path): the ledger was closed") }
        if let stopped = writer.stopped { throw stopped }
        guard access == .readWrite, let lockFile = writer.lockFile else {
            throw LedgerError(.readOnly, "cannot append to \(path): it was opened for reading")
        }
        try Ledger.waitForLock(writer, path, environment, options)
        defer { try? lockFile.unlock() }
        return try body(&writer)
    }

    static func waitForLock(
        _ writer: WriterState, _ path: String, _ environment: LedgerEnvironment, _ options: LedgerOptions
    ) throws {
        guard let lockFile = writer.lockFile else { preconditionFailure("a writer has a lock file") }
        let start = environment.clock.monotonicMicroseconds()
        var pause: UInt32 = 200
        while try !lockFile.tryLock() {
            guard environment.clock.monotonicMicroseconds() &- start < options.lockTimeoutMicroseconds else {
                let holder = String(decoding: (try? lockFile.read(at: 0, count: 256)) ?? [], as: UTF8.self)
                    .split(separator: " ").joined(separator: " ")
                throw LedgerError(
                    .lockedBy,
                    "cannot write to \(path): process \(holder.isEmpty ? "unknown" : holder) holds the lock for more "
                        + "than \(options.lockTimeoutMicroseconds / 1_000_000) s",
                    remedy: "wait for it, or end it: the lock goes with the process")
            }
            environment.clock.sleep(microseconds: pause)
            pause = min(pause * 2, 20_000)
        }
        var holder = Array("\(environment.processID) \(environment.command)".utf8.prefix(256))
        holder += [UInt8](repeating: UInt8(ascii: " "), count: 256 - holder.count)
        // Who holds the lock is a courtesy to others: a full disk is no reason to fail here.
        try? lockFile.writeAll(holder, at: 0)
    }

    // MARK: Writing

    /// Writes a whole commit and makes it visible. The lock is held and the index is up to date.
    func write(_ entries: [CommitStage.Entry], _ writer: inout WriterState) throws {
        precondition(!entries.isEmpty, "a commit has entries")
        let epoch = nextEpoch(&writer)
        let (base, dictionary, lastHash, end, file, number) = try tail()
        let attachmentsEnd = writer.attachmentsEnd
        let attachments = try writeAttachments(entries, segment: number, firstPosition: base, &writer)
        let build = CommitBuild(
            entries, firstPosition: base, epoch: epoch, previousHash: lastHash, dictionary: dictionary)
        do { try writeAndSync(build.bytes, to: file, at: end, &writer) } catch {
            // Nothing cites the records: the next ones take their place.
            writer.attachmentsEnd = attachmentsEnd
            throw error
        }
        view.withLock { view in
            var offset = end
            for frame in build.frames {
                view.open?.add(frame.header, offset: offset, hash: frame.hash, facts: frame.facts)
                offset += UInt64(frame.header.byteCount)
            }
            for (digest, offset) in attachments { view.open?.attachments[digest]?.offset = offset }
        }
        if entries.contains(where: { $0.facts.meaning == .keyRotated }) { writer.keys = nil }
    }

    private func tail() throws -> (UInt64, [UInt8], TreeHash, UInt64, any DiskFile, UInt32) {
        try view.withLock { view in
            guard let open = view.open, let file = view.openFile else {
                throw LedgerError(.closed, "cannot append to \(path): there is no open segment")
            }
            return (open.nextPosition, open.header.dictionary, open.lastHash, open.end, file, open.header.number)
        }
    }

    func nextEpoch(_ writer: inout WriterState) -> UInt32 {
        if let epoch = writer.epoch { return epoch }
        let last = view.withLock { $0.open?.epoch ?? $0.sealed.last?.epoch ?? 0 }
        writer.epoch = last &+ 1
        return last &+ 1
    }

    /// Writes bytes behind the known end of a file and syncs them. After a failed write the file is as before; after a
    /// failed sync nobody knows, and this object stops.
    func writeAndSync(
        _ bytes: [UInt8], to file: any DiskFile, at end: UInt64, _ writer: inout WriterState
    ) throws {
        do throws(DiskError) {
            try file.writeAll(bytes, at: end)
        } catch {
            do throws(DiskError) {
                try file.truncate(to: end)
                // Synced, so that after a crash no part of this lies below what is written there next.
                try file.sync()
            } catch let second {
                throw stop(&writer, "cannot take back a write that failed (\(error)): \(second)")
            }
            throw error
        }
        do throws(DiskError) { try file.sync() } catch {
            // The system may have dropped the pages and will report success if asked again. Others must not build on
            // them: the size goes back, whether or not that lasts.
            try? file.truncate(to: end)
            throw stop(&writer, "\(error)")
        }
    }

    func stop(_ writer: inout WriterState, _ reason: String) -> LedgerError {
        let error = LedgerError(
            .stopped, "cannot write to \(path) any more: \(reason)",
            remedy: "check the disk, then run the command again: it will verify what is there")
        writer.stopped = error
        return error
    }

    /// - Returns: where each record went.
    private func writeAttachments(
        _ entries: [CommitStage.Entry], segment: UInt32, firstPosition: UInt64, _ writer: inout WriterState
    ) throws -> [(TreeHash, UInt64)] {
        guard entries.contains(where: { !$0.drafts.isEmpty }) else { return [] }
        let name = file(Format.attachmentsName(segment))
        try ensureAttachmentsFile(segment, &writer)
        let attachments = try disk.open(name, .readWrite)
        defer { attachments.close() }
        let end = writer.attachmentsEnd
        if try attachments.size() > end { try attachments.truncate(to: end) }
        var bytes: [UInt8] = []
        var places: [(TreeHash, UInt64)] = []
        for (index, entry) in entries.enumerated() {
            for draft in entry.drafts {
                places.append((draft.digest, end + UInt64(bytes.count)))
                draft.append(to: &bytes, citedBy: firstPosition + UInt64(index))
            }
        }
        try writeAndSync(bytes, to: attachments, at: end, &writer)
        writer.attachmentsEnd = end + UInt64(bytes.count)
        return places
    }

    /// Makes the attachments file of the open segment, or looks again at one that another process made or rewrote.
    func ensureAttachmentsFile(_ segment: UInt32, _ writer: inout WriterState) throws {
        let name = Format.attachmentsName(segment)
        guard let there = try AttachmentsFile(disk, folder: path, segment: segment, ledgerID: identity) else {
            guard writer.attachmentsEnd == 0 else {
                throw LedgerError(
                    .corrupt, "cannot write to \(name): the file is gone", segment: name,
                    remedy: "restore the file from a backup")
            }
            let header = AttachmentsHeader(ledgerID: identity, segment: segment, rewrites: 0)
            try Ledger.writeFile(header.bytes, as: file(name), disk)
            writer.attachmentsEnd = UInt64(Format.attachmentsHeaderBytes)
            writer.attachmentRewrites = 0
            return
        }
        guard writer.attachmentsEnd == 0 || there.header.rewrites != writer.attachmentRewrites else { return }
        try findNewRecords(&writer)
    }

    // MARK: Segments

    /// Makes the next segment if the last one is sealed.
    func ensureOpenSegment(_ writer: inout WriterState) throws {
        let last = view.withLock { $0.open == nil ? $0.sealed.last : nil }
        guard let last else { return }
        let index = try last.file.read(
            at: last.summary.frameOffset,
            count: Format.frameHeaderBytes + last.summary.payloadByteCount + Format.frameEnd.count)
        let frame: Frame
        do throws(FormatError) {
            frame = try Frame(parsing: index, at: 0, offset: last.summary.frameOffset)
        } catch {
            throw last.damaged(error.reason, at: last.summary.frameOffset)
        }
        let header = SegmentHeader(
            ledgerID: identity, number: last.number + 1, firstPosition: last.endPosition,
            created: environment.clock.now().microseconds, previousHash: frame.hash, origin: origin,
            verifierKey: try keyHistory(&writer).current?.description ?? "",
            dictionary: PresetDictionary.standard)
        let file = try Ledger.makeSegment(header, path, disk)
        writer.attachmentsEnd = 0
        writer.attachmentRewrites = 0
        view.withLock { view in
            view.open = OpenSegment(
                header: header, frontier: last.frontier, lastRecorded: last.summary.lastRecorded, epoch: last.epoch)
            view.openFile = file
        }
    }
}
