package import CairnAnalyzer
package import CairnBytes
internal import CairnModel
internal import CairnSeries

/// A finding on its way into the log: what the analyzer says, in the one form that events, timelines and a second
/// judgement share.
package struct FindingDraft: Sendable, Hashable {
    package var id: String
    package var analyzer: String
    package var start: Timestamp
    /// Nil while it goes on.
    package var end: Timestamp?
    /// Findings with the same cause (a peer, an application) at the same time are one incident.
    package var cause: String
    /// Causes of findings that belong to the same incident, besides its own.
    package var relatedCauses: Set<String> = []
    /// Who or what is suspected, and why.
    package var suspect: String?
    /// All that the analyzer says of it; without evidence and basis, which the recorder adds.
    package var data: JSONObject

    /// What was found, in a line: with the application and the metric, where it is about them.
    var sentence: String {
        let reason = data["reason"]?.string ?? cause
        guard let app = data["app"]?.string, let metric = data["metric"]?.string else { return reason }
        return "\(app): \(metric): \(reason)"
    }

    package init(_ finding: DropFinding, request: DropsRequest, policy: DropsPolicy) {
        id = finding.id
        analyzer = DropsAnalyzer.name
        start = finding.start
        end = finding.end
        cause = finding.incidentCause
        suspect =
            finding.root.map { "\($0.words): explains \(Int(($0.explained * 100).rounded())) % of the excess" }
            ?? finding.cause.explanation
        var data = finding.json.object ?? JSONObject()
        data["finding"] = .string(finding.id)
        data["id"] = nil
        data["analyzer"] = .string(DropsAnalyzer.name)
        data["policy_digest"] = .string(policy.digest)
        data["reason"] = .string(finding.sentence)
        if let source = request.source, let target = request.target {
            data["clusters"] = ["source": .string(source), "target": .string(target)]
        }
        data["judged"] = [
            "since_minute": request.since.map { .integer($0) } ?? .null,
            "until_minute": request.until.map { .integer($0) } ?? .null,
            "watermark": finding.watermark?.json ?? .null,
        ]
        data["signal"] = FindingDraft.signal(of: finding, isOnTarget: finding.cluster != request.source).json
        data["evidence_series"] = finding.evidenceSeries.json
        self.data = data
    }

    init(_ finding: DivergenceFinding, judged: JSONValue, signal: FindingSignal?) {
        let comparison = finding.comparison
        id = finding.id
        analyzer = DivergenceReport.analyzer
        start = comparison.sinceMs.flatMap { Timestamp(milliseconds: $0) } ?? .earliest
        // A difference lasts until something is done about it; the newest sample is not its end.
        end = nil
        cause = "application \(comparison.app)"
        var data = finding.json.object ?? JSONObject()
        data["end"] = nil
        data["cluster"] = .string(finding.target)
        data["judged"] = judged
        data["signal"] = signal?.json
        data["evidence_series"] = comparison.evidenceSeries.json
        self.data = data
    }

    init(_ finding: AnomalyFinding, judged: JSONValue) {
        id = finding.id
        analyzer = AnomalyFinding.analyzer
        start = finding.start
        end = finding.end
        cause = "anomaly of \(finding.key)"
        data = finding.json.object ?? JSONObject()
        data["judged"] = judged
    }

    init(_ finding: SilenceFinding) {
        id = finding.id
        analyzer = SilenceAnalyzer.name
        start = finding.last
        end = nil
        cause = "silence of \(finding.sender.cluster)"
        data = finding.json.object ?? JSONObject()
    }

    /// Divergences of applications that call each other, and began at one time, are one incident of the one that is
    /// called. Its findings come first, since the first opens the incident.
    static func folded(_ drafts: [FindingDraft], by graph: ServiceGraph) -> [FindingDraft] {
        var onsets: [String: Timestamp] = [:]
        for draft in drafts {
            guard let app = draft.data["app"]?.string else { continue }
            onsets[app] = min(onsets[app] ?? draft.start, draft.start)
        }
        var output = drafts
        var roots: Set<String> = []
        for group in graph.groups(of: onsets, within: FindingsRecorder.sameIncidentSeconds) {
            let callers = group.members.filter { $0 != group.root }
            guard !callers.isEmpty else { continue }
            roots.insert(group.root)
            for index in output.indices {
                guard let app = output[index].data["app"]?.string, group.members.contains(app) else { continue }
                output[index].cause = "application \(group.root)"
                output[index].relatedCauses = Set(group.members.map { "application \($0)" })
                output[index].suspect =
                    "\(group.root), which \(callers.joined(separator: " and ")) call\(callers.count == 1 ? "s" : "")"
            }
        }
        func isRoot(_ draft: FindingDraft) -> Bool { draft.data["app"]?.string.map(roots.contains) ?? false }
        return output.filter(isRoot) + output.filter { !isRoot($0) }
    }

    /// The signal minute by minute: events of the finding's kind in the cluster, and in the other one beside it.
    private static func signal(of finding: DropFinding, isOnTarget: Bool) -> FindingSignal {
        let points = finding.evidence.signal
        let first = points.first?.minute ?? finding.startMinute
        let count = Int(min(Int64(FindingSignal.pointsMax), (points.last?.minute ?? first) - first + 1))
        var own = [Double?](repeating: nil, count: count)
        var other = [Double?](repeating: nil, count: count)
        for point in points where point.minute - first < Int64(count) {
            let index = Int(point.minute - first)
            if point.connections > 0 { own[index] = Double(point.events) }
            if point.controlConnections > 0 { other[index] = Double(point.controlEvents) }
        }
        return FindingSignal(
            axis: "\(finding.kind.words) connections per minute", unit: "plain",
            start: Timestamp(seconds: first * 60) ?? finding.start,
            stepSeconds: 60, source: isOnTarget ? other : own, target: isOnTarget ? own : other)
    }
}
