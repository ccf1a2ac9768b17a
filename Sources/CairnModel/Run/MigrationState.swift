package import CairnBytes

/// Where a run of a playbook stands: a migration of a cluster, or a deployment of a service. It is what the events of
/// the run's stream add up to, and nothing else.
package struct MigrationState: Sendable, Hashable {
    package enum Status: String, Sendable, Hashable {
        case unplanned
        case planned
        case running
        case rollingBack = "rolling_back"
        case rolledBack = "rolled_back"
        case rollbackFailed = "rollback_failed"
        case completed
        case failed
        case aborted
    }

    package let stream: StreamName
    /// What a plan may name. For a plan in the log: what was registered before it.
    package var playbooks: PlaybookLibrary {
        didSet { if !untold.isEmpty { untold[0].playbooks = playbooks } }
    }
    package var status = Status.unplanned
    /// Events applied so far; facts of other vocabularies count too.
    package var eventCount: UInt64 = 0
    /// Revision of the last event of the run's own stream.
    package var revision: UInt64?
    /// When the latest event of the run's own stream happened; for one that claims to come later than it was recorded,
    /// when it was recorded.
    package var lastEventAt: Timestamp?

    // The plan.
    package var playbookID: String?
    /// Nil if the plan names a playbook that is not known here.
    package var playbook: Playbook?
    package var title: String?
    /// The cluster or the revision that the run leaves.
    package var source: String?
    /// The cluster or the revision that it goes to.
    package var target: String?
    package var service: String?
    package var cluster: String?
    package var tenant: String?
    package var region: String?
    package var parameters = JSONObject()
    package var budgets: [String: Double] = [:]
    package var declaredHooks: [HookDeclaration] = []
    package var watchedAlarms: Set<String> = []
    package var desiredCount: Int64?
    package var plannedAt: Timestamp?
    package var startedAt: Timestamp?
    package var closedAt: Timestamp?
    package var closingReason: String?

    // How far it is.
    package var phases: [PhaseState] = []
    package var applications: [String: ApplicationState] = [:]
    package var approvals: [String: Approval] = [:]
    package var gates: [String: Gate] = [:]
    package var checks: [String: Check] = [:]
    package var hookCalls: [HookCall] = []
    /// Which call each execution was, as the run's own events tell it.
    var executions: [String: HookExecution] = [:]
    /// What hooks answered, merged over the calls of each hook.
    package var hookDetails: [String: JSONObject] = [:]
    package var production: Weights?
    package var test: Weights?
    /// Steps of production traffic done so far.
    package var shiftedSteps = 0
    package var lastShiftAt: Timestamp?
    package var bake: Bake?
    package var ttlChanges: [TTLChange] = []
    package var freezes: [String: Timestamp] = [:]
    package var emergencies: [String: Emergency] = [:]
    package var rollbacks: [RollbackRecord] = []
    /// Why a rollback has to start now; nil if none has to.
    package var rollbackDue: String?
    package var breaker = CircuitBreaker()
    package var alarms: [String: AlarmState] = [:]

    // What Amazon ECS tells of it.
    /// In order, each once.
    var notices: [ECSNotice] = []
    /// The state without them, once there are any: one element at most.
    var untold: [MigrationState] = []

    package init(stream: StreamName, playbooks: PlaybookLibrary = .builtIn) {
        self.stream = stream
        self.playbooks = playbooks
    }

    /// One stage, or one traffic step of it.
    package struct PhaseState: Sendable, Hashable {
        package enum Status: String, Sendable, Hashable {
            case pending
            case active
            case completed
            /// A later stage began without it.
            case skipped
            case failed
            case reverted
        }

        package var name: String
        package var step: Int?
        package var status = Status.pending
        package var startedAt: Timestamp?
        package var endedAt: Timestamp?
        package var reason: String?
        /// False for a stage that the playbook does not have.
        package var isKnown = true

        package var isDone: Bool { status == .completed || status == .skipped }
    }

    package struct ApplicationState: Sendable, Hashable {
        package var name: String
        /// `stateless`, `kafka-pair`, `headless`, `stateful`; nil for one that no plan names.
        package var workloadClass: String?
        /// How many there were before the run touched it.
        package var replicas: Int64?
        package var floor: Int64?
        package var cap: Int64?
        /// The last size by cluster.
        package var sizes: [String: Int64] = [:]
    }

    package struct Approval: Sendable, Hashable {
        package enum Status: String, Sendable, Hashable {
            case requested
            case granted
            case rejected
        }

        package var status: Status
        /// Everybody who asked since the last decision: none of them decides.
        package var requesters: [String] = []
        package var requestedAt: Timestamp?
        package var expires: Timestamp?
        package var approver: String?
        package var decidedAt: Timestamp?
        package var isEmergency = false
        package var isRetroactive = false
    }

    /// A stage that began without approval, and who has to have approved it by when.
    package struct Emergency: Sendable, Hashable {
        /// Everybody who began it so and was not approved yet.
        package var requesters: [String]
        package var deadline: Timestamp
    }

    package struct Gate: Sendable, Hashable {
        package var result: String
        package var reasons: [String]
        package var time: Timestamp
    }

    package struct Check: Sendable, Hashable {
        package var result: String
        package var time: Timestamp
    }

    package struct Weights: Sendable, Hashable {
        package var source: Double
        package var target: Double
        package var time: Timestamp
    }

    package struct Bake: Sendable, Hashable {
        package var minutes: Double
        package var step: Int?
        package var startedAt: Timestamp
        package var completedAt: Timestamp?
    }

    package struct TTLChange: Sendable, Hashable {
        package var zone: String
        package var record: String
        package var oldSeconds: Int64
        package var newSeconds: Int64
        package var time: Timestamp

        /// When the last cache has forgotten the old record.
        package var elapsedAt: Timestamp { time.later(bySeconds: Double(oldSeconds)) }
    }

    package struct RollbackRecord: Sendable, Hashable {
        package var reason: String
        package var finding: String?
        package var startedAt: Timestamp
        package var endedAt: Timestamp?
        /// Nil while it runs or when it succeeded.
        package var failure: String?
    }

    package struct AlarmState: Sendable, Hashable {
        package var state: String
        /// It was in alarm when the run began, and so is ignored for the whole of it.
        package var isIgnored = false
    }
}
