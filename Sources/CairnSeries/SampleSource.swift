/// Where samples are read from: the embedded read model, another store behind HTTP, or memory. Whoever reads (the
/// analyzer, PromQL) knows this protocol and nothing of what is behind it.

/// A span of time in milliseconds since 1970, the end excluded.
package typealias TimeRangeMs = Range<Int64>

extension TimeRangeMs {
    /// Everything there is.
    package static var all: TimeRangeMs { Int64.min..<Int64.max }
}

package protocol SampleSource: Sendable {
    /// The series that match and have a sample in the range, sorted.
    func series(matching selector: SeriesSelector, in range: TimeRangeMs) throws -> [SeriesKey]

    /// The samples of one series in the range, in order of time, stale markers included; none for an unknown series.
    /// One value for each moment: of different ones told for it, the first that arrived.
    func samples(of key: SeriesKey, in range: TimeRangeMs) throws -> [Sample]

    /// Every matching series that has a sample in the range, with these samples, sorted by key. A source that stores
    /// many series together answers this with one pass.
    func forEachSeries(
        matching selector: SeriesSelector, in range: TimeRangeMs, _ body: (SeriesKey, [Sample]) throws -> Void
    ) throws
}

extension SampleSource {
    package func forEachSeries(
        matching selector: SeriesSelector, in range: TimeRangeMs, _ body: (SeriesKey, [Sample]) throws -> Void
    ) throws {
        for key in try series(matching: selector, in: range) {
            let found = try samples(of: key, in: range)
            if !found.isEmpty { try body(key, found) }
        }
    }

    /// The clusters that have a sample of a matching series in the range, sorted.
    package func clusters(
        matching selector: SeriesSelector = SeriesSelector(), in range: TimeRangeMs = .all
    ) throws -> [String] {
        var names: Set<String> = []
        for key in try series(matching: selector, in: range) {
            if let name = key[SeriesKey.clusterLabel] { names.insert(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}

/// Samples in memory. Samples may come in any order; the same sample twice is one, and of two different values for
/// one moment both are kept in order of arrival, of which `samples` gives the first.
package struct MemorySampleSource: SampleSource {
    private var stored: [SeriesKey: [Sample]] = [:]

    package init() {}

    package init(_ batch: SampleBatch) { add(batch) }

    package var sampleCount: Int { stored.values.reduce(0) { $0 + $1.count } }

    package mutating func add(_ batch: SampleBatch) {
        for series in batch.series { add(series.samples, to: series.key) }
    }

    package mutating func add(_ samples: [Sample], to key: SeriesKey) {
        guard !samples.isEmpty else { return }
        var known = stored.removeValue(forKey: key) ?? []
        let isInOrder = known.last.map { $0.timeMs < samples[0].timeMs } ?? true
        known.append(contentsOf: samples)
        stored[key] = isInOrder && isStrictlyAscending(samples) ? known : orderedWithoutRepeats(known)
    }

    package func series(matching selector: SeriesSelector, in range: TimeRangeMs) -> [SeriesKey] {
        stored.compactMap { key, samples in
            selector.matches(key) && !part(of: samples, in: range).isEmpty ? key : nil
        }.sorted()
    }

    package func samples(of key: SeriesKey, in range: TimeRangeMs) -> [Sample] {
        firstOfEachMoment(everySample(of: key, in: range))
    }

    /// The same with every value that was told for a moment, in order of arrival.
    package func everySample(of key: SeriesKey, in range: TimeRangeMs) -> [Sample] {
        stored[key].map { Array(part(of: $0, in: range)) } ?? []
    }
}

/// The samples of a range, from samples in order of time. A range that ends at the last moment there is includes it.
package func part(of samples: [Sample], in range: TimeRangeMs) -> ArraySlice<Sample> {
    func firstIndex(notBefore time: Int64) -> Int {
        var low = 0
        var high = samples.count
        while low < high {
            let middle = (low + high) / 2
            if samples[middle].timeMs < time { low = middle + 1 } else { high = middle }
        }
        return low
    }
    let first = firstIndex(notBefore: range.lowerBound)
    let end = range.upperBound == .max ? samples.count : max(first, firstIndex(notBefore: range.upperBound))
    return samples[first..<end]
}

/// - Parameter samples: in order of time.
package func firstOfEachMoment(_ samples: [Sample]) -> [Sample] {
    if isStrictlyAscending(samples) { return samples }
    var kept: [Sample] = []
    kept.reserveCapacity(samples.count)
    for sample in samples where kept.last?.timeMs != sample.timeMs { kept.append(sample) }
    return kept
}

package func isStrictlyAscending(_ samples: [Sample]) -> Bool {
    for index in samples.indices.dropFirst() where samples[index - 1].timeMs >= samples[index].timeMs { return false }
    return true
}

/// Sorted by time, equal times in order of arrival, without exact repeats.
package func orderedWithoutRepeats(_ samples: [Sample]) -> [Sample] {
    // The standard sort is stable in practice and not by contract, so arrival is part of what is compared.
    let order = samples.indices.sorted { (samples[$0].timeMs, $0) < (samples[$1].timeMs, $1) }
    var kept: [Sample] = []
    kept.reserveCapacity(samples.count)
    var moment = ValuesOfMoment()
    for index in order {
        let sample = samples[index]
        if let last = kept.last, last.timeMs != sample.timeMs { moment = ValuesOfMoment() }
        if moment.insert(sample.value) { kept.append(sample) }
    }
    return kept
}

/// Different values for one moment: most often one, and a million where a sender is broken or means harm.
struct ValuesOfMoment {
    private var few: [UInt64] = []
    private var many: Set<UInt64> = []
    private static let fewMax = 16

    /// False if the very same value is there.
    mutating func insert(_ value: Double) -> Bool {
        let bits = value.bitPattern
        if few.count < ValuesOfMoment.fewMax {
            guard !few.contains(bits) else { return false }
            few.append(bits)
            return true
        }
        if many.isEmpty { many = Set(few) }
        return many.insert(bits).inserted
    }
}
