package import CairnLedger
package import CairnModel

extension Ledger: EventSource {
    package func forEach(from position: UInt64, _ body: (RecordedEvent) throws -> Void) throws {
        try forEach(from: position, to: nil, body)
    }
}
