/// Writes a whole log as the static files of `c2sp.org/tlog-tiles`, so that any file server can publish it and any
/// tool of that family can verify it:
///
///     checkpoint                    the signed head
///     vkey                          the verifier keys, one a line
///     tile/<level>/<index>[.p/<w>]  hashes
///     tile/entries/<index>[.p/<w>]  entries
package enum StaticLog {
    /// Why the log cannot be exported.
    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case entryTooLong(index: UInt64, byteCount: Int)
        case rootMismatch(size: UInt64, signed: TreeHash, actual: TreeHash)

        package var description: String {
            switch self {
            case .entryTooLong(let index, let byteCount):
                "cannot export entry \(index): \(byteCount) bytes are over \(EntryBundle.entryBytesMax)"
            case .rootMismatch(let size, let signed, let actual):
                "cannot export the log: the checkpoint signs root \(signed) at size \(size), and the entries give "
                    + "\(actual): run verify"
            }
        }
    }

    /// Streams the entries once; in memory are one bundle and the right edge of the tree. The checkpoint comes last, so
    /// that a folder with a checkpoint is complete.
    /// - Parameters:
    ///   - entry: the bytes of the entry at a position below the checkpoint's size, asked for in order.
    ///   - write: stores the bytes under a relative path.
    package static func export(
        checkpoint: SignedCheckpoint, keys: [VerifierKey], entry: (UInt64) throws -> [UInt8],
        write: (_ path: String, _ bytes: [UInt8]) throws -> Void
    ) throws {
        let size = checkpoint.checkpoint.size
        var tree = TileTree()
        var bundle: [UInt8] = []
        func writeBundle(width: Int, before position: UInt64) throws {
            try write(Tile(kind: .entries, index: (position - UInt64(width)) / 256, width: width).path, bundle)
            bundle.removeAll(keepingCapacity: true)
        }
        for position in 0..<size {
            let bytes = try entry(position)
            guard bytes.count <= EntryBundle.entryBytesMax else {
                throw Failure.entryTooLong(index: position, byteCount: bytes.count)
            }
            EntryBundle.append(bytes, to: &bundle)
            try tree.append(TreeHasher.leaf(bytes)) { tile, hashes in
                try write(tile.path, TreeHash.bytes(of: hashes))
            }
            if position % 256 == 255 { try writeBundle(width: 256, before: position + 1) }
        }
        guard tree.root == checkpoint.checkpoint.root else {
            throw Failure.rootMismatch(size: size, signed: checkpoint.checkpoint.root, actual: tree.root)
        }
        if size % 256 != 0 { try writeBundle(width: Int(size % 256), before: size) }
        for (tile, hashes) in tree.partialTiles { try write(tile.path, TreeHash.bytes(of: hashes)) }
        try write("vkey", Array(keys.map { "\($0)\n" }.joined().utf8))
        try write("checkpoint", checkpoint.bytes)
    }
}
