internal import CairnModel

/// Copies a ledger that others go on writing to, so that the copy is one that could have been.
///
/// The order is what makes it right: the checkpoint first, so that the copy never has fewer entries than it signs; then
/// the segments, whose last may end in the middle of a frame, which the next opening cuts off; then the attachments, which
/// are on disk before a frame cites them. If something was redacted or dropped meanwhile, the copy is made again.
package enum LedgerBackup {
    package struct Progress: Sendable, Hashable {
        package var file: String
        package var bytesDone: UInt64
        package var bytesTotal: UInt64
    }

    /// Bytes copied at once.
    private static let pieceBytes = 4 << 20
    /// Copies made anew because content was removed meanwhile; more often is a retention that never rests.
    private static let attemptsMax = 3

    /// - Parameters:
    ///   - path: the ledger's folder.
    ///   - target: a folder that does not exist yet; its parent does.
    /// - Throws: `LedgerError`; what was copied until then stays there, without being a backup.
    package static func copy(
        _ path: String, to target: String, environment: LedgerEnvironment, progress: (Progress) -> Void = { _ in }
    ) throws {
        let disk = environment.disk
        guard try mapDiskErrors({ try disk.kind(of: target) }) == nil else {
            throw LedgerError(
                .alreadyExists, "cannot make a backup at \(target): something is there already",
                remedy: "name a folder that does not exist")
        }
        let ledger = try Ledger.open(at: path, access: .readOnly, environment: environment)
        guard let own = StreamName("ledger/self") else { return }
        try mapDiskErrors {
            try disk.createFolder(target)
            try disk.createFolder("\(target)/segments")
        }
        for attempt in 1... {
            try ledger.refresh()
            let removals = try ledger.lastRevision(of: own)
            try mapDiskErrors { try copyFiles(path, target, disk, progress) }
            try ledger.refresh()
            if try ledger.lastRevision(of: own) == removals { return }
            guard attempt < attemptsMax else {
                throw LedgerError(
                    .conflict, "cannot make a backup of \(path): content was removed in each of \(attempt) attempts",
                    remedy: "try again when the retention is done")
            }
        }
    }

    private static func copyFiles(
        _ path: String, _ target: String, _ disk: any Disk, _ progress: (Progress) -> Void
    ) throws {
        let names = try disk.list("\(path)/segments").sorted()
        let segments = names.filter { $0.hasSuffix(".segment") }.map { "segments/\($0)" }
        let attachments = names.filter { $0.hasSuffix(".attachments") }.map { "segments/\($0)" }
        let head = try disk.kind(of: "\(path)/checkpoint") == .file ? ["checkpoint"] : []
        let files = head + segments + attachments
        var total: UInt64 = 0
        for file in files {
            let handle = try disk.open("\(path)/\(file)", .read)
            defer { handle.close() }
            total += try handle.size()
        }
        var done: UInt64 = 0
        for file in files {
            let source = try disk.open("\(path)/\(file)", .read)
            defer { source.close() }
            let copy = try disk.open(
                "\(target)/\(file)", .readWriteCreate(permissions: DiskOpenMode.ledgerPermissions))
            defer { copy.close() }
            try copy.truncate(to: 0)
            var offset: UInt64 = 0
            while true {
                let piece = try source.read(at: offset, count: pieceBytes)
                if piece.isEmpty { break }
                try copy.writeAll(piece, at: offset)
                offset += UInt64(piece.count)
                progress(
                    Progress(file: file, bytesDone: done + offset, bytesTotal: max(total, done + offset)))
            }
            try copy.sync()
            done += offset
        }
        try disk.syncFolder("\(target)/segments")
        try disk.syncFolder(target)
    }
}
