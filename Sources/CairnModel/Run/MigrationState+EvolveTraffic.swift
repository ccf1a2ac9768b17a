internal import CairnBytes

/// How hooks, traffic, workloads, tasks and alarms change the state.
extension MigrationState {
    /// Most calls kept: hooks times stages times steps stay far below.
    private static let hookCallsMax = 10_000

    /// - Parameter isRollback: the same hook is called again on the way back.
    mutating func applyHook(_ name: String, _ event: Input, isRollback: Bool) {
        guard let hook = event.text("hook"), let phase = event.phase else { return }
        let step = step(given: event.step, phase: phase)
        var place = hookCalls.firstIndex {
            $0.hook == hook && $0.phase == phase && $0.step == step && $0.isRollback == isRollback
        }
        if place == nil {
            guard hookCalls.count < MigrationState.hookCallsMax else { return }
            hookCalls.append(
                HookCall(
                    hook: hook, phase: phase, step: step, isRollback: isRollback, attempt: 1,
                    firstCalledAt: event.time, lastCalledAt: event.time))
            place = hookCalls.count - 1
        }
        guard let place else { return }
        switch name {
        case "hook.called":
            hookCalls[place].attempt = max(1, event.integer("attempt") ?? 1)
            hookCalls[place].status = .called
            hookCalls[place].executionID = event.text("execution_id") ?? hookCalls[place].executionID
            hookCalls[place].lastCalledAt = event.time
            hookCalls[place].answeredAt = nil
            hookCalls[place].nextCallAt = nil
            if let id = event.text("execution_id"), executions.count < MigrationState.hookCallsMax {
                executions[id] = HookExecution(
                    hook: hook, phase: phase, step: step, isRollback: isRollback, attempt: hookCalls[place].attempt)
            }
        case "hook.answered": answer(place, event)
        default:
            let action = event.text("action") ?? declaration(of: hook)?.timeoutAction ?? "ROLLBACK"
            hookCalls[place].status = action == "CONTINUE" ? .continued : .timedOut
            hookCalls[place].answeredAt = event.time
            if action != "CONTINUE" { callForRollback(.hookTimedOut, "hook \(hook) timed out at \(phase)") }
        }
    }

    private mutating func answer(_ place: Int, _ event: Input) {
        let hook = hookCalls[place].hook
        hookCalls[place].answeredAt = event.time
        if let details = event.data["hook_details"]?.object {
            var merged = hookDetails[hook] ?? JSONObject()
            for member in details { merged[member.name] = member.value }
            hookDetails[hook] = merged
        }
        switch event.text("status") {
        case "SUCCEEDED": hookCalls[place].status = .succeeded
        case "IN_PROGRESS":
            hookCalls[place].status = .inProgress
            let delay = max(0, event.integer("call_back_delay_seconds") ?? HookCall.defaultCallBackDelaySeconds)
            hookCalls[place].nextCallAt = event.time.later(bySeconds: Double(delay))
        default:
            // No answer that ECS knows counts as a failure.
            hookCalls[place].status = .failed
            callForRollback(.hookFailed, "hook \(hook) failed at \(hookCalls[place].phase)")
        }
    }

    mutating func applyShift(_ event: Input) {
        guard let weights = Weights(event.data["weights"], time: event.time) else { return }
        guard event.text("kind") != "test" else {
            test = weights
            return
        }
        let before = production
        production = weights
        guard status != .rollingBack else { return }
        lastShiftAt = event.time
        bake = nil
        if let step = event.step {
            shiftedSteps = step
        } else if weights.target != before?.target {
            shiftedSteps = min(shiftedSteps + 1, 100_000)
        }
    }

    mutating func applyScale(_ event: Input) {
        guard let name = event.text("application"), let cluster = event.text("cluster"), let to = event.integer("to")
        else { return }
        var application = applications[name] ?? ApplicationState(name: name)
        if application.replicas == nil, cluster == source, application.sizes[cluster] == nil {
            application.replicas = event.integer("from")
        }
        application.sizes[cluster] = max(0, to)
        applications[name] = application
    }

    mutating func applyTask(_ name: String, _ event: Input) {
        guard !isFinished, status != .rollingBack else { return }
        guard name == "task.failed" else {
            breaker.healthyTask()
            return
        }
        breaker.fail(task: event.text("task") ?? "")
        if breaker.isTriggered, let threshold = breaker.threshold {
            callForRollback(.breaker, "\(threshold) tasks failed in a row")
        }
    }

    mutating func applyAlarm(_ event: Input) {
        guard let name = event.text("alarm"), let new = event.text("state") else { return }
        var alarm = alarms[name] ?? AlarmState(state: event.text("previous") ?? "OK")
        // An alarm first heard of after the start, which says that it was in ALARM before, was so at the start.
        if startedAt != nil, alarms[name] == nil, alarm.state == "ALARM" { alarm.isIgnored = true }
        let wasInAlarm = alarm.state == "ALARM"
        alarm.state = new
        alarms[name] = alarm
        guard new == "ALARM", !wasInAlarm, !alarm.isIgnored, startedAt != nil,
            watchedAlarms.isEmpty || watchedAlarms.contains(name)
        else { return }
        callForRollback(.alarm, "alarm \(name)")
    }
}

extension MigrationState.Weights {
    /// Nil unless both shares are numbers from 0 to 100.
    init?(_ value: JSONValue?, time: Timestamp) {
        guard let source = value?["source"]?.double, let target = value?["target"]?.double,
            (0...100).contains(source), (0...100).contains(target)
        else { return nil }
        self.init(source: source, target: target, time: time)
    }
}
