internal import CairnBytes
internal import CairnModel
internal import Synchronization

/// The entries of one commit while it is put together: batch by batch, each all or nothing, against the log as it is
/// and what the commit already has.
struct CommitStage {
    struct Entry {
        var bytes: [UInt8]
        var facts: EntryFacts
        var drafts: [AttachmentDraft]
    }

    let ledger: Ledger
    let firstPosition: UInt64
    let recordedTime: Timestamp
    private(set) var entries: [Entry] = []
    private var prepared: [PreparedEvent] = []
    /// Revision of the next event of each stream that was asked for.
    private var nextRevisions: [String: UInt64] = [:]
    private var firstByIdentity: [UInt64: Int] = [:]
    /// Further events with the same short hash.
    private var moreByIdentity: [UInt64: [Int]] = [:]
    private let recordedTimeMember: [UInt8]

    init(ledger: Ledger, firstPosition: UInt64, recordedTime: Timestamp) {
        self.ledger = ledger
        self.firstPosition = firstPosition
        self.recordedTime = recordedTime
        recordedTimeMember = PreparedEvent.recordedTimeMember(recordedTime)
    }

    private func known(_ identity: UInt64) -> [Int] {
        guard let first = firstByIdentity[identity] else { return [] }
        return [first] + (moreByIdentity[identity] ?? [])
    }

    /// Takes all events of a batch, or none and throws.
    mutating func add(_ events: [PreparedEvent], expected: [ExpectedRevision]) throws -> [Receipt] {
        let entryCount = entries.count
        do {
            var receipts: [Receipt] = []
            for (event, expected) in zip(events, expected) { receipts.append(try add(event, expected: expected)) }
            return receipts
        } catch {
            undo(to: entryCount)
            throw error
        }
    }

    private mutating func undo(to count: Int) {
        while entries.count > count {
            let entry = entries.removeLast()
            let event = prepared.removeLast()
            nextRevisions[event.proposal.subject.text] = entry.facts.revision
            let identity = entry.facts.identity
            if moreByIdentity[identity]?.popLast() == nil { firstByIdentity[identity] = nil }
        }
    }

    private mutating func add(_ event: PreparedEvent, expected: ExpectedRevision) throws -> Receipt {
        // Identity before revision: a retry of what succeeded is a success, whatever was appended since.
        if let duplicate = try duplicate(of: event) { return duplicate }
        let stream = event.proposal.subject.text
        let next: UInt64
        if let known = nextRevisions[stream] {
            next = known
        } else {
            next = try ledger.lastRevision(ofStream: stream).map { $0 + 1 } ?? 0
        }
        try check(expected, next: next, event)
        let bytes = event.entry(recordedTimeMember: recordedTimeMember, revision: next)
        let facts = EntryFacts(
            identity: event.identity, subject: event.subject(inEntryOf: bytes.count), revision: next,
            time: event.proposal.time.microseconds,
            recordedTime: recordedTime.microseconds, attachments: event.drafts.map(\.digest),
            leaf: TreeHash.zero, meaning: event.meaning)
        precondition(bytes.count <= Format.entryBytesMax, "an entry of \(bytes.count) bytes was prepared")
        if let first = firstByIdentity.updateValue(entries.count, forKey: event.identity) {
            firstByIdentity[event.identity] = first
            moreByIdentity[event.identity, default: []].append(entries.count)
        }
        nextRevisions[stream] = next + 1
        entries.append(Entry(bytes: bytes, facts: facts, drafts: event.drafts))
        prepared.append(event)
        return Receipt(position: firstPosition + UInt64(entries.count - 1), revision: next, isDuplicate: false)
    }

    private func check(_ expected: ExpectedRevision, next: UInt64, _ event: PreparedEvent) throws {
        let wanted: String
        switch expected {
        case .any: return
        case .none:
            if next == 0 { return }
            wanted = "no event"
        case .exactly(let revision):
            if next > 0, next - 1 == revision { return }
            wanted = "revision \(revision)"
        }
        let stream = event.proposal.subject
        let found = next == 0 ? "it has no event" : "it is at revision \(next - 1)"
        throw LedgerError(
            .conflict, "cannot append event \(event.proposal.id) to \(stream): \(wanted) is expected, and \(found)",
            remedy: "read what was added, and decide again")
    }

    /// Where the same event already is; throws if another event has its identity.
    private func duplicate(of event: PreparedEvent) throws -> Receipt? {
        for index in known(event.identity) {
            let other = prepared[index].proposal
            guard other.id == event.proposal.id, other.source == event.proposal.source else { continue }
            guard IdentityCheck.isSame(event.proposal, other) else {
                throw IdentityCheck.conflict(event, position: firstPosition + UInt64(index), other.type, other.subject)
            }
            return Receipt(
                position: firstPosition + UInt64(index), revision: entries[index].facts.revision, isDuplicate: true)
        }
        for position in try ledger.candidates(identity: event.identity) {
            let stored = try ledger.event(at: position)
            guard stored.id == event.proposal.id, stored.source == event.proposal.source else { continue }
            guard try IdentityCheck.isSame(event, as: stored, in: ledger) else {
                throw IdentityCheck.conflict(event, position: position, stored.type, stored.subject)
            }
            return Receipt(position: position, revision: stored.revision, isDuplicate: true)
        }
        return nil
    }
}

/// Whether two events with one identity are the same event: compared on what the producer sent.
enum IdentityCheck {
    static func conflict(
        _ event: PreparedEvent, position: UInt64, _ type: String, _ subject: StreamName
    ) -> LedgerError {
        LedgerError(
            .identityConflict,
            "cannot append event \(event.proposal.id) of \(event.proposal.source) (\(event.proposal.type) in "
                + "\(event.proposal.subject)): the event at position \(position) (\(type) in \(subject)) has the same id "
                + "and source, and other content",
            remedy: "a producer must give a changed event another id")
    }

    /// Where the canonical form says all that the bytes did, other spaces or another order are the same event: senders
    /// deliver at least once and do not promise the same bytes. Where it does not, only the same bytes are.
    private static func isSameReception(_ received: ReceivedBytes?, _ stored: RecordedEvent) -> Bool {
        let isStoredLossless = !stored.attachments.contains { $0.role == "received" }
        if let received, received.isLossless, isStoredLossless, stored.receivedDigest != nil { return true }
        return received.map { TreeHasher.sha256($0.bytes).bytes } == stored.receivedDigest
    }

    static func isSame(_ left: ProposedEvent, _ right: ProposedEvent) -> Bool {
        var left = left
        var right = right
        if left.received?.isLossless == true, right.received?.isLossless == true {
            left.received = nil
            right.received = nil
        }
        left.timeText = left.timeText == left.time.description ? nil : left.timeText
        right.timeText = right.timeText == right.time.description ? nil : right.timeText
        return left == right
    }

    static func isSame(_ event: PreparedEvent, as stored: RecordedEvent, in ledger: Ledger) throws -> Bool {
        let sent = event.proposal
        guard sent.type == stored.type, sent.subject == stored.subject, sent.time == stored.time,
            (sent.timeText == sent.time.description ? nil : sent.timeText) == stored.timeText,
            sent.onBehalfOf == stored.onBehalfOf, sent.correlationID == stored.correlationID,
            sent.causationID == stored.causationID, sent.traceparent == stored.traceparent,
            sent.extensions == stored.extensions
        else { return false }
        let isPartGone = try stored.attachments.contains {
            guard $0.role == "private" || $0.role == "data" else { return false }
            return if case .gone = try ledger.content(of: $0) { true } else { false }
        }
        if isPartGone {
            // What is gone cannot be compared; what is left must agree.
            guard event.inlineData ?? .null == stored.data else { return false }
        } else {
            guard sent.data == stored.data, isSameReception(sent.received, stored) else { return false }
        }
        let ownRoles: Set<String> = ["private", "data", "received"]
        let references = stored.attachments.filter { !ownRoles.contains($0.role) }
        guard references.count == sent.attachments.count else { return false }
        for (reference, attachment) in zip(references, sent.attachments) {
            guard reference.role == attachment.role, reference.mediaType == attachment.mediaType,
                reference.retention == attachment.retention, reference.byteCount == attachment.content.count,
                let digest = TreeHash(reference.digest)
            else { return false }
            guard let (_, record, _) = try ledger.find(digest), record.kind == .content else { continue }
            guard Digest.ofAttachment(salt: record.salt, content: attachment.content) == digest else { return false }
        }
        return true
    }
}

extension Ledger {
    /// Positions of entries whose identity may be this one.
    func candidates(identity: UInt64) throws -> [UInt64] {
        let (sealed, open) = view.withLock { view in
            (
                view.sealed,
                view.open.map { open in
                    open.candidates(identity: identity).map { open.header.firstPosition + UInt64($0) }
                }
            )
        }
        var positions = open ?? []
        for segment in sealed {
            positions += try segment.candidates(identity: identity).map { segment.firstPosition + UInt64($0) }
        }
        return positions
    }

    /// An event that the ledger itself writes, in its own stream.
    func ledgerEvent(
        _ type: String, id: String, data: JSONObject, attachments: [ProposedAttachment] = []
    ) -> ProposedEvent {
        guard let stream = StreamName("ledger/self") else { preconditionFailure("ledger/self is a stream") }
        return ProposedEvent(
            id: id, source: LedgerEventType.source, type: type, subject: stream, time: environment.clock.now(),
            data: .object(data), attachments: attachments)
    }

    /// 32 hexadecimal digits that nobody used before.
    func randomID() -> String { Hex.string(environment.random.bytes(count: 16)) }
}
