import CairnBytes
import CairnModel
import CairnReadModels
import CairnTestSupport
import Testing

/// Runs in the read model that events of Amazon ECS tell of.
@Suite struct ECSDeploymentTests {
    private func canary(_ list: inout EventList) {
        ECSFixture.state("IN_PROGRESS", "8", at: 0, in: &list)
        ECSFixture.hook("AWAITING_ACTION", "p1", "POST_SCALE_UP", deployment: "d1", at: 60, in: &list)
        ECSFixture.hook("SUCCEEDED", "p1", "POST_SCALE_UP", deployment: "d1", at: 180, in: &list)
        ECSFixture.hook("AWAITING_ACTION", "p2", "POST_PRODUCTION_TRAFFIC_SHIFT", deployment: "d1", at: 600, in: &list)
        ECSFixture.hook("TIMED_OUT", "p2", "POST_PRODUCTION_TRAFFIC_SHIFT", deployment: "d1", at: 900, in: &list)
        ECSFixture.state("IN_PROGRESS", "7", reason: "rolling back to deploymentId ecs-svc/7.", at: 905, in: &list)
        ECSFixture.state("COMPLETED", "7", at: 960, in: &list)
    }

    private func rows(_ model: ReadModel, _ sql: String) throws -> [String] {
        try model.query(sql).rows.map { $0.map(\.description).joined(separator: " ") }
    }

    @Test func eventsOfEventBridgeAloneMakeARun() throws {
        var list = EventList()
        canary(&list)
        let model = try ReadModel.inMemory()
        try model.catchUp(from: list)
        #expect(
            try rows(
                model,
                "SELECT run, kind, service, source_cluster, target_revision, status, started_at, ended_at, reason FROM runs"
            ) == [
                "deployment/c1/shop/d1 deployment shop c1 8 rolled-back 2026-03-10T08:00:00Z 2026-03-10T08:16:00Z "
                    + "rolling back to deploymentId ecs-svc/7."
            ])
        #expect(
            try rows(
                model,
                "SELECT hook, phase, status, timeout_action, execution_id, position, answer_position FROM hooks") == [
                    "p1 POST_SCALE_UP SUCCEEDED  p1 1 2", "p2 POST_PRODUCTION_TRAFFIC_SHIFT  ROLLBACK p2 3 ",
                ])
        #expect(
            try rows(model, "SELECT phase, status, started_by, started_at, ended_at FROM phases") == [
                "POST_SCALE_UP completed aws.ecs 2026-03-10T08:01:00Z 2026-03-10T08:03:00Z",
                "POST_PRODUCTION_TRAFFIC_SHIFT failed aws.ecs 2026-03-10T08:10:00Z 2026-03-10T08:15:00Z",
            ])
        #expect(
            try rows(model, "SELECT kind, side, percent, actor FROM traffic_shifts ORDER BY position, side") == [
                "production source 0 aws.ecs", "production target 100 aws.ecs", "production source 100 aws.ecs",
                "production target 0 aws.ecs",
            ])
        #expect(try rows(model, "SELECT DISTINCT run FROM service_events") == ["deployment/c1/shop/d1"])
        #expect(try rows(model, "SELECT status FROM rollbacks") == ["completed"])
    }

    /// The plan comes after what happened: the run that the ids had made is gone, and the plan's has it all.
    @Test func aLatePlanTakesItsEvents() throws {
        var list = EventList()
        ECSFixture.state("IN_PROGRESS", "8", at: 0, in: &list)
        ECSFixture.state("COMPLETED", "8", at: 300, in: &list)
        let model = try ReadModel.inMemory()
        try model.catchUp(from: list)
        #expect(try rows(model, "SELECT run, status FROM runs") == ["deployment/c1/shop/ecs-svc/8 completed"])
        list.append(
            "observed.deployment.planned.v1", "deployment/c1/shop/release-4", at: -60,
            [
                "playbook": "ecs-rolling", "service": "shop", "cluster": "c1", "source_revision": "7",
                "target_revision": "arn:aws:ecs:eu-west-1:111122223333:service-revision/c1/shop/8", "parameters": [:],
                "hooks": [],
            ], by: "ines")
        try model.catchUp(from: list)
        #expect(
            try rows(model, "SELECT run, playbook, status, planned_by FROM runs") == [
                "deployment/c1/shop/release-4 ecs-rolling completed ines"
            ])
        #expect(
            try rows(model, "SELECT run, phase, status FROM phases") == [
                "deployment/c1/shop/release-4 ROLL_OUT completed"
            ])
    }

    /// The same execution is one call, whoever tells of it first.
    @Test func whatTheRunTellsIsNotDoubled() throws {
        for isTheirsFirst in [false, true] {
            var list = EventList()
            func theirs() {
                ECSFixture.hook("AWAITING_ACTION", "p1", "POST_SCALE_UP", deployment: "d1", at: 60, in: &list)
                ECSFixture.hook("SUCCEEDED", "p1", "POST_SCALE_UP", deployment: "d1", at: 180, in: &list)
            }
            if isTheirsFirst { theirs() }
            list.append(
                "observed.phase.started.v1", "deployment/c1/shop/d1", at: 58, ["phase": "POST_SCALE_UP"], by: "robot")
            list.append(
                "observed.hook.called.v1", "deployment/c1/shop/d1", at: 60,
                ["hook": "ask", "phase": "POST_SCALE_UP", "attempt": 1, "execution_id": "p1"], by: "robot")
            if !isTheirsFirst { theirs() }
            let model = try ReadModel.inMemory()
            try model.catchUp(from: list, eventsPerTransaction: 1)
            // The answer is from Amazon ECS: nobody else told it.
            #expect(
                try rows(model, "SELECT hook, status, called_at, answered_at FROM hooks") == [
                    "ask SUCCEEDED 2026-03-10T08:01:00Z 2026-03-10T08:03:00Z"
                ])
            #expect(try rows(model, "SELECT phase, started_by, status FROM phases") == ["POST_SCALE_UP robot started"])
            list.append(
                "observed.hook.answered.v1", "deployment/c1/shop/d1", at: 181,
                ["hook": "ask", "phase": "POST_SCALE_UP", "attempt": 1, "status": "SUCCEEDED"], by: "robot")
            try model.catchUp(from: list)
            #expect(
                try rows(model, "SELECT hook, status, answered_at FROM hooks") == [
                    "ask SUCCEEDED 2026-03-10T08:03:01Z"
                ])
        }
    }

    /// Any order, with repetitions under other ids: the same rows but for their places in the log.
    @Test(arguments: 1...8 as ClosedRange<UInt64>) func orderDoesNotMatter(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var ordered = EventList()
        canary(&ordered)
        ECSFixture.state("IN_PROGRESS", "9", at: 2000, in: &ordered)
        ECSFixture.hook("AWAITING_ACTION", "p9", "PRE_SCALE_UP", deployment: "d2", at: 2010, in: &ordered)
        var list = EventList()
        let again = ordered.events.filter { _ in Bool.random(using: &random) }
        for event in (ordered.events + again).shuffled(using: &random) {
            let time = Double(event.time.microseconds - 1_773_129_600_000_000) / 1_000_000
            list.append(event.type, event.subject.text, at: time, event.data, recorded: 9000)
        }
        let expected = try ReadModel.inMemory()
        try expected.catchUp(from: ordered)
        let model = try ReadModel.inMemory()
        var size = 0
        while size < list.events.count {
            size = min(list.events.count, size + Int.random(in: 1...4, using: &random))
            try model.catchUp(from: list.prefix(size), eventsPerTransaction: Int.random(in: 1...3, using: &random))
        }
        for sql in [
            "SELECT run, service, target_revision, status, phase, started_us, ended_us, reason FROM runs ORDER BY run",
            "SELECT run, hook, phase, step, attempt, status, called_us, answered_us, timed_out_us FROM hooks ORDER BY 1, 2",
            "SELECT run, phase, step, attempt, status, started_us, ended_us FROM phases ORDER BY 1, started_us",
            "SELECT run, kind, side, percent, occurred_us FROM traffic_shifts ORDER BY run, occurred_us, side",
            "SELECT DISTINCT occurred_us, event_name, run FROM service_events ORDER BY occurred_us, event_name",
        ] {
            #expect(try rows(model, sql) == rows(expected, sql), "seed \(seed): \(sql)")
        }
    }
}
