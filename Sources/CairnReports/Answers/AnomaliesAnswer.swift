package import CairnAnalyzer
package import CairnBytes
internal import CairnSeries
internal import CairnWeb

/// What is unusual in chosen series, as it is asked for.
package struct AnomaliesQuestion: Sendable, Hashable {
    /// As PromQL writes it.
    package var selector: String
    package var range = AskedRange()
    /// What a change at this moment did, instead of what is unusual.
    package var changedAt: TimeArgument?

    package init(selector: String) { self.selector = selector }

    /// - Parameter now: what relative times count from.
    package func request(now: Timestamp) throws -> AnomalyRequest {
        let parsed: SeriesSelector
        do { parsed = try SeriesSelector(parsing: selector) } catch {
            throw QuestionError(.question, "\(error)", remedy: "write it as metric{label=\"value\"}")
        }
        let (since, until) = try range.times(now: now)
        return AnomalyRequest(selector: parsed, sinceMs: since?.milliseconds, untilMs: until?.milliseconds)
    }

    package func answer(_ workspace: Workspace, now: Timestamp) throws -> Answered {
        let request = try request(now: now)
        if let changedAt { return try judge(changedAt.moment(now: now), request, workspace) }
        let reports = try AnomalyAnalyzer.analyze(workspace.readModel, request)
        return try answered(reports) { AnomaliesAnswer.table($0) }
    }

    /// A JSON object for each sample: time, value, score from 0 to 1, series.
    /// - Parameter write: takes it as a line. The table of what is returned is empty.
    package func scores(
        _ workspace: Workspace, now: Timestamp, _ write: (String) throws -> Void
    ) throws -> Answered {
        guard changedAt == nil else { throw onlyOneMoment }
        let reports = try AnomalyAnalyzer.scores(workspace.readModel, try request(now: now)) { key, scored in
            try write(TableRenderer.jsonLine(AnomaliesAnswer.row(key, scored), columns: AnomaliesAnswer.scoreColumns))
        }
        return try answered(reports) { _ in Table(columns: AnomaliesAnswer.scoreColumns) }
    }

    private var onlyOneMoment: QuestionError {
        QuestionError(.question, "cannot use changed-at with scores or since: it judges one moment")
    }

    private func judge(_ change: Timestamp, _ request: AnomalyRequest, _ workspace: Workspace) throws -> Answered {
        guard range.since == nil else { throw onlyOneMoment }
        let changes = try AnomalyAnalyzer.changes(workspace.readModel, request, changeMs: change.milliseconds)
        guard !changes.isEmpty else { throw nothingFound }
        let outcome: Answered.Outcome =
            changes.contains { $0.change.verdict == .moved }
            ? .finding : changes.allSatisfy { $0.change.verdict == .undecided } ? .undecided : .fine
        return Answered(AnomaliesAnswer.table(changes), outcome)
    }

    private var nothingFound: QuestionError {
        QuestionError(
            .nothingThere, "cannot find a sample of \(selector) in this time",
            remedy: "`cairn query 'SELECT DISTINCT name FROM series'` lists the metrics there are")
    }

    private static let undecidedShownMax = 5

    private func answered(_ reports: [AnomalyReport], _ table: ([AnomalyReport]) -> Table) throws -> Answered {
        let reports = reports.filter { $0.samples > 0 }
        guard !reports.isEmpty else { throw nothingFound }
        // What could not be judged, and why, is never silent.
        let undecided = reports.filter { $0.undecided != nil }
        let most = AnomaliesQuestion.undecidedShownMax
        var notes = undecided.prefix(most).map { "undecided: \($0.key) has \($0.undecided ?? "")" }
        if undecided.count > most { notes.append("undecided: \(undecided.count - most) more series") }
        let outcome: Answered.Outcome =
            reports.contains { !$0.events.isEmpty }
            ? .finding : undecided.count == reports.count ? .undecided : .fine
        return Answered(table(reports), outcome, notes: notes)
    }
}

/// Anomalies of series as a table.
enum AnomaliesAnswer {
    static func table(_ reports: [AnomalyReport]) -> CairnWeb.Table {
        var table = Table(columns: [
            Table.Column("series"), Table.Column("start"), Table.Column("end"), Table.Column("score", decimals: 3),
            Table.Column("value", decimals: 4), Table.Column("expected", decimals: 4), Table.Column("direction"),
            Table.Column("samples"), Table.Column("second_opinion"), Table.Column("peak", isForMachines: true),
            Table.Column("is_rate", isForMachines: true),
            Table.Column("spectral_residual_share", isForMachines: true),
            Table.Column("subspace_share", isForMachines: true),
        ])
        for report in reports {
            for event in report.events {
                table.rows.append([
                    .text(report.key.description), .optional(Timestamp(milliseconds: event.startMs)),
                    .optional(event.endMs.flatMap { Timestamp(milliseconds: $0) }), .number(event.score),
                    .number(event.value), .optional(event.expected), .text(event.isAbove ? "above" : "below"),
                    .integer(event.samples),
                    .optional(event.secondOpinion.map { $0.agrees ? "agrees" : "does not agree" }),
                    .optional(Timestamp(milliseconds: event.peakMs)), .boolean(report.isCounter),
                    .optional(event.secondOpinion?.spectralResidualShare),
                    .optional(event.secondOpinion?.subspaceShare),
                ])
            }
        }
        let judged = reports.count { $0.undecided == nil }
        table.notes = ["\(table.rows.count) anomalies in \(judged) of \(reports.count) series judged"]
        return table
    }

    /// What a change at one moment did to each series.
    static func table(_ changes: [(key: SeriesKey, change: BeforeAfter)]) -> CairnWeb.Table {
        let columns = [
            Table.Column("series"), Table.Column("verdict"), Table.Column("effect", decimals: 4),
            Table.Column("effect_low", decimals: 4), Table.Column("effect_high", decimals: 4),
            Table.Column("deviations", decimals: 1), Table.Column("chance", decimals: 4),
            Table.Column("window_minutes"), Table.Column("reason"),
        ]
        let rows: [[Table.Cell]] = changes.map { key, found in
            guard found.verdict != .undecided else {
                return [.text(key.description), .text(found.verdict.rawValue)]
                    + Array(repeating: .missing, count: columns.count - 3) + [.text(found.reason)]
            }
            return [
                .text(key.description), .text(found.verdict.rawValue), .number(found.effect), .number(found.effectLow),
                .number(found.effectHigh), .number(found.deviations), .number(found.chance),
                .integer(found.windowMinutes), .text(found.reason),
            ]
        }
        return Table(columns: columns, rows: rows)
    }

    static let scoreColumns = ["time", "value", "score", "rate", "series"].map { Table.Column($0) }

    static func row(_ key: SeriesKey, _ scored: AnomalyAnalyzer.Scored) -> [Table.Cell] {
        [
            .optional(Timestamp(milliseconds: scored.timeMs)), .number(scored.value), .number(scored.score),
            .optional(scored.rate), .text(key.description),
        ]
    }
}
