import CairnLedger
import CairnModel
import CairnReadModels
import CairnTestSupport
import Synchronization
import Testing

/// A question about the past fills only the tables it reads, and its answer is the same.
@Suite struct PastQueryTests {
    @Test(arguments: [1, 2] as [UInt64]) func everyTableAnswersAsFromAllOfThem(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed &+ 500)
        let list = RandomLedger.make(eventCount: 200, using: &random)
        let position = UInt64.random(in: 50..<list.size, using: &random)
        let event = list.events[Int(position)]
        let moments: [[ReadModel.Moment]] = [
            [.entry(position)], [.at(event.time)], [.knownAt(event.recordedTime)],
            [.at(event.time), .knownAt(event.recordedTime)], [.entry(.max)], [.entry(position), .at(event.time)],
        ]
        for (number, moments) in moments.enumerated() {
            let all = try ReadModel.past(moments, of: list)
            let names = try all.query("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY 1")
            // Each table for two of the moments: making tables takes its time.
            for (place, name) in names.rows.compactMap({ $0[0].text }).enumerated()
            where !name.hasPrefix("sqlite_") && (place + number).isMultiple(of: 3) {
                let sql = "SELECT * FROM \(name)"
                let answer = try ReadModel.past(moments, of: list, answering: sql).query(sql)
                let whole = try all.query(sql)
                if name == "read_model" { continue }
                // Some tables are filled in no order.
                #expect(answer.columns == whole.columns, "seed \(seed), \(name)")
                #expect(Set(answer.rows) == Set(whole.rows), "seed \(seed), \(moments), \(name)")
            }
        }
    }

    @Test func everySavedQueryAnswersAsFromAllTables() throws {
        let list = try ScriptedLedger.make(hasFault: true)
        let position = list.size / 2
        let all = try ReadModel.entry(position, of: list)
        for saved in try SavedQueries.builtIn().all {
            var arguments: [String: SQLValue] = [:]
            for parameter in saved.parameters where !parameter.isOptional {
                arguments[parameter.name] = parameter.name == "time" ? "2026-03-10T08:10:00Z" : "migration/mig-7"
            }
            let past = try ReadModel.past([.entry(position)], of: list, answering: saved.sql)
            #expect(try past.query(saved, arguments) == all.query(saved, arguments), "\(saved.name)")
        }
    }

    /// A log that counts what is read of it.
    private final class Counting: EventSource {
        let list: EventList
        let contents = Mutex(0)
        let events = Mutex(0)
        init(_ list: EventList) { self.list = list }
        var identity: [UInt8] { list.identity }
        var size: UInt64 { list.size }
        func forEach(from position: UInt64, _ body: (RecordedEvent) throws -> Void) throws {
            try list.forEach(from: position) { event in
                events.withLock { $0 += 1 }
                try body(event)
            }
        }
        func content(of attachment: AttachmentReference) throws -> AttachmentContent {
            contents.withLock { $0 += 1 }
            return try list.content(of: attachment)
        }
    }

    @Test func readsNoMoreThanItMust() throws {
        var random = SeededRandom(seed: 77)
        let list = RandomLedger.make(eventCount: 1900, using: &random)
        let source = Counting(list)
        _ = try ReadModel.past([.entry(1899)], of: source, answering: "SELECT * FROM approvals")
        #expect(source.contents.withLock { $0 } == 0)
        _ = try ReadModel.past([.entry(1899)], of: source, answering: "SELECT * FROM migrations")
        #expect(source.contents.withLock { $0 } == 0)
        _ = try ReadModel.past([.entry(1899)], of: source)
        #expect(source.contents.withLock { $0 } > 0)
        source.events.withLock { $0 = 0 }
        _ = try ReadModel.past([.entry(300)], of: source, answering: "SELECT * FROM approvals")
        #expect(source.events.withLock { $0 } <= 302)
        source.events.withLock { $0 = 0 }
        let moment = list.events[300].recordedTime
        _ = try ReadModel.past([.knownAt(moment)], of: source)
        let counted = list.events.count { $0.recordedTime <= moment }
        #expect(counted < 1500)
        // Read in batches of 256.
        #expect(source.events.withLock { $0 } <= counted + 256)
    }
}
