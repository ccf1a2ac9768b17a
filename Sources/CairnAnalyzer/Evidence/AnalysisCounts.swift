package import CairnBytes

/// What one analysis looked at and how that came out, in numbers: what is left of one that found nothing.
package struct AnalysisCounts: Sendable, Hashable {
    /// Comparisons of metrics, streams of flows, series or senders of data.
    package var judged = 0
    package var diverged = 0
    /// Nil where an analysis shows no equality: a stream without drops is only not found to have any.
    package var equivalent: Int?
    /// How many are undecided, by the type of the reason.
    package var undecided: [String: Int] = [:]
    /// Metrics that are not compared.
    package var leftOut = 0
    /// Minutes of interfaces whose flow logs were lost.
    package var unloggedMinutes = 0

    package init() {}

    package var json: JSONValue {
        var object: JSONObject = [
            "judged": .integer(judged), "diverged": .integer(diverged),
            "undecided": .integer(undecided.values.reduce(0, +)),
        ]
        object["equivalent"] = equivalent.map { .integer($0) }
        if leftOut > 0 { object["left_out"] = .integer(leftOut) }
        if unloggedMinutes > 0 { object["unlogged_minutes"] = .integer(unloggedMinutes) }
        if !undecided.isEmpty {
            object["reasons"] = .object(
                undecided.sorted { $0.key < $1.key }.reduce(into: JSONObject()) { $0[$1.key] = .integer($1.value) })
        }
        return .object(object)
    }
}

extension DivergenceReport {
    package var counts: AnalysisCounts {
        var counts = AnalysisCounts()
        counts.judged = comparisons.count
        counts.diverged = comparisons.count { $0.verdict == .diverged }
        counts.equivalent = comparisons.count { $0.verdict == .equivalent }
        for comparison in comparisons where comparison.verdict == .undecided {
            counts.undecided[comparison.reasonCode.rawValue, default: 0] += 1
        }
        counts.leftOut = leftOut.count
        return counts
    }
}

extension DropsReport {
    package var counts: AnalysisCounts {
        var counts = AnalysisCounts()
        counts.judged = streams
        counts.diverged = Set(findings.map { "\($0.cluster) \($0.peer) \($0.peerPort) \($0.peerRole)" }).count
        counts.unloggedMinutes = unknownMinutes
        return counts
    }
}

extension [AnomalyReport] {
    package var counts: AnalysisCounts {
        var counts = AnalysisCounts()
        counts.judged = count { $0.samples > 0 }
        counts.diverged = count { !$0.events.isEmpty }
        for report in self where report.samples > 0 && report.undecided != nil {
            counts.undecided[DivergenceReason.tooFewSamples.rawValue, default: 0] += 1
        }
        return counts
    }
}
