package import CairnBytes
package import CairnLedger
package import CairnModel

/// What a read model is made from: a ledger, or an array of events in a test. Read from a thread of its own, so it is
/// `Sendable`.
package protocol EventSource: Sendable {
    /// Tells one log from another: 16 bytes for a ledger.
    var identity: [UInt8] { get }
    /// How many events there are; the next position.
    var size: UInt64 { get }
    /// Looks for events that others have appended, which may raise `size`.
    func refresh() throws
    /// Calls `body` with every event from this position on, in order.
    func forEach(from position: UInt64, _ body: (RecordedEvent) throws -> Void) throws
    /// The same in batches, up to a position (not included). With a moment, batches may be left out in which all
    /// happened after it.
    func forEachBatch(
        in positions: Range<UInt64>, occurredBy moment: Timestamp?, _ body: (EventBatch) throws -> Void) throws
    func content(of attachment: AttachmentReference) throws -> AttachmentContent
    /// A part of the content, cut to what is there, and not checked against the digest.
    func content(of attachment: AttachmentReference, bytes range: Range<Int>) throws -> AttachmentContent
}

extension EventSource {
    package func content(of attachment: AttachmentReference, bytes range: Range<Int>) throws -> AttachmentContent {
        switch try content(of: attachment) {
        case .gone(let position): .gone(by: position)
        case .present(let bytes): .present(Array(bytes[range.clamped(to: bytes.indices)]))
        }
    }
}

extension EventSource {
    package func refresh() throws {}

    /// For sources that decode their events anyway.
    package func forEachBatch(
        in positions: Range<UInt64>, occurredBy moment: Timestamp?, _ body: (EventBatch) throws -> Void
    ) throws {
        let batchEvents = 256
        var events: [RecordedEvent] = []
        func flush() throws {
            if !events.isEmpty { try body(EventBatch(events)) }
            events.removeAll(keepingCapacity: true)
        }
        do {
            try forEach(from: positions.lowerBound) { event in
                guard event.position < positions.upperBound else { throw EndOfBatches() }
                events.append(event)
                if events.count == batchEvents { try flush() }
            }
        } catch is EndOfBatches {}
        try flush()
    }
}

/// Ends a walk through a log before its end.
private struct EndOfBatches: Error {}
