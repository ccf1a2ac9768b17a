/// The types that move a run of a playbook: a migration of a cluster or a deployment of a service.
extension EventVocabulary {
    static let runs = ["migration", "deployment"]
    static let results = ["pass", "fail", "undecided"]

    static let runSchemas: [EventSchema] = [
        EventSchema(
            "migration.planned", in: ["migration"],
            [
                .text("playbook"), .text("title").optional, .text("source_cluster"), .text("target_cluster"),
                .text("tenant").optional, .text("region").optional, .list("applications"), .list("hooks").optional,
                .object("parameters").optional, .object("budgets").optional, .object("gates").optional,
                .count("playbook_version").optional, .object("playbook_definition").optional,
            ]),
        EventSchema(
            "deployment.planned", in: ["deployment"],
            [
                .text("playbook"), .text("title").optional, .text("service"), .text("cluster"),
                .text("source_revision"), .text("target_revision"), .object("parameters").reading(parametersOfAWS),
                .list("hooks"),
                .count("desired_count").optional, .list("alarms").optional, .object("budgets").optional,
                .object("gates").optional, .count("playbook_version").optional,
                .object("playbook_definition").optional,
            ]),
        EventSchema(
            "phase.started", in: runs,
            [
                .text("phase"), step, .bool("emergency").optional, .text("reason").optional,
                .text("requested_by").optional,
            ]),
        EventSchema("phase.completed", in: runs, [.text("phase"), step]),
        EventSchema("phase.failed", in: runs, [.text("phase"), step, .text("reason")]),
        EventSchema("phase.reverted", in: runs, [.text("phase"), step, .text("reason").optional]),
        EventSchema(
            "approval.requested", in: runs,
            [
                .text("phase"), .text("reason").optional, .text("requested_by"), .time("expires").optional,
            ]),
        EventSchema(
            "approval.granted", in: runs,
            [
                .text("phase"), .text("approver"), .text("comment").optional.personal, .bool("emergency").optional,
                .bool("retroactive").optional,
            ]),
        EventSchema(
            "approval.rejected", in: runs, [.text("phase"), .text("approver"), .text("reason").optional]),
        EventSchema(
            "gate.evaluated", in: runs,
            [
                .text("phase"), .choice("result", results), .list("reasons"), .text("policy_digest").optional,
                .object("policy").optional, .list("checks").optional, .list("findings").optional,
                .list("evidence").optional, .object("judged").optional,
            ]),
        EventSchema(
            "hook.called", in: runs,
            [
                .text("hook"), .text("phase"), step, attempt, .text("execution_id").optional.or("executionId"),
                .object("hook_details").optional.or("hookDetails"),
                .object("test_traffic_weights").optional.or("testTrafficWeights"),
                .object("production_traffic_weights").optional.or("productionTrafficWeights"),
            ]),
        EventSchema(
            "hook.answered", in: runs,
            [
                .text("hook"), .text("phase"), step, attempt,
                .choice("status", ["SUCCEEDED", "FAILED", "IN_PROGRESS"]).or("hookStatus"),
                .count("call_back_delay_seconds").optional.or("callBackDelay", "callBackDelaySeconds"),
                .object("hook_details").optional.or("hookDetails"),
            ]),
        EventSchema(
            "hook.timed_out", in: runs,
            [.text("hook"), .text("phase"), step, .choice("action", ["ROLLBACK", "CONTINUE"]).optional]),
        EventSchema(
            "traffic.shifted", in: runs,
            [.choice("kind", ["production", "test"]), step, .object("weights")]),
        EventSchema("bake.started", in: runs, [minutes, step]),
        EventSchema("bake.completed", in: runs, [step]),
        EventSchema("rollback.started", in: runs, [.text("reason"), .text("finding").optional]),
        EventSchema("rollback.completed", in: runs, []),
        EventSchema("rollback.failed", in: runs, [.text("reason")]),
        EventSchema("migration.completed", in: ["migration"], []),
        EventSchema("migration.aborted", in: ["migration"], [.text("reason")]),
        EventSchema("deployment.completed", in: ["deployment"], []),
        EventSchema("deployment.failed", in: ["deployment"], [.text("reason")]),
    ]

    /// The names of Amazon ECS in `canaryConfiguration`, `linearConfiguration` and beside them.
    private static let parametersOfAWS = [
        "canaryPercent": "canary_percent", "canaryBakeTimeInMinutes": "canary_bake_minutes",
        "stepPercent": "step_percent", "stepBakeTimeInMinutes": "step_bake_minutes",
        "bakeTimeInMinutes": "bake_minutes", "minimumHealthyPercent": "minimum_healthy_percent",
        "maximumPercent": "maximum_percent",
    ]

    /// The n-th traffic step, from 1.
    private static let step = numberFromOne("step").optional
    private static let attempt = numberFromOne("attempt")
    private static let minutes: EventField = {
        var field = EventField("minutes", .number)
        field.minimum = 0
        return field
    }()

    private static func numberFromOne(_ name: String) -> EventField {
        var field = EventField(name, .integer)
        field.minimum = 1
        return field
    }
}
