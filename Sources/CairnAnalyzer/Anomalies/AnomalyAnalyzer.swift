package import CairnSeries

/// Which series to judge.
package struct AnomalyRequest: Sendable, Hashable {
    package var selector: SeriesSelector
    /// Anomalies that end before are left out; what was measured before is history.
    package var sinceMs: Int64?
    /// Samples from this moment on are not looked at.
    package var untilMs: Int64?
    package var policy = AnomalyPolicy.standard
    /// Whether each anomaly is looked at a second time, offline.
    package var wantsSecondOpinion = true
    /// Whether each anomaly comes with its samples and those before it.
    package var wantsPoints = false

    package init(selector: SeriesSelector, sinceMs: Int64? = nil, untilMs: Int64? = nil) {
        self.selector = selector
        self.sinceMs = sinceMs
        self.untilMs = untilMs
    }
}

/// What one series had.
package struct AnomalyReport: Sendable, Hashable {
    package var key: SeriesKey
    /// Judged as growth per second.
    package var isCounter: Bool
    package var samples: Int
    package var events: [AnomalyEvent]
    /// Why nothing can be said; nil where it can.
    package var undecided: String?
}

/// Finds what is unusual in any series, judged by its own past alone. A pure function of the samples.
package enum AnomalyAnalyzer {
    /// One sample with what was made of it.
    package struct Scored: Sendable, Hashable {
        package var timeMs: Int64
        /// As it was recorded, which for a counter is not what was judged.
        package var value: Double
        /// For a counter the growth per second that was judged; nil where there is none.
        package var rate: Double?
        package var score: Double
    }

    /// So much of the past before `since` is read: the longest season, and the weeks it needs to show itself.
    package static let historyMs: Int64 = 35 * 86_400_000

    /// One report for each series that has a sample, in order of the keys.
    package static func analyze(_ source: any SampleSource, _ request: AnomalyRequest) throws -> [AnomalyReport] {
        var reports: [AnomalyReport] = []
        try source.forEachSeries(matching: request.selector, in: range(request)) { key, samples in
            reports.append(judge(key, samples, request, score: nil))
        }
        return reports
    }

    /// Every sample of every series in the range, with its score, in order of series and time.
    package static func scores(
        _ source: any SampleSource, _ request: AnomalyRequest, _ body: (SeriesKey, Scored) throws -> Void
    ) throws -> [AnomalyReport] {
        var reports: [AnomalyReport] = []
        var request = request
        request.wantsSecondOpinion = false
        try source.forEachSeries(matching: request.selector, in: range(request)) { key, samples in
            var scored: [Scored] = []
            scored.reserveCapacity(samples.count)
            reports.append(judge(key, samples, request) { scored.append($0) })
            for one in scored { try body(key, one) }
        }
        return reports
    }

    /// Whether each series moved at a moment of change, by its own earlier days; a counter by its growth.
    package static func changes(
        _ source: any SampleSource, _ request: AnomalyRequest, changeMs: Int64
    ) throws -> [(key: SeriesKey, change: BeforeAfter)] {
        var output: [(key: SeriesKey, change: BeforeAfter)] = []
        var request = request
        request.sinceMs = changeMs
        try source.forEachSeries(matching: request.selector, in: range(request)) { key, samples in
            var judged = samples
            if AnomalyCounter.isCounter(key, samples) {
                var counter = AnomalyCounter()
                judged = samples.compactMap { sample in
                    counter.rate(sample).map { Sample(timeMs: sample.timeMs, value: $0) }
                }
            }
            output.append((key, BeforeAfter.judge(judged, changeMs: changeMs)))
        }
        return output
    }

    private static func range(_ request: AnomalyRequest) -> TimeRangeMs {
        let until = request.untilMs ?? .max
        let from = request.sinceMs.map { max(.min / 2, $0) - historyMs } ?? .min
        return min(from, until)..<until
    }

    private static func judge(
        _ key: SeriesKey, _ samples: [Sample], _ request: AnomalyRequest, score: ((Scored) -> Void)?
    ) -> AnomalyReport {
        let policy = request.policy
        let since = request.sinceMs ?? .min
        let isCounter = AnomalyCounter.isCounter(key, samples)
        var counter = AnomalyCounter()
        var detector = AnomalyDetector(policy: policy)
        var folder = AnomalyEventFolder(policy: policy)
        var report = AnomalyReport(key: key, isCounter: isCounter, samples: 0, events: [])
        var judged: [Sample] = []
        var points = AnomalyPoints(isWanted: request.wantsPoints)
        for sample in samples where !sample.isStale {
            let value = isCounter ? counter.rate(sample) : sample.value
            let point = value.flatMap { detector.add(timeMs: sample.timeMs, value: $0) }
            if sample.timeMs >= since {
                report.samples += 1
                score?(
                    Scored(
                        timeMs: sample.timeMs, value: sample.value, rate: isCounter ? value : nil,
                        score: point?.score ?? 0))
            }
            guard let point else { continue }
            if request.wantsSecondOpinion { judged.append(Sample(timeMs: point.timeMs, value: point.value)) }
            let ended = folder.add(point)
            points.add(point, isOpen: folder.unfinished != nil)
            if let ended { report.events.append(points.given(to: ended)) }
        }
        if let event = folder.unfinished { report.events.append(points.given(to: event)) }
        report.events.removeAll { ($0.endMs ?? .max) < since }
        if detector.count < policy.seriesSamplesMin {
            report.events = []
            report.undecided =
                "\(detector.count) of the \(policy.seriesSamplesMin) samples that a judgement by the series' own past needs"
        }
        if request.wantsSecondOpinion { SecondOpinion.add(to: &report.events, of: judged) }
        return report
    }
}

/// The samples that an anomaly is told with: some before it, and its own.
private struct AnomalyPoints {
    /// Samples before an anomaly.
    private static let contextMax = 60
    /// More are thinned anyway.
    private static let pointsMax = 4000

    let isWanted: Bool
    private var kept: [AnomalyDetector.Point] = []

    init(isWanted: Bool) { self.isWanted = isWanted }

    mutating func add(_ point: AnomalyDetector.Point, isOpen: Bool) {
        guard isWanted, kept.count < Self.pointsMax else { return }
        kept.append(point)
        if !isOpen, kept.count > 2 * Self.contextMax { kept.removeFirst(kept.count - Self.contextMax) }
    }

    /// The event with what was kept of it; what comes next begins with its end.
    mutating func given(to event: AnomalyEvent) -> AnomalyEvent {
        var event = event
        let first = (kept.firstIndex { $0.timeMs >= event.startMs } ?? 0) - Self.contextMax
        event.points = Array(kept[max(0, first)...])
        kept.removeFirst(max(0, kept.count - Self.contextMax))
        return event
    }
}

/// A counter as its growth per second, sample by sample; a fall is a restart from 0.
struct AnomalyCounter: Sendable {
    private var previous: Sample?

    private static let suffixes = ["_total", "_count", "_sum", "_bucket"]

    /// A counter by its name, as OpenMetrics has it, that behaves like one: it hardly ever falls.
    static func isCounter(_ key: SeriesKey, _ samples: [Sample]) -> Bool {
        guard suffixes.contains(where: { key.name.hasSuffix($0) }) else { return false }
        let values = samples.lazy.map(\.value).filter { $0.isFinite }
        var falls = 0
        var steps = 0
        var last: Double?
        for value in values {
            if value < 0 { return false }
            if let last {
                steps += 1
                if value < last { falls += 1 }
            }
            last = value
        }
        return falls * 20 <= steps
    }

    /// Nil for the first sample and what is no number.
    mutating func rate(_ sample: Sample) -> Double? {
        guard sample.value.isFinite else { return nil }
        defer { previous = sample }
        guard let previous, sample.timeMs > previous.timeMs else { return nil }
        let growth = sample.value < previous.value ? sample.value : sample.value - previous.value
        return growth / (Double(sample.timeMs) - Double(previous.timeMs)) * 1000
    }
}
