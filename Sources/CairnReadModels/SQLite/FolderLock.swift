#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Keeps those who open a read model apart from who puts another file in its place: a connection that is between opening
/// the file and its first read holds none of SQLite's locks yet, and would go on with the old file and the write-ahead
/// log of the new one. The lock (`flock`) is on the folder, so that there is no file more, and dies with the process.
enum FolderLock {
    enum Mode {
        /// Who opens the file, until it has read from it.
        case shared
        /// Who replaces it.
        case exclusive
    }

    /// Where the folder cannot be locked (no permission, a file system without locks), goes on without.
    static func hold<Result>(_ mode: Mode, folder: String, _ body: () throws -> Result) rethrows -> Result {
        let descriptor = unsafe open(folder.isEmpty ? "." : folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return try body() }
        defer { close(descriptor) }
        while flock(descriptor, mode == .shared ? LOCK_SH : LOCK_EX) != 0, errno == EINTR {}
        return try body()
    }
}
