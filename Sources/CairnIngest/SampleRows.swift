/// Samples of many series, in the order of the file: one row is `series[seriesIndexes[i]]`, `times[i]`, `values[i]`.
package struct SampleRows: Sendable {
    package private(set) var series: [SeriesText] = []
    package private(set) var seriesIndexes: [UInt32] = []
    /// Microseconds since 1970.
    package private(set) var times: [Int64] = []
    package private(set) var values: [Double] = []

    package var count: Int { values.count }

    mutating func addSeries(_ text: SeriesText) -> UInt32 {
        series.append(text)
        return UInt32(series.count - 1)
    }

    mutating func append(series: UInt32, time: Int64, value: Double) {
        seriesIndexes.append(series)
        times.append(time)
        values.append(value)
    }
}

/// A series as a text format names it: the metric and its labels, sorted by name, without empty values.
package struct SeriesText: Sendable, Hashable {
    package struct Label: Sendable, Hashable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package var metric: String
    package var labels: [Label]

    package init(metric: String, labels: [Label]) {
        self.metric = metric
        self.labels = labels
    }
}
