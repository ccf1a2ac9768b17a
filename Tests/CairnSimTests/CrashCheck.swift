import CairnBytes
import CairnLedger
import CairnModel
import CairnSim

/// What is wrong after a crash, in words.
struct CrashFailure: Error, CustomStringConvertible {
    var description: String
}

/// Starts again on what a crash left, and compares it with what the run before was promised.
struct CrashCheck {
    let trace: CrashTrace
    let seed: UInt64
    var hasKey = true

    private func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        guard condition else { throw CrashFailure(description: message()) }
    }

    /// Opens what is there, checks it, appends, loses power again, and checks again.
    /// - Returns: the places that synced on the way.
    @discardableResult
    func run(_ disk: FaultDisk, ignoredSync: FaultDisk.SyncSite? = nil) throws -> Set<FaultDisk.SyncSite> {
        try checkReader(disk, "as a reader sees it")
        var sites: Set<FaultDisk.SyncSite> = []
        var workload = CrashWorkload(disk: disk, seed: seed &+ 1000, hasKey: hasKey)
        workload.trace = trace
        let ledger = try reopen(workload)
        try check(ledger, workload.environment, "after the crash")
        // Nothing may be needed from the run before: the same batch again, which may be answered from what it left, or a
        // checkpoint of what it left, or a new batch; and each must last without the others.
        let what = seed % 5
        if what != 1, what != 4, let last = trace.batches.last, last.receipts == nil {
            try workload.append(last.events, to: ledger)
        }
        if what == 1 || what == 3, let checkpoint = try ledger.checkpoint() {
            workload.trace.checkpoints.append(checkpoint)
        }
        if what == 0 || what == 4 {
            // The rest of what did not happen must not come to lie in a segment that is never written again.
            try workload.append([CrashWorkload.event("before", stream: "one")], to: ledger)
            try ledger.seal()
            try workload.append([CrashWorkload.event("after", stream: "one", attachments: [10])], to: ledger)
        }
        if what == 2 || what == 3 {
            let more = (0..<3).map { CrashWorkload.event("more\($0)", stream: "one", attachments: [300]) }
            try workload.append(more, to: ledger)
        }
        sites.formUnion(disk.syncSites)
        let next = CrashCheck(trace: workload.trace, seed: seed &+ 1, hasKey: hasKey)
        let second = disk.afterPowerLoss(seed: seed &* 31 &+ 7, ignoredSync: ignoredSync)
        let again = CrashWorkload(disk: second, seed: seed &+ 2000, hasKey: hasKey)
        try next.check(try next.reopen(again), again.environment, "after a second crash")
        sites.formUnion(second.syncSites)
        return sites
    }

    /// What an event says was removed is gone for whoever reads, whether or not a writer came to erase it.
    private func checkReader(_ disk: FaultDisk, _ when: String) throws {
        let environment = CrashWorkload(disk: disk).environment
        let ledger: Ledger
        do {
            ledger = try Ledger.open(at: CrashWorkload.folder, access: .readOnly, environment: environment)
        } catch let error as LedgerError where error.code == .notALedger && !trace.isCreated { return }
        var references: [AttachmentReference] = []
        var removed: Set<String> = []
        try ledger.forEach(from: 0) { event in
            references += event.attachments
            if event.type == "cairn.attachment.redacted.v1", let digest = event.data["digest"]?.string {
                removed.insert(digest)
            }
        }
        for reference in references {
            let isGone = if case .gone = try ledger.content(of: reference) { true } else { false }
            try require(
                isGone == removed.contains(Hex.string(reference.digest)),
                "\(when): content is \(isGone ? "gone" : "there") and the log says otherwise")
        }
    }

    private func reopen(_ workload: CrashWorkload) throws -> Ledger {
        do {
            return try workload.open()
        } catch let error as LedgerError where error.code == .notALedger && !trace.isCreated {
            return try Ledger.create(
                at: CrashWorkload.folder, origin: "crash.example/log", keyFile: workload.keyFile,
                environment: workload.environment, options: workload.options)
        } catch let error as LedgerError {
            throw CrashFailure(description: "cannot open: \(error)")
        }
    }

    private func check(_ ledger: Ledger, _ environment: LedgerEnvironment, _ when: String) throws {
        var places: [String: RecordedEvent] = [:]
        var removed: Set<String> = []
        for position in 0..<ledger.size {
            let event = try ledger.event(at: position)
            try require(event.position == position, "\(when): entry \(position) says that it is \(event.position)")
            if event.type == "cairn.attachment.redacted.v1", let digest = event.data["digest"]?.string {
                removed.insert(digest)
            }
            guard event.source == "/test" else { continue }
            try require(places[event.id] == nil, "\(when): event \(event.id) is there twice")
            places[event.id] = event
        }
        var attempted: Set<String> = []
        for batch in trace.batches {
            attempted.formUnion(batch.events.map(\.id))
            try check(batch, places, ledger, when)
        }
        for id in places.keys where !attempted.contains(id) {
            try require(false, "\(when): event \(id) is there and nobody appended it")
        }
        for checkpoint in trace.checkpoints { try check(checkpoint, ledger, when) }
        for (id, event) in places where event.attachments.isEmpty == false {
            for reference in event.attachments where removed.contains(Hex.string(reference.digest)) {
                let content = try ledger.content(of: reference)
                guard case .gone = content else {
                    throw CrashFailure(description: "\(when): an event says that content of \(id) was removed")
                }
            }
        }
        let signedSize = trace.checkpoints.map(\.checkpoint.size).max() ?? 0
        let report = try LedgerVerifier.verify(at: CrashWorkload.folder, environment: environment)
        try require(report.signedSize ?? 0 >= signedSize, "\(when): the last checkpoint is forgotten")
        try require(report.problems.isEmpty, "\(when): \(report.problems)")
        // Opening for writing cut what no frame came to say or to cite, and erased what was to be erased.
        try require(report.verdict == .intact, "\(when): \(report.torn)")
    }

    private func check(
        _ batch: CrashTrace.Batch, _ places: [String: RecordedEvent], _ ledger: Ledger, _ when: String
    ) throws {
        let found = batch.events.compactMap { places[$0.id] }
        guard let receipts = batch.receipts else {
            try require(
                found.isEmpty || found.count == batch.events.count,
                "\(when): \(found.count) of the \(batch.events.count) events of an unfinished batch are there")
            return
        }
        for (event, receipt) in zip(batch.events, receipts) {
            guard let recorded = places[event.id] else {
                throw CrashFailure(description: "\(when): event \(event.id) was acknowledged and is lost")
            }
            try require(
                recorded.position == receipt.position && recorded.revision == receipt.revision,
                "\(when): event \(event.id) is at another place than was acknowledged")
            try require(
                recorded.subject == event.subject && recorded.data == event.data
                    && recorded.attachments.count == event.attachments.count,
                "\(when): event \(event.id) is not what was acknowledged")
            for (reference, proposed) in zip(recorded.attachments, event.attachments) {
                let content = try ledger.content(of: reference)
                switch (trace.removals[reference.digest], content) {
                case (nil, .present(let bytes)), (false, .present(let bytes)):
                    try require(bytes == proposed.content, "\(when): an attachment of \(event.id) is another")
                case (true, .gone), (false, .gone): break
                case (nil, .gone): try require(false, "\(when): an attachment of \(event.id) is gone")
                case (true, .present): try require(false, "\(when): removed content of \(event.id) is back")
                }
            }
        }
    }

    private func check(_ signed: SignedCheckpoint, _ ledger: Ledger, _ when: String) throws {
        let head = signed.checkpoint
        try require(
            head.size <= ledger.size, "\(when): \(head.size) entries were signed for and \(ledger.size) are there")
        var tree = TreeFrontier()
        for position in 0..<head.size { tree.append(TreeHasher.leaf(try ledger.entryBytes(at: position))) }
        try require(tree.root == head.root, "\(when): the tree forks from a checkpoint of \(head.size)")
    }
}
