import CairnBytes

extension DivergenceComparison {
    /// The looks of the comparison, in the form that events carry.
    package var evidenceSeries: EvidenceSeries {
        EvidenceSeries(
            axis: part.isEmpty ? metric : "\(metric) \(part)", effectUnit: unit, margin: margin,
            threshold: Mathematics.log(1 / DivergencePolicy.standard.alpha),
            points: looks.compactMap { look in
                guard let time = Timestamp(milliseconds: look.timeMs) else { return nil }
                return EvidenceSeries.Point(
                    time: time, logEvidence: look.nats, effect: look.effect, low: look.low, high: look.high)
            })
    }
}
