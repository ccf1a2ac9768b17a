import CairnSeries

/// How busy applications are beside each other, for the order of a report.
enum DivergenceTraffic {
    /// Applications that count requests, with their traffic as a part of that of the busiest which counts the same way.
    static func shares(
        _ groups: [DivergenceGroup], _ source: any SampleSource, _ request: DivergenceRequest, _ range: TimeRangeMs
    ) throws -> [String: Double] {
        // What is judged may begin after the newest sample: a phase that has just begun.
        let end = max(range.upperBound, range.lowerBound)
        let judged = min(max(range.lowerBound, request.sinceMs ?? range.lowerBound), end)..<end
        var volumes: [String: (metric: String, volume: Double)] = [:]
        for group in groups where volumes[group.app] == nil {
            guard isRequestCount(group.metric), !group.isHistogram else { continue }
            var volume = 0.0
            for key in group.source + group.target {
                let samples = try source.samples(of: key, in: judged.clamped(to: range))
                volume += mean(samples, isCounter: group.metric.hasSuffix("_total"))
            }
            volumes[group.app] = (group.metric, volume)
        }
        var largest: [String: Double] = [:]
        for (metric, volume) in volumes.values { largest[metric] = max(largest[metric] ?? 0, volume) }
        return volumes.compactMapValues { metric, volume in
            guard let most = largest[metric], most > 0 else { return nil }
            return max(0, volume / most)
        }
    }

    private static func isRequestCount(_ metric: String) -> Bool {
        let words = DivergenceMetric.words(metric)
        guard words.contains("requests") || words.contains("request") else { return false }
        return Set(words).isDisjoint(with: [
            "duration", "seconds", "latency", "time", "ms", "milliseconds", "size", "bytes", "errors", "failed", "rate",
        ])
    }

    /// Per second for a counter, the usual value of a gauge.
    private static func mean(_ samples: [Sample], isCounter: Bool) -> Double {
        let values = samples.map(\.value).filter(\.isFinite)
        guard !values.isEmpty else { return 0 }
        guard isCounter else { return OrderStatistics.mean(values) }
        guard let first = samples.first, let last = samples.last, last.timeMs > first.timeMs else { return 0 }
        return (CounterMath.increase(samples) ?? 0) * 1000 / Double(last.timeMs - first.timeMs)
    }
}
