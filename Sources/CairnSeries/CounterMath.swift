/// Arithmetic on counters: values that only grow, and start again at 0 when a process does.
package enum CounterMath {
    /// What one counter grew by from its first sample to its last. A fall is a restart from 0. Stale markers and other
    /// NaN are skipped; nil with fewer than two numbers, since growth needs two.
    package static func increase(_ samples: [Sample]) -> Double? {
        var previous: Double?
        var total = 0.0
        var count = 0
        for sample in samples where !sample.value.isNaN {
            if let previous { total += sample.value < previous ? sample.value : sample.value - previous }
            previous = sample.value
            count += 1
        }
        return count < 2 ? nil : total
    }

    /// What one counter grew by in each step, keyed by the start of the step.
    ///
    /// The growth between two samples belongs to the step of the later one: whole numbers stay whole, which counting
    /// tests need, and nothing is extrapolated. Steps without a sample are absent, which is not the same as 0. A
    /// series that first appears between the others starts from its first value, whose growth is unknown.
    /// - Parameter gapMs: a longer silence starts afresh, since what happened in it belongs to no step.
    package static func increases(
        _ samples: [Sample], stepMs: Int64, gapMs: Int64 = .max
    ) -> [(startMs: Int64, increase: Double)] {
        precondition(stepMs > 0, "a step has a length")
        var output: [(startMs: Int64, increase: Double)] = []
        var previous: Sample?
        for sample in samples where !sample.value.isNaN {
            defer { previous = sample }
            guard let before = previous, sample.timeMs &- before.timeMs <= gapMs else { continue }
            let growth = sample.value < before.value ? sample.value : sample.value - before.value
            let start = floorToStep(sample.timeMs, stepMs)
            if let last = output.last, last.startMs == start {
                output[output.count - 1].increase += growth
            } else {
                output.append((start, growth))
            }
        }
        return output
    }

    /// The start of the step that holds a moment.
    package static func floorToStep(_ timeMs: Int64, _ stepMs: Int64) -> Int64 {
        let rest = timeMs % stepMs
        return timeMs &- (rest < 0 ? rest + stepMs : rest)
    }
}

/// Classic Prometheus histograms: cumulative counts below upper bounds.
package struct HistogramBuckets: Sendable, Hashable {
    /// Ascending by bound; `count` is cumulative and made monotone, since scrapes of many processes are not atomic.
    package let buckets: [(upperBound: Double, count: Double)]

    package init(_ arrived: [(upperBound: Double, count: Double)]) {
        var merged: [(upperBound: Double, count: Double)] = []
        let usable = arrived.filter { !$0.upperBound.isNaN && !$0.count.isNaN }
        for bucket in usable.sorted(by: { $0.upperBound < $1.upperBound }) {
            if let last = merged.last, last.upperBound == bucket.upperBound {
                merged[merged.count - 1].count += bucket.count
            } else {
                merged.append(bucket)
            }
        }
        var largest = -Double.infinity
        for index in merged.indices {
            largest = max(largest, merged[index].count)
            merged[index].count = largest
        }
        buckets = merged
    }

    package var total: Double { buckets.last?.count ?? 0 }

    /// The value below which the share `rank` of the observations lies, linear inside a bucket as Prometheus does it.
    /// Nil without the bucket of infinity, without observations, or with a rank outside 0 to 1.
    package func quantile(_ rank: Double) -> Double? {
        guard rank >= 0, rank <= 1, buckets.count >= 2, total > 0, buckets[buckets.count - 1].upperBound == .infinity
        else { return nil }
        let wanted = rank * total
        guard let index = buckets.firstIndex(where: { $0.count >= wanted && $0.count > 0 }) else { return nil }
        if index == buckets.count - 1 { return buckets[index - 1].upperBound }
        if index == 0, buckets[0].upperBound <= 0 { return buckets[0].upperBound }
        let lower = index == 0 ? 0 : buckets[index - 1].upperBound
        let below = index == 0 ? 0 : buckets[index - 1].count
        let inside = buckets[index].count - below
        guard inside > 0 else { return buckets[index].upperBound }
        return lower + (buckets[index].upperBound - lower) * ((wanted - below) / inside)
    }

    package static func == (left: HistogramBuckets, right: HistogramBuckets) -> Bool {
        left.buckets.elementsEqual(right.buckets) { $0.upperBound == $1.upperBound && $0.count == $1.count }
    }

    package func hash(into hasher: inout Hasher) {
        for bucket in buckets {
            hasher.combine(bucket.upperBound)
            hasher.combine(bucket.count)
        }
    }
}
