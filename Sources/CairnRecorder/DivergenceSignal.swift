package import CairnAnalyzer
internal import CairnBytes
package import CairnModel
package import CairnSeries

/// What both clusters showed around a divergence, step by step: the lines of its chart.
package enum DivergenceSignal {
    /// Context shown before the moment judged from.
    private static let contextMs: Int64 = 60 * 60 * 1000

    /// Nil where the comparison names no times.
    package static func make(
        _ comparison: DivergenceComparison, _ source: any SampleSource, sourceCluster: String, targetCluster: String
    ) throws -> FindingSignal? {
        guard let until = comparison.judgedUntilMs, let from = comparison.judgedFromMs ?? comparison.sinceMs else {
            return nil
        }
        let stepMs = max(60, comparison.stepSeconds) * 1000
        let first = Timestamp.floorDivide(
            max(from - contextMs, until - stepMs * Int64(FindingSignal.pointsMax)), stepMs)
        let count = Int(min(Int64(FindingSignal.pointsMax), Timestamp.floorDivide(until, stepMs) - first + 1))
        guard count > 0, let start = Timestamp(milliseconds: first * stepMs) else { return nil }
        let isCounter = comparison.series.contains { $0.name.hasSuffix("_total") || $0.name.hasSuffix("_bucket") }
        func values(_ cluster: String) throws -> [Double?] {
            var series: [SeriesSamples] = []
            for key in comparison.series where key[SeriesKey.clusterLabel] == cluster {
                let samples = try source.samples(of: key, in: (first * stepMs)..<until)
                if !samples.isEmpty { series.append(SeriesSamples(key: key, samples: samples)) }
            }
            let chosen = series.filter { isPart($0.key, comparison.part) }
            if isCounter {
                let total = rates(series, first: first, stepMs: stepMs, count: count)
                let part = rates(chosen, first: first, stepMs: stepMs, count: count)
                return zip(part, total).map { part, total in
                    guard let total, total > 0 else { return nil }
                    return (part ?? 0) / total
                }
            }
            return means(chosen.isEmpty ? series : chosen, first: first, stepMs: stepMs, count: count)
        }
        let axis =
            isCounter
            ? "share of \(comparison.part.isEmpty ? comparison.metric : comparison.part)"
            : comparison.part.isEmpty ? comparison.metric : "\(comparison.metric) \(comparison.part)"
        let unit = isCounter ? "fraction" : comparison.metric.hasSuffix("_seconds") ? "seconds" : "plain"
        return FindingSignal(
            axis: axis, unit: unit, start: start, stepSeconds: stepMs / 1000, source: try values(sourceCluster),
            target: try values(targetCluster))
    }

    /// Whether a series belongs to the part of the metric that says most: `quantile="0.99"`, `5xx`, `404`.
    private static func isPart(_ key: SeriesKey, _ part: String) -> Bool {
        if part.isEmpty { return true }
        if let mark = part.firstIndex(of: "=") {
            let name = String(part[..<mark])
            let value = part[part.index(after: mark)...].filter { $0 != "\"" }
            return key[name] == value
        }
        let codes = ["code", "status", "response_code", "status_code"].compactMap { key[$0] }
        guard let code = codes.first else { return true }
        if part.hasSuffix("xx") { return code.first == part.first && code.count == part.count }
        return code == part
    }

    /// The mean of all samples of a step, over all series.
    private static func means(_ series: [SeriesSamples], first: Int64, stepMs: Int64, count: Int) -> [Double?] {
        var sums = [Double](repeating: 0, count: count)
        var counts = [Int](repeating: 0, count: count)
        for one in series {
            for sample in one.samples where sample.value.isFinite {
                let index = Int(Timestamp.floorDivide(sample.timeMs, stepMs) - first)
                guard sums.indices.contains(index) else { continue }
                sums[index] += sample.value
                counts[index] += 1
            }
        }
        // Seven digits: enough for a chart, and the same text on every machine.
        return zip(sums, counts).map { sum, count in count == 0 ? nil : rounded(sum / Double(count)) }
    }

    /// What counters grew by in each step, over all series; a fall is a restart from zero.
    private static func rates(_ series: [SeriesSamples], first: Int64, stepMs: Int64, count: Int) -> [Double?] {
        var sums = [Double?](repeating: nil, count: count)
        for one in series {
            var previous: Double?
            for sample in one.samples where sample.value.isFinite {
                defer { previous = sample.value }
                guard let previous else { continue }
                let index = Int(Timestamp.floorDivide(sample.timeMs, stepMs) - first)
                guard sums.indices.contains(index) else { continue }
                sums[index, default: 0] += sample.value >= previous ? sample.value - previous : sample.value
            }
        }
        return sums
    }

    private static func rounded(_ value: Double) -> Double {
        guard value != 0, value.isFinite else { return 0 }
        var scale = 1.0
        while value.magnitude * scale < 1e6, scale < 1e15 { scale *= 10 }
        return (value * scale).rounded() / scale
    }
}

extension Array where Element == Double? {
    fileprivate subscript(index: Int, default value: Double) -> Double {
        get { self[index] ?? value }
        set { self[index] = newValue }
    }
}
