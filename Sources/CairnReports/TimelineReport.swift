internal import CairnBytes
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
        guard hasIncident else { throw ReportError.unknown("incident", scope.incident ?? "") }
        guard hasMigration else { throw ReportError.unknown("migration", scope.migration ?? "") }
        return builder.document()
    }
}

/// Why a report cannot be made.
package enum ReportError: Error, Sendable, Hashable, CustomStringConvertible {
    case unknown(_ kind: String, _ id: String)

    package var description: String {
        switch self {
        case .unknown(let kind, let id):
            "cannot find the \(kind) \(id) in this ledger; `cairn query '\(Self.list(kind))'` lists them"
        }
    }

    private static func list(_ kind: String) -> String { "SELECT * FROM \(kind)s" }
}
