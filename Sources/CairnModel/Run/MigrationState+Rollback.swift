package import CairnBytes

/// What hooks are told of the weights, and which are called again on the way back.
extension MigrationState {
    /// The weights that a hook at a stage is told: test traffic at the stage that shifts it, production traffic where
    /// it is shifted and just before, nothing elsewhere. On the way back all of it is the source's.
    package func weightsToTell(at phase: String) -> (production: JSONObject, test: JSONObject) {
        func told(_ weights: Weights?) -> JSONObject {
            guard status != .rollingBack else { return ["source": 100, "target": 0] }
            return ["source": .number(weights?.source ?? 100), "target": .number(weights?.target ?? 0)]
        }
        let isProduction = playbook?.stage(named: phase)?.isPerStep ?? false || phase == playbook?.production?.stage
        return (
            isProduction ? told(production) : JSONObject(),
            phase == playbook?.test?.stage ? told(test) : JSONObject()
        )
    }

    /// The calls that a rollback still has to make: the hooks of the stages that moved traffic, with the weights
    /// reversed. A rollback has no stage of its own.
    package var callsOfRollback: [EventDraft] {
        guard status == .rollingBack, let playbook else { return [] }
        var drafts: [EventDraft] = []
        for phase in playbook.rollback.revisitedStages {
            guard let reached = phases.last(where: { $0.name == phase && $0.startedAt != nil }) else { continue }
            let weights = weightsToTell(at: phase)
            for hook in declaredHooks where hook.phases.contains(phase) {
                let step = step(given: reached.step, phase: phase)
                let call = latestCall(hook.name, phase, step, isRollback: true)
                guard call?.isFinished != true, call?.status != .called else { continue }
                var data: JSONObject = [
                    "hook": .string(hook.name), "phase": .string(phase),
                    "attempt": .integer((call?.attempt ?? 0) &+ 1),
                    "production_traffic_weights": .object(weights.production),
                    "test_traffic_weights": .object(weights.test),
                ]
                if let step { data["step"] = .integer(step) }
                drafts.append(EventDraft(name: "hook.called", data: .object(data)))
            }
        }
        return drafts
    }
}
