package import CairnBytes

/// Something that the events of Amazon ECS say about a run, in the vocabulary of runs.
package struct ToldFact: Sendable, Hashable {
    /// A name of the vocabulary such as `hook.called`, or `deployment.started`, which only others say: the run is
    /// under way, `{service, cluster, target_revision*}`.
    package var name: String
    package var data: JSONObject
    /// What it was read from: when it happened, and the identity of the event.
    package var notice: ECSNotice
    /// A call of a hook on the way back.
    var isOnWayBack = false
}

/// Reads the notices about one run together, and says what they add to what the run's own events say.
///
/// A pure function of both sets: order and repetition change nothing. What the run's own events have told (a call with
/// the same execution, a stage, a shift, the end) is not told again. Stages without hooks leave no trace in the events of
/// Amazon ECS; a stage is known from its hooks, begins with the first call and ends with the last answer - but for the
/// stages that move traffic and those nobody knows, which last until something later is heard of.
package struct ECSTelling {
    /// The order of Amazon ECS; a plan's playbook may say otherwise.
    static let stages = [
        "RECONCILE_SERVICE", "PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT",
        "POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP",
    ]
    static let stagesPerStep: Set<String> = ["PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"]
    /// Their hooks are called again on the way back, and their end is not the end of their hooks.
    static let stagesOfTraffic: Set<String> = ["TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"]
    /// The replacement as a whole, as the playbook of rolling deployments calls it: for a deployment of which no stage
    /// is known.
    static let rollOut = "ROLL_OUT"

    let own: MigrationState
    let notices: [ECSNotice]
    var hooks: [ECSHookRun] = []
    var visits: [ECSVisit] = []
    /// The notice with which the way back began, if the run's own events do not say that it did.
    var rollback: Int?
    private var told: [(notice: Int, rank: Int, fact: ToldFact)] = []

    /// - Parameters:
    ///   - notices: those about the run, in any order.
    ///   - own: what the run's own events add up to.
    /// - Returns: in the order in which they are to be applied.
    package static func facts(_ notices: [ECSNotice], besides own: MigrationState) -> [ToldFact] {
        var telling = ECSTelling(own: own, notices: Set(notices).sorted())
        return telling.tell()
    }

    private init(own: MigrationState, notices: [ECSNotice]) {
        self.own = own
        self.notices = notices
    }

    private mutating func tell() -> [ToldFact] {
        guard !notices.isEmpty else { return [] }
        hooks = ECSHookRun.all(in: notices)
        rollback = findRollback()
        visits = findVisits()
        tellStart()
        tellStages()
        tellHooks()
        tellTraffic()
        tellEnd()
        return told.sorted { ($0.notice, $0.rank) < ($1.notice, $1.rank) }.map(\.fact)
    }

    /// - Parameter rank: the order of what one notice says.
    mutating func add(_ name: String, _ data: JSONObject, from notice: Int, rank: Int, isOnWayBack: Bool = false) {
        told.append(
            (notice, rank, ToldFact(name: name, data: data, notice: notices[notice], isOnWayBack: isOnWayBack)))
    }

    // MARK: Start and end

    private mutating func tellStart() {
        guard own.startedAt == nil else { return }
        let place = notices[0].place
        var data: JSONObject = ["service": .string(place.service), "cluster": .string(place.cluster)]
        if let revision = notices.lazy.compactMap(\.revision).first { data["target_revision"] = .string(revision) }
        if !place.region.isEmpty { data["region"] = .string(place.region) }
        add("deployment.started", data, from: 0, rank: 0)
    }

    /// The deployment that brings the old revision back is called completed: this one was not. One that is rolled back
    /// is not called failed beside, since how the way back ends says more.
    private mutating func tellEnd() {
        if let rollback {
            add("rollback.started", ["reason": .string(rollbackReason(rollback))], from: rollback, rank: 7)
        }
        guard own.closedAt == nil, own.status != .rolledBack, own.status != .rollbackFailed else { return }
        let completed = notices.indices.first { notices[$0].meaning == .completed }
        let returned = notices.indices.first { notices[$0].meaning == .completed && isReturn($0) }
        if let returned {
            add("rollback.completed", [:], from: returned, rank: 8)
        } else if let completed, rollback == nil {
            add("deployment.completed", [:], from: completed, rank: 9)
        }
        if completed == nil, rollback == nil, let failed {
            let reason = (notices[failed].reason ?? "") + joinText(failed)
            add("deployment.failed", ["reason": .string(reason)], from: failed, rank: 9)
        }
    }

    /// Says that only service and time tell that a failure is this deployment's: hooks name the service deployment, the
    /// failure a revision or nothing, and no start was told that both belong to.
    private func joinText(_ index: Int) -> String {
        guard notices[index].deployment == nil, notices.contains(where: { $0.deployment != nil }),
            !notices.contains(where: { $0.meaning == .started || ($0.deployment != nil && $0.revision != nil) })
        else { return "" }
        let named = notices[index].revision.map { "said of ecs-svc/\($0)" } ?? "said of the service"
        return " (\(named); this deployment by service and time)"
    }

    private func isReturn(_ index: Int) -> Bool {
        rollback.map { $0 <= index } ?? (own.status == .rollingBack)
    }

    private var failed: Int? { notices.firstIndex { $0.meaning == .failed } }

    private func rollbackReason(_ index: Int) -> String {
        let notice = notices[index]
        if case .hook(let hook) = notice.meaning { return "\(ECSTelling.failure(notice)) at \(hook.stage)" }
        return failed.flatMap { $0 < index ? notices[$0].reason : nil } ?? notice.reason ?? ""
    }

    static func failure(_ notice: ECSNotice) -> String {
        guard case .hook(let hook) = notice.meaning else { return notice.reason ?? "" }
        return "hook \(hook.id) \(hook.state == .timedOut ? "timed out" : "failed")"
    }

    /// What fails and is completed all the same was rolled back. A hook that fails rolls everything back without an event that says so. For a run with a playbook that is what
    /// makes a rollback due; it is told only once Amazon ECS has said that the deployment is over.
    private func findRollback() -> Int? {
        guard own.rollbacks.isEmpty, own.closedAt == nil else { return nil }
        if let index = notices.indices.first(where: {
            if case .rollingBack = notices[$0].meaning { true } else { false }
        }) {
            return index
        }
        let completed = notices.lastIndex { $0.meaning == .completed }
        let failure = failed.flatMap { $0 < completed ?? 0 ? $0 : nil }
        guard let index = hooks.filter({ rollsBack($0) }).compactMap(\.final).min() else { return failure }
        let isOver = notices[index...].contains { $0.meaning == .completed || $0.meaning == .failed }
        return own.playbook == nil || isOver ? index : nil
    }

    // MARK: Hooks

    func rollsBack(_ hook: ECSHookRun) -> Bool {
        switch hook.finalState {
        case .failed: true
        case .timedOut: action(of: hook) != "CONTINUE"
        default: false
        }
    }

    /// What a timeout led to: what the event or the plan says; else going on, if a later stage was heard of.
    func action(of hook: ECSHookRun) -> String {
        if let action = hook.timeoutAction ?? own.declaration(of: name(of: hook))?.timeoutAction { return action }
        guard let place = order(of: hook.stage), let final = hook.final else { return "ROLLBACK" }
        let isLater = hooks.contains { ($0.called > final) && (order(of: $0.stage) ?? 0) > place }
        return isLater ? "CONTINUE" : "ROLLBACK"
    }

    func order(of stage: String) -> Int? {
        own.playbook?.index(of: stage) ?? ECSTelling.stages.firstIndex(of: stage)
    }

    /// AWS names a hook by an id of its own, the plan by a name: they are the same if only one is meant.
    func name(of hook: ECSHookRun) -> String {
        if let told = own.executions[hook.id], told.phase == hook.stage { return told.hook }
        guard let kind = hook.kind else { return hook.id }
        let declared = own.declaredHooks.filter { $0.kind == kind && $0.phases.contains(hook.stage) }
        guard declared.count == 1 else { return hook.id }
        // Two that ran side by side cannot both be the one.
        let isAlone = !hooks.contains { other in
            other.stage == hook.stage && other.kind == kind && other.id != hook.id
                && other.called < (hook.final ?? .max) && hook.called < (other.final ?? .max)
        }
        return isAlone ? declared[0].name : hook.id
    }

    /// The call as the run's own events tell it: by its execution, or by its name and time.
    func ownCall(of hook: ECSHookRun, step: Int?) -> (call: HookCall, attempt: Int64)? {
        if let told = own.executions[hook.id], told.phase == hook.stage {
            let call = own.latestCall(told.hook, told.phase, told.step, isRollback: told.isRollback)
            return call.map { ($0, told.attempt) }
        }
        let name = name(of: hook)
        guard name != hook.id else { return nil }
        let time = notices[hook.called].time
        let slack = ECSRuns.clockSlackSeconds
        let call = own.hookCalls.first { call in
            call.hook == name && call.phase == hook.stage && (step == nil || call.step == nil || call.step == step)
                && call.firstCalledAt.later(bySeconds: -slack) <= time
                && (call.answeredAt.map { time <= $0.later(bySeconds: slack) } ?? true)
        }
        return call.map { ($0, $0.attempt) }
    }

    private mutating func tellHooks() {
        var attempts: [String: Int64] = [:]
        for visit in visits {
            for place in visit.hooks {
                let hook = hooks[place]
                var data: JSONObject = ["hook": .string(name(of: hook)), "phase": .string(hook.stage)]
                if let step = visit.step { data["step"] = .integer(step) }
                if own.executions[hook.id]?.phase == hook.stage || ownCall(of: hook, step: visit.step) != nil {
                    guard let (call, attempt) = ownCall(of: hook, step: visit.step), !call.isFinished,
                        call.attempt == attempt
                    else { continue }
                    data["hook"] = .string(call.hook)
                    data["step"] = call.step.map { .integer($0) }
                    data["attempt"] = .integer(attempt)
                    tellAnswer(hook, data, visit)
                    continue
                }
                let key = "\(name(of: hook)) \(hook.stage) \(visit.step ?? 0) \(visit.isRollback)"
                attempts[key, default: 0] += 1
                data["attempt"] = .integer(attempts[key] ?? 1)
                if hook.isCallTold {
                    var call = data
                    call["execution_id"] = .string(hook.id)
                    add("hook.called", call, from: hook.called, rank: 4, isOnWayBack: visit.isRollback)
                }
                tellAnswer(hook, data, visit)
            }
        }
    }

    private mutating func tellAnswer(_ hook: ECSHookRun, _ data: JSONObject, _ visit: ECSVisit) {
        var data = data
        let isBack = visit.isRollback
        guard let final = hook.final else {
            guard let index = hook.inProgress else { return }
            data["status"] = "IN_PROGRESS"
            add("hook.answered", data, from: index, rank: 5, isOnWayBack: isBack)
            return
        }
        switch hook.finalState {
        case .timedOut:
            data["action"] = .string(action(of: hook))
            add("hook.timed_out", data, from: final, rank: 5, isOnWayBack: isBack)
        case let state:
            data["status"] = state == .succeeded ? "SUCCEEDED" : "FAILED"
            add("hook.answered", data, from: final, rank: 5, isOnWayBack: isBack)
        }
    }
}
