package import CairnBytes
internal import CairnLedger
internal import CairnModel
internal import CairnReadModels

/// What people said of findings: muted, false, acknowledged.
package struct FindingWords {
    private var states: [String: FindingState] = [:]
    private let now: Timestamp

    package init(_ workspace: Workspace, now: Timestamp) throws {
        self.now = now
        let types = FindingState.eventNames.map { "'cairn.\($0).v1', 'observed.\($0).v1'" }.joined(separator: ", ")
        let found = try workspace.readModel.query(
            "SELECT position FROM events WHERE type IN (\(types)) ORDER BY position")
        for row in found.rows {
            guard let position = row[0].integer.flatMap({ UInt64(exactly: $0) }) else { continue }
            let event = try workspace.ledger.event(at: position)
            states[event.subject.id, default: FindingState()].apply(event)
        }
    }

    /// `muted by ana until ...: reason`; nil if nobody said anything that still holds.
    package func note(on id: String) -> String? { states[id]?.note(at: now) }

    /// Whether it counts: not muted, not marked false.
    package func counts(_ id: String) -> Bool { states[id]?.silencing(at: now) == nil }
}
