import CairnSeries

/// What a histogram says about single quantiles of both clusters (F6): shown beside the verdict, which rests on counts
/// above frozen cut points. Buckets are as coarse as their bounds, and the intervals say so.
struct DivergenceQuantiles {
    /// Upper bounds of the buckets, the last infinite.
    var bounds: [Double]
    var policy: DivergencePolicy
    var temper: Double

    static let ranks = [0.5, 0.9, 0.99, 0.995]

    /// - Parameters:
    ///   - source: cumulative counts below each bound.
    func parts(source: [Double], target: [Double]) -> [DivergencePart] {
        guard let all = source.last, let others = target.last, all > 0, others > 0 else { return [] }
        return Self.ranks.compactMap { rank in
            guard let one = quantile(source, rank), let other = quantile(target, rank),
                let ofSource = interval(source, rank), let ofTarget = interval(target, rank)
            else { return nil }
            let margin = policy.latencyMargin(quantile: rank)
            let low = Mathematics.log(ofTarget.low / ofSource.high)
            let high = Mathematics.log(ofTarget.high / ofSource.low)
            let comparison = QuantileComparison(rank: rank, bestCount: min(all, others) / temper, alpha: policy.alpha)
            let nats = comparison.nats(buckets(source), buckets(target))
            let verdict: DivergenceVerdict =
                low > margin || high < -margin ? .diverged : low > -margin && high < margin ? .equivalent : .undecided
            return DivergencePart(
                name: "quantile=\"\(rank)\"", verdict: verdict, effect: Mathematics.log(other / one),
                low: low.isFinite ? low : nil, high: high.isFinite ? high : nil, margin: margin, nats: max(0, nats))
        }
    }

    private func buckets(_ cumulative: [Double]) -> QuantileComparison.Counts {
        var below = 0.0
        return zip(bounds, cumulative).map { bound, count in
            defer { below = max(below, count) }
            return (bound, max(0, count - below) / temper)
        }
    }

    private func quantile(_ cumulative: [Double], _ rank: Double) -> Double? {
        let found = HistogramBuckets(zip(bounds, cumulative).map { (upperBound: $0, count: $1) }).quantile(rank)
        return found.flatMap { $0 > 0 ? $0 : nil }
    }

    /// The bounds between which the quantile lies at every time at once: of each bucket's bound, how many values lie below
    /// it is a share with an interval of its own.
    private func interval(_ cumulative: [Double], _ rank: Double) -> (low: Double, high: Double)? {
        guard let total = cumulative.last, total > 0 else { return nil }
        let draws = total / temper
        var (low, high) = (0.0, Double.infinity)
        for (bound, count) in zip(bounds, cumulative) where bound.isFinite {
            let share = BernoulliConfidence.interval(
                successes: min(count, total) / temper, draws: draws, alpha: policy.alpha / 4, bestCount: draws)
            if share.upperBound < rank { low = max(low, bound) }
            if share.lowerBound > rank, high == .infinity { high = bound }
        }
        return (low, high)
    }
}
