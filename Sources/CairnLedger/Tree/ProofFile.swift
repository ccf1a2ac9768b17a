internal import CairnBytes

/// An offline proof that an entry is in a log, in the format `c2sp.org/tlog-proof@v1`: index, inclusion proof and the
/// signed checkpoint, as one text that an auditor can keep beside the entry for ten years.
package struct ProofFile: Sendable, Hashable {
    package static let header = "c2sp.org/tlog-proof@v1"
    /// Room for a checkpoint with all its signatures, the longest proof and the extra data.
    package static let bytesMax = 2 << 20
    /// Opaque data beside the proof; entries themselves have at most 65,535 bytes.
    package static let extraBytesMax = 1 << 19

    package var index: UInt64
    package var hashes: [TreeHash]
    package var checkpoint: SignedCheckpoint
    /// Carried along, and covered by no signature: never to be believed.
    package var extra: [UInt8]?

    package init(index: UInt64, hashes: [TreeHash], checkpoint: SignedCheckpoint, extra: [UInt8]? = nil) {
        self.index = index
        self.hashes = hashes
        self.checkpoint = checkpoint
        self.extra = extra
    }

    package init(parsing bytes: [UInt8]) throws(NoteError) {
        func malformed(_ reason: String, _ line: Int) -> NoteError {
            NoteError(.malformed, what: "proof", reason: reason, line: line)
        }
        guard bytes.count <= ProofFile.bytesMax else {
            throw NoteError(.tooLarge, what: "proof", reason: "over \(ProofFile.bytesMax) bytes")
        }
        var offset = 0
        var number = 0
        func nextLine() throws(NoteError) -> String {
            number += 1
            guard let end = bytes[offset...].firstIndex(of: 0x0A),
                let line = String(validating: Array(bytes[offset..<end]))
            else { throw malformed("the text ends early, or is not UTF-8", number) }
            offset = end + 1
            return line
        }
        guard try nextLine() == ProofFile.header else { throw malformed("it is not \(ProofFile.header)", 1) }
        var line = try nextLine()
        var extra: [UInt8]?
        if line.hasPrefix("extra ") {
            guard let data = Base64.bytes(String(line.dropFirst(6))) else { throw malformed("not base64", number) }
            guard data.count <= ProofFile.extraBytesMax else {
                throw NoteError(.tooLarge, what: "proof", reason: "over \(ProofFile.extraBytesMax) extra bytes")
            }
            extra = data
            line = try nextLine()
        }
        guard line.hasPrefix("index "), let index = Checkpoint.decimal(String(line.dropFirst(6))) else {
            throw malformed("it is not \"index\" and a plain number", number)
        }
        var hashes: [TreeHash] = []
        line = try nextLine()
        while line != "" {
            guard let hash = TreeHash(base64: line) else { throw malformed("not 32 bytes in base64", number) }
            guard hashes.count < MerkleProof.hashesMax else {
                throw NoteError(.tooLarge, what: "proof", reason: "over \(MerkleProof.hashesMax) hashes", line: number)
            }
            hashes.append(hash)
            line = try nextLine()
        }
        let checkpoint = try SignedCheckpoint(parsing: Array(bytes[offset...]))
        self.init(index: index, hashes: hashes, checkpoint: checkpoint, extra: extra)
    }

    package var bytes: [UInt8] {
        var text = ProofFile.header + "\n"
        if let extra { text += "extra \(Base64.string(extra))\n" }
        text += "index \(index)\n"
        for hash in hashes { text += hash.base64 + "\n" }
        return Array((text + "\n").utf8) + checkpoint.bytes
    }

    /// Throws `NoteError` or `ProofError` unless the log's key signed the checkpoint and `entry` is in it at `index`.
    /// - Parameter origin: the log that the entry must be in; nil for any that one of the keys signs for.
    @discardableResult
    package func verify(
        entry: [UInt8], logKeys: [VerifierKey], witnesses: [VerifierKey] = [], origin: String? = nil
    ) throws -> [SignedNote.Verified] {
        if let origin, origin != checkpoint.checkpoint.origin {
            throw NoteError(
                .wrongOrigin, what: "proof", reason: "it is of log \(checkpoint.checkpoint.origin), not \(origin)")
        }
        let verified = try checkpoint.verify(logKeys: logKeys, witnesses: witnesses)
        try MerkleProof.verifyInclusion(
            index: index, size: checkpoint.checkpoint.size, leaf: TreeHasher.leaf(entry), proof: hashes,
            root: checkpoint.checkpoint.root)
        return verified
    }
}
