package import CairnSeries

/// Samples of a piece of a file, by series; in each series in the order of the file.
package struct SampleRows: Sendable {
    package private(set) var series: [SeriesSamples] = []
    package private(set) var count = 0
    /// Of the names and labels of all series: where each sample is of another series, they are what takes memory.
    package private(set) var keyBytes = 0

    /// The samples in the one form that the log keeps.
    package var batch: SampleBatch { SampleBatch(series) }

    mutating func addSeries(_ key: SeriesKey) -> Int {
        series.append(SeriesSamples(key: key, samples: []))
        keyBytes += key.labels.reduce(key.name.utf8.count) {
            $0 + $1.name.utf8.count + $1.value.utf8.count + MemoryLayout<Label>.stride
        }
        return series.count - 1
    }

    mutating func append(series index: Int, timeMs: Int64, value: Double) {
        series[index].samples.append(Sample(timeMs: timeMs, value: value))
        count += 1
    }
}
