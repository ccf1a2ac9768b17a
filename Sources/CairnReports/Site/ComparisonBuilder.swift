package import CairnAnalyzer
package import CairnBytes
package import CairnLedger
internal import CairnModel
package import CairnReadModels
internal import CairnRecorder
internal import CairnSeries
package import CairnWeb

/// The drill-down of the heat map: one metric of one application.
package enum ComparisonBuilder {
    private static let sourcesMax = 20

    /// - Parameters:
    ///   - report: the latest comparison of the pair; nil if there is none, and then the two are compared in this metric.
    /// - Throws: `QuestionError` where there is nothing to compare, and no finding was recorded.
    package static func build(
        app: String, metric: String, source: String, target: String, report: DivergenceReport?,
        ledger: Ledger, readModel: ReadModel, now: Timestamp
    ) throws -> ComparisonDocument {
        let recorded = try readModel.rows(
            """
            SELECT finding FROM findings WHERE source_cluster = :source AND target_cluster = :target AND app = :app
              AND metric = :metric AND data IS NOT NULL ORDER BY status = 'open' DESC, start_us DESC, position DESC LIMIT 1
            """,
            ["source": .text(source), "target": .text(target), "app": .text(app), "metric": .text(metric)]
        ).first?.text("finding")
        let finding = try recorded.map {
            try FindingBuilder.build(finding: $0, ledger: ledger, readModel: readModel, now: now)
        }
        let pair = TimelineDocument.ClusterNames(source: source, target: target)
        let kept = report.flatMap { report in
            report.source == source && report.target == target
                ? report.comparisons.first { $0.app == app && $0.metric == metric } : nil
        }
        let comparison = try kept ?? compared(app: app, metric: metric, pair, readModel)
        guard let comparison else {
            guard let finding else { throw QuestionError.unknown("comparison", "of \(metric) of \(app)") }
            return ComparisonDocument(
                app: app, metric: metric, pair: pair, verdict: finding.isOpen ? .worse : nil,
                explanation: finding.explanation, finding: finding.id, position: finding.position,
                sources: finding.sources, sourceCount: finding.sourceCount)
        }
        let from = comparison.judgedFromMs.flatMap { Timestamp(milliseconds: $0) }
        let until = comparison.judgedUntilMs.flatMap { Timestamp(milliseconds: $0) }
        let (sources, count) = try sources(pair, from: from, until: until, readModel)
        let verdict = DivergenceMapBuilder.verdict(comparison)
        let signal = try DivergenceSignal.make(
            comparison, readModel, sourceCluster: source, targetCluster: target)
        let isRecorded = finding?.isOpen == true && verdict <= .different
        return ComparisonDocument(
            app: app, metric: metric, pair: pair, verdict: verdict,
            explanation: explanation(comparison, pair, signal, now: now), finding: isRecorded ? finding?.id : nil,
            position: isRecorded ? finding?.position : nil, sources: sources, sourceCount: count)
    }

    /// Compared just now, where nobody keeps it: of the application's own series alone.
    private static func compared(
        app: String, metric: String, _ pair: TimelineDocument.ClusterNames, _ readModel: ReadModel
    ) throws -> DivergenceComparison? {
        var request = try DivergenceRequest(
            of: ClusterPair(source: pair.source, target: pair.target), in: readModel)
        for label in request.appLabels {
            request.selector = SeriesSelector([LabelMatcher(label, equals: app)])
            let comparisons = try DivergenceAnalyzer.analyze(readModel, request).comparisons
            if let found = comparisons.first(where: { $0.app == app && $0.metric == metric }) { return found }
        }
        return nil
    }

    /// In the words that explain a finding, where they fit a comparison that is none.
    private static func explanation(
        _ comparison: DivergenceComparison, _ pair: TimelineDocument.ClusterNames, _ signal: FindingSignal?,
        now: Timestamp
    ) -> Explanation {
        var data = comparison.json.object ?? JSONObject()
        data["analyzer"] = .string(DivergenceReport.analyzer)
        data["clusters"] = ["source": .string(pair.source), "target": .string(pair.target)]
        data["start"] = data["since"]
        data["end"] = data["judged_until"]
        data["evidence_series"] = comparison.evidenceSeries.json
        data["signal"] = signal?.json
        var state = FindingState()
        state.data = .object(data)
        state.isOpen = true
        var explanation = FindingExplanation.make(id: "", state: state, sources: [], now: now)
        explanation.facts.removeAll { ["finding", "status", "when"].contains($0.label) }
        explanation.facts += facts(comparison)
        if comparison.verdict != .diverged || comparison.direction == .better {
            explanation.title = "\(comparison.app): \(FindingText.metric(.object(data)))"
            // What was judged is no fault.
            for index in explanation.charts.indices {
                explanation.charts[index].windows = explanation.charts[index].windows.map {
                    Chart.Window(start: $0.start, end: $0.end, label: "judged", severity: .info)
                }
                if explanation.charts[index].title == "The effect", comparison.margin > 0 {
                    explanation.charts[index].levels.append(Chart.Level(-comparison.margin, "margin"))
                }
            }
            // These two speak of harm and of a finding.
            let would = comparison.wouldChange.map { $0.prefix(1).uppercased() + $0.dropFirst() + "." }
            explanation.sections.removeAll {
                $0.label == "What it means" || $0.label == "What would change the verdict"
            }
            if !would.isEmpty {
                explanation.sections.append(
                    LabelledText("What would change the verdict", would.joined(separator: " ")))
            }
        }
        return explanation
    }

    private static func facts(_ comparison: DivergenceComparison) -> [LabelledText] {
        var facts = [
            LabelledText("how it was read", comparison.meaning),
            LabelledText("margin", FindingText.shortEffect(comparison.margin, unit: comparison.unit)),
            LabelledText("steps with data of both", NumberText.grouped(comparison.steps)),
            LabelledText("steps of the baseline", NumberText.grouped(comparison.baselineSteps)),
        ]
        func time(_ label: String, _ milliseconds: Int64?) {
            if let time = milliseconds.flatMap({ Timestamp(milliseconds: $0) }) {
                facts.append(LabelledText(label, "\(time.dateText) \(time.timeText)"))
            }
        }
        time("judged from", comparison.judgedFromMs)
        time("judged until", comparison.judgedUntilMs)
        time("decided at", comparison.decidedAtMs)
        if let seconds = comparison.timeToDecisionSeconds {
            facts.append(LabelledText("decides in about", NumberText.duration(seconds: seconds)))
        }
        return facts.filter { !$0.text.isEmpty }
    }

    private static func sources(
        _ pair: TimelineDocument.ClusterNames, from: Timestamp?, until: Timestamp?, _ readModel: ReadModel
    ) throws -> (sources: [FindingDocument.Source], count: Int) {
        let rows = try readModel.rows(
            """
            SELECT b.position, b.last_us, count(*) OVER () AS count FROM sample_batches AS b
            WHERE b.cluster IN (:source, :target) AND (:from IS NULL OR b.last_us >= :from)
              AND (:until IS NULL OR b.first_us <= :until) ORDER BY b.position DESC LIMIT \(sourcesMax)
            """,
            [
                "source": .text(pair.source), "target": .text(pair.target), "from": .optional(from?.microseconds),
                "until": .optional(until?.microseconds),
            ])
        let sources = rows.compactMap { row -> FindingDocument.Source? in
            guard let position = row.position("position"), let time = row.time("last_us") else { return nil }
            return .init(position: position, type: "cairn.samples.recorded.v1", time: time)
        }
        return (sources, rows.first?.count("count") ?? 0)
    }
}
