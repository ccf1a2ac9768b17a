package import CairnBytes

/// The numbers that a finding rests on, minute by minute, as its event carries them: what a chart draws, and what a
/// second judgement is compared with, so that a sample that was changed later can be named.
package struct FindingSignal: Sendable, Hashable {
    /// Longest signal an event carries, in points: a day of minutes. A longer window is cut at its beginning.
    package static let pointsMax = 1440

    /// What the numbers count: `unanswered flows per minute`.
    package var axis: String
    /// How a value is written: `plain`, `fraction`, `percent`, `seconds`, `bytes` or `ratio`.
    package var unit: String
    package var start: Timestamp
    package var stepSeconds: Int64
    /// One value a step; nil where nothing was measured, which is not zero.
    package var source: [Double?]
    package var target: [Double?]

    package init(
        axis: String, unit: String, start: Timestamp, stepSeconds: Int64, source: [Double?], target: [Double?]
    ) {
        self.axis = axis
        self.unit = unit
        self.start = start
        self.stepSeconds = stepSeconds
        self.source = source
        self.target = target
    }

    package func time(of index: Int) -> Timestamp { start.adding(seconds: Int64(index) * stepSeconds) }

    package var json: JSONValue {
        func values(_ values: [Double?]) -> JSONValue { .array(values.map { JSONValue.optional($0) }) }
        return [
            "axis": .string(axis), "unit": .string(unit), "start": .string(start.description),
            "step_seconds": .integer(stepSeconds), "source": values(source), "target": values(target),
        ]
    }

    /// Nil if the value is not a signal.
    package init?(_ json: JSONValue?) {
        guard let json, let axis = json["axis"]?.string, let start = json["start"]?.string.flatMap({ Timestamp($0) }),
            let stepSeconds = json["step_seconds"]?.integer, (1...86_400).contains(stepSeconds),
            let source = json["source"]?.array, let target = json["target"]?.array,
            source.count <= FindingSignal.pointsMax, target.count <= FindingSignal.pointsMax
        else { return nil }
        self.init(
            axis: axis, unit: json["unit"]?.string ?? "plain", start: start, stepSeconds: stepSeconds,
            source: source.map(\.double), target: target.map(\.double))
    }
}
