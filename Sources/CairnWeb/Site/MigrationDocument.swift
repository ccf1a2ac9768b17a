package import CairnBytes

/// One migration or deployment: all that happened in it.
package struct MigrationDocument: Sendable, Hashable {
    /// One attempt of a stage, or a stage that has not begun.
    package struct Phase: Sendable, Hashable {
        package var name: String
        package var step: Int?
        /// `4 Move workloads`: the same stage in the numbering of the runbook.
        package var label: String?
        /// As `FleetDocument.Stage` has it.
        package var status: String?
        package var started: Timestamp?
        package var ended: Timestamp?
        package var budgetSeconds: Double?
        package var reason: String?
        package var startedBy: String?
        package var position: UInt64?
        package var endPosition: UInt64?

        package init(name: String, step: Int? = nil, label: String? = nil, status: String? = nil) {
            self.name = name
            self.step = step
            self.label = label
            self.status = status
        }
    }

    /// A moment that somebody decided something, or something was judged: approvals, gates, checks, hooks, ways back.
    package struct Moment: Sendable, Hashable {
        package enum Kind: String, Sendable, Hashable, CaseIterable {
            case approval = "Approvals"
            case gate = "Gates"
            case hook = "Hooks"
            case check = "Checks"
            case rollback = "Rollbacks"
        }

        package var kind: Kind
        /// Phase, hook or check.
        package var name: String
        /// `pass`, `granted`, `SUCCEEDED`, ...
        package var status: String
        package var time: Timestamp
        package var end: Timestamp?
        package var person: String?
        /// Whole sentences: reasons, comments, what was seen.
        package var details: [String]
        package var position: UInt64
        /// The entry that answered or decided.
        package var endPosition: UInt64?

        package init(
            kind: Kind, name: String, status: String, time: Timestamp, end: Timestamp? = nil, person: String? = nil,
            details: [String] = [], position: UInt64, endPosition: UInt64? = nil
        ) {
            self.kind = kind
            self.name = name
            self.status = status
            self.time = time
            self.end = end
            self.person = person
            self.details = details
            self.position = position
            self.endPosition = endPosition
        }
    }

    package struct Share: Sendable, Hashable {
        package var time: Timestamp
        package var kind: TrafficShare.Kind
        package var targetPercent: Double
        package var actor: String?
        package var position: UInt64

        package init(
            time: Timestamp, kind: TrafficShare.Kind, targetPercent: Double, actor: String?, position: UInt64
        ) {
            self.time = time
            self.kind = kind
            self.targetPercent = targetPercent
            self.actor = actor
            self.position = position
        }
    }

    package struct Finding: Sendable, Hashable {
        package var id: String
        package var kind: String
        package var title: String
        package var isOpen: Bool
        /// What somebody said of it that still holds.
        package var note: String?
        package var counts: Bool
        package var start: Timestamp
        package var end: Timestamp?
        package var position: UInt64?

        package init(
            id: String, kind: String, title: String, isOpen: Bool, note: String?, counts: Bool, start: Timestamp,
            end: Timestamp?, position: UInt64?
        ) {
            self.id = id
            self.kind = kind
            self.title = title
            self.isOpen = isOpen
            self.note = note
            self.counts = counts
            self.start = start
            self.end = end
            self.position = position
        }
    }

    /// A fact that broke a rule.
    package struct Violation: Sendable, Hashable {
        package var rule: String
        package var explanation: String
        package var time: Timestamp
        package var position: UInt64
        package var factPosition: UInt64?

        package init(
            rule: String, explanation: String, time: Timestamp, position: UInt64, factPosition: UInt64?
        ) {
            self.rule = rule
            self.explanation = explanation
            self.time = time
            self.position = position
            self.factPosition = factPosition
        }
    }

    package struct Workload: Sendable, Hashable {
        package var application: String
        package var workloadClass: String
        /// Replicas, as last scaled; nil where nothing was recorded.
        package var inSource: Int64?
        package var inTarget: Int64?
        package var position: UInt64?

        package init(
            application: String, workloadClass: String, inSource: Int64?, inTarget: Int64?, position: UInt64?
        ) {
            self.application = application
            self.workloadClass = workloadClass
            self.inSource = inSource
            self.inTarget = inTarget
            self.position = position
        }
    }

    package var stream: String
    package var title: String
    package var kind: String
    package var status: String
    package var reason: String?
    package var source: String?
    package var target: String?
    package var facts: [LabelledText]
    package var planPosition: UInt64?
    package var from: Timestamp
    package var until: Timestamp
    package var phases: [Phase]
    package var waiting: [WaitingApproval]
    package var moments: [Moment]
    package var shares: [Share]
    package var findings: [Finding]
    package var findingCount: Int
    package var violations: [Violation]
    package var workloads: [Workload]
    package var applicationCount: Int
    package var notes: [TimelineEntry]
    package var lastTime: Timestamp?
    package var lastPosition: UInt64?

    package init(
        stream: String, title: String, kind: String, status: String, reason: String? = nil, source: String? = nil,
        target: String? = nil, facts: [LabelledText] = [], planPosition: UInt64? = nil, from: Timestamp,
        until: Timestamp, phases: [Phase] = [], waiting: [WaitingApproval] = [], moments: [Moment] = [],
        shares: [Share] = [], findings: [Finding] = [], findingCount: Int = 0, violations: [Violation] = [],
        workloads: [Workload] = [], applicationCount: Int = 0, notes: [TimelineEntry] = [], lastTime: Timestamp? = nil,
        lastPosition: UInt64? = nil
    ) {
        self.stream = stream
        self.title = title
        self.kind = kind
        self.status = status
        self.reason = reason
        self.source = source
        self.target = target
        self.facts = facts
        self.planPosition = planPosition
        self.from = from
        self.until = until
        self.phases = phases
        self.waiting = waiting
        self.moments = moments
        self.shares = shares
        self.findings = findings
        self.findingCount = findingCount
        self.violations = violations
        self.workloads = workloads
        self.applicationCount = applicationCount
        self.notes = notes
        self.lastTime = lastTime
        self.lastPosition = lastPosition
    }
}
