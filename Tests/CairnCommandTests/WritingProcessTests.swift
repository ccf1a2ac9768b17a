import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnTestSupport
import Foundation
import Testing

/// Processes that write at once, and processes that are killed while they write.
@Suite struct WritingProcessTests {
    /// Text that hardly compresses, made once.
    private static let noise: [UInt8] = {
        var random = SeededRandom(seed: 99)
        return Array(Base64.string(random.bytes(count: 75_000)).utf8)
    }()

    /// A line for `cairn record -`: mostly small, some with data that goes into an attachment of its own.
    private static func line(_ id: String, stream: String, _ random: inout SeededRandom) -> String {
        let size = Int.random(in: 0..<12, using: &random) == 0 ? 60_000 : Int.random(in: 0..<300, using: &random)
        let offset = Int.random(in: 0..<40_000, using: &random)
        let filler = String(decoding: noise[offset..<(offset + size)], as: UTF8.self)
        return
            #"{"type":"test.step.v1","stream":"\#(stream)","id":"\#(id)","data":{"name":"\#(id)","filler":"\#(filler)"}}"#
    }

    @Test func fourProcessesLoseNothing() throws {
        let ledger = try ScratchLedger()
        let processCount = 4
        let eventCount = 200
        var random = SeededRandom(seed: 41)
        var running: [RunningProgram] = []
        for process in 0..<processCount {
            let input = ledger.folder.file("lines-\(process)")
            // Each has a stream of its own, and all share one.
            let lines = (0..<eventCount).map { number in
                WritingProcessTests.line(
                    "\(process)-\(number)", stream: number % 2 == 0 ? "work/shared" : "work/\(process)", &random)
            }
            try (lines.joined(separator: "\n") + "\n").write(toFile: input, atomically: true, encoding: .utf8)
            running.append(
                try RunningProgram(
                    ["record", "-"], on: ledger, inputFile: input, errorFile: ledger.folder.file("errors-\(process)")))
        }
        var positions: [Int64: String] = [:]
        for (process, program) in running.enumerated() {
            var last: Int64 = -1
            var number = 0
            while let line = program.nextLine() {
                let answer = try JSONParser.parse(line).value
                let position = try #require(answer["position"]?.integer, "\(line)")
                #expect(position > last, "process \(process) was told \(position) after \(last)")
                #expect(positions[position] == nil, "two events were told position \(position)")
                last = position
                positions[position] = "\(process)-\(number)"
                number += 1
            }
            #expect(program.wait() == 0, "\(program.errors)")
            #expect(number == eventCount, "process \(process) answered \(number) of \(eventCount) lines")
        }
        #expect(positions.keys.sorted() == Array(0..<Int64(processCount * eventCount)), "positions are not dense")
        let events = try ledger.events()
        #expect(events.count == positions.count)
        var revisions: [String: Int64] = [:]
        for event in events {
            let position = try #require(event["position"]?.integer)
            #expect(event["id"]?.string == positions[position])
            #expect(event["data"]?["name"]?.string == positions[position])
            let stream = try #require(event["stream"]?.string)
            #expect(event["revision"]?.integer == revisions[stream, default: 0], "\(stream)")
            revisions[stream, default: 0] += 1
        }
        #expect(revisions["work/shared"] == Int64(processCount * eventCount / 2))
        try ledger.expectIntact()
    }

    /// A migration whose commands race: each decision is taken on the state at that moment, so exactly one wins.
    @Test func racingCommandsAreDecidedOneByOne() throws {
        let ledger = try ScratchLedger()
        let input = ledger.folder.file("lines")
        let plan =
            #"{"type":"cairn.migration.planned.v1","stream":"migration/race","data":{"playbook":"cluster-migration","source_cluster":"a","target_cluster":"b","applications":[{"name":"x","class":"stateless"}]}}"#
        try (plan + "\n").write(toFile: input, atomically: true, encoding: .utf8)
        let running = try (0..<4).map {
            try RunningProgram(
                ["record", "-"], on: ledger, inputFile: input, errorFile: ledger.folder.file("errors-\($0)"))
        }
        var accepted = 0
        var refused = 0
        for program in running {
            let answer = try JSONParser.parse(try #require(program.nextLine())).value
            if answer["position"] != nil { accepted += 1 }
            if answer["rule"] != nil { refused += 1 }
            _ = program.wait()
        }
        #expect(accepted == 1)
        #expect(refused == 3)
        #expect(try ledger.eventCount() == 1)
    }

    /// Kills the writer at a random moment, 200 times on one ledger. What was acknowledged is there, every time.
    @Test(.timeLimit(.minutes(5))) func killNine() throws {
        let killsWanted = 200
        // The suite has to end on a slow machine too; the number that was reached is printed.
        let deadline = Date().addingTimeInterval(85)
        let seed: UInt64 = 20_260_310
        var random = SeededRandom(seed: seed)
        let ledger = try ScratchLedger()
        let input = ledger.folder.file("lines")
        var acknowledged: [UInt64: String] = [:]
        var kills = 0
        var killsWhileWriting = 0
        while kills < killsWanted, Date() < deadline {
            let ids = (0..<48).map { "\(kills)-\($0)" }
            let lines = ids.map { WritingProcessTests.line($0, stream: "work/\(kills % 7)", &random) }
            try (lines.joined(separator: "\n") + "\n").write(toFile: input, atomically: true, encoding: .utf8)
            let program = try RunningProgram(
                ["record", "-"], on: ledger, inputFile: input, errorFile: ledger.folder.file("errors"))
            var answers: [String] = []
            // One in six dies somewhere in its start, the others after some answers and a little more.
            if Int.random(in: 0..<6, using: &random) == 0 {
                usleep(UInt32.random(in: 0..<60_000, using: &random))
            } else {
                let wanted = Int.random(in: 1...24, using: &random)
                while answers.count < wanted, let line = program.nextLine() { answers.append(line) }
                usleep(UInt32.random(in: 0..<4000, using: &random))
            }
            program.kill()
            while let line = program.nextLine() { answers.append(line) }
            let status = program.wait()
            kills += 1
            if status == SIGKILL, !answers.isEmpty { killsWhileWriting += 1 }
            for (id, line) in zip(ids, answers) {
                let answer = try JSONParser.parse(line).value
                let position = try #require(answer["position"]?.integer, "kill \(kills), seed \(seed): \(line)")
                #expect(acknowledged[UInt64(position)] == nil, "position \(position) was given twice")
                acknowledged[UInt64(position)] = id
            }
            try checkTail(ledger, acknowledged, "kill \(kills), seed \(seed)")
            // So that the read model has lived through it, and not only been made at the end.
            if kills.isMultiple(of: 10) { try ledger.succeed(["status"]) }
        }
        print("killed a writing process \(kills) times (\(killsWhileWriting) after its first answer), seed \(seed)")
        #expect(kills == killsWanted || Date() >= deadline)
        #expect(killsWhileWriting * 2 > kills)
        try checkAll(ledger, acknowledged)
    }

    /// The ledger opens, and has what was acknowledged last.
    private func checkTail(_ ledger: ScratchLedger, _ acknowledged: [UInt64: String], _ comment: String) throws {
        let log = try Ledger.open(at: ledger.path, access: .readOnly, environment: .live(command: "test"))
        let last = acknowledged.keys.max() ?? 0
        for (position, id) in acknowledged where position + 40 > last {
            let event = try log.event(at: position)
            #expect(event.id == id, "\(comment): position \(position)")
        }
        try log.close()
    }

    private func checkAll(_ ledger: ScratchLedger, _ acknowledged: [UInt64: String]) throws {
        // The next writer cuts off what the last one left, of a frame or of attachments that no frame came to cite.
        try ledger.succeed(["record", "test.end.v1", "--stream", "work/end"])
        try ledger.expectIntact("after all kills")
        let events = try ledger.events()
        for (position, id) in acknowledged {
            let event = try #require(position < UInt64(events.count) ? events[Int(position)] : nil)
            #expect(event["id"]?.string == id && event["data"]?["name"]?.string == id, "position \(position)")
        }
        // The read model that lived through all of it says the same as one made from zero.
        let log = try Ledger.open(at: ledger.path, access: .readOnly, environment: .live(command: "test"))
        let lived = try ReadModel.open(path: "\(ledger.path)/read-model.sqlite")
        try lived.catchUp(from: log)
        let fresh = try ReadModel.inMemory()
        try fresh.catchUp(from: log)
        let names = try fresh.query("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name")
        for name in names.rows.compactMap({ $0[0].text }) where !name.hasPrefix("sqlite_") {
            let left = try lived.query("SELECT * FROM \(name)").rows.map { "\($0)" }.sorted()
            let right = try fresh.query("SELECT * FROM \(name)").rows.map { "\($0)" }.sorted()
            #expect(left == right, "\(name) differs from a rebuild")
        }
        #expect(try fresh.query("SELECT count(*) FROM events").rows == [[.integer(Int64(events.count))]])
        try log.close()
    }
}
