package import CairnBytes

/// What `cairn timeline` shows: one incident, migration or stretch of time, ready to be written as Markdown, HTML, JSON
/// or CSV. Whoever fills it in reads the log and the read models; the renderers know nothing but this value, so the
/// same document always gives the same bytes.
package struct TimelineDocument: Sendable, Hashable {
    /// A sentence a reader recognises: `Dropped traffic to payments-partner after the shift`.
    package var title: String
    /// What the timeline covers: `incident/...`, `migration/...`, or a range of time in words.
    package var scope: String
    package var from: Timestamp
    package var until: Timestamp
    /// When the document was made; nil leaves it out, which keeps two exports of one log equal.
    package var generated: Timestamp?
    /// Which log, and how far it had grown: what a reader needs to check any line.
    package var ledger: LedgerCitation?
    /// The clusters' names, source and target.
    package var clusters: ClusterNames?
    package var summary: TimelineSummary
    package var phases: [TimelinePhase]
    package var trafficShares: [TrafficShare]
    package var findings: [TimelineFinding]
    /// In the order of their times; the renderers sort by time and then position.
    package var entries: [TimelineEntry]

    package init(
        title: String, scope: String, from: Timestamp, until: Timestamp, generated: Timestamp? = nil,
        ledger: LedgerCitation? = nil, clusters: ClusterNames? = nil, summary: TimelineSummary = TimelineSummary(),
        phases: [TimelinePhase] = [], trafficShares: [TrafficShare] = [], findings: [TimelineFinding] = [],
        entries: [TimelineEntry] = []
    ) {
        self.title = title
        self.scope = scope
        self.from = from
        self.until = until
        self.generated = generated
        self.ledger = ledger
        self.clusters = clusters
        self.summary = summary
        self.phases = phases
        self.trafficShares = trafficShares
        self.findings = findings
        self.entries = entries
    }

    package struct ClusterNames: Sendable, Hashable {
        package var source: String
        package var target: String

        package init(source: String, target: String) {
            self.source = source
            self.target = target
        }
    }

    /// The log that every position points into.
    package struct LedgerCitation: Sendable, Hashable {
        package var origin: String
        /// Entries known when the document was made.
        package var size: UInt64
        /// The root of the Merkle tree over these entries, base64 as checkpoints write it.
        package var rootHash: String?

        package init(origin: String, size: UInt64, rootHash: String? = nil) {
            self.origin = origin
            self.size = size
            self.rootHash = rootHash
        }
    }
}

/// The box at the top: what somebody reads who reads nothing else. Empty parts are left out.
package struct TimelineSummary: Sendable, Hashable {
    package var whatHappened: String
    /// In words; by default the document's range.
    package var when: String
    package var cause: String
    package var impact: String
    package var status: String
    /// Further lines, each with its label: `Decided by`, `Time to detect`.
    package var more: [LabelledText]

    package init(
        whatHappened: String = "", when: String = "", cause: String = "", impact: String = "", status: String = "",
        more: [LabelledText] = []
    ) {
        self.whatHappened = whatHappened
        self.when = when
        self.cause = cause
        self.impact = impact
        self.status = status
        self.more = more
    }
}

package struct LabelledText: Sendable, Hashable {
    package var label: String
    package var text: String

    package init(_ label: String, _ text: String) {
        self.label = label
        self.text = text
    }
}

/// One bar of the phase strip.
package struct TimelinePhase: Sendable, Hashable {
    package enum Status: String, Sendable, Hashable, CaseIterable {
        case planned, running, completed, failed, reverted
    }

    package var name: String
    package var start: Timestamp
    /// Nil while it runs.
    package var end: Timestamp?
    package var status: Status
    /// The entry that began it.
    package var position: UInt64?

    package init(name: String, start: Timestamp, end: Timestamp?, status: Status, position: UInt64? = nil) {
        self.name = name
        self.start = start
        self.end = end
        self.status = status
        self.position = position
    }
}

/// The share of production or test traffic from one moment on, in percent.
package struct TrafficShare: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable { case production, test }

    package var time: Timestamp
    package var kind: Kind
    package var sourcePercent: Double
    package var targetPercent: Double

    package init(time: Timestamp, kind: Kind = .production, sourcePercent: Double, targetPercent: Double) {
        self.time = time
        self.kind = kind
        self.sourcePercent = sourcePercent
        self.targetPercent = targetPercent
    }
}

/// One finding with what it rests on.
package struct TimelineFinding: Sendable, Hashable {
    package var id: String
    /// `unanswered`, `latency`, `status-mix`, ...: the analyzer's kind.
    package var kind: String
    package var title: String
    package var severity: TimelineEntry.Severity
    /// `open`, `withdrawn`, `acknowledged`, `muted`.
    package var status: String
    package var start: Timestamp
    package var end: Timestamp?
    /// Whole sentences: what was seen, and what that rules out.
    package var explanation: String
    /// Scope and numbers: `peer` `192.0.2.7:443`, `excess` `1,240 flows`, ...
    package var facts: [LabelledText]
    package var evidencePositions: [UInt64]
    package var charts: [Chart]

    package init(
        id: String, kind: String, title: String, severity: TimelineEntry.Severity, status: String, start: Timestamp,
        end: Timestamp?, explanation: String = "", facts: [LabelledText] = [], evidencePositions: [UInt64] = [],
        charts: [Chart] = []
    ) {
        self.id = id
        self.kind = kind
        self.title = title
        self.severity = severity
        self.status = status
        self.start = start
        self.end = end
        self.explanation = explanation
        self.facts = facts
        self.evidencePositions = evidencePositions
        self.charts = charts
    }
}
