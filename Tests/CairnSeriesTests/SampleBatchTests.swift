import CairnBytes
import CairnSeries
import CairnTestSupport
import Testing

@Suite struct SampleBatchTests {
    /// Series of every kind the codec tells apart.
    static func varied(seed: UInt64) throws -> [SeriesSamples] {
        var random = SeededRandom(seed: seed)
        var series: [SeriesSamples] = []
        for index in 0..<24 {
            let key = try SeriesKey(
                name: "metric_\(index % 5)", labels: [Label("cluster", "c\(index % 2)"), Label("pod", "p\(index)")])
            var value = Double.random(in: -100...100, using: &random)
            var time = Int64.random(in: -1_000_000...2_000_000_000_000, using: &random)
            let samples = (0..<Int.random(in: 1...90, using: &random)).map { _ in
                time += index.isMultiple(of: 3) ? 15_000 : Int64.random(in: 1...40_000, using: &random)
                switch index % 7 {
                case 0: value = 1
                case 1: value += Double(Int.random(in: 0...50, using: &random))
                case 2: value = (Double.random(in: 0...9, using: &random) * 1000).rounded() / 1000
                case 3: value = Double.random(in: 0...1, using: &random)
                case 4: value = Double(bitPattern: random.next())
                case 5: value = [0, -0.0, .infinity, 5, 1e300, 2, 3, 4].randomElement(using: &random) ?? 0
                default: value = Double(Int.random(in: 0...9, using: &random) * 1_000_000)
                }
                return Sample(timeMs: time, value: value)
            }
            series.append(SeriesSamples(key: key, samples: samples))
        }
        series[3].samples.append(.staleMarker(timeMs: (series[3].samples.last?.timeMs ?? 0) + 1))
        return series
    }

    @Test(arguments: UInt64(1)...20)
    func everyBitComesBack(seed: UInt64) throws {
        let series = try Self.varied(seed: seed)
        let batch = SampleBatch(series)
        let bytes = try batch.encoded()
        let back = try SampleBatch(encoded: bytes)
        #expect(back == batch, "seed \(seed)")
        var random = SeededRandom(seed: seed)
        // Samples in any order and in any number of parts are the same batch with the same bytes.
        let scattered = series.flatMap { one in one.samples.map { SeriesSamples(key: one.key, samples: [$0]) } }
        #expect(try SampleBatch(scattered.shuffled(using: &random)).encoded() == bytes, "seed \(seed)")
    }

    @Test func extremesComeBack() throws {
        let key = try SeriesKey(name: "m", labels: [])
        for samples in [
            [Sample(timeMs: .min, value: 1), Sample(timeMs: -1, value: 2)],
            [Sample(timeMs: .max, value: .greatestFiniteMagnitude)],
            [
                Sample(timeMs: 5, value: 1), Sample(timeMs: 5, value: 2),
                Sample(timeMs: 6, value: 9_007_199_254_740_991),
            ],
            [Sample(timeMs: .min, value: 0.1), Sample(timeMs: .max, value: 0.1 + 0.2)],
        ] {
            let batch = SampleBatch([SeriesSamples(key: key, samples: samples)])
            #expect(try SampleBatch(encoded: batch.encoded()) == batch)
        }
        let sameMoment = SampleBatch([
            SeriesSamples(
                key: key,
                samples: [
                    Sample(timeMs: 5, value: 2), Sample(timeMs: 5, value: 1), Sample(timeMs: 5, value: 2),
                ])
        ])
        #expect(sameMoment.sampleCount == 2)
        #expect(try SampleBatch(encoded: sameMoment.encoded()) == sameMoment)
        #expect(try SampleBatch(encoded: SampleBatch().encoded()).isEmpty)
    }

    @Test func damagedBytesAreRefused() throws {
        let bytes = try SampleBatch(Self.varied(seed: 7)).encoded()
        for length in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 200)) {
            #expect(throws: SampleBatchError.self) { try SampleBatch(encoded: Array(bytes[..<length])) }
        }
        var random = SeededRandom(seed: 11)
        for _ in 0..<400 {
            var damaged = bytes
            let index = Int.random(in: 0..<damaged.count, using: &random)
            damaged[index] ^= UInt8.random(in: 1...255, using: &random)
            #expect(throws: SampleBatchError.self, "seed 11, byte \(index)") { try SampleBatch(encoded: damaged) }
        }
    }

    /// Bytes that pass the checksum but mean nothing: the reader must survive any of them.
    @Test func forgedBytesAreHarmless() throws {
        var random = SeededRandom(seed: 13)
        var readable = 0
        let bytes = try SampleBatch(Self.varied(seed: 5)).encoded()
        for round in 0..<3000 {
            var body = Array(bytes[9...])
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let index = Int.random(in: 0..<body.count, using: &random)
                if Bool.random(using: &random) {
                    body[index] = UInt8.random(in: 0...255, using: &random)
                } else {
                    body.remove(at: index)
                }
            }
            do {
                let batch = try SampleBatch(encoded: Self.sealed(body))
                readable += 1
                #expect(batch.sampleCount <= SampleBatch.samplesMax)
            } catch {
                #expect(!error.reason.isEmpty, "seed 13, round \(round)")
            }
        }
        #expect(readable > 0)
        #expect(readable < 3000)
    }

    /// Batches that name their series by lists of other attachments say the same as those that bring the names.
    @Test(arguments: UInt64(1)...6) func namesFromElsewhere(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let batch = SampleBatch(try Self.varied(seed: seed))
        // The names in lists in any order, among those of series that the batch does not have.
        var keys = batch.series.map(\.key)
        for index in 0..<20 { keys.append(try SeriesKey(name: "other", labels: [Label("i", "\(index)")])) }
        keys.shuffle(using: &random)
        let lists = (0..<3).map { part in keys.indices.filter { $0 % 3 == part }.map { keys[$0] }.sorted() }
        var stored: [NamesReference: [UInt8]] = [:]
        var names: [SampleBatch.Names] = []
        for list in lists {
            let bytes = SeriesNames.encode(list)
            let reference = NamesReference(digest: random.bytes(count: 32), byteCount: bytes.count)
            stored[reference] = bytes
            names.append(.reference(reference, count: list.count))
        }
        let order = lists.flatMap { $0 }
        let placed = batch.series.map { one in
            SampleBatch.Placed(place: order.firstIndex(of: one.key) ?? 0, samples: one.samples)
        }.sorted { $0.place < $1.place }
        let bytes = try SampleBatch.encode(names, placed)
        #expect(try Set(SampleBatch.references(in: bytes)) == Set(stored.keys))
        let back = try SampleBatch(encoded: bytes) { reference in
            try SeriesNames.decode(stored[reference] ?? [])
        }
        #expect(back == batch, "seed \(seed)")
        #expect(bytes.count < (try batch.encoded()).count)
        #expect(throws: SampleBatchError.self) { try SampleBatch(encoded: bytes) }
        #expect(throws: SampleBatchError.self) {
            try SampleBatch(encoded: bytes) { _ in [] }
        }
        for (reference, list) in stored {
            for place in stride(from: 0, to: list.count, by: 7) {
                var changed = list
                changed[place] ^= 0x20
                #expect(throws: SampleBatchError.self, "\(reference.byteCount), byte \(place)") {
                    try SeriesNames.decode(changed)
                }
            }
        }
    }

    @Test func regularSeriesAreSmall() throws {
        var random = SeededRandom(seed: 3)
        let series = try (0..<50).map { index in
            var value = 0.0
            return SeriesSamples(
                key: try SeriesKey(name: "cpu", labels: [Label("host", "h\(index)")]),
                samples: (0..<720).map {
                    value += Double(Int.random(in: -3...3, using: &random))
                    return Sample(timeMs: 1_700_000_000_000 + Int64($0) * 15_000, value: value)
                })
        }
        let batch = SampleBatch(series)
        let bytes = try batch.encoded()
        // Seven equally likely steps carry 2.8 bits; 16 bytes a sample are what memory holds.
        #expect(Double(bytes.count) / Double(batch.sampleCount) < 0.40)
    }

    @Test func splitKeepsEverySample() throws {
        let batch = SampleBatch(try Self.varied(seed: 2))
        let parts = batch.split(samplesMax: 100)
        #expect(parts.allSatisfy { $0.sampleCount <= 100 })
        #expect(SampleBatch(parts.flatMap(\.series)) == batch)
        #expect(batch.split() == [batch])
    }

    private static func sealed(_ body: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(Array("CRNS".utf8) + [2])
        writer.append(Checksum.masked(Checksum.crc32(body)))
        writer.append(body)
        return writer.bytes
    }
}

@Suite struct MemorySampleSourceTests {
    @Test func readsByClusterAndTime() throws {
        var source = MemorySampleSource()
        for cluster in ["b", "a"] {
            let key = try SeriesKey(name: "up", labels: [Label("cluster", cluster)])
            source.add([Sample(timeMs: 2000, value: 2), Sample(timeMs: 1000, value: 1)], to: key)
            source.add([Sample(timeMs: 3000, value: 3), Sample(timeMs: 1000, value: 1)], to: key)
        }
        #expect(source.sampleCount == 6)
        #expect(try source.clusters() == ["a", "b"])
        let selector = SeriesSelector.cluster("a").and(.metric("up"))
        let found = source.series(matching: selector, in: 2000..<3000)
        #expect(found.count == 1)
        #expect(source.samples(of: found[0], in: 2000..<3000).map(\.value) == [2])
        #expect(source.samples(of: found[0], in: .all).map(\.value) == [1, 2, 3])
        #expect(source.series(matching: selector, in: 3001..<9000).isEmpty)
        var seen: [String] = []
        try source.forEachSeries(matching: SeriesSelector(), in: .all) { seen.append("\($0) \($1.count)") }
        #expect(seen == [#"up{cluster="a"} 3"#, #"up{cluster="b"} 3"#])
    }
}
