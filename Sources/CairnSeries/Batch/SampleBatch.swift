/// Samples of many series as one value: what an importer hands to the log as one attachment, and what a read model
/// gets back. FORMAT.md, section 7, has the bytes.
package struct SampleBatch: Sendable, Hashable {
    /// Sorted by key, each key once, samples in order of time without exact repeats.
    package private(set) var series: [SeriesSamples]

    /// One batch is decoded at once, so its size bounds memory: 16 bytes a sample make this 64 MiB.
    package static let samplesMax = 4_194_304
    /// More series than one scrape of a large cluster brings.
    package static let seriesMax = 1_048_576

    /// Brings what arrived into the one form that has bytes: the same samples in any order give the same batch.
    /// Of two values for one moment both are kept, in order of arrival: which counts is for the reader to say.
    package init(_ arrived: [SeriesSamples] = []) {
        var position: [SeriesKey: Int] = [:]
        var merged: [SeriesSamples] = []
        for part in arrived where !part.samples.isEmpty {
            if let known = position[part.key] {
                merged[known].samples.append(contentsOf: part.samples)
            } else {
                position[part.key] = merged.count
                merged.append(part)
            }
        }
        for index in merged.indices where !isStrictlyAscending(merged[index].samples) {
            merged[index].samples = orderedWithoutRepeats(merged[index].samples)
        }
        series = merged.sorted { $0.key < $1.key }
    }

    /// For the decoder, which has checked the order.
    init(checked series: [SeriesSamples]) { self.series = series }

    package var isEmpty: Bool { series.isEmpty }

    package var sampleCount: Int { series.reduce(0) { $0 + $1.samples.count } }

    /// The first and last moment, nil for an empty batch.
    package var timeRangeMs: ClosedRange<Int64>? {
        guard let first = series.compactMap(\.samples.first?.timeMs).min(),
            let last = series.compactMap(\.samples.last?.timeMs).max()
        else { return nil }
        return first...last
    }

    /// The batch in parts that each obey the limits of the codec, most often one.
    package func split(samplesMax: Int = SampleBatch.samplesMax) -> [SampleBatch] {
        precondition(samplesMax > 0, "a part has room for at least one sample")
        var parts: [SampleBatch] = []
        var current: [SeriesSamples] = []
        var room = samplesMax
        for one in series {
            var rest = one.samples[...]
            while !rest.isEmpty {
                let taken = rest.prefix(room)
                current.append(SeriesSamples(key: one.key, samples: Array(taken)))
                rest = rest.dropFirst(taken.count)
                room -= taken.count
                if room == 0 || current.count == SampleBatch.seriesMax {
                    parts.append(SampleBatch(checked: current))
                    current = []
                    room = samplesMax
                }
            }
        }
        if !current.isEmpty { parts.append(SampleBatch(checked: current)) }
        return parts
    }
}
