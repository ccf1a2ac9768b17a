package import CairnBytes

/// What others ask of a state.
extension MigrationState {
    package var isFinished: Bool {
        if closedAt != nil { return true }
        switch status {
        case .completed, .failed, .aborted: return true
        case .rolledBack, .rollbackFailed: return playbook?.rollback.endsRun ?? true
        case .unplanned, .planned, .running, .rollingBack: return false
        }
    }

    /// The stage that runs now: the first if a whole group does.
    package var activePhase: PhaseState? { phases.first { $0.status == .active } }

    /// The stage that may start next.
    package var nextPhase: PhaseState? {
        guard !isFinished, activePhase == nil else { return nil }
        return phases.first { $0.isKnown && !$0.isDone }
    }

    /// Shares of production traffic that go to the target after each step; nil where any share is allowed.
    package var productionSteps: [Double]? { playbook?.production.flatMap { steps(of: $0) } }

    func steps(of shift: Playbook.TrafficShift) -> [Double]? {
        switch shift.steps {
        case .free: return nil
        case .sequence(let shares):
            var steps: [Double] = []
            for share in shares {
                let percent: Double
                switch share {
                case .percent(let value): percent = value
                case .parameter(let name): percent = number(ofParameter: name) ?? 100
                }
                // A first step of 100 percent leaves nothing for the second.
                if steps.last != 100 { steps.append(percent) }
            }
            return steps
        case .every(let name):
            let size = number(ofParameter: name) ?? 100
            guard size > 0, size <= 100 else { return [100] }
            // Tenths are whole numbers, so that ten steps of 0.1 make one.
            let tenths = max(1, Int((size * 10).rounded()))
            return stride(from: tenths, to: 1000, by: tenths).map { Double($0) / 10 } + [100]
        }
    }

    /// The plan's value of a parameter, else the playbook's default.
    package func number(ofParameter name: String) -> Double? {
        if let number = parameters[name]?.double { return number }
        return playbook?.parameters.first { $0.name == name }?.defaultValue
    }

    /// How many times a stage that runs per step is entered.
    var stepCount: Int { max(1, productionSteps?.count ?? 1) }

    package func budgetSeconds(of phase: String) -> Double? {
        budgets[phase] ?? playbook?.stage(named: phase)?.budgetSeconds
    }

    /// The first moment at which traffic may move: when every lowered record has left every cache. Nil if none was
    /// lowered.
    package var earliestSwitch: Timestamp? { ttlChanges.map(\.elapsedAt).max() }

    /// Tasks in a stage of a deployment, of the source and of the target, when it is done.
    package func capacity(atEndOf phase: String) -> (source: Int64, target: Int64)? {
        guard let desiredCount, let capacity = playbook?.stage(named: phase)?.capacity else { return nil }
        func share(_ percent: Double) -> Int64 { Int64(clamping: (Double(desiredCount) * percent / 100).rounded(.up)) }
        return (share(capacity.sourcePercent), share(capacity.targetPercent))
    }

    /// What a rolling deployment must keep running, and may run at most: ceil(min% · desired) to floor(max% · desired).
    package static func rollingLimits(
        desiredCount: Int64, minimumHealthyPercent: Double, maximumPercent: Double
    ) -> (floor: Int64, cap: Int64) {
        let desired = Double(desiredCount)
        return (
            Int64(clamping: (desired * minimumHealthyPercent / 100).rounded(.up)),
            Int64(clamping: (desired * maximumPercent / 100).rounded(.down))
        )
    }

    func latestCall(_ hook: String, _ phase: String, _ step: Int?, isRollback: Bool) -> HookCall? {
        hookCalls.first {
            $0.hook == hook && $0.phase == phase && $0.step == step && $0.isRollback == isRollback
        }
    }

    /// The traffic step that an event without one means: the active one, else the one that comes next.
    func step(given: Int?, phase: String) -> Int? {
        guard let stage = playbook?.stage(named: phase), stage.isPerStep else { return given }
        if let given { return given }
        let active = phases.filter { $0.name == phase && $0.status == .active }
        if active.count == 1 { return active[0].step }
        let isTraffic = playbook?.production?.stage == phase
        return min(stepCount, max(1, isTraffic ? shiftedSteps : shiftedSteps + 1))
    }

    /// Hooks and stages whose time is over, as the facts that their default actions ask for.
    package func overdue(at time: Timestamp) -> [EventDraft] {
        guard !isFinished else { return [] }
        var drafts: [EventDraft] = []
        for call in hookCalls where !call.isFinished {
            guard let deadline = hookDeadline(call), time >= deadline else { continue }
            var data: JSONObject = [
                "hook": .string(call.hook), "phase": .string(call.phase),
                "action": .string(declaration(of: call.hook)?.timeoutAction ?? "ROLLBACK"),
            ]
            if let step = call.step { data["step"] = .integer(step) }
            drafts.append(EventDraft(name: "hook.timed_out", data: .object(data)))
        }
        for phase in phases where phase.status == .active {
            guard let limit = stageTimeoutSeconds(phase.name), let startedAt = phase.startedAt,
                time > startedAt.later(bySeconds: limit)
            else { continue }
            var data: JSONObject = [
                "phase": .string(phase.name),
                "reason": .string("it ran longer than \(durationText(seconds: limit))"),
            ]
            if let step = phase.step { data["step"] = .integer(step) }
            drafts.append(EventDraft(name: "phase.failed", data: .object(data)))
        }
        return drafts
    }

    package func declaration(of hook: String) -> HookDeclaration? { declaredHooks.first { $0.name == hook } }

    func hookDeadline(_ call: HookCall) -> Timestamp? {
        let declared = declaration(of: call.hook)
        let limit = playbook?.hookLimits[declared?.kind ?? "lambda"]
        guard let minutes = declared?.timeoutMinutes ?? limit?.defaultTimeoutMinutes else { return nil }
        return call.firstCalledAt.later(bySeconds: minutes * 60)
    }

    /// A stage may wait as long as its longest hook may.
    func stageTimeoutSeconds(_ name: String) -> Double? {
        guard let timeout = playbook?.stage(named: name)?.timeoutSeconds else { return nil }
        let waits = declaredHooks.filter { $0.phases.contains(name) }.map { ($0.timeoutMinutes ?? 0) * 60 }
        return max(timeout, waits.max() ?? 0)
    }
}

extension Int64 {
    /// The nearest whole number that fits.
    init(clamping value: Double) {
        guard !value.isNaN else {
            self = 0
            return
        }
        self = value >= 9.2e18 ? .max : value <= -9.2e18 ? .min : Int64(value)
    }
}
