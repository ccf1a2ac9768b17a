package import CairnBytes
package import CairnLedger
package import CairnReadModels
package import CairnWeb

/// The incidents there are, and one of them with its timeline.
package enum IncidentBuilder {
    private static let pageSize = 100

    package static func list(readModel: ReadModel, page: Int = 1) throws -> IncidentsDocument {
        let page = min(max(1, page), 1_000_000)
        let rows = try readModel.rows(
            """
            SELECT i.incident, i.title, i.severity, i.status, i.opened_us, i.closed_us, i.position,
              (SELECT count(*) FROM incident_findings AS l WHERE l.incident = i.incident) AS findings,
              count(*) OVER () AS count
            FROM incidents AS i ORDER BY i.status = 'open' DESC, i.opened_us DESC, i.position DESC
            LIMIT \(pageSize) OFFSET :offset
            """, ["offset": .integer(Int64((page - 1) * pageSize))])
        let lines = rows.compactMap { row -> IncidentsDocument.Line? in
            guard let id = row.text("incident"), let opened = row.time("opened_us"),
                let position = row.position("position")
            else { return nil }
            return IncidentsDocument.Line(
                id: id, title: row.text("title") ?? id, severity: row.text("severity") ?? "",
                isOpen: row.text("status") == "open", opened: opened, closed: row.time("closed_us"),
                findings: row.count("findings"), position: position)
        }
        return IncidentsDocument(lines: lines, count: rows.first?.count("count") ?? 0, pageSize: pageSize, page: page)
    }

    /// - Throws: `QuestionError` if there is no such incident.
    package static func build(
        incident: String, ledger: Ledger, readModel: ReadModel, now: Timestamp
    ) throws -> IncidentDocument {
        let rows = try readModel.rows(
            """
            SELECT i.incident, i.status, i.opened_us, i.closed_us, i.position, min(f.start_us) AS start_us,
              max(coalesce(f.end_us, f.start_us)) AS end_us
            FROM incidents AS i LEFT JOIN incident_findings AS l ON l.incident = i.incident
              LEFT JOIN findings AS f ON f.finding = l.finding
            WHERE i.incident = :incident GROUP BY i.incident
            """, ["incident": .text(incident)])
        guard let row = rows.first, let opened = row.time("opened_us"), let position = row.position("position") else {
            throw QuestionError.unknown("incident", incident)
        }
        let closed = row.time("closed_us")
        let start = row.time("start_us") ?? opened
        let end = max(row.time("end_us") ?? start, closed ?? start)
        // Causes come before, repairs after.
        let margin = TimelineScope.incidentMarginSeconds
        let scope = TimelineScope(
            incident: incident, since: start.adding(seconds: -margin), until: end.adding(seconds: margin))
        let (timeline, omission) = try SiteTimeline(ledger: ledger, readModel: readModel).document(scope)
        return IncidentDocument(
            id: incident, isOpen: row.text("status") == "open", opened: start, closed: closed, position: position,
            timeline: timeline, omission: omission)
    }
}
