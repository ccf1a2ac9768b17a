import CairnBytes
import CairnLedger
import CairnModel
import CairnTestSupport
import Dispatch
import Synchronization
import Testing

/// Several threads, and several openings of one folder, which are to the files what several processes are.
@Suite struct ConcurrencyTests {
    @Test func threadsShareCommitsAndLoseNothing() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create(withKey: false)
        let receipts = Mutex<[Receipt]>([])
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for number in 0..<25 {
                do {
                    let receipt = try fixture.append(
                        ledger, [fixture.event("\(thread)-\(number)", in: "migration/t-\(thread)")])
                    receipts.withLock { $0 += receipt }
                } catch { Issue.record(error) }
            }
        }
        let positions = receipts.withLock { $0.map(\.position).sorted() }
        #expect(positions == Array(0..<200))
        for thread in 0..<8 {
            var ids: [String] = []
            try ledger.forEach(in: StreamName("migration/t-\(thread)")!) { ids.append($0.id) }
            #expect(ids == (0..<25).map { "\(thread)-\($0)" })
        }
        let report = try LedgerVerifier.verify(at: fixture.path, environment: fixture.environment)
        #expect(report.verdict == .intact && report.entries == 200 && report.frames <= 200)
    }

    @Test func tasksAppendWithoutBlockingThePool() async throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create(withKey: false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<64 {
                group.addTask {
                    _ = try await ledger.append(
                        [Append(fixture.event("\(number)", in: "migration/t-\(number)"))], actor: fixture.actor)
                }
            }
            try await group.waitForAll()
        }
        #expect(ledger.size == 64)
    }

    @Test func openingsOfOneFolderFollowEachOther() throws {
        var options = LedgerOptions()
        options.sealBytes = 6000
        let fixture = try LedgerFixture(options: options)
        let first = try fixture.create()
        let second = try fixture.open()
        let reader = try fixture.open(.readOnly)
        for number in 0..<60 {
            let samples = ProposedAttachment(
                role: "samples", mediaType: "x/y", content: [UInt8(number)], retention: .droppable)
            let writer = number % 3 == 0 ? first : second
            let receipt = try fixture.append(writer, [fixture.event("\(number)", attachments: [samples])])[0]
            #expect(receipt.revision == UInt64(number))
        }
        try reader.refresh()
        try first.refresh()
        try second.refresh()
        #expect(reader.size == first.size && reader.size == second.size)
        var count = 0
        try reader.forEach(in: StreamName("migration/mig-7")!) { event in
            let content = try reader.content(of: event.attachments[0])
            #expect(content == .present([UInt8(count)]))
            count += 1
        }
        #expect(count == 60)
        try first.close()
        try second.close()
        let report = try LedgerVerifier.verify(at: fixture.path, environment: fixture.environment)
        #expect(report.problems.map(\.description) == [] && report.segments > 2)
        #expect(report.signedSize == report.entries)
    }

    @Test func aHeldLockIsNamedAfterAWait() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        try fixture.append(ledger, [fixture.event("1")])
        let disk = RealDisk()
        let lock = try disk.open(fixture.path + "/lock", .readWrite)
        #expect(try lock.tryLock())
        do {
            try fixture.append(ledger, [fixture.event("2")])
            Issue.record("appended without the lock")
        } catch let error as LedgerError {
            #expect(error.code == .lockedBy)
            #expect(error.message.contains("4711 cairn test"))
        }
        try lock.unlock()
        #expect(try fixture.append(ledger, [fixture.event("2")])[0].position == 1)
    }

    @Test func aFollowerSeesWhatComes() async throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create(withKey: false)
        try fixture.append(ledger, [fixture.event("0"), fixture.event("1")])
        let reader = try fixture.open(.readOnly)
        let task = Task {
            var ids: [String] = []
            for try await event in reader.follow(from: 1) {
                ids.append(event.id)
                if ids.count == 3 { break }
            }
            return ids
        }
        try fixture.append(ledger, [fixture.event("2")])
        try fixture.append(ledger, [fixture.event("3")])
        #expect(try await task.value == ["1", "2", "3"])
    }
}
