import CairnBytes
import CairnLedger
import CairnModel
import CairnSeries

/// Metric samples as rows. Of two values for one moment both are kept, in the order of the log.
final class SamplesProjection: Projection {
    static let name = "samples"
    static let version = 1

    static let tables = [
        Table(
            "sample_batches", "one batch of samples",
            [
                Table.Column.text("cluster", "cluster it was recorded for"),
                Table.Column.integer("series", "series in it"),
                Table.Column.integer("samples", "samples in it"),
                Table.Column.time("first", "its first sample"),
                Table.Column.time("last", "its last sample"),
                Table.Column.text("import", "import that brought it"),
                Table.Column.text("content", "present, gone (retention), or why it cannot be read", "NOT NULL"),
                Table.Column.origin,
            ], indexes: ["cluster, first_us"]),
        Table(
            "series", "one time series",
            [
                Table.Column.integer("series", "number of the series in this file", "PRIMARY KEY"),
                Table.Column.text("name", "metric name", "NOT NULL"),
                Table.Column.text("cluster", "value of the label cluster"),
                Table.Column.text("app", "value of the label app"),
                Table.Column.text("labels", "all labels, JSON object", "NOT NULL"),
                Table.Column.text("key", "name and labels as PromQL writes them", "NOT NULL UNIQUE"),
                Table.Column.integer("samples", "rows of this series in samples", "NOT NULL"),
                Table.Column.time("first", "its first sample"),
                Table.Column.time("last", "its last sample"),
                Table.Column.origin,
            ], indexes: ["name, cluster"]),
        Table(
            "samples", "one value of a series",
            [
                Table.Column.integer("series", "number of the series, see series", "NOT NULL"),
                Table.Column.integer("time_ms", "milliseconds since 1970", "NOT NULL"),
                Table.Column.integer("ordinal", "0; above 0 another value told for the same moment later", "NOT NULL"),
                Table.Column.real("value", "the value; null where SQLite has no such number"),
                Table.Column.integer("bits", "the value's bits where value cannot hold them: NaN, stale marker, -0"),
            ], constraints: ["PRIMARY KEY (series, time_ms, ordinal)"], isWithoutRowID: true),
    ]

    static let facts: Set<String>? = ["samples.recorded", "attachment.dropped"]

    private let connection: Connection
    private let batch: Insertion
    private let insert: Statement
    private let known: Statement

    init(_ connection: Connection) throws(ReadModelError) {
        self.connection = connection
        batch = try Insertion(
            "sample_batches", ["cluster", "series", "samples", "first_us", "last_us", "import", "content"],
            on: connection)
        insert = try connection.statement("INSERT OR IGNORE INTO samples VALUES (?, ?, ?, ?, ?)")
        known = try connection.statement(
            "SELECT value, bits FROM samples WHERE series = ? AND time_ms = ? ORDER BY ordinal")
    }

    func apply(_ fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent) throws {
        let isBatch = fact.name == "samples.recorded"
        var state = "none"
        // A sealed window may stand for the batches that retention dropped.
        for attachment in fact.event.attachments
        where isBatch ? attachment.role == "samples" : attachment.mediaType == SampleBatch.mediaType {
            switch try content(attachment) {
            case .gone: state = "gone"
            case .present(let bytes):
                do {
                    let samples = try SampleBatch(encoded: bytes)
                    for series in samples.series { try add(series, fact) }
                    state = "present"
                } catch let error as SampleBatchError { state = error.description }
            }
        }
        guard isBatch else { return }
        try batch.add(
            fact,
            [
                fact.text("cluster"), fact.integer("series"), fact.integer("samples"), fact.time("first"),
                fact.time("last"), fact.text("import"), .text(state),
            ])
    }

    private func add(_ part: SeriesSamples, _ fact: Fact) throws {
        guard let first = part.samples.first, let last = part.samples.last else { return }
        let series = try number(of: part.key, fact)
        var added: Int64 = 0
        for sample in part.samples where try add(sample, to: series) { added += 1 }
        try connection.run(
            """
            UPDATE stored_series SET samples = samples + ?2, first_us = min(coalesce(first_us, ?3), ?3),
              last_us = max(coalesce(last_us, ?4), ?4)
            WHERE series = ?1
            """,
            [
                .integer(series), .integer(added), .integer(SamplesProjection.microseconds(first.timeMs)),
                .integer(SamplesProjection.microseconds(last.timeMs)),
            ])
    }

    /// False if the very same sample is there already.
    private func add(_ sample: Sample, to series: Int64) throws -> Bool {
        try add(sample, to: series, ordinal: 0)
        if connection.changes > 0 { return true }
        known.bind(1, series)
        known.bind(2, sample.timeMs)
        var count: Int64 = 0
        var isRepeat = false
        while try known.step() {
            count += 1
            let value = SamplesProjection.value(known, 0, 1)
            if value.bitPattern == sample.value.bitPattern { isRepeat = true }
        }
        known.reset()
        if isRepeat { return false }
        try add(sample, to: series, ordinal: count)
        return true
    }

    private func add(_ sample: Sample, to series: Int64, ordinal: Int64) throws {
        let value = sample.value
        insert.bind(1, series)
        insert.bind(2, sample.timeMs)
        insert.bind(3, ordinal)
        // SQLite stores NaN as null, and a real that is whole as an integer, which has no -0.
        if value.isNaN || (value == 0 && value.sign == .minus) {
            insert.bindNull(4)
            insert.bind(5, Int64(bitPattern: value.bitPattern))
        } else {
            insert.bind(4, value)
            insert.bindNull(5)
        }
        _ = try insert.step()
        insert.reset()
    }

    /// The value of a row, bit for bit.
    static func value(_ row: Statement, _ value: Int32, _ bits: Int32) -> Double {
        row.isNull(bits) ? row.double(value) : Double(bitPattern: UInt64(bitPattern: row.integer(bits)))
    }

    /// Clamped: a sender with a broken clock may be anywhere in the range of an integer.
    private static func microseconds(_ milliseconds: Int64) -> Int64 {
        let (product, overflow) = milliseconds.multipliedReportingOverflow(by: 1000)
        return overflow ? (milliseconds < 0 ? .min : .max) : product
    }

    private func number(of key: SeriesKey, _ fact: Fact) throws -> Int64 {
        let text = key.description
        if let row = try connection.first("SELECT series FROM stored_series WHERE key = ?", [.text(text)]),
            let number = row[0].integer
        {
            return number
        }
        var labels = JSONObject()
        for label in key.labels { labels[label.name] = .string(label.value) }
        try connection.run(
            """
            INSERT INTO stored_series (position, occurred_us, recorded_us, name, cluster, app, labels, key, samples)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)
            """,
            fact.origin + [
                .text(key.name), .optional(key[SeriesKey.clusterLabel]), .optional(key["app"]),
                .text(CanonicalJSON.string(of: .object(labels))), .text(text),
            ])
        return try connection.first("SELECT last_insert_rowid()")?[0].integer ?? 0
    }
}
