import CairnBytes
import CairnModel
import CairnTestSupport
import Foundation
import Testing

@Suite struct PlaybookTests {
    private static let stages = [
        "RECONCILE_SERVICE", "PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT",
        "POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP",
    ]

    private func playbook(_ id: String) throws -> Playbook { try #require(PlaybookLibrary.builtIn[id]) }

    @Test func allFiveAreBuiltIn() throws {
        #expect(
            PlaybookLibrary.builtIn.ids
                == ["cluster-migration", "ecs-blue-green", "ecs-canary", "ecs-linear", "ecs-rolling"])
        for id in PlaybookLibrary.builtIn.ids {
            // Each can be read back from its own definition, parents joined in.
            let playbook = try playbook(id)
            #expect(try Playbook(reading: playbook.definition) == playbook)
        }
    }

    @Test func amazonStagesAreInTheDocumentedOrder() throws {
        for id in ["ecs-blue-green", "ecs-canary", "ecs-linear"] {
            let playbook = try playbook(id)
            #expect(playbook.stages.map(\.name) == PlaybookTests.stages)
            let lambda = playbook.stages.filter { $0.hookKinds.contains("lambda") }.map(\.name)
            #expect(lambda == PlaybookTests.stages.filter { !["SCALE_UP", "BAKE_TIME", "CLEAN_UP"].contains($0) })
            let pause = playbook.stages.filter { $0.hookKinds.contains("pause") }.map(\.name)
            #expect(
                pause == lambda.filter { !["TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"].contains($0) })
            #expect(
                playbook.stages.filter(\.isPerStep).map(\.name)
                    == ["PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"])
            #expect(playbook.rollback.revisitedStages == ["PRODUCTION_TRAFFIC_SHIFT", "TEST_TRAFFIC_SHIFT"])
        }
        #expect(try playbook("ecs-rolling").production == nil)
    }

    @Test func theMigrationHasBothNumberings() throws {
        let stages = try playbook("cluster-migration").stages
        #expect(
            stages.map(\.name) == [
                "precheck", "build", "snapshot", "move-workloads", "shift-traffic", "resume-pipelines", "decommission",
            ])
        func numbers(_ view: String) -> [String?] {
            stages.map { stage in stage.labels.first { $0.view == view }?.number }
        }
        #expect(numbers("runbook") == ["1", "2", "3", "4", "5", "6", nil])
        #expect(numbers("architecture") == [nil, "1-2", nil, "3", "4", nil, "5-6"])
    }

    @Test func errorsSayWhere() throws {
        let file = try PlaybookTests.sixth()
        func problem(_ change: (inout JSONObject) -> Void) -> String {
            var object = file.object ?? JSONObject()
            change(&object)
            do {
                _ = try Playbook(reading: .object(object))
                return "none"
            } catch { return "\(error)" }
        }
        #expect(problem { _ in } == "none")
        #expect(problem { $0["id"] = nil }.contains("id is missing"))
        #expect(problem { $0["stages"] = [] }.contains("stages has 0 stages"))
        #expect(problem { $0["stages"] = [["name": "a"]] }.contains("stages[0].title is missing"))
        #expect(problem { $0["colour"] = "red" }.contains("colour is not known"))
        #expect(problem { $0["kind"] = "holiday" }.contains("kind is holiday, none of migration, deployment"))
        #expect(problem { $0["extends"] = "no-such" }.contains("extends names no-such"))
        #expect(problem { $0["parameters"] = [] }.contains("quarter"))
        #expect(problem { $0["rollback"] = ["revisit": ["lunch"]] }.contains("lunch"))
        #expect(problem { $0["rollback"] = ["on": ["lunch"]] }.contains("rollback.on[0]"))
        #expect(problem { $0["timeout_seconds"] = -1 }.contains("timeout_seconds"))
        let stage: JSONValue = ["name": "a", "title": "A", "start": ["wish"]]
        #expect(problem { $0["stages"] = [stage] }.contains("stages[0].start[0]"))
        #expect(
            problem { $0["stages"] = [["name": "a", "title": "A"], ["name": "a", "title": "A"]] }.contains("[1].name"))
        let back: JSONValue = ["name": "a", "title": "A", "back": ["to": "b", "how": "x"]]
        #expect(problem { $0["stages"] = [back, ["name": "b", "title": "B"]] }.contains("stages[0].back.to"))
        #expect(throws: PlaybookError.self) { try Playbook(reading: "text") }
    }

    /// Any change to one value of a playbook gives a playbook or an error, never anything else.
    @Test(arguments: [1, 2, 3] as [UInt64]) func damagedPlaybooksAreErrors(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let file = try PlaybookTests.sixth()
        var errors = 0
        for _ in 0..<400 {
            do {
                let playbook = try Playbook(reading: JSONDamage.damaged(file, &random))
                let stream = try #require(StreamName("migration/x"))
                var state = MigrationState(stream: stream)
                state.playbook = playbook
                #expect((state.productionSteps ?? [100]).last == 100 || playbook.production == nil, "seed \(seed)")
            } catch is PlaybookError { errors += 1 }
        }
        #expect(errors > 50, "seed \(seed)")
    }

    static func sixth() throws -> JSONValue {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Golden/playbook-database-failover.json")
        return try JSONParser.parse(Array(try Data(contentsOf: file))).value
    }

    /// A playbook that no Swift knows: it runs with its stages, a hook, a refusal and a way back.
    @Test func aSixthPlaybookIsAFile() throws {
        var library = PlaybookLibrary.builtIn
        try library.add(reading: PlaybookTests.sixth())
        var run = try Run("migration/orders-db", playbooks: library)
        try run.command(
            "migration.planned",
            [
                "playbook": "database-failover", "source_cluster": "writer", "target_cluster": "replica",
                "applications": [], "hooks": [["name": "ask", "phases": ["switch-writer"], "kind": "pause"]],
            ])
        #expect(run.state.phases.map(\.name).filter { $0 == "switch-writer" }.count == 4)
        try run.command("phase.started", ["phase": "catch-up"])
        #expect(run.refusal("phase.completed", ["phase": "catch-up"]) == .checkNotPassed)
        try run.pass("replica-lag")
        try run.command("phase.completed", ["phase": "catch-up"])
        #expect(run.refusal("phase.started", ["phase": "switch-writer", "step": 1]) == .unapproved)
        try run.approve("switch-writer")

        let first: JSONValue = ["phase": "switch-writer", "step": 1]
        try run.command("phase.started", first)
        try run.command("hook.called", ["hook": "ask", "phase": "switch-writer"])
        #expect(run.refusal("phase.completed", first) == .hookNotFinished)
        try run.command("hook.answered", ["hook": "ask", "phase": "switch-writer", "status": "SUCCEEDED"])
        #expect(run.refusal("traffic.shifted", Run.shift(30)) == .wrongStep)
        try run.command("traffic.shifted", Run.shift(25))
        try run.command("phase.completed", first)

        let second: JSONValue = ["phase": "switch-writer", "step": 2]
        try run.command("phase.started", second)
        try run.command("hook.called", ["hook": "ask", "phase": "switch-writer"])
        let drafts = try run.command("hook.answered", ["hook": "ask", "phase": "switch-writer", "status": "FAILED"])
        #expect(drafts.map(\.name) == ["hook.answered", "rollback.started"])
        try run.command("traffic.shifted", Run.shift(0))
        try run.command("phase.reverted", ["phase": "switch-writer"])
        try run.command("rollback.completed")
        #expect(run.state.status == .running)
        #expect(run.state.nextPhase?.name == "catch-up")

        // The plan may carry the playbook itself, so that the history stands alone.
        var alone = try Run("migration/orders-db")
        var plan = try #require(run.events[0].data.object)
        #expect(plan["playbook_definition"] == library["database-failover"]?.definition)
        plan["playbook_definition"] = nil
        #expect(alone.refusal("migration.planned", .object(plan)) == .unknownPlaybook)
        plan["playbook_definition"] = library["database-failover"]?.definition
        try alone.command("migration.planned", .object(plan))
        #expect(alone.state.playbook == library["database-failover"])
    }
}
