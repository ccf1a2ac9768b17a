package import CairnBytes

// One decision in the forms that pipelines read.
extension GateDecision {
    package var json: JSONValue {
        [
            "phase": .string(phase), "result": .string(outcome.rawValue),
            "reasons": .array(reasons.map { .string($0) }),
            // One for each reason, in their order.
            "reason_codes": .array(why.map { .string($0.code.rawValue) }),
            "remedies": .array(why.map { .optional($0.remedy) }), "checks": .array(checks.map(\.json)),
            "findings": .array(
                findings.map { finding, passes in
                    [
                        "finding": .string(finding.id), "kind": .string(finding.kind),
                        "sentence": .string(finding.sentence), "counts": .bool(passes == nil),
                        "why_not": .optional(passes),
                    ]
                }), "policy": policy.json, "policy_digest": .string(policy.digest),
            "evidence": .array(evidence.map { .integer($0) }), "evaluated_at": .string(time.description),
            "data_age_seconds": dataAgeSeconds.map { .integer($0) } ?? .null,
        ]
    }

    /// The answer of a lifecycle hook of Amazon ECS. What comes back in `hookDetails` is given to the next call.
    package var ecsHook: JSONValue {
        var object: JSONObject = [
            "hookDetails": ["cairnGate": .string(outcome.rawValue), "cairnReason": .string(reasons.first ?? "")]
        ]
        switch outcome {
        case .pass: object["hookStatus"] = "SUCCEEDED"
        case .fail: object["hookStatus"] = "FAILED"
        case .undecided:
            object["hookStatus"] = "IN_PROGRESS"
            object["callBackDelay"] = .integer(policy.callBackDelaySeconds)
        }
        return .object(object)
    }

    /// What the web provider of Argo Rollouts reads, with `jsonPath: "{$.data.result}"`, `successCondition: result ==
    /// "pass"` and `failureCondition: result == "fail"`; anything else is inconclusive.
    package var argoRollouts: JSONValue {
        [
            "data": [
                "result": .string(outcome.rawValue), "ok": .bool(outcome == .pass),
                "reasons": .array(reasons.map { .string($0) }),
            ]
        ]
    }

    /// What a webhook of Flagger answers: it goes on with 200, and halts with anything else.
    package var flagger: JSONValue {
        let status: Int64 =
            switch outcome {
            case .pass: 200
            case .fail: 412
            case .undecided: 503
            }
        return [
            "status": .integer(status), "result": .string(outcome.rawValue),
            "message": .string(reasons.joined(separator: "; ")),
        ]
    }
}
