import CairnBytes

extension DropFinding {
    /// The minutes around the finding: events seen, events expected, and the evidence that came together.
    package var evidenceSeries: EvidenceSeries {
        EvidenceSeries(
            axis: "\(kind.words) connections per minute", threshold: evidence.threshold,
            points: evidence.signal.compactMap { point in
                guard point.connections > 0, let time = Timestamp(seconds: point.minute &* 60) else { return nil }
                return EvidenceSeries.Point(
                    time: time, observed: Double(point.events), expected: point.expected, logEvidence: point.nats)
            })
    }
}

extension DropKind {
    /// What happened to the connections, for an axis: `rejected`.
    package var words: String {
        switch self {
        case .reject: "rejected"
        case .unanswered: "unanswered"
        case .reset: "reset"
        case .asymmetric: "one-way"
        }
    }
}
