package import CairnBytes

/// How a change is made, as data: the stages in order, where hooks may attach, what each transition requires, and the
/// way back. The five that Cairn brings and any other are read by the same reader from the same format.
package struct Playbook: Sendable, Hashable {
    /// Whether a run of it is a stream `migration/...` or `deployment/...`.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case migration
        case deployment
    }

    package var id: String
    /// From 1; raised by whoever changes it, so that one name and version always mean the same.
    package var version: Int
    package var title: String
    package var kind: Kind
    package var stages: [Stage]
    /// Facts may name stages that the playbook does not: AWS adds some now and then.
    package var hasOpenStages: Bool
    package var parameters: [Parameter]
    package var production: TrafficShift?
    package var test: TrafficShift?
    package var hookLimits: [String: HookLimit]
    package var rollback: Rollback
    package var breaker: BreakerRule?
    /// A run may last no longer.
    package var timeoutSeconds: Double?
    /// An emergency change has to be approved afterwards within this time.
    package var emergencyApprovalSeconds: Double
    /// The whole of it as it was read, parents joined in: recorded with a plan that uses no built-in playbook.
    package var definition: JSONValue

    /// One stage of a playbook.
    package struct Stage: Sendable, Hashable {
        package var name: String
        package var title: String
        /// The same stage in other numberings of the same work, by view: `runbook`, `architecture`.
        package var labels: [Label]
        /// The kinds of hook that may attach: `lambda`, `pause`, ...
        package var hookKinds: [String]
        /// Entered once for every step of the traffic shift; neighbours that are form a group which repeats as a whole.
        package var isPerStep: Bool
        /// May be left out.
        package var isOptional: Bool
        /// Not needed for completion, and allowed after it.
        package var isLater: Bool
        package var startRequirements: [Requirement]
        package var completeRequirements: [Requirement]
        /// Nil if there is none.
        package var wayBack: WayBack?
        package var timeoutSeconds: Double?
        package var budgetSeconds: Double?
        /// Tasks when the stage is done, in percent of the desired count.
        package var capacity: Capacity?
    }

    package struct Label: Sendable, Hashable {
        package var view: String
        package var number: String
        package var title: String
    }

    package struct WayBack: Sendable, Hashable {
        /// After the way back the run stands before this stage.
        package var stage: String
        package var how: String
    }

    package struct Capacity: Sendable, Hashable {
        package var sourcePercent: Double
        package var targetPercent: Double
    }

    package enum Requirement: Sendable, Hashable {
        case approval
        case gate
        /// At least one check since the stage began, and the last of every name passed.
        case checks
        /// The last check of this name passed.
        case check(String)
        case ttlElapsed
        case freeze
        case noFreeze
        /// Every planned application runs in the target.
        case stackReady
        case trafficOnTarget
        /// As many minutes as this parameter says have passed since the stage began.
        case bake(parameter: String)
    }

    /// A number in the plan.
    package struct Parameter: Sendable, Hashable {
        package var name: String
        package var minimum: Double
        package var maximum: Double
        package var multipleOf: Double?
        package var defaultValue: Double?
        package var isRequired: Bool
    }

    /// How traffic moves in one stage.
    package struct TrafficShift: Sendable, Hashable {
        package var stage: String
        package var steps: Steps
        /// The parameter that says how long every step but the last bakes.
        package var bakeParameter: String?
    }

    package enum Steps: Sendable, Hashable {
        /// The target's share after each step.
        case sequence([Share])
        /// n times the parameter, the last step shorter if 100 is no multiple.
        case every(parameter: String)
        /// Any shares.
        case free
    }

    package enum Share: Sendable, Hashable {
        case percent(Double)
        case parameter(String)
    }

    package struct HookLimit: Sendable, Hashable {
        package var count: Int
        package var timeoutMinutes: ClosedRange<Double>
        package var defaultTimeoutMinutes: Double
    }

    package struct Rollback: Sendable, Hashable {
        /// The run is over after it; else the stages that were gone back over are open again.
        package var endsRun: Bool
        /// The stages whose hooks are called again, with the weights reversed.
        package var revisitedStages: [String]
        /// What starts one without anybody asking.
        package var causes: Set<RollbackCause>
    }

    package enum RollbackCause: String, Sendable, Hashable, CaseIterable {
        case hookFailed = "hook-failed"
        case hookTimedOut = "hook-timed-out"
        case phaseFailed = "phase-failed"
        case breaker
        case alarm
    }

    /// Failed tasks in a row that stop a deployment: a percentage of the desired count, within limits.
    package struct BreakerRule: Sendable, Hashable {
        package var percent: Double
        package var minimum: Double
        package var maximum: Double
    }

    package func stage(named name: String) -> Stage? { stages.first { $0.name == name } }
    package func index(of name: String) -> Int? { stages.firstIndex { $0.name == name } }
}
