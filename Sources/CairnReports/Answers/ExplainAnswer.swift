package import CairnBytes
internal import CairnLedger
internal import CairnReadModels
package import CairnWeb

/// Why a recorded finding is one.
package enum ExplainAnswer {
    /// More entries than this are counted and not listed.
    private static let sourcesMax = 20

    package static func explanation(of id: String, _ workspace: Workspace, now: Timestamp) throws -> Explanation {
        let full = try finding(id, in: workspace)
        let events = try FindingEvents(of: full, workspace.ledger, workspace.readModel)
        return FindingExplanation.make(
            id: full, state: events.state,
            sources: try events.sources(in: workspace.ledger, most: ExplainAnswer.sourcesMax), now: now)
    }

    /// The one finding whose id begins with a text.
    package static func finding(_ text: String, in workspace: Workspace) throws -> String {
        let result = try workspace.readModel.query(
            "SELECT finding FROM findings WHERE substr(finding, 1, length(:id)) = :id AND data IS NOT NULL ORDER BY finding LIMIT 3",
            ["id": .text(text)])
        let ids = result.rows.compactMap { $0[0].text }
        if let exact = ids.first(where: { $0 == text }) { return exact }
        guard ids.count == 1 else {
            throw QuestionError(
                .nothingThere,
                ids.isEmpty
                    ? "cannot find the finding \(text) in this ledger"
                    : "cannot tell which finding \(text) is: \(ids.joined(separator: ", ")) begin so",
                remedy:
                    "`cairn query \"SELECT finding, kind, reason FROM findings\"` lists them; import --analyze and gate --record record them"
            )
        }
        return ids[0]
    }
}
