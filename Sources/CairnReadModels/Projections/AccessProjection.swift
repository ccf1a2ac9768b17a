import CairnBytes
import CairnLedger
import CairnModel

/// Who may do what at the server, who was refused, what was set aside, and who was told.
final class AccessProjection: Projection {
    static let name = "access"
    static let version = 1

    static let tables = [
        Table(
            "tokens", "one scope of one token",
            [
                Table.Column.text("token", "the token's id", "NOT NULL"),
                Table.Column.text("name", "what its holder is called", "NOT NULL"),
                Table.Column.text("scope", "what it allows", "NOT NULL"),
                Table.Column.text("cluster", "the cluster of data that says none"),
                Table.Column.text("created_by", "who made it", "NOT NULL"),
                Table.Column.time("expires", "when it ends by itself, if ever"),
                Table.Column.text("revoked_by", "who revoked it"),
                Table.Column.time("revoked", "when it was revoked"),
                Table.Column.text("reason", "why it was revoked"),
                Table.Column.origin,
            ], indexes: ["token"]),
        Table(
            "access_events", "one privileged call, or one refusal as often as it came within a minute",
            [
                Table.Column.text("kind", "used or denied", "NOT NULL"),
                Table.Column.text("principal", "who called, if that could be told"),
                Table.Column.text("method", "of HTTP"),
                Table.Column.text("route", "what was called"),
                Table.Column.text("scope", "which scope was used"),
                Table.Column.text("reason", "why it was refused"),
                Table.Column.integer("count", "how often"),
                Table.Column.origin,
            ], indexes: ["occurred_us"]),
        Table(
            "intake_problems", "what one receiver set aside or shed within a minute",
            [
                Table.Column.text("kind", "rejected or shed", "NOT NULL"),
                Table.Column.text("receiver", "remote-write, otlp, firehose, ..."),
                Table.Column.text("principal", "who sent it"),
                Table.Column.integer("count", "how many records"),
                Table.Column.text("examples", "the first of them with reasons, JSON"),
                Table.Column.origin,
            ], indexes: ["occurred_us"]),
        Table(
            "notifications", "one notification that was sent, or could not be",
            [
                Table.Column.text("status", "delivered or failed", "NOT NULL"),
                Table.Column.text("target", "the name of the receiver in the configuration"),
                Table.Column.text("about", "stream of the finding, or of the run with the gate or approval"),
                Table.Column.integer("entry", "place in the log of what it tells"),
                Table.Column.text("shape", "webhook, alertmanager or pagerduty"),
                Table.Column.integer("attempts", "how often it was tried"),
                Table.Column.text("reason", "why it could not be sent"),
                Table.Column.origin,
            ], indexes: ["entry"]),
    ]

    static let facts: Set<String>? = [
        "token.created", "token.revoked", "access.denied", "access.used", "intake.rejected", "intake.shed",
        "notification.delivered", "notification.failed",
    ]

    private let connection: Connection
    private let token: Insertion
    private let access: Insertion
    private let intake: Insertion
    private let notification: Insertion

    init(_ connection: Connection) throws(ReadModelError) {
        self.connection = connection
        token = try Insertion(
            "tokens", ["token", "name", "scope", "cluster", "created_by", "expires_us"], on: connection)
        access = try Insertion(
            "access_events", ["kind", "principal", "method", "route", "scope", "reason", "count"], on: connection)
        intake = try Insertion(
            "intake_problems", ["kind", "receiver", "principal", "count", "examples"], on: connection)
        notification = try Insertion(
            "notifications", ["status", "target", "about", "entry", "shape", "attempts", "reason"], on: connection)
    }

    func apply(_ fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent) throws {
        // Told by somebody else, it is a story and gives nobody access.
        guard fact.storage.text(fact.event.type).hasPrefix("cairn.") else { return }
        switch fact.name {
        case "token.created":
            let expires = fact.data["expires"]?.string.flatMap { Timestamp($0)?.microseconds }
            for scope in fact.data.value["scopes"]?.array ?? [] {
                try token.add(
                    fact,
                    [
                        fact.text("token"), fact.text("name"), .optional(scope.string), fact.text("cluster"),
                        fact.actor, .optional(expires),
                    ])
            }
        case "token.revoked":
            try connection.run(
                """
                UPDATE stored_tokens SET revoked_by = ?2, revoked_us = ?3, reason = ?4
                WHERE token = ?1 AND revoked_us IS NULL
                """, [fact.text("token"), fact.actor, fact.occurred, fact.text("reason")])
        case "access.denied", "access.used":
            let isUsed = fact.name == "access.used"
            try access.add(
                fact,
                [
                    .text(isUsed ? "used" : "denied"), fact.text("principal"), fact.text("method"), fact.text("route"),
                    fact.text("scope"), fact.text("reason"), isUsed ? .integer(1) : fact.integer("count"),
                ])
        case "intake.rejected", "intake.shed":
            let isRejected = fact.name == "intake.rejected"
            try intake.add(
                fact,
                [
                    .text(isRejected ? "rejected" : "shed"), fact.text("receiver"), fact.text("principal"),
                    fact.integer("count"), isRejected ? fact.json("examples") : fact.text("reason"),
                ])
        default:
            try notification.add(
                fact,
                [
                    .text(fact.name == "notification.failed" ? "failed" : "delivered"), fact.text("target"),
                    fact.text("about"), fact.integer("entry"), fact.text("shape"), fact.integer("attempts"),
                    fact.text("reason"),
                ])
        }
    }
}
