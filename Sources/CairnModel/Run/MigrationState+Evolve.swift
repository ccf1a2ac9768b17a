internal import CairnBytes

/// State and event to state. It is total: facts in any order, with any data, never fail; what makes no sense changes
/// nothing.
package func evolve(_ state: MigrationState, _ event: RecordedEvent) -> MigrationState {
    var state = state
    state.apply(event)
    return state
}

extension MigrationState {
    /// The same in place, for replays of many events.
    package mutating func apply(_ event: RecordedEvent) {
        if let notice = ECSNotice(event) {
            guard take(notice) else { return }
            untold[0].count(event)
            tellAgain()
        } else if untold.isEmpty {
            applyOwn(event)
        } else {
            untold[0].applyOwn(event)
            tellAgain()
        }
    }

    private mutating func count(_ event: RecordedEvent) {
        eventCount += 1
        guard event.subject == stream else { return }
        revision = max(revision ?? 0, event.revision)
        lastEventAt = max(lastEventAt ?? .earliest, min(event.time, event.recordedTime))
    }

    private mutating func applyOwn(_ event: RecordedEvent) {
        count(event)
        switch EventVocabulary.standard.read(type: event.type, data: event.data) {
        case .known(let name, let data): apply(name, data.object ?? JSONObject(), at: event.time)
        case .unknownVersion: return
        case .foreign:
            for fact in Facts.interpret(event) {
                apply(fact.name, fact.data.object ?? JSONObject(), at: event.time)
            }
        }
    }

    mutating func apply(_ name: String, _ data: JSONObject, at time: Timestamp) {
        let event = Input(data: data, time: time)
        switch name {
        case "migration.planned", "deployment.planned": plan(event)
        case "phase.started", "phase.completed", "phase.failed", "phase.reverted": applyPhase(name, event)
        case "approval.requested", "approval.granted", "approval.rejected": applyApproval(name, event)
        case "gate.evaluated":
            guard let phase = event.phase else { return }
            gates[phase] = Gate(
                result: event.text("result") ?? "undecided",
                reasons: (data["reasons"]?.array ?? []).compactMap(\.string), time: time)
        case "check.completed":
            guard let check = event.text("name") else { return }
            checks[check] = Check(result: event.text("result") ?? "undecided", time: time)
        case "hook.called", "hook.answered", "hook.timed_out":
            applyHook(name, event, isRollback: status == .rollingBack)
        case "traffic.shifted": applyShift(event)
        case "bake.started":
            bake = Bake(minutes: event.number("minutes") ?? 0, step: event.step, startedAt: time)
        case "bake.completed": if bake?.completedAt == nil { bake?.completedAt = time }
        case "rollback.started", "rollback.completed", "rollback.failed": applyRollback(name, event)
        case "migration.completed", "deployment.completed": close(.completed, event)
        case "migration.aborted": close(.aborted, event)
        case "deployment.failed": close(.failed, event)
        case "workload.scaled": applyScale(event)
        case "ttl.lowered":
            ttlChanges.append(
                TTLChange(
                    zone: event.text("zone") ?? "", record: event.text("record") ?? "",
                    oldSeconds: max(0, event.integer("old_ttl_seconds") ?? 0),
                    newSeconds: max(0, event.integer("new_ttl_seconds") ?? 0), time: time))
        case "freeze.started": if let scope = event.text("scope") { freezes[scope] = time }
        case "freeze.ended": if let scope = event.text("scope") { freezes[scope] = nil }
        case "task.failed", "task.healthy": applyTask(name, event)
        case "alarm.changed": applyAlarm(event)
        default: return
        }
    }

    /// The data of one event on its way into the state.
    struct Input {
        var data: JSONObject
        var time: Timestamp

        func text(_ name: String) -> String? { data[name]?.string }
        func number(_ name: String) -> Double? { data[name]?.double }
        func integer(_ name: String) -> Int64? { data[name]?.integer }
        var phase: String? { text("phase") }
        /// Bounded, since it is compared and counted with.
        var step: Int? { integer("step").flatMap { (1...100_000).contains($0) ? Int($0) : nil } }
    }

    private mutating func plan(_ event: Input) {
        guard plannedAt == nil else { return }
        let data = event.data
        plannedAt = event.time
        if status == .unplanned { status = .planned }
        playbookID = event.text("playbook")
        playbook = playbooks.meant(by: data)
        title = event.text("title")
        source = event.text("source_cluster") ?? event.text("source_revision")
        target = event.text("target_cluster") ?? event.text("target_revision")
        service = event.text("service")
        cluster = event.text("cluster")
        tenant = event.text("tenant")
        region = event.text("region")
        parameters = data["parameters"]?.object ?? JSONObject()
        for budget in data["budgets"]?.object ?? JSONObject() { budgets[budget.name] = budget.value.double }
        declaredHooks = (data["hooks"]?.array ?? []).compactMap { HookDeclaration($0) }
        watchedAlarms = Set((data["alarms"]?.array ?? []).compactMap(\.string))
        desiredCount = event.integer("desired_count")
        for application in data["applications"]?.array ?? [] {
            guard let name = application["name"]?.string else { continue }
            var state = applications[name] ?? ApplicationState(name: name)
            state.workloadClass = application["class"]?.string
            state.replicas = application["replicas"]?.integer ?? state.replicas
            state.floor = application["floor"]?.integer
            state.cap = application["cap"]?.integer
            applications[name] = state
        }
        if let rule = playbook?.breaker {
            breaker = CircuitBreaker(
                rule: rule, desiredCount: desiredCount, settings: parameters[CircuitBreaker.parameterName])
        }
        if production == nil { production = Weights(source: 100, target: 0, time: event.time) }
        if test == nil { test = Weights(source: 100, target: 0, time: event.time) }
        layOutPhases()
    }

    /// The stages in the playbook's order, groups of stages per step repeated; what facts said before the plan stays.
    private mutating func layOutPhases() {
        guard let stages = playbook?.stages else { return }
        let known = phases
        var slots: [PhaseState] = []
        var index = 0
        while index < stages.count {
            guard stages[index].isPerStep else {
                slots.append(PhaseState(name: stages[index].name))
                index += 1
                continue
            }
            let group = stages[index...].prefix { $0.isPerStep }
            for step in 1...stepCount { slots += group.map { PhaseState(name: $0.name, step: step) } }
            index += group.count
        }
        for phase in known {
            guard let place = slots.firstIndex(where: { $0.name == phase.name && $0.step == (phase.step ?? $0.step) })
            else {
                slots.append(phase)
                continue
            }
            let step = slots[place].step
            slots[place] = phase
            slots[place].step = step
            slots[place].isKnown = true
        }
        phases = slots
    }

    private mutating func close(_ status: Status, _ event: Input) {
        guard closedAt == nil else { return }
        closedAt = event.time
        closingReason = event.text("reason")
        for index in phases.indices where phases[index].status == .active {
            phases[index].status = status == .completed ? .completed : .failed
            phases[index].endedAt = event.time
        }
        // A failed deployment that was rolled back stays rolled back: it says more.
        if self.status != .rolledBack && self.status != .rollbackFailed { self.status = status }
        rollbackDue = nil
    }
}
