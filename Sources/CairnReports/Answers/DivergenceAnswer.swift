internal import CairnAnalyzer
package import CairnBytes
internal import CairnRecorder
internal import CairnWeb

/// A comparison of two clusters, as it is asked for.
package struct DivergenceQuestion: Sendable, Hashable {
    /// By default the clusters of the ledger's one migration.
    package var source: String?
    package var target: String?
    /// Labels that name the application; empty for the usual ones.
    package var appLabels: [String] = []
    /// `metric=meaning`, where the name does not say it.
    package var meanings: [String] = []
    /// By default from the start of the phase in which traffic moved.
    package var range = AskedRange()
    package var findingsOnly = false
    /// What each metric is taken for, instead of the verdicts.
    package var explainsMetrics = false

    package init() {}

    /// - Parameter now: what relative times count from.
    package func answer(_ workspace: Workspace, now: Timestamp) throws -> Answered {
        let readModel = workspace.readModel
        let (since, until) = try range.times(now: now)
        guard let pair = try ClusterPair.named(source: source, target: target, in: readModel) else {
            throw QuestionError(
                .question, "cannot tell which clusters to compare: the ledger has no single migration",
                remedy: "name both: source and target")
        }
        var request = try DivergenceRequest(of: pair, in: readModel, since: since, until: until)
        let (planned, asked) = (request.meanings, try said())
        request.meanings = planned.merging(asked) { $1 }
        if !appLabels.isEmpty { request.appLabels = appLabels }
        let report = try DivergenceAnalyzer.analyze(readModel, request)
        guard !report.comparisons.isEmpty else {
            throw QuestionError(
                .nothingThere, "cannot find a metric of both \(pair.source) and \(pair.target) in this time",
                remedy: "import metrics with a cluster label, or with --cluster NAME")
        }
        if explainsMetrics {
            return Answered(
                DivergenceAnswer.meanings(report, asked: Set(asked.keys), planned: Set(planned.keys)))
        }
        let words = try FindingWords(workspace, now: now)
        let outcome: Answered.Outcome =
            report.findings.contains { words.counts($0.id) }
            ? .finding : report.comparisons.allSatisfy { $0.verdict == .undecided } ? .undecided : .fine
        return Answered(DivergenceAnswer.table(report, words, findingsOnly: findingsOnly), outcome)
    }

    private func said() throws -> [String: DivergenceMeaning] {
        var output: [String: DivergenceMeaning] = [:]
        for text in meanings {
            guard let mark = text.firstIndex(of: "="),
                let known = DivergenceMeaning(parsing: String(text[text.index(after: mark)...]))
            else {
                throw QuestionError(
                    .question, "cannot tell what \(text) says of a metric",
                    remedy: "use metric=meaning with one of \(DivergenceMeaning.vocabulary.joined(separator: ", "))")
            }
            output[String(text[..<mark])] = known
        }
        return output
    }
}

/// The verdicts on two clusters as a table.
enum DivergenceAnswer {
    /// - Parameter findingsOnly: only what diverged.
    static func table(_ report: DivergenceReport, _ words: FindingWords, findingsOnly: Bool) -> CairnWeb.Table {
        let shown = findingsOnly ? report.comparisons.filter { $0.verdict == .diverged } : report.comparisons
        let decimals = ["effect": 3, "effect_low": 3, "effect_high": 3, "margin": 3, "log_evidence": 1]
        var columns = [
            "app", "metric", "verdict", "since", "effect", "effect_low", "effect_high", "margin", "log_evidence",
            "reason", "time_to_decision_seconds",
        ].map { Table.Column($0, decimals: decimals[$0]) }
        let fixed = Set(columns.map(\.name))
        columns += (report.comparisons[0].json.object?.names ?? []).filter { !fixed.contains($0) }.map {
            Table.Column($0, isForMachines: true)
        }
        columns += ["finding", "note"].map { Table.Column($0, isForMachines: true) }
        var table = Table(columns: columns)
        for comparison in shown {
            var json = comparison.json.object ?? JSONObject()
            let finding = report.findings.first { $0.comparison == comparison }?.id
            json["finding"] = .optional(finding)
            json["note"] = .optional(finding.flatMap { words.note(on: $0) })
            table.rows.append(columns.map { Table.Cell(json[$0.name] ?? .null) })
        }
        let counts = Dictionary(grouping: report.comparisons, by: \.verdict).mapValues(\.count)
        table.notes = [
            DivergenceVerdict.allCases.map { "\(counts[$0] ?? 0) \($0.rawValue)" }.joined(separator: ", ")
                + "; effects are \(report.comparisons[0].unit == "share" ? "shares" : "logarithms of ratios") or as -o json says"
        ]
        for finding in report.findings {
            guard let note = words.note(on: finding.id) else { continue }
            table.notes.append("\(finding.comparison.app), \(finding.comparison.metric): \(note)")
        }
        let behind = report.comparisons.compactMap(\.behindSeconds).max() ?? 0
        if behind >= 120 {
            table.notes.append("the data of some comparisons is up to \(Int(behind)) s behind the newest")
        }
        if !report.leftOut.isEmpty { table.notes.append("\(report.leftOut.count) metrics were not comparable") }
        return table
    }

    /// What each metric is taken for.
    /// - Parameters:
    ///   - asked: metrics of which whoever asks said what they mean, which counts most.
    ///   - planned: those of which the plan says it.
    static func meanings(
        _ report: DivergenceReport, asked: Set<String>, planned: Set<String>
    ) -> CairnWeb.Table {
        var table = Table(columns: [
            Table.Column("app"), Table.Column("metric"), Table.Column("meaning"), Table.Column("said_by"),
            Table.Column("is_compared"), Table.Column("series"),
        ])
        func source(_ metric: String) -> String {
            asked.contains(metric) ? "--meaning" : planned.contains(metric) ? "the plan" : "its name and labels"
        }
        for one in report.comparisons {
            table.rows.append([
                .text(one.app), .text(one.metric), .text(one.meaning), .text(source(one.metric)), .boolean(true),
                .integer(one.series.count),
            ])
        }
        for one in report.leftOut {
            table.rows.append([
                .text(one.app), .text(one.metric), .text(one.reason), .text(source(one.metric)), .boolean(false),
                .missing,
            ])
        }
        table.notes = [
            "`--meaning METRIC=MEANING`, or `meanings` in the gates of the plan, says otherwise; MEANING is one of "
                + DivergenceMeaning.vocabulary.joined(separator: ", ")
        ]
        return table
    }
}
