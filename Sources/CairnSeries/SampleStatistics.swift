/// What the samples of one series say in each step of time, gathered part by part.
///
/// Values that are no numbers are left out, as are values that came after another for their moment. Parts must be added
/// in order of time; each is a stretch of decoded samples, or what the directory of a window says of one.
package struct SampleStatistics: Sendable {
    /// The numbers of one step.
    package struct Step: Sendable, Hashable {
        /// Start of the step; without steps the moment of the first number.
        package var startMs: Int64
        package var count: Int
        package var minimum: Double
        package var maximum: Double
        /// Added one after the other, so the last bits depend on how the samples are stored.
        package var sum: Double
        package var first: Sample
        package var last: Sample
    }

    /// Steps begin at whole multiples of this since 1970; nil for one step over everything.
    package let stepMs: Int64?
    package private(set) var steps: [Step] = []
    /// Of the last sample, whether it was a number or not.
    private var lastMs: Int64?
    /// Start of the last step, and the last moment that belongs to it.
    private var open: (startMs: Int64, endMs: Int64)?

    package init(stepMs: Int64?) { self.stepMs = stepMs }

    /// - Parameters:
    ///   - times: in order, none before the last one added.
    ///   - values: as many.
    package mutating func add(times: Span<Int64>, values: Span<Double>) {
        let count = times.count
        var index = 0
        while index < count {
            let (start, end) = bounds(of: times[index])
            var stop = index + 1
            if times[count - 1] <= end { stop = count } else { while times[stop] <= end { stop += 1 } }
            add(times, values, index..<stop, startMs: start)
            index = stop
        }
    }

    package mutating func add(_ samples: some Sequence<Sample>) {
        var times: [Int64] = []
        var values: [Double] = []
        for sample in samples {
            times.append(sample.timeMs)
            values.append(sample.value)
        }
        add(times: times.span, values: values.span)
    }

    /// Adds a stretch from its summary alone. False, with nothing added, where only the samples tell: it lies in several
    /// steps, or has values that are no numbers.
    package mutating func add(_ summary: SeriesSummary) -> Bool {
        let (start, end) = bounds(of: summary.first.timeMs)
        guard summary.count > 0, summary.notNumbers == 0, summary.last.timeMs <= end else { return false }
        append(
            Step(
                startMs: start, count: summary.count, minimum: summary.minimum, maximum: summary.maximum,
                sum: summary.sum, first: summary.first, last: summary.last))
        lastMs = summary.last.timeMs
        return true
    }

    private func bounds(of timeMs: Int64) -> (startMs: Int64, endMs: Int64) {
        if let open, timeMs >= open.startMs, timeMs <= open.endMs { return open }
        guard let stepMs else { return (timeMs, .max) }
        let rest = timeMs % stepMs
        let (start, isBelow) = timeMs.subtractingReportingOverflow(rest < 0 ? rest + stepMs : rest)
        let (end, isAbove) = start.addingReportingOverflow(stepMs - 1)
        return (isBelow ? .min : start, isAbove ? .max : end)
    }

    /// Adds samples of one step.
    private mutating func add(_ times: Span<Int64>, _ values: Span<Double>, _ range: Range<Int>, startMs: Int64) {
        var (count, first, last) = (0, -1, -1)
        var (low, high, sum) = (Double.infinity, -Double.infinity, 0.0)
        var before = lastMs ?? .min
        var isFirst = lastMs == nil
        for index in range {
            let time = times[index]
            let value = values[index]
            if time == before, !isFirst { continue }
            before = time
            isFirst = false
            guard value == value else { continue }
            if first < 0 { first = index }
            last = index
            count += 1
            if value < low { low = value }
            if value > high { high = value }
            sum += value
        }
        lastMs = before
        guard count > 0 else { return }
        append(
            Step(
                startMs: stepMs == nil ? times[first] : startMs, count: count, minimum: low, maximum: high, sum: sum,
                first: Sample(timeMs: times[first], value: values[first]),
                last: Sample(timeMs: times[last], value: values[last])))
    }

    private mutating func append(_ step: Step) {
        let place = steps.count - 1
        guard place >= 0, stepMs == nil || steps[place].startMs == step.startMs else {
            steps.append(step)
            let (start, end) = bounds(of: step.startMs)
            open = (start, end)
            return
        }
        steps[place].count += step.count
        steps[place].minimum = min(steps[place].minimum, step.minimum)
        steps[place].maximum = max(steps[place].maximum, step.maximum)
        steps[place].sum += step.sum
        steps[place].last = step.last
    }
}

extension SampleWindow {
    /// First and last moment of a series, and whether the directory alone shows that no two samples share one.
    package func times(of series: Int) -> (firstMs: Int64, lastMs: Int64, isStrictlyAscending: Bool) {
        let set = directory.timeSets[directory.series[series].timeSet]
        return (set.first, set.last, set.count == 1 || set.shape == .regular && set.step > 0)
    }
}
