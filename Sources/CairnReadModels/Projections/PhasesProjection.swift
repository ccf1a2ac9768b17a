import CairnBytes
import CairnLedger
import CairnModel

/// Phases and their bakes. A phase that is tried again gets another attempt; an end that is told before its start waits
/// for it. What runs when its run ends or rolls back ends with it, unless somebody tells its own end.
final class PhasesProjection: Projection {
    static let name = "phases"
    static let version = 3

    static let tables = [
        Table(
            "phases", "one attempt of a phase (of one step, where the phase has steps)",
            [
                Table.Column.text("run", "stream of the migration or deployment", "NOT NULL"),
                Table.Column.text("phase", "stage of the playbook", "NOT NULL"),
                Table.Column.integer("step", "step of a phase that has several, from 1"),
                Table.Column.integer("attempt", "from 1, in the order recorded", "NOT NULL"),
                Table.Column.text("status", "started, completed, failed or reverted", "NOT NULL"),
                Table.Column.text("reason", "why it failed or was reverted"),
                Table.Column.text("started_by", "who started it"),
                Table.Column.text("ended_by", "who completed it, or said that it failed"),
                Table.Column.time("started", "when it started"),
                Table.Column.time("ended", "when it was completed or failed"),
                Table.Column.time("reverted", "when it was reverted"),
                Table.Column.flag("ended_with_run", "1 if it ended because its run ended, failed or was rolled back"),
                Table.Column.integer("end_position", "place in the log of the event that ended it"),
                Table.Column.origin,
            ], constraints: ["UNIQUE (run, phase, step, attempt)"],
            lookups: [
                Table.Lookup(columns: "run, phase, step, attempt", condition: "ended_us IS NULL"),
                Table.Lookup(columns: "run, phase, step, ended_us", condition: "started_us IS NULL"),
                Table.Lookup(columns: "run, phase, step", condition: "reverted_us IS NULL"),
                Table.Lookup(columns: "run, phase, step, attempt", condition: "ended_with_run = 1"),
            ], indexes: ["started_us"]),
        Table(
            "bakes", "one time of waiting and watching after a shift",
            [
                Table.Column.text("run", "stream of the migration or deployment", "NOT NULL"),
                Table.Column.integer("step", "step of the shift, from 1"),
                Table.Column.real("minutes", "how long it should last"),
                Table.Column.time("ended", "when it was completed, or its run ended, failed or was rolled back"),
                Table.Column.origin,
            ], lookups: [Table.Lookup(columns: "run, position", condition: "ended_us IS NULL")],
            indexes: ["run, occurred_us"]),
    ]

    static let needs = ECSDeployments.needs
    static let facts: Set<String>? = [
        "phase.started", "phase.completed", "phase.failed", "phase.reverted", "bake.started", "bake.completed",
        "rollback.started", "migration.completed", "migration.aborted", "deployment.completed", "deployment.failed",
    ]

    private let connection: Connection

    init(_ connection: Connection) throws(ReadModelError) { self.connection = connection }

    func apply(_ fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent) throws {
        switch fact.name {
        case "bake.started":
            try connection.run(
                "INSERT INTO stored_bakes (position, occurred_us, recorded_us, run, step, minutes) VALUES (?, ?, ?, ?, ?, ?)",
                fact.origin + [.text(fact.stream), fact.integer("step"), fact.real("minutes")])
        case "bake.completed":
            try connection.run(
                """
                UPDATE stored_bakes SET ended_us = ?3 WHERE rowid = (SELECT rowid FROM stored_bakes
                  WHERE run = ?1 AND (?2 IS NULL OR step IS ?2) AND ended_us IS NULL ORDER BY position DESC LIMIT 1)
                """, [.text(fact.stream), fact.integer("step"), fact.occurred])
        case "rollback.started", "migration.aborted", "deployment.failed": try endOpen(fact, "failed")
        case "migration.completed", "deployment.completed": try endOpen(fact, "completed")
        default:
            guard let phase = fact.data["phase"]?.string else { return }
            switch fact.name {
            case "phase.started": try start(fact, phase)
            case "phase.reverted": try revert(fact, phase)
            default: try end(fact, phase, fact.name == "phase.completed" ? "completed" : "failed")
            }
        }
    }

    private func key(_ fact: Fact, _ phase: String) -> [SQLValue] {
        [.text(fact.stream), .text(phase), fact.integer("step")]
    }

    private func start(_ fact: Fact, _ phase: String) throws {
        // An end that was told first: this is its start, if it happened before.
        let waiting = try connection.first(
            """
            SELECT rowid FROM stored_phases WHERE run = ?1 AND phase = ?2 AND step IS ?3 AND started_us IS NULL
              AND ended_us >= ?4 ORDER BY ended_us LIMIT 1
            """, key(fact, phase) + [fact.occurred])
        guard let row = waiting?.first else { return try insert(fact, phase, "started") }
        try connection.run(
            "UPDATE stored_phases SET started_us = ?2, started_by = ?3 WHERE rowid = ?1",
            [row, fact.occurred, fact.actor])
    }

    private func insert(_ fact: Fact, _ phase: String, _ status: String) throws {
        let isStart = status == "started"
        let isRevert = status == "reverted"
        let none = SQLValue.null
        try connection.run(
            """
            INSERT INTO stored_phases (position, occurred_us, recorded_us, run, phase, step, attempt, status, reason,
              started_by, started_us, ended_by, ended_us, end_position, reverted_us)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, coalesce((SELECT attempt FROM stored_phases
              WHERE run = ?4 AND phase = ?5 AND step IS ?6 ORDER BY attempt DESC LIMIT 1), 0) + 1, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
            """,
            fact.origin + key(fact, phase) + [
                .text(status), fact.text("reason"), isStart ? fact.actor : none, isStart ? fact.occurred : none,
                isStart || isRevert ? none : fact.actor, isStart || isRevert ? none : fact.occurred,
                isStart || isRevert ? none : fact.position, isRevert ? fact.occurred : none,
            ])
    }

    private func end(_ fact: Fact, _ phase: String, _ status: String) throws {
        for open in ["ended_us IS NULL", "ended_with_run = 1"] {
            try connection.run(
                """
                UPDATE stored_phases SET status = CASE status WHEN 'reverted' THEN status ELSE ?4 END, reason = ?5,
                  ended_by = ?6, ended_us = ?7, end_position = ?8, ended_with_run = NULL
                WHERE rowid = (SELECT rowid FROM stored_phases
                  WHERE run = ?1 AND phase = ?2 AND step IS ?3 AND \(open) AND started_us <= ?7
                  ORDER BY attempt DESC LIMIT 1)
                """,
                key(fact, phase) + [.text(status), fact.text("reason"), fact.actor, fact.occurred, fact.position])
            guard connection.changes == 0 else { return }
        }
        try insert(fact, phase, status)
    }

    private func endOpen(_ fact: Fact, _ status: String) throws {
        try connection.run(
            """
            UPDATE stored_phases SET status = CASE status WHEN 'reverted' THEN status ELSE ?2 END, reason = ?3, ended_by = ?4,
              ended_us = ?5, end_position = ?6, ended_with_run = 1
            WHERE run = ?1 AND ended_us IS NULL AND started_us <= ?5
            """,
            [.text(fact.stream), .text(status), fact.text("reason"), fact.actor, fact.occurred, fact.position])
        try connection.run(
            "UPDATE stored_bakes SET ended_us = ?2 WHERE run = ?1 AND ended_us IS NULL AND occurred_us <= ?2",
            [.text(fact.stream), fact.occurred])
    }

    private func revert(_ fact: Fact, _ phase: String) throws {
        // Without a step all of the phase goes back.
        try connection.run(
            """
            UPDATE stored_phases SET status = 'reverted', reverted_us = ?4, reason = coalesce(?5, reason)
            WHERE run = ?1 AND phase = ?2 AND (?3 IS NULL OR step IS ?3) AND reverted_us IS NULL
              AND coalesce(started_us, ended_us) <= ?4
            """, key(fact, phase) + [fact.occurred, fact.text("reason")])
        if connection.changes == 0 { try insert(fact, phase, "reverted") }
    }
}
