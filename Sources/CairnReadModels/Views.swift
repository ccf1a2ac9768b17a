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
    ]
}
