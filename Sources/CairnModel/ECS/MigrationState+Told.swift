internal import CairnBytes

/// What Amazon ECS tells of a run, laid over what the run's own events say.
///
/// Such events repeat, arrive late and in any order, so they are not applied one by one: the state keeps the notices as
/// a set, and the state without them, and lays the facts that they amount to over it again whenever one of the two
/// changes. So no order of arrival makes a difference.
extension MigrationState {
    /// Bounds what one event costs. A linear deployment of 34 steps with two hooks at each has fewer; of more, the
    /// earliest count.
    static let hookNoticesMax = 600
    /// Of the others there are a handful.
    static let stateNoticesMax = 100

    /// - Returns: false if it was known, or there are too many.
    mutating func take(_ notice: ECSNotice) -> Bool {
        var place = notices.endIndex
        while place > 0, notice < notices[place - 1] { place -= 1 }
        if place > 0, notices[place - 1] == notice { return false }
        let ofKind = notices.indices.filter { notices[$0].isAboutHook == notice.isAboutHook }
        let most = notice.isAboutHook ? MigrationState.hookNoticesMax : MigrationState.stateNoticesMax
        if ofKind.count >= most, let last = ofKind.last {
            guard place <= last else { return false }
            notices.remove(at: last)
        }
        if untold.isEmpty { untold = [self] }
        notices.insert(notice, at: place)
        return true
    }

    mutating func tellAgain() {
        guard let own = untold.first else { return }
        var state = own
        state.untold = untold
        state.notices = notices
        for fact in ECSTelling.facts(notices, besides: own) { state.tell(fact) }
        self = state
    }

    private mutating func tell(_ fact: ToldFact) {
        let event = Input(data: fact.data, time: fact.notice.time)
        switch fact.name {
        case "deployment.started": tellStart(event)
        case "phase.started", "phase.completed", "phase.failed": tellPhase(fact.name, event)
        case "hook.called", "hook.answered", "hook.timed_out":
            applyHook(fact.name, event, isRollback: fact.isOnWayBack)
        case "traffic.shifted":
            applyShift(event)
            if event.text("kind") == "production", production?.target == 100 { shiftedSteps = stepCount }
        case "deployment.completed":
            apply(fact.name, fact.data, at: event.time)
            passPending(before: phases.count)
        default: apply(fact.name, fact.data, at: event.time)
        }
    }

    private mutating func tellStart(_ event: Input) {
        begin(at: event.time)
        service = service ?? event.text("service")
        cluster = cluster ?? event.text("cluster")
        region = region ?? event.text("region")
        target = target ?? event.text("target_revision")
    }

    /// Only the stage itself changes, and stages before it that nobody has told of: Amazon ECS goes through them in
    /// order, so they are over.
    private mutating func tellPhase(_ name: String, _ event: Input) {
        guard let phase = event.phase, let place = placesOrNew(of: phase, step: event.step).first else { return }
        switch name {
        case "phase.started":
            begin(at: event.time)
            phases[place].status = .active
            phases[place].startedAt = event.time
            phases[place].endedAt = nil
            phases[place].reason = nil
            if phases[place].isKnown { passPending(before: place) }
        default:
            guard phases[place].status == .active else { return }
            phases[place].status = name == "phase.completed" ? .completed : .failed
            phases[place].endedAt = event.time
            phases[place].reason = event.text("reason")
        }
    }

    private mutating func passPending(before end: Int) {
        for place in phases.indices.prefix(end) where phases[place].status == .pending && phases[place].isKnown {
            let stage = playbook?.stage(named: phases[place].name)
            guard stage?.isLater != true else { continue }
            phases[place].status = stage?.isOptional == true ? .skipped : .completed
        }
    }
}
