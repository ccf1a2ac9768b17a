package import CairnSeries

/// Whether one series moved when something was changed, with its own earlier days as the control: for migrations and
/// deployments without a second cluster to compare with.
///
/// What is judged is a difference of differences: the mean after the moment less the mean before it, both as
/// distances from what the earlier days were at the same time of day. How large such a difference is when nothing was
/// changed is not assumed but looked up: at every other moment of the series' past. Noise with a memory, a season and
/// heavy tails are all in there, so the interval is as wide as the series is restless.
package struct BeforeAfter: Sendable, Hashable {
    package enum Verdict: String, Sendable, Hashable {
        case moved = "MOVED"
        case within = "WITHIN"
        case undecided = "UNDECIDED"
    }

    package struct Policy: Sendable, Hashable {
        /// How long before and after, in minutes; the clearest of them counts.
        package var windowMinutes = [15, 30]
        /// The difference in standard deviations of those that nothing caused, by the median deviation.
        package var deviationsMin = 3.5
        package var earlierDays = 7
        /// Minutes to both sides that an earlier day is averaged over.
        package var smoothMinutes = 5
        /// Moments of the past looked at: one in so many minutes, and at least so many of them.
        package var placeboMinutes = 5
        package var placebosMin = 30

        package init() {}

        package static let standard = Policy()
    }

    package var verdict: Verdict
    package var reason: String
    /// Of the clearest window: minutes, difference in the series' own unit, and what nine in ten of the past's moments
    /// leave open about it.
    package var windowMinutes = 0
    package var effect = 0.0
    package var effectLow = 0.0
    package var effectHigh = 0.0
    package var deviations = 0.0
    /// The share of the past's moments at which as much happened without a change.
    package var chance = 1.0

    /// More is an attack on memory: ten years of minutes.
    private static let minutesMax: Int64 = 5_300_000
    private static let dayMinutes = 1440

    /// - Parameters:
    ///   - samples: in order of time, from both sides of the moment; stale markers and what is no number are skipped.
    ///   - changeMs: the moment of the change.
    package static func judge(_ samples: [Sample], changeMs: Int64, policy: Policy = .standard) -> BeforeAfter {
        guard let (minutes, change) = perMinute(samples, changeMs), change > dayMinutes else {
            return BeforeAfter(verdict: .undecided, reason: "there is no earlier day to compare with")
        }
        let distances = Running(fromEarlierDays(minutes, policy))
        var best: BeforeAfter?
        for window in policy.windowMinutes {
            guard let one = judge(distances, change, window, policy) else { continue }
            if best.map({ one.deviations > $0.deviations }) ?? true { best = one }
        }
        return best
            ?? BeforeAfter(
                verdict: .undecided,
                reason:
                    "under half of the \(policy.windowMinutes[0]) minutes before or after have a sample, or of the past"
            )
    }

    private static func judge(_ distances: Running, _ change: Int, _ window: Int, _ policy: Policy) -> BeforeAfter? {
        guard let found = distances.shift(at: change, window) else { return nil }
        let moments = stride(from: dayMinutes + window, to: change - window, by: policy.placeboMinutes)
        let past = moments.compactMap { distances.shift(at: $0, window) }
        guard past.count >= policy.placebosMin, let center = OrderStatistics.median(past),
            let spread = OrderStatistics.scaledDeviation(past)
        else { return nil }
        let sorted = past.sorted()
        let usual = max(spread, (sorted[sorted.count - 1] - sorted[0]) * 1e-6)
        let effect = found - center
        var output = BeforeAfter(verdict: .within, reason: "", windowMinutes: window, effect: effect)
        output.deviations = usual > 0 ? effect.magnitude / usual : (effect == 0 ? 0 : .infinity)
        output.effectLow = effect - ((OrderStatistics.sortedQuantile(sorted, 0.95) ?? center) - center)
        output.effectHigh = effect - ((OrderStatistics.sortedQuantile(sorted, 0.05) ?? center) - center)
        let asMuch = past.count { ($0 - center).magnitude >= effect.magnitude }
        output.chance = Double(asMuch + 1) / Double(past.count + 1)
        if output.deviations >= policy.deviationsMin { output.verdict = .moved }
        output.reason =
            "\(window) minutes after beside \(window) before, against \(past.count) such moments of the days before: as "
            + "much happened at \(asMuch) of them"
        return output
    }

    /// Means of minutes, NaN without a sample; the change is the start of a minute.
    private static func perMinute(_ samples: [Sample], _ changeMs: Int64) -> (minutes: [Double], change: Int)? {
        let used = samples.filter { $0.value.isFinite }
        guard let first = used.first?.timeMs, let last = used.last?.timeMs else { return nil }
        func minute(_ timeMs: Int64) -> Int64? {
            let (difference, overflow) = timeMs.subtractingReportingOverflow(changeMs)
            return overflow ? nil : CounterMath.floorToStep(difference, 60_000) / 60_000
        }
        guard let start = minute(first), let end = minute(last), start < 0, end - start < minutesMax else { return nil }
        var sums = [Double](repeating: 0, count: Int(end - start) + 1)
        var counts = sums
        for sample in used {
            guard let minute = minute(sample.timeMs), minute >= start, minute <= end else { continue }
            sums[Int(minute - start)] += sample.value
            counts[Int(minute - start)] += 1
        }
        return (zip(sums, counts).map { $1 > 0 ? $0 / $1 : .nan }, Int(-start))
    }

    /// Each minute less the median of the earlier days around the same time.
    private static func fromEarlierDays(_ minutes: [Double], _ policy: Policy) -> [Double] {
        let running = Running(minutes)
        return minutes.indices.map { index in
            var earlier: [Double] = []
            for day in 1...policy.earlierDays {
                let place = index - day * dayMinutes
                guard place >= 0 else { break }
                let around = max(0, place - policy.smoothMinutes)..<min(place + policy.smoothMinutes + 1, index)
                if let mean = running.mean(around, present: 1) { earlier.append(mean) }
            }
            return OrderStatistics.median(earlier).map { minutes[index] - $0 } ?? .nan
        }
    }

    /// Sums from the start, for means of any stretch at once.
    private struct Running {
        private var sums: [Double] = [0]
        private var counts: [Int] = [0]

        init(_ values: [Double]) {
            sums.reserveCapacity(values.count + 1)
            counts.reserveCapacity(values.count + 1)
            for value in values {
                sums.append(sums[sums.count - 1] + (value.isNaN ? 0 : value))
                counts.append(counts[counts.count - 1] + (value.isNaN ? 0 : 1))
            }
        }

        /// Nil with fewer than `present` values.
        func mean(_ range: Range<Int>, present: Int) -> Double? {
            guard range.lowerBound >= 0, range.upperBound < sums.count else { return nil }
            let count = counts[range.upperBound] - counts[range.lowerBound]
            guard count >= max(1, present) else { return nil }
            return (sums[range.upperBound] - sums[range.lowerBound]) / Double(count)
        }

        /// The mean after a moment less that before it.
        func shift(at index: Int, _ window: Int) -> Double? {
            let half = (window + 1) / 2
            guard let after = mean(index..<index + window, present: half),
                let before = mean(index - window..<index, present: half)
            else { return nil }
            return after - before
        }
    }
}
