/// The types that the log, the imports, the sample store and the playbooks' library write about themselves.
extension EventVocabulary {
    static let recordSchemas: [EventSchema] = [
        EventSchema(
            "import.completed", origin: .produced, in: ["import"],
            [
                .text("import"), .text("format"), .text("cluster").optional, .object("labels").optional,
                .object("options").optional, .list("files"), .count("accepted"), .count("rejected"),
                .count("skipped_duplicates").optional,
            ]),
        EventSchema(
            "samples.recorded", origin: .produced, in: ["samples"],
            [
                .text("cluster"), .count("series"), .count("samples"), .time("first"), .time("last"),
                .text("import").optional,
            ]),
        EventSchema("series.named", origin: .produced, in: ["samples"], [.text("cluster"), .count("series")]),
        EventSchema(
            "samples.sealed", origin: .produced, in: ["ledger"],
            [
                .count("series"), .count("samples"), .time("first"), .time("last"), .count("bytes"), .list("covers"),
                .list("replaces").optional,
            ]),
        EventSchema(
            "samples.conflicted", origin: .produced, in: ["ledger"],
            [.count("conflicts"), .count("series"), .list("covers"), .list("examples")]),
        EventSchema(
            "flows.counted", origin: .produced, in: ["flows"],
            [
                .text("file"), .count("bytes"), .text("sha256"), .text("cluster").optional, .count("records"),
                .count("accepted_records"), .count("rejected_records"), .count("no_data"), .count("skip_data"),
                .time("first").optional, .time("last").optional,
            ]),
        EventSchema(
            PlaybookRegistration.eventName, origin: .produced, in: ["playbook"],
            [.text("playbook"), .count("version"), .text("digest"), .object("definition")]),
        EventSchema("attachment.redacted", origin: .produced, in: ["ledger"], attachment),
        EventSchema("attachment.dropped", origin: .produced, in: ["ledger"], attachment),
        EventSchema("key.rotated", origin: .produced, in: ["ledger"], []),
        EventSchema("clock.stepped_back", origin: .produced, in: ["ledger"], [.number("by_seconds")]),
        EventSchema("ledger.continued", origin: .produced, in: ["ledger"], [.text("checkpoint")]),
    ]

    private static let attachment: [EventField] = [
        .text("digest"), .text("replacement").optional, .text("reason"), .text("approved_by"),
    ]
}
