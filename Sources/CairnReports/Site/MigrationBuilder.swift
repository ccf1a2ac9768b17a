package import CairnBytes
package import CairnLedger
internal import CairnModel
package import CairnReadModels
package import CairnWeb

/// Asks the read model for all of one run.
package struct MigrationBuilder {
    /// Rows of one table of the page.
    private static let rowsMax = 500

    private let run: String
    private let readModel: ReadModel
    private let now: Timestamp

    /// - Throws: `QuestionError` if there is no such migration or deployment.
    package static func build(
        stream: String, ledger: Ledger, readModel: ReadModel, now: Timestamp
    ) throws -> MigrationDocument {
        try MigrationBuilder(run: stream, readModel: readModel, now: now).document()
    }

    private func rows(_ sql: String, _ arguments: [String: SQLValue] = [:]) throws -> [AnswerRow] {
        try readModel.rows(
            sql, arguments.merging(["run": .text(run)]) { first, _ in first }, most: MigrationBuilder.rowsMax)
    }

    private func document() throws -> MigrationDocument {
        let found = try rows(
            """
            SELECT r.*, e.occurred_us AS last_us FROM runs AS r LEFT JOIN events AS e ON e.position = r.last_position
            WHERE r.run = :run
            """)
        guard let row = found.first else { throw QuestionError.unknown("run", run) }
        let details = try RunDetails(of: [run], readModel)
        var document = MigrationDocument(
            stream: run, title: RunDetails.title(row), kind: row.text("kind") ?? "", status: row.text("status") ?? "",
            reason: row.text("reason"), source: row.text("source_cluster"), target: row.text("target_cluster"),
            facts: facts(row), planPosition: row.position("position"),
            from: row.time("started_us") ?? row.time("planned_us") ?? row.time("occurred_us") ?? now, until: now)
        document.phases = try phases(details, playbook: row.text("playbook"))
        document.waiting = try FleetBuilder.waiting(readModel, run: run)
        document.moments = try moments()
        document.shares = try shares()
        if document.kind == "migration" { try addFindings(to: &document) }
        document.violations = try violations()
        document.applicationCount = details.applications[run] ?? 0
        document.workloads = try workloads(source: document.source, target: document.target)
        document.notes = try notes()
        document.lastTime = row.time("last_us")
        document.lastPosition = row.position("last_position")
        setRange(&document, ended: row.time("ended_us"))
        return document
    }

    private func facts(_ row: AnswerRow) -> [LabelledText] {
        var facts: [LabelledText] = []
        func add(_ label: String, _ text: String?) {
            if let text, !text.isEmpty { facts.append(LabelledText(label, text)) }
        }
        add("playbook", row.text("playbook"))
        add("planned by", row.text("planned_by"))
        add("planned", row.time("planned_us").map { "\($0.dateText) \($0.timeText)" })
        add("tenant", row.text("tenant"))
        add("region", row.text("region"))
        add("service", row.text("service"))
        add("from revision", row.text("source_revision"))
        add("to revision", row.text("target_revision"))
        add("tasks wanted", row["desired_count"].integer.map(String.init))
        return facts
    }

    /// The picture begins and ends with what it shows; what goes on reaches up to now.
    private func setRange(_ document: inout MigrationDocument, ended: Timestamp?) {
        let starts = document.phases.compactMap(\.started) + document.moments.map(\.time) + document.shares.map(\.time)
        document.from = min(document.from, starts.min() ?? document.from)
        let ends =
            document.phases.compactMap { $0.ended ?? $0.started } + document.moments.map { $0.end ?? $0.time }
            + document.shares.map(\.time) + document.findings.filter(\.isOpen).map { $0.end ?? $0.start }
        let goesOn = document.phases.contains { $0.status == "started" } || !document.waiting.isEmpty
        let last = ends.max() ?? ended ?? document.from
        document.until = goesOn ? max(now, last) : last
    }

    // MARK: Parts

    private func phases(_ details: RunDetails, playbook: String?) throws -> [MigrationDocument.Phase] {
        var budgets: [String: Double] = [:]
        for row in try rows("SELECT phase, seconds FROM budgets WHERE run = :run") {
            if let phase = row.text("phase") { budgets[phase] = row.number("seconds") }
        }
        let stages = playbook.flatMap { PlaybookLibrary.builtIn[$0]?.stages } ?? []
        func phase(_ name: String) -> MigrationDocument.Phase {
            let label = stages.first { $0.name == name }?.labels.first { $0.view == "runbook" }
            var phase = MigrationDocument.Phase(name: name, label: label.map { "\($0.number) \($0.title)" })
            phase.budgetSeconds = budgets[name]
            return phase
        }
        let told = (details.phases[run] ?? []).suffix(MigrationBuilder.rowsMax).map { one in
            var phase = phase(one.name)
            phase.step = one.step
            phase.status = one.status
            phase.started = one.started
            phase.ended = one.ended
            phase.reason = one.reason
            phase.startedBy = one.startedBy
            phase.position = one.position
            phase.endPosition = one.endPosition
            return phase
        }
        let begun = Set(told.map(\.name))
        let names = details.stageNames(playbook: playbook)
        let last = names.lastIndex { begun.contains($0) } ?? -1
        // What was passed over stands where it would have been, what is ahead at the end.
        var result = told
        for (index, name) in names.enumerated() where !begun.contains(name) {
            var missing = phase(name)
            if index < last { missing.status = "skipped" }
            let after = Set(names.prefix(index))
            let place = index < last ? (result.lastIndex { after.contains($0.name) } ?? -1) + 1 : result.count
            result.insert(missing, at: place)
        }
        return result
    }

    private func moments() throws -> [MigrationDocument.Moment] {
        try (approvals() + gates() + hooks() + checks() + rollbacks()).sorted {
            ($0.time, $0.position) < ($1.time, $1.position)
        }
    }

    private func approvals() throws -> [MigrationDocument.Moment] {
        try rows("SELECT * FROM approvals WHERE run = :run ORDER BY position").compactMap { row in
            guard let position = row.position("position"), let time = row.time("requested_us") ?? row.time("decided_us")
            else { return nil }
            var details: [String] = []
            if let text = row.text("request_reason") { details.append("asked: \(text)") }
            if let text = row.text("comment") ?? row.text("reason") { details.append(text) }
            if row.flag("emergency") { details.append("an emergency") }
            if row.flag("retroactive") { details.append("approved after the fact") }
            if row["four_eyes"].integer == 0 { details.append("not by another person than the one who asked") }
            let requested = row.text("requested_by").map { "asked by \($0)" }
            let decided = row.text("approver").map { "decided by \($0)" }
            return MigrationDocument.Moment(
                kind: .approval, name: row.text("phase") ?? "?", status: row.text("decision") ?? "waiting", time: time,
                end: row.time("decided_us"), person: [requested, decided].compactMap { $0 }.joined(separator: ", "),
                details: details, position: position, endPosition: row.position("decision_position"))
        }
    }

    private func gates() throws -> [MigrationDocument.Moment] {
        try rows("SELECT * FROM gates WHERE run = :run ORDER BY position").compactMap { row in
            guard let position = row.position("position"), let time = row.time("occurred_us") else { return nil }
            let reasons = row.text("reasons").flatMap { try? JSONParser.parse($0).value.array } ?? []
            return MigrationDocument.Moment(
                kind: .gate, name: row.text("phase") ?? "?", status: row.text("result") ?? "undecided", time: time,
                person: row.text("evaluated_by"), details: reasons.compactMap(\.string), position: position)
        }
    }

    private func hooks() throws -> [MigrationDocument.Moment] {
        try rows("SELECT * FROM hooks WHERE run = :run ORDER BY position").compactMap { row in
            guard let position = row.position("position"),
                let time = row.time("called_us") ?? row.time("answered_us") ?? row.time("timed_out_us")
            else { return nil }
            var details = [row.text("phase")].compactMap { $0 }
            if row.count("attempt") > 1 { details.append("attempt \(row.count("attempt"))") }
            if let action = row.text("timeout_action") { details.append("then \(action)") }
            return MigrationDocument.Moment(
                kind: .hook, name: row.text("hook") ?? "?",
                status: row.time("timed_out_us") == nil ? row.text("status") ?? "waiting" : "timed out", time: time,
                end: row.time("answered_us") ?? row.time("timed_out_us"), details: details, position: position,
                endPosition: row.position("answer_position"))
        }
    }

    private func checks() throws -> [MigrationDocument.Moment] {
        try rows("SELECT * FROM checks WHERE run = :run ORDER BY position").compactMap { row in
            guard let position = row.position("position"), let time = row.time("occurred_us") else { return nil }
            return MigrationDocument.Moment(
                kind: .check, name: row.text("name") ?? "?", status: row.text("result") ?? "undecided", time: time,
                details: [row.text("detail")].compactMap { $0 }, position: position)
        }
    }

    private func rollbacks() throws -> [MigrationDocument.Moment] {
        try rows("SELECT * FROM rollbacks WHERE run = :run ORDER BY position").compactMap { row in
            guard let position = row.position("position"), let time = row.time("occurred_us") else { return nil }
            return MigrationDocument.Moment(
                kind: .rollback, name: "rollback", status: row.text("status") ?? "started", time: time,
                end: row.time("ended_us"), person: row.text("started_by"),
                details: [row.text("reason"), row.text("failure"), row.text("finding")].compactMap { $0 },
                position: position)
        }
    }

    private func shares() throws -> [MigrationDocument.Share] {
        try rows(
            """
            SELECT kind, percent, actor, occurred_us, position FROM traffic_shifts WHERE run = :run AND side = 'target'
            ORDER BY occurred_us, position
            """
        ).compactMap { row in
            guard let time = row.time("occurred_us"), let position = row.position("position"),
                let percent = row.number("percent")
            else { return nil }
            return MigrationDocument.Share(
                time: time, kind: row.text("kind") == "test" ? .test : .production, targetPercent: percent,
                actor: row.text("actor"), position: position)
        }
    }

    private func addFindings(to document: inout MigrationDocument) throws {
        let found = try rows(
            """
            SELECT finding, kind, status, start_us, end_us, occurred_us, data, last_position, position,
              muted_by, false_by, acknowledged_by, mute_expires_us, false_expires_us, status_reason,
              \(FleetBuilder.isSilenced) AS silenced, count(*) OVER () AS count
            FROM findings WHERE source_cluster = :source AND target_cluster = :target AND :run IS NOT NULL
            ORDER BY status = 'open' DESC, start_us DESC, position DESC
            """,
            [
                "source": .optional(document.source), "target": .optional(document.target),
                "now": .integer(now.microseconds),
            ])
        document.findingCount = found.first?.count("count") ?? 0
        document.findings = found.compactMap { FindingRows.line($0) }
    }

    private func violations() throws -> [MigrationDocument.Violation] {
        try rows("SELECT * FROM violations WHERE stream = :run ORDER BY position").compactMap { row in
            guard let position = row.position("position"), let time = row.time("occurred_us") else { return nil }
            return MigrationDocument.Violation(
                rule: row.text("rule") ?? "?", explanation: row.text("explanation") ?? "", time: time,
                position: position, factPosition: row.position("violating_position"))
        }
    }

    /// Replicas as they were last scaled.
    private func workloads(source: String?, target: String?) throws -> [MigrationDocument.Workload] {
        try rows(
            """
            WITH scaled AS (
              SELECT application, cluster, to_count, position, max(position) FROM workloads WHERE run = :run
              GROUP BY application, cluster
            )
            SELECT a.application, a.class, s.to_count AS in_source, t.to_count AS in_target,
              max(coalesce(s.position, a.position), coalesce(t.position, a.position)) AS position
            FROM applications AS a
              LEFT JOIN scaled AS s ON s.application = a.application AND s.cluster = :source
              LEFT JOIN scaled AS t ON t.application = a.application AND t.cluster = :target
            WHERE a.run = :run ORDER BY a.application
            """, ["source": .optional(source), "target": .optional(target)]
        ).map { row in
            MigrationDocument.Workload(
                application: row.text("application") ?? "?", workloadClass: row.text("class") ?? "unknown",
                inSource: row["in_source"].integer, inTarget: row["in_target"].integer,
                position: row.position("position"))
        }
    }

    private func notes() throws -> [TimelineEntry] {
        try rows("SELECT text, author, occurred_us, position FROM notes WHERE stream = :run ORDER BY position")
            .compactMap {
                row in
                guard let time = row.time("occurred_us"), let position = row.position("position") else { return nil }
                return TimelineEntry(
                    time: time, kind: .note, actor: row.text("author") ?? "?", action: row.text("text") ?? "(redacted)",
                    position: position)
            }
    }
}
