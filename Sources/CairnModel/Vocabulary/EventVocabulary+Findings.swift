/// The types of findings, incidents and broken rules.
extension EventVocabulary {
    private static let finding: [EventField] = [
        .text("finding"), .text("analyzer"), .text("analyzer_version"), .text("policy_digest"), .text("kind"),
        .object("scope"), .object("clusters").optional, .time("start"), .time("end").optional, .list("evidence"),
        .text("evidence_digest").optional,
    ]

    static let findingSchemas: [EventSchema] = [
        EventSchema("finding.opened", origin: .produced, in: ["finding"], finding),
        EventSchema("finding.revised", origin: .produced, in: ["finding"], finding),
        EventSchema("finding.withdrawn", origin: .produced, in: ["finding"], [.text("finding"), .text("reason")]),
        EventSchema(
            "finding.acknowledged", in: ["finding"],
            [.text("finding"), .text("reason").optional, .text("person").optional, .time("expires").optional]),
        EventSchema(
            "finding.muted", in: ["finding"],
            [.text("finding"), .text("reason"), .text("person").optional, .time("expires").optional]),
        EventSchema(
            "finding.marked_false", in: ["finding"],
            [.text("finding"), .text("reason"), .text("person").optional, .time("expires").optional]),
        EventSchema(
            "finding.unmuted", in: ["finding"], [.text("finding"), .text("reason"), .text("person").optional]),
        EventSchema(
            "analysis.completed", origin: .produced, in: ["analysis"],
            [
                .text("analyzer"), .text("analyzer_version"), .text("policy_digest"), .object("clusters").optional,
                .time("start").optional, .time("end"), .time("newest"), .count("behind_seconds"), .object("counts"),
                .object("findings"), .object("judged"), .text("evidence_digest"), .count("basis_position"),
            ]),
        EventSchema(
            "incident.opened", origin: .produced, in: ["incident"],
            [.text("incident"), .text("title"), .text("severity"), .text("finding")]),
        EventSchema(
            "incident.joined", origin: .produced, in: ["incident"], [.text("incident"), .text("finding")]),
        EventSchema("incident.closed", in: ["incident"], [.text("incident"), .text("reason").optional]),
        EventSchema(
            "violation.recorded", origin: .produced, in: [],
            [.text("rule"), .count("position"), .text("event_id"), .text("explanation")]),
    ]
}
