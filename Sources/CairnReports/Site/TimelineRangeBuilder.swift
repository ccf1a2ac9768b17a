package import CairnBytes
package import CairnLedger
package import CairnReadModels
package import CairnWeb

/// What happened in a stretch of time.
package enum TimelineRangeBuilder {
    /// Without a beginning a page shows the last day of which there is something.
    private static let usualSeconds: Int64 = 86_400

    /// - Parameters:
    ///   - since: nil for a day before the end.
    ///   - until: nil for the last event.
    package static func build(
        since: Timestamp?, until: Timestamp?, migration: String? = nil, ledger: Ledger, readModel: ReadModel,
        now: Timestamp
    ) throws -> TimelineRangeDocument {
        let last = try readModel.rows(
            """
            SELECT max(occurred_us) AS last_us FROM events WHERE :migration IS NULL OR stream = 'migration/' || :migration
            """, ["migration": .optional(migration)]
        ).first?.time("last_us")
        if migration != nil, last == nil { throw QuestionError.unknown("migration", migration ?? "") }
        let end = until ?? last ?? now
        var scope = TimelineScope(migration: migration, since: since, until: until)
        if since == nil, migration == nil { scope.since = end.adding(seconds: -usualSeconds) }
        if since == nil, let migration {
            scope.since = try readModel.rows(
                "SELECT coalesce(started_us, planned_us, occurred_us) AS start_us FROM runs WHERE run = :run",
                ["run": .text("migration/\(migration)")]
            ).first?.time("start_us")
        }
        scope.until = end
        let (timeline, omission) = try SiteTimeline(ledger: ledger, readModel: readModel).document(scope)
        return TimelineRangeDocument(
            timeline: timeline, since: since?.description ?? "", until: until?.description ?? "",
            migration: migration ?? "", omission: omission)
    }
}
