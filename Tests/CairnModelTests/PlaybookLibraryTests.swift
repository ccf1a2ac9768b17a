import CairnBytes
import CairnModel
import CairnTestSupport
import Testing

/// Which playbook a plan means.
@Suite struct PlaybookLibraryTests {
    private static func definition(version: Int, stages: [String] = ["A", "B"]) -> JSONValue {
        [
            "id": "roll", "version": .integer(version), "title": "Roll", "kind": "deployment",
            "stages": .array(stages.map { ["name": .string($0), "title": "Title", "hooks": ["pause"]] }),
        ]
    }

    private static func registration(version: Int, stages: [String] = ["A", "B"]) throws -> PlaybookRegistration {
        let playbook = try Playbook(reading: definition(version: version, stages: stages))
        return PlaybookRegistration(playbook: playbook, digest: "d\(version)", position: UInt64(version))
    }

    private static let plan: JSONObject = [
        "playbook": "roll", "service": "catalog", "cluster": "shop", "source_revision": "1", "target_revision": "2",
        "parameters": [:], "hooks": [],
    ]

    private static func plan(_ more: JSONObject) -> JSONValue {
        var plan = plan
        for member in more { plan[member.name] = member.value }
        return .object(plan)
    }

    private func stages(_ plan: JSONValue, _ library: PlaybookLibrary) throws -> Int? {
        var run = try Run("deployment/shop/catalog/1", playbooks: library)
        _ = run.record("observed.deployment.planned.v1", plan)
        return run.state.playbook?.stages.count
    }

    @Test func theNewestUnlessAVersionIsNamed() throws {
        let versions = [
            try PlaybookLibraryTests.registration(version: 1),
            try PlaybookLibraryTests.registration(version: 3, stages: ["A", "B", "C"]),
            try PlaybookLibraryTests.registration(version: 2, stages: ["A"]),
        ]
        func stages(_ more: JSONObject) throws -> Int? {
            let plan = PlaybookLibraryTests.plan(more)
            let library = PlaybookLibrary(for: "observed.deployment.planned.v1", data: plan) { id in
                id == "roll" ? versions : []
            }
            return try self.stages(plan, library)
        }
        #expect(try stages([:]) == 3)
        #expect(try stages(["playbook_version": 1]) == 2)
        #expect(try stages(["playbook_version": 9]) == nil)
        #expect(try stages(["playbook": "other"]) == nil)
        let own = PlaybookLibraryTests.definition(version: 8, stages: ["A", "B", "C", "D"])
        #expect(try stages(["playbook_definition": own]) == 4, "a plan may carry what the log does not have")
        let changed = PlaybookLibraryTests.definition(version: 2, stages: ["X", "Y", "Z", "W", "V"])
        #expect(try stages(["playbook_definition": changed]) != 5, "what a version means does not change")
        let none = PlaybookLibrary(for: "deployment.completed", data: [:]) { _ in versions }
        #expect(none == .builtIn)
    }

    /// A plan that is told after events of Amazon ECS about the same run is read with its playbook too.
    @Test func aPlanAfterItsNotices() throws {
        var library = PlaybookLibrary.builtIn
        library.add(try PlaybookLibraryTests.registration(version: 1))
        var made = ECSEvents()
        made.hook("AWAITING_ACTION", "h", "A", minute: 0)
        let stream = try #require(StreamName("deployment/shop/catalog/d1"))
        var state = MigrationState(stream: stream)
        for event in made.events { state.apply(event) }
        state.playbooks = library
        state.apply(
            RecordedEvent(
                position: 9, id: "p", source: "/test", type: "observed.deployment.planned.v1", subject: stream,
                revision: 9, time: Run.start, recordedTime: Run.start, data: PlaybookLibraryTests.plan([:]),
                actor: Actor(id: "a", type: "local")))
        #expect(state.playbook?.id == "roll")
        #expect(state.phases.map(\.name) == ["A", "B"])
        #expect(state.phases.first?.status == .active)
    }

    @Test func whatCairnBringsStays() throws {
        var definition = try #require(PlaybookLibrary.builtIn["ecs-rolling"]?.definition.object)
        definition["version"] = 99
        let playbook = try Playbook(reading: .object(definition))
        var library = PlaybookLibrary.builtIn
        library.add(PlaybookRegistration(playbook: playbook, digest: "", position: 0))
        #expect(library == .builtIn)
        #expect(throws: Refusal.self) {
            try PlaybookRegistration.isNeeded(for: playbook, registered: [], digest: { _ in "d" })
        }
        let own = try #require(PlaybookLibrary.builtIn["ecs-rolling"])
        #expect(try PlaybookRegistration.isNeeded(for: own, registered: [], digest: { _ in "d" }) == false)
    }
}
