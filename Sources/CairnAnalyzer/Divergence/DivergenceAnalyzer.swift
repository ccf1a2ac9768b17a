package import CairnSeries

/// What to compare.
package struct DivergenceRequest: Hashable, Sendable {
    package var source: String
    package var target: String
    /// The moment judged from; what both clusters showed before is the baseline and never evidence. Nil: the first
    /// moment at which both have samples of a metric.
    package var sinceMs: Int64?
    /// Samples from this moment on are not looked at; nil for all there are.
    package var untilMs: Int64?
    /// Which series; both clusters are asked with it.
    package var selector = SeriesSelector()
    /// The labels that may name an application, the first present one counts.
    package var appLabels: [String]
    package var policy = DivergencePolicy.standard
    /// When traffic was moved between the clusters, as far as that is known.
    package var trafficShiftsMs: [Int64] = []
    /// What metrics mean, where their names do not say it.
    package var meanings: [String: DivergenceMeaning] = [:]
    /// The moment that the verdicts are for; nil for the newest sample.
    package var asOfMs: Int64?

    package init(source: String, target: String, sinceMs: Int64? = nil, untilMs: Int64? = nil) {
        self.source = source
        self.target = target
        self.sinceMs = sinceMs
        self.untilMs = untilMs
        appLabels = DivergenceAnalyzer.appLabels
    }
}

/// Compares two clusters, metric by metric and application by application. A pure function of the samples: the same
/// samples give the same report, whatever order they came in and whoever asks.
package enum DivergenceAnalyzer {
    package static let appLabels = DivergenceMetric.appLabels

    package static func analyze(_ source: any SampleSource, _ request: DivergenceRequest) throws -> DivergenceReport {
        let until = request.untilMs ?? .max
        let from = request.sinceMs.map { max(.min / 2, $0 &- request.policy.baselineSecondsMax * 1000) } ?? .min
        let range: TimeRangeMs = min(from, until)..<until
        func keys(_ cluster: String) throws -> [SeriesKey] {
            try source.series(matching: SeriesSelector.cluster(cluster).and(request.selector), in: range)
        }
        let groups = DivergenceGroup.all(
            source: try keys(request.source), target: try keys(request.target), appLabels: request.appLabels)
        var comparisons: [DivergenceComparison] = []
        var leftOut: [DivergenceLeftOut] = []
        for (app, own) in groupedByApp(groups) {
            // Ready pods mean something per wanted pod only, so both metrics become one.
            if let readiness = try readiness(app, own, source, request, range) { comparisons.append(readiness) }
            for group in own {
                let comparer = DivergenceComparer(
                    group: group, policy: request.policy, sinceMs: request.sinceMs,
                    trafficShiftsMs: request.trafficShiftsMs, meaning: request.meanings[group.metric],
                    read: { try source.samples(of: $0, in: range) },
                    requests: { grid in try requests(own, source, range, grid) })
                switch try comparer.compare() {
                case .compared(let comparison): comparisons.append(comparison)
                case .leftOut(let reason):
                    leftOut.append(DivergenceLeftOut(app: group.app, metric: group.metric, reason: reason))
                }
            }
        }
        weigh(&comparisons, try DivergenceTraffic.shares(groups, source, request, range))
        if request.policy.judgesFleet { judgeFleet(&comparisons, request.policy) }
        tellBehind(&comparisons, request)
        return DivergenceReport(
            source: request.source, target: request.target, policyDigest: request.policy.digest,
            comparisons: ranked(comparisons), leftOut: leftOut)
    }

    private static func groupedByApp(_ groups: [DivergenceGroup]) -> [(app: String, groups: [DivergenceGroup])] {
        var output: [(app: String, groups: [DivergenceGroup])] = []
        for group in groups {
            if output.last?.app == group.app {
                output[output.count - 1].groups.append(group)
            } else {
                output.append((group.app, [group]))
            }
        }
        return output
    }

    /// The application's requests per step in both clusters, from its counter with a status label.
    private static func requests(
        _ groups: [DivergenceGroup], _ source: any SampleSource, _ range: TimeRangeMs, _ grid: DivergenceGrid
    ) throws -> (source: [Double?], target: [Double?])? {
        let counter = groups.first { group in
            let words = DivergenceMetric.words(group.metric)
            guard !group.source.isEmpty, !group.target.isEmpty, group.metric.hasSuffix("_total") else { return false }
            return words.contains("requests") || words.contains("request")
        }
        guard let counter else { return nil }
        func increases(_ keys: [SeriesKey]) throws -> [Double?] {
            let loaded = try keys.map { SeriesSamples(key: $0, samples: try source.samples(of: $0, in: range)) }
            return DivergenceSteps.increases(loaded, grid: grid)
        }
        return (try increases(counter.source), try increases(counter.target))
    }

    /// Ready pods as a share of the wanted ones, where both are known.
    private static func readiness(
        _ app: String, _ groups: [DivergenceGroup], _ source: any SampleSource, _ request: DivergenceRequest,
        _ range: TimeRangeMs
    ) throws -> DivergenceComparison? {
        func find(_ words: [String]) -> DivergenceGroup? {
            groups.first { group in
                let name = DivergenceMetric.words(group.metric)
                return name.contains("replicas") && words.contains { name.contains($0) }
                    && !name.contains("unavailable")
            }
        }
        guard let ready = find(["ready", "available"]), let wanted = find(["spec", "desired", "wanted"]),
            ready.metric != wanted.metric
        else { return nil }
        func shares(_ ready: [SeriesKey], _ wanted: [SeriesKey]) throws -> [Sample] {
            var totals: [Int64: Double] = [:]
            for key in wanted {
                for sample in try source.samples(of: key, in: range) where sample.value.isFinite {
                    totals[sample.timeMs, default: 0] += sample.value
                }
            }
            var counts: [Int64: Double] = [:]
            for key in ready {
                for sample in try source.samples(of: key, in: range) where sample.value.isFinite {
                    counts[sample.timeMs, default: 0] += sample.value
                }
            }
            return counts.keys.sorted().compactMap { time in
                guard let count = counts[time], let total = totals[time], total > 0 else { return nil }
                return Sample(timeMs: time, value: min(1, count / total))
            }
        }
        var samples: [SeriesKey: [Sample]] = [:]
        var group = DivergenceGroup(app: app, metric: "readiness")
        for (cluster, side) in [(request.source, \DivergenceGroup.source), (request.target, \.target)] {
            let key = try SeriesKey(name: "readiness", labels: [Label(SeriesKey.clusterLabel, cluster)])
            samples[key] = try shares(ready[keyPath: side], wanted[keyPath: side])
            group[keyPath: side] = [key]
        }
        let comparer = DivergenceComparer(
            group: group, policy: request.policy, sinceMs: request.sinceMs, trafficShiftsMs: request.trafficShiftsMs,
            meaning: request.meanings[group.metric], read: { samples[$0] ?? [] }, requests: { _ in nil })
        guard case .compared(var comparison) = try comparer.compare() else { return nil }
        comparison.series = (ready.source + ready.target + wanted.source + wanted.target).sorted()
        return comparison
    }

    /// Takes back what would not stand out among everything that is compared (F11).
    private static func judgeFleet(_ comparisons: inout [DivergenceComparison], _ policy: DivergencePolicy) {
        let tested = comparisons.filter { $0.steps > 0 }.map(\.fleetNats)
        let line = FalseDiscoveryRate.threshold(nats: tested, rate: policy.falseDiscoveryRate)
        for index in comparisons.indices where comparisons[index].verdict == .diverged {
            if let line, comparisons[index].fleetNats >= line { continue }
            comparisons[index].verdict = .undecided
            comparisons[index].decidedAtMs = nil
            comparisons[index].reasonCode = .belowFleetThreshold
            comparisons[index].reason += "; not enough to stand out among \(tested.count) comparisons"
            comparisons[index].wouldChange = ["more evidence of it, or fewer comparisons beside it"]
        }
    }

    /// Says how far behind each comparison's data is. What ended a while ago is no news of now, so only a difference that
    /// was found stays decided.
    private static func tellBehind(_ comparisons: inout [DivergenceComparison], _ request: DivergenceRequest) {
        guard let newest = comparisons.compactMap(\.newestMs).max() else { return }
        for index in comparisons.indices {
            guard let until = comparisons[index].dataUntilMs else { continue }
            comparisons[index].behindSeconds = Double(max(0, (request.asOfMs ?? newest) - until)) / 1000
            let limit = max(request.policy.stoppedMinutes * 60, 5 * comparisons[index].stepSeconds) * 1000
            guard newest - until > limit, comparisons[index].verdict != .diverged else { continue }
            let isTarget = comparisons[index].isTargetBehind
            // The cluster that is left may fall silent when everything has moved.
            if isTarget == false, comparisons[index].verdict == .equivalent { continue }
            comparisons[index].verdict = .undecided
            comparisons[index].reasonCode =
                isTarget.map { $0 ? .dataEndedInTarget : .dataEndedInSource } ?? .dataEndedInBoth
            let side = isTarget.map { $0 ? "the target" : "the source" } ?? "both clusters"
            let ago = DivergenceText.duration(seconds: Double(newest - until) / 1000)
            comparisons[index].reason =
                "samples of it from \(side) end \(ago) before the newest; until then: " + comparisons[index].reason
            comparisons[index].wouldChange = ["newer samples of it from \(side)"]
        }
    }

    /// What is wrong with a busy application touches more requests, so the score counts with the application's traffic,
    /// as a part of the busiest one's. Below a fiftieth the order is the score's alone.
    private static func weigh(_ comparisons: inout [DivergenceComparison], _ shares: [String: Double]) {
        guard !shares.isEmpty else { return }
        for index in comparisons.indices {
            // Where nobody counts requests, neither busy nor idle is assumed.
            comparisons[index].score *= max(0.02, shares[comparisons[index].app] ?? 0.25)
        }
    }

    private static func urgency(_ one: DivergenceComparison) -> Int {
        one.direction == .better ? 0 : one.isNew ? 2 : 1
    }

    /// DIVERGED, then UNDECIDED, then EQUIVALENT; in each the worst metric of every application before any second. What
    /// began while it was looked at points at its cause, so it comes before what was there from the first moment.
    private static func ranked(_ comparisons: [DivergenceComparison]) -> [DivergenceComparison] {
        let order = comparisons.sorted { one, other in
            let (isFirst, isSecond) = (urgency(one), urgency(other))
            if isFirst != isSecond { return isFirst > isSecond }
            let (own, others) = (Mathematics.steady(one.score), Mathematics.steady(other.score))
            if own != others { return own > others }
            return (one.app, one.metric) < (other.app, other.metric)
        }
        var output: [DivergenceComparison] = []
        for wanted in [DivergenceVerdict.diverged, .undecided, .equivalent] {
            var seen: [String: Int] = [:]
            var numbered: [(turn: Int, comparison: DivergenceComparison)] = []
            for one in order where one.verdict == wanted {
                numbered.append((seen[one.app, default: 0], one))
                seen[one.app, default: 0] += 1
            }
            for turn in 0..<(numbered.map(\.turn).max() ?? -1) + 1 {
                output += numbered.filter { $0.turn == turn }.map(\.comparison)
            }
        }
        return output
    }
}
