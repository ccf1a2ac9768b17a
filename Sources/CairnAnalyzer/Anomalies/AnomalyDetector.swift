/// Judges the samples of one series as they come: how far each is from the level and from what the season says, and
/// how rare such a distance was in the series' own past. One pass, bounded memory, and nothing to tune for a series.
package struct AnomalyDetector: Sendable {
    /// What is known of one sample the moment it came.
    package struct Point: Sendable, Hashable {
        package var timeMs: Int64
        package var value: Double
        /// 0 to 1; in an open event only what is news.
        package var score: Double
        /// Minus the decimal logarithm of how probable a distance like this is, whether or not it is news.
        package var rarity: Double
        /// What was expected instead.
        package var expected: Double?
    }

    /// Squares of larger values have no place in a double; no measured quantity comes near.
    private static let valueMax = 1e150

    private let policy: AnomalyPolicy
    private var cadence = SampleCadence()
    private var level: RollingMedian
    /// The level of late: where it has settled elsewhere, a sample is compared with the nearer of the two.
    private var recent: RollingMedian
    private var day: SeasonProfile?
    private var week: SeasonProfile?
    /// Mean distances that fade, of the level and of the two seasons where they predict.
    private var errors = PredictionErrors()
    private var ofLevel = RarityTail()
    private var ofSeason = RarityTail()
    private var ofRun = RarityTail()
    /// The last signed distances, for their mean.
    private var run: [Double] = []
    private var lastTimeMs: Int64?
    /// The rarity that the last news still explains.
    private var known = 0.0
    /// Samples judged.
    package private(set) var count = 0

    package init(policy: AnomalyPolicy = .standard) {
        self.policy = policy
        level = RollingMedian(capacity: policy.levelSamples)
        recent = RollingMedian(capacity: policy.recentSamples)
    }

    /// The usual distance of two samples, once it can be told.
    package var intervalMs: Int64? { cadence.intervalMs }

    /// Judges the next sample. Nil for a value that is no number, and for a sample no later than the one before it.
    package mutating func add(timeMs: Int64, value: Double) -> Point? {
        guard value.magnitude <= AnomalyDetector.valueMax, lastTimeMs.map({ timeMs > $0 }) ?? true else { return nil }
        if let lastTimeMs, let interval = cadence.intervalMs {
            let silence = Double(timeMs) - Double(lastTimeMs)
            if silence > policy.gapIntervals * Double(interval) { run.removeAll(keepingCapacity: true) }
        }
        lastTimeMs = timeMs
        for sample in cadence.add(timeMs: timeMs, value: value) { remember(sample.timeMs, sample.value) }
        defer { if cadence.isKnown { remember(timeMs, value) } }
        return judge(timeMs, value)
    }

    private mutating func judge(_ timeMs: Int64, _ value: Double) -> Point {
        count += 1
        guard let usual = level.median, level.count >= policy.warmUpSamples else {
            level.add(value)
            recent.add(value)
            return Point(timeMs: timeMs, value: value, score: 0, rarity: 0, expected: nil)
        }
        let daily = day?.expected(at: timeMs)
        let weekly = week?.expected(at: timeMs)
        let season = errors.season(daily: daily, weekly: weekly, gain: policy.seasonGain)
        let floor = policy.relativeFloor * usual.magnitude
        let nearest = recent.median.map { min((value - usual).magnitude, (value - $0).magnitude) }
        var rarity = ofLevel.judge(nearest ?? (value - usual).magnitude, floor: floor, policy)
        if let seasonal = season ?? daily {
            rarity = max(rarity, ofSeason.judge((value - seasonal).magnitude, floor: floor, policy))
        }
        run.append(value - (season ?? usual))
        if run.count > policy.runSamples { run.removeFirst() }
        if run.count == policy.runSamples {
            rarity = max(rarity, ofRun.judge(OrderStatistics.mean(run).magnitude, floor: floor, policy))
        }
        recent.add(value)
        errors.add(value: value, level: usual, daily: daily, weekly: weekly)
        level.add(value)
        return Point(
            timeMs: timeMs, value: value, score: news(rarity), rarity: rarity, expected: season ?? usual)
    }

    /// The score of a rarity: whole where it says more than the event before it, a small part otherwise.
    private mutating func news(_ rarity: Double) -> Double {
        let score = policy.score(rarity: rarity)
        guard rarity > known else {
            // What goes on does not fade.
            if rarity < known * policy.fadingFrom { known *= policy.fading }
            return policy.knownShare * score
        }
        known = rarity
        return score
    }

    /// Puts a sample into the seasons, which exist once the interval is known.
    private mutating func remember(_ timeMs: Int64, _ value: Double) {
        if week == nil, let interval = cadence.intervalMs {
            let slots = min(policy.daySlotsMax, Int(SampleCadence.dayMs / max(1, interval)))
            if slots >= SampleCadence.daySlotsMin {
                day = SeasonProfile(
                    periodMs: SampleCadence.dayMs, slotCount: slots, kept: policy.daysKept, needed: policy.daysMin)
            }
            // The week begins with a Monday: 1970 began with a Thursday.
            week = SeasonProfile(
                periodMs: 7 * SampleCadence.dayMs, slotCount: min(168, max(7, slots * 7)), kept: policy.weeksKept,
                needed: policy.weeksMin)
        }
        day?.add(value, at: timeMs)
        week?.add(value, at: timeMs)
    }
}

extension RarityTail {
    /// The rarity of a size among those before it, which it then joins.
    fileprivate mutating func judge(_ size: Double, floor: Double, _ policy: AnomalyPolicy) -> Double {
        defer {
            add(
                size, floor: floor, historyMin: policy.historyMin, rarityMax: policy.rarityOfHalf, growth: policy.growth
            )
        }
        return rarity(of: size, floor: floor, historyMin: policy.historyMin)
    }
}

/// Finds the usual distance of samples from the first few of them, which it hands on once it knows.
struct SampleCadence: Sendable {
    static let dayMs: Int64 = 86_400_000
    /// Below this many samples a day there is no course of a day to see.
    static let daySlotsMin = 8
    private static let samplesNeeded = 17

    private(set) var intervalMs: Int64?
    private var waiting: [(timeMs: Int64, value: Double)] = []

    var isKnown: Bool { intervalMs != nil }

    /// The samples that waited, once and when the interval has become known; this one is not among them.
    mutating func add(timeMs: Int64, value: Double) -> [(timeMs: Int64, value: Double)] {
        guard intervalMs == nil else { return [] }
        waiting.append((timeMs, value))
        guard waiting.count >= SampleCadence.samplesNeeded else { return [] }
        let steps = zip(waiting, waiting.dropFirst()).map { $1.timeMs &- $0.timeMs }.sorted()
        intervalMs = max(1, steps[steps.count / 2])
        defer { waiting = [] }
        return waiting.dropLast()
    }
}

/// How far the predictions of the level, the day and the week missed of late.
struct PredictionErrors: Sendable {
    private static let samplesMin = 48
    private static let keep = 0.998

    private struct Pair: Sendable {
        var season = 0.0
        var level = 0.0
        var count = 0

        mutating func add(season miss: Double, level usual: Double) {
            season = season * PredictionErrors.keep + miss
            level = level * PredictionErrors.keep + usual
            count += 1
        }

        /// The season's misses as a share of the level's over the same samples.
        var share: Double { count < PredictionErrors.samplesMin || level <= 0 ? .infinity : season / level }
    }

    private var day = Pair()
    private var week = Pair()

    mutating func add(value: Double, level: Double, daily: Double?, weekly: Double?) {
        let usual = (value - level).magnitude
        if let daily { day.add(season: (value - daily).magnitude, level: usual) }
        if let weekly { week.add(season: (value - weekly).magnitude, level: usual) }
    }

    /// What the season says, if one has shown that it knows better than the level; the better of the two.
    func season(daily: Double?, weekly: Double?, gain: Double) -> Double? {
        let ofDay = daily == nil ? .infinity : day.share
        let ofWeek = weekly == nil ? .infinity : week.share
        guard min(ofDay, ofWeek) < gain else { return nil }
        return ofWeek < ofDay ? weekly : daily
    }
}
