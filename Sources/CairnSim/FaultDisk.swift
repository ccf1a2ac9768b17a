package import CairnLedger
internal import Synchronization

/// A disk in memory that numbers every call from 1, and at one of them crashes the machine, reports an error, or writes
/// less than it was given. What a crash leaves follows from a seed, by the rules that `Disk` states:
///
/// - each write and truncation since the last sync of its file is kept, lost, or torn at 512-byte sectors, on its own;
/// - each name created, renamed or removed since the last sync of its folder is there or not, on its own;
/// - what was synced stays.
///
/// After a crash every call fails; `afterPowerLoss` is the disk that the next start finds. `afterProcessDeath` is what
/// SIGKILL leaves: everything is still readable, locks are free, and what was not synced is still not synced. With
/// `anotherProcess` several processes use the same files, each with its own numbers, faults and death.
package final class FaultDisk: Disk {
    package enum Fault: Sendable, Hashable {
        /// The process stops, and the machine too if the test then takes `afterPowerLoss`: just before the call takes
        /// effect, or just after and before it returns.
        case crash(isApplied: Bool)
        /// The call fails once. A failed sync may have made everything last all the same (`isApplied`); if not, what
        /// it should have written may vanish in a crash even after a later sync that succeeds, as on Linux.
        case failure(DiskError.Reason, isApplied: Bool)
        /// A write takes only a part of its bytes; other calls are not affected.
        case shortWrite
        /// From this call on there is no room, until `freeSpace` is called.
        case full
    }

    /// One call, for messages and for choosing where to put a fault.
    package struct Call: Sendable, Hashable, CustomStringConvertible {
        package var number: Int
        package var operation: Operation
        package var path: String

        package var description: String { "call \(number): \(operation.rawValue) \(path)" }
    }

    package enum Operation: String, Sendable, Hashable {
        case open, create, createFolder, kind, list, rename, remove, syncFolder
        case size, read, write, truncate, sync, tryLock, unlock

        /// Whether the call can change what the next start finds.
        package var isChange: Bool {
            switch self {
            case .create, .createFolder, .rename, .remove, .syncFolder, .write, .truncate, .sync: true
            case .open, .kind, .list, .size, .read, .tryLock, .unlock: false
            }
        }
    }

    /// A place in a program that syncs: who called, and what kind of file (all digits made equal).
    package struct SyncSite: Sendable, Hashable, CustomStringConvertible {
        package var operation: Operation
        package var fileKind: String
        /// What `callSite` answered: the address of the caller.
        package var caller: UInt

        package var description: String { "\(operation.rawValue) of \(fileKind)" }
    }

    /// The error code of every call after the crash; no system has it.
    package static let crashedErrno: Int32 = 9999

    /// What all processes share.
    final class Medium: Sendable {
        let state: Mutex<FaultDiskState>

        init(_ state: FaultDiskState) { self.state = Mutex(state) }
    }

    private let medium: Medium
    private let process: Int
    private let callSite: (@Sendable (Operation) -> UInt)?

    /// - Parameters:
    ///   - seed: decides how much of a write a short write takes.
    ///   - faults: what goes wrong at which call.
    ///   - ignoredSync: a place in the program whose syncs do nothing and say that they did.
    ///   - callSite: tells callers of `sync` apart; see `SyncSite`.
    package init(
        seed: UInt64 = 0, faults: [Int: Fault] = [:], ignoredSync: SyncSite? = nil,
        callSite: (@Sendable (Operation) -> UInt)? = nil
    ) {
        var state = FaultDiskState(random: SimulatedRandom(seed: seed))
        process = state.addProcess(faults: faults)
        state.ignoredSync = ignoredSync
        medium = Medium(state)
        self.callSite = callSite
    }

    private init(_ medium: Medium, process: Int, callSite: (@Sendable (Operation) -> UInt)?) {
        self.medium = medium
        self.process = process
        self.callSite = callSite
    }

    /// The same files as another process sees them, which lives on when this one dies.
    package func anotherProcess(faults: [Int: Fault] = [:]) -> FaultDisk {
        FaultDisk(medium, process: withState { $0.addProcess(faults: faults) }, callSite: callSite)
    }

    func withState<Value: Sendable>(_ body: (inout FaultDiskState) -> Value) -> Value {
        medium.state.withLock { state in
            state.process = process
            return body(&state)
        }
    }

    // MARK: What tests ask

    package var calls: [Call] { withState { $0.calls } }
    package var callCount: Int { withState { $0.calls.count } }
    package var isCrashed: Bool { withState { $0.isCrashed } }
    /// Of all processes.
    package var syncSites: Set<SyncSite> { withState { $0.syncSites } }

    package func freeSpace() { withState { $0.isFull = false } }

    /// Ends the process now, between two calls.
    package func crash() { withState { $0.crash() } }

    /// The disk that the next start finds after the power went.
    package func afterPowerLoss(
        seed: UInt64, faults: [Int: Fault] = [:], ignoredSync: SyncSite? = nil
    ) -> FaultDisk {
        var next = withState { $0.afterPowerLoss(seed: seed, ignoredSync: ignoredSync) }
        let process = next.addProcess(faults: faults)
        return FaultDisk(Medium(next), process: process, callSite: callSite)
    }

    /// The disk that the next start finds after all processes died.
    package func afterProcessDeath(
        seed: UInt64, faults: [Int: Fault] = [:], ignoredSync: SyncSite? = nil
    ) -> FaultDisk {
        var next = withState { $0.restarted(seed: seed, ignoredSync: ignoredSync) }
        let process = next.addProcess(faults: faults)
        return FaultDisk(Medium(next), process: process, callSite: callSite)
    }

    /// Every file with its content as a reader sees it now.
    package var files: [String: [UInt8]] { withState { $0.files } }

    /// Changes a file behind the program's back, as bit rot and attackers do.
    package func overwrite(_ path: String, with bytes: [UInt8]?) { withState { $0.overwrite(path, with: bytes) } }

    // MARK: Disk

    package func open(_ path: String, _ mode: DiskOpenMode) throws(DiskError) -> any DiskFile {
        let handle = try run { state throws(DiskError) in try state.open(path, mode) }
        return FaultFile(disk: self, handle: handle, path: path)
    }

    package func createFolder(_ path: String) throws(DiskError) {
        try run { state throws(DiskError) in try state.createFolder(path) }
    }

    package func kind(of path: String) throws(DiskError) -> DiskEntryKind? {
        try run { state throws(DiskError) in try state.kind(of: path) }
    }

    package func list(_ folder: String) throws(DiskError) -> [String] {
        try run { state throws(DiskError) in try state.list(folder) }
    }

    package func rename(_ path: String, to newPath: String) throws(DiskError) {
        try run { state throws(DiskError) in try state.rename(path, to: newPath) }
    }

    package func remove(_ path: String) throws(DiskError) {
        try run { state throws(DiskError) in try state.remove(path) }
    }

    package func syncFolder(_ path: String) throws(DiskError) {
        let caller = callSite?(.syncFolder) ?? 0
        try run { state throws(DiskError) in try state.syncFolder(path, caller: caller) }
    }

    func sync(_ handle: Int) throws(DiskError) {
        let caller = callSite?(.sync) ?? 0
        try run { state throws(DiskError) in try state.sync(handle, caller: caller) }
    }

    /// Typed errors do not pass through `withLock`'s rethrowing closure in every compiler, a result does.
    func run<Value: Sendable>(
        _ body: (inout FaultDiskState) throws(DiskError) -> Value
    ) throws(DiskError) -> Value {
        let result: Result<Value, DiskError> = withState { state in
            do throws(DiskError) { return .success(try body(&state)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}

/// An open file of a `FaultDisk`.
final class FaultFile: DiskFile {
    private let disk: FaultDisk
    private let handle: Int
    let path: String

    init(disk: FaultDisk, handle: Int, path: String) {
        self.disk = disk
        self.handle = handle
        self.path = path
    }

    deinit { close() }

    func size() throws(DiskError) -> UInt64 {
        try disk.run { [handle] state throws(DiskError) in try state.size(handle) }
    }

    func read(at offset: UInt64, count: Int) throws(DiskError) -> [UInt8] {
        try disk.run { [handle] state throws(DiskError) in try state.read(handle, at: offset, count: count) }
    }

    func write(_ bytes: ArraySlice<UInt8>, at offset: UInt64) throws(DiskError) -> Int {
        try disk.run { [handle] state throws(DiskError) in try state.write(handle, bytes, at: offset) }
    }

    func truncate(to size: UInt64) throws(DiskError) {
        try disk.run { [handle] state throws(DiskError) in try state.truncate(handle, to: size) }
    }

    func sync() throws(DiskError) { try disk.sync(handle) }

    func tryLock() throws(DiskError) -> Bool {
        try disk.run { [handle] state throws(DiskError) in try state.tryLock(handle) }
    }

    func unlock() throws(DiskError) {
        try disk.run { [handle] state throws(DiskError) in try state.unlock(handle) }
    }

    func close() { disk.withState { [handle] in $0.close(handle) } }
}
