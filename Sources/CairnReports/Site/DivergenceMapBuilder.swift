package import CairnAnalyzer
package import CairnBytes
internal import CairnModel
package import CairnReadModels
package import CairnWeb

/// The heat map of two clusters: from a comparison of them, where there is one, and from the findings that were recorded.
package struct DivergenceMapBuilder {
    private static let pageSize = 100
    private static let pairsMax = 200
    /// Columns that still can be read beside each other; those in which most differs come first.
    private static let metricsMax = 20

    private typealias Verdict = DivergenceMapDocument.Verdict

    private struct Recorded {
        var id: String
        var position: UInt64?
        var isSilenced: Bool
    }

    private struct Application {
        var cells: [String: DivergenceMapDocument.Cell] = [:]
        var worst = Verdict.equivalent
        var score = 0.0
        /// The largest effect of the worst verdict: orders what nobody has decided yet.
        var margins = 0.0
        var position: UInt64?

        mutating func add(_ cell: DivergenceMapDocument.Cell, metric: String, score: Double, position: UInt64?) {
            // Of several comparisons of one metric the worst is shown.
            if let known = cells[metric], known.verdict <= cell.verdict { return }
            cells[metric] = cell
            // What somebody muted stands behind what nobody has looked at.
            let rank = cell.isSilenced ? Verdict.undecided : cell.verdict
            if rank < worst { (self.score, margins) = (0, 0) }
            if rank <= worst {
                self.score = max(self.score, score)
                margins = max(margins, cell.margins)
            }
            worst = min(worst, rank)
            self.position = self.position ?? position
        }
    }

    /// - Parameters:
    ///   - source, target: nil for the migration that moved last.
    ///   - report: the latest comparison of the pair; nil if there is none.
    ///   - comparesEverySeconds: how often the server compares what is under way; 0 if it does not.
    package static func build(
        source: String?, target: String?, report: DivergenceReport?, comparesEverySeconds: Int64 = 0,
        readModel: ReadModel, now: Timestamp, filter: DivergenceMapDocument.Filter = .init()
    ) throws -> DivergenceMapDocument {
        let pairs = try pairs(readModel)
        let chosen = pairs.first { pair in
            (source.map { $0 == pair.source } ?? true) && (target.map { $0 == pair.target } ?? true)
        }
        guard let source = source ?? chosen?.source, let target = target ?? chosen?.target else {
            return DivergenceMapDocument(pair: nil, filter: filter)
        }
        let report = report.flatMap { $0.source == source && $0.target == target ? $0 : nil }
        let pair = TimelineDocument.ClusterNames(source: source, target: target)
        let applications = try applications(pair, report, readModel, now)
        var document = DivergenceMapDocument(
            pair: pair, pairs: pairs, pageSize: pageSize, applications: applications.count,
            comparing: try comparing(pair, report, comparesEverySeconds, readModel), filter: filter)
        if let report {
            let from = report.comparisons.compactMap(\.judgedFromMs).min()
            document.judgedFrom = from.flatMap { Timestamp(milliseconds: $0) }
            let until = report.comparisons.compactMap(\.judgedUntilMs).max()
            document.judgedUntil = until.flatMap { Timestamp(milliseconds: $0) }
        }
        fill(&document, applications)
        return document
    }

    private static func comparing(
        _ pair: TimelineDocument.ClusterNames, _ report: DivergenceReport?, _ everySeconds: Int64,
        _ readModel: ReadModel
    ) throws -> DivergenceMapDocument.Comparing {
        guard report == nil else { return .done }
        guard everySeconds > 0 else { return .off }
        let running = try readModel.rows(
            """
            SELECT 1 FROM migrations WHERE source_cluster = :source AND target_cluster = :target AND ended_us IS NULL LIMIT 1
            """, ["source": .text(pair.source), "target": .text(pair.target)])
        return running.isEmpty ? .ended : .soon(everySeconds: everySeconds)
    }

    /// Those of migrations, the one that moved last first.
    static func pairs(_ readModel: ReadModel) throws -> [TimelineDocument.ClusterNames] {
        try readModel.rows(
            """
            SELECT source_cluster, target_cluster FROM runs
            WHERE kind = 'migration' AND source_cluster IS NOT NULL AND target_cluster IS NOT NULL
            GROUP BY source_cluster, target_cluster ORDER BY max(last_position) DESC LIMIT \(pairsMax)
            """
        ).compactMap { row in
            guard let source = row.text("source_cluster"), let target = row.text("target_cluster") else { return nil }
            return .init(source: source, target: target)
        }
    }

    // MARK: Rows

    private static func applications(
        _ pair: TimelineDocument.ClusterNames, _ report: DivergenceReport?, _ readModel: ReadModel, _ now: Timestamp
    ) throws -> [String: Application] {
        var applications: [String: Application] = [:]
        var recorded: [String: [String: Recorded]] = [:]
        for row in try readModel.rows(
            """
            SELECT finding, app, metric, position, last_position, effect, reason, data ->> 'unit' AS unit,
              data ->> 'direction' AS direction, data ->> 'margin' AS margin, data ->> 'score' AS score,
              \(FleetBuilder.isSilenced) AS silenced
            FROM findings
            WHERE source_cluster = :source AND target_cluster = :target AND status = 'open' AND app IS NOT NULL
            ORDER BY start_us, position
            """,
            ["source": .text(pair.source), "target": .text(pair.target), "now": .integer(now.microseconds)])
        {
            guard let app = row.text("app"), let metric = row.text("metric"), let id = row.text("finding") else {
                continue
            }
            let position = row.position("last_position") ?? row.position("position")
            recorded[app, default: [:]][metric] = Recorded(id: id, position: position, isSilenced: row.flag("silenced"))
            guard report == nil else { continue }
            let effect = row.number("effect")
            let cell = DivergenceMapDocument.Cell(
                verdict: row.text("direction") == "different" ? .different : .worse,
                effect: FindingText.shortEffect(effect, unit: row.text("unit") ?? ""),
                margins: margins(effect, row.number("margin")), reason: row.text("reason") ?? "", finding: id,
                isSilenced: row.flag("silenced"))
            applications[app, default: Application()].add(
                cell, metric: metric, score: row.number("score") ?? 0, position: position)
        }
        for comparison in report?.comparisons ?? [] {
            let verdict = DivergenceMapBuilder.verdict(comparison)
            let known = verdict <= .different ? recorded[comparison.app]?[comparison.metric] : nil
            let cell = DivergenceMapDocument.Cell(
                verdict: verdict, effect: FindingText.shortEffect(comparison.effect, unit: comparison.unit),
                margins: margins(comparison.effect, comparison.margin), reason: comparison.reason, finding: known?.id,
                isSilenced: known?.isSilenced ?? false)
            applications[comparison.app, default: Application()].add(
                cell, metric: comparison.metric, score: comparison.score, position: known?.position)
        }
        return applications
    }

    static func verdict(_ comparison: DivergenceComparison) -> DivergenceMapDocument.Verdict {
        switch (comparison.verdict, comparison.direction) {
        case (.diverged, .worse): .worse
        case (.diverged, .better): .better
        case (.diverged, .different): .different
        case (.equivalent, _): .equivalent
        case (.undecided, _): .undecided
        }
    }

    private static func margins(_ effect: Double?, _ margin: Double?) -> Double {
        guard let effect, let margin, margin > 0, effect.isFinite else { return 0 }
        return effect.magnitude / margin
    }

    // MARK: Page

    private static func fill(_ document: inout DivergenceMapDocument, _ applications: [String: Application]) {
        var counts: [Verdict: Int] = [:]
        var diverged: [String: Int] = [:]
        for application in applications.values {
            for (metric, cell) in application.cells {
                counts[cell.verdict, default: 0] += 1
                diverged[metric, default: 0] += cell.verdict <= .different ? 1 : 0
            }
        }
        document.counts = counts
        let metrics = diverged.sorted { (-$0.value, $0.key) < (-$1.value, $1.key) }.map(\.key)
        document.metrics = Array(metrics.prefix(metricsMax))
        document.hiddenMetrics = metrics.count - document.metrics.count
        let worstFirst = applications.sorted { left, right in
            (left.value.worst, -left.value.score, -left.value.margins, left.key)
                < (right.value.worst, -right.value.score, -right.value.margins, right.key)
        }
        let shownMetrics = document.metrics
        document.overview = worstFirst.map { one in shownMetrics.map { one.value.cells[$0]?.verdict } }
        let filter = document.filter
        var matching = worstFirst.filter { isWanted($0.key, $0.value, filter) }
        if filter.verdict.isEmpty, filter.text.isEmpty {
            let all = matching.count
            matching.removeAll { isEquivalent($0.value) }
            document.folded = all - matching.count
        }
        if filter.sort == "name" { matching.sort { $0.key < $1.key } }
        document.matching = matching.count
        let pages = max(1, (matching.count + pageSize - 1) / pageSize)
        document.filter.page = min(max(1, filter.page), pages)
        document.rows = matching.dropFirst((document.filter.page - 1) * pageSize).prefix(pageSize).map { app, one in
            DivergenceMapDocument.Row(app: app, cells: shownMetrics.map { one.cells[$0] }, position: one.position)
        }
    }

    private static func isEquivalent(_ application: Application) -> Bool {
        application.cells.values.allSatisfy { $0.verdict == .equivalent }
    }

    private static func isWanted(
        _ app: String, _ application: Application, _ filter: DivergenceMapDocument.Filter
    ) -> Bool {
        guard filter.text.isEmpty || app.lowercased().contains(filter.text.lowercased()) else { return false }
        return switch filter.verdict {
        case "diverged": application.cells.values.contains { $0.verdict <= .different }
        case "undecided": application.cells.values.contains { $0.verdict == .undecided }
        case "equivalent": isEquivalent(application)
        default: true
        }
    }
}
