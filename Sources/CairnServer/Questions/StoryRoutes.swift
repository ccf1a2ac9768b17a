import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnReports
import CairnWeb
import HTTPTypes

/// Timelines, and what auditors ask for.
extension QuestionRoutes {
    var stories: [Route] {
        let timeline = Route.Parameter.query(
            "format", "the form of the answer", .choice(TimelineFormat.allCases.map(\.rawValue)))
        return [
            get(
                "/v1/timeline", "The story of an incident, a migration or a stretch of time.",
                [.query("incident", "an incident's id"), .query("migration", "a migration's id")]
                    + QuestionRoutes.range + [timeline], lane: .slow
            ) { asked in
                let call = asked.call
                guard let format = TimelineFormat(rawValue: call["format"] ?? "json") else {
                    throw QuestionRoutes.unknownFormat(call)
                }
                let scope = try TimelineScope(
                    incident: call["incident"], migration: call["migration"], range: QuestionRoutes.range(call),
                    now: asked.now)
                let document = try TimelineReport.document(scope, ledger: asked.workspace.ledger)
                // Every form of a timeline is one of tables.
                return QuestionRoutes.answer(
                    TimelineRenderer.render(document, as: format), TableFormat(rawValue: format.rawValue) ?? .json)
            },
            report("/v1/report/population", "For auditors: all changes, with how the list was made.", range: true) {
                let range = try QuestionRoutes.range($0.call).times(now: $0.call.now)
                return try $1.population(since: range.since, until: range.until)
            },
            report("/v1/report/change/{id...}", "For auditors: the pack of one change.") {
                try $1.change(StatusAnswer.stream($0.call.parameter("id"), in: $0.workspace))
            },
        ]
    }

    /// Made from the log just now and not from the tables, which anybody with the file could have changed.
    private func report(
        _ path: String, _ summary: String, range: Bool = false,
        _ make: @escaping @Sendable (Question, AuditReport) throws -> ReportDocument
    ) -> Route {
        var route = get(
            path, summary, (range ? QuestionRoutes.range : []) + [QuestionRoutes.format] + QuestionRoutes.moments
        ) { _ in Answer() }
        route.handle = { call in
            try await room.answer(call) {
                let moments = try QuestionRoutes.moment(call).moments(in: workspace.ledger, now: call.now)
                return try lanes.run(in: .replay) {
                    let replayed = try replayed(moments)
                    defer { try? replayed.readModel.close() }
                    let provenance = try AuditReport.Provenance(
                        person: call.actor.id, time: call.now, ledger: workspace.ledger)
                    let document = try make(
                        Question(call: call, workspace: replayed, now: call.now),
                        AuditReport(readModel: replayed.readModel, provenance: provenance))
                    let format = try QuestionRoutes.tableFormat(call)
                    return QuestionRoutes.answer(ReportRenderer.render(document, as: format), format)
                }
            }
        }
        return route
    }
}
