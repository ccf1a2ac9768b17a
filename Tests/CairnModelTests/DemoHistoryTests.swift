import CairnBytes
import CairnModel
import Foundation
import Testing

/// The history in `tools/demo-data` is told from outside, and keeps every rule that commands are held to but one: the
/// hotfix of the evening ends its bake too early.
@Suite struct DemoHistoryTests {
    @Test func breaksOneRule() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "tools/demo-data/data/events.jsonl")
        var states: [StreamName: MigrationState] = [:]
        var broken: [String] = []
        for (position, line) in try String(contentsOf: file, encoding: .utf8).split(separator: "\n").enumerated() {
            let value = try JSONParser.parse(String(line)).value
            let stream = try #require(value["subject"]?.string.flatMap { StreamName($0) })
            let time = try #require(value["time"]?.string.flatMap { Timestamp($0) })
            let before = states[stream] ?? MigrationState(stream: stream)
            let event = RecordedEvent(
                position: UInt64(position), id: try #require(value["id"]?.string), source: "/demo",
                type: try #require(value["type"]?.string), subject: stream, revision: before.eventCount, time: time,
                recordedTime: time, data: value["data"] ?? .null, actor: Actor(id: "demo", type: "local"))
            broken += Violations.check(before, event).map { "\(stream): \($0.rule.rawValue)" }
            states[stream] = evolve(before, event)
        }
        let hotfix = "deployment/harbor-services/gift-cards/Vb5Rz1Xn8MqT3hKs6WdLe"
        #expect(broken == ["\(hotfix): bake_not_elapsed"])
        let migration = try #require(states.values.first { $0.stream.kind == "migration" })
        #expect(migration.status == .running)
        #expect(migration.nextPhase?.name == "decommission")
        #expect(migration.production?.target == 100)
        let deployments = states.values.filter { $0.stream.kind == "deployment" }
        #expect(deployments.count == 2)
        #expect(deployments.allSatisfy { $0.status == .completed && $0.emergencies.isEmpty })
    }
}
