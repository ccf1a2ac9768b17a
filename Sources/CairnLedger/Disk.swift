/// Everything the ledger asks of a file system, and nothing else: small, synchronous, one system call per call, so that
/// a test can stand in for it, count the calls, lose what was not synced, and fail any one of them.
///
/// What a caller may assume, and a stand-in must hold to: bytes written and not yet synced may survive a crash, vanish,
/// or survive in part, each 512-byte sector on its own; a new, renamed or removed name may or may not be there after a
/// crash until its folder is synced; `sync` makes the content and the size of one file last, not its name.
package protocol Disk: Sendable {
    /// Opens a regular file. Folders and devices are refused.
    func open(_ path: String, _ mode: DiskOpenMode) throws(DiskError) -> any DiskFile

    /// Makes one folder; its parent must exist.
    func createFolder(_ path: String) throws(DiskError)

    /// What is at a path; nil if nothing is.
    func kind(of path: String) throws(DiskError) -> DiskEntryKind?

    /// Whether the name itself is a symbolic link, whatever it leads to.
    func isLink(_ path: String) -> Bool

    /// The names in a folder, without `.` and `..`, in no order.
    func list(_ folder: String) throws(DiskError) -> [String]

    /// Gives a file another name on the same file system, replacing what was there, in one step.
    func rename(_ path: String, to newPath: String) throws(DiskError)

    /// Removes a file.
    func remove(_ path: String) throws(DiskError)

    /// Makes names created, renamed or removed in the folder last.
    func syncFolder(_ path: String) throws(DiskError)
}

extension Disk {
    /// Disks that stand in for a real one have no links.
    package func isLink(_ path: String) -> Bool { false }
}

/// An open file. Closing it frees its lock; a handle that is dropped closes itself.
package protocol DiskFile: AnyObject, Sendable {
    var path: String { get }

    func size() throws(DiskError) -> UInt64

    /// Up to `count` bytes from `offset`: fewer only at the end of the file.
    func read(at offset: UInt64, count: Int) throws(DiskError) -> [UInt8]

    /// Writes as many of the bytes as one system call takes.
    /// - Returns: how many were written, at least one unless `bytes` is empty.
    func write(_ bytes: ArraySlice<UInt8>, at offset: UInt64) throws(DiskError) -> Int

    /// Shortens or lengthens (with zeros) the file.
    func truncate(to size: UInt64) throws(DiskError)

    /// Makes content and size last: `fdatasync`, and `F_FULLFSYNC` on macOS.
    func sync() throws(DiskError)

    /// Takes the exclusive advisory lock (`flock`) of the file if nobody has it. Death frees it.
    /// - Returns: false if another handle, of this process or another, has it.
    func tryLock() throws(DiskError) -> Bool

    func unlock() throws(DiskError)

    func close()
}

extension DiskFile {
    /// Writes all of the bytes, going on after short writes. When it throws, any part of them may have been written.
    package func writeAll(_ bytes: [UInt8], at offset: UInt64) throws(DiskError) {
        var rest = bytes[...]
        var offset = offset
        while !rest.isEmpty {
            let count = try write(rest, at: offset)
            precondition(count > 0 && count <= rest.count, "a write of \(rest.count) bytes wrote \(count)")
            rest = rest.dropFirst(count)
            offset += UInt64(count)
        }
    }

    /// The whole file, if it is no longer than `limit` bytes.
    package func readAll(limit: UInt64) throws(DiskError) -> [UInt8] {
        let size = try size()
        guard size <= limit else {
            throw DiskError(operation: "read", path: path, reason: .tooLarge(bytes: size, limit: limit))
        }
        return try read(at: 0, count: Int(size))
    }
}

package enum DiskOpenMode: Sendable, Hashable {
    case read
    case readWrite
    /// Reading and writing; made empty if it is not there.
    case readWriteCreate(permissions: UInt16)
    /// Reading and writing; an error if it is there.
    case createExclusive(permissions: UInt16)

    /// What files of a ledger get, before the user's umask.
    package static let ledgerPermissions: UInt16 = 0o644
    /// What private keys get.
    package static let keyPermissions: UInt16 = 0o600
}

package enum DiskEntryKind: Sendable, Hashable {
    case file, folder, other
}

/// Why the file system refused.
package struct DiskError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The call, in words: `open`, `write`, `sync`, ...
    package var operation: String
    package var path: String
    package var reason: Reason

    package enum Reason: Hashable, Sendable {
        /// ENOSPC, EDQUOT, EFBIG: there is no room.
        case noSpace
        /// EIO: the device failed.
        case inputOutput
        /// EROFS: the file system is mounted read-only.
        case readOnly
        /// EACCES, EPERM: the permissions say no.
        case denied
        /// EISDIR: a folder where a file is wanted.
        case isFolder
        /// ENOTDIR: a file where a folder is wanted.
        case notFolder
        /// ENOENT.
        case notFound
        /// EEXIST, ENOTEMPTY.
        case exists
        /// A device, pipe or socket where a file is wanted.
        case notAFile
        /// A file over the limit of what is read at once.
        case tooLarge(bytes: UInt64, limit: UInt64)
        /// Any other errno.
        case other(errno: Int32)
    }

    package init(operation: String, path: String, reason: Reason) {
        self.operation = operation
        self.path = path
        self.reason = reason
    }

    package var description: String { "cannot \(operation) \(path): \(reasonText)" }

    package var reasonText: String {
        switch reason {
        case .noSpace: "there is no space left"
        case .inputOutput: "the device reports an input/output error"
        case .readOnly: "the file system is read-only"
        case .denied: "permission denied"
        case .isFolder: "it is a folder"
        case .notFolder: "a part of the path is not a folder"
        case .notFound: "there is no such file or folder"
        case .exists: "it is already there"
        case .notAFile: "it is not a regular file"
        case .tooLarge(let bytes, let limit): "its \(bytes) bytes are more than the limit of \(limit)"
        case .other(let errno): "system error \(errno)"
        }
    }
}
