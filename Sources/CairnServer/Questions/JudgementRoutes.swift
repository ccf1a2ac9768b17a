import CairnAnalyzer
import CairnBytes
import CairnLedger
import CairnReports
import CairnWeb
import HTTPTypes

/// What the analyzers say.
extension QuestionRoutes {
    var judgements: [Route] {
        [
            get(
                "/v1/diverge", "Two clusters compared, application by application, metric by metric.",
                QuestionRoutes.pair + QuestionRoutes.range + [
                    .query("app_label", "the label that names the application", .texts),
                    .query("meaning", "what a metric means, where its name does not say it: metric=meaning", .texts),
                    .query("findings_only", "only what diverged", .flag),
                    .query("explain_metrics", "what each metric is taken for, instead of verdicts", .flag),
                    QuestionRoutes.format,
                ], isOfAnyTime: true, lane: .slow
            ) { asked in
                let call = asked.call
                var question = DivergenceQuestion()
                question.source = call["source"]
                question.target = call["target"]
                question.appLabels = call.all("app_label")
                question.meanings = call.all("meaning")
                question.range = try QuestionRoutes.range(call)
                question.findingsOnly = try QuestionRoutes.isSet(call, "findings_only")
                question.explainsMetrics = try QuestionRoutes.isSet(call, "explain_metrics")
                return try QuestionRoutes.answer(question.answer(asked.workspace, now: asked.now), call)
            },
            get(
                "/v1/drops", "Traffic that was dropped, from VPC flow logs.",
                QuestionRoutes.pair + QuestionRoutes.range + [
                    .query(
                        "watermark", "how many minutes a minute waits for an interface that is behind",
                        .number(max: UInt64(DropsQuestion.watermarkMinutesMax))),
                    QuestionRoutes.format,
                ], isOfAnyTime: true, lane: .slow
            ) { asked in
                let call = asked.call
                var question = DropsQuestion()
                question.source = call["source"]
                question.target = call["target"]
                question.range = try QuestionRoutes.range(call)
                if let minutes = try QuestionRoutes.number(call, "watermark") {
                    question.watermarkMinutes = Int(clamping: minutes)
                }
                return try QuestionRoutes.answer(question.answer(asked.workspace, now: asked.now), call)
            },
            get(
                "/v1/anomalies", "What is unusual in any series, judged by its own past.",
                [.query("selector", "as PromQL writes it", isRequired: true).long] + QuestionRoutes.range + [
                    .query("changed_at", "what a change at this moment did, judged by earlier days", .time),
                    .query("scores", "a JSON object a line for each sample, instead of anomalies", .flag),
                    QuestionRoutes.format,
                ], isOfAnyTime: true, lane: .slow, types: QuestionRoutes.tableTypes + [MediaTypes.jsonLines]
            ) { try anomalies($0) },
            get(
                "/v1/explain/{finding}", "The data, the test and the evidence of a finding.",
                [QuestionRoutes.format], isOfAnyTime: true
            ) { asked in
                let explanation = try ExplainAnswer.explanation(
                    of: asked.call.parameter("finding"), asked.workspace, now: asked.now)
                let format = try QuestionRoutes.tableFormat(asked.call)
                return QuestionRoutes.answer(ExplanationRenderer.render(explanation, as: format), format)
            },
            get(
                "/v1/checks", "The catalogue of checks, or what they say of a run.",
                [
                    .query("migration", "the migration or deployment; without it the catalogue"),
                    .query("name", "one check of the catalogue"), .query("at", "as it was at this time", .time),
                    QuestionRoutes.format,
                ], lane: .slow
            ) { asked in
                let call = asked.call
                let names = try CheckAnswer.names(call["name"])
                guard let run = call["migration"] else {
                    return try QuestionRoutes.answer(CheckAnswer.catalog(names), call)
                }
                let moment = try QuestionRoutes.timeArgument(call, "at")?.moment(now: call.now) ?? call.now
                return try QuestionRoutes.answer(CheckAnswer.answer(names, of: run, asked.workspace, at: moment), call)
            },
        ]
    }

    private func anomalies(_ asked: Question) throws -> Answer {
        let call = asked.call
        guard let selector = call["selector"] else {
            throw Problem.badRequest(
                "cannot tell which series are meant", remedy: "write the selector as metric{label=\"value\"}")
        }
        var question = AnomaliesQuestion(selector: selector)
        question.range = try QuestionRoutes.range(call)
        question.changedAt = try QuestionRoutes.timeArgument(call, "changed_at")
        guard try QuestionRoutes.isSet(call, "scores") else {
            return try QuestionRoutes.answer(question.answer(asked.workspace, now: asked.now), call)
        }
        var lines = ""
        let answered = try question.scores(asked.workspace, now: asked.now) { line in
            lines += line
            guard lines.utf8.count <= QuestionRoutes.answerBytesMax else {
                throw Problem(
                    .unprocessableContent, "too-large", "cannot answer with so many samples",
                    remedy: "narrow the selector or the time")
            }
        }
        return Answer(.ok, mediaType: MediaTypes.jsonLines, Array(lines.utf8)).saying(answered)
    }
}
