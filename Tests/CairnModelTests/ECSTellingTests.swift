import CairnBytes
import CairnModel
import CairnTestSupport
import Testing

/// What the events of Amazon ECS tell of a run.
@Suite struct ECSTellingTests {
    /// A canary with a pause at two stages, told by EventBridge alone.
    private static func canary() -> ECSEvents {
        var made = ECSEvents()
        made.state("IN_PROGRESS", "8", minute: 0)
        made.hook("IN_PROGRESS", "check-1", "PRE_SCALE_UP", minute: 1, type: "AWS_LAMBDA")
        made.hook("SUCCEEDED", "check-1", "PRE_SCALE_UP", minute: 2, type: "AWS_LAMBDA")
        made.hook("AWAITING_ACTION", "ecs-pause-1", "POST_TEST_TRAFFIC_SHIFT", minute: 3)
        made.hook("SUCCEEDED", "ecs-pause-1", "POST_TEST_TRAFFIC_SHIFT", minute: 9)
        made.hook("IN_PROGRESS", "watch-1", "PRODUCTION_TRAFFIC_SHIFT", minute: 10, type: "AWS_LAMBDA")
        made.hook("SUCCEEDED", "watch-1", "PRODUCTION_TRAFFIC_SHIFT", minute: 11, type: "AWS_LAMBDA")
        made.hook("IN_PROGRESS", "watch-2", "PRODUCTION_TRAFFIC_SHIFT", minute: 20, type: "AWS_LAMBDA")
        made.hook("SUCCEEDED", "watch-2", "PRODUCTION_TRAFFIC_SHIFT", minute: 21, type: "AWS_LAMBDA")
        made.state("COMPLETED", "8", minute: 30)
        return made
    }

    @Test func aDeploymentThatNobodyPlanned() throws {
        let made = ECSTellingTests.canary()
        #expect(
            try made.told() == [
                "deployment.started", "phase.started PRE_SCALE_UP", "hook.called PRE_SCALE_UP",
                "hook.answered PRE_SCALE_UP SUCCEEDED", "phase.completed PRE_SCALE_UP",
                "phase.started POST_TEST_TRAFFIC_SHIFT", "traffic.shifted 100", "hook.called POST_TEST_TRAFFIC_SHIFT",
                "hook.answered POST_TEST_TRAFFIC_SHIFT SUCCEEDED", "phase.completed POST_TEST_TRAFFIC_SHIFT",
                "phase.started PRODUCTION_TRAFFIC_SHIFT 1", "hook.called PRODUCTION_TRAFFIC_SHIFT 1",
                "hook.answered PRODUCTION_TRAFFIC_SHIFT 1 SUCCEEDED", "phase.completed PRODUCTION_TRAFFIC_SHIFT 1",
                "phase.started PRODUCTION_TRAFFIC_SHIFT 2", "hook.called PRODUCTION_TRAFFIC_SHIFT 2",
                "hook.answered PRODUCTION_TRAFFIC_SHIFT 2 SUCCEEDED", "phase.completed PRODUCTION_TRAFFIC_SHIFT 2",
                "traffic.shifted 100", "deployment.completed",
            ])
        let state = try made.state()
        #expect(state.status == .completed && state.playbook == nil)
        #expect(state.service == "catalog" && state.cluster == "shop" && state.target == "8")
        #expect(
            state.phases.map(\.name) == [
                "PRE_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT",
            ])
        #expect(state.phases.map(\.step) == [nil, nil, 1, 2])
        #expect(state.phases.allSatisfy { $0.status == .completed })
        #expect(state.hookCalls.map(\.hook) == ["check-1", "ecs-pause-1", "watch-1", "watch-2"])
        #expect(state.hookCalls.allSatisfy { $0.status == .succeeded })
        #expect(state.production?.target == 100)
    }

    @Test func aDeploymentWithoutHooksIsOneStage() throws {
        var made = ECSEvents()
        made.state("IN_PROGRESS", "8", minute: 0)
        #expect(try made.state().activePhase?.name == "ROLL_OUT")
        made.state("COMPLETED", "8", minute: 4)
        let state = try made.state()
        #expect(state.status == .completed && state.phases.map(\.status) == [.completed])
        #expect(state.phases[0].endedAt == Run.start.adding(seconds: 240))
        // Nothing is known of its traffic.
        #expect(state.production == nil)
    }

    /// A failure names the revision, hooks the service deployment, and no start says that the two are one.
    @Test func aFailureWithoutAStartIsThatOfTheDeploymentUnderWay() throws {
        var made = ECSEvents()
        made.hook("AWAITING_ACTION", "ecs-pause-1", "POST_TEST_TRAFFIC_SHIFT", minute: 0)
        made.hook("SUCCEEDED", "ecs-pause-1", "POST_TEST_TRAFFIC_SHIFT", minute: 5)
        var byService = made
        made.state("FAILED", "9313423515462893900", minute: 16, reason: "tasks failed to start.")
        #expect(made.runs() == Array(repeating: "shop/catalog/d1", count: 3))
        let state = try made.state()
        #expect(state.status == .failed && state.closedAt == Run.start.adding(seconds: 960))
        #expect(
            state.closingReason
                == "tasks failed to start. (said of ecs-svc/9313423515462893900; this deployment by service and time)")
        byService.serviceFailed(minute: 16, reason: "tasks failed to start.")
        #expect(byService.runs() == Array(repeating: "shop/catalog/d1", count: 3))
        #expect(
            try byService.state().closingReason
                == "tasks failed to start. (said of the service; this deployment by service and time)")

        // The one before it is over, and the one after began later: neither is meant.
        var others = ECSEvents()
        others.state("IN_PROGRESS", "7", minute: -60)
        others.hook("SUCCEEDED", "h-0", "POST_SCALE_UP", minute: -50, deployment: "d0")
        others.state("COMPLETED", "7", minute: -30)
        others.hook("AWAITING_ACTION", "ecs-pause-1", "POST_TEST_TRAFFIC_SHIFT", minute: 0)
        others.state("FAILED", "8", minute: 16, reason: "x")
        others.state("IN_PROGRESS", "9", minute: 30)
        others.hook("SUCCEEDED", "h-2", "POST_SCALE_UP", minute: 40, deployment: "d2")
        let (before, failed, after) = ("shop/catalog/d0", "shop/catalog/d1", "shop/catalog/d2")
        #expect(others.runs() == [before, before, before, failed, failed, after, after])
    }

    @Test func theThreeAnswers() throws {
        var made = ECSEvents()
        made.hook("IN_PROGRESS", "h", "POST_SCALE_UP", minute: 0, type: "AWS_LAMBDA")
        #expect(try made.state().hookCalls.map(\.status) == [.called])
        made.hook("IN_PROGRESS", "h", "POST_SCALE_UP", minute: 1, type: "AWS_LAMBDA")
        #expect(try made.state().hookCalls.map(\.status) == [.inProgress])
        var good = made
        good.hook("SUCCEEDED", "h", "POST_SCALE_UP", minute: 2, type: "AWS_LAMBDA")
        #expect(try good.state().hookCalls.map(\.status) == [.succeeded])
        made.hook("FAILED", "h", "POST_SCALE_UP", minute: 2, type: "AWS_LAMBDA")
        let state = try made.state()
        #expect(state.hookCalls.map(\.status) == [.failed])
        // A failed hook rolls everything back, and no event says so.
        #expect(state.status == .rollingBack && state.phases.map(\.status) == [.failed])
        made.state("COMPLETED", "8", minute: 5)
        #expect(try made.state().status == .rolledBack)
    }

    @Test func aTimeoutGoesOnIfALaterStageWasHeardOf() throws {
        var made = ECSEvents()
        made.hook("AWAITING_ACTION", "p", "POST_SCALE_UP", minute: 0)
        made.hook("TIMED_OUT", "p", "POST_SCALE_UP", minute: 60)
        #expect(try made.told().contains("hook.timed_out POST_SCALE_UP ROLLBACK"))
        #expect(try made.state().status == .rollingBack)
        made.hook("AWAITING_ACTION", "q", "POST_PRODUCTION_TRAFFIC_SHIFT", minute: 70)
        #expect(try made.told().contains("hook.timed_out POST_SCALE_UP CONTINUE"))
        let state = try made.state()
        #expect(state.status == .running && state.hookCalls[0].status == .continued)
        #expect(state.activePhase?.name == "POST_PRODUCTION_TRAFFIC_SHIFT")
    }

    @Test func rollbackByTheCircuitBreaker() throws {
        var made = ECSEvents()
        made.state("IN_PROGRESS", "9", minute: 0)
        made.state("FAILED", "9", minute: 3, reason: "ECS deployment circuit breaker: tasks failed to start.")
        var failed = try made.state()
        #expect(failed.status == .failed)
        made.state("IN_PROGRESS", "8", minute: 3, reason: "rolling back to deploymentId ecs-svc/8.")
        failed = try made.state()
        #expect(failed.status == .rollingBack)
        #expect(failed.rollbacks.map(\.reason) == ["ECS deployment circuit breaker: tasks failed to start."])
        made.state("COMPLETED", "8", minute: 6)
        let state = try made.state()
        #expect(state.status == .rolledBack && state.phases.map(\.status) == [.failed])
    }

    @Test func hooksOfTheWayBackAreToldApart() throws {
        var made = ECSEvents()
        made.hook("IN_PROGRESS", "watch-1", "PRODUCTION_TRAFFIC_SHIFT", minute: 0, type: "AWS_LAMBDA")
        made.hook("FAILED", "watch-1", "PRODUCTION_TRAFFIC_SHIFT", minute: 5, type: "AWS_LAMBDA")
        made.hook("IN_PROGRESS", "watch-2", "PRODUCTION_TRAFFIC_SHIFT", minute: 6, type: "AWS_LAMBDA")
        made.hook("SUCCEEDED", "watch-2", "PRODUCTION_TRAFFIC_SHIFT", minute: 7, type: "AWS_LAMBDA")
        let state = try made.state()
        #expect(state.hookCalls.map(\.isRollback) == [false, true])
        #expect(state.phases.map(\.status) == [.failed])
    }

    @Test func unknownStagesAreKeptInTheOrderSeen() throws {
        var made = ECSEvents()
        made.hook("AWAITING_ACTION", "b", "COOL_DOWN", minute: 5)
        made.hook("AWAITING_ACTION", "a", "WARM_UP", minute: 1)
        made.hook("INVENTED", "a", "WARM_UP", minute: 9)
        let state = try made.state()
        #expect(state.phases.map(\.name) == ["WARM_UP", "COOL_DOWN"])
        #expect(state.phases.map(\.status) == [.completed, .active])
    }

    // MARK: Beside what the run's own events tell

    private static let hooks: JSONValue = [
        ["name": "ask", "kind": "pause", "phases": ["POST_TEST_TRAFFIC_SHIFT"]],
        ["name": "watch", "kind": "lambda", "phases": ["PRODUCTION_TRAFFIC_SHIFT"]],
    ]

    @Test func aPlanAloneIsFilledByTheEvents() throws {
        let run = try Run.deployment("ecs-canary", hooks: ECSTellingTests.hooks)
        let state = try ECSTellingTests.canary().state(from: run.state)
        #expect(state.status == .completed)
        #expect(state.hookCalls.map(\.hook) == ["check-1", "ask", "watch", "watch"])
        #expect(state.hookCalls.map(\.step) == [nil, nil, 1, 2])
        #expect(state.phases.filter { $0.startedAt != nil }.count == 4)
        #expect(state.phases.allSatisfy { $0.isDone })
        #expect(state.production?.target == 100 && state.rollbackDue == nil)
    }

    /// The same execution is the same call, whoever tells of it first.
    @Test func whatTheRunToldIsNotToldAgain() throws {
        var run = try Run.deployment("ecs-canary", hooks: ECSTellingTests.hooks)
        try run.command("phase.started", ["phase": "PRE_SCALE_UP"])
        try run.command("phase.completed", ["phase": "PRE_SCALE_UP"])
        for stage in ["SCALE_UP", "POST_SCALE_UP"] { try run.stage(stage) }
        try run.command("phase.started", ["phase": "TEST_TRAFFIC_SHIFT"])
        try run.command("traffic.shifted", Run.shift(100, kind: "test"))
        try run.command("phase.completed", ["phase": "TEST_TRAFFIC_SHIFT"])
        try run.command("phase.started", ["phase": "POST_TEST_TRAFFIC_SHIFT"])
        let called: JSONValue = ["hook": "ask", "phase": "POST_TEST_TRAFFIC_SHIFT", "execution_id": "ecs-pause-1"]
        try run.command("hook.called", called)
        var made = ECSEvents()
        made.hook("AWAITING_ACTION", "ecs-pause-1", "POST_TEST_TRAFFIC_SHIFT", minute: 3)
        #expect(try made.told(run.state) == [])
        // The answer is new: only AWS has told it.
        made.hook("SUCCEEDED", "ecs-pause-1", "POST_TEST_TRAFFIC_SHIFT", minute: 9)
        #expect(try made.told(run.state) == ["hook.answered POST_TEST_TRAFFIC_SHIFT SUCCEEDED"])
        var state = try made.state(from: run.state)
        #expect(state.hookCalls.count == 1 && state.hookCalls[0].status == .succeeded)
        // What the run says afterwards counts as much as if nothing had been told.
        run.wait(minutes: 10)
        run.state = state
        try run.command("phase.completed", ["phase": "POST_TEST_TRAFFIC_SHIFT"])
        state = run.state
        #expect(state.hookCalls.count == 1 && state.nextPhase?.name == "PRE_PRODUCTION_TRAFFIC_SHIFT")
    }

    @Test func aPauseThatTheRunCallsByItsOwnIDIsTheSame() throws {
        var run = try Run.deployment("ecs-canary", hooks: ECSTellingTests.hooks)
        run.fact("phase.started", ["phase": "POST_TEST_TRAFFIC_SHIFT"])
        run.fact("hook.called", ["hook": "ask", "phase": "POST_TEST_TRAFFIC_SHIFT", "attempt": 1])
        var made = ECSEvents()
        made.hook("AWAITING_ACTION", "ecs-pause-1", "POST_TEST_TRAFFIC_SHIFT", minute: 0)
        // The plan has a shift of test traffic before this stage, and the run told none.
        #expect(try made.told(run.state) == ["traffic.shifted 100"])
    }

    // MARK: Order

    /// Own events in their order, those of AWS anywhere between them, some twice: one end.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func orderAndRepetitionDoNotMatter(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var made = ECSTellingTests.canary()
        if Bool.random(using: &random) { made.hook("FAILED", "watch-2", "PRODUCTION_TRAFFIC_SHIFT", minute: 21) }
        if Bool.random(using: &random) { made.state("FAILED", "8", minute: 22, reason: "r") }
        if Bool.random(using: &random) {
            made.state("IN_PROGRESS", "7", minute: 23, reason: "rolling back to deploymentId ecs-svc/7.")
        }
        var run = try Run("deployment/shop/catalog/d1")
        if Bool.random(using: &random) {
            run.fact("deployment.planned", Run.plan("ecs-canary", [:], hooks: ECSTellingTests.hooks))
        }
        if Bool.random(using: &random) {
            run.fact("phase.started", ["phase": "PRE_SCALE_UP"])
            run.wait(minutes: 3)
            run.fact("phase.completed", ["phase": "PRE_SCALE_UP"])
            run.fact("phase.started", ["phase": "POST_TEST_TRAFFIC_SHIFT"])
            run.fact(
                "hook.called",
                ["hook": "ask", "phase": "POST_TEST_TRAFFIC_SHIFT", "attempt": 1, "execution_id": "ecs-pause-1"])
        }
        let own = run.events
        var expected: MigrationState?
        for round in 0..<12 {
            var theirs = made.events
            if round > 0 { theirs += theirs.filter { _ in Bool.random(using: &random) } }
            if round > 0 { theirs.shuffle(using: &random) }
            var state = try Run("deployment/shop/catalog/d1").state
            var left = own[...]
            while !left.isEmpty || !theirs.isEmpty {
                if let event = left.first, theirs.isEmpty || Bool.random(using: &random) {
                    state.apply(event)
                    left.removeFirst()
                } else {
                    state.apply(theirs.removeLast())
                }
            }
            if let expected {
                #expect(state == expected, "seed \(seed), round \(round)")
                #expect(state.summary == expected.summary, "seed \(seed), round \(round)")
            }
            expected = expected ?? state
        }
    }

    @Test func noticesAreBounded() throws {
        var made = ECSEvents()
        for index in 0..<620 { made.hook("AWAITING_ACTION", "p\(index)", "POST_SCALE_UP", minute: 1) }
        made.state("COMPLETED", "8", minute: 2)
        let state = try made.state()
        #expect(state.hookCalls.count == 600 && state.status == .completed)
    }
}
