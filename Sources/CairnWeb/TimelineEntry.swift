package import CairnBytes

/// One line of a timeline: `HH:MM:SS UTC | actor | action | evidence | position`.
package struct TimelineEntry: Sendable, Hashable {
    /// What kind of thing happened; decides the label and lets readers filter.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case plan, phase, approval, gate, hook, traffic, workload, deployment, check, freeze, finding, incident, alarm
        case note, correction, violation, rollback
        case imported = "import"
        case platform
        case ledger
        case other
    }

    package enum Severity: String, Sendable, Hashable, CaseIterable, Comparable {
        case info, success, warning, critical

        package static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .info: 0
            case .success: 1
            case .warning: 2
            case .critical: 3
            }
        }
    }

    /// When it happened.
    package var time: Timestamp
    /// When it was recorded, if that is worth showing: a line that came late says so.
    package var recordedTime: Timestamp?
    package var kind: Kind
    package var severity: Severity
    package var actor: String
    /// What was done, in words.
    package var action: String
    package var evidence: [Evidence]
    /// The place in the log; nil for lines that no entry stands behind.
    package var position: UInt64?
    /// The stream of the entry: `migration/...`, `deployment/...`.
    package var stream: String?
    package var migration: String?
    package var deployment: String?
    /// A turning point, shown in bold: `OUTAGE BEGINS`, `INCIDENT ENDS`.
    package var marker: String?

    package init(
        time: Timestamp, recordedTime: Timestamp? = nil, kind: Kind, severity: Severity = .info, actor: String,
        action: String, evidence: [Evidence] = [], position: UInt64? = nil, stream: String? = nil,
        migration: String? = nil, deployment: String? = nil, marker: String? = nil
    ) {
        self.time = time
        self.recordedTime = recordedTime
        self.kind = kind
        self.severity = severity
        self.actor = actor
        self.action = action
        self.evidence = evidence
        self.position = position
        self.stream = stream
        self.migration = migration
        self.deployment = deployment
        self.marker = marker
    }

    /// What a line rests on: a number, a message, a file; with the entry that holds it, if there is one.
    package struct Evidence: Sendable, Hashable {
        package var text: String
        package var position: UInt64?

        package init(_ text: String, position: UInt64? = nil) {
            self.text = text
            self.position = position
        }
    }
}

extension TimelineEntry.Evidence: ExpressibleByStringLiteral {
    package init(stringLiteral value: String) { self.init(value) }
}
