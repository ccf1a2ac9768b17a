import CairnBytes
import CairnLedger
import CairnModel
import CairnSeries

/// Metric samples: which series there are, and which batches and windows have samples of them. The samples themselves
/// stay in the log and are read from there; the table-valued function `samples` shows them as rows.
final class SamplesProjection: Projection {
    static let name = "samples"
    static let version = 2

    static let tables =
        [
            Table(
                "sample_batches", "one batch of samples as it was recorded",
                [
                    Table.Column.text("cluster", "cluster it was recorded for"),
                    SamplesProjection.extent,
                    Table.Column.text("import", "import that brought it"),
                    Table.Column.content,
                    Table.Column.integer("window", "position of the sealed window that stands for it; null if none"),
                    Table.Column.origin, SamplesProjection.bytes,
                ],
                lookups: [
                    Table.Lookup(columns: "first_ms", condition: "window IS NULL"),
                    Table.Lookup(columns: "position", condition: ""),
                ], indexes: ["window"]),
            Table(
                "sample_windows", "one sealed window: many batches in one compact form",
                [
                    SamplesProjection.extent,
                    Table.Column.text("covers", "positions of the batches it stands for, JSON array of [first, last]"),
                    Table.Column.integer("covers_from", "the first of them"),
                    Table.Column.integer("covers_to", "the last of them"),
                    Table.Column.content,
                    Table.Column.integer(
                        "replaced_by", "position of the larger window that stands for it; null if none"),
                    Table.Column.origin, SamplesProjection.bytes,
                ]),
            Table(
                "sample_conflicts", "a moment for which a series was told different values, as sealing found it",
                [
                    Table.Column.text("series", "the series, as PromQL writes it"),
                    Table.Column.time("time", "the moment"),
                    Table.Column.text("kept", "the value that arrived first, which counts"),
                    Table.Column.text("other", "a value that arrived later"),
                    Table.Column.integer("conflicts", "how many there are in all that was sealed then"),
                    Table.Column.origin,
                ]),
            Table(
                "sample_rollups",
                "a metric in one bucket of time, over all series of a cluster and application, from one batch or window",
                [
                    Table.Column.integer("position", "place in the log of the batch or window", "NOT NULL"),
                    Table.Column.computed("name", "metric name", "TEXT", SamplesProjection.value("name_pair")),
                    Table.Column.computed(
                        "cluster", "the label cluster", "TEXT", SamplesProjection.value("cluster_pair")),
                    Table.Column.computed("app", "the label app", "TEXT", SamplesProjection.value("app_pair")),
                    Table.Column.integer("minute", "start of the bucket, minutes since 1970", "NOT NULL"),
                    Table.Column.computed(
                        "minute_at", "start of the bucket, RFC 3339 in UTC", "TEXT",
                        "strftime('%Y-%m-%dT%H:%M:%SZ', minute * 60, 'unixepoch')"),
                    Table.Column.integer("minutes", "length of the bucket", "NOT NULL"),
                    Table.Column.integer("samples", "finite values in it", "NOT NULL"),
                    Table.Column.real("minimum", "the least of them", "NOT NULL"),
                    Table.Column.real("maximum", "the greatest of them", "NOT NULL"),
                    Table.Column.real("total", "their sum", "NOT NULL"),
                    Table.Column.integer("name_pair", "the name's number, see label_pairs", "NOT NULL"),
                    Table.Column.integer("cluster_pair", "the number of the label cluster", "NOT NULL"),
                    Table.Column.integer("app_pair", "the number of the label app", "NOT NULL"),
                ], constraints: ["PRIMARY KEY (position, name_pair, cluster_pair, app_pair, minute)"],
                isWithoutRowID: true),
        ] + SeriesCatalog.tables

    private static var extent: [Table.Column] {
        Table.Column.integer("series", "series in it") + Table.Column.integer("samples", "samples in it")
            + Table.Column.time("first", "its first sample") + Table.Column.time("last", "its last sample")
    }

    /// What readers need to find the samples.
    private static var bytes: [Table.Column] {
        Table.Column.integer("first_ms", "its first sample, milliseconds since 1970")
            + Table.Column.integer("last_ms", "its last sample, milliseconds since 1970")
            + Table.Column.blob("digest", "digest of the content in the log")
            + Table.Column.integer("bytes", "length of the content")
            + Table.Column.blob("layout", "numbers of its series as runs, for Cairn itself; null once it is replaced")
    }

    private static func value(_ column: String) -> String {
        "(SELECT value FROM label_pairs WHERE pair = stored_sample_rollups.\(column))"
    }

    static let facts: Set<String>? = ["samples.recorded", "samples.sealed", "samples.conflicted"]

    private let connection: Connection
    private let catalog: SeriesCatalog
    private let reader = SampleBatchReader()
    private let batches: Insertion
    private let windows: Insertion
    private let conflicts: Insertion
    private let rollups: Statement

    init(_ connection: Connection) throws(ReadModelError) {
        self.connection = connection
        catalog = try SeriesCatalog(connection)
        batches = try Insertion(
            "sample_batches",
            [
                "cluster", "series", "samples", "first_us", "last_us", "import", "content", "first_ms", "last_ms",
                "digest", "bytes", "layout",
            ], on: connection)
        windows = try Insertion(
            "sample_windows",
            [
                "series", "samples", "first_us", "last_us", "covers", "covers_from", "covers_to", "content", "first_ms",
                "last_ms", "digest", "bytes", "layout",
            ], on: connection)
        conflicts = try Insertion(
            "sample_conflicts", ["series", "time_us", "kept", "other", "conflicts"], on: connection)
        rollups = try connection.statement(
            """
            INSERT INTO stored_sample_rollups (position, minute, minutes, samples, minimum, maximum, total, name_pair,
              cluster_pair, app_pair) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
    }

    func apply(_ fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent) throws {
        switch fact.name {
        case "samples.recorded": try addBatch(fact, content)
        case "samples.sealed": try addWindow(fact, content)
        default: try addConflicts(fact)
        }
    }

    func flush() throws(ReadModelError) { catalog.forget() }

    /// What became of the content of an attachment.
    private struct Read {
        var state = "none"
        var digest: [UInt8] = []
        var byteCount = 0
        var first: Int64?
        var last: Int64?
        var layout: SeriesLayout?

        var columns: [SQLValue] {
            [
                .text(state), .optional(first), .optional(last), .blob(digest), .integer(Int64(byteCount)),
                layout.map { .blob($0.encoded) } ?? .null,
            ]
        }
    }

    /// Reads the attachment of a role; `decode` makes something of its bytes, or throws if they are damaged.
    private func read(
        _ role: String, of fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent,
        _ decode: ([UInt8], inout Read) throws -> Void
    ) throws -> Read {
        var read = Read()
        guard let attachment = fact.event.attachments.first(where: { $0.role == role }) else { return read }
        read.digest = attachment.digest
        read.byteCount = attachment.byteCount
        do {
            switch try content(attachment) {
            case .gone: read.state = "gone"
            case .present(let bytes):
                try decode(bytes, &read)
                read.state = "present"
            }
        } catch let error as SampleBatchError {
            read.state = error.description
        } catch let error as SampleWindowError {
            read.state = error.description
        } catch let error as LedgerError where error.code == .corrupt || error.code == .notFound {
            read.state = error.message
        }
        return read
    }

    // MARK: Batches

    private func addBatch(_ fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent) throws {
        let read = try read("samples", of: fact, content) { bytes, read in
            let batch = try reader.batch(bytes, content: content)
            read.first = batch.timeRangeMs?.lowerBound
            read.last = batch.timeRangeMs?.upperBound
            read.layout = try layout(of: batch.series.map(\.key), fact)
            var rollup = SampleRollup()
            for one in batch.series {
                rollup.begin(try catalog.group(of: one.key))
                for sample in one.samples { rollup.add(sample.timeMs, sample.value) }
            }
            try write(&rollup, rowsMax: SampleRollup.openRowsMax, fact)
        }
        try batches.add(
            fact,
            [
                fact.text("cluster"), fact.integer("series"), fact.integer("samples"), fact.time("first"),
                fact.time("last"), fact.text("import"),
            ] + read.columns)
    }

    private func layout(of keys: [SeriesKey], _ fact: Fact) throws -> SeriesLayout {
        let numbers = try catalog.numbers(of: keys, position: fact.event.position)
        try catalog.flush()
        return SeriesLayout(numbers)
    }

    private func write(_ rollup: inout SampleRollup, rowsMax: Int, _ fact: Fact) throws {
        let (rows, minutes) = rollup.finish(rowsMax: rowsMax)
        for row in rows {
            rollups.bind(1, Int64(clamping: fact.event.position))
            rollups.bind(2, row.minute)
            rollups.bind(3, minutes)
            rollups.bind(4, row.values.count)
            rollups.bind(5, row.values.minimum)
            rollups.bind(6, row.values.maximum)
            rollups.bind(7, row.values.sum)
            rollups.bind(8, row.group.name)
            rollups.bind(9, row.group.cluster)
            rollups.bind(10, row.group.app)
            _ = try rollups.step()
            rollups.reset()
        }
    }

    // MARK: Windows

    private func addWindow(_ fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent) throws {
        let covers = CoveredPositions(fact.data["covers"]?.value)
        let read = try read("sample-window", of: fact, content) { bytes, read in
            let window = try SampleWindow(reading: bytes)
            let keys = try window.keys()
            read.first = window.timeRangeMs?.lowerBound
            read.last = window.timeRangeMs?.upperBound
            var rollup = SampleRollup()
            // All of it is decoded, so that a damaged window takes nobody's place.
            try window.forEachSeries { place, times, values in
                rollup.begin(try catalog.group(of: keys[place]))
                for index in 0..<times.count { rollup.add(times[index], values[index]) }
            }
            read.layout = try layout(of: keys, fact)
            try write(&rollup, rowsMax: SampleRollup.rowsMax(ofSamples: window.sampleCount), fact)
        }
        try windows.add(
            fact,
            [
                fact.integer("series"), fact.integer("samples"), fact.time("first"), fact.time("last"),
                fact.json("covers"), .optional(covers.first), .optional(covers.last),
            ] + read.columns)
        if read.state == "present" { try replace(covers, by: fact) }
    }

    /// What a window stands for is not read any more, and its rollups are in those of the window.
    private func replace(_ covers: CoveredPositions, by fact: Fact) throws {
        let window = SQLValue.position(fact.event.position)
        for range in covers.ranges {
            let bounds: [SQLValue] = [.integer(range.lowerBound), .integer(range.upperBound)]
            try connection.run(
                """
                DELETE FROM stored_sample_rollups WHERE position BETWEEN ?1 AND ?2
                  AND position IN (SELECT position FROM stored_sample_batches WHERE position BETWEEN ?1 AND ?2)
                """, bounds)
            try connection.run(
                "UPDATE stored_sample_batches SET window = ?3, layout = NULL WHERE position BETWEEN ?1 AND ?2",
                bounds + [window])
        }
        guard let first = covers.first, let last = covers.last else { return }
        let replaced = try connection.all(
            """
            SELECT position FROM stored_sample_windows WHERE position < ?1 AND replaced_by IS NULL
              AND covers_from >= ?2 AND covers_to <= ?3
            """, [window, .integer(first), .integer(last)])
        for row in replaced {
            try connection.run("DELETE FROM stored_sample_rollups WHERE position = ?1", [row[0]])
            try connection.run(
                "UPDATE stored_sample_windows SET replaced_by = ?2, layout = NULL WHERE position = ?1",
                [row[0], window])
        }
    }

    private func addConflicts(_ fact: Fact) throws {
        for example in fact.data["examples"]?.value.array ?? [] {
            try conflicts.add(
                fact,
                [
                    .optional(example["series"]?.string),
                    .optional(example["time"]?.string.flatMap { Timestamp($0) }?.microseconds),
                    .optional(example["kept"]?.string), .optional(example["other"]?.string), fact.integer("conflicts"),
                ])
        }
    }
}

/// Positions as ranges, as `covers` of a sealed window has them.
struct CoveredPositions {
    private(set) var ranges: [ClosedRange<Int64>] = []

    init(_ json: JSONValue?) {
        for pair in json?.array ?? [] {
            guard let first = pair.array?.first?.integer, let last = pair.array?.last?.integer, first <= last,
                first >= 0
            else { continue }
            ranges.append(first...last)
        }
    }

    var first: Int64? { ranges.map(\.lowerBound).min() }
    var last: Int64? { ranges.map(\.upperBound).max() }
}
