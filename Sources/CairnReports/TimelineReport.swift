package import CairnBytes
package import CairnLedger
internal import CairnModel
package import CairnWeb

/// Reads the log once and makes a timeline of it.
package enum TimelineReport {
    package static func document(_ scope: TimelineScope, ledger: Ledger) throws -> TimelineDocument {
        let citation = TimelineDocument.LedgerCitation(
            origin: ledger.origin, size: ledger.size, rootHash: try? Base64.string(ledger.rootHash()))
        var builder = TimelineBuilder(scope: scope, ledger: citation)
        var hasIncident = scope.incident == nil
        var hasMigration = scope.migration == nil
        try ledger.forEach(from: 0) { event in
            if event.subject.kind == "incident", event.subject.id == scope.incident { hasIncident = true }
            if event.subject.kind == "migration", event.subject.id == scope.migration { hasMigration = true }
            builder.add(event)
        }
        guard hasIncident else { throw QuestionError.unknown("incident", scope.incident ?? "") }
        guard hasMigration else { throw QuestionError.unknown("migration", scope.migration ?? "") }
        return builder.document()
    }
}

extension TimelineScope {
    /// People paste the stream (`incident/3f2a`) as often as the id.
    package init(incident: String?, migration: String?, range: AskedRange, now: Timestamp) throws {
        func id(_ text: String?, _ kind: String) -> String? {
            text.map { $0.hasPrefix("\(kind)/") ? String($0.dropFirst(kind.utf8.count + 1)) : $0 }
        }
        let (since, until) = try range.times(now: now)
        self.init(
            incident: id(incident, "incident"), migration: id(migration, "migration"), since: since, until: until)
    }
}
