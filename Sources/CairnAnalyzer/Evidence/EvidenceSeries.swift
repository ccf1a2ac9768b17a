package import CairnBytes

/// The evidence behind a finding over time: what was seen, what was expected, and how sure that made us. Every analyzer
/// fills it in, events carry it as `evidence_series`, and `explain` draws it.
package struct EvidenceSeries: Hashable, Sendable {
    /// One look at the evidence. What an analyzer does not have is nil.
    package struct Point: Hashable, Sendable {
        package var time: Timestamp
        /// In the units of `axis`; nil where nothing was measured, which is not zero.
        package var observed: Double?
        package var expected: Double?
        /// ln of how much better "it is different" explains all that was seen so far.
        package var logEvidence: Double?
        /// Size of the difference, and the interval that holds it, in `effectUnit`.
        package var effect: Double?
        package var low: Double?
        package var high: Double?

        package init(
            time: Timestamp, observed: Double? = nil, expected: Double? = nil, logEvidence: Double? = nil,
            effect: Double? = nil, low: Double? = nil, high: Double? = nil
        ) {
            self.time = time
            self.observed = observed
            self.expected = expected
            self.logEvidence = logEvidence
            self.effect = effect
            self.low = low
            self.high = high
        }
    }

    /// More points than a chart can show are thinned: an event stays small enough to need no attachment for them.
    package static let pointsMax = 240

    /// What `observed` and `expected` count: `unanswered connections per minute`.
    package var axis: String
    /// How these are written: `plain`, `fraction`, `percent`, `seconds`, `bytes` or `ratio`.
    package var unit: String
    /// How effects are written: `log ratio`, `share` or `plain`.
    package var effectUnit: String
    /// The effect that would not matter, in `effectUnit`, on either side of zero.
    package var margin: Double?
    /// Where `logEvidence` decides; nil if the analyzer has no such line.
    package var threshold: Double?
    /// In the order of time.
    package private(set) var points: [Point]

    /// Sorts and thins the points. The first and the last stay, and so does the first at or over the threshold.
    package init(
        axis: String, unit: String = "plain", effectUnit: String = "plain", margin: Double? = nil,
        threshold: Double? = nil, points: [Point]
    ) {
        self.axis = axis
        self.unit = unit
        self.effectUnit = effectUnit
        self.margin = margin
        self.threshold = threshold
        self.points = EvidenceSeries.thinned(points.sorted { $0.time < $1.time }, threshold: threshold)
    }

    /// When the evidence first reached the threshold.
    package var decidedAt: Timestamp? {
        guard let threshold else { return nil }
        return points.first { ($0.logEvidence ?? -.infinity) >= threshold }?.time
    }

    private static func thinned(_ points: [Point], threshold: Double?) -> [Point] {
        guard points.count > pointsMax else { return points }
        var kept = Set((0..<pointsMax - 1).map { $0 * (points.count - 1) / (pointsMax - 2) })
        if let threshold, let index = points.firstIndex(where: { ($0.logEvidence ?? -.infinity) >= threshold }) {
            kept.insert(index)
        }
        return kept.sorted().map { points[$0] }
    }
}

// As events carry it: one list for each column, since a list of objects would repeat every name at every point.
extension EvidenceSeries {
    package var json: JSONValue {
        var object: JSONObject = [
            "axis": .string(axis), "unit": .string(unit), "effect_unit": .string(effectUnit),
            "seconds": .array(points.map { .integer($0.time.seconds) }),
        ]
        object["margin"] = margin.map { .number(EvidenceSeries.rounded($0)) }
        object["threshold"] = threshold.map { .number(EvidenceSeries.rounded($0)) }
        for (name, path) in EvidenceSeries.columns {
            let values = points.map { $0[keyPath: path] }
            guard values.contains(where: { $0 != nil }) else { continue }
            object[name] = .array(values.map { .optional($0.flatMap { $0.isFinite ? rounded($0) : nil }) })
        }
        return .object(object)
    }

    /// Nil if the value is not a series of evidence.
    package init?(_ json: JSONValue?) {
        guard let json, let axis = json["axis"]?.string, let seconds = json["seconds"]?.array,
            seconds.count <= EvidenceSeries.pointsMax
        else { return nil }
        var points: [Point] = []
        for second in seconds {
            guard let time = second.integer.flatMap({ Timestamp(seconds: $0) }) else { return nil }
            points.append(Point(time: time))
        }
        for (name, path) in EvidenceSeries.columns {
            guard let values = json[name]?.array, values.count == points.count else { continue }
            for index in points.indices { points[index][keyPath: path] = values[index].double }
        }
        self.init(
            axis: axis, unit: json["unit"]?.string ?? "plain", effectUnit: json["effect_unit"]?.string ?? "plain",
            margin: json["margin"]?.double, threshold: json["threshold"]?.double, points: points)
    }

    private static var columns: [(String, WritableKeyPath<Point, Double?>)] {
        [
            ("observed", \.observed), ("expected", \.expected), ("log_evidence", \.logEvidence),
            ("effect", \.effect), ("effect_low", \.low), ("effect_high", \.high),
        ]
    }

    private func rounded(_ value: Double) -> Double { EvidenceSeries.rounded(value) }

    /// Six significant digits: enough for a chart, and the same text on every machine.
    private static func rounded(_ value: Double) -> Double {
        guard value.magnitude >= 1e-12 else { return 0 }
        var scale = 1.0
        while value.magnitude * scale < 1e5 { scale *= 10 }
        return (value * scale).rounded() / scale
    }
}
