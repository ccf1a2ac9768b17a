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
                + "`zone`, `instance`, `reject_reason`; "
                + FlowsProjection.counts.map { "`\($0.name)` (\($0.meaning))" }.joined(separator: ", ")
                + "; `is_open` (1 while a late file may still change the minute: see `flow_watermarks`)",
            query: """
                SELECT c.cluster, c.minute, strftime('%Y-%m-%dT%H:%M:%SZ', c.minute * 60, 'unixepoch') AS minute_at,
                  CASE s.direction WHEN 0 THEN 'ingress' ELSE 'egress' END AS direction,
                  CASE s.role WHEN 0 THEN 'server' ELSE 'client' END AS peer_role, e.peer, s.peer_port, s.protocol,
                  p.interface, p.subnet, p.zone, p.instance, s.reject_reason,
                  \(FlowsProjection.counts.map { "\(number($0.name)) AS \($0.name)" }.joined(separator: ",\n  ")),
                  c.minute >= w.open_minute AS is_open
                FROM flow_counts AS c JOIN json_each(c.digits) AS r
                  LEFT JOIN flow_places AS p ON p.place = \(number("place"))
                  LEFT JOIN flow_peers AS e ON e.number = \(number("peer"))
                  LEFT JOIN flow_services AS s ON s.number = \(number("service"))
                  LEFT JOIN flow_watermarks AS w ON w.cluster = c.cluster
                """),
    ]

    /// A number of a counter, cut out of its text.
    private static func number(_ name: String) -> String {
        "CAST(substr(r.value, c.\(name)_at, c.\(name)_digits) AS INTEGER)"
    }
}
