package import CairnSeries

/// The samples of one request.
package struct ReceivedSamples: Sendable {
    /// Samples of one series that came together.
    package struct Part: Sendable, Hashable {
        /// The number of the series in the table that the reader was given, of the same generation.
        package var series: Int
        /// Where its samples are.
        package var range: Range<Int>
    }

    /// In the order of the request; a series may come more than once.
    package internal(set) var parts: [Part] = []
    package internal(set) var samples: [Sample] = []
    /// Of the table, when these were read: numbers of another generation mean other series.
    package let generation: Int
    /// Native and exponential histograms that were left out, each told among the rejects.
    package internal(set) var histogramsLeftOut = 0
    /// Exemplars that were left out. No finding uses them, so they are no reason to refuse a request; the answer's
    /// count of written ones is 0.
    package internal(set) var exemplarsLeftOut = 0
    /// What was not kept, counted in samples and histograms.
    package internal(set) var rejects: ReceivedRejects

    init(generation: Int, limits: ReceiveLimits) {
        self.generation = generation
        rejects = ReceivedRejects(heldMax: limits.rejectsHeldMax)
    }

    /// The same by series, as importers of files give them.
    package func rows(_ table: ReceivedSeriesTable) -> SampleRows {
        precondition(generation == table.generation, "the numbers are of another generation of the table")
        var rows = SampleRows()
        var indexes: [Int: Int] = [:]
        for part in parts {
            let index = indexes[part.series] ?? rows.addSeries(table[part.series])
            indexes[part.series] = index
            for sample in samples[part.range] {
                rows.append(series: index, timeMs: sample.timeMs, value: sample.value)
            }
        }
        return rows
    }
}
