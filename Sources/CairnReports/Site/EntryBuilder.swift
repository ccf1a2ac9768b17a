internal import CairnBytes
package import CairnLedger
internal import CairnModel
package import CairnReadModels
package import CairnWeb

/// Reads one entry with its proof.
package enum EntryBuilder {
    /// An entry has at most 64 KB; with its data joined in it may be far longer than anybody reads on a page.
    private static let jsonBytesMax = 200_000
    private static let citedMax = 200

    /// - Throws: `QuestionError` if the log has no such entry.
    package static func build(position: UInt64, ledger: Ledger, readModel: ReadModel) throws -> EntryDocument {
        guard position < ledger.size else { throw QuestionError.unknown("entry", String(position)) }
        let event = try ledger.event(at: position)
        let words = EventDescription(event)
        var document = EntryDocument(
            position: position, size: ledger.size, action: words.action, severity: words.severity,
            actor: words.actor ?? event.actorName, stream: event.subject.text, time: event.time,
            recordedTime: event.recordedTime, facts: facts(event, words), json: json(event))
        document.attachments = try event.attachments.map { reference in
            var goneBy: UInt64?
            if case .gone(let position) = try ledger.content(of: reference) { goneBy = position }
            return EntryDocument.Attachment(
                role: reference.role, mediaType: reference.mediaType, byteCount: reference.byteCount,
                digest: Hex.string(reference.digest), retention: reference.retention.rawValue, goneBy: goneBy)
        }
        for row in try readModel.rows(
            """
            SELECT (SELECT position FROM events WHERE stream = :stream AND revision = :before) AS before,
              (SELECT position FROM events WHERE stream = :stream AND revision = :after) AS after
            """,
            [
                "stream": .text(event.subject.text), "before": .integer(Int64(clamping: event.revision) - 1),
                "after": .integer(Int64(clamping: event.revision) + 1),
            ])
        {
            document.previousInStream = row.position("before")
            document.nextInStream = row.position("after")
        }
        document.cited = cited(event).filter { $0 < ledger.size }
        do {
            let proof = try ledger.prove(position)
            let head = proof.checkpoint.checkpoint
            document.proof = EntryDocument.Proof(
                text: String(decoding: proof.bytes, as: UTF8.self), hashes: proof.hashes.count, size: head.size,
                root: "\(head.root)", verifierKey: ledger.verifierKey.map { "\($0)" })
        } catch let error as LedgerError {
            document.proofMissing = error.message
        }
        return document
    }

    private static func facts(_ event: RecordedEvent, _ words: EventDescription) -> [LabelledText] {
        var facts = [
            LabelledText("type", event.type), LabelledText("source", event.source), LabelledText("id", event.id),
            LabelledText("revision in its stream", String(event.revision)),
            LabelledText("recorded by", "\(event.actor.id) (\(event.actor.type))"),
        ]
        func add(_ label: String, _ text: String?) { if let text { facts.append(LabelledText(label, text)) } }
        add("on behalf of", event.onBehalfOf)
        add("time as it came", event.timeText)
        add("correlation", event.correlationID)
        add("caused by", event.causationID)
        add("trace", event.traceparent)
        add("SHA-256 of what was received", event.receivedDigest.map { Hex.string($0) })
        for evidence in words.evidence { add("said", evidence) }
        return facts
    }

    private static func json(_ event: RecordedEvent) -> String {
        let text = JSONText.indented(event.json)
        guard text.utf8.count > jsonBytesMax else { return text }
        return String(text.prefix(jsonBytesMax))
            + "\n… cut here: the whole is in `cairn replay --entry \(event.position)`"
    }

    /// Entries that the event's data names: the evidence of a finding, what a correction is about.
    private static func cited(_ event: RecordedEvent) -> [UInt64] {
        var positions = (event.data["evidence"]?.array ?? []).compactMap { $0.integer.flatMap { UInt64(exactly: $0) } }
        for key in ["about", "position"] {
            if let position = event.data[key]?.integer.flatMap({ UInt64(exactly: $0) }) { positions.append(position) }
        }
        return Array(positions.prefix(citedMax))
    }
}
