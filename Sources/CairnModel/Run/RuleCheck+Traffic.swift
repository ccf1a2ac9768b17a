internal import CairnBytes

/// Hooks, traffic, bake, capacity and the way back.
extension RuleCheck {
    // MARK: Hooks

    mutating func checkHook() {
        guard checkKnownStage(), let playbook = state.playbook else { return }
        let hook = text("hook")
        let isRollback = state.status == .rollingBack
        if isRollback {
            if !playbook.rollback.revisitedStages.contains(phase) {
                add(.wrongOrder, "a rollback calls no hooks of \(phase)")
            }
        } else if !isActive(phase, step: step) {
            add(.wrongOrder, "\(stageText) does not run, so its hooks are not called")
        }
        if let stage, stage.hookKinds.isEmpty {
            add(.hookNotAttachable, "\(phase) takes no hooks")
        } else if !state.declaredHooks.isEmpty, state.declaration(of: hook)?.phases.contains(phase) != true {
            add(.hookNotDeclared, "the plan has no hook \(hook) at \(phase)")
        }
        let callStep = state.step(given: step, phase: phase)
        let call = state.latestCall(hook, phase, callStep, isRollback: isRollback)
        switch name {
        case "hook.called": checkCall(call, hook)
        case "hook.answered":
            if call?.status != .called {
                add(.noOpenCall, "hook \(hook) has no open call at \(stageText)")
            } else if let attempt = integer("attempt"), attempt != call?.attempt {
                add(.wrongAttempt, "call \(call?.attempt ?? 0) of hook \(hook) is open, not \(attempt)")
            }
        default:
            guard let call, !call.isFinished else {
                add(.noOpenCall, "hook \(hook) has no open call at \(stageText)")
                return
            }
            if let deadline = state.hookDeadline(call), time < deadline {
                add(.timeoutNotReached, "hook \(hook) times out at \(deadline)")
            }
        }
    }

    private mutating func checkCall(_ call: HookCall?, _ hook: String) {
        if let call, call.isFinished {
            add(.hookAlreadyFinished, "hook \(hook) of \(stageText) is \(call.status.rawValue)")
            return
        }
        let expected = (call?.attempt ?? 0) &+ 1
        if call?.status == .called {
            add(.wrongAttempt, "call \(call?.attempt ?? 0) of hook \(hook) has no answer yet")
        } else if let attempt = integer("attempt"), attempt != expected {
            add(.wrongAttempt, "the next call of hook \(hook) is number \(expected), not \(attempt)")
        }
        if let next = call?.nextCallAt, time < next {
            add(.calledTooEarly, "hook \(hook) asked to be called again at \(next)")
        }
        guard state.status == .rollingBack else { return }
        for field in ["production_traffic_weights", "test_traffic_weights"] {
            guard let share = targetShare(of: data[field]), share != 0 else { continue }
            add(.weightsNotReversed, "on the way back \(field) still gives the target \(CanonicalJSON.text(of: share))")
        }
    }

    /// The target's share in weights by role, or by revision as AWS sends them.
    private func targetShare(of value: JSONValue?) -> Double? {
        guard let weights = value?.object else { return nil }
        if let share = weights["target"]?.double { return share }
        guard let target = state.target, !target.isEmpty else { return nil }
        return weights.first { $0.name == target || $0.name.hasSuffix("/" + target) }?.value.double
    }

    // MARK: Traffic

    mutating func checkShift() {
        guard let source = data["weights"]?["source"]?.double, let target = data["weights"]?["target"]?.double else {
            add(.invalidData, "the weights need a number for source and one for target")
            return
        }
        if !(0...100).contains(source) || !(0...100).contains(target) || (source + target - 100).magnitude > 1e-6 {
            add(
                .weightsNot100,
                "\(CanonicalJSON.text(of: source)) and \(CanonicalJSON.text(of: target)) percent are not 100 in all")
            return
        }
        let isTest = text("kind") == "test"
        guard let playbook = state.playbook else { return }
        guard let shift = isTest ? playbook.test : playbook.production else {
            add(.wrongOrder, "\(playbook.id) shifts no \(text("kind")) traffic")
            return
        }
        if state.status == .rollingBack {
            let before = (isTest ? state.test : state.production)?.target ?? 0
            if target > before {
                add(.weightsNotReversed, "a rollback takes traffic from the target, and does not give it more")
            }
            return
        }
        if let reason = state.rollbackDue {
            add(.rollbackDue, "traffic may not move on: a rollback is due (\(reason))")
        }
        // A stage that is entered once holds all steps of its traffic.
        let isPerStep = playbook.stage(named: shift.stage)?.isPerStep ?? false
        if !isActive(shift.stage, step: isTest || !isPerStep ? nil : step) {
            add(.wrongOrder, "\(text("kind")) traffic moves in \(shift.stage), which does not run")
        }
        guard let steps = state.steps(of: shift) else { return }
        if isTest {
            if !steps.contains(target) { add(.wrongStep, "test traffic goes to the target as a whole") }
            return
        }
        checkStep(steps, target)
    }

    private mutating func checkStep(_ steps: [Double], _ target: Double) {
        let next = state.shiftedSteps &+ 1
        guard next <= steps.count else {
            add(.wrongStep, "all \(steps.count) steps of the traffic were taken")
            return
        }
        if let step, step != next {
            add(.wrongStep, "the next step is \(next) of \(steps.count), not \(step)")
        } else if (steps[next - 1] - target).magnitude > 1e-6 {
            add(
                .wrongStep,
                "step \(next) of \(steps.count) gives the target \(CanonicalJSON.text(of: steps[next - 1])) percent, "
                    + "not \(CanonicalJSON.text(of: target))")
        }
        if next > 1 { checkStepBaked() }
    }

    /// Whether the last step has had its time.
    mutating func checkStepBaked() {
        guard let name = state.playbook?.production?.bakeParameter, let minutes = state.number(ofParameter: name),
            minutes > 0, let shift = state.lastShiftAt
        else { return }
        if time < shift.later(bySeconds: minutes * 60) {
            add(
                .bakeNotElapsed,
                "step \(state.shiftedSteps) bakes for \(CanonicalJSON.text(of: minutes)) min from \(shift)")
        } else if let bake = state.bake, bake.completedAt == nil {
            add(.bakeNotElapsed, "the bake of step \(state.shiftedSteps) is not completed")
        }
    }

    mutating func checkBake() {
        guard state.playbook != nil else { return }
        guard name == "bake.started" else {
            guard let bake = state.bake, bake.completedAt == nil else {
                add(.wrongOrder, "nothing bakes")
                return
            }
            if time < bake.startedAt.later(bySeconds: bake.minutes * 60) {
                add(
                    .bakeNotElapsed,
                    "the bake lasts \(CanonicalJSON.text(of: bake.minutes)) min from \(bake.startedAt)")
            }
            return
        }
        if let bake = state.bake, bake.completedAt == nil {
            add(.wrongOrder, "a bake runs since \(bake.startedAt)")
        }
        guard let active = state.activePhase, let stage = state.playbook?.stage(named: active.name) else {
            add(.wrongOrder, "no stage runs that could bake")
            return
        }
        var expected: Double?
        for case .bake(let parameter) in stage.completeRequirements { expected = state.number(ofParameter: parameter) }
        if let shift = state.playbook?.production, shift.stage == stage.name, let steps = state.productionSteps {
            guard state.shiftedSteps > 0 else {
                add(.wrongBake, "no traffic has moved yet")
                return
            }
            let isLast = state.shiftedSteps >= steps.count
            expected = isLast ? 0 : shift.bakeParameter.flatMap { state.number(ofParameter: $0) }
        } else if expected == nil, state.playbook?.production?.stage != stage.name {
            add(.wrongOrder, "\(stage.name) is no stage that bakes")
        }
        guard let expected, let minutes = data["minutes"]?.double, minutes != expected else { return }
        add(
            .wrongBake,
            "\(stage.name) bakes for \(CanonicalJSON.text(of: expected)) min, not \(CanonicalJSON.text(of: minutes))")
    }

    // MARK: Capacity

    mutating func checkCapacity() {
        guard let from = integer("from"), let to = integer("to") else { return }
        let cluster = text("cluster")
        let name = text("application")
        let application = state.applications[name]
        if application?.workloadClass == "kafka-pair", to != from &+ 1, from != to &+ 1 {
            add(.kafkaStep, "\(name) goes from \(from) to \(to) pairs at once: a group takes one at a time")
        }
        // Without both clusters of the run there is no total to judge.
        guard let source = state.source, let target = state.target, cluster == source || cluster == target else {
            return
        }
        let replicas = application?.replicas ?? (cluster == source ? from : nil)
        let other =
            cluster == source
            ? application?.sizes[target] ?? 0 : application?.sizes[source] ?? application?.replicas
        guard let other else { return }
        let total = to.addingReportingOverflow(other)
        guard !total.overflow else { return }
        let sum = total.partialValue
        if to < from, let floor = integer("floor") ?? application?.floor ?? replicas, sum < floor {
            add(.capacityBelowFloor, "\(name) would have \(sum) in both clusters, below the floor of \(floor)")
        }
        var caps = [integer("cap") ?? application?.cap].compactMap { $0 }
        if application?.workloadClass == "kafka-pair", let replicas { caps.append(replicas &+ 1) }
        if to > from, let cap = caps.min(), sum > cap {
            add(.capacityAboveCap, "\(name) would have \(sum) in both clusters, above the cap of \(cap)")
        }
    }

    // MARK: The way back

    mutating func checkRollback() {
        guard name == "rollback.started" else {
            guard state.status == .rollingBack else {
                add(.notRollingBack, "no rollback runs")
                return
            }
            guard name == "rollback.completed" else { return }
            if let call = state.hookCalls.first(where: { $0.isRollback && !$0.isFinished }) {
                add(.hookNotFinished, "hook \(call.hook) of \(call.phase) is \(call.status.rawValue)")
            }
            let target = state.production?.target ?? 0
            if target != 0 {
                add(
                    .weightsNotReversed,
                    "\(CanonicalJSON.text(of: target)) percent of production traffic is still on the target")
            }
            return
        }
        if state.status == .rollingBack {
            add(.wrongOrder, "a rollback runs already")
            return
        }
        if state.startedAt == nil, state.playbook != nil { add(.wrongOrder, "no stage has begun, so none is undone") }
        guard let playbook = state.playbook else { return }
        for phase in state.phases where phase.isKnown && phase.startedAt != nil && phase.status != .reverted {
            if playbook.stage(named: phase.name)?.wayBack == nil {
                add(.noWayBack, "there is no way back from \(phase.name)")
            }
        }
    }
}
