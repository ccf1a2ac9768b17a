internal import CairnBytes
package import CairnModel
internal import Synchronization

/// Content that is to go, and what stands for it afterwards.
package struct Removal: Sendable {
    package enum Kind: Sendable, Hashable {
        /// Somebody asked for it: private data.
        case redacted
        /// Retention: bulk that is not kept any longer.
        case dropped
    }

    /// Of the attachment.
    package var digest: [UInt8]
    package var kind: Kind
    package var reason: String
    package var approvedBy: String
    /// A coarser counter, ...; kept as an attachment of the event.
    package var replacement: ProposedAttachment?
    /// The digest of what the log has already and stands for the content: a sealed window. Named by the event.
    package var replacedBy: [UInt8]?

    package init(
        digest: [UInt8], kind: Kind, reason: String, approvedBy: String, replacement: ProposedAttachment? = nil,
        replacedBy: [UInt8]? = nil
    ) {
        self.digest = digest
        self.kind = kind
        self.reason = reason
        self.approvedBy = approvedBy
        self.replacement = replacement
        self.replacedBy = replacedBy
    }
}

extension Ledger {
    /// Most removals at once: the list of what is pending is one small file.
    private static let removalsMax = 10_000
    static let pendingName = "redaction.pending"
    /// Its lines are 65 bytes long.
    static let pendingBytesMax: UInt64 = 1 << 20

    /// Removes content from the attachments files, by events that say what went, why and who approved. Entries do not
    /// change, so every proof stays valid.
    ///
    /// What retention must not take (what a finding, gate, approval or hold cites) is for the caller to know; content of
    /// the class that is never dropped is refused here.
    @discardableResult
    package func remove(_ removals: [Removal], actor: Actor) throws -> [Receipt] {
        guard !removals.isEmpty else { return [] }
        guard removals.count <= Ledger.removalsMax else {
            throw LedgerError(
                .tooLarge, "cannot remove \(removals.count) attachments at once: the most is \(Ledger.removalsMax)")
        }
        try refresh()
        var events: [Append] = []
        for removal in removals { events.append(Append(try event(for: removal))) }
        let pending = ([events[0].event.id] + removals.map { Hex.string($0.digest) }).map { $0 + "\n" }.joined()
        return try mapDiskErrors {
            let (prepared, expected) = try prepare(events, actor: actor)
            let request = AppendRequest(events: prepared, expected: expected, lead: nil, whenDone: { _ in })
            // Under one lock: another writer that found the list and no event yet would take it away.
            return try writer.withLock { writer in
                try withFolderLock(&writer) { writer in
                    try catchUp(&writer, holdsLock: true)
                    try finishRemoval(&writer)
                    try Ledger.writeFile(Array(pending.utf8), as: file(Ledger.pendingName), disk)
                    let result = try commit([request], &writer)[0]
                    do { try finishRemoval(&writer) } catch {
                        guard let first = try? result.get().first else { throw error }
                        throw unfinished(error, recordedAt: first.position)
                    }
                    return try result.get()
                }
            }
        }
    }

    private func event(for removal: Removal) throws -> ProposedEvent {
        guard let digest = TreeHash(removal.digest), let (_, record, _) = try find(digest) else {
            throw LedgerError(.notFound, "cannot remove attachment \(Hex.string(removal.digest)): the ledger has none")
        }
        guard record.kind == .content else {
            throw LedgerError(
                .notFound, "cannot remove attachment \(digest): the event at position \(record.position) removed it")
        }
        if removal.kind == .dropped {
            let citing = try self.event(at: record.position)
            guard citing.attachments.contains(where: { $0.digest == removal.digest && $0.retention == .droppable })
            else {
                throw LedgerError(
                    .invalidEvent,
                    "cannot drop attachment \(digest): the event at position \(record.position) says it is kept",
                    remedy: "only redaction may remove it")
            }
        }
        var data: JSONObject = [
            "digest": .string(digest.description), "reason": .string(removal.reason),
            "approved_by": .string(removal.approvedBy),
        ]
        if let digest = removal.replacedBy { data["replacement"] = .string(Hex.string(digest)) }
        var attachments: [ProposedAttachment] = []
        if var replacement = removal.replacement {
            replacement.role = "replacement"
            attachments = [replacement]
        }
        let type = removal.kind == .redacted ? LedgerEventType.redacted : LedgerEventType.dropped
        return ledgerEvent(type, id: randomID(), data: data, attachments: attachments)
    }

    private func unfinished(_ error: any Error, recordedAt position: UInt64) -> LedgerError {
        let error = error as? LedgerError ?? (error as? DiskError).map { LedgerError($0) }
        return LedgerError(
            error?.code ?? .inputOutput,
            "cannot erase the content yet: \(error?.message ?? "unknown"); its removal is recorded at position "
                + "\(position), and readers show it as gone", segment: error?.segment,
            remedy: "the next command that writes to the ledger erases it, once there is space")
    }

    /// What `redaction.pending` lists, with the events that removed it; nil if there is no such file, nothing if its
    /// events were never appended.
    private func pendingRemovals() throws -> [(digest: TreeHash, position: UInt64)]? {
        let bytes: [UInt8]
        do throws(DiskError) {
            bytes = try disk.open(file(Ledger.pendingName), .read).readAll(limit: Ledger.pendingBytesMax)
        } catch {
            if error.reason == .notFound { return nil }
            throw error
        }
        let (firstID, digests) = Ledger.pendingRemovals(in: bytes)
        guard let firstID, let positions = try removalPositions(firstID: firstID, count: digests.count) else {
            return []
        }
        return zip(digests, positions).map { ($0, $1) }
    }

    /// The id of the first event and the digests in the file of what is pending.
    static func pendingRemovals(in bytes: [UInt8]) -> (firstID: String?, digests: [TreeHash]) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        return (lines.first, lines.dropFirst().compactMap { Hex.bytes($0).flatMap { TreeHash($0) } })
    }

    /// The event that removed content whose bytes are still there, since who removed it died or had no space: for a
    /// reader it is gone from the event on.
    func pendingRemoval(of digest: TreeHash) throws -> UInt64? {
        try pendingRemovals()?.first { $0.digest == digest }?.position
    }

    /// Finishes what `redaction.pending` says, if its events were appended. The lock is held.
    func finishRemoval(_ writer: inout WriterState) throws {
        guard let removals = try pendingRemovals() else { return }
        var bySegment: [UInt32: [TreeHash: UInt64]] = [:]
        for (digest, position) in removals {
            guard let place = try segment(citing: digest) else { continue }
            bySegment[place.number, default: [:]][digest] = position
        }
        for (segment, gone) in bySegment.sorted(by: { $0.key < $1.key }) {
            try rewrite(segment, gone: gone, &writer)
        }
        // Not synced: a list that is back after a crash is worked off again, which changes nothing.
        try disk.remove(file(Ledger.pendingName))
    }

    /// Where the events of a removal are; nil if they were never appended.
    private func removalPositions(firstID: String, count: Int) throws -> Range<UInt64>? {
        let identity = Digest.identity(source: Array(LedgerEventType.source.utf8), id: Array(firstID.utf8))
        for position in try candidates(identity: identity) {
            let event = try event(at: position)
            if event.id == firstID, event.source == LedgerEventType.source {
                return position..<position + UInt64(count)
            }
        }
        return nil
    }

    /// Writes the attachments file of a segment anew without some contents.
    private func rewrite(_ segment: UInt32, gone: [TreeHash: UInt64], _ writer: inout WriterState) throws {
        guard
            let old = try AttachmentsFile(disk, folder: path, segment: segment, ledgerID: identity)
        else { return }
        let isOpen = view.withLock { $0.open?.header.number == segment }
        if isOpen { try ensureAttachmentsFile(segment, &writer) }
        let end = isOpen ? writer.attachmentsEnd : old.size
        let name = file(Format.attachmentsName(segment))
        let newName = name + ".new"
        if try disk.kind(of: newName) != nil { try disk.remove(newName) }
        let new = try disk.open(newName, .createExclusive(permissions: DiskOpenMode.ledgerPermissions))
        var header = old.header
        header.rewrites += 1
        try new.writeAll(header.bytes, at: 0)
        var place = UInt64(Format.attachmentsHeaderBytes)
        var places: [(TreeHash, UInt64)] = []
        let (stop, failure) = try old.walk { record, offset in
            guard offset < end else { return false }
            var bytes: [UInt8] = []
            let body = try old.body(record, at: offset)
            if let position = gone[record.digest], record.kind == .content {
                let mediaType = Array(body[..<record.mediaTypeCount])
                RecordHeader(
                    kind: .gone, isCompressed: false, storedCount: 0, contentCount: record.contentCount,
                    mediaTypeCount: mediaType.count, position: position,
                    salt: [UInt8](repeating: 0, count: Format.saltBytes), digest: record.digest,
                    bodyChecksum: Checksum.masked(Checksum.crc32(mediaType))
                ).append(to: &bytes)
                bytes += mediaType
            } else {
                record.append(to: &bytes)
                bytes += body
            }
            places.append((record.digest, place))
            try new.writeAll(bytes, at: place)
            place += UInt64(bytes.count)
            return true
        }
        if let failure, stop < end {
            throw AttachmentsFile.damaged(old.name, stop, failure.reason)
        }
        try new.sync()
        new.close()
        try disk.rename(newName, to: name)
        try disk.syncFolder(file("segments"))
        guard isOpen else { return }
        writer.attachmentsEnd = place
        writer.attachmentRewrites = header.rewrites
        let moved = places
        view.withLock { view in
            for (digest, offset) in moved { view.open?.attachments[digest]?.offset = offset }
        }
    }
}
