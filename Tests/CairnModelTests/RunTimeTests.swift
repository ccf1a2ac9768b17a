import CairnBytes
import CairnModel
import Testing

/// When something may be said to have happened: not before what the run knows already, and not after now.
@Suite struct RunTimeTests {
    /// A canary whose first step has been taken and bakes.
    private static func baking() throws -> Run {
        var run = try Run.deployment("ecs-canary", ["canary_percent": 10, "canary_bake_minutes": 10])
        for stage in ["PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP"] { try run.stage(stage) }
        try run.command("phase.started", ["phase": "TEST_TRAFFIC_SHIFT"])
        try run.command("traffic.shifted", Run.shift(100, kind: "test"))
        try run.command("phase.completed", ["phase": "TEST_TRAFFIC_SHIFT"])
        try run.stage("POST_TEST_TRAFFIC_SHIFT")
        try run.stage("PRE_PRODUCTION_TRAFFIC_SHIFT", step: 1)
        try run.command("phase.started", ["phase": "PRODUCTION_TRAFFIC_SHIFT", "step": 1])
        try run.command("traffic.shifted", Run.shift(10, step: 1))
        return run
    }

    private static let completed: JSONValue = ["phase": "PRODUCTION_TRAFFIC_SHIFT", "step": 1]

    @Test func aBakeIsNotPassedByNamingTheFuture() throws {
        var run = try RunTimeTests.baking()
        let now = run.time.adding(seconds: 1)
        run.now = now
        #expect(run.refusal("phase.completed", RunTimeTests.completed) == .bakeNotElapsed)
        run.time = now.adding(seconds: 3600)
        #expect(run.refusal("phase.completed", RunTimeTests.completed) == .timeInFuture)
        run.now = run.time
        #expect(run.refusal("phase.completed", RunTimeTests.completed) == nil)
    }

    @Test func clocksMayDifferALittle() throws {
        var run = try Run.deployment("ecs-canary")
        run.now = run.time
        run.time = run.time.adding(seconds: 6)
        #expect(run.refusal("phase.started", ["phase": "PRE_SCALE_UP"]) == .timeInFuture)
        run.time = run.time.adding(seconds: -1)
        #expect(run.refusal("phase.started", ["phase": "PRE_SCALE_UP"]) == nil)
        #expect(run.state.lastEventAt == Run.start)
        run.time = Run.start.adding(seconds: -6)
        #expect(run.refusal("phase.completed", ["phase": "PRE_SCALE_UP"]) == .timeBeforeLastEvent)
        run.time = Run.start.adding(seconds: -5)
        #expect(run.refusal("phase.completed", ["phase": "PRE_SCALE_UP"]) == nil)
    }

    @Test func historyIsNotReordered() throws {
        var run = try Run.deployment("ecs-canary")
        run.now = run.time
        run.time = try #require(Timestamp("2020-03-01T10:00:00Z"))
        #expect(run.refusal("phase.started", ["phase": "PRE_SCALE_UP"]) == .timeBeforeLastEvent)
        #expect(run.state.startedAt == nil)
        // A remark may be about any time, but not the one to come.
        #expect(run.refusal("note.added", ["text": "we tried this before"]) == nil)
        run.time = Run.start.adding(seconds: 3600)
        #expect(run.refusal("note.added", ["text": "we will try this"]) == .timeInFuture)
        let finding = MigrationState(stream: try #require(StreamName("finding/f-1")))
        let refusal = #expect(throws: Refusal.self) {
            try Decider.decide(
                state: finding, type: "finding.acknowledged", data: ["finding": "f-1"], at: run.time, now: Run.start,
                actor: "alice")
        }
        #expect(refusal?.rule == .timeInFuture)
    }

    @Test func factsAreTakenAndJudged() throws {
        var run = try RunTimeTests.baking()
        run.now = run.time
        run.time = run.time.adding(seconds: 3600)
        #expect(run.fact("phase.completed", RunTimeTests.completed) == [.timeInFuture])
        #expect(run.state.phases.contains { $0.name == "PRODUCTION_TRAFFIC_SHIFT" && $0.status == .completed })
        // A fact that claims to be of tomorrow does not stop the run until then.
        run.time = run.now ?? run.time
        #expect(run.refusal("phase.started", ["phase": "PRE_PRODUCTION_TRAFFIC_SHIFT", "step": 2]) == nil)
        run.time = try #require(Timestamp("2020-03-01T10:00:00Z"))
        #expect(
            run.fact("phase.completed", ["phase": "PRE_PRODUCTION_TRAFFIC_SHIFT", "step": 2]) == [.timeBeforeLastEvent])
        // What is told late of a check is no disorder.
        #expect(run.fact("check.completed", ["name": "smoke", "result": "pass"]) == [])
    }
}
