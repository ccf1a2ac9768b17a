import CairnLedger
import CairnSim
import CairnTestSupport
import Testing

/// Every call to the disk in the life of a ledger, and what happens if the machine stops, the process dies or the call
/// fails just there. A failure prints the point, and the same point fails again.
@Suite struct CrashTests {
    /// One thing that goes wrong at one call.
    struct Point: Hashable, CustomStringConvertible {
        enum Way: Hashable {
            case powerLoss(isApplied: Bool, seed: UInt64)
            case processDeath(isApplied: Bool)
            case failure(DiskError.Reason, isApplied: Bool)
            case shortWrite
            case full
        }

        var call: Int
        var way: Way
        var hasKey = true

        var description: String { "call \(call)\(hasKey ? "" : " without a key"), \(way)" }

        /// A number that differs between the points and not between runs, as `hashValue` would.
        var hashSeed: Int { description.utf8.reduce(call) { ($0 &* 31 &+ Int($1)) & 0xFFFF_FFFF } }

        var fault: FaultDisk.Fault {
            switch way {
            case .powerLoss(let isApplied, _), .processDeath(let isApplied): .crash(isApplied: isApplied)
            case .failure(let reason, let isApplied): .failure(reason, isApplied: isApplied)
            case .shortWrite: .shortWrite
            case .full: .full
            }
        }
    }

    /// The calls of a run in which nothing goes wrong.
    static func calls(hasKey: Bool = true) throws -> [FaultDisk.Call] {
        let disk = try CrashWorkload.makeDisk()
        var workload = CrashWorkload(disk: disk, hasKey: hasKey)
        try workload.run()
        return disk.calls
    }

    static func points(_ calls: [FaultDisk.Call]) -> [Point] {
        var points: [Point] = []
        for call in calls {
            let number = call.number
            points.append(Point(call: number, way: .failure(.inputOutput, isApplied: false)))
            guard call.operation.isChange else {
                // Before a call that changes nothing is the same as after the change before it.
                points.append(Point(call: number, way: .powerLoss(isApplied: false, seed: 1)))
                continue
            }
            for isApplied in [false, true] {
                for seed in 1...6 as ClosedRange<UInt64> {
                    points.append(Point(call: number, way: .powerLoss(isApplied: isApplied, seed: seed)))
                }
                points.append(Point(call: number, way: .processDeath(isApplied: isApplied)))
            }
            points.append(Point(call: number, way: .failure(.inputOutput, isApplied: true)))
            points.append(Point(call: number, way: .full))
            if call.operation == .write { points.append(Point(call: number, way: .shortWrite)) }
        }
        return points
    }

    /// Without a key there is no checkpoint, whose syncs would stand in for others.
    static func keylessPoints() throws -> [Point] {
        try calls(hasKey: false).filter(\.operation.isChange).flatMap { call in
            [false, true].flatMap { isApplied in
                [.powerLoss(isApplied: isApplied, seed: 1), .processDeath(isApplied: isApplied)]
                    .map { Point(call: call.number, way: $0, hasKey: false) }
            }
        }
    }

    /// Runs the workload into one point and checks all that is left.
    /// - Returns: the places that synced.
    @discardableResult
    static func check(_ point: Point, ignoredSync: FaultDisk.SyncSite? = nil) throws -> Set<FaultDisk.SyncSite> {
        let disk = try CrashWorkload.makeDisk(faults: [point.call: point.fault], ignoredSync: ignoredSync)
        var workload = CrashWorkload(disk: disk, hasKey: point.hasKey)
        do { try workload.run() } catch let error as CrashFailure { throw error } catch {}
        var sites = disk.syncSites
        let seed = UInt64(truncatingIfNeeded: point.hashSeed)
        switch point.way {
        case .powerLoss:
            let left = disk.afterPowerLoss(seed: seed, ignoredSync: ignoredSync)
            sites.formUnion(
                try CrashCheck(trace: workload.trace, seed: seed, hasKey: point.hasKey).run(
                    left, ignoredSync: ignoredSync))
        case .processDeath, .shortWrite:
            let left = disk.afterProcessDeath(seed: seed, ignoredSync: ignoredSync)
            sites.formUnion(
                try CrashCheck(trace: workload.trace, seed: seed, hasKey: point.hasKey).run(
                    left, ignoredSync: ignoredSync))
        case .failure, .full:
            // The command ends with an error; the machine goes on, or loses power a little later.
            let left = disk.afterProcessDeath(seed: seed, ignoredSync: ignoredSync)
            sites.formUnion(
                try CrashCheck(trace: workload.trace, seed: seed, hasKey: point.hasKey).run(
                    left, ignoredSync: ignoredSync))
            let later = disk.afterPowerLoss(seed: seed, ignoredSync: ignoredSync)
            sites.formUnion(
                try CrashCheck(trace: workload.trace, seed: seed, hasKey: point.hasKey).run(
                    later, ignoredSync: ignoredSync))
        }
        return sites
    }

    @Test func nothingAcknowledgedIsLostWhereverItStops() throws {
        let calls = try Self.calls()
        let points = Self.points(calls) + (try Self.keylessPoints())
        var failures = 0
        for point in points {
            do { try Self.check(point) } catch {
                failures += 1
                if failures <= 20 {
                    let call = point.hasKey ? "\(calls[point.call - 1])" : "another call"
                    Issue.record("\(point) (\(call)): \(error)")
                }
            }
        }
        print("crash points: \(Set(points).count) over \(calls.count) calls, \(failures) failed")
        #expect(failures == 0)
        #expect(Set(points).count >= 2000)
    }

    /// A sync that could be left out would be one that nothing tests, or one that costs time for nothing.
    @Test(.enabled(if: BuildKind.isDebug, "\(BuildKind.needsDebug)"))
    func everySyncIsNeeded() throws {
        let calls = try Self.calls()
        let points =
            Self.points(calls).filter {
                switch $0.way {
                case .powerLoss, .processDeath: calls[$0.call - 1].operation.isChange
                default: false
                }
            } + (try Self.keylessPoints())
        var sites: Set<FaultDisk.SyncSite> = []
        for point in points where point.call.isMultiple(of: 3) {
            sites.formUnion((try? Self.check(point)) ?? [])
        }
        #expect(sites.count >= 5)
        for site in sites.sorted(by: { ($0.description, $0.caller) < ($1.description, $1.caller) }) {
            let found = points.first { (try? Self.check($0, ignoredSync: site)) == nil }
            print("without the \(site) (\(site.caller)): \(found.map(String.init(describing:)) ?? "NOTHING FAILS")")
            #expect(found != nil, "nothing fails without the \(site)")
        }
    }

    /// One process dies at a call while another has the ledger open, catches up and goes on; then the power goes. What
    /// the second was told, with what it built on, must be there.
    @Test func whatAnotherProcessBuildsOnLasts() throws {
        func run(_ crashAt: Int?, isApplied: Bool, seed: UInt64) throws -> Int {
            let disk = try CrashWorkload.makeDisk(
                faults: crashAt.map { [$0: .crash(isApplied: isApplied)] } ?? [:])
            var first = CrashWorkload(disk: disk)
            let ledger = try first.create()
            let before = disk.callCount
            let otherDisk = disk.anotherProcess()
            var second = CrashWorkload(disk: otherDisk, seed: 2)
            let other = try second.open()
            do { try first.runSteps(ledger) } catch let error as CrashFailure { throw error } catch {}
            second.trace = first.trace
            try second.append([CrashWorkload.event("other", stream: "one", attachments: [200])], to: other)
            // The batch that was under way, again: if it is in the files, this builds on what the first wrote.
            if let batch = first.trace.batches.last, batch.receipts == nil {
                try second.append(batch.events, to: other)
            }
            if let checkpoint = try other.checkpoint() { second.trace.checkpoints.append(checkpoint) }
            let left = otherDisk.afterPowerLoss(seed: seed)
            try CrashCheck(trace: second.trace, seed: seed).run(left)
            return before
        }
        let before = try run(nil, isApplied: true, seed: 1)
        let points = try Self.calls().filter { $0.number > before && $0.operation.isChange }
        var count = 0
        for call in points {
            for isApplied in [false, true] {
                for seed in 1...3 as ClosedRange<UInt64> {
                    count += 1
                    do { _ = try run(call.number, isApplied: isApplied, seed: seed) } catch {
                        Issue.record("\(call), applied \(isApplied), seed \(seed): \(error)")
                    }
                }
            }
        }
        print("crash points beside another process: \(count)")
    }

    /// The machine stops again while the next process puts right what the first stop left.
    @Test func stoppingAgainWhileStartingLosesNothing() throws {
        var count = 0
        var repairs: Set<FaultDisk.Operation> = []
        for call in try Self.calls().filter(\.operation.isChange) {
            let disk = try CrashWorkload.makeDisk(faults: [call.number: .crash(isApplied: true)])
            var workload = CrashWorkload(disk: disk)
            do { try workload.run() } catch let error as CrashFailure { throw error } catch {}
            let seed = UInt64(call.number)
            for left in [disk.afterProcessDeath(seed: seed), disk.afterPowerLoss(seed: seed)] {
                let undisturbed = left.afterProcessDeath(seed: seed)
                _ = try? CrashWorkload(disk: undisturbed).open()
                for step in undisturbed.calls where step.operation.isChange && !step.path.hasSuffix("/lock") {
                    repairs.insert(step.operation)
                    let again = left.afterProcessDeath(seed: seed, faults: [step.number: .crash(isApplied: true)])
                    _ = try? CrashWorkload(disk: again).open()
                    for last in [again.afterProcessDeath(seed: seed), again.afterPowerLoss(seed: seed)] {
                        count += 1
                        do { try CrashCheck(trace: workload.trace, seed: seed &* 5 &+ 4).run(last) } catch {
                            Issue.record("\(call), then \(step): \(error)")
                        }
                    }
                }
            }
        }
        print("crash points while starting after a crash: \(count)")
        #expect(count > 1000)
        #expect(repairs.isSuperset(of: [.truncate, .create, .write, .rename, .remove, .sync]))
    }

    /// Closing seals what is due and signs a checkpoint, and that needs space. Without it the caller is told, the lock
    /// is free, nothing is lost, and the next opening does what was left.
    @Test func aFullDiskWhileClosingIsToldAndLosesNothing() throws {
        let eventCount = 6
        func prepared(_ faults: [Int: FaultDisk.Fault]) throws -> (CrashWorkload, Ledger, lastCall: Int) {
            let disk = try CrashWorkload.makeDisk(faults: faults)
            var workload = CrashWorkload(disk: disk)
            workload.options.checkpointIntervalMicroseconds = .max
            workload.options.sealAttachmentBytes = 5000
            let ledger = try workload.create()
            var lastCall = 0
            for index in 0..<eventCount {
                // The last commit makes the segment large enough to be sealed.
                let bytes = index == eventCount - 1 ? 5000 : 90
                lastCall = disk.callCount
                try workload.append([CrashWorkload.event("a\(index)", stream: "one", attachments: [bytes])], to: ledger)
            }
            return (workload, ledger, lastCall)
        }
        let (quiet, closing, lastCall) = try prepared([:])
        try closing.close()
        var told: [String: Int] = [:]
        for number in lastCall + 1...quiet.disk.callCount {
            // Where the last append itself is refused there is nothing to close.
            guard let (workload, ledger, _) = try? prepared([number: .full]) else { continue }
            do { try ledger.close() } catch let error as LedgerError {
                for step in ["seal the open segment", "sign the last checkpoint"]
                where error.description.hasPrefix("cannot \(step) while closing") { told[step, default: 0] += 1 }
                #expect(error.code == .diskFull, "\(error)")
                #expect(error.description.contains("all \(ledger.size) entries are on disk"), "\(error)")
                #expect(error.remedy?.contains("space") == true)
            }
            #expect(throws: Never.self) { try ledger.close() }
            workload.disk.freeSpace()
            // The machine goes on: the lock is free, and the next opening makes up for it.
            let next = try workload.open()
            try next.close()
            let report = try LedgerVerifier.verify(at: CrashWorkload.folder, environment: workload.environment)
            #expect(report.verdict == .intact && report.signedSize == report.entries)
            #expect(report.entries == UInt64(eventCount) + 1, "with the event that seals")
            try CrashCheck(trace: workload.trace, seed: 2).run(workload.disk.afterPowerLoss(seed: 3))
        }
        print("a full disk while closing was told: \(told)")
        #expect(told.count == 2)
    }

    /// The disk is full at a call, the command fails with that reason, somebody makes room, and the same object goes on
    /// without a repair.
    @Test func appendingGoesOnOnceThereIsRoom() throws {
        let changes = try Self.calls().filter(\.operation.isChange)
        var refused = 0
        for call in changes {
            let disk = try CrashWorkload.makeDisk(faults: [call.number: .full])
            var workload = CrashWorkload(disk: disk)
            do { try workload.run() } catch let error as LedgerError {
                refused += 1
                #expect(error.code == .diskFull, "\(call): \(error)")
            }
            disk.freeSpace()
            // Not made yet, or closed.
            guard let ledger = workload.ledger else { continue }
            do {
                if let last = workload.trace.batches.last, last.receipts == nil {
                    try workload.append(last.events, to: ledger)
                }
                try workload.append([CrashWorkload.event("later", stream: "one", attachments: [300])], to: ledger)
                try ledger.close()
                let left = disk.afterPowerLoss(seed: UInt64(call.number))
                try CrashCheck(trace: workload.trace, seed: UInt64(call.number)).run(left)
            } catch { Issue.record("\(call): \(error)") }
        }
        print("a full disk at \(changes.count) calls, \(refused) of them refused")
        #expect(refused > 20)
    }
}
