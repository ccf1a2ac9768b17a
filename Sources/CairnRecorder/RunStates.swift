import CairnBytes
import CairnLedger
import CairnModel

/// The states of the migrations and deployments that an append touches, each read from the log once.
struct RunStates {
    private let playbooks: RegisteredPlaybooks
    private var states: [StreamName: MigrationState] = [:]

    private let isFresh: Bool

    /// - Parameter isFresh: states begin empty instead of with what the log has: for a walk over the log itself.
    init(ledger: Ledger, isFresh: Bool = false) {
        playbooks = RegisteredPlaybooks(ledger)
        self.isFresh = isFresh
    }

    /// The kinds of stream that hold a run of a playbook.
    static func isRun(_ stream: StreamName) -> Bool { stream.kind == "migration" || stream.kind == "deployment" }

    mutating func state(of stream: StreamName) throws -> MigrationState {
        if let state = states[stream] { return state }
        let state = isFresh ? MigrationState(stream: stream) : try playbooks.state(of: stream)
        states[stream] = state
        return state
    }

    /// The rules that a fact breaks where it stands; the state moves on past it.
    /// - Parameter position: where it stands; nil for one that will stand at the end.
    mutating func judge(_ event: RecordedEvent, at position: UInt64?) throws -> [Violation] {
        guard RunStates.isRun(event.subject) else { return [] }
        var state = try state(of: event.subject)
        state.playbooks = try playbooks.known(for: event.type, data: event.data, before: position)
        let violations = Violations.check(state, event)
        state.apply(event)
        states[event.subject] = state
        return violations
    }
}

extension RecordedEvent {
    /// A fact as it will stand in the log, for rules that look at it before it is there. Position and revision are not
    /// known yet and no rule depends on them.
    init(expected event: ProposedEvent, actor: Actor, recordedTime: Timestamp, revision: UInt64) {
        self.init(
            position: 0, id: event.id, source: event.source, type: event.type, subject: event.subject,
            revision: revision, time: event.time, timeText: event.timeText, recordedTime: recordedTime,
            data: event.data, actor: actor, onBehalfOf: event.onBehalfOf, correlationID: event.correlationID,
            causationID: event.causationID, traceparent: event.traceparent, extensions: event.extensions)
    }
}
