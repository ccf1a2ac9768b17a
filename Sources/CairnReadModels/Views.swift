/// Views under the names that people look for.
enum Views {
    struct View: Sendable {
        var name: String
        /// What one row is.
        var row: String
        var query: String

        var createStatement: String { "CREATE VIEW \(name) AS \(query)" }
    }

    static let all = [
        View(
            name: "sample_gaps", row: "a batch of samples that the log cannot give any more, and no window stands for",
            query: """
                SELECT position, cluster, samples, first_at, first_us, last_at, last_us,
                  CASE content WHEN 'gone' THEN 'dropped' ELSE content END AS reason
                FROM sample_batches WHERE content <> 'present' AND window IS NULL
                """),
        View(
            name: "migrations", row: "one migration (the rows of `runs` of that kind)",
            query: """
                SELECT run, id, title, playbook, source_cluster, target_cluster, tenant, region, status, phase,
                  phase_status, reason, planned_by, planned_at, planned_us, started_at, started_us, ended_at, ended_us,
                  position, last_position, occurred_at, occurred_us, recorded_at, recorded_us
                FROM runs WHERE kind = 'migration'
                """),
        View(
            name: "deployments", row: "one deployment (the rows of `runs` of that kind)",
            query: """
                SELECT run, id, title, playbook, service, source_cluster AS cluster, source_revision, target_revision,
                  desired_count, parameters, hooks, status, phase, phase_status, reason, planned_by, planned_at,
                  planned_us, started_at, started_us, ended_at, ended_us, position, last_position, occurred_at,
                  occurred_us, recorded_at, recorded_us
                FROM runs WHERE kind = 'deployment'
                """),
        View(
            name: "flow_counters",
            row: "flow counters of one minute, place, direction and peer, over all files: `cluster`, `minute` (since "
                + "1970), `minute_at`, `direction`, `peer_role`, `peer`, `peer_port`, `protocol`, `interface`, `subnet`, "
                + "`zone`, `instance`, `account`, `vpc`, `reject_reason`; "
                + FlowsProjection.counts.map { "`\($0.name)` (\($0.meaning))" }.joined(separator: ", ")
                + "; `is_open` (1 while a late file may still change the minute: see `flow_watermarks`)",
            // A question in place of a join: SQLite asks it only where somebody wants to know, whereas it makes a join
            // for every row, even to count them.
            query: """
                SELECT c.cluster, c.minute, strftime('%Y-%m-%dT%H:%M:%SZ', c.minute * 60, 'unixepoch') AS minute_at,
                  \(service("CASE s.direction WHEN 0 THEN 'ingress' ELSE 'egress' END", "direction")),
                  \(service("CASE s.role WHEN 0 THEN 'server' ELSE 'client' END", "peer_role")),
                  (SELECT e.peer FROM flow_peers AS e WHERE e.number = \(number("peer"))) AS peer,
                  \(service("s.peer_port", "peer_port")), \(service("s.protocol", "protocol")),
                  \(["interface", "subnet", "zone", "instance", "account", "vpc"].map(place).joined(separator: ",\n  ")),
                  \(service("s.reject_reason", "reject_reason")),
                  \(FlowsProjection.counts.map { "\(number($0.name)) AS \($0.name)" }.joined(separator: ",\n  ")),
                  c.minute >= (SELECT w.open_minute FROM flow_watermarks AS w WHERE w.cluster = c.cluster) AS is_open
                FROM flow_counts AS c JOIN json_each(c.digits) AS r
                """),
    ]

    /// A number of a counter, cut out of its text.
    private static func number(_ name: String) -> String {
        "CAST(substr(r.value, c.\(name)_at, c.\(name)_digits) AS INTEGER)"
    }

    private static func service(_ expression: String, _ name: String) -> String {
        "(SELECT \(expression) FROM flow_services AS s WHERE s.number = \(number("service"))) AS \(name)"
    }

    private static func place(_ name: String) -> String {
        "(SELECT p.\(name) FROM flow_places AS p WHERE p.place = \(number("place"))) AS \(name)"
    }
}
