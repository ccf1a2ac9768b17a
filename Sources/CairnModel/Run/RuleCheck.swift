internal import CairnBytes

/// Finds the rules that an event would break in a state: the one place where rules are, for commands and facts alike.
struct RuleCheck {
    enum Provenance {
        /// Somebody asks for it: every rule holds.
        case command
        /// It happened, and is told in Cairn's own words.
        case fact
    }

    let state: MigrationState
    let name: String
    let data: JSONObject
    let time: Timestamp
    /// When it is decided, or was recorded.
    let now: Timestamp
    let provenance: Provenance
    private(set) var broken: [BrokenRule] = []

    init(
        state: MigrationState, name: String, data: JSONObject, time: Timestamp, now: Timestamp, provenance: Provenance
    ) {
        self.state = state
        self.name = name
        self.data = data
        self.time = time
        self.now = now
        self.provenance = provenance
    }

    static func broken(
        in state: MigrationState, name: String, data: JSONObject, time: Timestamp, now: Timestamp,
        provenance: Provenance
    ) -> [BrokenRule] {
        var check = RuleCheck(state: state, name: name, data: data, time: time, now: now, provenance: provenance)
        check.run()
        return check.broken
    }

    mutating func add(_ rule: Rule, _ explanation: String) {
        guard !broken.contains(where: { $0.rule == rule }) else { return }
        broken.append(BrokenRule(rule: rule, explanation: explanation))
    }

    func text(_ name: String) -> String { data[name]?.string ?? "" }
    func integer(_ name: String) -> Int64? { data[name]?.integer }
    var phase: String { text("phase") }
    var step: Int? { integer("step").flatMap { (1...100_000).contains($0) ? Int($0) : nil } }
    var stage: Playbook.Stage? { state.playbook?.stage(named: phase) }

    /// Words for a stage in an explanation.
    var stageText: String { step.map { "\(phase), step \($0)" } ?? phase }

    /// What moves a run, as against what is said about it: over once the run is.
    private static let progress: Set<String> = [
        "phase.started", "phase.completed", "phase.failed", "phase.reverted", "hook.called", "hook.answered",
        "hook.timed_out", "traffic.shifted", "bake.started", "bake.completed", "rollback.started",
        "rollback.completed", "rollback.failed", "migration.completed", "migration.aborted",
        "deployment.completed", "deployment.failed", "approval.requested", "approval.rejected",
    ]

    /// What may be said of a run that nobody has planned.
    private static let unplanned: Set<String> = ["note.added", "event.corrected", "check.completed", "alarm.changed"]

    /// What is said about a run at any time.
    private static let remarks: Set<String> = ["note.added", "event.corrected"]

    private mutating func run() {
        if RuleCheck.isInFuture(time, now: now) { add(.timeInFuture, RuleCheck.futureText(time, now: now)) }
        if name == "migration.planned" || name == "deployment.planned" {
            checkPlan()
            return
        }
        if state.plannedAt == nil, !RuleCheck.unplanned.contains(name) {
            // A history that begins in the middle is one violation, not one for each of its events.
            if provenance == .command || state.eventCount == 0 {
                add(.notPlanned, "\(state.stream) has no plan yet")
            }
            if provenance == .command { return }
        }
        checkNotBeforeLastEvent()
        if RuleCheck.progress.contains(name), isOver {
            add(.alreadyFinished, "\(state.stream) is finished: \(state.status.rawValue)")
            return
        }
        switch name {
        case "phase.started": checkStart()
        case "phase.completed": checkCompletion()
        case "phase.failed": checkFailure()
        case "phase.reverted": checkRevert()
        case "approval.requested": checkKnownStage()
        case "approval.granted", "approval.rejected": checkApproval()
        case "gate.evaluated": checkKnownStage()
        case "hook.called", "hook.answered", "hook.timed_out": checkHook()
        case "traffic.shifted": checkShift()
        case "bake.started", "bake.completed": checkBake()
        case "rollback.started", "rollback.completed", "rollback.failed": checkRollback()
        case "migration.completed", "deployment.completed": checkRunCompletion()
        case "workload.scaled": checkCapacity()
        case "ttl.lowered":
            if let old = integer("old_ttl_seconds"), let new = integer("new_ttl_seconds"), new > old {
                add(.ttlNotLower, "the new TTL of \(text("record")) is \(new) s, above the old \(old) s")
            }
        case "freeze.ended": checkFreezeEnd()
        default: return
        }
    }

    // MARK: Time

    /// Clocks of machines that record for one run may differ by this much, and no more: a bake or a timeout of a minute
    /// still means something.
    static let clockToleranceSeconds = 5.0

    static func isInFuture(_ time: Timestamp, now: Timestamp) -> Bool {
        time > now.later(bySeconds: clockToleranceSeconds)
    }

    static func futureText(_ time: Timestamp, now: Timestamp) -> String {
        "\(time) is in the future: it is \(now) now"
    }

    /// A run has one order. Remarks may be about any time of it, and what others tell of approvals and checks too.
    private mutating func checkNotBeforeLastEvent() {
        guard let last = state.lastEventAt, time < last.later(bySeconds: -RuleCheck.clockToleranceSeconds),
            provenance == .command ? !RuleCheck.remarks.contains(name) : RuleCheck.progress.contains(name)
        else { return }
        add(.timeBeforeLastEvent, "\(time) is before the last event of \(state.stream), which was at \(last)")
    }

    /// Finished, unless it is what may still come: stages that are for later, and the closing of a rolled-back run.
    private var isOver: Bool {
        guard state.isFinished else { return false }
        if state.status == .completed, stage?.isLater ?? false { return false }
        if name == "deployment.failed", state.closedAt == nil { return false }
        return true
    }

    /// Whether the stage exists; where the playbook leaves stages open, facts may name others.
    @discardableResult
    mutating func checkKnownStage() -> Bool {
        guard let playbook = state.playbook, playbook.stage(named: phase) == nil else { return true }
        if provenance == .command || !playbook.hasOpenStages {
            let names = playbook.stages.map(\.name).joined(separator: ", ")
            add(.unknownStage, "\(playbook.id) has no stage \(phase); it has \(names)")
        }
        return false
    }

    /// Whether the stage, at the step if there is one, runs now.
    func isActive(_ name: String, step: Int? = nil) -> Bool {
        state.places(of: name, step: step).contains { state.phases[$0].status == .active }
    }
}
