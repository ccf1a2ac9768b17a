import CairnBytes
import CairnModel
import CairnReadModels
import CairnSeries
import CairnTestSupport
import Testing

/// What `sample_stats` and `sample_rollups` say is what the samples say, whatever was sealed and dropped.
@Suite struct SampleStatisticsTests {
    static let seeds: [UInt64] = [1, 2, 3, 4, 5, 6]

    /// One row, as SQL gives it.
    private struct Row: Equatable, CustomStringConvertible {
        var key: String
        var startUs: Int64?
        var count: Int
        var minimum: Double
        var maximum: Double
        var total: Double?
        var first: Double
        var firstUs: Int64
        var last: Double
        var lastUs: Int64

        static func == (left: Row, right: Row) -> Bool {
            left.key == right.key && left.startUs == right.startUs && left.count == right.count
                && left.minimum == right.minimum && left.maximum == right.maximum && left.first == right.first
                && left.firstUs == right.firstUs && left.last == right.last && left.lastUs == right.lastUs
                && isClose(left, right)
        }

        /// Sums are rounded in the order in which samples are stored, and at the end of the range of doubles even
        /// whether there is one depends on it.
        private static func isClose(_ left: Row, _ right: Row) -> Bool {
            if max(abs(left.minimum), abs(left.maximum)) > 1e300 { return true }
            guard let one = left.total, let two = right.total else { return false }
            return abs(one - two) <= 1e-9 * max(abs(left.minimum), abs(left.maximum)) * Double(left.count)
        }

        var description: String {
            "\(key) \(startUs ?? -1) \(count) \(minimum)...\(maximum) \(String(describing: total))"
        }
    }

    private func rows(_ model: ReadModel, _ range: TimeRangeMs, stepMs: Int64?, _ matchers: String) throws -> [Row] {
        try model.query(
            """
            SELECT key, ts_us, samples, minimum, maximum, total, first, first_us, last, last_us
            FROM sample_stats(NULL, :matchers, :t0, :t1, :step)
            """,
            [
                "matchers": .text(matchers), "t0": range.lowerBound == .min ? .null : .integer(range.lowerBound * 1000),
                "t1": range.upperBound == .max ? .null : .integer(range.upperBound * 1000),
                "step": .optional(stepMs.map { $0 * 1000 }),
            ]
        ).rows.map { row in
            Row(
                key: row[0].text ?? "", startUs: row[1].integer, count: Int(row[2].integer ?? -1),
                minimum: row[3].double ?? .nan, maximum: row[4].double ?? .nan, total: row[5].double,
                first: row[6].double ?? .nan, firstUs: row[7].integer ?? -1, last: row[8].double ?? .nan,
                lastUs: row[9].integer ?? -1)
        }
    }

    /// The same, one sample at a time.
    private func expected(
        _ memory: MemorySampleSource, _ range: TimeRangeMs, stepMs: Int64?, _ matchers: String
    ) throws -> [Row] {
        var rows: [Row] = []
        for key in memory.series(matching: try SeriesSelector(parsing: matchers), in: range) {
            var current: Int64?
            for sample in memory.samples(of: key, in: range) where !sample.value.isNaN {
                let step = stepMs.map { Int64((Double(sample.timeMs) / Double($0)).rounded(.down)) * $0 } ?? 0
                let time = sample.timeMs * 1000
                if current == step {
                    let place = rows.count - 1
                    rows[place].count += 1
                    rows[place].minimum = min(rows[place].minimum, sample.value)
                    rows[place].maximum = max(rows[place].maximum, sample.value)
                    rows[place].total = rows[place].total.map { $0 + sample.value }
                    (rows[place].last, rows[place].lastUs) = (sample.value, time)
                } else {
                    current = step
                    rows.append(
                        Row(
                            key: key.description, startUs: stepMs == nil ? time : step * 1000, count: 1,
                            minimum: sample.value, maximum: sample.value, total: sample.value, first: sample.value,
                            firstUs: time, last: sample.value, lastUs: time))
                }
            }
        }
        for index in rows.indices where rows[index].total?.isNaN == true { rows[index].total = nil }
        return rows
    }

    @Test(arguments: seeds) func sayWhatTheSamplesSay(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var list = EventList()
        var memory = MemorySampleSource()
        var samples = RandomSamples()
        func compare(_ comment: String) throws -> Int {
            let model = try ReadModel.inMemory()
            try model.catchUp(from: list)
            var compared = 0
            for matchers in ["", "{cluster=\"old\"}", "{pod=~\"pod-[1-3]\"}"] {
                for range in RandomSamples.ranges where !range.isEmpty {
                    for stepMs in [nil, 1, 15_000, 60_000, 86_400_000] as [Int64?] {
                        let found = try rows(model, range, stepMs: stepMs, matchers)
                        let right = try expected(
                            memory, range, stepMs: stepMs, matchers.isEmpty ? "{cluster=~\".+\"}" : matchers)
                        let other = zip(found, right).first { $0 != $1 }
                        #expect(
                            found.count == right.count && other == nil,
                            "seed \(seed), \(comment), \(matchers) \(range) step \(stepMs ?? 0): \(String(describing: other))"
                        )
                        compared += found.count
                    }
                }
            }
            return compared
        }
        for _ in 0..<12 {
            let batch = samples.batch(using: &random)
            memory.add(batch)
            try list.appendBatch(batch)
        }
        #expect(try compare("open") > 100)
        try list.seal(0...3)
        try list.seal(4...8)
        #expect(try compare("sealed, some open") > 100)
        let sealed = list.events.filter { $0.type == "cairn.samples.recorded.v1" && $0.position <= 8 }
        for event in sealed { list.drop(event.attachments[0].digest, by: list.size - 1) }
        // A batch that was told twice has one content: dropping it takes both, where a window does not stand for both.
        let isWhole = list.events.filter { $0.type == "cairn.samples.recorded.v1" && $0.position > 8 }
            .allSatisfy { open in !sealed.contains { $0.attachments[0].digest == open.attachments[0].digest } }
        if isWhole { #expect(try compare("raw batches dropped") > 100) }
    }

    /// Rows per application of what was sealed are sums of the samples, with the raw batches or without.
    @Test(arguments: seeds) func rollupsOutliveTheirBatches(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed &+ 10)
        var list = EventList()
        var memory = MemorySampleSource()
        for part in 0..<6 {
            let series = try (0..<8).map { index in
                SeriesSamples(
                    key: try SeriesKey(
                        name: "m", labels: [Label("app", index % 2 == 0 ? "shop" : "mail"), Label("pod", "\(index)")]),
                    samples: (0..<40).map { step in
                        Sample(
                            timeMs: Int64(part * 40 + step) * 15_000,
                            value: Double(Int.random(in: -50...50, using: &random)))
                    })
            }
            memory.add(SampleBatch(series))
            try list.appendBatch(SampleBatch(series))
        }
        func check(_ comment: String) throws {
            let model = try ReadModel.inMemory()
            try model.catchUp(from: list)
            for app in ["shop", "mail"] {
                let rows = try model.query(
                    """
                    SELECT minute / 5, sum(samples), min(minimum), max(maximum), sum(total) FROM sample_rollups
                    WHERE name = 'm' AND app = :app GROUP BY 1 ORDER BY 1
                    """, ["app": .text(app)]
                ).rows
                var expected: [Int64: [Double]] = [:]
                let selector = try SeriesSelector(parsing: "m{app=\"\(app)\"}")
                for key in memory.series(matching: selector, in: .all) {
                    for sample in memory.samples(of: key, in: .all) {
                        expected[sample.timeMs / 300_000, default: []].append(sample.value)
                    }
                }
                #expect(rows.count == 12, "\(comment)")
                for row in rows {
                    let values = expected[row[0].integer ?? -1] ?? []
                    #expect(row[1].integer == Int64(values.count), "\(comment)")
                    #expect(row[2].double == values.min() && row[3].double == values.max(), "\(comment)")
                    #expect(row[4].double == values.reduce(0, +), "\(comment)")
                }
            }
        }
        try check("open")
        try list.seal(0...2)
        try list.seal(3...5)
        try check("sealed")
        for event in list.events where event.type == "cairn.samples.recorded.v1" {
            list.drop(event.attachments[0].digest, by: list.size - 1)
        }
        try check("without raw batches")
        let model = try ReadModel.inMemory()
        try model.catchUp(from: list)
        #expect(try rows(model, .all, stepMs: 300_000, "").map(\.count).reduce(0, +) == 6 * 8 * 40)
    }

    @Test(arguments: [
        ("'5x'", "step is neither"), ("'m'", "step is neither"), ("'-5m'", "step is neither"), ("0", "step is neither"),
        ("-60000000", "step is neither"), ("1", "step is neither"), ("1.5", "step is neither"),
        ("'99999999999999999d'", "step is neither"), ("'é'", "step is neither"),
    ]) func namesWrongSteps(_ step: String, _ text: String) throws {
        let model = try ReadModel.inMemory()
        try model.catchUp(from: EventList())
        let error = #expect(throws: ReadModelError.self) {
            try model.query("SELECT * FROM sample_stats(NULL, NULL, NULL, NULL, \(step))")
        }
        #expect(error?.message.contains("sample_stats()") == true, "\(error?.message ?? "")")
        #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
    }
}
