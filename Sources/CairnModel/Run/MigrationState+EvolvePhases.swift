internal import CairnBytes

/// How stages, approvals and the way back change the state.
extension MigrationState {
    /// Where an event's stage and step are in `phases`. Without a step, a stage per step means all of its steps; where
    /// a stage has no steps of its own, a step says nothing about where it is.
    func places(of phase: String, step: Int?) -> [Int] {
        phases.indices.filter {
            phases[$0].name == phase && (step == nil || phases[$0].step == nil || phases[$0].step == step)
        }
    }

    /// The same, with a place for a stage that nobody knew.
    mutating func placesOrNew(of phase: String, step: Int?) -> [Int] {
        let places = places(of: phase, step: step)
        guard places.isEmpty else { return places }
        // Every unknown name costs a place; a run of honest facts has few of them.
        guard phases.count < 10_000 else { return [] }
        phases.append(PhaseState(name: phase, step: step, isKnown: false))
        return [phases.count - 1]
    }

    mutating func applyPhase(_ name: String, _ event: Input) {
        guard let phase = event.phase else { return }
        let places = placesOrNew(of: phase, step: event.step)
        guard let first = places.first else { return }
        switch name {
        case "phase.started": start(places, event)
        case "phase.completed":
            for place in places where event.step != nil || phases[place].status == .active || places.count == 1 {
                phases[place].status = .completed
                phases[place].endedAt = event.time
            }
        case "phase.failed":
            let place = places.first { phases[$0].status == .active } ?? first
            phases[place].status = .failed
            phases[place].endedAt = event.time
            phases[place].reason = event.text("reason")
            callForRollback(.phaseFailed, "stage \(phase) failed: \(event.text("reason") ?? "no reason given")")
        default: revert(phase, event)
        }
    }

    private mutating func start(_ places: [Int], _ event: Input) {
        let first = places[0]
        begin(at: event.time)
        for index in phases.indices where !places.contains(index) && phases[index].isKnown && phases[first].isKnown {
            // Only one stage runs at a time: an earlier one is over, a later one was not meant.
            if phases[index].status == .active {
                phases[index].status = index < first ? .completed : .reverted
                phases[index].endedAt = event.time
            } else if index < first, phases[index].status != .completed,
                !(playbook?.stage(named: phases[index].name)?
                    .isLater ?? false)
            {
                phases[index].status = .skipped
            }
        }
        for place in places where places.count == 1 || !phases[place].isDone {
            phases[place].status = .active
            phases[place].startedAt = event.time
            phases[place].endedAt = nil
            phases[place].reason = nil
        }
        let phase = phases[first].name
        if event.data["emergency"]?.bool == true, approvals[phase]?.status != .granted {
            emergencies[phase] = Emergency(
                requesters: (emergencies[phase]?.requesters ?? []).adding(event.text("requested_by")),
                deadline: event.time.later(bySeconds: playbook?.emergencyApprovalSeconds ?? 86_400))
        }
    }

    mutating func begin(at time: Timestamp) {
        if startedAt == nil {
            startedAt = time
            // An alarm that is already in ALARM says nothing about this run.
            for alarm in alarms.keys where alarms[alarm]?.state == "ALARM" { alarms[alarm]?.isIgnored = true }
        }
        if status == .planned || status == .unplanned { status = .running }
    }

    /// After the way back everything from its stage on is open again, and what was approved for it no longer counts.
    private mutating func revert(_ phase: String, _ event: Input) {
        let back = playbook?.stage(named: phase)?.wayBack?.stage ?? phase
        guard let start = phases.firstIndex(where: { $0.name == back }),
            let end = phases.lastIndex(where: { $0.name == phase })
        else { return }
        for index in phases.indices where index >= start && phases[index].isKnown == phases[start].isKnown {
            guard phases[index].status != .pending else { continue }
            phases[index].status = index <= end ? .reverted : .pending
            phases[index].endedAt = event.time
            if index == end { phases[index].reason = event.text("reason") }
        }
        forget(Set(phases[start...].map(\.name)))
    }

    /// What was approved, decided and done for stages that are open again no longer counts.
    private mutating func forget(_ names: Set<String>) {
        for name in names {
            approvals[name] = nil
            gates[name] = nil
        }
        hookCalls.removeAll { names.contains($0.phase) && !$0.isRollback }
        if let shift = playbook?.production, names.contains(shift.stage) {
            shiftedSteps = 0
            bake = nil
        }
    }

    mutating func applyApproval(_ name: String, _ event: Input) {
        guard let phase = event.phase else { return }
        switch name {
        case "approval.requested":
            let before = approvals[phase].flatMap { $0.status == .requested ? $0.requesters : nil }
            approvals[phase] = Approval(
                status: .requested, requesters: (before ?? []).adding(event.text("requested_by")),
                requestedAt: event.time, expires: event.text("expires").flatMap { Timestamp($0) })
        case "approval.granted":
            var approval = approvals[phase] ?? Approval(status: .granted)
            approval.status = .granted
            approval.approver = event.text("approver")
            approval.decidedAt = event.time
            approval.isEmergency = event.data["emergency"]?.bool ?? false
            approval.isRetroactive = event.data["retroactive"]?.bool ?? false
            approvals[phase] = approval
            emergencies[phase] = nil
        default:
            var approval = approvals[phase] ?? Approval(status: .rejected)
            approval.status = .rejected
            approval.approver = event.text("approver")
            approval.decidedAt = event.time
            approvals[phase] = approval
        }
    }

    mutating func applyRollback(_ name: String, _ event: Input) {
        let running = rollbacks.lastIndex { $0.endedAt == nil }
        switch name {
        case "rollback.started":
            rollbackDue = nil
            guard running == nil, closedAt == nil else { return }
            rollbacks.append(
                RollbackRecord(
                    reason: event.text("reason") ?? "", finding: event.text("finding"), startedAt: event.time))
            status = .rollingBack
            for index in phases.indices where phases[index].status == .active {
                phases[index].status = .failed
                phases[index].endedAt = event.time
            }
            bake = nil
            hookCalls.removeAll(where: \.isRollback)
        case "rollback.completed":
            rollbackDue = nil
            if let running { rollbacks[running].endedAt = event.time }
            guard closedAt == nil else { return }
            guard playbook?.rollback.endsRun == false else {
                status = .rolledBack
                return
            }
            status = .running
            let undone = phases.indices.filter { phases[$0].status == .failed }
            for index in undone { phases[index].status = .reverted }
            forget(Set(undone.map { phases[$0].name }))
        default:
            if let running {
                rollbacks[running].endedAt = event.time
                rollbacks[running].failure = event.text("reason")
            }
            guard closedAt == nil else { return }
            status = (playbook?.rollback.endsRun ?? true) ? .rollbackFailed : .running
        }
    }

    /// Notes that a rollback has to start, where the playbook says that this is a cause.
    mutating func callForRollback(_ cause: Playbook.RollbackCause, _ reason: String) {
        guard playbook?.rollback.causes.contains(cause) ?? false, rollbackDue == nil, !isFinished,
            status == .running
        else { return }
        rollbackDue = reason
    }
}

extension [String] {
    /// With one more, if there is one and it is not there yet.
    fileprivate func adding(_ name: String?) -> [String] {
        guard let name, !contains(name) else { return self }
        return self + [name]
    }
}
