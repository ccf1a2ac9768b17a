import CairnBytes
import CairnLedger
import CairnModel
import CairnSeries
import CairnTestSupport

/// Batches and windows of samples in a log in memory.
extension EventList {
    @discardableResult
    mutating func appendBatch(_ batch: SampleBatch, cluster: String = "c1") throws -> UInt64 {
        let range = batch.timeRangeMs ?? 0...0
        return append(
            "cairn.samples.recorded.v1", "samples/\(cluster)", at: Double(size),
            [
                "cluster": .string(cluster), "series": .integer(batch.series.count),
                "samples": .integer(batch.sampleCount),
                "first": .string(Timestamp(milliseconds: range.lowerBound)?.description ?? "never"),
                "last": .string(Timestamp(milliseconds: range.upperBound)?.description ?? "never"),
            ],
            attachments: [
                ProposedAttachment(
                    role: "samples", mediaType: SampleBatch.mediaType, content: try batch.encoded(),
                    retention: .droppable)
            ])
    }

    /// Appends a window that stands for all batches in a range of positions, made of what they say.
    @discardableResult
    mutating func seal(_ range: ClosedRange<UInt64>) throws -> UInt64 {
        var merger = SampleMerger()
        for event in events where event.type == "cairn.samples.recorded.v1" && range.contains(event.position) {
            guard case .present(let bytes) = try content(of: event.attachments[0]) else { continue }
            merger.add(try SampleBatch(encoded: bytes).series, isMerged: false)
        }
        let bytes = try SampleWindow.encode(merger.series)
        return append(
            "cairn.samples.sealed.v1", "ledger/samples", at: Double(size),
            [
                "series": .integer(merger.series.count), "samples": .integer(merger.sampleCount),
                "first": "2026-01-01T00:00:00Z", "last": "2026-01-01T00:00:00Z", "bytes": .integer(bytes.count),
                "covers": [[.integer(range.lowerBound), .integer(range.upperBound)]],
            ],
            attachments: [
                ProposedAttachment(
                    role: "sample-window", mediaType: SampleWindow.mediaType, content: bytes, retention: .droppable,
                    isStoredAsIs: true)
            ])
    }
}

/// Random samples: several metrics, shared labels, special values, times in and out of order, some told twice.
struct RandomSamples {
    private(set) var told: [SampleBatch] = []
    private static let special: [UInt64] = [
        Sample.staleMarkerBits, 0x7FF8_0000_0000_0001, 0x8000_0000_0000_0000, 0, 0x7FF0_0000_0000_0000,
        0xFFF0_0000_0000_0000, 1, 0x7FEF_FFFF_FFFF_FFFF,
    ]

    static func key(using random: inout SeededRandom) -> SeriesKey {
        let names = ["http_requests_total", "http_p99_seconds", "up", ""]
        var labels = [Label("cluster", Bool.random(using: &random) ? "old" : "new")]
        for (name, values) in [
            ("app", ["shop", "mail", "a\"b\\c\nd", "été"]), ("pod", (0..<9).map { "pod-\($0)" }),
            ("code", ["200", "503"]),
        ] where Int.random(in: 0..<4, using: &random) > 0 {
            labels.append(Label(name, values.randomElement(using: &random)!))
        }
        guard let key = try? SeriesKey(name: names.randomElement(using: &random)!, labels: labels) else {
            preconditionFailure("these labels make a key")
        }
        return key
    }

    mutating func batch(using random: inout SeededRandom) -> SampleBatch {
        // Now and then the whole batch once more, or the newest again with other values for the same moments.
        if let before = told.randomElement(using: &random), Int.random(in: 0..<6, using: &random) == 0 { return before }
        var parts: [SeriesSamples] = []
        let start = Int64.random(in: -3...20, using: &random) * 60_000
        for _ in 0..<Int.random(in: 1...12, using: &random) {
            let count = Int.random(in: 1...25, using: &random)
            let isCounter = Bool.random(using: &random)
            var total = Double(Int.random(in: 0..<1000, using: &random))
            let samples = (0..<count).map { index in
                total += Double(Int.random(in: 0..<9, using: &random))
                let choice = Int.random(in: 0..<30, using: &random)
                let value =
                    choice < RandomSamples.special.count
                    ? Double(bitPattern: RandomSamples.special[choice]) : isCounter ? total : total / 7
                return Sample(timeMs: start + Int64(index) * 15_000, value: value)
            }
            parts.append(SeriesSamples(key: RandomSamples.key(using: &random), samples: samples))
        }
        let batch = SampleBatch(parts)
        told.append(batch)
        return batch
    }

    /// Selectors of every kind.
    static let selectors: [String] = [
        "{cluster=~\".+\"}", "http_requests_total", "{cluster=\"old\"}", "{cluster=\"old\",app=\"shop\"}",
        "{app=\"\"}", "{app!=\"\"}", "{app!=\"shop\"}", "{pod=~\"pod-[1-3]\"}", "{pod=~\"pod-.*\",code!~\"5..\"}",
        "{pod!~\"pod-1|pod-2\"}", "{pod=~\"pod-1|pod-2|\"}", "{pod=~\"|pod-7\"}", "{app=~\"s?hop\"}",
        "{app=~\"a.*\\nd\"}", "{__name__=~\"http_.*\",app=\"mail\"}", "{app=~\"été\"}", "nothing_at_all",
        "{pod=~\"p*od-1\"}", "{pod!~\".*\"}", "{pod=~\".*\"}", "up{code=\"200\",pod=~\"pod-.\"}",
    ]

    static let ranges: [TimeRangeMs] = [.all, 0..<300_000, 61_000..<61_001, -60_000..<0, 600_000..<Int64.max, 5..<5]
}

/// Whether a source answers as another does, for every kind of selector and range.
func expectSameAnswers(
    _ source: some SampleSource, _ oracle: MemorySampleSource, _ comment: String
) throws -> Int {
    var compared = 0
    for text in RandomSamples.selectors {
        let selector = try SeriesSelector(parsing: text)
        for range in RandomSamples.ranges where !range.isEmpty {
            let keys = oracle.series(matching: selector, in: range)
            let found = try source.series(matching: selector, in: range)
            guard found == keys else { throw Difference("\(comment): \(text) \(range): \(found) is not \(keys)") }
            var visited: [SeriesKey] = []
            try source.forEachSeries(matching: selector, in: range) { key, samples in
                visited.append(key)
                let expected = oracle.samples(of: key, in: range)
                guard samples == expected else {
                    throw Difference("\(comment): \(key) \(range): \(samples) is not \(expected)")
                }
                compared += samples.count
            }
            guard visited == keys else { throw Difference("\(comment): \(text) \(range): visited \(visited)") }
            for key in keys.prefix(3) {
                let samples = try source.samples(of: key, in: range)
                guard samples == oracle.samples(of: key, in: range) else {
                    throw Difference("\(comment): \(key) alone: \(samples)")
                }
            }
        }
    }
    return compared
}

struct Difference: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}
