import CairnLedger

/// A file that holds a signing key, and how another takes its place without a moment in which neither is there.
struct KeyFile {
    /// One line of text.
    private static let bytesMax: UInt64 = 4096

    let path: String
    private let disk = RealDisk()

    init(_ path: String) { self.path = path }

    /// Where a rotation makes the next key, beside the present one.
    static func nextPath(of path: String) -> String { "\(path).next" }

    /// Where a rotation keeps the key before.
    static func retiredPath(of path: String, id: String) -> String { "\(path).retired-\(id)" }

    /// The key in the file; nil if there is no file.
    var key: SigningKey? {
        get throws {
            guard try disk.kind(of: path) != nil else { return nil }
            let text = String(decoding: try bytes(), as: UTF8.self).split(separator: "\n").first.map(String.init)
            do { return try SigningKey(text ?? "") } catch {
                throw CommandError("cannot use the signing key \(path): \(error)")
            }
        }
    }

    private func bytes() throws -> [UInt8] {
        let file = try disk.open(path, .read)
        defer { file.close() }
        return try file.readAll(limit: KeyFile.bytesMax)
    }

    /// Keeps a copy under another name, then renames the new file over this one: whenever it stops, this name is a key.
    func replace(with next: KeyFile, retiring id: String) throws {
        let retired = KeyFile.retiredPath(of: path, id: id)
        if try disk.kind(of: retired) != nil { try disk.remove(retired) }
        let copy = try disk.open(retired, .createExclusive(permissions: DiskOpenMode.keyPermissions))
        defer { copy.close() }
        try copy.writeAll(try bytes(), at: 0)
        try copy.sync()
        try disk.rename(next.path, to: path)
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        try disk.syncFolder(folder.isEmpty ? "/" : folder)
    }
}
