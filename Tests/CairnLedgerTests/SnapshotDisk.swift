import CairnLedger

/// The files of a folder in memory, to read only: thousands of damaged copies cost nothing.
struct SnapshotDisk: Disk {
    var files: [String: [UInt8]]
    /// So much longer is every file by its size, and gives nothing there: as if another process cut it meanwhile.
    var cutBytes: UInt64 = 0

    init(files: [String: [UInt8]]) { self.files = files }

    /// Reads a folder and its folders.
    init(copying folder: String) throws {
        files = [:]
        try add(folder)
    }

    private mutating func add(_ folder: String) throws {
        let disk = RealDisk()
        for name in try disk.list(folder) {
            let path = "\(folder)/\(name)"
            if try disk.kind(of: path) == .folder {
                try add(path)
            } else {
                files[path] = try disk.open(path, .read).readAll(limit: 1 << 30)
            }
        }
    }

    func open(_ path: String, _ mode: DiskOpenMode) throws(DiskError) -> any DiskFile {
        guard let bytes = files[path] else { throw DiskError(operation: "open", path: path, reason: .notFound) }
        return SnapshotFile(path: path, bytes: bytes, cutBytes: cutBytes)
    }

    func createFolder(_ path: String) throws(DiskError) { throw refuse("make", path) }

    func kind(of path: String) throws(DiskError) -> DiskEntryKind? {
        if files[path] != nil { return .file }
        return files.keys.contains { $0.hasPrefix(path + "/") } ? .folder : nil
    }

    func list(_ folder: String) throws(DiskError) -> [String] {
        let prefix = folder + "/"
        let names = files.keys.filter { $0.hasPrefix(prefix) }.map { $0.dropFirst(prefix.count) }
        guard !names.isEmpty else { throw DiskError(operation: "list", path: folder, reason: .notFound) }
        return Array(Set(names.map { String($0.prefix { $0 != "/" }) }))
    }

    func rename(_ path: String, to newPath: String) throws(DiskError) { throw refuse("rename", path) }
    func remove(_ path: String) throws(DiskError) { throw refuse("remove", path) }
    func syncFolder(_ path: String) throws(DiskError) {}

    private func refuse(_ operation: String, _ path: String) -> DiskError {
        DiskError(operation: operation, path: path, reason: .readOnly)
    }
}

private final class SnapshotFile: DiskFile {
    let path: String
    private let bytes: [UInt8]
    private let cutBytes: UInt64

    init(path: String, bytes: [UInt8], cutBytes: UInt64) {
        self.path = path
        self.bytes = bytes
        self.cutBytes = cutBytes
    }

    func size() throws(DiskError) -> UInt64 { UInt64(bytes.count) + cutBytes }

    func read(at offset: UInt64, count: Int) throws(DiskError) -> [UInt8] {
        guard offset < UInt64(bytes.count) else { return [] }
        return Array(bytes[Int(offset)..<min(bytes.count, Int(offset) + count)])
    }

    func write(_ bytes: ArraySlice<UInt8>, at offset: UInt64) throws(DiskError) -> Int {
        throw DiskError(operation: "write", path: path, reason: .readOnly)
    }

    func truncate(to size: UInt64) throws(DiskError) {
        throw DiskError(operation: "truncate", path: path, reason: .readOnly)
    }

    func sync() throws(DiskError) {}
    func tryLock() throws(DiskError) -> Bool { true }
    func unlock() throws(DiskError) {}
    func close() {}
}
