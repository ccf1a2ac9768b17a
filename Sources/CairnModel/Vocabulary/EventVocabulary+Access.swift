/// The types that the server writes about who may do what, who was refused, what was set aside and who was told.
extension EventVocabulary {
    static let accessSchemas: [EventSchema] = [
        EventSchema(
            "token.created", origin: .produced, in: ["access"],
            [
                .text("token"), .text("name"), .list("scopes"), .text("secret_sha256"), .text("cluster").optional,
                .time("expires").optional,
            ]),
        EventSchema("token.revoked", origin: .produced, in: ["access"], [.text("token"), .text("reason").optional]),
        EventSchema(
            "access.denied", origin: .produced, in: ["access"],
            [
                .text("method"), .text("route"), .text("reason"), .text("principal").optional,
                .text("remote").optional.personal, .count("count"), .time("first"), .time("last"),
            ]),
        EventSchema(
            "access.used", origin: .produced, in: ["access"],
            [.text("method"), .text("route"), .text("scope"), .text("principal")]),
        EventSchema(
            "intake.rejected", origin: .produced, in: ["intake"],
            [
                .text("receiver"), .count("count"), .list("examples"), .text("principal").optional, .time("first"),
                .time("last"),
            ]),
        EventSchema(
            "intake.shed", origin: .produced, in: ["intake"], [.text("receiver"), .text("reason"), .count("count")]),
        EventSchema(
            "notification.delivered", origin: .produced, in: ["notification"],
            [.text("target"), .text("about"), .count("entry"), .text("shape"), .count("attempts"), .count("status")]),
        EventSchema(
            "notification.failed", origin: .produced, in: ["notification"],
            [.text("target"), .text("about"), .count("entry"), .text("shape"), .count("attempts"), .text("reason")]),
    ]
}
