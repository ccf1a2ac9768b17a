import CairnBytes
import CairnModel
import CairnTestSupport
import Testing

@Suite struct DeploymentTests {
    /// Everything up to the first step of production traffic.
    private func ready(_ playbook: String, _ parameters: JSONValue, hooks: JSONValue = []) throws -> Run {
        var run = try Run.deployment(playbook, parameters, hooks: hooks)
        for stage in ["PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP"] { try run.stage(stage) }
        try run.command("phase.started", ["phase": "TEST_TRAFFIC_SHIFT"])
        try run.command("traffic.shifted", Run.shift(100, kind: "test"))
        try run.command("phase.completed", ["phase": "TEST_TRAFFIC_SHIFT"])
        try run.stage("POST_TEST_TRAFFIC_SHIFT")
        return run
    }

    private func finish(_ run: inout Run, bakeMinutes: Int64) throws {
        try run.stage("POST_PRODUCTION_TRAFFIC_SHIFT")
        try run.command("phase.started", ["phase": "BAKE_TIME"])
        if bakeMinutes > 0 {
            #expect(run.refusal("phase.completed", ["phase": "BAKE_TIME"]) == .bakeNotElapsed)
            try run.command("bake.started", ["minutes": .integer(bakeMinutes)])
            run.wait(minutes: bakeMinutes)
            try run.command("bake.completed")
        }
        try run.command("phase.completed", ["phase": "BAKE_TIME"])
        try run.stage("CLEAN_UP")
        try run.command("deployment.completed")
        #expect(run.state.status == .completed)
    }

    /// The table of parameters: each with the values just inside and just outside.
    @Test func parametersHaveTheDocumentedRanges() throws {
        let table: [(String, String, [Double], [Double])] = [
            ("ecs-canary", "canary_percent", [0.1, 0.3, 5, 99.9, 100], [0, 0.05, 0.15, 100.1, -1]),
            ("ecs-canary", "canary_bake_minutes", [0, 10, 1440], [-1, 1441]),
            ("ecs-linear", "step_percent", [3, 3.1, 99.9, 100], [2.9, 0, 3.05, 100.1]),
            ("ecs-linear", "step_bake_minutes", [0, 1440], [-0.5, 1441]),
            ("ecs-blue-green", "bake_minutes", [0, 1440], [-1, 1440.5]),
            ("ecs-rolling", "minimum_healthy_percent", [0, 100], [-1, 101]),
        ]
        for (playbook, name, good, bad) in table {
            for (values, expected) in [(good, nil as Rule?), (bad, Rule.parameterOutOfRange)] {
                for value in values {
                    var run = try Run("deployment/shop/catalog/7")
                    var parameters = JSONObject()
                    parameters[name] = .number(value)
                    let refusal = run.refusal("deployment.planned", Run.plan(playbook, .object(parameters)))
                    #expect(refusal == expected, "\(name) \(value)")
                }
            }
        }
        var run = try Run("deployment/shop/catalog/7")
        #expect(run.refusal("deployment.planned", Run.plan("ecs-blue-green", [:])) == .parameterOutOfRange)
    }

    @Test func stepsOfTrafficAreThoseOfTheStrategy() throws {
        func steps(_ playbook: String, _ parameters: JSONValue) throws -> [Double]? {
            try Run.deployment(playbook, parameters).state.productionSteps
        }
        #expect(try steps("ecs-blue-green", ["bake_minutes": 0]) == [100])
        #expect(try steps("ecs-canary", [:]) == [5, 100])
        #expect(try steps("ecs-canary", ["canary_percent": 0.1]) == [0.1, 100])
        #expect(try steps("ecs-canary", ["canary_percent": 100]) == [100])
        #expect(try steps("ecs-linear", [:]) == [10, 20, 30, 40, 50, 60, 70, 80, 90, 100])
        #expect(try steps("ecs-linear", ["step_percent": 30]) == [30, 60, 90, 100])
        #expect(try steps("ecs-linear", ["step_percent": 100]) == [100])
        #expect(try steps("ecs-linear", ["step_percent": 33.4]) == [33.4, 66.8, 100])
        #expect(try steps("ecs-linear", ["step_percent": 3])?.count == 34)
    }

    @Test func aCanaryTakesTwoSteps() throws {
        var run = try ready("ecs-canary", ["canary_percent": 10, "canary_bake_minutes": 10, "bake_minutes": 5])
        #expect(run.refusal("traffic.shifted", Run.shift(10)) == .wrongOrder)
        #expect(run.refusal("phase.started", ["phase": "PRODUCTION_TRAFFIC_SHIFT", "step": 2]) == .wrongOrder)
        #expect(run.refusal("phase.started", ["phase": "PRODUCTION_TRAFFIC_SHIFT", "step": 3]) == .wrongStep)
        try run.stage("PRE_PRODUCTION_TRAFFIC_SHIFT", step: 1)
        let first: JSONValue = ["phase": "PRODUCTION_TRAFFIC_SHIFT", "step": 1]
        try run.command("phase.started", first)
        #expect(run.refusal("traffic.shifted", Run.shift(11)) == .wrongStep)
        #expect(
            run.refusal("traffic.shifted", ["kind": "production", "weights": ["source": 90, "target": 11]])
                == .weightsNot100)
        #expect(
            run.refusal("traffic.shifted", ["kind": "production", "weights": ["source": -10, "target": 110]])
                == .weightsNot100)
        #expect(run.refusal("phase.completed", first) == .trafficNotShifted)
        try run.command("traffic.shifted", Run.shift(10, step: 1))
        #expect(run.refusal("phase.completed", first) == .bakeNotElapsed)
        #expect(run.refusal("bake.started", ["minutes": 9, "step": 1]) == .wrongBake)
        try run.command("bake.started", ["minutes": 10, "step": 1])
        run.wait(minutes: 9)
        #expect(run.refusal("bake.completed", ["step": 1]) == .bakeNotElapsed)
        run.wait(minutes: 1)
        #expect(run.refusal("phase.completed", first) == .bakeNotElapsed)
        try run.command("bake.completed", ["step": 1])
        try run.command("phase.completed", first)
        // The pause before a step is new with AWS, and may be left out.
        try run.command("phase.started", ["phase": "PRODUCTION_TRAFFIC_SHIFT", "step": 2])
        try run.command("traffic.shifted", Run.shift(100, step: 2))
        #expect(run.refusal("bake.started", ["minutes": 10, "step": 2]) == .wrongBake)
        #expect(run.refusal("traffic.shifted", Run.shift(100)) == .wrongStep)
        try run.command("phase.completed", ["phase": "PRODUCTION_TRAFFIC_SHIFT", "step": 2])
        try finish(&run, bakeMinutes: 5)
    }

    @Test func aLinearDeploymentBakesEachStepButTheLast() throws {
        var run = try ready("ecs-linear", ["step_percent": 40, "step_bake_minutes": 6])
        for (number, share) in [40.0, 80, 100].enumerated() {
            let phase: JSONValue = ["phase": "PRODUCTION_TRAFFIC_SHIFT", "step": .integer(number + 1)]
            try run.command("phase.started", phase)
            try run.command("traffic.shifted", Run.shift(share))
            if share < 100 {
                #expect(run.refusal("phase.completed", phase) == .bakeNotElapsed)
                run.wait(minutes: 6)
            }
            try run.command("phase.completed", phase)
        }
        try finish(&run, bakeMinutes: 0)
    }

    /// A producer that does not tell steps apart enters the stage once.
    @Test func stagesPerStepMayBeEnteredAsAWhole() throws {
        var run = try ready("ecs-canary", ["canary_percent": 10, "canary_bake_minutes": 0])
        try run.command("phase.started", ["phase": "PRODUCTION_TRAFFIC_SHIFT"])
        try run.command("traffic.shifted", Run.shift(10))
        #expect(run.refusal("phase.completed", ["phase": "PRODUCTION_TRAFFIC_SHIFT"]) == .trafficNotShifted)
        try run.command("traffic.shifted", Run.shift(100))
        try run.command("phase.completed", ["phase": "PRODUCTION_TRAFFIC_SHIFT"])
        try finish(&run, bakeMinutes: 0)
    }

    @Test func capacityDoublesWhileBothRevisionsRun() throws {
        let run = try Run.deployment("ecs-blue-green", ["bake_minutes": 0])
        let curve = run.state.playbook?.stages.map { stage in
            run.state.capacity(atEndOf: stage.name).map { $0.source + $0.target }
        }
        #expect(curve == [4, 4, 8, 8, 8, 8, 8, 8, 8, 8, 4])
        func limits(_ desired: Int64, _ minimum: Double, _ maximum: Double) -> [Int64] {
            let limits = MigrationState.rollingLimits(
                desiredCount: desired, minimumHealthyPercent: minimum, maximumPercent: maximum)
            return [limits.floor, limits.cap]
        }
        #expect(limits(4, 100, 200) == [4, 8])
        // Two stuck ones: nothing may stop, and nothing may start.
        #expect(limits(2, 75, 200)[0] == 2)
        #expect(limits(3, 100, 125)[1] == 3)
    }

    // MARK: Hooks

    @Test func hooksAttachOnlyWhereAmazonTakesThem() throws {
        func refusal(_ kind: String, _ phase: String, _ extra: JSONObject = [:]) throws -> Rule? {
            var hook: JSONObject = ["name": "h", "kind": .string(kind), "phases": [.string(phase)]]
            for member in extra { hook[member.name] = member.value }
            var run = try Run("deployment/shop/catalog/7")
            return run.refusal("deployment.planned", Run.plan("ecs-canary", [:], hooks: [.object(hook)]))
        }
        #expect(try refusal("lambda", "TEST_TRAFFIC_SHIFT") == nil)
        #expect(try refusal("pause", "TEST_TRAFFIC_SHIFT") == .hookNotAttachable)
        #expect(try refusal("pause", "PRODUCTION_TRAFFIC_SHIFT") == .hookNotAttachable)
        #expect(try refusal("pause", "PRE_PRODUCTION_TRAFFIC_SHIFT") == nil)
        for stage in ["SCALE_UP", "BAKE_TIME", "CLEAN_UP"] {
            #expect(try refusal("lambda", stage) == .hookNotAttachable)
            #expect(try refusal("pause", stage) == .hookNotAttachable)
        }
        #expect(try refusal("lambda", "LUNCH") == .unknownStage)
        #expect(try refusal("pause", "PRE_SCALE_UP", ["timeout_minutes": 20_160]) == nil)
        #expect(try refusal("pause", "PRE_SCALE_UP", ["timeout_minutes": 20_161]) == .parameterOutOfRange)
        #expect(try refusal("pause", "PRE_SCALE_UP", ["timeout_minutes": 0]) == .parameterOutOfRange)
        #expect(try refusal("lambda", "PRE_SCALE_UP", ["timeout_minutes": 1441]) == .parameterOutOfRange)
        #expect(try refusal("lambda", "PRE_SCALE_UP", ["timeout_action": "SHRUG"]) == .invalidData)
        let eleven = (0..<11).map { number -> JSONValue in
            ["name": .string("h\(number)"), "kind": "lambda", "phases": ["PRE_SCALE_UP"]]
        }
        var run = try Run("deployment/shop/catalog/7")
        #expect(run.refusal("deployment.planned", Run.plan("ecs-canary", [:], hooks: .array(eleven))) == .tooManyHooks)
        #expect(
            run.refusal("deployment.planned", Run.plan("ecs-canary", [:], hooks: .array(Array(eleven.dropLast()))))
                == nil)
    }

    private static let hooks: JSONValue = [
        ["name": "prove", "kind": "lambda", "phases": ["PRE_SCALE_UP"]],
        ["name": "ask", "kind": "pause", "phases": ["PRE_SCALE_UP"], "timeout_minutes": 60],
    ]

    @Test func aHookIsCalledUntilItAnswers() throws {
        var run = try Run.deployment("ecs-canary", [:], hooks: DeploymentTests.hooks)
        let prove: JSONValue = ["hook": "prove", "phase": "PRE_SCALE_UP"]
        #expect(run.refusal("hook.called", prove) == .wrongOrder)
        try run.command("phase.started", ["phase": "PRE_SCALE_UP"])
        #expect(run.refusal("hook.called", ["hook": "other", "phase": "PRE_SCALE_UP"]) == .hookNotDeclared)
        #expect(run.refusal("hook.called", ["hook": "prove", "phase": "PRE_SCALE_UP", "attempt": 2]) == .wrongAttempt)
        try run.command("hook.called", prove)
        #expect(run.refusal("hook.called", prove) == .wrongAttempt)
        func answer(_ status: String, _ more: JSONObject = [:]) -> JSONValue {
            var data: JSONObject = ["hook": "prove", "phase": "PRE_SCALE_UP", "status": .string(status)]
            for member in more { data[member.name] = member.value }
            return .object(data)
        }
        #expect(run.refusal("hook.answered", answer("MAYBE")) == .invalidData)
        try run.command("hook.answered", answer("IN_PROGRESS", ["hook_details": ["asked": true, "n": 1]]))
        #expect(run.refusal("hook.answered", answer("SUCCEEDED")) == .noOpenCall)
        // The default delay is 30 seconds.
        run.time = run.time.adding(seconds: 29)
        #expect(run.refusal("hook.called", prove) == .calledTooEarly)
        run.time = run.time.adding(seconds: 1)
        let call = try run.command("hook.called", prove)[0]
        #expect(call.data["attempt"] == 2 && call.data["hook_details"] == ["asked": true, "n": 1])
        try run.command(
            "hook.answered", answer("IN_PROGRESS", ["hook_details": ["n": 2], "call_back_delay_seconds": 300]))
        #expect(run.state.hookDetails["prove"] == ["asked": true, "n": 2])
        run.wait(minutes: 4)
        #expect(run.refusal("hook.called", prove) == .calledTooEarly)
        run.wait(minutes: 1)
        try run.command("hook.called", prove)
        try run.command("hook.answered", answer("SUCCEEDED"))
        #expect(run.refusal("hook.called", prove) == .hookAlreadyFinished)
        #expect(run.refusal("phase.completed", ["phase": "PRE_SCALE_UP"]) == .hookNotFinished)

        let ask: JSONValue = ["hook": "ask", "phase": "PRE_SCALE_UP"]
        try run.command("hook.called", ask)
        run.wait(minutes: 59)
        #expect(run.refusal("hook.timed_out", ask) == .timeoutNotReached)
        #expect(run.state.overdue(at: run.time).isEmpty)
        run.wait(minutes: 1)
        let due = run.state.overdue(at: run.time)
        #expect(due.map(\.name) == ["hook.timed_out"])
        let drafts = try run.command(due[0].name, due[0].data)
        #expect(drafts.map(\.name) == ["hook.timed_out", "rollback.started"])
        #expect(run.state.status == .rollingBack)
        #expect(run.refusal("phase.started", ["phase": "SCALE_UP"]) == .wrongOrder)
    }

    @Test func parametersAreKnownByNameHereAndAtAWS() throws {
        let own = try Run.deployment(
            "ecs-canary", ["canary_percent": 25, "canary_bake_minutes": 3, "bake_minutes": 4])
        let asAtAWS = try Run.deployment(
            "ecs-canary", ["canaryPercent": 25, "canaryBakeTimeInMinutes": 3, "bakeTimeInMinutes": 4])
        #expect(asAtAWS.events[0].data == own.events[0].data)
        #expect(asAtAWS.state.productionSteps == [25, 100])
        #expect(
            try Run.deployment("ecs-linear", ["stepPercent": 50, "stepBakeTimeInMinutes": 1]).state.productionSteps
                == [50, 100])

        var run = try Run("deployment/shop/catalog/7")
        let refused: [JSONValue] = [
            ["canary_percnt": 25], ["canaryPercent": 25, "canary_percent": 5], ["stepPercent": 25],
            ["canaryConfiguration": ["canaryPercent": 25]],
        ]
        for parameters in refused {
            #expect(run.refusal("deployment.planned", Run.plan("ecs-canary", parameters)) == .unknownParameter)
        }
        let refusal = #expect(throws: Refusal.self) {
            try run.command("deployment.planned", Run.plan("ecs-canary", ["canary_percnt": 25]))
        }
        #expect(
            refusal?.explanation
                == "ecs-canary has no parameter canary_percnt; it has canary_percent, canary_bake_minutes, bake_minutes, circuit_breaker"
        )
        // A fact is taken, and what it says in the names of AWS counts.
        #expect(
            run.fact("deployment.planned", Run.plan("ecs-canary", ["canaryPercent": 25, "x": 1])) == [.unknownParameter]
        )
        #expect(run.state.productionSteps == [25, 100])
    }

    @Test func hooksAnswerInTheNamesOfAWS() throws {
        var run = try Run.deployment("ecs-canary")
        try run.command("phase.started", ["phase": "PRE_SCALE_UP"])
        let call: JSONValue = ["hook": "prove", "phase": "PRE_SCALE_UP"]
        func answer(_ more: JSONObject) -> JSONValue {
            var data: JSONObject = ["hook": "prove", "phase": "PRE_SCALE_UP"]
            for member in more { data[member.name] = member.value }
            return .object(data)
        }
        try run.command("hook.called", call)
        #expect(run.refusal("hook.answered", answer(["hookStatus": "MAYBE"])) == .invalidData)
        #expect(
            run.refusal("hook.answered", answer(["hookStatus": "IN_PROGRESS", "status": "SUCCEEDED"])) == .invalidData)
        #expect(
            run.refusal(
                "hook.answered",
                answer(["hookStatus": "IN_PROGRESS", "callBackDelay": 300, "callBackDelaySeconds": 30]))
                == .invalidData)
        let answered = try run.command(
            "hook.answered",
            answer(["hookStatus": "IN_PROGRESS", "callBackDelay": 300, "hookDetails": ["asked": true]]))
        #expect(
            answered[0].data
                == answer([
                    "status": "IN_PROGRESS", "call_back_delay_seconds": 300, "hook_details": ["asked": true],
                    "attempt": 1,
                ]))
        run.wait(minutes: 4)
        #expect(run.refusal("hook.called", call) == .calledTooEarly)
        run.wait(minutes: 1)
        #expect(try run.command("hook.called", call)[0].data["hook_details"] == ["asked": true])
        #expect(run.fact("hook.answered", answer(["hookStatus": "SUCCEEDED", "attempt": 2])) == [])
        #expect(run.state.hookCalls.map(\.status) == [.succeeded])
    }

    @Test func aTimeoutMayGoOn() throws {
        var run = try Run.deployment(
            "ecs-canary", [:],
            hooks: [["name": "ask", "kind": "pause", "phases": ["PRE_SCALE_UP"], "timeout_action": "CONTINUE"]])
        try run.command("phase.started", ["phase": "PRE_SCALE_UP"])
        try run.command("hook.called", ["hook": "ask", "phase": "PRE_SCALE_UP"])
        run.wait(minutes: 1440)
        let drafts = try run.command("hook.timed_out", ["hook": "ask", "phase": "PRE_SCALE_UP"])
        #expect(drafts.count == 1 && drafts[0].data["action"] == "CONTINUE")
        try run.command("phase.completed", ["phase": "PRE_SCALE_UP"])
    }

    @Test func hooksOfTheShiftAreCalledOncePerStep() throws {
        var run = try ready(
            "ecs-linear", ["step_percent": 50, "step_bake_minutes": 0],
            hooks: [
                ["name": "before", "kind": "pause", "phases": ["PRE_PRODUCTION_TRAFFIC_SHIFT"]],
                ["name": "watch", "kind": "lambda", "phases": ["PRODUCTION_TRAFFIC_SHIFT"]],
            ])
        for step in 1...2 {
            for (phase, hook) in [("PRE_PRODUCTION_TRAFFIC_SHIFT", "before"), ("PRODUCTION_TRAFFIC_SHIFT", "watch")] {
                let slot: JSONValue = ["phase": .string(phase), "step": .integer(step)]
                try run.command("phase.started", slot)
                if hook == "watch" { try run.command("traffic.shifted", Run.shift(Double(step) * 50)) }
                #expect(run.refusal("phase.completed", slot) == .hookNotFinished)
                let call = try run.command("hook.called", ["hook": .string(hook), "phase": .string(phase)])[0]
                #expect(call.data["step"] == .integer(step) && call.data["attempt"] == 1)
                try run.command(
                    "hook.answered", ["hook": .string(hook), "phase": .string(phase), "status": "SUCCEEDED"])
                try run.command("phase.completed", slot)
            }
        }
        #expect(run.state.hookCalls.count == 4)
    }

    @Test func aRollbackCallsTheHooksOfTheShiftsAgainWithTheWeightsReversed() throws {
        let hooks: JSONValue = [["name": "watch", "kind": "lambda", "phases": ["PRODUCTION_TRAFFIC_SHIFT"]]]
        var run = try ready("ecs-canary", ["canary_percent": 10], hooks: hooks)
        try run.command("phase.started", ["phase": "PRODUCTION_TRAFFIC_SHIFT", "step": 1])
        try run.command("traffic.shifted", Run.shift(10))
        let watch: JSONObject = ["hook": "watch", "phase": "PRODUCTION_TRAFFIC_SHIFT"]
        let told = try run.command("hook.called", .object(watch))[0].data
        #expect(told["production_traffic_weights"] == ["source": 90, "target": 10])
        #expect(told["test_traffic_weights"] == [:])
        var answer = watch
        answer["status"] = "FAILED"
        #expect(try run.command("hook.answered", .object(answer)).map(\.name) == ["hook.answered", "rollback.started"])

        #expect(run.refusal("hook.called", ["hook": "watch", "phase": "POST_SCALE_UP"]) == .wrongOrder)
        var call = watch
        call["production_traffic_weights"] = [
            "service-revision/shop/catalog/7": 10, "service-revision/shop/catalog/6": 90,
        ]
        #expect(run.refusal("hook.called", .object(call)) == .weightsNotReversed)
        call["production_traffic_weights"] = [
            "service-revision/shop/catalog/7": 0, "service-revision/shop/catalog/6": 100,
        ]
        let again = run.state.callsOfRollback
        #expect(again.count == 1 && again[0].data["production_traffic_weights"] == ["source": 100, "target": 0])
        try run.command("hook.called", again[0].data)
        #expect(run.state.callsOfRollback.isEmpty)
        #expect(run.refusal("rollback.completed") == .hookNotFinished)
        answer["status"] = "SUCCEEDED"
        try run.command("hook.answered", .object(answer))
        #expect(run.refusal("rollback.completed") == .weightsNotReversed)
        try run.command("traffic.shifted", Run.shift(0))
        try run.command("rollback.completed")
        #expect(run.state.status == .rolledBack && run.state.isFinished)
        #expect(run.refusal("rollback.started", ["reason": "again"]) == .alreadyFinished)
        try run.command("deployment.failed", ["reason": "rolled back"])
        #expect(run.refusal("deployment.failed", ["reason": "twice"]) == .alreadyFinished)
        #expect(run.state.status == .rolledBack)
    }

    @Test func stagesAndRunsTimeOut() throws {
        var run = try Run.deployment("ecs-canary")
        try run.command("phase.started", ["phase": "PRE_SCALE_UP"])
        run.wait(minutes: 1441)
        #expect(run.refusal("phase.completed", ["phase": "PRE_SCALE_UP"]) == .stageTimedOut)
        let due = run.state.overdue(at: run.time)
        #expect(due.map(\.name) == ["phase.failed"])
        #expect(try run.command(due[0].name, due[0].data).map(\.name) == ["phase.failed", "rollback.started"])

        var long = try Run.deployment("ecs-canary")
        try long.stage("PRE_SCALE_UP")
        #expect(long.refusal("rollback.completed") == .notRollingBack)
        long.wait(minutes: 31 * 1440)
        #expect(long.refusal("phase.started", ["phase": "SCALE_UP"]) == .runTimedOut)

        // A pause may last 14 days, and its stage as long.
        var paused = try Run.deployment(
            "ecs-canary", [:],
            hooks: [["name": "ask", "kind": "pause", "phases": ["PRE_SCALE_UP"], "timeout_minutes": 20_160]])
        try paused.command("phase.started", ["phase": "PRE_SCALE_UP"])
        try paused.command("hook.called", ["hook": "ask", "phase": "PRE_SCALE_UP"])
        paused.wait(minutes: 13 * 1440)
        try paused.command("hook.answered", ["hook": "ask", "phase": "PRE_SCALE_UP", "status": "SUCCEEDED"])
        try paused.command("phase.completed", ["phase": "PRE_SCALE_UP"])
    }

    // MARK: Failure detection

    @Test(arguments: [(0, 3), (1, 3), (6, 3), (7, 4), (25, 13), (399, 200), (400, 200), (100_000, 200)])
    func theBreakerOpensAtHalfTheTasks(desired: Int64, threshold: Int) throws {
        let rule = try #require(PlaybookLibrary.builtIn["ecs-rolling"]?.breaker)
        #expect(CircuitBreaker.threshold(desiredCount: desired, rule: rule) == threshold)
    }

    @Test func onlyConsecutiveFailuresOpenTheBreaker() throws {
        var run = try Run.deployment("ecs-rolling")
        try run.command("phase.started", ["phase": "ROLL_OUT"])
        func fail(_ task: String) throws -> [String] {
            try run.command("task.failed", ["task": .string(task), "stage": "start"]).map(\.name)
        }
        #expect(try fail("a") == ["task.failed"])
        #expect(try fail("b") == ["task.failed"])
        // Delivered twice, counted once.
        #expect(try fail("b") == ["task.failed"])
        try run.command("task.healthy", ["task": "c"])
        #expect(run.state.breaker.failures == 0)
        _ = try fail("d")
        _ = try fail("e")
        #expect(try fail("f") == ["task.failed", "rollback.started"])
        #expect(run.state.status == .rollingBack)
    }

    @Test func theBreakerCanBeSet() throws {
        func threshold(_ settings: JSONValue) throws -> Int? {
            try Run.deployment("ecs-rolling", ["circuit_breaker": settings]).state.breaker.threshold
        }
        #expect(try threshold([:]) == 3)
        #expect(try threshold(["type": "COUNT", "value": 7]) == 7)
        #expect(try threshold(["type": "UNBOUNDED_PERCENT", "value": 50]) == 2)
        #expect(try threshold(["type": "BOUNDED_PERCENT", "value": 100]) == 4)
        var run = try Run.deployment("ecs-rolling", ["circuit_breaker": ["enable": false]])
        try run.command("phase.started", ["phase": "ROLL_OUT"])
        for task in ["a", "b", "c", "d"] {
            #expect(try run.command("task.failed", ["task": .string(task), "stage": "health"]).count == 1)
        }
    }

    @Test func anAlarmThatFiresAlreadyIsIgnored() throws {
        var run = try Run.deployment("ecs-canary")
        try run.command("alarm.changed", ["alarm": "old", "state": "ALARM"])
        try run.command("phase.started", ["phase": "PRE_SCALE_UP"])
        try run.command("alarm.changed", ["alarm": "old", "state": "OK", "previous": "ALARM"])
        #expect(try run.command("alarm.changed", ["alarm": "old", "state": "ALARM", "previous": "OK"]).count == 1)
        // First heard of after the start, and in alarm before.
        #expect(try run.command("alarm.changed", ["alarm": "late", "state": "ALARM", "previous": "ALARM"]).count == 1)
        let drafts = try run.command("alarm.changed", ["alarm": "new", "state": "ALARM", "previous": "OK"])
        #expect(drafts.map(\.name) == ["alarm.changed", "rollback.started"])
    }

    @Test func onlyNamedAlarmsStopADeploymentThatNamesSome() throws {
        var run = try Run("deployment/shop/catalog/7")
        var plan = try #require(Run.plan("ecs-canary", [:]).object)
        plan["alarms"] = ["5xx"]
        try run.command("deployment.planned", .object(plan))
        try run.command("phase.started", ["phase": "PRE_SCALE_UP"])
        #expect(try run.command("alarm.changed", ["alarm": "cpu", "state": "ALARM"]).count == 1)
        #expect(try run.command("alarm.changed", ["alarm": "5xx", "state": "ALARM"]).count == 2)
    }

    // MARK: Facts

    @Test func factsOfAnyOrderAreTakenAndJudged() throws {
        var run = try Run.deployment("ecs-canary")
        #expect(run.fact("phase.started", ["phase": "POST_SCALE_UP"]) == [.wrongOrder])
        // One violation for what was left out, not one for each stage that follows.
        #expect(run.fact("phase.completed", ["phase": "POST_SCALE_UP"]) == [])
        #expect(run.fact("phase.started", ["phase": "TEST_TRAFFIC_SHIFT"]) == [])
        #expect(run.fact("phase.started", ["phase": "PRE_SCALE_UP"]) == [.wrongOrder])
        // A stage that AWS has invented since is kept, and is no violation; as a command it is refused.
        #expect(run.fact("phase.started", ["phase": "WARM_UP"]) == [])
        #expect(run.state.phases.last?.name == "WARM_UP" && run.state.phases.last?.isKnown == false)
        #expect(run.refusal("phase.started", ["phase": "WARM_UP"]) == .unknownStage)
        #expect(run.fact("traffic.shifted", ["kind": "production", "weights": ["source": 1]]) == [.invalidData])
        #expect(run.fact("phase.started", ["step": 1]) == [.invalidData])
    }

    @Test func aHistoryThatBeginsInTheMiddleIsOneViolation() throws {
        var run = try Run("deployment/shop/catalog/7")
        #expect(run.fact("phase.started", ["phase": "SCALE_UP"]) == [.notPlanned])
        #expect(run.fact("phase.completed", ["phase": "SCALE_UP"]) == [])
        #expect(run.fact("deployment.planned", Run.plan("ecs-canary", [:])) == [])
        #expect(run.state.phases.first { $0.name == "SCALE_UP" }?.status == .completed)
        #expect(run.state.status == .running)
    }

    @Test func violationsHaveIdentitiesOfTheirOwn() throws {
        var run = try Run.deployment("ecs-canary")
        let before = run.state
        let event = run.record("observed.phase.started.v1", ["phase": "CLEAN_UP"])
        let violation = try #require(Violations.check(before, event).first)
        #expect(violation.id == "violation/1/wrong_order" && violation.eventID == event.id)
        #expect(violation.draft.type == "cairn.violation.recorded.v1")
        try EventVocabulary.standard.validate(type: violation.draft.type, data: violation.draft.data)
        // A version that this program does not know is shown, and not applied.
        let unknown = run.record("observed.phase.started.v9", ["phase": "PRE_SCALE_UP"])
        #expect(Violations.check(run.state, unknown).isEmpty)
    }
}
