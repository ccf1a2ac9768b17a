internal import CairnBytes
internal import CairnLedger
internal import CairnModel
internal import CairnReadModels
internal import CairnWeb

/// What the stream of a finding says.
struct FindingEvents {
    private(set) var state = FindingState()
    /// A line for each event, the first ones of a long history.
    private(set) var history: [TimelineEntry] = []
    private static let historyMax = 200

    /// - Parameter readModel: says which events count: one of the past has those of then.
    /// - Throws: `QuestionError` if no analysis has recorded the finding.
    init(of finding: String, _ ledger: Ledger, _ readModel: ReadModel) throws {
        let stream = StreamName(kind: "finding", foreignID: finding)
        for row in try readModel.rows(
            "SELECT position FROM events WHERE stream = :stream ORDER BY revision", ["stream": .text(stream.text)])
        {
            guard let position = row.position("position") else { continue }
            let event = try ledger.event(at: position)
            state.apply(event)
            if history.count < FindingEvents.historyMax { history.append(TimelineEntry(event)) }
        }
        guard state.data != nil else { throw QuestionError.unknown("finding", finding) }
    }

    /// Entries that it rests on.
    var evidence: [UInt64] {
        (state.data?["evidence"]?.array ?? []).compactMap { $0.integer.flatMap { UInt64(exactly: $0) } }
    }

    /// The first entries that it rests on.
    func sources(in ledger: Ledger, most: Int) throws -> [FindingExplanation.Source] {
        try evidence.prefix(most).filter { $0 < ledger.size }.map { position in
            let event = try ledger.event(at: position)
            return FindingExplanation.Source(position: position, type: event.type, time: event.time)
        }
    }
}
