package import CairnBytes
package import CairnSeries

/// An anomaly as a finding event has it.
package struct AnomalyFinding: Sendable, Hashable {
    package static let analyzer = "anomalies"
    package static let analyzerVersion = 1

    package var key: SeriesKey
    package var isCounter: Bool
    package var event: AnomalyEvent
    private let policy: AnomalyPolicy

    package init(_ event: AnomalyEvent, of report: AnomalyReport, policy: AnomalyPolicy) {
        self.event = event
        self.policy = policy
        key = report.key
        isCounter = report.isCounter
    }

    /// The same for the same anomaly, whoever finds it and however often.
    package var id: String {
        let parts = [Self.analyzer, key.description, String(Timestamp.floorDivide(event.startMs, 60_000))]
        return "anomaly-" + DivergenceHash.digits(of: Array(parts.joined(separator: "\u{1F}").utf8))
    }

    package var start: Timestamp { Timestamp(milliseconds: event.startMs) ?? .earliest }
    package var end: Timestamp? { event.endMs.flatMap { Timestamp(milliseconds: $0) } }
    package var cluster: String? { key[SeriesKey.clusterLabel] }

    package var sentence: String {
        func text(_ value: Double) -> String { DivergenceText.significant(value) + (isCounter ? "/s" : "") }
        let expected = event.expected.map { " where \(text($0)) was expected" } ?? ""
        return "\(key) was \(text(event.value))\(expected), \(event.isAbove ? "above" : "below") all that is usual"
    }

    package var json: JSONValue {
        var object: JSONObject = [
            "finding": .string(id), "analyzer": .string(Self.analyzer),
            "analyzer_version": .integer(Self.analyzerVersion), "policy_digest": .string(policy.digest),
            "kind": "anomaly", "series": .string(key.description), "scope": ["series": .string(key.description)],
            "start": .string(start.description), "reason": .string(sentence),
            "score": DivergenceComparison.number(event.score), "rarity": DivergenceComparison.number(event.rarity),
            "value": DivergenceComparison.number(event.value),
            "expected": DivergenceComparison.number(event.expected), "samples": .integer(event.samples),
            "direction": .string(event.isAbove ? "above" : "below"), "is_rate": .bool(isCounter),
            "log_evidence": DivergenceComparison.number(event.rarity * Mathematics.log(10)),
            "evidence_series": evidenceSeries.json,
        ]
        object["cluster"] = cluster.map { .string($0) }
        object["end"] = end.map { .string($0.description) }
        object["second_opinion"] = event.secondOpinion.map { .string($0.agrees ? "agrees" : "does not agree") }
        return .object(object)
    }

    /// What was measured beside what was expected, and how rare such a distance is.
    package var evidenceSeries: EvidenceSeries {
        EvidenceSeries(
            axis: isCounter ? "\(key.name), per second" : key.name,
            threshold: policy.alarmRarity * Mathematics.log(10),
            points: event.points.compactMap { point in
                guard let time = Timestamp(milliseconds: point.timeMs) else { return nil }
                return EvidenceSeries.Point(
                    time: time, observed: point.value, expected: point.expected,
                    logEvidence: point.rarity * Mathematics.log(10))
            })
    }
}

extension AnomalyReport {
    /// Its anomalies as findings.
    package func findings(by policy: AnomalyPolicy) -> [AnomalyFinding] {
        events.map { AnomalyFinding($0, of: self, policy: policy) }
    }
}
