internal import CairnLedger

/// What a `FaultDisk` knows: the files as readers see them, the files as they would be after the worst crash, and the
/// changes in between that a crash decides over.
struct FaultDiskState: Sendable {
    enum Node: Sendable, Hashable {
        case file(Int)
        case folder
    }

    /// One step in a folder, not yet synced.
    enum NameChange: Sendable {
        case add(String, Node)
        case remove(String, Node)
        case rename(String, to: String, Node)
    }

    struct Handle: Sendable {
        var inode: Int
        var path: String
        var isWritable: Bool
        var process: Int
    }

    struct Process: Sendable {
        var faults: [Int: FaultDisk.Fault]
        var calls: [FaultDisk.Call] = []
        var isCrashed = false
    }

    var random: SimulatedRandom
    var ignoredSync: FaultDisk.SyncSite?
    private(set) var syncSites: Set<FaultDisk.SyncSite> = []
    var isFull = false

    private var processes: [Process] = []
    /// The one that makes the call.
    var process = 0

    private var inodes: [Int: FaultInode] = [:]
    private var names: [String: Node] = ["/": .folder]
    private var durableNames: [String: Node] = ["/": .folder]
    /// By folder, in order.
    private var nameChanges: [String: [NameChange]] = [:]
    private var handles: [Int: Handle] = [:]
    /// The handle that has the lock of an inode.
    private var locks: [Int: Int] = [:]
    private var nextNumber = 1

    init(random: SimulatedRandom) { self.random = random }

    // MARK: Processes, calls and faults

    mutating func addProcess(faults: [Int: FaultDisk.Fault]) -> Int {
        processes.append(Process(faults: faults))
        return processes.count - 1
    }

    var calls: [FaultDisk.Call] { processes[process].calls }
    var isCrashed: Bool { processes[process].isCrashed }

    /// The process dies, and its locks are free.
    mutating func crash() {
        processes[process].isCrashed = true
        locks = locks.filter { handles[$0.value]?.process != process }
    }

    /// What is to be done with a call once its fault is known.
    private enum Course {
        case normal, short
        /// Do it, then fail.
        case failAfter(DiskError)
        /// Do not do it, and fail.
        case failBefore(DiskError)
    }

    private mutating func begin(_ operation: FaultDisk.Operation, _ path: String) throws(DiskError) -> Course {
        let crashed = DiskError(
            operation: operation.rawValue, path: path, reason: .other(errno: FaultDisk.crashedErrno))
        guard !isCrashed else { throw crashed }
        let number = calls.count + 1
        processes[process].calls.append(FaultDisk.Call(number: number, operation: operation, path: path))
        switch processes[process].faults[number] {
        case nil: break
        case .crash(let isApplied):
            crash()
            return isApplied ? .failAfter(crashed) : .failBefore(crashed)
        case .failure(let reason, let isApplied):
            let error = DiskError(operation: operation.rawValue, path: path, reason: reason)
            return isApplied ? .failAfter(error) : .failBefore(error)
        case .shortWrite: return .short
        case .full: isFull = true
        }
        if isFull, operation == .create || operation == .createFolder {
            return .failBefore(DiskError(operation: operation.rawValue, path: path, reason: .noSpace))
        }
        return .normal
    }

    /// Runs the steps of a call as its fault demands.
    private mutating func perform<Value>(
        _ operation: FaultDisk.Operation, _ path: String,
        _ body: (inout FaultDiskState) throws(DiskError) -> Value
    ) throws(DiskError) -> Value {
        switch try begin(operation, path) {
        case .normal, .short: return try body(&self)
        case .failBefore(let error): throw error
        case .failAfter(let error):
            _ = try body(&self)
            throw error
        }
    }

    private func error(_ operation: FaultDisk.Operation, _ path: String, _ reason: DiskError.Reason) -> DiskError {
        DiskError(operation: operation.rawValue, path: path, reason: reason)
    }

    // MARK: Names

    static func normal(_ path: String) -> String {
        "/" + path.split(separator: "/").joined(separator: "/")
    }

    static func parent(of path: String) -> String {
        normal(path.split(separator: "/").dropLast().joined(separator: "/"))
    }

    private func checkParent(
        _ path: String, _ operation: FaultDisk.Operation
    ) throws(DiskError) {
        switch names[FaultDiskState.parent(of: path)] {
        case .folder: return
        case .file: throw error(operation, path, .notFolder)
        case nil: throw error(operation, path, .notFound)
        }
    }

    private mutating func change(_ change: NameChange, in folder: String) {
        nameChanges[folder, default: []].append(change)
    }

    private mutating func number() -> Int {
        defer { nextNumber += 1 }
        return nextNumber
    }

    mutating func open(_ path: String, _ mode: DiskOpenMode) throws(DiskError) -> Int {
        let path = FaultDiskState.normal(path)
        let isThere = names[path] != nil
        let (isWritable, mayCreate, mustCreate) =
            switch mode {
            case .read: (false, false, false)
            case .readWrite: (true, false, false)
            case .readWriteCreate: (true, true, false)
            case .createExclusive: (true, true, true)
            }
        return try perform(mayCreate && !isThere ? .create : .open, path) { state throws(DiskError) in
            if state.names[path] == .folder { throw state.error(.open, path, .isFolder) }
            var inode: Int
            if case .file(let existing) = state.names[path] {
                guard !mustCreate else { throw state.error(.open, path, .exists) }
                inode = existing
            } else {
                try state.checkParent(path, .open)
                guard mayCreate else { throw state.error(.open, path, .notFound) }
                inode = state.number()
                state.inodes[inode] = FaultInode()
                state.names[path] = .file(inode)
                state.change(.add(path, .file(inode)), in: FaultDiskState.parent(of: path))
            }
            let handle = state.number()
            state.handles[handle] = Handle(
                inode: inode, path: path, isWritable: isWritable, process: state.process)
            return handle
        }
    }

    mutating func createFolder(_ path: String) throws(DiskError) {
        let path = FaultDiskState.normal(path)
        try perform(.createFolder, path) { state throws(DiskError) in
            guard state.names[path] == nil else { throw state.error(.createFolder, path, .exists) }
            try state.checkParent(path, .createFolder)
            state.names[path] = .folder
            state.change(.add(path, .folder), in: FaultDiskState.parent(of: path))
        }
    }

    mutating func kind(of path: String) throws(DiskError) -> DiskEntryKind? {
        let path = FaultDiskState.normal(path)
        return try perform(.kind, path) { state throws(DiskError) in
            switch state.names[path] {
            case nil: nil
            case .folder: .folder
            case .file: .file
            }
        }
    }

    mutating func list(_ folder: String) throws(DiskError) -> [String] {
        let folder = FaultDiskState.normal(folder)
        return try perform(.list, folder) { state throws(DiskError) in
            switch state.names[folder] {
            case nil: throw state.error(.list, folder, .notFound)
            case .file: throw state.error(.list, folder, .notFolder)
            case .folder: break
            }
            var found: [String] = []
            for name in state.names.keys where name != "/" && FaultDiskState.parent(of: name) == folder {
                found.append(String(name.dropFirst(folder == "/" ? 1 : folder.utf8.count + 1)))
            }
            // No order is promised; a sorted one would hide a program that relies on it.
            return found.sorted().shuffled(using: &state.random)
        }
    }

    mutating func rename(_ path: String, to newPath: String) throws(DiskError) {
        let path = FaultDiskState.normal(path)
        let newPath = FaultDiskState.normal(newPath)
        try perform(.rename, newPath) { state throws(DiskError) in
            guard let node = state.names[path] else { throw state.error(.rename, path, .notFound) }
            guard case .file = node, state.names[newPath] != .folder else {
                throw state.error(.rename, newPath, .isFolder)
            }
            try state.checkParent(newPath, .rename)
            state.names[path] = nil
            state.names[newPath] = node
            state.change(.rename(path, to: newPath, node), in: FaultDiskState.parent(of: newPath))
        }
    }

    mutating func remove(_ path: String) throws(DiskError) {
        let path = FaultDiskState.normal(path)
        try perform(.remove, path) { state throws(DiskError) in
            guard let node = state.names[path] else { throw state.error(.remove, path, .notFound) }
            guard case .file = node else { throw state.error(.remove, path, .isFolder) }
            state.names[path] = nil
            state.change(.remove(path, node), in: FaultDiskState.parent(of: path))
        }
    }

    mutating func syncFolder(_ path: String, caller: UInt) throws(DiskError) {
        let path = FaultDiskState.normal(path)
        let site = FaultDisk.SyncSite(
            operation: .syncFolder, fileKind: FaultDiskState.kindText(path), caller: caller)
        syncSites.insert(site)
        try perform(.syncFolder, path) { state throws(DiskError) in
            guard state.names[path] == .folder else { throw state.error(.syncFolder, path, .notFound) }
            guard state.ignoredSync != site else { return }
            for change in state.nameChanges.removeValue(forKey: path) ?? [] {
                FaultDiskState.apply(change, to: &state.durableNames)
            }
        }
    }

    private static func apply(_ change: NameChange, to names: inout [String: Node]) {
        switch change {
        case .add(let path, let node): names[path] = node
        case .remove(let path, let node): if names[path] == node { names[path] = nil }
        case .rename(let path, let newPath, let node):
            if names[path] == node { names[path] = nil }
            names[newPath] = node
        }
    }

    /// The path with every digit made equal.
    private static func kindText(_ path: String) -> String {
        path.split(separator: "/").map { name in
            String(name.map { $0.isASCII && $0.isNumber ? "0" : $0 })
        }.joined(separator: "/")
    }

    // MARK: Open files

    private func handle(_ number: Int, _ operation: FaultDisk.Operation) throws(DiskError) -> (Handle, FaultInode) {
        guard let handle = handles[number], let inode = inodes[handle.inode] else {
            throw error(operation, "a closed file", .other(errno: 9))
        }
        return (handle, inode)
    }

    mutating func size(_ number: Int) throws(DiskError) -> UInt64 {
        let (handle, inode) = try handle(number, .size)
        return try perform(.size, handle.path) { _ throws(DiskError) in UInt64(inode.current.count) }
    }

    mutating func read(_ number: Int, at offset: UInt64, count: Int) throws(DiskError) -> [UInt8] {
        let (handle, inode) = try handle(number, .read)
        return try perform(.read, handle.path) { _ throws(DiskError) in
            let start = Int(min(offset, UInt64(inode.current.count)))
            return Array(inode.current[start..<min(inode.current.count, start + count)])
        }
    }

    mutating func write(_ number: Int, _ bytes: ArraySlice<UInt8>, at offset: UInt64) throws(DiskError) -> Int {
        let (handle, inode) = try handle(number, .write)
        precondition(handle.isWritable, "\(handle.path) was opened for reading")
        var part = bytes
        let course = try begin(.write, handle.path)
        switch course {
        case .short where bytes.count > 1:
            part = bytes.prefix(Int.random(in: 1..<bytes.count, using: &random))
        case .failBefore(let error): throw error
        default: break
        }
        let end = offset + UInt64(part.count)
        if isFull, end > UInt64(inode.current.count) {
            // A full disk takes what still fits into the last block.
            let room = UInt64(inode.current.count) > offset ? Int(UInt64(inode.current.count) - offset) : 0
            guard room > 0 else { throw error(.write, handle.path, .noSpace) }
            part = part.prefix(room)
        }
        // The array must not be shared while it is changed, or each write would copy the file.
        inodes[handle.inode]?.write(Array(part), at: Int(offset))
        if case .failAfter(let error) = course { throw error }
        return part.count
    }

    mutating func truncate(_ number: Int, to size: UInt64) throws(DiskError) {
        let (handle, _) = try handle(number, .truncate)
        precondition(handle.isWritable, "\(handle.path) was opened for reading")
        try perform(.truncate, handle.path) { state throws(DiskError) in
            state.inodes[handle.inode]?.truncate(to: Int(size))
        }
    }

    mutating func sync(_ number: Int, caller: UInt) throws(DiskError) {
        let (handle, _) = try handle(number, .sync)
        let site = FaultDisk.SyncSite(
            operation: .sync, fileKind: FaultDiskState.kindText(handle.path), caller: caller)
        syncSites.insert(site)
        switch try begin(.sync, handle.path) {
        case .failBefore(let error):
            if !isCrashed { inodes[handle.inode]?.failSync() }
            throw error
        case .failAfter(let error):
            if ignoredSync != site { inodes[handle.inode]?.sync() }
            throw error
        case .normal, .short:
            if ignoredSync != site { inodes[handle.inode]?.sync() }
        }
    }

    mutating func tryLock(_ number: Int) throws(DiskError) -> Bool {
        let (handle, _) = try handle(number, .tryLock)
        return try perform(.tryLock, handle.path) { state throws(DiskError) in
            guard state.locks[handle.inode] == nil || state.locks[handle.inode] == number else { return false }
            state.locks[handle.inode] = number
            return true
        }
    }

    mutating func unlock(_ number: Int) throws(DiskError) {
        let (handle, _) = try handle(number, .unlock)
        try perform(.unlock, handle.path) { state throws(DiskError) in
            if state.locks[handle.inode] == number { state.locks[handle.inode] = nil }
        }
    }

    mutating func close(_ number: Int) {
        guard let handle = handles.removeValue(forKey: number) else { return }
        if locks[handle.inode] == number { locks[handle.inode] = nil }
    }

    // MARK: After

    /// The same files without any process.
    func restarted(seed: UInt64, ignoredSync: FaultDisk.SyncSite?) -> FaultDiskState {
        var next = self
        next.random = SimulatedRandom(seed: seed)
        next.ignoredSync = ignoredSync
        next.syncSites = []
        next.isFull = false
        next.processes = []
        next.handles = [:]
        next.locks = [:]
        return next
    }

    func afterPowerLoss(seed: UInt64, ignoredSync: FaultDisk.SyncSite?) -> FaultDiskState {
        var next = restarted(seed: seed, ignoredSync: ignoredSync)
        // In a fixed order: that of a dictionary differs from run to run.
        for folder in nameChanges.keys.sorted() {
            for change in nameChanges[folder] ?? [] where Bool.random(using: &next.random) {
                FaultDiskState.apply(change, to: &next.durableNames)
            }
        }
        for path in next.durableNames.keys.sorted() where path != "/" {
            // Sorted, a folder comes before what is in it.
            if next.durableNames[FaultDiskState.parent(of: path)] != .folder { next.durableNames[path] = nil }
        }
        next.nameChanges = [:]
        next.names = next.durableNames
        for number in inodes.keys.sorted() { next.inodes[number]?.losePower(&next.random) }
        return next
    }

    var files: [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for (path, node) in names {
            if case .file(let number) = node { files[path] = inodes[number]?.current ?? [] }
        }
        return files
    }

    mutating func overwrite(_ path: String, with bytes: [UInt8]?) {
        let path = FaultDiskState.normal(path)
        guard let bytes else {
            names[path] = nil
            durableNames[path] = nil
            return
        }
        let inode: Int
        if case .file(let existing) = names[path] { inode = existing } else { inode = number() }
        inodes[inode] = FaultInode(bytes)
        names[path] = .file(inode)
        durableNames[path] = .file(inode)
    }
}
