package import CairnBytes
import CairnSeries

// The keys are documented in queries/README.md and stable: scripts read them.
extension DivergenceComparison {
    /// One row of `cairn diverge`.
    package var json: JSONValue { .object(object) }

    private var object: JSONObject {
        [
            "app": .string(app), "metric": .string(metric), "verdict": .string(verdict.rawValue),
            "since": DivergenceComparison.time(sinceMs), "effect": DivergenceComparison.number(effect),
            "effect_low": DivergenceComparison.number(effectLow),
            "effect_high": DivergenceComparison.number(effectHigh),
            "margin": DivergenceComparison.number(margin), "log_evidence": DivergenceComparison.number(nats),
            "reason": .string(reason), "time_to_decision_seconds": DivergenceComparison.number(timeToDecisionSeconds),
            "reason_code": .string(reasonCode.rawValue), "kind": .string(kind.rawValue), "part": .string(part),
            "meaning": .string(meaning), "direction": .string(direction.rawValue), "unit": .string(unit),
            "judged_from": DivergenceComparison.time(judgedFromMs),
            "judged_until": DivergenceComparison.time(judgedUntilMs),
            "decided_at": DivergenceComparison.time(decidedAtMs),
            "data_until": DivergenceComparison.time(dataUntilMs),
            "behind_seconds": DivergenceComparison.number(behindSeconds),
            "requests_to_decision": DivergenceComparison.number(requestsToDecision),
            "requests": DivergenceComparison.number(requests),
            "requests_affected": DivergenceComparison.number(requestsAffected),
            "would_change": .array(wouldChange.map { .string($0) }),
            "mix_log_evidence": DivergenceComparison.number(mixNats),
            "baseline_effect": DivergenceComparison.number(baselineEffect),
            "final_log_evidence": DivergenceComparison.number(finalNats),
            "dispersion": DivergenceComparison.number(dispersion), "steps": .integer(steps),
            "baseline_steps": .integer(baselineSteps), "step_seconds": .integer(stepSeconds), "is_new": .bool(isNew),
            "score": DivergenceComparison.number(score),
            "parts": .array(
                parts.map { part in
                    [
                        "name": .string(part.name), "verdict": .string(part.verdict.rawValue),
                        "effect": DivergenceComparison.number(part.effect),
                        "effect_low": DivergenceComparison.number(part.low),
                        "effect_high": DivergenceComparison.number(part.high),
                        "margin": DivergenceComparison.number(part.margin),
                        "log_evidence": DivergenceComparison.number(part.nats),
                    ]
                }),
        ]
    }

    private static func time(_ milliseconds: Int64?) -> JSONValue {
        .optional(milliseconds.flatMap { Timestamp(milliseconds: $0) }?.description)
    }

    /// Nine significant digits: the last ones of a double differ between C libraries, and say nothing here. JSON has
    /// no infinity; an end of an interval that is not known is null.
    static func number(_ value: Double?) -> JSONValue {
        guard let value, value.isFinite else { return .null }
        guard value.magnitude >= 1e-12 else { return .number(0) }
        var scale = 1.0
        while value.magnitude * scale < 1e8 { scale *= 10 }
        let rounded = (value * scale).rounded() / scale
        return .number(rounded == 0 ? 0 : rounded)
    }
}

extension DivergenceReport {
    /// What `cairn diverge -o json` prints: one array of objects.
    package var json: JSONValue { .array(comparisons.map(\.json)) }
}

extension DivergenceFinding {
    /// The data of `cairn.finding.opened.v1`, without the evidence's positions, which only the log knows.
    package var json: JSONValue {
        guard case .object(var object) = comparison.json else { return .null }
        let more: [(String, JSONValue)] = [
            ("finding", .string(id)), ("analyzer", .string(DivergenceReport.analyzer)),
            ("analyzer_version", .integer(DivergenceReport.analyzerVersion)),
            ("policy_digest", .string(policyDigest)),
            ("scope", ["app": .string(comparison.app), "metric": .string(comparison.metric)]),
            ("clusters", ["source": .string(source), "target": .string(target)]),
            ("start", object["since"] ?? .null), ("end", object["judged_until"] ?? .null),
        ]
        for (name, value) in more { _ = object.add(name: name, value: value) }
        return .object(object)
    }
}
