internal import CairnFlowLogs

/// Finds the stretches of minutes of one signal in which it is far above what is expected.
///
/// An e-detector (Shin, Ramdas, Rinaldo 2024): for each of a few alternatives, how many times the usual it might be,
/// Page's cumulative sum of the log-likelihood ratio of negative binomial counts, tempered where blocks scatter more
/// than their minutes. The mean of the alternatives' evidence opens a finding; without a drop, the mean time to that
/// is at least e^threshold minutes.
struct DropsDetector {
    struct Stretch: Hashable {
        /// The minute after the last is `range.upperBound`.
        var range: Range<Int64>
        var events: Double
        var connections: Double
        var expected: Double
        var nats: Double
        /// The minute in which the evidence sufficed.
        var foundAt: Int64

        var rate: Double { events / max(1, connections) }
    }

    let kind: DropKind
    let expectation: DropsExpectation
    let policy: DropsPolicy
    /// Nats that open a finding.
    let threshold: Double

    private struct Sum {
        var now = 0.0
        var best = 0.0
        var start = 0
        var end = 0
    }

    private struct Candidate {
        var alternative: Int
        var stretch: Stretch
    }

    /// Alternatives: factors first, then rates.
    private var alternativeCount: Int { policy.rateFactors.count + policy.alternativeRates.count }

    /// The factor by which an alternative is above the mean of a minute; nil if so little does not matter.
    private func factor(_ alternative: Int, mean: Double, connections: Double, least: Double) -> Double? {
        let usual = mean / connections
        let rate: Double
        if alternative < policy.rateFactors.count {
            rate = usual * policy.rateFactors[alternative]
        } else {
            rate = policy.alternativeRates[alternative - policy.rateFactors.count]
            guard rate > usual * (policy.rateFactors.last ?? 1) else { return nil }
        }
        guard rate >= leastRate(usual, least), rate < 1 else { return nil }
        return rate / usual
    }

    /// The lowest rate that matters.
    private func leastRate(_ usual: Double, _ factorMin: Double) -> Double {
        max(usual * factorMin, usual + policy.rateIncreaseMin)
    }

    /// - Parameter settled: minutes from this on may still change: they prolong a stretch, and open none.
    func stretches(settled: Int64) -> [Stretch] {
        let series = expectation.series
        var sums = [Sum](repeating: Sum(), count: alternativeCount)
        var alarms: [Int64] = []
        var candidates: [Candidate] = []
        var isActive = false
        func close(_ index: Int) {
            if sums[index].best >= threshold {
                let range = series.minutes[sums[index].start]..<series.minutes[sums[index].end] + 1
                if let alarm = alarms.first(where: range.contains), let found = stretch(range, foundAt: alarm) {
                    candidates.append(Candidate(alternative: index, stretch: found))
                }
            }
            sums[index] = Sum()
        }
        for part in expectation.parts {
            for place in part.range {
                let events = series.events[place]
                let mean = expectation.mean(at: place)
                if !isActive, events <= mean { continue }
                isActive = false
                var highest = 0.0
                var tried = 0
                for index in sums.indices {
                    guard
                        let factor = factor(
                            index, mean: mean, connections: series.connections[place], least: part.spread.factorMin)
                    else {
                        if sums[index].now > 0 { isActive = true }
                        continue
                    }
                    tried += 1
                    let gain =
                        DropsLikelihood.nats(
                            events: events, mean: mean, factor: factor, dispersion: part.spread.dispersion)
                        / part.spread.temper
                    if sums[index].now == 0 {
                        if gain <= 0 { continue }
                        sums[index].start = place
                    }
                    sums[index].now += gain
                    if sums[index].now > sums[index].best {
                        sums[index].best = sums[index].now
                        sums[index].end = place
                    } else if sums[index].now <= 0 || sums[index].best - sums[index].now > threshold {
                        // So much against it means that it is over, even if what came before still outweighs that.
                        close(index)
                    }
                    highest = max(highest, sums[index].now)
                    if sums[index].now > 0 { isActive = true }
                }
                if highest >= threshold, series.minutes[place] < settled,
                    mixture(sums.map(\.now), of: tried) >= threshold
                {
                    alarms.append(series.minutes[place])
                }
            }
        }
        for index in sums.indices { close(index) }
        return merge(choose(candidates))
    }

    /// ln of the mean of the evidence of so many alternatives.
    private func mixture(_ nats: [Double], of count: Int) -> Double {
        let highest = nats.max() ?? 0
        let sum = nats.reduce(0) { $0 + Mathematics.exp($1 - highest) }
        return highest + Mathematics.log(sum / Double(max(1, count)))
    }

    /// A stretch with its sums and its evidence at the factor that fits it best, if it is worth telling.
    private func stretch(_ range: Range<Int64>, foundAt: Int64) -> Stretch? {
        let total = expectation.total(in: range)
        guard total.events >= Double(policy.eventsMin(kind)), total.expected > 0 else { return nil }
        let places = expectation.series.indices(of: range)
        let least = leastRate(total.expected / total.connections, expectation.spread(at: places.lowerBound).factorMin)
        guard total.events / total.connections >= least else { return nil }
        var nats = 0.0
        let factor = total.events / total.expected
        for place in places {
            let spread = expectation.spread(at: place)
            nats +=
                DropsLikelihood.nats(
                    events: expectation.series.events[place], mean: expectation.mean(at: place), factor: factor,
                    dispersion: spread.dispersion) / spread.temper
        }
        guard nats >= threshold else { return nil }
        return Stretch(
            range: range, events: total.events, connections: total.connections, expected: total.expected, nats: nats,
            foundAt: foundAt)
    }

    /// The alternatives see the same drop as stretches of their own. Where those of several overlap, the alternative
    /// whose stretches explain most wins; each stretch costs what opening a finding costs, so that one drop is not
    /// told in pieces and two are not told as one.
    private func choose(_ candidates: [Candidate]) -> [Stretch] {
        let sorted = candidates.sorted {
            ($0.stretch.range.lowerBound, $0.stretch.range.upperBound, $0.alternative)
                < ($1.stretch.range.lowerBound, $1.stretch.range.upperBound, $1.alternative)
        }
        var chosen: [Stretch] = []
        var group: [Candidate] = []
        var groupEnd = Int64.min
        func settle() {
            var best: (score: Double, stretches: [Stretch]) = (-.infinity, [])
            for alternative in 0..<alternativeCount {
                let stretches = group.filter { $0.alternative == alternative }.map(\.stretch)
                if stretches.isEmpty { continue }
                let score = stretches.reduce(0) { $0 + $1.nats - threshold }
                if score > best.score { best = (score, stretches) }
            }
            chosen += best.stretches
            group = []
        }
        for candidate in sorted {
            if candidate.stretch.range.lowerBound >= groupEnd, !group.isEmpty { settle() }
            group.append(candidate)
            groupEnd = max(groupEnd, candidate.stretch.range.upperBound)
        }
        if !group.isEmpty { settle() }
        return chosen
    }

    private func merge(_ stretches: [Stretch]) -> [Stretch] {
        var merged: [Stretch] = []
        for stretch in stretches {
            guard let last = merged.last, stretch.range.lowerBound - last.range.upperBound < policy.mergeMinutes,
                let joined = self.stretch(
                    last.range.lowerBound..<stretch.range.upperBound, foundAt: last.foundAt)
            else {
                merged.append(stretch)
                continue
            }
            merged[merged.count - 1] = joined
        }
        return merged
    }

    /// The evidence for the factor that fits a stretch, added up from before it: what a chart shows.
    func evidence(of stretch: Stretch, in minutes: Range<Int64>) -> [Int64: (expected: Double, nats: Double)] {
        let factor = max(1.01, stretch.events / stretch.expected)
        var output: [Int64: (expected: Double, nats: Double)] = [:]
        var sum = 0.0
        for place in expectation.series.indices(of: minutes).clamped(to: expectation.range) {
            let spread = expectation.spread(at: place)
            let mean = expectation.mean(at: place)
            let gain = DropsLikelihood.nats(
                events: expectation.series.events[place], mean: mean, factor: factor, dispersion: spread.dispersion)
            sum = max(0, sum + gain / spread.temper)
            output[expectation.series.minutes[place]] = (mean, sum)
        }
        return output
    }
}

/// One signal judged by itself, as a bench has it: no peer, no other cluster.
package struct DropsSignalJudge {
    package struct Alarm: Hashable, Sendable {
        package var minutes: Range<Int64>
        package var foundAt: Int64
        package var nats: Double
    }

    private let expectation: DropsExpectation
    private let kind: DropKind
    private let policy: DropsPolicy

    package init(
        _ series: DropsSeries, kind: DropKind = .unanswered, in minutes: Range<Int64>, policy: DropsPolicy = .standard
    ) {
        let key = DropsStreamKey(cluster: "", role: .server, peer: IPPrefix(.none), port: 0)
        expectation = DropsBaseline(series, key: key, kind: kind, policy: policy)
            .expectation(kind, of: key, control: nil, in: minutes)
        self.kind = kind
        self.policy = policy
    }

    /// - Parameter signals: how many are watched at once.
    package func alarms(signals: Int) -> [Alarm] {
        DropsDetector(
            kind: kind, expectation: expectation, policy: policy, threshold: policy.evidenceNats(signals: signals)
        ).stretches(settled: .max).map { Alarm(minutes: $0.range, foundAt: $0.foundAt, nats: $0.nats) }
    }
}
