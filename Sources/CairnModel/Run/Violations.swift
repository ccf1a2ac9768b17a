internal import CairnBytes

/// A rule that a recorded event broke.
package struct Violation: Sendable, Hashable {
    package var rule: Rule
    package var explanation: String
    /// Where the event is in the log, and its identity.
    package var position: UInt64
    package var eventID: String

    /// The identity of the event that records it: the same event breaks the same rule once, however often it is read.
    package var id: String { "violation/\(position)/\(rule.rawValue)" }

    /// `violation.recorded`, for the stream of the event.
    package var draft: EventDraft {
        EventDraft(
            name: "violation.recorded",
            data: [
                "rule": .string(rule.rawValue), "position": .integer(position), "event_id": .string(eventID),
                "explanation": .string(explanation),
            ])
    }
}

/// Holds what happened against the rules that commands are held to.
package enum Violations {
    /// - Parameter state: the run before the event.
    package static func check(_ state: MigrationState, _ event: RecordedEvent) -> [Violation] {
        let broken: [BrokenRule]
        switch EventVocabulary.standard.read(type: event.type, data: event.data) {
        case .unknownVersion: return []
        case .foreign: broken = foreign(state, event)
        case .known(let name, let data): broken = known(state, event, name, data)
        }
        return broken.map {
            Violation(rule: $0.rule, explanation: $0.explanation, position: event.position, eventID: event.id)
        }
    }

    private static func known(
        _ state: MigrationState, _ event: RecordedEvent, _ name: String, _ data: JSONValue
    ) -> [BrokenRule] {
        guard let schema = EventVocabulary.standard.schema(named: name) else { return [] }
        do throws(SchemaError) {
            try schema.validate(data, isStored: true)
        } catch {
            return [BrokenRule(rule: .invalidData, explanation: "\(error)")]
        }
        guard schema.streamKinds.isEmpty || schema.streamKinds.contains(event.subject.kind) else {
            let kinds = schema.streamKinds.joined(separator: " or ")
            return [
                BrokenRule(rule: .wrongStream, explanation: "\(name) belongs to a stream of kind \(kinds)")
            ]
        }
        guard EventVocabulary.runs.contains(event.subject.kind), state.stream == event.subject,
            schema.origin == .command
        else { return [] }
        return RuleCheck.broken(
            in: state, name: name, data: data.object ?? JSONObject(), time: event.time,
            now: event.recordedTime, provenance: .fact)
    }

    /// Foreign events come more than once and out of order, and name stages only in passing: one of them is against the
    /// order only if it happened after a later stage had begun and nothing rolls back.
    private static func foreign(_ state: MigrationState, _ event: RecordedEvent) -> [BrokenRule] {
        var broken: [BrokenRule] = []
        for fact in Facts.interpret(event) where fact.name == "hook.called" && fact.run == state.stream {
            guard let phase = fact.data["phase"]?.string, let own = state.playbook?.index(of: phase),
                let active = state.activePhase, let started = active.startedAt,
                let current = state.playbook?.index(of: active.name), own < current, event.time > started,
                state.status == .running, state.playbook?.stages[own].isPerStep != true
            else { continue }
            broken.append(
                BrokenRule(
                    rule: .wrongOrder, explanation: "a hook of \(phase) was called while \(active.name) ran"))
        }
        return broken
    }
}
