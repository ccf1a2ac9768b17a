import CairnBytes
import CairnLedger
import CairnSim
import CairnTestSupport
import Testing

@Suite struct FaultDiskTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    private let mode = DiskOpenMode.readWriteCreate(permissions: 0o644)

    /// What any of 200 power losses left of a file: nil where the name was gone.
    private func outcomes(_ disk: FaultDisk, _ path: String) -> Set<[UInt8]?> {
        Set((0..<200).map { disk.afterPowerLoss(seed: $0).files[path] })
    }

    @Test func whatIsSyncedStays() throws {
        let disk = FaultDisk()
        let file = try disk.open("/a", mode)
        try file.writeAll(bytes("hello"), at: 0)
        try file.sync()
        try disk.syncFolder("/")
        #expect(outcomes(disk, "/a") == [bytes("hello")])
        try file.writeAll(bytes("J"), at: 0)
        #expect(outcomes(disk, "/a") == [bytes("hello"), bytes("Jello")])
        try file.truncate(to: 2)
        #expect(outcomes(disk, "/a") == [bytes("hello"), bytes("Jello"), bytes("he"), bytes("Je")])
        #expect(disk.files["/a"] == bytes("Je"))
    }

    @Test func unsyncedNamesComeAndGo() throws {
        let disk = FaultDisk()
        try disk.createFolder("/f")
        let file = try disk.open("/f/new", mode)
        try file.writeAll(bytes("1"), at: 0)
        try file.sync()
        #expect(outcomes(disk, "/f/new") == [nil, bytes("1")])
        try disk.syncFolder("/")
        #expect(outcomes(disk, "/f/new") == [nil, bytes("1")])
        try disk.syncFolder("/f")
        #expect(outcomes(disk, "/f/new") == [bytes("1")])
        try disk.rename("/f/new", to: "/f/name")
        #expect(outcomes(disk, "/f/new") == [nil, bytes("1")])
        #expect(outcomes(disk, "/f/name") == [nil, bytes("1")])
        // A rename is one step: the file has exactly one of the two names.
        for seed in 0..<100 as Range<UInt64> { #expect(disk.afterPowerLoss(seed: seed).files.count == 1) }
        try disk.syncFolder("/f")
        try disk.remove("/f/name")
        #expect(outcomes(disk, "/f/name") == [nil, bytes("1")])
        try disk.syncFolder("/f")
        #expect(outcomes(disk, "/f/name") == [nil])
    }

    @Test func writesTearAtSectors() throws {
        let disk = FaultDisk()
        let file = try disk.open("/a", mode)
        try disk.syncFolder("/")
        let content = [UInt8](repeating: 7, count: 512 * 3)
        try file.writeAll(content, at: 100)
        var isTorn = false
        for seed in 0..<200 as Range<UInt64> {
            let left = try #require(disk.afterPowerLoss(seed: seed).files["/a"])
            #expect(left == disk.afterPowerLoss(seed: seed).files["/a"], "the same seed gives the same crash")
            for start in stride(from: 0, to: left.count, by: 512) {
                let sector = left[max(100, start)..<min(left.count, start + 512)]
                #expect(Set(sector).count <= 1, "seed \(seed): a sector is torn")
            }
            isTorn = isTorn || (Set(left.dropFirst(100)).count == 2)
        }
        #expect(isTorn)
    }

    @Test func aCrashEndsEverything() throws {
        for isApplied in [false, true] {
            let disk = FaultDisk(faults: [3: .crash(isApplied: isApplied)])
            let file = try disk.open("/a", mode)
            try disk.syncFolder("/")
            #expect(throws: DiskError.self) { try file.writeAll(bytes("x"), at: 0) }
            #expect(disk.isCrashed)
            #expect(throws: DiskError.self) { try file.sync() }
            #expect(throws: DiskError.self) { try disk.list("/") }
            #expect(disk.callCount == 3)
            #expect(disk.calls.last?.description == "call 3: write /a")
            #expect(outcomes(disk, "/a").contains(bytes("x")) == isApplied)
        }
    }

    @Test func aFailedSyncIsNotMadeGoodByALaterOne() throws {
        let disk = FaultDisk(faults: [4: .failure(.inputOutput, isApplied: false)])
        let file = try disk.open("/a", mode)
        try disk.syncFolder("/")
        try file.writeAll(bytes("first"), at: 0)
        #expect(throws: DiskError.self) { try file.sync() }
        try file.sync()
        #expect(outcomes(disk, "/a").contains([]))
        let good = FaultDisk(faults: [4: .failure(.inputOutput, isApplied: true)])
        let other = try good.open("/a", mode)
        try good.syncFolder("/")
        try other.writeAll(bytes("first"), at: 0)
        #expect(throws: DiskError.self) { try other.sync() }
        #expect(outcomes(good, "/a") == [bytes("first")])
    }

    @Test func errorsAndShortWritesHitOneCall() throws {
        let disk = FaultDisk(seed: 3, faults: [2: .shortWrite, 5: .failure(.inputOutput, isApplied: false)])
        let file = try disk.open("/a", mode)
        let taken = try file.write(bytes("0123456789")[...], at: 0)
        #expect((1..<10).contains(taken))
        try file.writeAll(Array(bytes("0123456789").dropFirst(taken)), at: UInt64(taken))
        #expect(try file.read(at: 2, count: 3) == bytes("234"))
        #expect(throws: DiskError(operation: "read", path: "/a", reason: .inputOutput)) {
            try file.read(at: 0, count: 100)
        }
        #expect(try file.readAll(limit: 100) == bytes("0123456789"))
        #expect(try file.read(at: 50, count: 3) == [])
    }

    @Test func aFullDiskRefusesUntilThereIsRoom() throws {
        let disk = FaultDisk(faults: [2: .full])
        let file = try disk.open("/a", mode)
        #expect(throws: DiskError(operation: "write", path: "/a", reason: .noSpace)) {
            try file.writeAll(bytes("x"), at: 0)
        }
        #expect(throws: DiskError.self) { try disk.open("/b", mode) }
        disk.freeSpace()
        try file.writeAll(bytes("x"), at: 0)
        #expect(disk.files["/a"] == bytes("x"))
    }

    @Test func locksEndWithTheirHolder() throws {
        let disk = FaultDisk()
        let first = try disk.open("/lock", mode)
        var second: (any DiskFile)? = try disk.open("/lock", mode)
        #expect(try first.tryLock())
        #expect(try second?.tryLock() == false)
        first.close()
        #expect(try second?.tryLock() == true)
        let third = try disk.open("/lock", mode)
        #expect(try third.tryLock() == false)
        second = nil
        #expect(try third.tryLock())
        let next = disk.afterProcessDeath(seed: 1)
        #expect(try next.open("/lock", mode).tryLock())
        #expect(throws: DiskError.self) { try first.size() }
    }

    @Test func processesShareFilesAndDieAlone() throws {
        let disk = FaultDisk(faults: [3: .crash(isApplied: true)])
        let other = disk.anotherProcess(faults: [1: .failure(.inputOutput, isApplied: false)])
        let file = try disk.open("/a", mode)
        #expect(try file.tryLock())
        #expect(throws: DiskError(operation: "open", path: "/a", reason: .inputOutput)) { try other.open("/a", mode) }
        let same = try other.open("/a", mode)
        #expect(try same.tryLock() == false)
        #expect(throws: DiskError.self) { try file.writeAll(bytes("x"), at: 0) }
        #expect(disk.isCrashed && !other.isCrashed)
        #expect(try same.tryLock())
        #expect(try same.readAll(limit: 10) == bytes("x"))
        try same.sync()
        try other.syncFolder("/")
        #expect(outcomes(other, "/a") == [bytes("x")])
        #expect(disk.callCount == 3)
    }

    @Test func aProcessDiesAloneAndItsWritesStayUnsynced() throws {
        let disk = FaultDisk()
        let file = try disk.open("/a", mode)
        try disk.syncFolder("/")
        try file.writeAll(bytes("x"), at: 0)
        let next = disk.afterProcessDeath(seed: 1)
        #expect(next.files["/a"] == bytes("x"))
        #expect(outcomes(next, "/a") == [[], [0], bytes("x")])
    }

    @Test func anIgnoredSyncDoesNothing() throws {
        let disk = FaultDisk()
        let file = try disk.open("/a1", mode)
        try file.sync()
        try disk.syncFolder("/")
        #expect(Set(disk.syncSites.map(\.description)) == ["sync of a0", "syncFolder of "])
        let site = try #require(disk.syncSites.first { $0.operation == .sync })
        let careless = FaultDisk(ignoredSync: site)
        let other = try careless.open("/a2", mode)
        try careless.syncFolder("/")
        try other.writeAll(bytes("x"), at: 0)
        try other.sync()
        #expect(outcomes(careless, "/a2") == [[], [0], bytes("x")])
    }

    @Test(.enabled(if: BuildKind.isDebug, "\(BuildKind.needsDebug)"))
    func callersOfSyncAreToldApart() throws {
        let disk = FaultDisk(callSite: SyncCallSite.current)
        let seen: any Disk = disk
        let file = try seen.open("/a", mode)
        func sync(_ file: any DiskFile) throws { try file.sync() }
        for _ in 0..<3 { try sync(file) }
        #expect(disk.syncSites.count == 1)
        try file.sync()
        #expect(disk.syncSites.count == 2)
        for _ in 0..<2 { try seen.syncFolder("/") }
        #expect(disk.syncSites.count == 3)
        try seen.syncFolder("/")
        #expect(disk.syncSites.count == 4)
    }

    @Test func wrongPathsAreRefused() throws {
        let disk = FaultDisk()
        #expect(throws: DiskError(operation: "open", path: "/x/a", reason: .notFound)) { try disk.open("/x/a", mode) }
        #expect(throws: DiskError(operation: "open", path: "/a", reason: .notFound)) { try disk.open("/a", .read) }
        try disk.createFolder("/f")
        #expect(throws: DiskError.self) { try disk.createFolder("/f") }
        #expect(throws: DiskError.self) { try disk.open("/f", .read) }
        #expect(throws: DiskError.self) { try disk.remove("/f") }
        _ = try disk.open("/f//a/", mode)
        #expect(throws: DiskError.self) { try disk.open("/f/a", .createExclusive(permissions: 0o644)) }
        #expect(try disk.list("/f") == ["a"])
        #expect(try disk.list("/") == ["f"])
        #expect(try disk.kind(of: "/f/a") == .file)
        #expect(try disk.kind(of: "/f") == .folder)
        #expect(try disk.kind(of: "/g") == nil)
    }

    @Test func timeAndChanceFollowTheirSeeds() {
        let random = SimulatedRandomSource(seed: 5)
        let same = SimulatedRandomSource(seed: 5)
        #expect(random.bytes(count: 40) == same.bytes(count: 40))
        #expect(random.bytes(count: 8) != random.bytes(count: 8))
        let clock = SimulatedClock(start: .init(microseconds: 0), stepMicroseconds: 10)
        #expect(clock.now() < clock.now())
        let before = clock.monotonicMicroseconds()
        clock.sleep(microseconds: 500)
        clock.setTimeOfDay(.earliest)
        #expect(clock.monotonicMicroseconds() >= before + 500)
        #expect(clock.now() == Timestamp(microseconds: Timestamp.earliest.microseconds + 20))
    }
}
