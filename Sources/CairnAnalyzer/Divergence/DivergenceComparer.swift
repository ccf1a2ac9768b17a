import CairnSeries

/// Compares one metric of one application: reads both sides, decides how to compare, and puts the parts together.
struct DivergenceComparer {
    var group: DivergenceGroup
    var policy: DivergencePolicy
    var sinceMs: Int64?
    /// When traffic was moved between the clusters.
    var trafficShiftsMs: [Int64] = []
    /// What the metric means, if somebody said so.
    var meaning: DivergenceMeaning?
    var read: (SeriesKey) throws -> [Sample]
    /// Requests of the application in both clusters, for counters that mean something per request only.
    var requests: (DivergenceGrid) throws -> (source: [Double?], target: [Double?])?

    enum Outcome {
        case compared(DivergenceComparison)
        case leftOut(String)
    }

    func compare() throws -> Outcome {
        let source = try load(group.source)
        let target = try load(group.target)
        let labels = group.labels()
        let all = labels.source.merging(labels.target) { $0.union($1) }
        let name = (group.source.first ?? group.target.first)?.name ?? group.metric
        let isCounter = DivergenceMetric.looksLikeCounter(
            name: name, hasStatusLabel: DivergenceMetric.statusLabels.contains { all[$0] != nil },
            samples: (source.first ?? target.first)?.samples ?? [])
        let shape = meaning?.shape ?? DivergenceMetric.shape(name: name, labels: all, isCounter: isCounter)
        let kind: DivergenceKind
        switch shape {
        case .leftOut(let reason): return .leftOut(reason)
        case .mix: kind = .statusMix
        case .histogram: kind = .latency
        case .ratio(let one), .share(let one), .rate(let one): kind = one
        }
        guard let grid = DivergenceGrid.covering(source: source, target: target, sinceMs: sinceMs, policy: policy),
            grid.judgedIndex < grid.count
        else { return .compared(missing(kind, source: source, target: target)) }
        let judgements: [DivergenceJudgement]
        switch shape {
        case .leftOut: judgements = []
        case .mix(let label): judgements = mix(label, source, target, grid)
        case .histogram: judgements = histogram(source, target, grid)
        case .ratio, .share: judgements = try gauges(shape, kind, labels, source, target, grid)
        case .rate: judgements = try rates(kind, source, target, grid)
        }
        var output = assemble(judgements, kind: kind, shape: shape, grid: grid)
        output.meaning = DivergenceMeaning(shape).description
        try countRequests(&output, grid)
        let (lastSource, lastTarget) = (last(source), last(target))
        if let lastSource, let lastTarget {
            output.dataUntilMs = min(lastSource, lastTarget)
            output.newestMs = max(lastSource, lastTarget)
            output.isTargetBehind = lastTarget == lastSource ? nil : lastTarget < lastSource
        }
        return .compared(output)
    }

    /// How many requests of the target a level that differs has met, where they are counted.
    private func countRequests(_ output: inout DivergenceComparison, _ grid: DivergenceGrid) throws {
        guard output.verdict == .diverged, output.requests == nil, let sinceMs = output.sinceMs,
            let first = grid.index(sinceMs), let all = try requests(grid)
        else { return }
        let requests = all.target[max(0, min(first, all.target.count))...].reduce(0) { $0 + ($1 ?? 0) }
        output.requests = requests
        if output.kind == .latency {
            output.requestsAffected = requests
        } else if output.unit == "share", output.kind == .availability || output.kind == .errors {
            output.requestsAffected = ((output.effect ?? 0).magnitude * requests).rounded()
        }
    }

    private func last(_ series: [SeriesSamples]) -> Int64? { series.compactMap(\.samples.last?.timeMs).max() }

    private func load(_ keys: [SeriesKey]) throws -> [SeriesSamples] {
        try keys.compactMap { key in
            let samples = try read(key)
            return samples.isEmpty ? nil : SeriesSamples(key: key, samples: samples)
        }
    }

    // MARK: Counts

    private func blocks(_ source: [[Double]], _ target: [[Double]]) -> [DivergenceMix.Block] {
        zip(source, target).map { DivergenceMix.Block(a: $0, b: $1) }
    }

    private func mix(
        _ label: String, _ source: [SeriesSamples], _ target: [SeriesSamples], _ grid: DivergenceGrid
    ) -> [DivergenceJudgement] {
        func statusClass(_ key: SeriesKey) -> String { DivergenceMetric.statusClass(key[label] ?? "") }
        var classes = Set((source + target).map { statusClass($0.key) }).sorted()
        let kept = Set(classes.prefix(policy.categoriesMax - 1))
        let isJoined = classes.count > policy.categoriesMax
        if isJoined { classes = kept.sorted() + ["other"] }
        func joined(_ key: SeriesKey) -> String {
            let name = statusClass(key)
            return !isJoined || kept.contains(name) ? name : "other"
        }
        // With one class only there is no mix; a second, empty one lets "all the same" be said.
        if classes.count == 1 { classes.append("other than \(classes[0])") }
        let comparer = DivergenceMix(
            effects: classes.enumerated().map {
                DivergenceMix.Effect(
                    name: $1, members: [$0], isMoreWorse: DivergenceMetric.isMoreWorse(statusClass: $1))
            }, policy: policy, margins: policy.statusMargins, alpha: policy.alpha, trafficSteps: trafficSteps(grid),
            stoppedSteps: stoppedSteps(grid))
        func counts(_ series: [SeriesSamples]) -> [[Double]] {
            DivergenceSteps.counts(series, grid: grid, classes: classes, classOf: joined)
        }
        let all = blocks(counts(source), counts(target))
        let halves = halves(source).map { blocks(counts($0), counts($1)) } ?? []
        return [
            comparer.judge(
                baseline: Array(all[..<grid.judgedIndex]), halves: Array(halves.prefix(grid.judgedIndex)),
                judged: Array(all[grid.judgedIndex...]))
        ]
    }

    /// The source's instances in two halves, which are alike if anything is; nil for a single one.
    private func halves(_ source: [SeriesSamples]) -> ([SeriesSamples], [SeriesSamples])? {
        func instance(_ key: SeriesKey) -> String {
            let labels = key.labels.filter { DivergenceMetric.instanceLabels.contains($0.name) }
            return labels.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
        }
        let instances = Array(Set(source.map { instance($0.key) })).sorted()
        guard instances.count > 1 else { return nil }
        let first = Set(instances.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element))
        return (
            source.filter { first.contains(instance($0.key)) }, source.filter { !first.contains(instance($0.key)) }
        )
    }

    private func stoppedSteps(_ grid: DivergenceGrid) -> Int { Int(policy.stoppedMinutes * 60_000 / grid.stepMs) }

    /// Judged steps at which traffic was moved.
    private func trafficSteps(_ grid: DivergenceGrid, from start: Int? = nil) -> Set<Int> {
        let start = start ?? grid.judgedIndex
        return Set(trafficShiftsMs.compactMap(grid.index).filter { $0 > start }.map { $0 - start })
    }

    /// Latencies as counts above the source's own P50, P90, P99 and P99.5, frozen before the evidence begins.
    private func histogram(
        _ source: [SeriesSamples], _ target: [SeriesSamples], _ grid: DivergenceGrid
    ) -> [DivergenceJudgement] {
        func bound(_ key: SeriesKey) -> String { key["le"] ?? "" }
        func value(_ text: String) -> Double? { text.lowercased() == "+inf" ? .infinity : Double(text) }
        let common = Set(source.map { bound($0.key) }).intersection(target.map { bound($0.key) })
        let bounds = common.compactMap { text in value(text).map { (text: text, value: $0) } }
            .sorted { ($0.value, $0.text) < ($1.value, $1.text) }
        guard bounds.count >= 2, bounds.last?.value == .infinity else {
            var output = DivergenceJudgement(name: "", margin: policy.shareMargin)
            output.obstacle = .noCommonTime
            return [output]
        }
        let texts = bounds.map(\.text)
        let sourceCounts = DivergenceSteps.counts(source, grid: grid, classes: texts, classOf: bound)
        let targetCounts = DivergenceSteps.counts(target, grid: grid, classes: texts, classOf: bound)
        // Without a baseline the first ten steps choose the cut points, and are no evidence.
        var start = grid.judgedIndex
        if !sourceCounts[..<start].contains(where: { ($0.last ?? 0) > 0 }) { start = min(start + 10, grid.count - 1) }
        func sum(_ steps: ArraySlice<[Double]>) -> [Double] {
            var totals = [Double](repeating: 0, count: texts.count)
            for step in steps { for index in totals.indices { totals[index] += step[index] } }
            return totals
        }
        let cuts = cutPoints(sum(sourceCounts[..<start]))
        let categories = cuts.count + 1
        func divided(_ steps: [[Double]]) -> [[Double]] {
            steps.map { step in
                var below = 0.0
                var output: [Double] = []
                for cut in cuts {
                    output.append(max(0, step[cut] - below))
                    below = max(below, step[cut])
                }
                return output + [max(0, (step.last ?? 0) - below)]
            }
        }
        let comparer = DivergenceMix(
            effects: cuts.enumerated().map { index, cut in
                DivergenceMix.Effect(
                    name: "above \(texts[cut])", members: Array(index + 1..<categories), isMoreWorse: true)
            }, policy: policy, margins: policy.exceedanceMargins, alpha: policy.alpha,
            trafficSteps: trafficSteps(grid, from: start), stoppedSteps: stoppedSteps(grid))
        let all = blocks(divided(sourceCounts), divided(targetCounts))
        let halves = halves(source).map { one, other in
            blocks(
                divided(DivergenceSteps.counts(one, grid: grid, classes: texts, classOf: bound)),
                divided(DivergenceSteps.counts(other, grid: grid, classes: texts, classOf: bound)))
        }
        var output = comparer.judge(
            baseline: Array(all[..<start]), halves: Array((halves ?? []).prefix(start)), judged: Array(all[start...]))
        output.shown = DivergenceQuantiles(bounds: bounds.map(\.value), policy: policy, temper: output.dispersion ?? 1)
            .parts(source: sum(sourceCounts[start...]), target: sum(targetCounts[start...]))
        return [output]
    }

    /// The bounds nearest above the quantiles; without any count every bound but the last.
    private func cutPoints(_ cumulative: [Double]) -> [Int] {
        guard let total = cumulative.last, total > 0 else { return Array(cumulative.indices.dropLast()) }
        var cuts: [Int] = []
        for rank in [0.5, 0.9, 0.99, 0.995] {
            let index = cumulative.firstIndex { $0 >= rank * total } ?? cumulative.count - 1
            let usable = min(index, cumulative.count - 2)
            if cuts.last != usable { cuts.append(usable) }
        }
        return cuts
    }

    // MARK: Levels

    private func gauges(
        _ shape: DivergenceMetric.Shape, _ kind: DivergenceKind,
        _ labels: (source: [String: Set<String>], target: [String: Set<String>]),
        _ source: [SeriesSamples], _ target: [SeriesSamples], _ grid: DivergenceGrid
    ) throws -> [DivergenceJudgement] {
        let kept = partLabels(labels)
        // How fast a trickle is answered says nothing about how fast traffic is.
        let isServing = kind == .lag || kind == .readiness ? nil : try servingSteps(grid)
        var sourceParts = Dictionary(grouping: source) { partName($0.key, kept) }
        var targetParts = Dictionary(grouping: target) { partName($0.key, kept) }
        var names = Set(sourceParts.keys).intersection(targetParts.keys).sorted()
        if names.isEmpty || names.count > policy.partsMax {
            let narrow = kept.intersection(["quantile", "statistic", "stat", "percentile", "q"])
            sourceParts = Dictionary(grouping: source) { partName($0.key, narrow) }
            targetParts = Dictionary(grouping: target) { partName($0.key, narrow) }
            names = Array(Set(sourceParts.keys).intersection(targetParts.keys).sorted().prefix(policy.partsMax))
        }
        return names.compactMap { name in
            guard let one = sourceParts[name], let other = targetParts[name], let example = one.first else {
                return nil
            }
            let isSummed = kind == .lag
            return level(
                name, shape, kind,
                quantile: DivergenceMetric.quantile(name: example.key.name, labels: example.key.labels),
                source: DivergenceSteps.levels(one, grid: grid, isSummed: isSummed),
                target: DivergenceSteps.levels(other, grid: grid, isSummed: isSummed).enumerated().map {
                    isServing?[$0] ?? true ? $1 : .nan
                }, parts: names.count, grid: grid)
        }
    }

    /// In which steps both sides have a fair part of the application's requests; nil if nobody counts them.
    private func servingSteps(_ grid: DivergenceGrid) throws -> [Bool]? {
        guard let all = try requests(grid) else { return nil }
        return zip(all.source, all.target).map { one, other in
            guard let one, let other else { return true }
            return min(one, other) >= policy.trafficShareMin * (one + other)
        }
    }

    /// Labels that divide a metric into parts that both clusters have.
    private func partLabels(_ labels: (source: [String: Set<String>], target: [String: Set<String>])) -> Set<String> {
        Set(
            labels.source.compactMap { name, values in
                guard !DivergenceMetric.instanceLabels.contains(name), !DivergenceMetric.appLabels.contains(name),
                    let others = labels.target[name], !others.isDisjoint(with: values)
                else { return nil }
                return values.count > 1 || others.count > 1 ? name : nil
            })
    }

    private func partName(_ key: SeriesKey, _ kept: Set<String>) -> String {
        key.labels.filter { kept.contains($0.name) }.map { "\($0.name)=\"\($0.value)\"" }.joined(separator: ",")
    }

    private func rates(
        _ kind: DivergenceKind, _ source: [SeriesSamples], _ target: [SeriesSamples], _ grid: DivergenceGrid
    ) throws -> [DivergenceJudgement] {
        let own = (
            source: DivergenceSteps.increases(source, grid: grid), target: DivergenceSteps.increases(target, grid: grid)
        )
        guard let all = try requests(grid) else {
            return [
                level(
                    "", .ratio(kind), kind, quantile: nil, source: own.source.map { $0.map { $0 + 0.5 } ?? .nan },
                    target: own.target.map { $0.map { $0 + 0.5 } ?? .nan }, parts: 1, grid: grid)
            ]
        }
        func perRequest(_ counts: [Double?], _ requests: [Double?]) -> [Double] {
            zip(counts, requests).map { count, requests in
                guard let count, let requests, requests > 0 else { return .nan }
                return (count + 0.5) / (requests + 1)
            }
        }
        return [
            level(
                "per request", .ratio(kind), kind, quantile: nil, source: perRequest(own.source, all.source),
                target: perRequest(own.target, all.target), parts: 1, grid: grid)
        ]
    }

    private func level(
        _ name: String, _ shape: DivergenceMetric.Shape, _ kind: DivergenceKind, quantile: Double?, source: [Double],
        target: [Double], parts: Int, grid: DivergenceGrid
    ) -> DivergenceJudgement {
        let isShare = if case .share = shape { true } else { false }
        // Percent and shares of 1 are told apart by what either side shows.
        let unit = isShare && (source.contains { $0 > 1.5 } || target.contains { $0 > 1.5 }) ? 0.01 : 1
        func transformed(_ value: Double) -> Double {
            switch kind {
            case _ where isShare: value * unit
            case .lag: Mathematics.log(max(0, value) + policy.lagFloor)
            default: value > 0 ? Mathematics.log(value) : .nan
            }
        }
        let one = source.map(transformed)
        let other = target.map(transformed)
        let differences = zip(one, other).map { $1 - $0 }
        let margin =
            switch kind {
            case .latency: policy.latencyMargin(quantile: quantile)
            case .availability: policy.availabilityMargin
            case .readiness: policy.readinessMargin
            case .lag: Mathematics.log(policy.lagFactor)
            case .errors where isShare: policy.shareMargin
            default: Mathematics.log(policy.otherFactor)
            }
        let comparer = DivergenceLevel(
            name: name, margin: margin, isMoreWorse: kind == .level ? nil : kind != .availability && kind != .readiness,
            policy: policy, alpha: policy.alpha / Double(max(1, parts)), stepSeconds: grid.stepMs / 1000,
            trafficSteps: trafficSteps(grid))
        var output = comparer.judge(
            baseline: Array(differences[..<grid.judgedIndex]), source: Array(one[..<grid.judgedIndex]),
            judged: Array(differences[grid.judgedIndex...]))
        output.description = describe(source, target, grid, unit: isShare ? 100 * unit : 1, isShare: isShare)
        return output
    }

    private func describe(
        _ source: [Double], _ target: [Double], _ grid: DivergenceGrid, unit: Double, isShare: Bool
    ) -> String {
        func usual(_ values: [Double]) -> String {
            let present = values[grid.judgedIndex...].filter { !$0.isNaN }
            guard let middle = OrderStatistics.median(present) else { return "nothing" }
            return DivergenceText.significant(middle * unit) + (isShare ? "%" : "")
        }
        return "median \(usual(source)) in the source, \(usual(target)) in the target"
    }
}
