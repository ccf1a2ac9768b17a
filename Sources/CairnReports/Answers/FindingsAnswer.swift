package import CairnReadModels

/// The findings and incidents there are.
package enum FindingsAnswer {
    /// `:status` is open or withdrawn, or null for all.
    package static let findings = """
        SELECT f.finding, f.status, f.kind, f.source_cluster, f.target_cluster, f.cluster, f.side, f.app, f.metric,
          f.peer, f.peer_port, f.start_at, f.end_at, f.reason, f.status_reason, f.acknowledged_by, f.muted_by,
          f.mute_expires_at, f.false_by, f.false_expires_at,
          (SELECT l.incident FROM incident_findings AS l WHERE l.finding = f.finding ORDER BY l.position DESC LIMIT 1)
            AS incident, f.position
        FROM findings AS f WHERE :status IS NULL OR f.status = :status ORDER BY f.position
        """

    /// `:status` is open or closed, or null for all.
    package static let incidents = """
        SELECT i.incident, i.title, i.severity, i.status, i.opened_at, i.closed_at, i.reason,
          (SELECT count(*) FROM incident_findings AS l WHERE l.incident = i.incident) AS findings, i.position
        FROM incidents AS i WHERE :status IS NULL OR i.status = :status ORDER BY i.position
        """

    package static func answer(
        _ sql: String, status: String?, _ workspace: Workspace, limits: QueryLimits
    ) throws -> Answered {
        QueryAnswer.answered(
            try workspace.readModel.query(sql, ["status": .optional(status)], limits: limits))
    }
}
