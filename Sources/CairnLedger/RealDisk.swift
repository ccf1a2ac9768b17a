#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// The file system of the machine.
package struct RealDisk: Disk {
    package init() {}

    package func open(_ path: String, _ mode: DiskOpenMode) throws(DiskError) -> any DiskFile {
        // O_NONBLOCK: opening a pipe that nobody writes to would wait for ever; it means nothing for regular files.
        let common = O_CLOEXEC | O_NONBLOCK
        let (flags, permissions): (Int32, UInt16) =
            switch mode {
            case .read: (O_RDONLY, 0)
            case .readWrite: (O_RDWR, 0)
            case .readWriteCreate(let permissions): (O_RDWR | O_CREAT, permissions)
            case .createExclusive(let permissions): (O_RDWR | O_CREAT | O_EXCL, permissions)
            }
        let descriptor = try RealDisk.check("open", path) {
            unsafe openFile(path, flags | common, mode_t(permissions))
        }
        let file = RealFile(descriptor: descriptor, path: path)
        switch try file.kind() {
        case .file: return file
        case .folder: throw DiskError(operation: "open", path: path, reason: .isFolder)
        case .other: throw DiskError(operation: "open", path: path, reason: .notAFile)
        }
    }

    package func createFolder(_ path: String) throws(DiskError) {
        try RealDisk.check("make the folder", path) { unsafe mkdir(path, 0o755) }
    }

    package func kind(of path: String) throws(DiskError) -> DiskEntryKind? {
        var status = stat()
        do {
            try RealDisk.check("look at", path) { unsafe stat(path, &status) }
        } catch {
            if error.reason == .notFound || error.reason == .notFolder { return nil }
            throw error
        }
        return DiskEntryKind(mode: status.st_mode)
    }

    package func isLink(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    package func list(_ folder: String) throws(DiskError) -> [String] {
        guard let stream = unsafe opendir(folder) else { throw DiskError("list", folder, errno: errno) }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                guard errno == 0 else { throw DiskError("list", folder, errno: errno) }
                return names
            }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }

    package func rename(_ path: String, to newPath: String) throws(DiskError) {
        try RealDisk.check("rename", path) { unsafe renameFile(path, newPath) }
    }

    package func remove(_ path: String) throws(DiskError) {
        try RealDisk.check("remove", path) { unsafe unlink(path) }
    }

    package func syncFolder(_ path: String) throws(DiskError) {
        let descriptor = try RealDisk.check("open", path) {
            unsafe openFile(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        }
        defer { _ = closeDescriptor(descriptor) }
        try RealDisk.check("sync the folder", path) { fsync(descriptor) }
    }

    /// Calls again while a signal interrupts, and turns errno into an error.
    @discardableResult
    fileprivate static func check<Result: SignedInteger>(
        _ operation: String, _ path: String, _ call: () -> Result
    ) throws(DiskError) -> Result {
        while true {
            let result = call()
            if result >= 0 { return result }
            let code = errno
            if code != EINTR { throw DiskError(operation, path, errno: code) }
        }
    }
}

// The methods of `RealDisk` and `RealFile` have the names of the C functions that they call.
@unsafe private func openFile(_ path: String, _ flags: Int32, _ permissions: mode_t) -> Int32 {
    unsafe open(path, flags, permissions)
}
@unsafe private func renameFile(_ path: String, _ newPath: String) -> Int32 { unsafe rename(path, newPath) }
private func closeDescriptor(_ descriptor: Int32) -> Int32 { close(descriptor) }

extension DiskEntryKind {
    fileprivate init(mode: mode_t) {
        switch mode & S_IFMT {
        case S_IFREG: self = .file
        case S_IFDIR: self = .folder
        default: self = .other
        }
    }
}

extension DiskError {
    fileprivate init(_ operation: String, _ path: String, errno code: Int32) {
        let reason: Reason =
            switch code {
            case ENOSPC, EDQUOT, EFBIG: .noSpace
            case EIO: .inputOutput
            case EROFS: .readOnly
            case EACCES, EPERM: .denied
            case EISDIR: .isFolder
            case ENOTDIR: .notFolder
            case ENOENT: .notFound
            case EEXIST, ENOTEMPTY: .exists
            default: .other(errno: code)
            }
        self.init(operation: operation, path: path, reason: reason)
    }
}

/// An open file of the machine.
///
/// Sendable without a lock: the descriptor never changes but for `close`, which the owner calls when nobody reads or
/// writes any more; `pread` and `pwrite` share no offset.
private final class RealFile: DiskFile, @unchecked Sendable {
    let path: String
    private var descriptor: Int32

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close() }

    private func status() throws(DiskError) -> stat {
        var status = stat()
        try RealDisk.check("look at", path) { unsafe fstat(descriptor, &status) }
        return status
    }

    func kind() throws(DiskError) -> DiskEntryKind { DiskEntryKind(mode: try status().st_mode) }

    func size() throws(DiskError) -> UInt64 { UInt64(max(0, try status().st_size)) }

    func read(at offset: UInt64, count: Int) throws(DiskError) -> [UInt8] {
        precondition(count >= 0, "a read of \(count) bytes")
        guard count > 0, let start = off_t(exactly: offset) else { return [] }
        var failure: DiskError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                do {
                    let got = try RealDisk.check("read", path) {
                        unsafe pread(descriptor, buffer.baseAddress! + filled, count - filled, start + off_t(filled))
                    }
                    if got == 0 { return }
                    filled += got
                } catch {
                    failure = error as? DiskError
                    return
                }
            }
        }
        if let failure { throw failure }
        return bytes
    }

    func write(_ bytes: ArraySlice<UInt8>, at offset: UInt64) throws(DiskError) -> Int {
        guard !bytes.isEmpty else { return 0 }
        guard let start = off_t(exactly: offset) else {
            throw DiskError(operation: "write", path: path, reason: .noSpace)
        }
        let count = try RealDisk.check("write", path) {
            unsafe bytes.withUnsafeBufferPointer { unsafe pwrite(descriptor, $0.baseAddress, $0.count, start) }
        }
        guard count > 0 else { throw DiskError(operation: "write", path: path, reason: .noSpace) }
        return count
    }

    func truncate(to size: UInt64) throws(DiskError) {
        guard let size = off_t(exactly: size) else {
            throw DiskError(operation: "truncate", path: path, reason: .noSpace)
        }
        try RealDisk.check("truncate", path) { ftruncate(descriptor, size) }
    }

    func sync() throws(DiskError) {
        #if canImport(Darwin)
            try RealDisk.check("sync", path) { fcntl(descriptor, F_FULLFSYNC) }
        #else
            try RealDisk.check("sync", path) { fdatasync(descriptor) }
        #endif
    }

    func tryLock() throws(DiskError) -> Bool {
        do {
            try RealDisk.check("lock", path) { flock(descriptor, LOCK_EX | LOCK_NB) }
            return true
        } catch {
            if error.reason == .other(errno: EWOULDBLOCK) { return false }
            throw error
        }
    }

    func unlock() throws(DiskError) { try RealDisk.check("unlock", path) { flock(descriptor, LOCK_UN) } }

    func close() {
        guard descriptor >= 0 else { return }
        _ = closeDescriptor(descriptor)
        descriptor = -1
    }
}
