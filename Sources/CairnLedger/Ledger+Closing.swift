internal import Synchronization

extension Ledger {
    /// Seals what is due, signs a last checkpoint and lets go of the lock file. Appending ends, whatever happens; a
    /// second call does nothing.
    ///
    /// All that was acknowledged is on disk before this is called. An error says what did not come on top of it: after
    /// one the ledger is closed all the same, and the next opening that writes does the rest.
    package func close() throws {
        try writer.withLock { writer in
            guard !writer.isClosed else { return }
            defer {
                writer.isClosed = true
                writer.lockFile?.close()
                writer.lockFile = nil
            }
            guard access == .readWrite else { return }
            if let stopped = writer.stopped { throw stopped }
            guard writer.key != nil || isSealDue(writer) else { return }
            var step = "take the lock"
            do {
                try mapDiskErrors {
                    try withFolderLock(&writer) { writer in
                        step = "read what others appended"
                        try catchUp(&writer, holdsLock: true)
                        step = "seal the open segment"
                        if isSealDue(writer) { try seal(&writer) }
                        step = "sign the last checkpoint"
                        try sign(&writer)
                    }
                }
            } catch let error as LedgerError {
                throw closingError(error, step: step, writer)
            }
        }
    }

    private func closingError(_ error: LedgerError, step: String, _ writer: WriterState) -> LedgerError {
        var left = "all \(size) entries are on disk"
        if writer.key != nil {
            left +=
                writer.signed.map { ", and \($0.checkpoint.checkpoint.size) of them are signed for" }
                ?? ", and none is signed for"
        }
        // "Run the command again" is no advice here: what it had to append is appended.
        let remedy = error.code == .diskFull ? "free some space, then run cairn checkpoint" : error.remedy
        return LedgerError(
            error.code, "cannot \(step) while closing \(path): \(error.message); \(left)", segment: error.segment,
            offset: error.offset, remedy: remedy)
    }
}
