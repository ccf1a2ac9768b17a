import CairnBytes
import CairnModel
import CairnTestSupport
import Testing

@Suite struct FactsTests {
    private static let service = "arn:aws:ecs:us-west-2:111122223333:service/shop/catalog"
    private static let deployment = "arn:aws:ecs:us-west-2:111122223333:service-deployment/shop/catalog/7"

    private func event(_ type: String, _ data: JSONValue, stream: String = "aws-ecs/shop/catalog") throws
        -> RecordedEvent
    {
        RecordedEvent(
            position: 0, id: "x", source: "aws.ecs", type: type, subject: try #require(StreamName(stream)), revision: 0,
            time: Run.start, recordedTime: Run.start, data: data, actor: Actor(id: "a", type: "local"))
    }

    private static func hook(_ name: String, _ stage: String = "POST_TEST_TRAFFIC_SHIFT") -> JSONValue {
        [
            "source": "aws.ecs",
            "detail": [
                "eventName": .string(name), "hookId": "ecs-pause-e7tK", "hookType": "PAUSE",
                "lifecycleStage": .string(stage), "serviceDeploymentArn": .string(deployment),
            ],
        ]
    }

    @Test func hookEvents() throws {
        let table: [(String, String?, JSONValue)] = [
            ("HOOK_AWAITING_ACTION", "hook.called", ["attempt": 1, "execution_id": "ecs-pause-e7tK"]),
            ("HOOK_IN_PROGRESS", "hook.called", ["attempt": 1, "execution_id": "ecs-pause-e7tK"]),
            ("HOOK_SUCCEEDED", "hook.answered", ["attempt": 1, "status": "SUCCEEDED"]),
            ("HOOK_FAILED", "hook.answered", ["attempt": 1, "status": "FAILED"]),
            ("HOOK_TIMED_OUT", "hook.timed_out", [:]),
            ("HOOK_INVENTED", nil, [:]),
        ]
        for (name, expected, more) in table {
            let facts = Facts.interpret(try event("aws.ecs.hook-state-change.v0", FactsTests.hook(name)))
            #expect(facts.first?.name == expected)
            guard let fact = facts.first else { continue }
            var data: JSONObject = ["hook": "ecs-pause-e7tK", "phase": "POST_TEST_TRAFFIC_SHIFT"]
            for member in more.object ?? [:] { data[member.name] = member.value }
            #expect(fact.data == .object(data))
            #expect(fact.run == StreamName("deployment/shop/catalog/7"))
            #expect(fact.cluster == "shop" && fact.service == "catalog")
        }
    }

    @Test func deploymentEvents() throws {
        func facts(_ name: String, _ reason: String) throws -> [Fact] {
            Facts.interpret(
                try event(
                    "aws.ecs.deployment-state-change.v0",
                    [
                        "resources": [.string(FactsTests.service)],
                        "detail": [
                            "eventName": .string(name), "deploymentId": "ecs-svc/123", "reason": .string(reason),
                        ],
                    ]))
        }
        #expect(try facts("SERVICE_DEPLOYMENT_IN_PROGRESS", "ECS deployment ecs-svc/123 in progress.").isEmpty)
        let back = try #require(
            try facts(
                "SERVICE_DEPLOYMENT_IN_PROGRESS",
                "ECS deployment circuit breaker: rolling back to deploymentId deploymentID."
            ).first)
        #expect(back.name == "rollback.started" && back.revision == "123")
        #expect(back.run == StreamName("deployment/shop/catalog/ecs-svc/123"))
        #expect(try facts("SERVICE_DEPLOYMENT_COMPLETED", "").map(\.name) == ["deployment.completed"])
        #expect(try facts("SERVICE_DEPLOYMENT_FAILED", "x").first?.data == ["reason": "x"])
    }

    @Test func serviceActions() throws {
        let table: [(String, String?, String?)] = [
            ("SERVICE_STEADY_STATE", "check.completed", "pass"), ("TASKS_STOPPED", nil, nil),
            ("SERVICE_TASK_START_IMPAIRED", "check.completed", "fail"),
            ("SERVICE_TASK_PLACEMENT_FAILURE", "task.failed", nil),
            ("SERVICE_DEPLOYMENT_FAILED", "deployment.failed", nil), ("SERVICE_NEW_THING", nil, nil),
        ]
        for (name, expected, result) in table {
            let facts = Facts.interpret(
                try event(
                    "aws.ecs.service-action.v0",
                    [
                        "resources": ["arn:aws:ecs:us-west-2:111122223333:service/servicetest"],
                        "detail": ["eventName": .string(name), "reason": "RESOURCE:CPU"],
                    ]))
            #expect(facts.first?.name == expected && facts.first?.data["result"]?.string == result)
            // The old form of the ARN names no cluster.
            if let fact = facts.first { #expect(fact.cluster == "default" && fact.service == "servicetest") }
        }
    }

    @Test func tasks() throws {
        func fact(_ detail: JSONObject) throws -> Fact? {
            var full: JSONObject = [
                "taskArn": "arn:aws:ecs:eu-west-1:1:task/shop/a117", "group": "service:catalog",
                "clusterArn": "arn:aws:ecs:eu-west-1:1:cluster/shop", "startedBy": "ecs-svc/123",
                "desiredStatus": "RUNNING",
            ]
            for member in detail { full[member.name] = member.value }
            return Facts.interpret(try event("aws.ecs.task-state-change.v0", ["detail": .object(full)])).first
        }
        #expect(try fact(["lastStatus": "PENDING"]) == nil)
        let healthy = try #require(try fact(["lastStatus": "RUNNING"]))
        #expect(healthy.name == "task.healthy" && healthy.data == ["task": "a117"] && healthy.revision == "123")
        #expect(healthy.run == StreamName("deployment/shop/catalog/ecs-svc/123"))
        #expect(try fact(["lastStatus": "RUNNING", "healthStatus": "UNKNOWN"]) == nil)
        #expect(try fact(["lastStatus": "RUNNING", "desiredStatus": "STOPPED"]) == nil)
        func stage(_ detail: JSONObject) throws -> String? {
            var detail = detail
            detail["lastStatus"] = "STOPPED"
            return try fact(detail)?.data["stage"]?.string
        }
        #expect(try stage(["stopCode": "TaskFailedToStart"]) == "start")
        #expect(try stage(["stopCode": "EssentialContainerExited"]) == "start")
        #expect(try stage(["stopCode": "EssentialContainerExited", "startedAt": "2026-01-01T00:00:00Z"]) == "health")
        #expect(
            try stage([
                "stopCode": "ServiceSchedulerInitiated",
                "stoppedReason": "Task failed ELB health checks in (target-group x)",
            ]) == "health")
        #expect(
            try stage([
                "stopCode": "ServiceSchedulerInitiated",
                "stoppedReason": "Scaling activity initiated by (deployment x)",
            ]) == nil)
        #expect(try stage(["stopCode": "UserInitiated"]) == nil)
        #expect(try fact(["lastStatus": "RUNNING", "group": "family:webserver"]) == nil)
    }

    @Test func alarms() throws {
        let fact = try #require(
            Facts.interpret(
                try event(
                    "aws.cloudwatch.alarm-state-change.v0",
                    [
                        "detail": [
                            "alarmName": "5xx", "state": ["value": "ALARM"], "previousState": ["value": "OK"],
                        ]
                    ])
            ).first)
        #expect(fact == Fact(name: "alarm.changed", data: ["alarm": "5xx", "state": "ALARM", "previous": "OK"]))
    }

    @Test func veleroIsJudgedByMoreThanItsPhase() throws {
        let table: [(String, Int, Int, String?)] = [
            ("Completed", 0, 0, "pass"), ("Completed", 0, 155, "undecided"), ("Completed", 1, 0, "fail"),
            ("PartiallyFailed", 1, 155, "fail"), ("Failed", 0, 0, "fail"), ("FailedValidation", 0, 0, "fail"),
            ("FinalizingPartiallyFailed", 1, 0, "fail"), ("WaitingForPluginOperationsPartiallyFailed", 1, 0, "fail"),
            ("New", 0, 0, nil), ("InProgress", 0, 0, nil), ("Finalizing", 0, 0, nil), ("Deleting", 0, 0, nil),
            ("Invented", 0, 0, nil),
        ]
        for (phase, errors, warnings, expected) in table {
            for kind in ["backup", "restore"] {
                let fact = Facts.interpret(
                    try event(
                        "velero.\(kind).v1",
                        [
                            "metadata": ["name": "core-1"],
                            "status": [
                                "phase": .string(phase), "errors": .integer(errors), "warnings": .integer(warnings),
                            ],
                        ], stream: "velero/old/core-1")
                ).first
                #expect(fact?.data["result"]?.string == expected, "\(phase)")
                guard let fact else { continue }
                #expect(fact.data["name"] == .string("velero-\(kind)/core-1") && fact.cluster == "old")
            }
        }
    }

    /// Whatever the facts are, their data fits the vocabulary.
    @Test func factsFitTheVocabulary() throws {
        for name in ["HOOK_AWAITING_ACTION", "HOOK_SUCCEEDED", "HOOK_TIMED_OUT"] {
            for fact in Facts.interpret(try event("aws.ecs.hook-state-change.v0", FactsTests.hook(name))) {
                try EventVocabulary.standard.validate(
                    type: EventDraft(name: fact.name, data: fact.data).type(in: .observed), data: fact.data)
            }
        }
    }

    @Test(arguments: [1, 2] as [UInt64]) func damagedEventsNeverFail(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let types = [
            "aws.ecs.hook-state-change.v0", "aws.ecs.deployment-state-change.v0", "aws.ecs.service-action.v0",
            "aws.ecs.task-state-change.v0", "aws.cloudwatch.alarm-state-change.v0", "velero.backup.v1",
        ]
        let data: JSONValue = [
            "resources": [.string(FactsTests.service)], "status": ["phase": "Completed", "errors": 1],
            "detail": [
                "eventName": "HOOK_SUCCEEDED", "hookId": "h", "lifecycleStage": "PRE_SCALE_UP",
                "serviceDeploymentArn": .string(FactsTests.deployment), "alarmName": "a", "state": ["value": "OK"],
                "taskArn": "arn:aws:ecs:e:1:task/shop/a", "group": "service:catalog", "lastStatus": "STOPPED",
                "stopCode": "TaskFailedToStart", "deploymentId": "ecs-svc/1",
            ],
        ]
        var found = 0
        for _ in 0..<1000 {
            let type = types.randomElement(using: &random) ?? types[0]
            found += Facts.interpret(try event(type, JSONDamage.damaged(data, &random))).count
        }
        #expect(found > 100, "seed \(seed)")
    }

    // MARK: In a run

    /// A hook event is the only one of AWS that names a stage: the run is taken to be there, and never back.
    @Test func hookEventsMoveARunOnWithoutSteppingBack() throws {
        var run = try Run.deployment(
            "ecs-canary", [:], hooks: [["name": "ask", "kind": "pause", "phases": ["POST_TEST_TRAFFIC_SHIFT"]]])
        _ = run.record("aws.ecs.hook-state-change.v0", FactsTests.hook("HOOK_AWAITING_ACTION"))
        #expect(run.state.activePhase?.name == "POST_TEST_TRAFFIC_SHIFT")
        // Amazon ECS goes through the stages in order, whether it tells of them or not.
        #expect(run.state.phases.first { $0.name == "SCALE_UP" }?.status == .completed)
        #expect(run.state.phases.first { $0.name == "RECONCILE_SERVICE" }?.status == .skipped)
        // AWS's id of the pause is matched with the plan's name of it.
        #expect(run.state.hookCalls.map(\.hook) == ["ask"])
        run.wait(minutes: 5)
        _ = run.record("aws.ecs.hook-state-change.v0", FactsTests.hook("HOOK_AWAITING_ACTION"))
        _ = run.record("aws.ecs.hook-state-change.v0", FactsTests.hook("HOOK_SUCCEEDED"))
        #expect(run.state.hookCalls.count == 1 && run.state.hookCalls[0].status == .succeeded)
        // Its hooks have answered, so the stage is over.
        #expect(run.state.phases.first { $0.name == "POST_TEST_TRAFFIC_SHIFT" }?.status == .completed)
        // The first event once more, late: nothing opens again.
        _ = run.record("aws.ecs.hook-state-change.v0", FactsTests.hook("HOOK_AWAITING_ACTION"))
        #expect(run.state.hookCalls.count == 1 && run.state.hookCalls[0].status == .succeeded)
        _ = run.record("aws.ecs.hook-state-change.v0", FactsTests.hook("HOOK_SUCCEEDED", "PRE_SCALE_UP"))
        #expect(run.state.activePhase == nil && run.state.nextPhase?.name == "PRE_PRODUCTION_TRAFFIC_SHIFT")
        // A stage that nobody knew is kept.
        _ = run.record("aws.ecs.hook-state-change.v0", FactsTests.hook("HOOK_AWAITING_ACTION", "WARM_UP"))
        #expect(run.state.phases.last?.name == "WARM_UP")
    }

    @Test func theReturnOfTheOldRevisionIsNotASuccess() throws {
        var run = try Run.deployment("ecs-rolling")
        try run.command("phase.started", ["phase": "ROLL_OUT"])
        func told(_ name: String, _ reason: String) {
            _ = run.record(
                "aws.ecs.deployment-state-change.v0",
                [
                    "resources": [.string(FactsTests.service)],
                    "detail": ["eventName": .string(name), "reason": .string(reason)],
                ])
        }
        told("SERVICE_DEPLOYMENT_IN_PROGRESS", "circuit breaker: rolling back to deploymentId x.")
        #expect(run.state.status == .rollingBack)
        told("SERVICE_DEPLOYMENT_COMPLETED", "")
        #expect(run.state.status == .rolledBack)
    }
}
