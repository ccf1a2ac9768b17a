import CairnSeries

/// One metric of one application in both clusters: which series, and how they become steps of equal length.
struct DivergenceGroup {
    var app: String
    var metric: String
    /// Series of the source and of the target; a group may have one side only.
    var source: [SeriesKey] = []
    var target: [SeriesKey] = []

    var isHistogram: Bool { (source.first ?? target.first)?["le"] != nil }

    /// Label names without the one for the cluster, with the values they take on each side.
    func labels() -> (source: [String: Set<String>], target: [String: Set<String>]) {
        func collect(_ keys: [SeriesKey]) -> [String: Set<String>] {
            var values: [String: Set<String>] = [:]
            for key in keys {
                for label in key.labels where label.name != SeriesKey.clusterLabel {
                    values[label.name, default: []].insert(label.value)
                }
            }
            return values
        }
        return (collect(source), collect(target))
    }

    /// Finds the groups among the series of both clusters, in order of application and metric.
    static func all(source: [SeriesKey], target: [SeriesKey], appLabels: [String]) -> [DivergenceGroup] {
        struct Name: Hashable {
            var app: String
            var metric: String
        }
        var groups: [Name: DivergenceGroup] = [:]
        func add(_ keys: [SeriesKey], to side: WritableKeyPath<DivergenceGroup, [SeriesKey]>) {
            for key in keys {
                guard let app = appLabels.lazy.compactMap({ key[$0] }).first else { continue }
                let metric = DivergenceMetric.baseName(key.name, hasBound: key["le"] != nil)
                let name = Name(app: app, metric: metric)
                groups[name, default: DivergenceGroup(app: app, metric: metric)][keyPath: side].append(key)
            }
        }
        add(source, to: \.source)
        add(target, to: \.target)
        return groups.values.sorted { ($0.app, $0.metric) < ($1.app, $1.metric) }
    }
}

/// The steps a metric is compared in: on the grid of whole steps since 1970, so that they do not depend on who asks.
struct DivergenceGrid: Hashable {
    var stepMs: Int64
    /// The first step of the baseline, the first judged one, and the one after the last, as multiples of the step.
    var first: Int64
    var judged: Int64
    var end: Int64

    var count: Int { Int(max(0, end &- first)) }
    var judgedIndex: Int { Int(min(max(0, judged - first), max(0, end - first))) }

    func index(_ timeMs: Int64) -> Int? {
        let step = CounterMath.floorToStep(timeMs, stepMs) / stepMs
        return step >= first && step < end ? Int(step - first) : nil
    }

    func timeMs(_ index: Int) -> Int64 { (first + Int64(index)) * stepMs }

    /// Steps of one comparison: two months of minutes. Longer ranges get longer steps.
    static let stepsMax: Int64 = 100_000

    /// - Parameter sinceMs: nil for the first moment both sides have data.
    static func covering(
        source: [SeriesSamples], target: [SeriesSamples], sinceMs: Int64?, policy: DivergencePolicy
    ) -> DivergenceGrid? {
        guard let firstSource = source.compactMap(\.samples.first?.timeMs).min(),
            let firstTarget = target.compactMap(\.samples.first?.timeMs).min(),
            let lastSource = source.compactMap(\.samples.last?.timeMs).max(),
            let lastTarget = target.compactMap(\.samples.last?.timeMs).max()
        else { return nil }
        // Where one side has ended there is nothing to compare.
        let last = min(lastSource, lastTarget)
        let interval = max(interval(source), interval(target))
        var stepMs = max(policy.stepSecondsMin * 1000, 1000)
        if interval > stepMs { stepMs = (interval + 59_999) / 60_000 * 60_000 }
        let since = sinceMs ?? max(firstSource, firstTarget)
        let earliest = max(min(firstSource, firstTarget), since &- policy.baselineSecondsMax * 1000)
        func step(_ time: Int64) -> Int64 { CounterMath.floorToStep(time, stepMs) / stepMs }
        while step(last) &- step(earliest) > stepsMax { stepMs *= 2 }
        // A step that the moment falls into is half before it: neither baseline nor evidence, unless it is the first.
        let judged = CounterMath.floorToStep(since, stepMs) == since || sinceMs == nil ? step(since) : step(since) + 1
        return DivergenceGrid(stepMs: stepMs, first: step(earliest), judged: judged, end: step(last) + 1)
    }

    /// The usual distance between samples: the median over some series, each by its own median.
    private static func interval(_ series: [SeriesSamples]) -> Int64 {
        let each = series.prefix(20).compactMap { one -> Double? in
            let times = one.samples.prefix(200).map(\.timeMs)
            return OrderStatistics.median(zip(times, times.dropFirst()).map { Double($1 - $0) })
        }
        return OrderStatistics.median(each).map { Int64(min($0, 86_400_000)) } ?? 0
    }
}

/// Samples of one cluster turned into steps.
enum DivergenceSteps {
    /// More in a step, and less than nothing, is no count of anything.
    private static let increaseMax = 1e15

    /// What all counters together grew by in each step; nil where no counter has two samples to compare.
    static func increases(_ series: [SeriesSamples], grid: DivergenceGrid) -> [Double?] {
        var output = [Double?](repeating: nil, count: grid.count)
        for one in series {
            // A counter that was silent for five steps has counted what belongs to none of them.
            let gap = max(5 * grid.stepMs, 300_000)
            for step in CounterMath.increases(one.samples, stepMs: grid.stepMs, gapMs: gap) {
                guard let index = grid.index(step.startMs), (0...increaseMax).contains(step.increase) else { continue }
                output[index] = (output[index] ?? 0) + step.increase
            }
        }
        return output
    }

    /// Gauges of many instances as one: each series' mean in the step, then their mean or sum; NaN without samples.
    static func levels(_ series: [SeriesSamples], grid: DivergenceGrid, isSummed: Bool) -> [Double] {
        var totals = [Double](repeating: 0, count: grid.count)
        var counts = [Double](repeating: 0, count: grid.count)
        for one in series {
            var current = -1
            var sum = 0.0
            var samples = 0.0
            func close() {
                guard current >= 0, samples > 0 else { return }
                totals[current] += sum / samples
                counts[current] += 1
            }
            for sample in one.samples where sample.value.isFinite {
                guard let index = grid.index(sample.timeMs) else { continue }
                if index != current {
                    close()
                    (current, sum, samples) = (index, 0, 0)
                }
                sum += sample.value
                samples += 1
            }
            close()
        }
        return zip(totals, counts).map { $1 == 0 ? .nan : isSummed ? $0 : $0 / $1 }
    }

    /// Counts by class, zero where nothing was counted.
    static func counts(
        _ series: [SeriesSamples], grid: DivergenceGrid, classes: [String], classOf: (SeriesKey) -> String
    ) -> [[Double]] {
        var output = [[Double]](repeating: [Double](repeating: 0, count: classes.count), count: grid.count)
        var byClass: [String: [SeriesSamples]] = [:]
        for one in series { byClass[classOf(one.key), default: []].append(one) }
        for (number, name) in classes.enumerated() {
            let increases = increases(byClass[name] ?? [], grid: grid)
            for (index, increase) in increases.enumerated() { output[index][number] = increase ?? 0 }
        }
        return output
    }
}
