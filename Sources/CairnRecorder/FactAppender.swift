internal import CairnBytes
package import CairnLedger
package import CairnModel

/// Appends facts that were observed elsewhere, in batches, and beside each that breaks a rule an event that says so.
package struct FactAppender {
    /// The identity under which Cairn judges facts.
    static let source = "/cairn/rules"

    private let ledger: Ledger
    private let actor: Actor
    private let clock: any WallClock
    private var states: RunStates

    package private(set) var accepted = 0
    package private(set) var duplicates = 0
    package private(set) var violations = 0
    /// Why plans have no playbook, in words, first few: what follows in their runs is held to no rule of one.
    package private(set) var playbookProblems: [String] = []

    package init(ledger: Ledger, actor: Actor, clock: any WallClock) {
        self.ledger = ledger
        self.actor = actor
        self.clock = clock
        states = RunStates(ledger: ledger)
    }

    /// - Returns: for each fact, why the log cannot take it, or nil if it has it now.
    package mutating func append(_ facts: [ProposedEvent]) throws -> [LedgerError?] {
        var outcomes = [LedgerError?](repeating: nil, count: facts.count)
        do {
            try appendBatch(facts)
        } catch let error as LedgerError where FactAppender.isAboutOneEvent(error) {
            // One bad event must not keep the rest out: go one by one and set aside what cannot be taken.
            for (index, fact) in facts.enumerated() {
                do { try appendBatch([fact]) } catch let error as LedgerError where FactAppender.isAboutOneEvent(error)
                {
                    outcomes[index] = error
                }
            }
        }
        return outcomes
    }

    /// Appends one fact if its stream is at a revision: whoever names one wants to be refused when it moved.
    mutating func append(_ fact: ProposedEvent, expected: ExpectedRevision) throws {
        try appendBatch([fact], expected: expected)
    }

    private static func isAboutOneEvent(_ error: LedgerError) -> Bool {
        switch error.code {
        case .identityConflict, .tooLarge, .invalidEvent: true
        default: false
        }
    }

    private mutating func appendBatch(_ facts: [ProposedEvent], expected: ExpectedRevision = .any) throws {
        // What the log has already is not judged again: its violations are there too. Nor is what comes twice at once.
        var batch: [Append] = []
        var judgedFacts: Set<[String]> = []
        var judged = states
        var broken = 0
        var problems: [String] = []
        for fact in facts {
            batch.append(Append(fact, expected: expected))
            guard judgedFacts.insert([fact.source, fact.id]).inserted,
                try ledger.position(ofSource: fact.source, id: fact.id) == nil
            else { continue }
            let state = RecordedEvent(expected: fact, actor: actor, recordedTime: clock.now(), revision: 0)
            for violation in try judged.judge(state, at: nil) {
                if violation.rule == .unknownPlaybook { problems.append("\(fact.subject): \(violation.explanation)") }
                batch.append(Append(FactAppender.event(violation, about: fact)))
                broken += 1
            }
        }
        let receipts = try ledger.append(batch, actor: actor)
        states = judged
        let duplicate = receipts.count { $0.isDuplicate }
        duplicates += duplicate
        violations += broken
        playbookProblems += problems.prefix(
            ImportSummary.shownMax - min(ImportSummary.shownMax, playbookProblems.count))
        accepted += receipts.count - duplicate - broken
    }

    private static func event(_ violation: Violation, about fact: ProposedEvent) -> ProposedEvent {
        ProposedEvent(
            id: "\(violation.rule.rawValue) \(fact.source) \(fact.id)", source: source,
            type: "cairn.violation.recorded.v1", subject: fact.subject, time: fact.time,
            data: [
                "rule": .string(violation.rule.rawValue), "event_source": .string(fact.source),
                "event_id": .string(fact.id), "explanation": .string(violation.explanation),
            ], causationID: fact.id)
    }
}
