internal import CairnBytes
internal import CairnLedger
internal import CairnModel
internal import CairnReadModels
internal import CairnWeb

/// Timelines for pages: the read model says which entries belong, so that no page reads the whole log.
struct SiteTimeline {
    /// Lines of a page; more are a file, which the exports are.
    private static let linesMax = 800
    /// Of millions nobody wants to know how many.
    private static let countMax = 100_000
    /// Entries that only say how things stood: plans, findings from before.
    private static let contextMax = 5000

    let ledger: Ledger
    let readModel: ReadModel

    /// The timeline, and what was left out, in words.
    func document(_ scope: TimelineScope) throws -> (timeline: TimelineDocument, omission: String?) {
        let (inside, count) = try positionsInside(scope)
        let positions = Set(inside).union(try contextPositions(scope))
        let citation = TimelineDocument.LedgerCitation(
            origin: ledger.origin, size: ledger.size, rootHash: try? Base64.string(ledger.rootHash()))
        var builder = TimelineBuilder(scope: scope, ledger: citation)
        for position in positions.sorted() where position < ledger.size {
            builder.add(try ledger.event(at: position))
        }
        var document = builder.document()
        guard count > inside.count else { return (document, nil) }
        // What only says how things stood is no line where lines were left out.
        let shown = Set(inside)
        document.entries.removeAll { entry in entry.position.map { !shown.contains($0) } ?? false }
        return (
            document,
            "The newest \(inside.count) of \(count > SiteTimeline.countMax ? "more than " : "")"
                + "\(min(count, SiteTimeline.countMax)) lines are shown. Name a shorter time, or export it as a file, which has all."
        )
    }

    /// Bulk evidence, which an import's line stands for, and analyses, which are summed up.
    private static let bulk = [
        "series.named", "samples.recorded", "samples.sealed", "flows.counted", "analysis.completed",
    ]
    .flatMap { ["'cairn.\($0).v1'", "'observed.\($0).v1'"] }.joined(separator: ", ")

    /// The newest entries in the stretch of time, and how many there are in all, as far as it is worth counting.
    private func positionsInside(_ scope: TimelineScope) throws -> (positions: [UInt64], count: Int) {
        let inside = """
            FROM events WHERE (:since IS NULL OR occurred_us >= :since) AND (:until IS NULL OR occurred_us <= :until)
              AND type NOT IN (\(SiteTimeline.bulk))
              AND NOT (type = 'cairn.attachment.dropped.v1' AND data ->> 'replacement' IS NOT NULL)
              AND (:migration IS NULL OR stream NOT LIKE 'migration/%' OR stream = 'migration/' || :migration)
            """
        let arguments: [String: SQLValue] = [
            "since": .optional(scope.since?.microseconds), "until": .optional(scope.until?.microseconds),
            "migration": .optional(scope.migration),
        ]
        let rows = try readModel.rows(
            "SELECT position \(inside) ORDER BY occurred_us DESC, position DESC LIMIT \(SiteTimeline.linesMax)",
            arguments)
        guard rows.count == SiteTimeline.linesMax else {
            return (rows.compactMap { $0.position("position") }, rows.count)
        }
        let count = try readModel.rows(
            "SELECT count(*) AS count FROM (SELECT 1 \(inside) LIMIT \(SiteTimeline.countMax + 1))", arguments
        ).first?.count("count")
        return (rows.compactMap { $0.position("position") }, count ?? rows.count)
    }

    /// The findings and incidents of that time with all that was said of them, the last analyses, and the phases and
    /// plans of the runs that were under way.
    private func contextPositions(_ scope: TimelineScope) throws -> [UInt64] {
        try readModel.rows(
            """
            WITH found AS (
              SELECT finding FROM findings WHERE (:since IS NULL OR coalesce(end_us, :since) >= :since)
                AND (:until IS NULL OR coalesce(start_us, :until) <= :until)
            ), streams AS (
              SELECT 'finding/' || finding AS stream FROM found
              UNION SELECT 'incident/' || incident FROM incident_findings WHERE finding IN (SELECT finding FROM found)
            ), under_way AS (
              SELECT run FROM runs WHERE (:since IS NULL OR coalesce(ended_us, :since) >= :since)
                AND (:until IS NULL OR coalesce(started_us, planned_us, occurred_us) <= :until)
            )
            SELECT position FROM events WHERE stream IN (SELECT stream FROM streams)
            UNION SELECT max(position) FROM analyses WHERE (:since IS NULL OR end_us >= :since)
              AND (:until IS NULL OR coalesce(start_us, :until) <= :until) GROUP BY analysis
            UNION SELECT position FROM phases WHERE run IN (SELECT run FROM under_way)
            UNION SELECT end_position FROM phases WHERE run IN (SELECT run FROM under_way) AND end_position IS NOT NULL
            UNION SELECT position FROM runs WHERE run IN (SELECT run FROM under_way)
            UNION SELECT last_position FROM runs WHERE run IN (SELECT run FROM under_way)
            ORDER BY 1 DESC LIMIT \(SiteTimeline.contextMax)
            """,
            [
                "since": .optional(scope.since?.microseconds), "until": .optional(scope.until?.microseconds),
            ]
        ).compactMap { $0.position("position") }
    }
}
