package import CairnBytes
package import CairnLedger
internal import CairnModel
package import CairnReadModels
package import CairnWeb

/// One finding from its own events.
package enum FindingBuilder {
    private static let sourcesMax = 50

    /// - Throws: `QuestionError` if no analysis has recorded it.
    package static func build(
        finding: String, ledger: Ledger, readModel: ReadModel, now: Timestamp
    ) throws -> FindingDocument {
        let events = try FindingEvents(of: finding, ledger, readModel)
        let state = events.state
        let data = state.data ?? .null
        let incident = try readModel.rows(
            "SELECT incident FROM incident_findings WHERE finding = :finding ORDER BY position DESC LIMIT 1",
            ["finding": .text(finding)]
        ).first?.text("incident")
        var place: FindingDocument.Place?
        if let app = data["app"]?.string, let metric = data["metric"]?.string,
            let source = data["clusters"]?["source"]?.string, let target = data["clusters"]?["target"]?.string
        {
            place = .init(app: app, metric: metric, source: source, target: target)
        }
        return FindingDocument(
            id: finding, isOpen: state.isOpen, note: state.note(at: now), counts: state.silencing(at: now) == nil,
            explanation: FindingExplanation.make(id: finding, state: state, sources: [], now: now),
            sources: try events.sources(in: ledger, most: sourcesMax), sourceCount: events.evidence.count,
            history: events.history, incident: incident, place: place, position: state.position)
    }
}
