internal import CairnBytes

/// Stages and traffic, as far as hooks and states let them be known.
extension ECSTelling {
    // MARK: Visits

    /// Hooks of one stage run side by side, and all must finish: one that is called after all before it have answered
    /// belongs to the next step, or to another attempt.
    func findVisits() -> [ECSVisit] {
        var visits: [ECSVisit] = []
        var last: [String: Int] = [:]
        var steps: [String: Int] = [:]
        for (place, hook) in hooks.enumerated() {
            let isRollback = isOnWayBack(hook)
            if let index = last[hook.stage], visits[index].isRollback == isRollback,
                visits[index].hooks.contains(where: { (hooks[$0].final ?? .max) > hook.called })
            {
                visits[index].hooks.append(place)
                continue
            }
            var step: Int?
            if isPerStep(hook.stage) {
                if !isRollback { steps[hook.stage, default: 0] += 1 }
                step = self.step(of: hook, visit: steps[hook.stage] ?? 1)
            }
            last[hook.stage] = visits.count
            visits.append(
                ECSVisit(stage: hook.stage, step: step, hooks: [place], start: hook.called, isRollback: isRollback))
        }
        return visits
    }

    private func isPerStep(_ stage: String) -> Bool {
        own.playbook?.stage(named: stage)?.isPerStep ?? ECSTelling.stagesPerStep.contains(stage)
    }

    private func isOnWayBack(_ hook: ECSHookRun) -> Bool {
        let revisited = own.playbook.map { Set($0.rollback.revisitedStages) } ?? ECSTelling.stagesOfTraffic
        guard revisited.contains(hook.stage) else { return false }
        if let rollback { return hook.called > rollback }
        return own.rollbacks.first.map { notices[hook.called].time > $0.startedAt } ?? false
    }

    /// The step that the run's own events had reached then, else as many as there have been visits.
    private func step(of hook: ECSHookRun, visit: Int) -> Int {
        if let told = own.executions[hook.id], told.phase == hook.stage, let step = told.step { return step }
        let time = notices[hook.called].time
        let slack = ECSRuns.clockSlackSeconds
        let reached = own.phases.last { phase in
            guard phase.name == hook.stage, let start = phase.startedAt else { return false }
            return start.later(bySeconds: -slack) <= time
                && (phase.endedAt.map { time <= $0.later(bySeconds: slack) } ?? true)
        }
        if let step = reached?.step { return step }
        return own.playbook == nil ? visit : min(visit, own.stepCount)
    }

    // MARK: Stages

    mutating func tellStages() {
        let going = visits.filter { !$0.isRollback }
        guard !going.isEmpty else {
            tellRollOut()
            return
        }
        for (index, visit) in going.enumerated() {
            let isToldByRun = own.places(of: visit.stage, step: visit.step).contains {
                own.phases[$0].startedAt != nil
            }
            guard !isToldByRun else { continue }
            var data: JSONObject = ["phase": .string(visit.stage)]
            if let step = visit.step { data["step"] = .integer(step) }
            add("phase.started", data, from: visit.start, rank: 2)
            tellEnd(
                of: visit, next: going[(index + 1)...].first { $0.stage != visit.stage || $0.step != visit.step }, data)
        }
    }

    private mutating func tellEnd(of visit: ECSVisit, next: ECSVisit?, _ data: JSONObject) {
        let own = visit.hooks.map { hooks[$0] }
        if let failed = own.filter({ rollsBack($0) }).compactMap(\.final).min() {
            var data = data
            data["reason"] = .string(ECSTelling.failure(notices[failed]))
            add("phase.failed", data, from: failed, rank: 6)
            return
        }
        let isKnown = order(of: visit.stage) != nil
        let answers = own.compactMap(\.final)
        if isKnown, !ECSTelling.stagesOfTraffic.contains(visit.stage), answers.count == own.count,
            let last = answers.max()
        {
            add("phase.completed", data, from: last, rank: 6)
            return
        }
        endWhenOver(data, after: visit.start, next: next?.start)
    }

    /// Ends a stage with whatever comes first: the next one, the way back, the end of the deployment.
    private mutating func endWhenOver(_ data: JSONObject, after start: Int, next: Int?) {
        var data = data
        let back = rollback.flatMap { $0 >= start ? $0 : nil }
        let end = notices.indices.first {
            $0 >= start && (notices[$0].meaning == .completed || notices[$0].meaning == .failed)
        }
        guard let first = [next, back, end].compactMap({ $0 }).min() else { return }
        if first == next || (first != back && notices[first].meaning == .completed) {
            add("phase.completed", data, from: first, rank: 1)
        } else {
            data["reason"] = .string(ECSTelling.failure(notices[first]))
            add("phase.failed", data, from: first, rank: 1)
        }
    }

    /// A deployment without hooks names no stage at all.
    private mutating func tellRollOut() {
        guard own.playbook.map({ $0.stage(named: ECSTelling.rollOut) != nil }) ?? true,
            !own.phases.contains(where: { $0.startedAt != nil }),
            let start = notices.firstIndex(where: { $0.meaning == .started })
        else { return }
        let data: JSONObject = ["phase": .string(ECSTelling.rollOut)]
        add("phase.started", data, from: start, rank: 2)
        endWhenOver(data, after: start, next: nil)
    }

    // MARK: Traffic

    /// Weights where an event has them; else what the stages mean: after the shift of test or production traffic all of
    /// it is on the target.
    mutating func tellTraffic() {
        if own.lastShiftAt == nil {
            let weights = notices.indices.compactMap { index in notices[index].productionPercent.map { (index, $0) } }
            tellShifts("production", weights.isEmpty ? impliedShifts("POST_PRODUCTION_TRAFFIC_SHIFT") : weights)
        }
        if own.test?.target ?? 0 == 0 {
            let weights = notices.indices.compactMap { index in notices[index].testPercent.map { (index, $0) } }
            let implied = visits.first { $0.stage == "POST_TEST_TRAFFIC_SHIFT" }.map { [($0.start, 100.0)] } ?? []
            tellShifts("test", weights.isEmpty ? implied : weights)
        }
    }

    private func impliedShifts(_ stage: String) -> [(Int, Double)] {
        guard !hooks.isEmpty else { return [] }
        var shifts: [(Int, Double)] = []
        if let visit = visits.first(where: { $0.stage == stage }) { shifts.append((visit.start, 100)) }
        let isRollingBack = rollback != nil || !own.rollbacks.isEmpty
        if let end = notices.firstIndex(where: { $0.meaning == .completed }) {
            shifts.append((end, isRollingBack ? 0 : 100))
        }
        return shifts
    }

    private mutating func tellShifts(_ kind: String, _ shifts: [(notice: Int, percent: Double)]) {
        var last = 0.0
        for shift in shifts where shift.percent != last {
            last = shift.percent
            var data: JSONObject = [
                "kind": .string(kind),
                "weights": ["source": .number(100 - shift.percent), "target": .number(shift.percent)],
            ]
            let visit = visits.first { visit in visit.hooks.contains { hooks[$0].called == shift.notice } }
            if kind == "production", let step = visit?.step { data["step"] = .integer(step) }
            add("traffic.shifted", data, from: shift.notice, rank: 3)
        }
    }
}
