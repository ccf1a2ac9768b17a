package import CairnBytes
package import CairnLedger
package import CairnModel

extension Ledger: EventSource {
    package func forEach(from position: UInt64, _ body: (RecordedEvent) throws -> Void) throws {
        try forEach(from: position, to: nil, body)
    }

    /// A batch is a frame.
    package func forEachBatch(
        in positions: Range<UInt64>, occurredBy moment: Timestamp?, _ body: (EventBatch) throws -> Void
    ) throws {
        try forEachFrame(in: positions, occurredBy: moment) { frame in
            try body(EntryReader.batch(frame) { try event(frame.payload, in: $0, position: $1) })
        }
    }
}
