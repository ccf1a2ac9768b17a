import CairnBytes
package import CairnSeries

/// The read model as a source of samples.
extension ReadModel: SampleSource {
    package func series(matching selector: SeriesSelector, in range: TimeRangeMs) throws -> [SeriesKey] {
        try read { connection in try ReadModel.series(matching: selector, in: range, on: connection).map(\.key) }
    }

    package func samples(of key: SeriesKey, in range: TimeRangeMs) throws -> [Sample] {
        try read { connection in
            guard
                let number = try connection.first(
                    "SELECT series FROM series WHERE key = ?", [.text(key.description)])?[0].integer
            else { return [] }
            return try ReadModel.samples(of: number, in: range, on: connection)
        }
    }

    package func forEachSeries(
        matching selector: SeriesSelector, in range: TimeRangeMs, _ body: (SeriesKey, [Sample]) throws -> Void
    ) throws {
        try read { connection in
            for found in try ReadModel.series(matching: selector, in: range, on: connection) {
                try body(found.key, ReadModel.samples(of: found.number, in: range, on: connection))
            }
        }
    }

    /// Sorted by key.
    private static func series(
        matching selector: SeriesSelector, in range: TimeRangeMs, on connection: Connection
    ) throws -> [(number: Int64, key: SeriesKey)] {
        // The matchers that ask for one value narrow the scan by an index; all of them are checked on the key.
        let name = selector.matchers.first { $0.label == SeriesKey.nameLabel && $0.comparison == .equal }?.value
        let rows = try connection.statement(
            """
            SELECT series, name, labels FROM series AS s WHERE (?1 IS NULL OR name = ?1)
              AND (?2 IS NULL OR cluster = ?2) AND EXISTS (SELECT 1 FROM samples AS v
                WHERE v.series = s.series AND v.time_ms >= ?3 AND v.time_ms < ?4)
            """)
        rows.bind(1, name)
        // An empty text asks for series without the label, which the column has as null.
        rows.bind(2, selector.cluster.flatMap { $0.isEmpty ? nil : $0 })
        rows.bind(3, range.lowerBound)
        rows.bind(4, range.upperBound)
        defer { rows.reset() }
        var found: [(number: Int64, key: SeriesKey)] = []
        while try rows.step() {
            guard let labels = try? JSONParser.parse(rows.text(2)).value.object,
                let key = try? SeriesKey(
                    name: rows.text(1), labels: labels.map { Label($0.name, $0.value.string ?? "") }),
                selector.matches(key)
            else { continue }
            found.append((rows.integer(0), key))
        }
        return found.sorted { $0.key < $1.key }
    }

    private static func samples(of series: Int64, in range: TimeRangeMs, on connection: Connection) throws -> [Sample] {
        let rows = try connection.statement(
            """
            SELECT time_ms, value, bits FROM samples WHERE series = ?1 AND time_ms >= ?2 AND time_ms < ?3
            ORDER BY time_ms, ordinal
            """)
        rows.bind(1, series)
        rows.bind(2, range.lowerBound)
        rows.bind(3, range.upperBound)
        defer { rows.reset() }
        var samples: [Sample] = []
        while try rows.step() {
            samples.append(Sample(timeMs: rows.integer(0), value: SamplesProjection.value(rows, 1, 2)))
        }
        return samples
    }
}
