/// Every rule of a run, in one list used both ways: a command that would break one is refused by its name, and a fact
/// that breaks one is recorded with a violation of the same name.
package enum Rule: String, Sendable, Hashable, CaseIterable {
    // What is asked for at all.
    case invalidData = "invalid_data"
    case notACommand = "not_a_command"
    case wrongStream = "wrong_stream"
    case revision
    case timeInFuture = "time_in_future"
    case timeBeforeLastEvent = "time_before_last_event"
    // The plan.
    case notPlanned = "not_planned"
    case alreadyPlanned = "already_planned"
    case unknownPlaybook = "unknown_playbook"
    case playbookBuiltIn = "playbook_built_in"
    case playbookChanged = "playbook_changed"
    case unknownStage = "unknown_stage"
    case unknownParameter = "unknown_parameter"
    case parameterOutOfRange = "parameter_out_of_range"
    case hookNotAttachable = "hook_not_attachable"
    case tooManyHooks = "too_many_hooks"
    // Order.
    case wrongOrder = "wrong_order"
    case alreadyFinished = "already_finished"
    case stageTimedOut = "stage_timed_out"
    case runTimedOut = "run_timed_out"
    // Approvals, gates, checks.
    case unapproved
    case notRequested = "not_requested"
    case approverIsRequester = "approver_is_requester"
    case approvalExpired = "approval_expired"
    case emergencyOverdue = "emergency_overdue"
    case gateNotPassed = "gate_not_passed"
    case checkNotPassed = "check_not_passed"
    // Names, freezes, capacity.
    case ttlNotLower = "ttl_not_lower"
    case ttlNotElapsed = "ttl_not_elapsed"
    case notFrozen = "not_frozen"
    case stillFrozen = "still_frozen"
    case freezeNeeded = "freeze_needed"
    case stackNotReady = "stack_not_ready"
    case capacityBelowFloor = "capacity_below_floor"
    case capacityAboveCap = "capacity_above_cap"
    case kafkaStep = "kafka_step"
    // Traffic and bake.
    case weightsNot100 = "weights_not_100"
    case wrongStep = "wrong_step"
    case trafficNotShifted = "traffic_not_shifted"
    case wrongBake = "wrong_bake"
    case bakeNotElapsed = "bake_not_elapsed"
    // Hooks.
    case hookNotDeclared = "hook_not_declared"
    case hookNotFinished = "hook_not_finished"
    case hookAlreadyFinished = "hook_already_finished"
    case wrongAttempt = "wrong_attempt"
    case calledTooEarly = "called_too_early"
    case noOpenCall = "no_open_call"
    case timeoutNotReached = "timeout_not_reached"
    // The way back.
    case rollbackDue = "rollback_due"
    case noWayBack = "no_way_back"
    case notRollingBack = "not_rolling_back"
    case weightsNotReversed = "weights_not_reversed"
    // Findings.
    case findingUnknown = "finding_unknown"
    case findingWithdrawn = "finding_withdrawn"
    case notMuted = "not_muted"
}

/// A rule, and how this command or fact breaks it, in a sentence for people.
package struct BrokenRule: Error, Sendable, Hashable {
    package var rule: Rule
    package var explanation: String
}

/// Why a command is not carried out.
package struct Refusal: Error, Sendable, Hashable, CustomStringConvertible {
    package var rule: Rule
    package var explanation: String
    /// The field at fault, where one is.
    package var field: String?

    package init(rule: Rule, explanation: String, field: String? = nil) {
        self.rule = rule
        self.explanation = explanation
        self.field = field
    }

    package var description: String { "refused (\(rule.rawValue)): \(explanation)" }
}
