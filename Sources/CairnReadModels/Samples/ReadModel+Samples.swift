import CairnBytes
package import CairnSeries

/// The read model as a source of samples.
extension ReadModel: SampleSource {
    package func series(matching selector: SeriesSelector, in range: TimeRangeMs) throws -> [SeriesKey] {
        try read { connection in
            try SampleReader(connection, samples).series(matching: selector, in: range).map(\.key)
        }
    }

    package func samples(of key: SeriesKey, in range: TimeRangeMs) throws -> [Sample] {
        try samples(of: key, in: range, every: false)
    }

    /// The same with every value that was told for a moment, in order of arrival.
    package func everySample(of key: SeriesKey, in range: TimeRangeMs) throws -> [Sample] {
        try samples(of: key, in: range, every: true)
    }

    private func samples(of key: SeriesKey, in range: TimeRangeMs, every: Bool) throws -> [Sample] {
        try read { connection in
            let reader = SampleReader(connection, samples)
            guard let number = try reader.index.number(of: key) else { return [] }
            var found: [Sample] = []
            try reader.forEachSeries([(number, key)], in: range, every: every) { _, _, samples in found = samples }
            return found
        }
    }

    package func forEachSeries(
        matching selector: SeriesSelector, in range: TimeRangeMs, _ body: (SeriesKey, [Sample]) throws -> Void
    ) throws {
        try read { connection in
            let reader = SampleReader(connection, samples)
            let list = try reader.index.keys(of: reader.index.numbers(matching: selector))
            try reader.forEachSeries(list, in: range) { _, key, samples in try body(key, samples) }
        }
    }

    /// Every value that a label has, sorted; `__name__` gives the metrics.
    package func labelValues(_ label: String) throws -> [String] {
        try read { connection in try SeriesIndex(connection).values(of: label) }
    }
}

/// Samples that are not there.
package struct SampleGap: Sendable, Hashable, CustomStringConvertible {
    /// Of the event that brought them.
    package var position: UInt64
    /// In milliseconds since 1970, the last included; nil where the event does not say.
    package var timesMs: ClosedRange<Int64>?
    package var reason: String

    package var description: String {
        let range = timesMs.map { times in
            " from \(SampleGap.text(times.lowerBound)) to \(SampleGap.text(times.upperBound))"
        }
        return "samples of entry \(position)\(range ?? ""): \(reason)"
    }

    private static func text(_ milliseconds: Int64) -> String {
        Timestamp(milliseconds: milliseconds)?.description ?? "\(milliseconds) ms"
    }
}

extension ReadModel {
    /// What the log brought and cannot give any more, as the tables know it, and what could not be read since this
    /// read model was opened.
    package func sampleGaps() throws -> [SampleGap] {
        let rows = try query("SELECT position, first_us, last_us, reason FROM sample_gaps ORDER BY position").rows
        let known = rows.map { row in
            var times: ClosedRange<Int64>?
            if let first = row[1].integer, let last = row[2].integer, first <= last {
                times = first / 1000...last / 1000
            }
            return SampleGap(
                position: UInt64(clamping: row[0].integer ?? 0), timesMs: times, reason: row[3].text ?? "")
        }
        return known + sampleProblems
    }

    /// What could not be read while questions were answered since this read model was opened.
    package var sampleProblems: [SampleGap] {
        samples.problems.map { problem in
            SampleGap(
                position: problem.position,
                timesMs: problem.firstMs <= problem.lastMs ? problem.firstMs...problem.lastMs : nil,
                reason: problem.reason)
        }
    }

    /// How many batches were decoded to answer questions since this read model was opened.
    package var sampleBatchesDecoded: Int { samples.batchesDecoded }
}
