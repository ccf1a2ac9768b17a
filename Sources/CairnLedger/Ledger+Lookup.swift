internal import CairnModel
internal import Synchronization

extension Ledger {
    /// Where the event with this identity is; nil if it was never recorded.
    package func position(ofSource source: String, id: String) throws -> UInt64? {
        let hash = Digest.identity(source: Array(source.utf8), id: Array(id.utf8))
        return try mapDiskErrors {
            for position in try candidates(identity: hash) {
                let stored = try event(at: position)
                if stored.id == id, stored.source == source { return position }
            }
            return nil
        }
    }

    /// The root of the Merkle tree over all entries known now, 32 bytes.
    package func rootHash() throws -> [UInt8] {
        view.withLock { LedgerTree(view: $0) }.frontier.root.bytes
    }
}
