package import CairnBytes

/// A state as JSON with stable keys, for `status` and `replay`.
extension MigrationState {
    package var summary: JSONValue {
        var object: JSONObject = [
            "stream": .string(stream.text), "status": .string(status.rawValue), "playbook": .optional(playbookID),
            "title": .optional(title), "source": .optional(source), "target": .optional(target),
            "phase": .optional(activePhase?.name), "next_phase": .optional(nextPhase?.name),
            "planned_at": .optional(plannedAt?.description), "started_at": .optional(startedAt?.description),
            "closed_at": .optional(closedAt?.description), "reason": .optional(closingReason),
            "target_percent": .optional(production?.target), "rollback_due": .optional(rollbackDue),
            "earliest_switch": .optional(earliestSwitch?.description),
        ]
        object["phases"] = .array(phases.map(phaseSummary))
        object["approvals"] = .array(
            approvals.sorted { $0.key < $1.key }.map { phase, approval in
                [
                    "phase": .string(phase), "status": .string(approval.status.rawValue),
                    "requested_by": .optional(approval.requesters.last), "approver": .optional(approval.approver),
                    "expires": .optional(approval.expires?.description), "emergency": .bool(approval.isEmergency),
                    "retroactive": .bool(approval.isRetroactive),
                ]
            })
        object["emergencies"] = .array(
            emergencies.sorted { $0.key < $1.key }.map { phase, emergency in
                [
                    "phase": .string(phase), "requested_by": .optional(emergency.requesters.last),
                    "approve_by": .string(emergency.deadline.description),
                ]
            })
        object["gates"] = .array(
            gates.sorted { $0.key < $1.key }.map { phase, gate in
                [
                    "phase": .string(phase), "result": .string(gate.result),
                    "reasons": .array(gate.reasons.map { .string($0) }), "time": .string(gate.time.description),
                ]
            })
        object["hooks"] = .array(
            hookCalls.map { call in
                [
                    "hook": .string(call.hook), "phase": .string(call.phase),
                    "step": .optional(call.step.map(Double.init)), "status": .string(call.status.rawValue),
                    "attempts": .integer(call.attempt), "rollback": .bool(call.isRollback),
                ]
            })
        object["applications"] = .array(
            applications.values.sorted { $0.name < $1.name }.map { application in
                [
                    "name": .string(application.name), "class": .optional(application.workloadClass),
                    "source_size": .optional(source.flatMap { application.sizes[$0] }.map(Double.init)),
                    "target_size": .optional(target.flatMap { application.sizes[$0] }.map(Double.init)),
                ]
            })
        object["freezes"] = .array(freezes.keys.sorted().map { .string($0) })
        return .object(object)
    }

    private func phaseSummary(_ phase: PhaseState) -> JSONValue {
        var labels = JSONObject()
        for label in playbook?.stage(named: phase.name)?.labels ?? [] {
            labels[label.view] = .string("\(label.number): \(label.title)")
        }
        return [
            "phase": .string(phase.name), "step": .optional(phase.step.map(Double.init)),
            "status": .string(phase.status.rawValue), "started_at": .optional(phase.startedAt?.description),
            "ended_at": .optional(phase.endedAt?.description), "reason": .optional(phase.reason),
            "budget_seconds": .optional(budgetSeconds(of: phase.name)), "names": .object(labels),
        ]
    }
}
