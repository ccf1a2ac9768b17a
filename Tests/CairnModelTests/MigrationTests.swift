import CairnBytes
import CairnModel
import CairnTestSupport
import Testing

@Suite struct MigrationTests {
    @Test func aMigrationRunsThroughItsStages() throws {
        var run = try Run.readyToShift()
        #expect(run.state.nextPhase?.name == "shift-traffic")
        #expect(run.state.budgetSeconds(of: "shift-traffic") == 60)
        #expect(run.state.budgetSeconds(of: "move-workloads") == 7200)
        try run.command("phase.started", ["phase": "shift-traffic"])
        #expect(run.refusal("phase.completed", ["phase": "shift-traffic"]) == .trafficNotShifted)
        try run.command("traffic.shifted", Run.shift(50))
        try run.command("traffic.shifted", Run.shift(100))
        #expect(run.refusal("freeze.ended", ["scope": "pipelines"]) == .freezeNeeded)
        try run.command("phase.completed", ["phase": "shift-traffic"])
        #expect(run.refusal("migration.completed") == .wrongOrder)
        try run.command("phase.started", ["phase": "resume-pipelines"])
        #expect(run.refusal("phase.completed", ["phase": "resume-pipelines"]) == .stillFrozen)
        try run.command("freeze.ended", ["scope": "pipelines"])
        try run.command("phase.completed", ["phase": "resume-pipelines"])
        try run.command("migration.completed")
        #expect(run.state.status == .completed && run.state.isFinished)
        #expect(run.refusal("phase.started", ["phase": "build"]) == .alreadyFinished)
        // The old cluster goes later, and only when nothing comes to it any more.
        try run.command("gate.evaluated", ["phase": "decommission", "result": "pass"])
        #expect(run.refusal("phase.started", ["phase": "decommission"]) == .unapproved)
    }

    @Test func decommissionNeedsAnIdleSource() throws {
        var run = try Run.readyToShift()
        try run.command("phase.started", ["phase": "shift-traffic"])
        try run.command("traffic.shifted", Run.shift(100))
        try run.command("phase.completed", ["phase": "shift-traffic"])
        try run.command("freeze.ended", ["scope": "pipelines"])
        try run.stage("resume-pipelines")
        try run.approve("decommission")
        try run.passGate("decommission")
        #expect(run.refusal("phase.started", ["phase": "decommission"]) == .checkNotPassed)
        try run.pass("source-idle")
        try run.command("phase.started", ["phase": "decommission"])
        #expect(run.refusal("rollback.started", ["reason": "no"]) == .noWayBack)
        #expect(run.refusal("phase.reverted", ["phase": "decommission"]) == .noWayBack)
        try run.command("phase.completed", ["phase": "decommission"])
        try run.command("migration.completed")
    }

    @Test func trafficWaitsForEveryRequirement() throws {
        let ready = try Run.readyToShift()
        let start: JSONValue = ["phase": "shift-traffic"]
        var run = ready
        #expect(run.state.earliestSwitch == Run.start.adding(seconds: 172_800))
        try run.command("phase.started", start)

        func refusal(_ name: String, _ data: JSONValue) throws -> Rule? {
            var run = ready
            run.fact(name, data)
            return run.refusal("phase.started", start)
        }
        #expect(
            try refusal("approval.rejected", ["phase": "shift-traffic", "approver": "bob"]) == .unapproved)
        #expect(
            try refusal("gate.evaluated", ["phase": "shift-traffic", "result": "undecided", "reasons": ["few"]])
                == .gateNotPassed)
        #expect(
            try refusal(
                "ttl.lowered", ["zone": "z", "record": "r", "old_ttl_seconds": 3600, "new_ttl_seconds": 60])
                == .ttlNotElapsed)
        #expect(try refusal("freeze.ended", ["scope": "pipelines"]) == .notFrozen)
        #expect(try refusal("workload.scaled", Run.scaled("orders", "new", 1, 0)) == .stackNotReady)
        #expect(
            try refusal("phase.started", ["phase": "move-workloads"]) == .wrongOrder)
    }

    @Test func theEarliestSwitchIsTheLatestOfAllRecords() throws {
        var run = try Run.migration()
        #expect(run.state.earliestSwitch == nil)
        try run.command("phase.started", ["phase": "precheck"])
        for (old, new) in [(172_800, 3600), (3600, 60)] {
            try run.command(
                "ttl.lowered",
                [
                    "zone": "z", "record": "r", "old_ttl_seconds": .integer(old), "new_ttl_seconds": .integer(new),
                ])
            run.wait(minutes: 60)
        }
        #expect(run.state.earliestSwitch == Run.start.adding(seconds: 172_800))
        #expect(
            run.refusal(
                "ttl.lowered", ["zone": "z", "record": "r", "old_ttl_seconds": 60, "new_ttl_seconds": 61])
                == .ttlNotLower)
    }

    @Test func approvalsNeedTwoPeople() throws {
        var run = try Run.migration()
        let phase: JSONValue = ["phase": "snapshot"]
        #expect(run.refusal("approval.granted", phase, by: "bob") == .notRequested)
        try run.command("approval.requested", ["phase": "snapshot", "expires": "2026-03-01T12:00:00Z"], by: "alice")
        #expect(run.refusal("approval.granted", phase, by: "alice") == .approverIsRequester)
        #expect(run.refusal("approval.granted", phase, by: " Alice") == .approverIsRequester)
        run.time = run.time.adding(seconds: 7201)
        #expect(run.refusal("approval.granted", phase, by: "bob") == .approvalExpired)
        run.time = run.time.adding(seconds: -7201)
        try run.command("approval.granted", phase, by: "bob")
        #expect(run.refusal("approval.granted", phase, by: "carol") == .notRequested)
        #expect(
            run.fact("approval.granted", ["phase": "snapshot", "approver": "alice"]).contains(.approverIsRequester))
    }

    /// Somebody else who asks too does not make the first one somebody else.
    @Test(arguments: [false, true]) func whoAskedDoesNotDecideWhoeverAskedAfterwards(_ isFact: Bool) throws {
        for isDeployment in [false, true] {
            var run = try isDeployment ? Run.deployment("ecs-blue-green", ["bake_minutes": 5]) : Run.migration()
            let stage: JSONValue = isDeployment ? "PRE_SCALE_UP" : "snapshot"
            let phase: JSONValue = ["phase": stage]
            func ask(_ person: String) throws {
                if isFact {
                    _ = run.fact("approval.requested", ["phase": stage, "requested_by": .string(person)])
                } else {
                    try run.command("approval.requested", phase, by: person)
                }
            }
            try ask("alice")
            try ask("bob")
            try ask("bob")
            for person in ["alice", " Alice", "bob"] {
                #expect(run.refusal("approval.granted", phase, by: person) == .approverIsRequester, "\(person)")
                #expect(run.refusal("approval.rejected", phase, by: person) == .approverIsRequester, "\(person)")
                var told = run
                let grant: JSONValue = ["phase": stage, "approver": .string(person)]
                #expect(told.fact("approval.granted", grant).contains(.approverIsRequester), "\(person)")
            }
            // A decision ends the request; who asked before it may decide the next one.
            try run.command("approval.rejected", ["phase": stage, "reason": "later"], by: "carol")
            try ask("bob")
            #expect(run.refusal("approval.granted", phase, by: "bob") == .approverIsRequester)
            try run.command("approval.granted", phase, by: "alice")
        }
    }

    @Test func anEmergencyIsApprovedAfterwards() throws {
        var run = try Run.migration()
        for stage in ["precheck", "build"] {
            try run.command("phase.started", ["phase": .string(stage)])
            try run.pass(stage)
            try run.command("phase.completed", ["phase": .string(stage)])
        }
        #expect(run.refusal("phase.started", ["phase": "snapshot"]) == .unapproved)
        #expect(run.refusal("phase.started", ["phase": "snapshot", "emergency": true]) == .unapproved)
        try run.command(
            "phase.started", ["phase": "snapshot", "emergency": true, "reason": "the old nodes are failing"])
        let emergency = try #require(run.state.emergencies["snapshot"])
        #expect(emergency.deadline == run.time.adding(seconds: 86_400) && emergency.requesters == ["alice"])
        try run.command("freeze.started", ["scope": "pipelines"])
        try run.pass("velero")
        try run.command("phase.completed", ["phase": "snapshot"])
        try run.passGate("move-workloads")
        run.wait(minutes: 1441)
        #expect(run.refusal("phase.started", ["phase": "move-workloads"]) == .emergencyOverdue)
        #expect(run.refusal("approval.granted", ["phase": "build", "retroactive": true], by: "bob") == .notRequested)
        #expect(
            run.refusal("approval.granted", ["phase": "snapshot", "retroactive": true], by: "alice")
                == .approverIsRequester)
        try run.command("approval.granted", ["phase": "snapshot", "retroactive": true], by: "bob")
        try run.command("phase.started", ["phase": "move-workloads"])
    }

    @Test func capacityStaysBetweenFloorAndCap() throws {
        var run = try Run.migration()
        #expect(run.refusal("workload.scaled", Run.scaled("web", "old", 4, 3)) == .capacityBelowFloor)
        try run.scale("web", "new", 0, 2)
        try run.scale("web", "old", 4, 2)
        #expect(run.refusal("workload.scaled", Run.scaled("web", "old", 2, 1)) == .capacityBelowFloor)
        var capped = try #require(Run.scaled("web", "new", 2, 5).object)
        capped["cap"] = 6
        #expect(run.refusal("workload.scaled", .object(capped)) == .capacityAboveCap)
        #expect(run.fact("workload.scaled", .object(capped)) == [.capacityAboveCap])
    }

    @Test func kafkaPairsMoveOneByOne() throws {
        var run = try Run.migration()
        #expect(run.refusal("workload.scaled", Run.scaled("orders", "new", 0, 2)) == .kafkaStep)
        try run.scale("orders", "new", 0, 1)
        #expect(run.refusal("workload.scaled", Run.scaled("orders", "new", 1, 2)) == .capacityAboveCap)
        try run.scale("orders", "old", 2, 1)
        #expect(run.refusal("workload.scaled", Run.scaled("orders", "old", 1, 0)) == .capacityBelowFloor)
        try run.scale("orders", "new", 1, 2)
        try run.scale("orders", "old", 1, 0)
        #expect(run.state.applications["orders"]?.sizes == ["new": 2, "old": 0])
    }

    @Test func theWayBackOpensTheStagesAgain() throws {
        var run = try Run.readyToShift()
        try run.command("phase.started", ["phase": "shift-traffic"])
        try run.command("traffic.shifted", Run.shift(50))
        #expect(run.refusal("phase.reverted", ["phase": "move-workloads"]) == .wrongOrder)
        try run.command("rollback.started", ["reason": "errors", "finding": "3f2a"])
        #expect(run.state.status == .rollingBack)
        #expect(run.refusal("traffic.shifted", Run.shift(60)) == .weightsNotReversed)
        #expect(run.refusal("rollback.completed") == .weightsNotReversed)
        try run.command("traffic.shifted", Run.shift(0))
        try run.command("phase.reverted", ["phase": "shift-traffic", "reason": "errors"])
        try run.command("rollback.completed")
        #expect(run.state.status == .running && run.state.nextPhase?.name == "shift-traffic")
        #expect(run.state.approvals["shift-traffic"] == nil)
        // What was approved for the first attempt does not hold for the second.
        #expect(run.refusal("phase.started", ["phase": "shift-traffic"]) == .unapproved)
        try run.approve("shift-traffic")
        try run.passGate("shift-traffic")
        try run.command("phase.started", ["phase": "shift-traffic"])
    }

    @Test func plansAreChecked() throws {
        var run = try Run("migration/shop")
        #expect(run.refusal("phase.started", ["phase": "precheck"]) == .notPlanned)
        var plan: JSONObject = [
            "playbook": "cluster-migration", "source_cluster": "a", "target_cluster": "b", "applications": [],
        ]
        plan["playbook"] = "no-such"
        #expect(run.refusal("migration.planned", .object(plan)) == .unknownPlaybook)
        plan["playbook"] = "ecs-canary"
        #expect(run.refusal("migration.planned", .object(plan)) == .unknownPlaybook)
        plan["playbook"] = "cluster-migration"
        plan["budgets"] = ["no-such": 5]
        #expect(run.refusal("migration.planned", .object(plan)) == .unknownStage)
        plan["budgets"] = nil
        plan["target_cluster"] = nil
        #expect(run.refusal("migration.planned", .object(plan)) == .invalidData)
        plan["target_cluster"] = "b"
        try run.command("migration.planned", .object(plan))
        #expect(run.refusal("migration.planned", .object(plan)) == .alreadyPlanned)
        #expect(run.refusal("phase.started", ["phase": "lunch"]) == .unknownStage)
        #expect(run.refusal("phase.started", ["phase": "build"]) == .wrongOrder)
        #expect(run.refusal("phase.completed", ["phase": "precheck"]) == .wrongOrder)
    }

    @Test func commandsAreOfTheRightKindAndRevision() throws {
        var run = try Run.migration()
        #expect(run.refusal("finding.opened") == .notACommand)
        #expect(run.refusal("observed.phase.started.v1", ["phase": "precheck"]) == .notACommand)
        #expect(run.refusal("cairn.phase.started.v2", ["phase": "precheck"]) == .notACommand)
        #expect(run.refusal("no.such") == .notACommand)
        #expect(run.refusal("deployment.completed") == .wrongStream)
        #expect(throws: Refusal.self) {
            try Decider.decide(
                state: run.state, type: "phase.started", data: ["phase": "precheck"], at: run.time,
                now: run.time, actor: "a",
                expected: .exactly(3))
        }
        #expect(throws: Refusal.self) {
            try Decider.decide(
                state: run.state, type: "phase.started", data: ["phase": "precheck"], at: run.time,
                now: run.time, actor: "a",
                expected: .none)
        }
        let drafts = try Decider.decide(
            state: run.state, type: "cairn.phase.started.v1", data: ["phase": "precheck", "colour": "red"],
            at: run.time,
            now: run.time, actor: "a", expected: .exactly(0))
        #expect(drafts.map(\.type) == ["cairn.phase.started.v1"] && drafts[0].data["colour"] == "red")
    }

    @Test func aStateTellsItselfAsJSON() throws {
        var run = try Run.readyToShift()
        try run.command("phase.started", ["phase": "shift-traffic"])
        try run.command("traffic.shifted", Run.shift(10))
        try Golden.expect(
            CanonicalJSON.string(of: run.state.summary) + "\n", matches: "summary-migration.json", in: #filePath)
    }
}
