package import CairnAnalyzer
package import CairnBytes
package import CairnLedger
package import CairnModel
package import CairnReadModels

/// Evaluates the gate of a phase on what the log has.
package struct GateEvaluation {
    private let ledger: Ledger
    private let readModel: ReadModel

    package init(ledger: Ledger, readModel: ReadModel) {
        self.ledger = ledger
        self.readModel = readModel
    }

    /// What a gate, or a check alone, looks at.
    package func gather(run: StreamName, phase: String, at moment: Timestamp) throws -> GateCase {
        var gathered = GateCase(run: run, phase: phase, at: moment)
        let types = GateCase.types.map { "'\($0)'" }.joined(separator: ", ")
        let result = try readModel.query("SELECT position FROM events WHERE type IN (\(types)) ORDER BY position")
        for row in result.rows {
            guard let position = row[0].integer.flatMap({ UInt64(exactly: $0) }) else { continue }
            gathered.note(try ledger.event(at: position))
        }
        return gathered
    }

    /// The facts with what samples say, for checks alone.
    package func facts(of gathered: GateCase) throws -> CheckFacts {
        var facts = gathered.facts
        try facts.note(readModel)
        return facts
    }

    /// - Throws: `GatePolicy.PolicyError` for a plan whose gates cannot be read; `Refusal` for a stage that the run does
    ///   not have: a slip of the pen must not pass.
    package func decide(run: StreamName, phase: String, at moment: Timestamp) throws -> GateDecision {
        let known = try stages(of: run)
        guard known.contains(phase) else {
            throw Refusal(
                rule: .unknownStage,
                explanation: "\(run) has no stage \(phase.prefix(100)); it has \(known.joined(separator: ", "))")
        }
        let gathered = try gather(run: run, phase: phase, at: moment)
        let policy = try GatePolicy(phase: phase, gates: gathered.gates)
        return Gate.decide(
            try gathered.evidence(samples: readModel, flows: readModel), phase: phase, by: policy)
    }

    /// The stages of the run's playbook; without one those that it has had, and for a deployment those that Amazon ECS
    /// has.
    private func stages(of run: StreamName) throws -> [String] {
        let state = try RegisteredPlaybooks(ledger).state(of: run)
        if let playbook = state.playbook { return playbook.stages.map(\.name) }
        var names = Set(state.phases.map(\.name))
        if run.kind == "deployment" {
            for id in PlaybookLibrary.builtIn.ids where id.hasPrefix("ecs-") {
                names.formUnion(PlaybookLibrary.builtIn[id]?.stages.map(\.name) ?? [])
            }
        }
        return names.sorted()
    }

    /// The data of the event that records a decision.
    /// - Parameter basis: how much of the log the decision rests on.
    package static func event(_ decision: GateDecision, basis: UInt64) -> JSONValue {
        var data = decision.json.object ?? JSONObject()
        data["evaluated_at"] = nil
        data["judged"] = ["at": .string(decision.time.description)]
        data["basis_position"] = .integer(basis)
        return .object(data)
    }

    /// Decides again what an event recorded, from its part of the log alone.
    /// - Returns: how it comes out differently; nil if it is the same.
    static func difference(_ event: RecordedEvent, _ ledger: Ledger, _ log: EvidenceLog) throws -> String? {
        let recorded = event.data
        guard let phase = recorded["phase"]?.string, let basis = recorded["basis_position"]?.integer,
            let end = UInt64(exactly: basis), let recordedPolicy = recorded["policy"],
            let moment = recorded["judged"]?["at"]?.string.flatMap({ Timestamp($0) })
        else { return "it does not say what it rests on" }
        let policy: GatePolicy
        do throws(GatePolicy.PolicyError) {
            policy = try GatePolicy(recorded: recordedPolicy)
        } catch {
            return "\(error)"
        }
        var gathered = GateCase(run: event.subject, phase: phase, at: moment)
        let types = Set(GateCase.types)
        try ledger.forEach(from: 0, to: min(end, event.position)) { event in
            if types.contains(event.type) { gathered.note(event) }
        }
        let again = Gate.decide(
            try gathered.evidence(samples: log.samples, flows: log.flows), phase: phase, by: policy)
        let now = GateEvaluation.event(again, basis: end)
        let evidence = log.problems.first.map { " (\($0))" } ?? ""
        for name in ["result", "policy_digest", "reasons", "checks", "findings", "evidence"] {
            guard let before = recorded[name], let value = now[name], before != value else { continue }
            return "\(name) was \(CanonicalJSON.string(of: before)) and is \(CanonicalJSON.string(of: value))"
                + evidence
        }
        return log.problems.first
    }
}
