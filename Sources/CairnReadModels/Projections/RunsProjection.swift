import CairnBytes
import CairnLedger
import CairnModel

/// Runs: each migration and each deployment, what was planned for it, and where it stands.
final class RunsProjection: Projection {
    static let name = "runs"
    static let version = 3

    static let tables = [
        Table(
            "runs", "one migration or deployment",
            [
                Table.Column.text("run", "its stream: migration/ID or deployment/CLUSTER/SERVICE/ID", "PRIMARY KEY"),
                Table.Column.text("kind", "migration or deployment", "NOT NULL"),
                Table.Column.text("id", "the stream without its kind", "NOT NULL"),
                Table.Column.text("title", "what people call it"),
                Table.Column.text("playbook", "the playbook it follows"),
                Table.Column.text("source_cluster", "where a migration comes from; a deployment's own cluster"),
                Table.Column.text("target_cluster", "where a migration goes; a deployment's own cluster"),
                Table.Column.text("tenant", "for whom"),
                Table.Column.text("region", "where"),
                Table.Column.text("service", "service of a deployment"),
                Table.Column.text("source_revision", "revision a deployment replaces"),
                Table.Column.text("target_revision", "revision a deployment brings"),
                Table.Column.integer("desired_count", "tasks the service should have"),
                Table.Column.text("parameters", "parameters of the strategy, JSON"),
                Table.Column.text("hooks", "hooks of the plan, JSON"),
                Table.Column.text(
                    "status",
                    "planned, running, rolling-back, rolled-back, rollback-failed, completed, aborted or failed",
                    "NOT NULL"),
                Table.Column.text("phase", "phase of the last phase event"),
                Table.Column.text(
                    "phase_status", "started, completed, failed or reverted; what runs ends with its run"),
                Table.Column.text("reason", "why it ended or rolls back, where one was given"),
                Table.Column.text("planned_by", "who planned it"),
                Table.Column.time("planned", "when it was planned"),
                Table.Column.time("started", "when its first phase started"),
                Table.Column.time("ended", "when it was completed, aborted, failed or rolled back"),
                Table.Column.time("status", "when the event happened that status comes from", "NOT NULL"),
                Table.Column.integer("last_position", "place in the log of the last event that changed the row"),
                Table.Column.origin,
            ], indexes: ["kind, status", "source_cluster", "target_cluster"]),
        Table(
            "applications", "one application that a migration moves",
            [
                Table.Column.text("run", "stream of the migration", "NOT NULL"),
                Table.Column.text("application", "its name", "NOT NULL"),
                Table.Column.text("class", "stateless, kafka-pair, headless or stateful"),
                Table.Column.origin,
            ], constraints: ["PRIMARY KEY (run, application)"], indexes: ["application"]),
        Table(
            "budgets", "how long a phase of a run may take, by its plan",
            [
                Table.Column.text("run", "stream of the migration or deployment", "NOT NULL"),
                Table.Column.text("phase", "the phase", "NOT NULL"),
                Table.Column.real("seconds", "the budget", "NOT NULL"),
                Table.Column.origin,
            ], constraints: ["PRIMARY KEY (run, phase)"]),
        Table(
            "rollbacks", "one way back of a run",
            [
                Table.Column.text("run", "stream of the migration or deployment", "NOT NULL"),
                Table.Column.text("reason", "why it was started"),
                Table.Column.text("finding", "finding that started it"),
                Table.Column.text("status", "started, completed or failed", "NOT NULL"),
                Table.Column.text("failure", "why it failed"),
                Table.Column.text("started_by", "who started it"),
                Table.Column.time("ended", "when it was completed or failed"),
                Table.Column.origin,
            ], lookups: [Table.Lookup(columns: "run, position", condition: "ended_us IS NULL")],
            indexes: ["run, occurred_us"]),
    ]

    static let needs = ECSDeployments.needs
    static let facts: Set<String>? = [
        "migration.planned", "migration.completed", "migration.aborted", "deployment.planned", "deployment.completed",
        "deployment.failed", "phase.started", "phase.completed", "phase.failed", "phase.reverted", "rollback.started",
        "rollback.completed", "rollback.failed",
    ]

    /// Said by others of a run that is under way; no event of the log has this name.
    static let told = "deployment.started"

    private let connection: Connection

    init(_ connection: Connection) throws(ReadModelError) { self.connection = connection }

    func apply(_ fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent) throws {
        guard fact.hasStream(kind: "migration") || fact.hasStream(kind: "deployment") else { return }
        switch fact.name {
        case "phase.started": return try phase(fact, "started", started: fact.occurred)
        case "phase.completed": return try phase(fact, "completed")
        case "phase.failed": return try phase(fact, "failed")
        case "phase.reverted": return try phase(fact, "reverted")
        default: break
        }
        // A fact may come before the plan it belongs to.
        try connection.run(
            """
            INSERT INTO stored_runs (position, occurred_us, recorded_us, run, kind, id, status, status_us, last_position)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'running', ?7, ?1)
            ON CONFLICT (run) DO UPDATE SET last_position = excluded.position
            """, fact.origin + run(fact) + [.integer(Timestamp.earliest.microseconds)])
        switch fact.name {
        case "migration.planned", "deployment.planned": try plan(fact)
        case RunsProjection.told: try start(fact)
        case "rollback.started": try startRollback(fact)
        case "rollback.completed": try endRollback(fact, "completed", runStatus: "rolled-back")
        case "rollback.failed": try endRollback(fact, "failed", runStatus: "rollback-failed")
        case "migration.completed", "deployment.completed": try end(fact, "completed")
        case "migration.aborted": try end(fact, "aborted")
        case "deployment.failed": try end(fact, "failed")
        default: break
        }
    }

    private func run(_ fact: Fact) -> [SQLValue] {
        [.text(fact.stream), .text(fact.streamKind), .text(fact.streamID)]
    }

    private func plan(_ fact: Fact) throws {
        let isMigration = fact.name == "migration.planned"
        try connection.run(
            """
            UPDATE stored_runs SET title = ?2, playbook = ?3, source_cluster = ?4, target_cluster = ?5, tenant = ?6,
              region = ?7, service = ?8, source_revision = ?9, target_revision = ?10, desired_count = ?11,
              parameters = ?12, hooks = ?13, planned_by = ?14, planned_us = ?15
            WHERE run = ?1
            """,
            [
                .text(fact.stream), fact.text("title"), fact.text("playbook"),
                fact.text(isMigration ? "source_cluster" : "cluster"),
                fact.text(isMigration ? "target_cluster" : "cluster"), fact.text("tenant"), fact.text("region"),
                fact.text("service"), fact.text("source_revision"), fact.text("target_revision"),
                fact.integer("desired_count"), fact.json("parameters"), fact.json("hooks"), fact.actor, fact.occurred,
            ])
        try setStatus(fact, "planned", phaseStatus: "started")
        for application in fact.data["applications"]?.array ?? [] {
            guard let name = application["name"]?.string else { continue }
            try connection.run(
                """
                INSERT INTO stored_applications (position, occurred_us, recorded_us, run, application, class)
                VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (run, application) DO UPDATE SET class = excluded.class
                """,
                fact.origin + [.text(fact.stream), .text(name), .optional(application["class"]?.string)])
        }
        for budget in fact.data["budgets"]?.members ?? [] {
            guard let seconds = budget.value.double else { continue }
            try connection.run(
                """
                INSERT INTO stored_budgets (position, occurred_us, recorded_us, run, phase, seconds)
                VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (run, phase) DO UPDATE SET seconds = excluded.seconds
                """,
                fact.origin + [.text(fact.stream), .text(budget.name), .real(seconds)])
        }
    }

    private func start(_ fact: Fact) throws {
        try connection.run(
            """
            UPDATE stored_runs SET service = coalesce(service, ?2), source_cluster = coalesce(source_cluster, ?3),
              target_cluster = coalesce(target_cluster, ?3), target_revision = coalesce(target_revision, ?4),
              region = coalesce(region, ?5), started_us = min(coalesce(started_us, ?6), ?6)
            WHERE run = ?1
            """,
            [
                .text(fact.stream), fact.text("service"), fact.text("cluster"), fact.text("target_revision"),
                fact.text("region"), fact.occurred,
            ])
        try connection.run(
            """
            UPDATE stored_runs SET status = 'running', status_us = ?2
            WHERE run = ?1 AND status_us <= ?2 AND status IN ('planned', 'running')
            """, [.text(fact.stream), fact.occurred])
    }

    /// The latest event by its own clock decides, so that a fact told late does not turn back what came after it.
    ///
    /// - Parameter phaseStatus: what becomes of the phase that it was in, if that still runs.
    private func setStatus(_ fact: Fact, _ status: String, phaseStatus: String = "failed") throws {
        try connection.run(
            """
            UPDATE stored_runs SET status = ?2, status_us = ?3,
              phase_status = CASE phase_status WHEN 'started' THEN ?4 ELSE phase_status END
            WHERE run = ?1 AND status_us <= ?3
            """, [.text(fact.stream), .text(status), fact.occurred, .text(phaseStatus)])
    }

    /// In one statement, since most facts are about phases: a run that is not there yet is made, and the latest phase
    /// by its own clock is the one it is in.
    private func phase(_ fact: Fact, _ status: String, started: SQLValue = .null) throws {
        try connection.run(
            """
            INSERT INTO stored_runs (position, occurred_us, recorded_us, run, kind, id, status, status_us, last_position,
              started_us, phase, phase_status)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'running', ?2, ?1, ?7, ?8, ?9)
            ON CONFLICT (run) DO UPDATE SET last_position = ?1,
              started_us = coalesce(min(coalesce(started_us, ?7), ?7), started_us),
              phase = CASE WHEN status_us <= ?2 THEN ?8 ELSE phase END,
              phase_status = CASE WHEN status_us <= ?2 THEN ?9 ELSE phase_status END,
              status = CASE WHEN status_us <= ?2 AND status = 'planned' THEN 'running' ELSE status END,
              status_us = max(status_us, ?2)
            """, fact.origin + run(fact) + [started, fact.text("phase"), .text(status)])
    }

    private func end(_ fact: Fact, _ status: String) throws {
        try connection.run(
            "UPDATE stored_runs SET ended_us = max(coalesce(ended_us, ?2), ?2), reason = coalesce(?3, reason) WHERE run = ?1",
            [.text(fact.stream), fact.occurred, fact.text("reason")])
        try setStatus(fact, status, phaseStatus: status == "completed" ? "completed" : "failed")
    }

    private func startRollback(_ fact: Fact) throws {
        try connection.run(
            """
            INSERT INTO stored_rollbacks (position, occurred_us, recorded_us, run, reason, finding, status, started_by)
            VALUES (?, ?, ?, ?, ?, ?, 'started', ?)
            """,
            fact.origin + [.text(fact.stream), fact.text("reason"), fact.text("finding"), fact.actor])
        try connection.run(
            "UPDATE stored_runs SET reason = coalesce(?2, reason) WHERE run = ?1",
            [.text(fact.stream), fact.text("reason")])
        try setStatus(fact, "rolling-back")
    }

    private func endRollback(_ fact: Fact, _ status: String, runStatus: String) throws {
        try connection.run(
            """
            UPDATE stored_rollbacks SET status = ?2, failure = ?3, ended_us = ?4 WHERE rowid =
              (SELECT rowid FROM stored_rollbacks WHERE run = ?1 AND ended_us IS NULL ORDER BY position DESC LIMIT 1)
            """,
            [.text(fact.stream), .text(status), fact.text("reason"), fact.occurred])
        try connection.run(
            "UPDATE stored_runs SET ended_us = max(coalesce(ended_us, ?2), ?2) WHERE run = ?1 AND ?3 = 'completed'",
            [.text(fact.stream), fact.occurred, .text(status)])
        try setStatus(fact, runStatus)
    }
}
