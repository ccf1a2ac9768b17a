import CairnBytes
import CairnLedger
import CairnModel

/// Calls of lifecycle hooks and what they answered: a retry is a row of its own.
final class HooksProjection: Projection {
    static let name = "hooks"
    static let version = 2

    static let tables = [
        Table(
            "hooks", "one call of a lifecycle hook",
            [
                Table.Column.text("run", "stream of the migration or deployment", "NOT NULL"),
                Table.Column.text("hook", "name of the hook", "NOT NULL"),
                Table.Column.text("phase", "phase that waits for it"),
                Table.Column.integer("step", "step of the phase, from 1"),
                Table.Column.integer("attempt", "from 1; above 1 the hook had answered IN_PROGRESS or was tried again"),
                Table.Column.text("execution_id", "id under which the hook runs"),
                Table.Column.text("status", "SUCCEEDED, FAILED or IN_PROGRESS; null while there is no answer"),
                Table.Column.integer("call_back_delay_seconds", "after how long the hook wants to be called again"),
                Table.Column.text("request_details", "hookDetails sent, JSON"),
                Table.Column.text("answer_details", "hookDetails returned, JSON"),
                Table.Column.text("production_traffic_weights", "production weights sent, JSON"),
                Table.Column.text("test_traffic_weights", "test weights sent, JSON"),
                Table.Column.text("timeout_action", "ROLLBACK or CONTINUE, if it timed out"),
                Table.Column.time("called", "when it was called"),
                Table.Column.time("answered", "when it answered"),
                Table.Column.time("timed_out", "when it timed out"),
                Table.Column.integer("answer_position", "place in the log of the answer"),
                Table.Column.origin,
            ],
            lookups: [
                Table.Lookup(
                    columns: "run, hook, phase, position", condition: "answered_us IS NULL AND timed_out_us IS NULL"),
                Table.Lookup(columns: "run, hook, phase, answered_us", condition: "called_us IS NULL"),
                Table.Lookup(
                    columns: "run, hook, phase, position",
                    condition: "timed_out_us IS NULL AND (status IS NULL OR status = 'IN_PROGRESS')"),
            ], indexes: ["run, called_us", "called_us"])
    ]

    static let needs = ECSDeployments.needs
    static let facts: Set<String>? = ["hook.called", "hook.answered", "hook.timed_out"]

    private let connection: Connection

    init(_ connection: Connection) throws(ReadModelError) { self.connection = connection }

    func apply(_ fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent) throws {
        guard let hook = fact.data["hook"]?.string else { return }
        let key: [SQLValue] = [
            .text(fact.stream), .text(hook), fact.text("phase"), fact.integer("step"), fact.integer("attempt"),
        ]
        switch fact.name {
        case "hook.called": try call(fact, key)
        case "hook.answered": try answer(fact, key)
        default: try timeOut(fact, key)
        }
    }

    /// A call of which only the answer is known takes that row; any other call is a new one.
    private func call(_ fact: Fact, _ key: [SQLValue]) throws {
        let values: [SQLValue] = [
            fact.occurred, fact.text("execution_id"), fact.json("hook_details"),
            fact.json("production_traffic_weights"), fact.json("test_traffic_weights"),
        ]
        try connection.run(
            """
            UPDATE stored_hooks SET called_us = ?6, execution_id = ?7, request_details = ?8, production_traffic_weights = ?9,
              test_traffic_weights = ?10
            WHERE rowid = (SELECT rowid FROM stored_hooks
              WHERE run = ?1 AND hook = ?2 AND phase IS ?3 AND step IS ?4 AND attempt IS ?5 AND called_us IS NULL
                AND answered_us >= ?6 ORDER BY answered_us LIMIT 1)
            """, key + values)
        guard connection.changes == 0 else { return }
        try connection.run(
            """
            INSERT INTO stored_hooks (position, occurred_us, recorded_us, run, hook, phase, step, attempt, called_us,
              execution_id, request_details, production_traffic_weights, test_traffic_weights)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, fact.origin + key + values)
    }

    private func answer(_ fact: Fact, _ key: [SQLValue]) throws {
        let values: [SQLValue] = [
            fact.occurred, fact.text("status"), fact.integer("call_back_delay_seconds"), fact.json("hook_details"),
            fact.position,
        ]
        try connection.run(
            """
            UPDATE stored_hooks SET answered_us = ?6, status = ?7, call_back_delay_seconds = ?8, answer_details = ?9,
              answer_position = ?10
            WHERE rowid = (SELECT rowid FROM stored_hooks
              WHERE run = ?1 AND hook = ?2 AND phase IS ?3 AND step IS ?4 AND (?5 IS NULL OR attempt IS ?5)
                AND answered_us IS NULL AND timed_out_us IS NULL ORDER BY position DESC LIMIT 1)
            """, key + values)
        guard connection.changes == 0 else { return }
        try connection.run(
            """
            INSERT INTO stored_hooks (position, occurred_us, recorded_us, run, hook, phase, step, attempt, answered_us,
              status, call_back_delay_seconds, answer_details, answer_position)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, fact.origin + key + values)
    }

    private func timeOut(_ fact: Fact, _ key: [SQLValue]) throws {
        let values: [SQLValue] = [fact.occurred, fact.text("action")]
        // The hook as a whole has timed out: its last call that is not settled carries it.
        try connection.run(
            """
            UPDATE stored_hooks SET timed_out_us = ?5, timeout_action = ?6
            WHERE rowid = (SELECT rowid FROM stored_hooks
              WHERE run = ?1 AND hook = ?2 AND phase IS ?3 AND (?4 IS NULL OR step IS ?4) AND timed_out_us IS NULL
                AND (status IS NULL OR status = 'IN_PROGRESS') ORDER BY position DESC LIMIT 1)
            """, key.prefix(4) + values)
        guard connection.changes == 0 else { return }
        try connection.run(
            """
            INSERT INTO stored_hooks (position, occurred_us, recorded_us, run, hook, phase, step, attempt, timed_out_us,
              timeout_action) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, fact.origin + key + values)
    }
}
