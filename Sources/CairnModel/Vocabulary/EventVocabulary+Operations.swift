/// The types for what happens around a run: workloads, records, freezes, checks, tasks, alarms and remarks.
extension EventVocabulary {
    static let operationSchemas: [EventSchema] = [
        EventSchema(
            "workload.scaled", in: runs,
            [
                .text("application"), .text("cluster"), .count("from"), .count("to"), .count("floor").optional,
                .count("cap").optional,
            ]),
        EventSchema(
            "ttl.lowered", in: runs,
            [.text("zone"), .text("record"), .count("old_ttl_seconds"), .count("new_ttl_seconds")]),
        EventSchema("freeze.started", in: runs, [.text("scope"), .text("reason").optional]),
        EventSchema("freeze.ended", in: runs, [.text("scope")]),
        EventSchema(
            "check.completed", in: runs,
            [.text("name"), .choice("result", results), EventField("detail", .text).optional]),
        EventSchema(
            "task.failed", in: runs,
            [.text("task"), .choice("stage", ["start", "health"]), .text("reason").optional]),
        EventSchema("task.healthy", in: runs, [.text("task")]),
        EventSchema(
            "alarm.changed", in: runs,
            [
                .text("alarm"), .choice("state", ["OK", "ALARM", "INSUFFICIENT_DATA"]), .text("previous").optional,
            ]),
        EventSchema("note.added", in: [], [.text("text").personal, .count("about").optional]),
        EventSchema(
            "event.corrected", in: [],
            [.count("about"), .text("field"), .text("reason")]),
    ]
}
