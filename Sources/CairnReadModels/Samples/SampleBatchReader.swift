package import CairnLedger
package import CairnModel
package import CairnSeries
internal import Synchronization

/// Decodes batches of samples with the names that they cite, and keeps these: many batches cite the same.
package final class SampleBatchReader: Sendable {
    /// Series whose names are kept: some 600 bytes each, so 150 MB at most.
    private static let keptMax = 250_000

    private struct Kept {
        var keys: [NamesReference: [SeriesKey]] = [:]
        var count = 0
    }

    private let kept = Mutex(Kept())

    package init() {}

    /// - Parameters:
    ///   - bytes: the content of the batch.
    ///   - content: gives attachments of the log.
    package func batch(
        _ bytes: [UInt8], content: (AttachmentReference) throws -> AttachmentContent
    ) throws -> SampleBatch {
        try SampleBatch(encoded: bytes) { try keys(of: $0, content) }
    }

    private func keys(
        of reference: NamesReference, _ content: (AttachmentReference) throws -> AttachmentContent
    ) throws -> [SeriesKey] {
        if let known = kept.withLock({ $0.keys[reference] }) { return known }
        let attachment = AttachmentReference(
            role: "", mediaType: "", byteCount: reference.byteCount, digest: reference.digest, retention: .droppable)
        let keys: [SeriesKey]
        switch try content(attachment) {
        case .present(let bytes): keys = try SeriesNames.decode(bytes)
        case .gone(let position):
            throw SampleBatchError(reason: "the names of its series were removed by entry \(position)")
        }
        kept.withLock { kept in
            if kept.count + keys.count > SampleBatchReader.keptMax { kept = Kept() }
            if kept.keys.updateValue(keys, forKey: reference) == nil { kept.count += keys.count }
        }
        return keys
    }

    /// Forgets the names, since the log may have lost them.
    func reset() { kept.withLock { $0 = Kept() } }
}
