/// Puts parts of a history together, in the order in which they arrived: what a reader does with a few series, and
/// sealing with all of them.
///
/// The same sample in two parts is one. Of different values for one moment all are kept in order of arrival, and each
/// that was not known to disagree before is counted as a conflict.
package struct SampleMerger {
    /// Where two parts disagree.
    package struct Conflict: Sendable, Hashable {
        package var series: SeriesKey
        package var timeMs: Int64
        /// The first value that arrived, which is the one that counts.
        package var kept: Double
        package var other: Double

        package static func == (left: Conflict, right: Conflict) -> Bool {
            left.series == right.series && left.timeMs == right.timeMs
                && left.kept.bitPattern == right.kept.bitPattern && left.other.bitPattern == right.other.bitPattern
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(series)
            hasher.combine(timeMs)
        }
    }

    /// Sorted by key, samples in order of time.
    package private(set) var series: [SeriesSamples] = []
    package private(set) var conflictCount = 0
    package private(set) var conflictingSeries: Set<SeriesKey> = []
    /// The first few, in order of arrival.
    package private(set) var examples: [Conflict] = []

    /// Enough to see a pattern; an event must stay small.
    package static let examplesMax = 100

    package init() {}

    package var sampleCount: Int { series.reduce(0) { $0 + $1.samples.count } }

    /// Adds the next part.
    /// - Parameters:
    ///   - part: sorted by key, each key once, samples in order of time.
    ///   - isMerged: whether this part was merged before, so that what disagrees inside of it is known.
    package mutating func add(_ part: [SeriesSamples], isMerged: Bool) {
        guard !series.isEmpty else {
            series = part
            if !isMerged { for index in series.indices { countInside(index) } }
            return
        }
        var index = 0
        var strangers: [SeriesSamples] = []
        for one in part {
            // Scrapes of the same targets bring the same keys in the same order: the next one is the usual answer.
            while index < series.count, series[index].key != one.key, series[index].key < one.key { index += 1 }
            guard index < series.count, series[index].key == one.key else {
                strangers.append(one)
                continue
            }
            merge(one.samples, into: index, isMerged: isMerged)
            index += 1
        }
        guard !strangers.isEmpty else { return }
        insert(strangers, isMerged: isMerged)
    }

    private mutating func insert(_ strangers: [SeriesSamples], isMerged: Bool) {
        var merged: [SeriesSamples] = []
        merged.reserveCapacity(series.count + strangers.count)
        var next = 0
        var new: [Int] = []
        for one in series {
            while next < strangers.count, strangers[next].key < one.key {
                new.append(merged.count)
                merged.append(strangers[next])
                next += 1
            }
            merged.append(one)
        }
        for one in strangers[next...] {
            new.append(merged.count)
            merged.append(one)
        }
        series = merged
        if !isMerged { for index in new { countInside(index) } }
    }

    private mutating func merge(_ samples: [Sample], into index: Int, isMerged: Bool) {
        guard let last = series[index].samples.last, let first = samples.first else {
            series[index].samples += samples
            return
        }
        if last.timeMs < first.timeMs, isMerged || isStrictlyAscending(samples) {
            series[index].samples += samples
            return
        }
        let known = series[index].samples
        series[index].samples = []
        var output: [Sample] = []
        output.reserveCapacity(known.count + samples.count)
        var (left, right) = (0, 0)
        while left < known.count || right < samples.count {
            let time = min(
                left < known.count ? known[left].timeMs : .max, right < samples.count ? samples[right].timeMs : .max)
            let start = output.count
            var moment = ValuesOfMoment()
            while left < known.count, known[left].timeMs == time {
                if moment.insert(known[left].value) { output.append(known[left]) }
                left += 1
            }
            let before = output.count - start
            let firstNew = right
            while right < samples.count, samples[right].timeMs == time {
                if moment.insert(samples[right].value) { output.append(samples[right]) }
                right += 1
            }
            let knownInside = isMerged ? max(0, right - firstNew - 1) : 0
            note(output[start...], new: output.count - start - max(1, before) - knownInside, index)
        }
        series[index].samples = output
    }

    /// Counts what disagrees inside one part.
    private mutating func countInside(_ index: Int) {
        let samples = series[index].samples
        if isStrictlyAscending(samples) { return }
        var start = 0
        while start < samples.count {
            var end = start + 1
            while end < samples.count, samples[end].timeMs == samples[start].timeMs { end += 1 }
            note(samples[start..<end], new: end - start - 1, index)
            start = end
        }
    }

    private mutating func note(_ moment: ArraySlice<Sample>, new: Int, _ index: Int) {
        guard new > 0, let kept = moment.first else { return }
        conflictCount += new
        let key = series[index].key
        conflictingSeries.insert(key)
        for other in moment.suffix(new) where examples.count < SampleMerger.examplesMax {
            examples.append(Conflict(series: key, timeMs: kept.timeMs, kept: kept.value, other: other.value))
        }
    }
}

extension SampleMerger {
    /// The samples of one series in the range, from its parts in order of arrival.
    package static func merged(_ parts: [ArraySlice<Sample>]) -> [Sample] {
        guard parts.count != 1 else { return Array(parts[0]) }
        var all: [Sample] = []
        all.reserveCapacity(parts.reduce(0) { $0 + $1.count })
        var isInOrder = true
        for part in parts {
            if let last = all.last, let first = part.first, first.timeMs <= last.timeMs { isInOrder = false }
            all.append(contentsOf: part)
        }
        return isInOrder ? all : orderedWithoutRepeats(all)
    }
}
