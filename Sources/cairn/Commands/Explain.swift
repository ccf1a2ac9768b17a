import ArgumentParser
import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnReports
import CairnWeb

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Why a finding is one: the data, the test, the evidence over time.",
        discussion: """
            Explains a recorded finding from its own events, and says what would change the verdict.

            Examples:
              cairn query "SELECT finding, kind, reason FROM findings"
              cairn explain drop-3f2a
              cairn explain diverge-9c1e -o html > finding.html
            """)

    @Argument(help: "The finding's id; its beginning is enough.")
    var id: String

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var moment: MomentArguments
    @OptionGroup var output: OutputArguments

    /// More entries than this are counted and not listed.
    private static let sourcesMax = 20

    func run() throws {
        let workspace = try Workspace.open(ledger, command: "explain", moment: moment)
        let full = try ExplainCommand.finding(id, in: workspace)
        let found = try workspace.readModel.query(
            "SELECT position FROM events WHERE stream = :stream ORDER BY revision",
            ["stream": .text(StreamName(kind: "finding", foreignID: full).text)])
        var state = FindingState()
        for row in found.rows {
            guard let position = row[0].integer.flatMap({ UInt64(exactly: $0) }) else { continue }
            state.apply(try workspace.ledger.event(at: position))
        }
        let positions = state.data?["evidence"]?.array?.compactMap { $0.integer.flatMap { UInt64(exactly: $0) } } ?? []
        var sources: [FindingExplanation.Source] = []
        for position in positions.prefix(ExplainCommand.sourcesMax) where position < workspace.ledger.size {
            let event = try workspace.ledger.event(at: position)
            sources.append(.init(position: position, type: event.type, time: event.time))
        }
        let explanation = FindingExplanation.make(
            id: full, state: state, sources: sources, now: SystemClock().now())
        try Terminal.write(ExplanationRenderer.render(explanation, as: output.format))
    }

    /// The one finding whose id begins with a text.
    static func finding(_ text: String, in workspace: Workspace) throws -> String {
        let result = try workspace.readModel.query(
            "SELECT finding FROM findings WHERE substr(finding, 1, length(:id)) = :id AND data IS NOT NULL ORDER BY finding LIMIT 3",
            ["id": .text(text)])
        let ids = result.rows.compactMap { $0[0].text }
        if let exact = ids.first(where: { $0 == text }) { return exact }
        guard ids.count == 1 else {
            throw CommandError(
                ids.isEmpty
                    ? "cannot find the finding \(text) in this ledger"
                    : "cannot tell which finding \(text) is: \(ids.joined(separator: ", ")) begin so",
                remedy:
                    "`cairn query \"SELECT finding, kind, reason FROM findings\"` lists them; import --analyze and gate --record record them",
                status: ExitStatus.data)
        }
        return ids[0]
    }
}
