/// One anomaly: from the sample that raised the alarm until the series was calm again.
package struct AnomalyEvent: Sendable, Hashable {
    package var startMs: Int64
    /// The last sample that was rare; nil while the event is open.
    package var endMs: Int64?
    /// The rarest sample.
    package var peakMs: Int64
    package var value: Double
    package var expected: Double?
    package var score: Double
    package var rarity: Double
    /// Samples from the start on that were rare.
    package var samples: Int
    /// What an offline method says of the same stretch; nil where nobody asked or too little is there.
    package var secondOpinion: SecondOpinion?
    /// What led to it and what it was, sample by sample; empty unless it was asked for.
    package var points: [AnomalyDetector.Point] = []

    /// Which way the rarest sample went.
    package var isAbove: Bool { expected.map { value >= $0 } ?? true }
}

/// Joins alarms into events: an event is open until it went away, and raises one alarm.
package struct AnomalyEventFolder: Sendable {
    private let policy: AnomalyPolicy
    private var open: AnomalyEvent?
    private var lastRareMs: Int64 = 0
    private var calm = 0

    package init(policy: AnomalyPolicy) { self.policy = policy }

    /// The event that this sample ended, if it ended one.
    package mutating func add(_ point: AnomalyDetector.Point) -> AnomalyEvent? {
        guard var event = open else {
            guard policy.score(rarity: point.rarity) >= policy.alarmScore else { return nil }
            open = AnomalyEvent(
                startMs: point.timeMs, peakMs: point.timeMs, value: point.value, expected: point.expected,
                score: policy.score(rarity: point.rarity), rarity: point.rarity, samples: 1)
            lastRareMs = point.timeMs
            calm = 0
            return nil
        }
        guard point.rarity > policy.calmRarity else {
            calm += 1
            guard calm >= policy.calmSamples else { return nil }
            return finish()
        }
        calm = 0
        lastRareMs = point.timeMs
        event.samples += 1
        if point.rarity > event.rarity {
            event.rarity = point.rarity
            event.score = policy.score(rarity: point.rarity)
            event.peakMs = point.timeMs
            event.value = point.value
            event.expected = point.expected
        }
        open = event
        return nil
    }

    /// The open event with its end: what to do when the series says nothing more.
    private mutating func finish() -> AnomalyEvent? {
        defer { open = nil }
        guard var event = open else { return nil }
        event.endMs = lastRareMs
        return event
    }

    /// The event that is still open, without an end.
    package var unfinished: AnomalyEvent? { open }
}
