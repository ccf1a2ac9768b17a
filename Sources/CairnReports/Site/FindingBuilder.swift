package import CairnBytes
package import CairnLedger
internal import CairnModel
package import CairnReadModels
package import CairnWeb

/// One finding from its own events.
package enum FindingBuilder {
    private static let sourcesMax = 50
    private static let historyMax = 200

    /// - Throws: `ReportError.unknown` if no analysis has recorded it.
    package static func build(
        finding: String, ledger: Ledger, readModel: ReadModel, now: Timestamp
    ) throws -> FindingDocument {
        let stream = StreamName(kind: "finding", foreignID: finding)
        var state = FindingState()
        var history: [TimelineEntry] = []
        try ledger.forEach(in: stream, from: 0) { event in
            state.apply(event)
            if history.count < historyMax { history.append(TimelineEntry(event)) }
        }
        guard let data = state.data else { throw ReportError.unknown("finding", finding) }
        let positions = (data["evidence"]?.array ?? []).compactMap { $0.integer.flatMap { UInt64(exactly: $0) } }
        var sources: [FindingDocument.Source] = []
        for position in positions.prefix(sourcesMax) where position < ledger.size {
            let event = try ledger.event(at: position)
            sources.append(.init(position: position, type: event.type, time: event.time))
        }
        let incident = try readModel.rows(
            "SELECT incident FROM incident_findings WHERE finding = :finding ORDER BY position LIMIT 1",
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
            explanation: FindingExplanation.make(id: finding, state: state, sources: [], now: now), sources: sources,
            sourceCount: positions.count, history: history, incident: incident, place: place, position: state.position)
    }
}
