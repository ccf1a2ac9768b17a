import CairnBytes
import CairnLedger
import CairnModel

/// Who asked for what, who allowed it, and what the gates said.
final class ApprovalsProjection: Projection {
    static let name = "approvals"
    static let version = 2

    static let tables = [
        Table(
            "approvals", "one request for approval and its answer, or an answer nobody had asked for",
            [
                Table.Column.text("run", "stream of the migration or deployment", "NOT NULL"),
                Table.Column.text("phase", "phase that needs the approval"),
                Table.Column.text("requested_by", "who asked; null if there was no request"),
                Table.Column.text("requested_through", "account that appended the request"),
                Table.Column.text("request_reason", "why"),
                Table.Column.time("requested", "when it was asked for"),
                Table.Column.time("expires", "until when the request holds"),
                Table.Column.text("decision", "granted or rejected; null while it is open"),
                Table.Column.text("approver", "who decided"),
                Table.Column.time("decided", "when it was decided"),
                Table.Column.text("comment", "what the approver wrote"),
                Table.Column.text("reason", "why it was rejected"),
                Table.Column.flag("emergency", "1 for an emergency change"),
                Table.Column.flag("retroactive", "1 if approved after the fact"),
                Table.Column.text("recorded_by", "account that appended the decision"),
                Table.Column.flag("told", "1 if another system told the request or the decision"),
                Table.Column.computed(
                    "four_eyes",
                    "1 if another person decided through another account, 0 if not; null if one account only passed on "
                        + "what another system told", "INTEGER", fourEyes),
                Table.Column.integer("decision_position", "place in the log of the decision"),
                Table.Column.origin,
            ], lookups: [Table.Lookup(columns: "run, phase, position", condition: "decision IS NULL")],
            indexes: ["run, phase", "approver"]),
        Table(
            "gates", "one evaluation of a gate",
            [
                Table.Column.text("run", "stream of the migration or deployment", "NOT NULL"),
                Table.Column.text("phase", "phase the gate guards"),
                Table.Column.text("result", "pass, fail or undecided"),
                Table.Column.text("reasons", "JSON list of texts"),
                Table.Column.text("evaluated_by", "who asked the gate"),
                Table.Column.origin,
            ], indexes: ["run, phase"]),
        Table(
            "checks", "one check that was run for a migration or deployment",
            [
                Table.Column.text("run", "stream of the migration or deployment", "NOT NULL"),
                Table.Column.text("name", "name of the check"),
                Table.Column.text("result", "pass, fail or undecided"),
                Table.Column.text("detail", "what it saw"),
                Table.Column.origin,
            ], indexes: ["run, occurred_us"]),
    ]

    /// Anybody may name anybody: two names that one account gives are not two people.
    private static let fourEyes = """
        CASE WHEN requested_by IS NULL OR approver IS NULL THEN NULL
          WHEN lower(trim(requested_by)) = lower(trim(approver)) THEN 0
          WHEN requested_through <> recorded_by THEN 1
          WHEN told = 1 THEN NULL
          ELSE 0 END
        """

    static let facts: Set<String>? = [
        "approval.requested", "approval.granted", "approval.rejected", "gate.evaluated", "check.completed",
    ]

    private let connection: Connection

    init(_ connection: Connection) throws(ReadModelError) { self.connection = connection }

    func apply(_ fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent) throws {
        switch fact.name {
        case "approval.requested":
            try connection.run(
                """
                INSERT INTO stored_approvals (position, occurred_us, recorded_us, run, phase, requested_by, request_reason,
                  requested_us, expires_us, requested_through, told)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                fact.origin + [
                    .text(fact.stream), fact.text("phase"),
                    fact.data["requested_by"] == nil ? fact.actor : fact.text("requested_by"), fact.text("reason"),
                    fact.occurred, fact.time("expires"), fact.account, .flag(fact.isObserved),
                ])
        case "approval.granted": try decide(fact, "granted")
        case "approval.rejected": try decide(fact, "rejected")
        case "gate.evaluated":
            try connection.run(
                """
                INSERT INTO stored_gates (position, occurred_us, recorded_us, run, phase, result, reasons, evaluated_by)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                fact.origin + [
                    .text(fact.stream), fact.text("phase"), fact.text("result"), fact.json("reasons"), fact.actor,
                ])
        default:
            try connection.run(
                """
                INSERT INTO stored_checks (position, occurred_us, recorded_us, run, name, result, detail)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
                fact.origin + [.text(fact.stream), fact.text("name"), fact.text("result"), detail(fact)])
        }
    }

    private func detail(_ fact: Fact) -> SQLValue {
        fact.data["detail"]?.string.map { .text($0) } ?? fact.json("detail")
    }

    /// Answers the oldest open request for the phase; a decision without one is a row of its own.
    private func decide(_ fact: Fact, _ decision: String) throws {
        let answer: [SQLValue] = [
            .text(decision), fact.data["approver"] == nil ? fact.actor : fact.text("approver"), fact.occurred,
            fact.text("comment"), fact.text("reason"), fact.flag("emergency"), fact.flag("retroactive"),
            fact.account, fact.position, .flag(fact.isObserved),
        ]
        try connection.run(
            """
            UPDATE stored_approvals SET decision = ?3, approver = ?4, decided_us = ?5, comment = ?6, reason = ?7,
              emergency = ?8, retroactive = ?9, recorded_by = ?10, decision_position = ?11, told = max(told, ?12)
            WHERE rowid = (SELECT rowid FROM stored_approvals
              WHERE run = ?1 AND phase IS ?2 AND decision IS NULL ORDER BY position LIMIT 1)
            """, [.text(fact.stream), fact.text("phase")] + answer)
        guard connection.changes == 0 else { return }
        try connection.run(
            """
            INSERT INTO stored_approvals (position, occurred_us, recorded_us, run, phase, decision, approver, decided_us,
              comment, reason, emergency, retroactive, recorded_by, decision_position,
              told)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, fact.origin + [.text(fact.stream), fact.text("phase")] + answer)
    }
}
