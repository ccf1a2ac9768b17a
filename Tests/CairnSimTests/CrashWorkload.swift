import CairnBytes
import CairnLedger
import CairnModel
import CairnSim

/// What a run of the workload was told and what it attempted: enough to say, after a crash, what must be there, what
/// may be there, and what must not.
struct CrashTrace {
    struct Batch {
        var events: [ProposedEvent]
        /// Nil if the append did not return.
        var receipts: [Receipt]?
    }

    var isCreated = false
    var batches: [Batch] = []
    /// Digests of attachments whose removal was asked for, and whether that was acknowledged.
    var removals: [[UInt8]: Bool] = [:]
    var checkpoints: [SignedCheckpoint] = []

    var acknowledged: Int { batches.count { $0.receipts != nil } }
}

/// A short life of a ledger that comes by every kind of write: batches with and without attachments, a duplicate,
/// checkpoints, sealed segments, removal of content in an open and in a sealed segment, closing and opening again.
struct CrashWorkload {
    static let folder = "/data/ledger"
    static let defaultKeyFile = "/keys/cairn.key"
    static let actor = Actor(id: "tester@sim", type: "local")

    let disk: FaultDisk
    let environment: LedgerEnvironment
    /// Nil for a ledger that signs nothing.
    let keyFile: String?
    var options: LedgerOptions
    var trace = CrashTrace()
    /// The one in use, for those who go on with it after an error.
    private(set) var ledger: Ledger?

    init(disk: FaultDisk, seed: UInt64 = 1, hasKey: Bool = true) {
        keyFile = hasKey ? CrashWorkload.defaultKeyFile : nil
        self.disk = disk
        let start = Timestamp(microseconds: 1_800_000_000_000_000 + Int64(seed % 1000) * 60_000_000)
        environment = LedgerEnvironment(
            disk: disk, clock: SimulatedClock(start: start), random: SimulatedRandomSource(seed: seed),
            command: "crash test", processID: 1)
        options = LedgerOptions()
        options.sealBytes = 6 << 10
        options.lockTimeoutMicroseconds = 1000
    }

    /// The disk before the workload: two folders that are there for good.
    static func makeDisk(
        faults: [Int: FaultDisk.Fault] = [:], ignoredSync: FaultDisk.SyncSite? = nil
    ) throws -> FaultDisk {
        let disk = FaultDisk(callSite: SyncCallSite.current)
        try disk.createFolder("/data")
        try disk.createFolder("/keys")
        try disk.syncFolder("/")
        return disk.afterProcessDeath(seed: 1, faults: faults, ignoredSync: ignoredSync)
    }

    static func event(_ name: String, stream: String, dataBytes: Int = 40, attachments: [Int] = []) -> ProposedEvent {
        let filler = String(name.unicodeScalars.flatMap { [$0, $0, $0] }.map(Character.init))
        return ProposedEvent(
            id: name, source: "/test", type: "test.happened.v1",
            subject: StreamName(kind: "test", foreignID: stream),
            time: Timestamp(microseconds: 1_700_000_000_000_000),
            data: ["text": .string(String(repeating: filler, count: max(1, dataBytes / max(1, filler.utf8.count))))],
            attachments: attachments.enumerated().map { index, count in
                ProposedAttachment(
                    role: "samples", mediaType: "application/octet-stream", content: content(name, index, count),
                    retention: .droppable)
            })
    }

    /// Bytes that do not compress, so that they cross sectors.
    static func content(_ name: String, _ index: Int, _ count: Int) -> [UInt8] {
        var random = SimulatedRandom(seed: name.utf8.reduce(UInt64(index)) { $0 &* 31 &+ UInt64($1) })
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }
}

extension CrashWorkload {
    /// Runs to the end, or to the first error, which it throws; `trace` says how far it came.
    mutating func run() throws { try runSteps(try create()) }

    mutating func create() throws -> Ledger {
        let ledger = try Ledger.create(
            at: Self.folder, origin: "crash.example/log", keyFile: keyFile, environment: environment,
            options: options)
        trace.isCreated = true
        self.ledger = ledger
        return ledger
    }

    mutating func runSteps(_ created: Ledger) throws {
        var ledger = created
        try append([Self.event("a1", stream: "one"), Self.event("a2", stream: "two")], to: ledger)
        let first = try append([Self.event("b1", stream: "one", attachments: [700])], to: ledger)
        try sign(ledger)
        try append(
            [
                Self.event("c1", stream: "two", dataBytes: 1500, attachments: [100, 1300]),
                Self.event("c2", stream: "one"), Self.event("c3", stream: "three", attachments: [10]),
            ], to: ledger)
        try remove(first, from: ledger)
        try append([Self.event("a1", stream: "one")], to: ledger)
        for index in 0..<4 {
            try append(
                [Self.event("d\(index)", stream: "one", dataBytes: 900, attachments: index == 1 ? [600] : [])],
                to: ledger)
        }
        try sign(ledger)
        // In a sealed segment by now.
        try remove(trace.batches[3].receipts ?? [], from: ledger)
        try append([Self.event("e1", stream: "four", attachments: [50])], to: ledger)
        self.ledger = nil
        try ledger.close()
        ledger = try open()
        self.ledger = ledger
        try append([Self.event("f1", stream: "one"), Self.event("f2", stream: "five", dataBytes: 3000)], to: ledger)
        try sign(ledger)
        self.ledger = nil
        try ledger.close()
    }

    func open() throws -> Ledger {
        try Ledger.open(
            at: Self.folder, access: .readWrite, environment: environment, keyFile: keyFile, options: options)
    }

    @discardableResult
    mutating func append(_ events: [ProposedEvent], to ledger: Ledger) throws -> [Receipt] {
        trace.batches.append(CrashTrace.Batch(events: events))
        let receipts = try ledger.append(events.map { Append($0) }, actor: Self.actor)
        trace.batches[trace.batches.count - 1].receipts = receipts
        return receipts
    }

    private mutating func sign(_ ledger: Ledger) throws {
        if let checkpoint = try ledger.checkpoint() { trace.checkpoints.append(checkpoint) }
    }

    /// Removes the first attachment of the first of these events.
    private mutating func remove(_ receipts: [Receipt], from ledger: Ledger) throws {
        guard let position = receipts.first?.position else { return }
        let references = try ledger.event(at: position).attachments
        guard let digest = references.first?.digest else { return }
        trace.removals[digest] = false
        try ledger.remove(
            [Removal(digest: digest, kind: .redacted, reason: "a test", approvedBy: "somebody")], actor: Self.actor)
        trace.removals[digest] = true
    }
}
