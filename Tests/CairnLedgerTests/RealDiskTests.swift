import CairnLedger
import CairnTestSupport
import Testing

@Suite struct RealDiskTests {
    let disk = RealDisk()

    @Test func writesReadsCutsAndRenames() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("a")
        let file = try disk.open(path, .createExclusive(permissions: 0o644))
        try file.writeAll([1, 2, 3, 4, 5], at: 0)
        try file.sync()
        #expect(try file.size() == 5)
        #expect(try file.read(at: 3, count: 10) == [4, 5])
        #expect(try file.read(at: 9, count: 10) == [])
        try file.truncate(to: 2)
        #expect(try file.readAll(limit: 10) == [1, 2])
        #expect(throws: DiskError(operation: "read", path: path, reason: .tooLarge(bytes: 2, limit: 1))) {
            try file.readAll(limit: 1)
        }
        try disk.rename(path, to: folder.file("b"))
        try disk.syncFolder(folder.path)
        #expect(try disk.list(folder.path) == ["b"])
        try disk.remove(folder.file("b"))
        #expect(try disk.kind(of: folder.file("b")) == nil)
    }

    @Test func tellsTheReasonsApart() throws {
        let folder = try TemporaryFolder()
        func reason(_ body: () throws -> Void) -> DiskError.Reason? {
            do {
                try body()
                return nil
            } catch { return (error as? DiskError)?.reason }
        }
        #expect(reason { _ = try disk.open(folder.path, .read) } == .isFolder)
        #expect(reason { _ = try disk.open(folder.path, .readWrite) } == .isFolder)
        #expect(reason { _ = try disk.open("/dev/null", .read) } == .notAFile)
        #expect(reason { _ = try disk.open(folder.file("none"), .readWrite) } == .notFound)
        _ = try disk.open(folder.file("x"), .readWriteCreate(permissions: 0o600))
        #expect(reason { _ = try disk.open(folder.file("x"), .createExclusive(permissions: 0o600)) } == .exists)
        #expect(reason { _ = try disk.open(folder.file("x/y"), .read) } == .notFolder)
        #expect(reason { try disk.createFolder(folder.path) } == .exists)
        #expect(reason { _ = try disk.list(folder.file("none")) } == .notFound)
        #expect(reason { try disk.open(folder.file("x"), .read).writeAll([1], at: 0) } != nil)
    }

    @Test func lockIsHeldByOneHandleAndFreedByClosing() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("lock")
        let first = try disk.open(path, .readWriteCreate(permissions: 0o644))
        let second = try disk.open(path, .readWriteCreate(permissions: 0o644))
        #expect(try first.tryLock())
        #expect(try !second.tryLock())
        try first.unlock()
        #expect(try second.tryLock())
        second.close()
        #expect(try first.tryLock())
    }
}
