package import CairnBytes
package import CairnLedger
internal import CairnModel
package import CairnReadModels
package import CairnWeb

/// Asks the read model where every run stands.
package enum FleetBuilder {
    /// Runs of one page: what still scrolls on a phone, and keeps the page small.
    private static let pageSize = 100
    private static let waitingMax = 200
    /// Batches at the end of a cluster's samples among which the newest sample is looked for: they come a little out of
    /// order.
    private static let batchesMax = 20

    package static func build(
        ledger: Ledger, readModel: ReadModel, now: Timestamp, filter: FleetDocument.Filter = .init()
    ) throws -> FleetDocument {
        var filter = filter
        filter.page = min(max(1, filter.page), 1_000_000)
        let rows = try runRows(readModel, now, filter)
        let details = try RunDetails(of: rows.compactMap { $0.text("run") }, readModel)
        return FleetDocument(
            counts: try counts(readModel, now), waiting: try waiting(readModel, run: nil),
            runs: rows.map { run($0, details) }, matching: rows.first?.count("matching") ?? 0, pageSize: pageSize,
            filter: filter, data: try data(readModel))
    }

    /// Open findings that somebody muted or marked false count for nothing as long as that holds.
    static let isSilenced =
        "(muted_us IS NOT NULL AND coalesce(mute_expires_us, :now + 1) > :now "
        + "OR false_us IS NOT NULL AND coalesce(false_expires_us, :now + 1) > :now)"

    private static func runRows(
        _ readModel: ReadModel, _ now: Timestamp, _ filter: FleetDocument.Filter
    ) throws -> [AnswerRow] {
        try readModel.rows(
            """
            WITH found AS (
              SELECT source_cluster, target_cluster, count(*) AS open, sum(\(isSilenced)) AS silenced
              FROM findings WHERE status = 'open' GROUP BY source_cluster, target_cluster
            ), waits AS (SELECT run, count(*) AS waiting FROM approvals WHERE decision IS NULL GROUP BY run),
            broken AS (SELECT stream, count(*) AS violations FROM violations GROUP BY stream),
            shares AS (
              SELECT run, percent, position AS share_position, max(occurred_us) FROM traffic_shifts
              WHERE side = 'target' AND kind = 'production' GROUP BY run
            )
            SELECT r.run, r.kind, r.title, r.playbook, r.status, r.phase, r.phase_status, r.source_cluster,
              r.target_cluster, r.last_position, e.occurred_us AS last_us, s.percent, s.share_position,
              coalesce(f.open, 0) AS open, coalesce(f.silenced, 0) AS silenced, coalesce(w.waiting, 0) AS waiting,
              coalesce(b.violations, 0) AS violations, count(*) OVER () AS matching
            FROM runs AS r
              LEFT JOIN found AS f ON f.source_cluster = r.source_cluster AND f.target_cluster = r.target_cluster
              LEFT JOIN waits AS w ON w.run = r.run
              LEFT JOIN broken AS b ON b.stream = r.run
              LEFT JOIN shares AS s ON s.run = r.run
              LEFT JOIN events AS e ON e.position = r.last_position
            WHERE (:kind = '' OR r.kind = :kind) AND (:status = '' OR r.status = :status)
              AND (:text = '' OR instr(lower(coalesce(r.title, '') || ' ' || r.run || ' '
                || coalesce(r.source_cluster, '') || ' ' || coalesce(r.target_cluster, '')), lower(:text)) > 0)
            ORDER BY \(order(filter)), r.position LIMIT \(pageSize) OFFSET :offset
            """,
            [
                "now": .integer(now.microseconds), "kind": .text(filter.kind), "status": .text(filter.status),
                "text": .text(filter.text), "offset": .integer(Int64((filter.page - 1) * pageSize)),
            ])
    }

    /// Never a text from outside.
    private static func order(_ filter: FleetDocument.Filter) -> String {
        let direction = filter.isDescending ? "DESC" : "ASC"
        switch filter.sort {
        case "title": return "coalesce(r.title, r.run) \(direction)"
        case "status": return "r.status \(direction)"
        case "share": return "s.percent \(direction)"
        case "findings": return "coalesce(f.open, 0) - coalesce(f.silenced, 0) \(direction)"
        case "last": return "e.occurred_us \(direction)"
        default:
            return "coalesce(w.waiting, 0) > 0 DESC, coalesce(f.open, 0) > coalesce(f.silenced, 0) DESC, "
                + "CASE r.status WHEN 'rollback-failed' THEN 0 WHEN 'rolling-back' THEN 1 WHEN 'running' THEN 2 "
                + "WHEN 'failed' THEN 3 WHEN 'aborted' THEN 4 WHEN 'planned' THEN 5 ELSE 6 END, r.last_position DESC"
        }
    }

    private static func run(_ row: AnswerRow, _ details: RunDetails) -> FleetDocument.Run {
        let stream = row.text("run") ?? ""
        var run = FleetDocument.Run(
            stream: stream, title: RunDetails.title(row), kind: row.text("kind") ?? "", status: row.text("status") ?? ""
        )
        run.stages = details.stages(of: stream, playbook: row.text("playbook"))
        run.phase = row.text("phase")
        run.phaseStatus = row.text("phase_status")
        let phase = details.phases[stream]?.last { $0.name == run.phase }
        run.phaseSince = phase.flatMap { $0.ended ?? $0.started }
        run.phasePosition = phase.map { $0.endPosition ?? $0.position }
        run.source = row.text("source_cluster")
        run.target = row.text("target_cluster")
        run.applications = details.applications[stream] ?? 0
        run.targetPercent = row.number("percent")
        run.sharePosition = row.position("share_position")
        run.waitingApprovals = row.count("waiting")
        run.openFindings = row.count("open")
        run.silencedFindings = row.count("silenced")
        run.violations = row.count("violations")
        run.lastTime = row.time("last_us")
        run.lastPosition = row.position("last_position")
        return run
    }

    private static func counts(_ readModel: ReadModel, _ now: Timestamp) throws -> FleetDocument.Counts {
        var counts = FleetDocument.Counts()
        let rows = try readModel.rows(
            """
            SELECT (SELECT count(*) FROM runs WHERE kind = 'migration') AS migrations,
              (SELECT count(*) FROM runs WHERE kind = 'deployment') AS deployments,
              (SELECT count(*) FROM runs WHERE status = 'running') AS running,
              (SELECT count(*) FROM runs WHERE status IN ('rolling-back', 'rollback-failed')) AS rolling_back,
              (SELECT count(*) FROM findings WHERE status = 'open' AND NOT \(isSilenced)) AS findings,
              (SELECT count(*) FROM incidents WHERE status = 'open') AS incidents
            """, ["now": .integer(now.microseconds)])
        guard let row = rows.first else { return counts }
        counts.migrations = row.count("migrations")
        counts.deployments = row.count("deployments")
        counts.running = row.count("running")
        counts.rollingBack = row.count("rolling_back")
        counts.openFindings = row.count("findings")
        counts.openIncidents = row.count("incidents")
        return counts
    }

    /// Requests for approval that nobody has decided, the oldest first; of one run, or of all.
    static func waiting(_ readModel: ReadModel, run: String?) throws -> [WaitingApproval] {
        try readModel.rows(
            """
            SELECT a.run, r.title, a.phase, a.requested_by, a.requested_us, a.occurred_us, a.expires_us, a.request_reason,
              a.position
            FROM approvals AS a LEFT JOIN runs AS r ON r.run = a.run
            WHERE a.decision IS NULL AND (:run IS NULL OR a.run = :run)
              AND coalesce(r.status, '') NOT IN ('completed', 'aborted', 'failed', 'rolled-back')
            ORDER BY a.occurred_us, a.position
            """, ["run": .optional(run)], most: waitingMax
        ).compactMap { row in
            guard let stream = row.text("run"), let position = row.position("position"),
                let requested = row.time("requested_us") ?? row.time("occurred_us")
            else { return nil }
            return WaitingApproval(
                stream: stream, title: RunDetails.title(row), phase: row.text("phase") ?? "?",
                requestedBy: row.text("requested_by"), requested: requested, expires: row.time("expires_us"),
                reason: row.text("request_reason"), position: position)
        }
    }

    // MARK: Data

    /// Of the clusters of migrations that go on, and of those that send flow logs and belong to none.
    private static func data(_ readModel: ReadModel) throws -> [FleetDocument.DataAge] {
        let clusters = try readModel.rows(
            """
            SELECT source_cluster AS cluster FROM runs WHERE kind = 'migration'
              AND status NOT IN ('completed', 'aborted', 'failed', 'rolled-back')
            UNION SELECT target_cluster FROM runs WHERE kind = 'migration'
              AND status NOT IN ('completed', 'aborted', 'failed', 'rolled-back')
            UNION SELECT cluster FROM flow_watermarks
              WHERE NOT EXISTS (SELECT 1 FROM runs AS r WHERE cluster IN (r.source_cluster, r.target_cluster))
            ORDER BY 1
            """, most: 1000
        ).compactMap { $0.text("cluster") }
        let names = clusters.map { cluster in
            [
                cluster, StreamName(kind: "samples", foreignID: cluster).text,
                StreamName(kind: "flows", foreignID: cluster).text,
            ]
        }
        let rows = try readModel.rows(
            """
            WITH names AS (
              SELECT value ->> 0 AS cluster, value ->> 1 AS samples, value ->> 2 AS flows FROM json_each(:names)
            ), batches AS (
              SELECT n.cluster, b.last_us, b.position FROM names AS n JOIN sample_batches AS b ON b.position IN (
                SELECT position FROM events AS e WHERE e.stream = n.samples ORDER BY revision DESC LIMIT \(batchesMax))
            )
            SELECT cluster, 'samples' AS kind, max(last_us) AS newest_us, position FROM batches GROUP BY cluster
            UNION ALL
            SELECT n.cluster, 'flow logs', w.latest_s * 1000000,
              (SELECT position FROM events AS e WHERE e.stream = n.flows ORDER BY revision DESC LIMIT 1)
            FROM names AS n JOIN flow_watermarks AS w ON w.cluster = n.cluster
            ORDER BY 1, 2
            """,
            ["names": .text(CanonicalJSON.string(of: .array(names.map { .array($0.map { .string($0) }) })))])
        return rows.compactMap { row in
            guard let cluster = row.text("cluster"), let kind = row.text("kind"), let newest = row.time("newest_us")
            else { return nil }
            return FleetDocument.DataAge(
                cluster: cluster, kind: kind, newest: newest, position: row.position("position"))
        }
    }
}
