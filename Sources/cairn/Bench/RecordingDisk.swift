import CairnLedger
import Synchronization

/// The disk of the machine, which notes every call that changes something and how long all calls took: so the same
/// sequence of writes and syncs can be made on plain files, and what a command does besides can be told from it.
final class RecordingDisk: Disk {
    enum Step: Sendable {
        case open(handle: Int, path: String, mode: DiskOpenMode)
        case write(handle: Int, bytes: [UInt8], offset: UInt64)
        case truncate(handle: Int, size: UInt64)
        case sync(handle: Int)
        case close(handle: Int)
        case createFolder(path: String)
        case rename(path: String, newPath: String)
        case remove(path: String)
        case syncFolder(path: String)
    }

    private struct State {
        var steps: [Step] = []
        var microseconds: UInt64 = 0
        var handles = 0
    }

    private let disk = RealDisk()
    private let clock = SystemClock()
    private let state = Mutex(State())

    /// What was noted since the last call, and the time that all calls took, reading too.
    func take() -> (steps: [Step], microseconds: UInt64) {
        state.withLock { state in
            defer {
                state.steps.removeAll(keepingCapacity: true)
                state.microseconds = 0
            }
            return (state.steps, state.microseconds)
        }
    }

    /// Runs a call; notes the step if it succeeds.
    fileprivate func measured<Result>(
        _ step: Step?, _ body: () throws(DiskError) -> Result
    ) throws(DiskError) -> Result {
        let start = clock.monotonicMicroseconds()
        let result = try body()
        let elapsed = clock.monotonicMicroseconds() - start
        state.withLock { state in
            state.microseconds += elapsed
            if let step { state.steps.append(step) }
        }
        return result
    }

    func open(_ path: String, _ mode: DiskOpenMode) throws(DiskError) -> any DiskFile {
        let handle = state.withLock { state in
            state.handles += 1
            return state.handles
        }
        // What is only read has no part in the sequence.
        let step: Step? = mode == .read ? nil : .open(handle: handle, path: path, mode: mode)
        let file = try measured(step) { () throws(DiskError) in try disk.open(path, mode) }
        return RecordingFile(file, handle: mode == .read ? nil : handle, disk: self)
    }

    func createFolder(_ path: String) throws(DiskError) {
        try measured(.createFolder(path: path)) { () throws(DiskError) in try disk.createFolder(path) }
    }

    func kind(of path: String) throws(DiskError) -> DiskEntryKind? {
        try measured(nil) { () throws(DiskError) in try disk.kind(of: path) }
    }

    func list(_ folder: String) throws(DiskError) -> [String] {
        try measured(nil) { () throws(DiskError) in try disk.list(folder) }
    }

    func rename(_ path: String, to newPath: String) throws(DiskError) {
        try measured(.rename(path: path, newPath: newPath)) { () throws(DiskError) in
            try disk.rename(path, to: newPath)
        }
    }

    func remove(_ path: String) throws(DiskError) {
        try measured(.remove(path: path)) { () throws(DiskError) in try disk.remove(path) }
    }

    func syncFolder(_ path: String) throws(DiskError) {
        try measured(.syncFolder(path: path)) { () throws(DiskError) in try disk.syncFolder(path) }
    }
}

/// An open file of a `RecordingDisk`; without a handle it is only read.
private final class RecordingFile: DiskFile {
    private let file: any DiskFile
    private let handle: Int?
    private let disk: RecordingDisk

    init(_ file: any DiskFile, handle: Int?, disk: RecordingDisk) {
        self.file = file
        self.handle = handle
        self.disk = disk
    }

    var path: String { file.path }

    func size() throws(DiskError) -> UInt64 { try disk.measured(nil) { () throws(DiskError) in try file.size() } }

    func read(at offset: UInt64, count: Int) throws(DiskError) -> [UInt8] {
        try disk.measured(nil) { () throws(DiskError) in try file.read(at: offset, count: count) }
    }

    func write(_ bytes: ArraySlice<UInt8>, at offset: UInt64) throws(DiskError) -> Int {
        let step = handle.map { RecordingDisk.Step.write(handle: $0, bytes: Array(bytes), offset: offset) }
        return try disk.measured(step) { () throws(DiskError) in try file.write(bytes, at: offset) }
    }

    func truncate(to size: UInt64) throws(DiskError) {
        try disk.measured(handle.map { .truncate(handle: $0, size: size) }) { () throws(DiskError) in
            try file.truncate(to: size)
        }
    }

    func sync() throws(DiskError) {
        try disk.measured(handle.map { .sync(handle: $0) }) { () throws(DiskError) in try file.sync() }
    }

    func tryLock() throws(DiskError) -> Bool { try disk.measured(nil) { () throws(DiskError) in try file.tryLock() } }

    func unlock() throws(DiskError) { try disk.measured(nil) { () throws(DiskError) in try file.unlock() } }

    func close() {
        file.close()
        guard let handle else { return }
        _ = try? disk.measured(.close(handle: handle)) { () throws(DiskError) in }
    }
}

/// Makes the steps of a `RecordingDisk` again, on files in another folder.
struct PlainFiles {
    private let disk = RealDisk()
    private let source: String
    private let folder: String
    private var files: [Int: any DiskFile] = [:]

    /// - Parameters:
    ///   - source: the folder whose paths are noted.
    ///   - folder: where the same files come to lie.
    init(copying source: String, to folder: String) {
        self.source = source
        self.folder = folder
    }

    private func path(_ path: String) -> String {
        path.hasPrefix(source) ? folder + path.dropFirst(source.count) : path
    }

    mutating func make(_ steps: [RecordingDisk.Step]) throws {
        for step in steps {
            switch step {
            case .open(let handle, let path, let mode): files[handle] = try disk.open(self.path(path), mode)
            case .write(let handle, let bytes, let offset): try files[handle]?.writeAll(bytes, at: offset)
            case .truncate(let handle, let size): try files[handle]?.truncate(to: size)
            case .sync(let handle): try files[handle]?.sync()
            case .close(let handle): files.removeValue(forKey: handle)?.close()
            case .createFolder(let path): try disk.createFolder(self.path(path))
            case .rename(let path, let newPath): try disk.rename(self.path(path), to: self.path(newPath))
            case .remove(let path): try disk.remove(self.path(path))
            case .syncFolder(let path): try disk.syncFolder(self.path(path))
            }
        }
    }
}
