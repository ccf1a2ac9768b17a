import CairnBytes
import CairnIngest
import CairnLedger
import CairnModel
import CairnRecorder
import HTTPTypes

/// Takes events that others tell of to the log: facts, never refused for what they say, in the same steps as an import of
/// a file.
struct EventIntake: Sendable {
    /// What became of one request.
    struct Outcome: Sendable {
        var accepted = 0
        /// Events that were in the log before.
        var duplicates = 0
        var violations = 0
        var rejectedCount = 0
        /// The first rejects, in words.
        var rejects: [String] = []
    }

    let ledger: Ledger
    let clock: any WallClock
    let pool: BlockingPool
    let journal: Journal
    let metrics: ServerMetrics

    /// Returns when what can be used is on disk. What was rejected is counted and told to the journal.
    /// - Throws: `Problem` with 403, and nothing is taken, if one of them is a judgement and the caller no admin.
    func take(_ received: ReceivedEvents, receiver: String, _ call: Call) async throws -> Outcome {
        try EventIntake.checkAuthority(received, call)
        var outcome = try await pool.run {
            var outcome = Outcome()
            if received.events.isEmpty { return outcome }
            var facts = FactAppender(ledger: ledger, actor: call.actor, clock: clock)
            let events = received.events.map { traced($0.event, call) }
            for (event, error) in zip(events, try facts.append(events)) {
                if let error { outcome.rejects.append("event \(event.id): \(error.message)") }
            }
            outcome.accepted = facts.accepted
            outcome.duplicates = facts.duplicates
            outcome.violations = facts.violations
            return outcome
        }
        outcome.rejectedCount = outcome.rejects.count + received.rejects.count
        outcome.rejects = Array((received.rejects.held.map(\.description) + outcome.rejects).prefix(10))
        metrics.add(.recordsAccepted, outcome.accepted, receiver: receiver)
        metrics.add(.recordsRejected, outcome.rejectedCount, receiver: receiver)
        journal.rejected(
            receiver: receiver, principal: call.principal, count: outcome.rejectedCount, examples: outcome.rejects)
        return outcome
    }

    /// Who acts is who calls: facts that speak for other people's judgement need the scope that can make any token.
    private static func checkAuthority(_ received: ReceivedEvents, _ call: Call) throws {
        guard !(call.principal?.allows(.scope(.admin)) ?? false) else { return }
        for event in received.events.map(\.event) where Judgements.contain(event, toldBy: call.actor.id) {
            throw Problem(
                .forbidden, "forbidden",
                "cannot take the event \(event.id.prefix(100)): \(event.type.prefix(100)) speaks for somebody's judgement, and "
                    + "this token may not",
                remedy: "approve with POST /v1/approvals, or give a sender that tells of approvals the scope admin")
        }
    }

    /// The caller's place in a trace is kept where the event has none itself.
    private func traced(_ event: ProposedEvent, _ call: Call) -> ProposedEvent {
        var event = event
        event.traceparent = event.traceparent ?? call.traceparent
        return event
    }
}
