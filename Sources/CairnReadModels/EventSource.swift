package import CairnLedger
package import CairnModel

/// What a read model is made from: a ledger, or an array of events in a test.
package protocol EventSource {
    /// Tells one log from another: 16 bytes for a ledger.
    var identity: [UInt8] { get }
    /// How many events there are; the next position.
    var size: UInt64 { get }
    /// Calls `body` with every event from this position on, in order.
    func forEach(from position: UInt64, _ body: (RecordedEvent) throws -> Void) throws
    func content(of attachment: AttachmentReference) throws -> AttachmentContent
}
