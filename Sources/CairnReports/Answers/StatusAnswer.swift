package import CairnBytes
internal import CairnLedger
package import CairnModel
internal import CairnReadModels
internal import CairnRecorder
package import CairnWeb

/// Where runs of playbooks stand, as tables.
package enum StatusAnswer {
    /// The migration or deployment that an id or a stream names.
    package static func stream(_ id: String, in workspace: Workspace) throws -> StreamName {
        let result = try workspace.readModel.query(
            "SELECT run FROM runs WHERE run = :id OR id = :id ORDER BY position LIMIT 1", ["id": .text(id)])
        guard let name = result.rows.first?[0].text, let stream = StreamName(name) else {
            throw QuestionError.unknown("migration or deployment", id)
        }
        return stream
    }

    package static func all(_ workspace: Workspace, now: Timestamp) throws -> CairnWeb.Table {
        let result = try workspace.readModel.query(
            """
            SELECT r.run AS run, r.kind AS kind, r.playbook AS playbook, r.status AS status, r.phase AS phase,
              r.source_cluster AS source_cluster, r.target_cluster AS target_cluster,
              (SELECT count(*) FROM findings f WHERE f.status = 'open'
                AND f.source_cluster = r.source_cluster AND f.target_cluster = r.target_cluster) AS open_findings,
              (SELECT count(*) FROM findings f WHERE f.status = 'open'
                AND f.source_cluster = r.source_cluster AND f.target_cluster = r.target_cluster
                AND (f.muted_us IS NOT NULL AND coalesce(f.mute_expires_us > :now, 1)
                  OR f.false_us IS NOT NULL AND coalesce(f.false_expires_us > :now, 1))) AS muted_findings,
              (SELECT max(a.end_at) FROM analyses a WHERE a.analyzer IN ('divergence', 'drops')
                AND a.source_cluster = r.source_cluster AND a.target_cluster = r.target_cluster) AS judged_until,
              (SELECT count(*) FROM violations v WHERE v.stream = r.run) AS violations,
              r.started_at AS started_at, r.ended_at AS ended_at
            FROM runs r ORDER BY r.position
            """, ["now": .integer(now.microseconds)])
        var table = Table(result)
        if result.rows.isEmpty { table.notes = ["No migration or deployment has been recorded yet."] }
        return table
    }

    private static let columns = [
        Table.Column("phase"), Table.Column("step"), Table.Column("runbook"), Table.Column("architecture"),
        Table.Column("status"), Table.Column("started_at"), Table.Column("ended_at"),
        Table.Column("took_seconds", title: "TOOK"), Table.Column("budget_seconds", title: "BUDGET"),
        Table.Column("reason"),
    ]

    /// Each stage of one run. The state comes from the events themselves, so what the playbook asks for but has not
    /// happened yet is shown too.
    package static func one(_ stream: StreamName, _ workspace: Workspace) throws -> CairnWeb.Table {
        // Amazon ECS tells of a deployment in streams of its service too.
        let told = try workspace.readModel.query(
            "SELECT position FROM service_events WHERE run = :run ORDER BY position", ["run": .text(stream.text)]
        ).rows.compactMap { row in row[0].integer.map { UInt64(clamping: $0) } }
        let state = try RegisteredPlaybooks(workspace.ledger).state(of: stream, told: told) { event in
            workspace.moments.allSatisfy { moment in
                switch moment {
                case .at(let time): event.time <= time
                case .knownAt(let time): event.recordedTime <= time
                case .entry(let position): event.position <= position
                }
            }
        }
        var rows: [[Table.Cell]] = []
        for phase in state.phases {
            let stage = state.playbook?.stages.first { $0.name == phase.name }
            let seconds = phase.startedAt.flatMap { start in
                phase.endedAt.map { Double($0.microseconds - start.microseconds) / 1e6 }
            }
            var row: [Table.Cell] = [.text(phase.name), phase.step.map { .integer($0) } ?? .missing]
            row.append(.optional(StatusAnswer.label(stage, "runbook")))
            row.append(.optional(StatusAnswer.label(stage, "architecture")))
            row.append(.text(phase.status.rawValue))
            row.append(.optional(phase.startedAt))
            row.append(.optional(phase.endedAt))
            row.append(seconds.map { .seconds($0) } ?? .missing)
            row.append(state.budgets[phase.name].map { .seconds($0) } ?? .missing)
            row.append(.optional(phase.reason))
            rows.append(row)
        }
        var table = Table(
            title: "\(stream): \(state.status.rawValue)",
            columns: StatusAnswer.columns, rows: rows)
        if let weights = state.production {
            table.notes.append(
                "production traffic: \(CanonicalJSON.text(of: weights.source)) % source, "
                    + "\(CanonicalJSON.text(of: weights.target)) % target since \(weights.time)")
        }
        let analyses = try workspace.readModel.query(
            """
            SELECT e.data FROM analyses AS a JOIN runs AS r ON r.source_cluster = a.source_cluster
              AND r.target_cluster = a.target_cluster JOIN events AS e ON e.position = a.position
            WHERE r.run = :run AND a.position = (SELECT max(position) FROM analyses WHERE analysis = a.analysis)
            ORDER BY a.analysis
            """, ["run": .text(stream.text)])
        for row in analyses.rows {
            guard let data = try row[0].text.map({ try JSONParser.parse(Array($0.utf8)).value }) else { continue }
            table.notes.append("judged: \(AnalysisText.sentence(data))")
        }
        if let due = state.rollbackDue { table.notes.append("a rollback is due: \(due)") }
        return table
    }

    /// `4 Move workloads`: the stage's place and name in one of the numberings of the same work.
    private static func label(_ stage: Playbook.Stage?, _ view: String) -> String? {
        stage?.labels.first { $0.view == view }.map { "\($0.number) \($0.title)" }
    }
}
