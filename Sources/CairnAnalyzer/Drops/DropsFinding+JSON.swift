package import CairnBytes
internal import CairnFlowLogs

extension DropFinding {
    /// The machine form, with the keys that scripts depend on.
    package var json: JSONValue {
        var scope = JSONObject()
        for (name, value) in self.scope { scope[name] = .string(value) }
        var object: JSONObject = [
            "id": .string(id), "cluster": .string(cluster), "start": .string(start.description),
            "end": .string(end.description), "kind": .string(kind.rawValue), "peer": .string(peer.description),
            "peer_port": .integer(peerPort), "peer_role": .string(peerRole.description), "scope": .object(scope),
            "side": .string(side.rawValue), "excess": .number(DropFinding.rounded(excess)),
            "baseline": .number(DropFinding.rounded(baseline)),
            "explained": .number(DropFinding.rounded(explained)),
            "cause": .string(cause.rawValue), "owner": .string(cause.owner.rawValue), "is_open": .bool(isOpen),
            "events": .integer(evidence.events), "connections": .integer(evidence.connections),
            "baseline_rate": .number(DropFinding.rounded(evidence.baselineRate)),
            "control_events": .integer(evidence.controlEvents),
            "control_connections": .integer(evidence.controlConnections),
            "control_baseline": .number(DropFinding.rounded(evidence.controlBaseline)),
            "log_evidence": .number(DropFinding.rounded(evidence.nats)),
            "log_evidence_needed": .number(DropFinding.rounded(evidence.threshold)),
            "dispersion": .number(DropFinding.rounded(evidence.dispersion)),
            "temper": .number(DropFinding.rounded(evidence.temper)),
            "found_at": .string(DropFinding.time(evidence.foundAt).description),
            "unknown_minutes": .integer(evidence.unknownMinutes),
            "analyzer_version": .string(DropsAnalyzer.version),
        ]
        // Tables take their columns from any finding: a key is never left out.
        object["rise_over_control"] = .null
        object["root"] = .null
        if let rise = evidence.rise {
            object["rise_over_control"] = [
                "times": .number(DropFinding.rounded(rise.times)), "low": .number(DropFinding.rounded(rise.low)),
                "high": .number(DropFinding.rounded(rise.high)),
            ]
        }
        if let root {
            var scope = JSONObject()
            for part in root.scope { scope[part.dimension] = .array(part.values.map { .string($0) }) }
            object["root"] = ["scope": .object(scope), "explained": .number(DropFinding.rounded(root.explained))]
        }
        object["attribution"] = .array(
            attribution.map { one in
                [
                    "dimension": .string(one.dimension), "values": .array(one.values.map { .string($0) }),
                    "explained": .number(DropFinding.rounded(one.explained)),
                    "surprise": .number(DropFinding.rounded(one.surprise)),
                ]
            })
        return .object(object)
    }

    /// Four decimals: enough for a person and the same text on every machine.
    private static func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }

    /// One sentence for people.
    package var sentence: String {
        let what =
            switch kind {
            case .reject: "were rejected"
            case .unanswered: "were never answered"
            case .reset: "were reset"
            case .asymmetric: "lost most packets on the way back"
            }
        let whom =
            peerRole == .server
            ? "connections to \(peer) port \(peerPort)" : "connections from \(peer) to port \(peerPort)"
        let control =
            switch side {
            case .targetOnly, .sourceOnly: "the other cluster did not see it"
            case .both: "both clusters saw it"
            case .unpaired: "no other cluster to compare was named, or it had too little traffic with it"
            }
        return "\(evidence.events) of \(evidence.connections) \(whom) \(what) in \(cluster): \(cause.explanation); "
            + control
    }
}

extension DropWatermark {
    package var json: JSONValue {
        [
            "data_until": .string(DropWatermark.time(latest).description),
            "judged_until": .string(settled.description), "behind_seconds": .integer(behindSeconds),
        ]
    }

    package var settled: Timestamp { DropWatermark.time(settledMinute &* 60) }

    private static func time(_ seconds: Int64) -> Timestamp { Timestamp(seconds: seconds) ?? .latest }
}
