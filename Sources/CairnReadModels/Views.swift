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
            row: "flow counters of one minute, place, direction and peer, over all files (the rows of `flow_counts`)",
            query: """
                SELECT p.cluster, c.minute, strftime('%Y-%m-%dT%H:%M:%SZ', c.minute * 60, 'unixepoch') AS minute_at,
                  CASE c.direction WHEN 0 THEN 'ingress' ELSE 'egress' END AS direction,
                  CASE c.role WHEN 0 THEN 'server' ELSE 'client' END AS peer_role, c.peer, c.peer_port, c.protocol,
                  p.interface, p.subnet, p.zone, p.instance, c.reject_reason, c.flows, c.rejects, c.late_rejects,
                  c.unanswered, c.resets, c.tcp_flows, c.syn_only, c.packets, c.bytes, c.long_packets
                FROM flow_counts AS c JOIN flow_places AS p ON p.place = c.place
                """),
    ]
}
