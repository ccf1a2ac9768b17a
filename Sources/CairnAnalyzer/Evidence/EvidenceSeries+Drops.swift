import CairnBytes

extension DropFinding {
    /// The minutes around the finding: events seen, events that the baseline expects of so many connections.
    package var evidenceSeries: EvidenceSeries {
        EvidenceSeries(
            axis: "\(kind.words) connections per minute",
            points: evidence.signal.compactMap { point in
                guard point.connections > 0, let time = Timestamp(seconds: point.minute &* 60) else { return nil }
                return EvidenceSeries.Point(
                    time: time, observed: Double(point.events),
                    expected: Double(point.connections) * evidence.baselineRate)
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
