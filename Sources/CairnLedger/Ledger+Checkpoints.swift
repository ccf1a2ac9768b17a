internal import CairnBytes
internal import CairnModel
internal import Synchronization

extension Ledger {
    /// The verifier key of whoever signs now, to be kept elsewhere; nil without a key.
    package var verifierKey: VerifierKey? { writer.withLock { $0.key?.verifier } }

    /// The signed head of the log. Signs the present size if there is a key; else the last one that was signed.
    /// - Returns: nil if none was ever signed.
    package func checkpoint() throws -> SignedCheckpoint? {
        try mapDiskErrors {
            try writer.withLock { writer in
                guard access == .readWrite, writer.key != nil else { return try readCheckpoint() }
                return try withFolderLock(&writer) { writer in
                    try catchUp(&writer, holdsLock: true)
                    return try sign(&writer)
                }
            }
        }
    }

    private func readCheckpoint() throws -> SignedCheckpoint? {
        let bytes: [UInt8]
        do throws(DiskError) {
            bytes = try disk.open(file("checkpoint"), .read).readAll(limit: UInt64(SignedNote.bytesMax))
        } catch {
            if error.reason == .notFound { return nil }
            throw error
        }
        do throws(NoteError) { return try SignedCheckpoint(parsing: bytes) } catch {
            throw LedgerError(
                .corrupt, "cannot read checkpoint: \(error)", segment: "checkpoint", offset: 0,
                remedy: "restore the file from a backup, or from a copy that an auditor keeps")
        }
    }

    func signIfDue(_ writer: inout WriterState) throws {
        guard writer.key != nil else { return }
        let now = environment.clock.monotonicMicroseconds()
        if let last = writer.signedAtMicroseconds, now &- last < options.checkpointIntervalMicroseconds { return }
        try sign(&writer)
    }

    /// Signs a checkpoint of all that is synced, after proving that it is consistent with the last one. The lock is
    /// held and the index is up to date.
    @discardableResult
    func sign(_ writer: inout WriterState) throws -> SignedCheckpoint? {
        guard let key = writer.key else { return nil }
        // Another process may have gone over to another key since.
        try keyHistory(&writer).requireCurrent(key.verifier, of: origin, writer.keyFile)
        writer.signedAtMicroseconds = environment.clock.monotonicMicroseconds()
        let tree = view.withLock { LedgerTree(view: $0) }
        let before = try provedFrontier(&writer, tree)
        if let signed = writer.signed, signed.checkpoint.checkpoint.size == tree.size { return signed.checkpoint }
        // From the last signed root, by nothing but new leaves, to the root that will be signed.
        var frontier = before
        frontier.append(contentsOf: try tree.leaves(before.size..<tree.size)[...])
        guard frontier == tree.frontier else {
            throw stop(&writer, "the tree does not go on from the last signed checkpoint")
        }
        let head = Checkpoint(origin: origin, size: tree.size, root: frontier.root)
        let checkpoint: SignedCheckpoint
        do throws(NoteError) { checkpoint = try SignedCheckpoint(head, signedWith: key) } catch {
            throw LedgerError(.key, "cannot sign the checkpoint: \(error)")
        }
        try writeTiles(tree, size: tree.size, &writer)
        try Ledger.writeFile(checkpoint.bytes, as: file("checkpoint"), disk)
        writer.signed = (checkpoint, frontier)
        return checkpoint
    }

    /// The frontier at the last signed checkpoint, whoever signed it, after its root was compared.
    private func provedFrontier(_ writer: inout WriterState, _ tree: LedgerTree) throws -> TreeFrontier {
        guard let stored = try readCheckpoint() else { return TreeFrontier() }
        if let signed = writer.signed, signed.checkpoint == stored { return signed.frontier }
        let head = stored.checkpoint
        guard head.size <= tree.size else {
            throw LedgerError(
                .lostEvents,
                "cannot sign: a checkpoint was signed for \(head.size) entries, and the files have \(tree.size)")
        }
        let frontier = try tree.frontier(at: head.size)
        guard frontier.root == head.root, head.origin == origin else {
            throw LedgerError(
                .fork,
                "FORK: the checkpoint signed for \(head.origin) at size \(head.size) has root \(head.root), and the "
                    + "entries of \(origin) give \(frontier.root)",
                remedy: "one of them was altered: compare with a copy that an auditor keeps")
        }
        // Another process, or an earlier try of this one, may not have come to the end of putting it there.
        try disk.syncFolder(path)
        writer.signed = (stored, frontier)
        return frontier
    }

    // MARK: Proofs

    /// An offline proof that the entry at a position is in the log, under the last signed checkpoint.
    package func prove(_ position: UInt64) throws -> ProofFile {
        let checkpoint = try signedHead()
        guard position < checkpoint.checkpoint.size else {
            throw LedgerError(
                .proof,
                "cannot prove entry \(position): the last signed checkpoint has \(checkpoint.checkpoint.size) entries")
        }
        return try mapDiskErrors { try prove(position, under: checkpoint) }
    }

    func prove(_ position: UInt64, under checkpoint: SignedCheckpoint) throws -> ProofFile {
        let head = checkpoint.checkpoint
        let leaf = TreeHasher.leaf(try entryBytes(at: position))
        return try withTrustedTiles { tree in
            let hashes = try hashSource(tree, size: head.size).inclusionProof(index: position, size: head.size)
            try MerkleProof.verifyInclusion(
                index: position, size: head.size, leaf: leaf, proof: hashes, root: head.root)
            return ProofFile(index: position, hashes: hashes, checkpoint: checkpoint)
        }
    }

    /// The hashes that show that the tree of `old` entries is a beginning of the last signed one.
    package func proveConsistency(from old: UInt64) throws -> (hashes: [TreeHash], checkpoint: SignedCheckpoint) {
        let checkpoint = try signedHead()
        let head = checkpoint.checkpoint
        return try mapDiskErrors {
            try withTrustedTiles { tree in
                let oldRoot = try tree.frontier(at: old).root
                let hashes = try hashSource(tree, size: head.size).consistencyProof(old: old, new: head.size)
                try MerkleProof.verifyConsistency(
                    old: old, new: head.size, oldRoot: oldRoot, newRoot: head.root, proof: hashes)
                return (hashes, checkpoint)
            }
        }
    }

    private func signedHead() throws -> SignedCheckpoint {
        guard let checkpoint = try checkpoint() else {
            throw LedgerError(
                .proof, "cannot prove anything: no checkpoint was ever signed for \(path)",
                remedy: "open the ledger with its key")
        }
        return checkpoint
    }

    /// Tries with the tiles on disk, and if their hashes prove nothing once more with those of the entries.
    private func withTrustedTiles<Result>(_ body: (LedgerTree) throws -> Result) throws -> Result {
        let tree = view.withLock { LedgerTree(view: $0) }
        do { return try body(tree) } catch let error as ProofError {
            guard case .rootMismatch = error, !tiles.ignoresDisk else {
                throw LedgerError(.proof, "cannot make the proof: \(error)")
            }
        }
        tiles.distrustDisk()
        do { return try body(tree) } catch let error as ProofError {
            throw LedgerError(.fork, "cannot make the proof: \(error)", remedy: "run verify")
        }
    }

    /// A tile of hashes or a bundle of entries of the signed log, as `c2sp.org/tlog-tiles` has them.
    /// - Returns: nil where the signed log does not reach so far.
    package func content(of tile: Tile) throws -> [UInt8]? {
        guard let head = try checkpoint()?.checkpoint else { return nil }
        var level = 0
        if case .hashes(let of) = tile.kind { level = of }
        let (first, isBeyond) = tile.index.multipliedReportingOverflow(by: UInt64(Tile.widthMax))
        let there = head.size >> UInt64(level * Tile.height)
        guard !isBeyond, first < there, there - first >= UInt64(tile.width) else { return nil }
        return try mapDiskErrors {
            guard case .entries = tile.kind else {
                return try withTrustedTiles { try hashSource($0, size: head.size).content(of: tile) }
            }
            var bundle: [UInt8] = []
            for position in first..<first + UInt64(tile.width) {
                EntryBundle.append(try entryBytes(at: position), to: &bundle)
            }
            return bundle
        }
    }

    /// Writes the log up to the last signed checkpoint as the static files of `c2sp.org/tlog-tiles`.
    /// - Parameter write: stores bytes under a relative path.
    package func export(write: (_ path: String, _ bytes: [UInt8]) throws -> Void) throws {
        let checkpoint = try signedHead()
        var keys = view.withLock { $0.open?.header.verifierKey ?? $0.sealed.last?.header.verifierKey ?? "" }
        if let key = verifierKey { keys = key.description }
        guard let key = try? VerifierKey(keys) else {
            throw LedgerError(.key, "cannot export \(path): the ledger has no verifier key")
        }
        try mapDiskErrors {
            // The entries are asked for in order: one frame in memory is enough.
            var frame: DecodedFrame?
            try StaticLog.export(checkpoint: checkpoint, keys: [key]) { position in
                if let entry = frame?.entry(at: position) { return entry }
                let bytes = try entryBytes(at: position)
                frame = try frameHolding(position)
                return bytes
            } write: { path, bytes in
                try write(path, bytes)
            }
        }
    }
}
