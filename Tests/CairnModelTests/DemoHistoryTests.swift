import CairnBytes
import CairnModel
import Foundation
import Testing

/// The history in `tools/demo-data` is told from outside, and keeps every rule that commands are held to.
@Suite struct DemoHistoryTests {
    @Test func breaksNoRule() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "tools/demo-data/data/events.jsonl")
        var states: [StreamName: MigrationState] = [:]
        for (position, line) in try String(contentsOf: file, encoding: .utf8).split(separator: "\n").enumerated() {
            let value = try JSONParser.parse(String(line)).value
            let stream = try #require(value["subject"]?.string.flatMap { StreamName($0) })
            let time = try #require(value["time"]?.string.flatMap { Timestamp($0) })
            let before = states[stream] ?? MigrationState(stream: stream)
            let event = RecordedEvent(
                position: UInt64(position), id: try #require(value["id"]?.string), source: "/demo",
                type: try #require(value["type"]?.string), subject: stream, revision: before.eventCount, time: time,
                recordedTime: time, data: value["data"] ?? .null, actor: Actor(id: "demo", type: "local"))
            let violations = Violations.check(before, event)
            #expect(violations.isEmpty, "line \(position + 1): \(violations.map(\.explanation))")
            states[stream] = evolve(before, event)
        }
        let migration = try #require(states.values.first { $0.stream.kind == "migration" })
        #expect(migration.status == .running)
        #expect(migration.nextPhase?.name == "decommission")
        #expect(migration.production?.target == 100)
        let deployment = try #require(states.values.first { $0.stream.kind == "deployment" })
        #expect(deployment.status == .completed)
    }
}
