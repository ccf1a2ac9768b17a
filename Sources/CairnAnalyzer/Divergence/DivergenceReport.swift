package import CairnSeries

/// What a comparison ends in. There are three, because "no difference seen" and "shown to be equal" are not the same.
package enum DivergenceVerdict: String, Sendable, CaseIterable {
    case diverged = "DIVERGED"
    case equivalent = "EQUIVALENT"
    case undecided = "UNDECIDED"
}

/// Whether a difference hurts.
package enum DivergenceDirection: String, Sendable {
    case worse
    case better
    /// Neither is better, as with a status mix.
    case different
}

/// What is compared, which decides how.
package enum DivergenceKind: String, Sendable, CaseIterable {
    case statusMix = "status-mix"
    case latency
    case availability
    case readiness
    case lag
    case errors
    case level
}

/// Why a verdict is what it is, for programs; `DivergenceComparison.reason` is for people.
package enum DivergenceReason: String, Sendable, CaseIterable {
    case outsideMargin = "outside_margin"
    case insideMargin = "inside_margin"
    /// More data would decide.
    case tooFewSamples = "too_few_samples"
    /// The effect is as large as the margin: data may never decide.
    case atMargin = "at_margin"
    case missingInSource = "missing_in_source"
    case missingInTarget = "missing_in_target"
    case missingInBoth = "missing_in_both"
    case noTrafficInSource = "no_traffic_in_source"
    case noTrafficInTarget = "no_traffic_in_target"
    /// Both had traffic, and one has had none for a while: what was equal before says nothing about now.
    case trafficStoppedInSource = "traffic_stopped_in_source"
    case trafficStoppedInTarget = "traffic_stopped_in_target"
    /// Samples of one side, or both, ended a while before the newest there are.
    case dataEndedInSource = "data_ended_in_source"
    case dataEndedInTarget = "data_ended_in_target"
    case dataEndedInBoth = "data_ended_in_both"
    /// It was the same, and evidence of a difference has been growing since.
    case evidenceGrows = "evidence_grows"
    /// One side has only a trickle of the requests.
    case lowTraffic = "low_traffic"
    /// Both have data, never at the same time.
    case noCommonTime = "no_common_time"
    /// Enough for this metric alone, not among all that are judged together.
    case belowFleetThreshold = "below_fleet_threshold"
}

/// One look at the evidence.
package struct DivergenceLook: Hashable, Sendable {
    package var timeMs: Int64
    /// ln E: how much better "different" explains what was seen than "within the margin".
    package var nats: Double
    package var effect: Double
    package var low: Double
    package var high: Double
}

/// A part of a metric: one quantile, one topic, one class of status codes.
package struct DivergencePart: Hashable, Sendable {
    package var name: String
    package var verdict: DivergenceVerdict
    package var effect: Double?
    package var low: Double?
    package var high: Double?
    package var margin: Double
    package var nats: Double
}

/// The verdict on one metric of one application.
package struct DivergenceComparison: Hashable, Sendable {
    package var app: String
    package var metric: String
    package var kind: DivergenceKind
    /// How its samples were read: `status mix by label code`, `gauge, as a log ratio`.
    package var meaning = ""
    package var verdict: DivergenceVerdict
    package var direction: DivergenceDirection
    package var reasonCode: DivergenceReason
    package var reason: String
    /// The part that says most: `quantile="0.99"`, `5xx`.
    package var part: String
    /// DIVERGED: the estimated first moment of the difference. Otherwise the moment judged from.
    package var sinceMs: Int64?
    package var judgedFromMs: Int64?
    package var judgedUntilMs: Int64?
    /// When the evidence crossed the line, which it does once.
    package var decidedAtMs: Int64?
    package var effect: Double?
    package var effectLow: Double?
    package var effectHigh: Double?
    package var margin: Double
    /// `log ratio`, or `share`.
    package var unit: String
    /// The difference that was there before, and is not counted.
    package var baselineEffect: Double?
    /// The highest ln E reached; ln E at the end is `finalNats`.
    package var nats: Double
    package var finalNats: Double
    package var timeToDecisionSeconds: Double?
    /// The same in requests of the cluster that has fewer, for counts.
    package var requestsToDecision: Double?
    /// DIVERGED: requests of the target since the difference began, and how many of them it changed: those that ended in
    /// another class, or, for a latency, all that had to wait. Nil where nobody counts the application's requests.
    package var requests: Double?
    package var requestsAffected: Double?
    /// What else would have to be so for another verdict, in words.
    package var wouldChange: [String] = []
    /// Up to here both clusters have samples of it; and by how much that is behind the newest sample of either cluster,
    /// or behind the moment that the request was made for.
    package var dataUntilMs: Int64?
    package var behindSeconds: Double?
    /// The newest sample of either side.
    var newestMs: Int64?
    var isTargetBehind: Bool?
    /// ln E that the mixes of status classes differ at all, however little (F3 over all classes).
    package var mixNats: Double?
    /// What counts among all comparisons: ln E at the end, or a part of the highest, whichever is more.
    var fleetNats = 0.0
    /// Variance over that of independent requests, for counts.
    package var dispersion: Double?
    /// Steps with data of both clusters: judged ones, and those of the baseline.
    package var steps: Int
    package var baselineSteps: Int
    package var stepSeconds: Int64
    /// The difference began while it was looked at, or is one against the baseline. One that was there from the first
    /// moment may be the clusters' own.
    package var isNew: Bool
    /// Evidence times effect, to put the worst first.
    package var score: Double
    package var parts: [DivergencePart]
    /// The evidence over time, thinned.
    package var looks: [DivergenceLook]
    /// What was read: the series of both clusters, sorted.
    package var series: [SeriesKey]
}

/// A metric that is not compared, and why.
package struct DivergenceLeftOut: Hashable, Sendable {
    package var app: String
    package var metric: String
    package var reason: String
}

package struct DivergenceReport: Hashable, Sendable {
    package var source: String
    package var target: String
    package var policyDigest: String
    /// The worst metric of each application first, DIVERGED before UNDECIDED before EQUIVALENT.
    package var comparisons: [DivergenceComparison]
    package var leftOut: [DivergenceLeftOut]

    package static let analyzer = "divergence"
    /// Raised with every change that can change a verdict.
    package static let analyzerVersion = 3

    package var findings: [DivergenceFinding] {
        comparisons.filter { $0.verdict == .diverged && $0.direction != .better }.map {
            DivergenceFinding($0, source: source, target: target, policyDigest: policyDigest)
        }
    }
}

/// A comparison that ended in DIVERGED for the worse, as a finding event has it.
package struct DivergenceFinding: Hashable, Sendable {
    /// The same for the same difference, whoever finds it and however often.
    package var id: String
    package var source: String
    package var target: String
    package var policyDigest: String
    package var comparison: DivergenceComparison

    init(_ comparison: DivergenceComparison, source: String, target: String, policyDigest: String) {
        let minute = (comparison.sinceMs ?? 0) / 60_000
        let parts = [
            DivergenceReport.analyzer, source, target, comparison.app, comparison.metric, comparison.kind.rawValue,
            String(minute),
        ]
        id = "diverge-" + DivergenceHash.digits(of: Array(parts.joined(separator: "\u{1F}").utf8))
        self.source = source
        self.target = target
        self.policyDigest = policyDigest
        self.comparison = comparison
    }
}
