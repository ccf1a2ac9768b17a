internal import CairnBytes

/// The order of stages, and what entering and leaving one requires.
extension RuleCheck {
    mutating func checkStart() {
        guard checkKnownStage() else { return }
        let places = state.places(of: phase, step: step)
        if let reason = state.rollbackDue {
            add(.rollbackDue, "\(phase) may not start: a rollback is due (\(reason))")
        }
        if state.status == .rollingBack { add(.wrongOrder, "\(phase) may not start while the run rolls back") }
        guard let first = places.first else {
            if state.playbook != nil { add(.wrongStep, "\(stageText) is no step of this run") }
            return
        }
        checkOrder(places, first)
        checkRunTimeout()
        if data["emergency"]?.bool == true, text("reason").isEmpty {
            add(.unapproved, "an emergency start of \(phase) needs a reason")
        }
        for requirement in stage?.startRequirements ?? [] { check(requirement, of: first) }
        for (phase, emergency) in state.emergencies.sorted(by: { $0.key < $1.key }) where time > emergency.deadline {
            add(.emergencyOverdue, "the emergency start of \(phase) was to be approved by \(emergency.deadline)")
        }
    }

    private mutating func checkOrder(_ places: [Int], _ first: Int) {
        let phases = state.phases
        if places.allSatisfy({ phases[$0].status == .active }) {
            add(.wrongOrder, "\(stageText) runs already")
            return
        }
        if places.allSatisfy({ phases[$0].isDone }) {
            add(.wrongOrder, "\(stageText) is over")
            return
        }
        for index in phases.indices where !places.contains(index) && phases[index].isKnown && phases[first].isKnown {
            let other = phases[index]
            let name = other.step.map { "\(other.name), step \($0)" } ?? other.name
            if other.status == .active {
                add(.wrongOrder, "\(stageText) may not start while \(name) runs")
            } else if index < first, !other.isDone, !isOptional(other.name) {
                add(.wrongOrder, "\(stageText) may not start before \(name) is completed")
            } else if index > first, other.isDone, isLaterStage(other.name) {
                add(.wrongOrder, "\(stageText) comes before \(name), which is over")
            }
        }
    }

    private func isOptional(_ name: String) -> Bool { state.playbook?.stage(named: name)?.isOptional ?? true }

    private func isLaterStage(_ name: String) -> Bool {
        guard let playbook = state.playbook, let own = playbook.index(of: phase), let other = playbook.index(of: name)
        else { return false }
        return other > own
    }

    private mutating func checkRunTimeout() {
        guard let limit = state.playbook?.timeoutSeconds, let start = state.startedAt,
            time > start.later(bySeconds: limit)
        else { return }
        add(.runTimedOut, "\(state.stream) has run for more than \(durationText(seconds: limit))")
    }

    mutating func checkCompletion() {
        guard checkKnownStage(), state.playbook != nil else { return }
        let places = state.places(of: phase, step: step).filter { state.phases[$0].status == .active }
        guard let first = places.first else {
            add(.wrongOrder, "\(stageText) does not run")
            return
        }
        if let reason = state.rollbackDue {
            add(.rollbackDue, "\(phase) may not be completed: a rollback is due (\(reason))")
        }
        for requirement in stage?.completeRequirements ?? [] { check(requirement, of: first) }
        checkHooksFinished(places)
        checkTrafficDone(places)
        if let limit = state.stageTimeoutSeconds(phase), let start = state.phases[first].startedAt,
            time > start.later(bySeconds: limit)
        {
            add(.stageTimedOut, "\(stageText) ran for more than \(durationText(seconds: limit))")
        }
    }

    private mutating func checkHooksFinished(_ places: [Int]) {
        for place in places {
            let slot = state.phases[place]
            for hook in state.declaredHooks where hook.phases.contains(phase) {
                let call = state.latestCall(hook.name, phase, slot.step, isRollback: false)
                if call?.hasPassed != true {
                    let standing = call.map { "is \($0.status.rawValue)" } ?? "was not called"
                    add(.hookNotFinished, "hook \(hook.name) of \(stageText) \(standing)")
                }
            }
        }
        let steps = places.map { state.phases[$0].step }
        for call in state.hookCalls where call.phase == phase && !call.isRollback && steps.contains(call.step) {
            if !call.hasPassed {
                add(.hookNotFinished, "hook \(call.hook) of \(stageText) is \(call.status.rawValue)")
            }
        }
    }

    private mutating func checkTrafficDone(_ places: [Int]) {
        if state.playbook?.test?.stage == phase, let shift = state.playbook?.test,
            let last = state.steps(of: shift)?.last
        {
            let target = state.test?.target ?? 0
            if target != last {
                add(.trafficNotShifted, "\(CanonicalJSON.text(of: target)) percent of test traffic is on the target")
            }
        }
        guard state.playbook?.production?.stage == phase, let steps = state.productionSteps else { return }
        let due = places.compactMap { state.phases[$0].step }.max() ?? steps.count
        if state.shiftedSteps < due {
            add(.trafficNotShifted, "step \(due) of the traffic has not been taken")
        } else if due < steps.count {
            checkStepBaked()
        }
    }

    mutating func checkFailure() {
        guard checkKnownStage(), state.playbook != nil else { return }
        if !isActive(phase, step: step) { add(.wrongOrder, "\(stageText) does not run") }
    }

    mutating func checkRevert() {
        guard checkKnownStage(), let stage else { return }
        guard stage.wayBack != nil else {
            add(.noWayBack, "there is no way back from \(phase)")
            return
        }
        guard let last = state.phases.last(where: { $0.isKnown && ($0.startedAt != nil && $0.status != .reverted) })
        else {
            add(.wrongOrder, "\(phase) has not begun")
            return
        }
        let hasBegun = state.places(of: phase, step: step).contains {
            state.phases[$0].startedAt != nil && state.phases[$0].status != .reverted
        }
        if !hasBegun {
            add(.wrongOrder, "\(phase) has not begun")
        } else if last.name != phase {
            add(.wrongOrder, "the way back goes over \(last.name) first")
        }
    }

    /// A run is complete when all its stages are that it cannot be without.
    mutating func checkRunCompletion() {
        if state.status == .rollingBack { add(.wrongOrder, "\(state.stream) is rolling back") }
        if let reason = state.rollbackDue { add(.rollbackDue, "a rollback is due (\(reason))") }
        guard let playbook = state.playbook else { return }
        for phase in state.phases where phase.isKnown {
            guard let stage = playbook.stage(named: phase.name) else { continue }
            if phase.status == .active {
                add(.wrongOrder, "\(phase.name) still runs")
            } else if !stage.isOptional, !stage.isLater, !phase.isDone {
                add(.wrongOrder, "\(phase.name) is not completed")
            }
        }
        checkRunTimeout()
    }
}
