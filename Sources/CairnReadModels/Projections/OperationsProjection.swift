import CairnBytes
import CairnLedger
import CairnModel

/// What was done to the world on behalf of a run: traffic, workloads, DNS records, freezes.
final class OperationsProjection: Projection {
    static let name = "operations"
    static let version = 2

    static let tables = [
        Table(
            "traffic_shifts", "the share of one side after one shift of traffic",
            [
                Table.Column.text("run", "stream of the migration or deployment", "NOT NULL"),
                Table.Column.text("kind", "production or test"),
                Table.Column.integer("step", "step of the shift, from 1"),
                Table.Column.text("side", "source, target, or a name the plan gives", "NOT NULL"),
                Table.Column.real("percent", "its share from then on"),
                Table.Column.text("actor", "who shifted it", "NOT NULL"),
                Table.Column.origin,
            ], indexes: ["run, occurred_us"]),
        Table(
            "workloads", "one scaling of an application in one cluster",
            [
                Table.Column.text("run", "stream of the migration or deployment", "NOT NULL"),
                Table.Column.text("application", "the application"),
                Table.Column.text("cluster", "the cluster"),
                Table.Column.integer("from_count", "replicas before"),
                Table.Column.integer("to_count", "replicas after"),
                Table.Column.integer("floor", "fewest replicas in both clusters together"),
                Table.Column.integer("cap", "most replicas in both clusters together"),
                Table.Column.text("actor", "who scaled it", "NOT NULL"),
                Table.Column.origin,
            ], indexes: ["application, occurred_us", "run, occurred_us"]),
        Table(
            "ttl_changes", "one lowering of a record's time to live",
            [
                Table.Column.text("run", "stream of the migration or deployment", "NOT NULL"),
                Table.Column.text("zone", "DNS zone"),
                Table.Column.text("record", "DNS record"),
                Table.Column.integer("old_ttl_seconds", "time to live before"),
                Table.Column.integer("new_ttl_seconds", "time to live from then on"),
                Table.Column.time("elapsed", "when the old time to live has run out everywhere"),
                Table.Column.text("actor", "who lowered it", "NOT NULL"),
                Table.Column.origin,
            ], indexes: ["run, occurred_us"]),
        Table(
            "freezes", "one freeze of changes",
            [
                Table.Column.text("run", "stream of the migration or deployment", "NOT NULL"),
                Table.Column.text("scope", "what is frozen"),
                Table.Column.text("reason", "why"),
                Table.Column.text("started_by", "who froze it"),
                Table.Column.time("started", "when"),
                Table.Column.text("ended_by", "who ended it"),
                Table.Column.time("ended", "when"),
                Table.Column.origin,
            ], lookups: [Table.Lookup(columns: "run, scope, position", condition: "ended_us IS NULL")],
            indexes: ["run", "started_us"]),
    ]

    static let needs = ECSDeployments.needs
    static let facts: Set<String>? = [
        "traffic.shifted", "workload.scaled", "ttl.lowered", "freeze.started", "freeze.ended",
    ]

    private let connection: Connection
    private let shift: Insertion
    private let scaling: Insertion
    private let lowering: Insertion

    init(_ connection: Connection) throws(ReadModelError) {
        self.connection = connection
        shift = try Insertion("traffic_shifts", ["run", "kind", "step", "side", "percent", "actor"], on: connection)
        scaling = try Insertion(
            "workloads", ["run", "application", "cluster", "from_count", "to_count", "floor", "cap", "actor"],
            on: connection)
        lowering = try Insertion(
            "ttl_changes",
            ["run", "zone", "record", "old_ttl_seconds", "new_ttl_seconds", "elapsed_us", "actor"], on: connection)
    }

    func apply(_ fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent) throws {
        let run = SQLValue.text(fact.stream)
        switch fact.name {
        case "traffic.shifted":
            for weight in fact.data["weights"]?.members ?? [] {
                try shift.add(
                    fact,
                    [
                        run, fact.text("kind"), fact.integer("step"), .text(weight.name),
                        .optional(weight.value.double), fact.actor,
                    ])
            }
        case "workload.scaled":
            try scaling.add(
                fact,
                [
                    run, fact.text("application"), fact.text("cluster"), fact.integer("from"), fact.integer("to"),
                    fact.integer("floor"), fact.integer("cap"), fact.actor,
                ])
        case "ttl.lowered":
            try lowering.add(
                fact,
                [
                    run, fact.text("zone"), fact.text("record"), fact.integer("old_ttl_seconds"),
                    fact.integer("new_ttl_seconds"), elapsed(fact), fact.actor,
                ])
        case "freeze.started":
            try connection.run(
                """
                INSERT INTO stored_freezes (position, occurred_us, recorded_us, run, scope, reason, started_by, started_us)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """, fact.origin + [run, fact.text("scope"), fact.text("reason"), fact.actor, fact.occurred])
        default: try endFreeze(fact)
        }
    }

    private func elapsed(_ fact: Fact) -> SQLValue {
        guard let seconds = fact.data["old_ttl_seconds"]?.integer else { return .null }
        let (duration, isTooLong) = seconds.multipliedReportingOverflow(by: Timestamp.microsecondsPerSecond)
        let (end, isTooLate) = fact.event.time.microseconds.addingReportingOverflow(duration)
        guard !isTooLong, !isTooLate else { return .null }
        return .optional(Timestamp(checkedMicroseconds: end)?.microseconds)
    }

    private func endFreeze(_ fact: Fact) throws {
        let values: [SQLValue] = [.text(fact.stream), fact.text("scope"), fact.actor, fact.occurred]
        try connection.run(
            """
            UPDATE stored_freezes SET ended_by = ?3, ended_us = ?4 WHERE rowid = (SELECT rowid FROM stored_freezes
              WHERE run = ?1 AND scope IS ?2 AND ended_us IS NULL ORDER BY position DESC LIMIT 1)
            """, values)
        guard connection.changes == 0 else { return }
        try connection.run(
            """
            INSERT INTO stored_freezes (position, occurred_us, recorded_us, run, scope, ended_by, ended_us)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """, fact.origin + values)
    }
}
