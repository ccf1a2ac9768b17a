import CairnLedger
import CairnModel
import CairnReadModels
import CairnSeries
import CairnTestSupport
import Foundation
import Synchronization
import Testing

/// Several who use one file at once. Each opens it for itself, as processes do: SQLite keeps them apart by the same locks.
@Suite struct SharedFileTests {
    /// Runs on threads of their own, since they block, and gives what went wrong.
    private func run(_ bodies: [@Sendable () throws -> Void]) -> [String] {
        let failures = Mutex<[String]>([])
        let group = DispatchGroup()
        for body in bodies {
            group.enter()
            Thread {
                do { try body() } catch { failures.withLock { $0.append("\(error)") } }
                group.leave()
            }.start()
        }
        group.wait()
        return failures.withLock { $0 }
    }

    /// A log that grows, and what one of its readers has seen of it.
    private final class Growing: EventSource {
        let list: EventList
        let length: Length
        let seen = Mutex(0)

        final class Length: Sendable {
            let value = Mutex(20)
        }

        init(_ list: EventList, _ length: Length) throws {
            self.list = list
            self.length = length
            try refresh()
        }

        var identity: [UInt8] { list.identity }
        var size: UInt64 { UInt64(seen.withLock { $0 }) }
        func refresh() throws {
            let now = length.value.withLock { $0 }
            seen.withLock { $0 = now }
        }
        func forEach(from position: UInt64, _ body: (RecordedEvent) throws -> Void) throws {
            try list.prefix(Int(size)).forEach(from: position, body)
        }
        func content(of attachment: AttachmentReference) throws -> AttachmentContent {
            try list.content(of: attachment)
        }
    }

    /// Many questions about one moment have answers of one moment, whatever others project meanwhile.
    @Test(arguments: [true, false]) func whatIsReadAtOneMomentStaysAsItIs(_ isFile: Bool) throws {
        let folder = try TemporaryFolder()
        var random = SeededRandom(seed: 601)
        let list = RandomLedger.make(eventCount: 60, using: &random)
        let path = folder.file("read-model.sqlite")
        let model = isFile ? try ReadModel.open(path: path) : try ReadModel.inMemory()
        try model.catchUp(from: list.prefix(20))
        let count = "SELECT count(*) FROM events"
        try model.atOneMoment {
            #expect(try model.next == 20)
            // Somebody else, with connections of his own.
            if isFile { try ReadModel.open(path: path).catchUp(from: list.prefix(60)) }
            #expect(try model.next == 20)
            #expect(try model.query(count).rows == [[.integer(20)]])
        }
        #expect(try model.next == (isFile ? 60 : 20))
        #expect(try model.query(count).rows == [[.integer(isFile ? 60 : 20)]])
    }

    /// One makes the tables anew over and over, two follow a log that grows, one looks: whoever looks sees every event
    /// once, up to the position that the tables say.
    @Test(arguments: [1, 2] as [UInt64]) func catchesUpWhileOthersRebuild(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed &+ 600)
        let list = RandomLedger.make(eventCount: 600, using: &random)
        let folder = try TemporaryFolder()
        let path = folder.file("read-model.sqlite")
        let length = Growing.Length()
        let rebuilds = Mutex(0)
        let isDone = Mutex(false)
        let looks = Mutex(0)
        try ReadModel.open(path: path).catchUp(from: list.prefix(20))
        let follow: @Sendable () throws -> Void = {
            let model = try ReadModel.open(path: path)
            let log = try Growing(list, length)
            while log.size < 600 {
                length.value.withLock { $0 = min($0 + 20, 600) }
                // Stale now and then: what others have projected may be ahead of what this one has seen.
                if Int(log.size).isMultiple(of: 3) { try log.refresh() }
                let progress = try model.catchUp(from: log, eventsPerTransaction: 7)
                #expect(progress.next >= log.size)
                if progress.isRebuilt { rebuilds.withLock { $0 += 1 } }
                try log.refresh()
            }
            try model.close()
        }
        let rebuild: @Sendable () throws -> Void = {
            let model = try ReadModel.open(path: path)
            for number in 0..<12 {
                try model.rebuild(from: Growing(list, length), isReadAhead: number.isMultiple(of: 2))
            }
            try model.close()
            isDone.withLock { $0 = true }
        }
        let look: @Sendable () throws -> Void = {
            let model = try ReadModel.open(path: path)
            while !isDone.withLock({ $0 }) {
                let row = try model.query(
                    """
                    SELECT count(*), max(position) + 1, min(position), count(DISTINCT id),
                      (SELECT next_position FROM read_model) FROM events
                    """
                ).rows[0]
                #expect(row[0] == row[1] && row[2] == 0 && row[3] == row[0] && row[4] == row[0], "seed \(seed): \(row)")
                looks.withLock { $0 += 1 }
            }
            try model.close()
        }
        #expect(run([follow, follow, rebuild, look]) == [], "seed \(seed)")
        #expect(looks.withLock { $0 } > 0)
        #expect(rebuilds.withLock { $0 } == 0, "nobody who follows has to begin anew")
        let model = try ReadModel.open(path: path)
        try model.catchUp(from: list)
        let inOnePass = try ReadModel.inMemory()
        try inOnePass.catchUp(from: list)
        try TableDump(model).expectEqual(TableDump(inOnePass), "seed \(seed)")
    }

    /// Whoever goes on after another process gives series and labels numbers that are free.
    @Test func severalNumberSeriesInTurn() throws {
        var list = EventList()
        for number in 0..<400 {
            let key = try SeriesKey(name: "m", labels: [Label("pod", "pod-\(number)")])
            try list.appendBatch(SampleBatch([SeriesSamples(key: key, samples: [Sample(timeMs: 0, value: 1)])]))
        }
        let log = list
        let folder = try TemporaryFolder()
        let path = folder.file("read-model.sqlite")
        try ReadModel.open(path: path).catchUp(from: log.prefix(1))
        let follow: @Sendable () throws -> Void = {
            let model = try ReadModel.open(path: path)
            try model.catchUp(from: log, eventsPerTransaction: 1)
            try model.close()
        }
        #expect(run([follow, follow, follow, follow]) == [])
        let inOnePass = try ReadModel.inMemory()
        try inOnePass.catchUp(from: log)
        try TableDump(ReadModel.open(path: path)).expectEqual(TableDump(inOnePass), "in turn")
    }

    /// A query that was under way when the tables were swapped answers from one state of them.
    @Test(arguments: [true, false]) func aLongQueryOutlivesASwap(_ isOtherOpen: Bool) throws {
        var random = SeededRandom(seed: 700)
        let list = RandomLedger.make(eventCount: 400, using: &random)
        let folder = try TemporaryFolder()
        let path = folder.file("read-model.sqlite")
        let rebuilder = try ReadModel.open(path: path)
        try rebuilder.catchUp(from: list.prefix(300))
        // The query runs on a connection of its own, or on the very read model that swaps.
        let reader = isOtherOpen ? try ReadModel.open(path: path) : rebuilder
        let answers = Mutex<[[SQLValue]]>([])
        let isRunning = Mutex(true)
        let ask: @Sendable () throws -> Void = {
            while isRunning.withLock({ $0 }) {
                // Counts the events, works for a while, and counts them again.
                let row = try reader.query(
                    """
                    WITH RECURSIVE before AS MATERIALIZED (SELECT count(*) AS n FROM events),
                      work(i) AS (SELECT n - n FROM before UNION ALL SELECT i + 1 FROM work WHERE i < 300000),
                      done AS MATERIALIZED (SELECT max(i) AS i FROM work)
                    SELECT before.n, (SELECT count(*) FROM events WHERE position < 1000000 + done.i) FROM before, done
                    """
                ).rows[0]
                answers.withLock { $0.append(row) }
            }
        }
        let swap: @Sendable () throws -> Void = {
            for number in 0..<10 { try rebuilder.rebuild(from: list.prefix(number.isMultiple(of: 2) ? 400 : 300)) }
            isRunning.withLock { $0 = false }
        }
        #expect(run([ask, swap]) == [])
        let seen = answers.withLock { $0 }
        #expect(!seen.isEmpty)
        #expect(seen.allSatisfy { $0 == [300, 300] || $0 == [400, 400] }, "\(seen)")
    }
}
