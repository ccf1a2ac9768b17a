import CairnBytes
import CairnSeries
import CairnTestSupport
import Testing

/// Every bit of every sample that a window is made from comes back, whatever the samples are.
@Suite struct SampleWindowTests {
    @Test(arguments: UInt64(1)...20)
    func everyBitComesBack(seed: UInt64) throws {
        let batch = SampleBatch(try SampleBatchTests.varied(seed: seed))
        let window = try SampleWindow(reading: SampleWindow.encode(batch.series))
        #expect(try WindowSupport.series(of: window) == batch.series, "seed \(seed)")
        #expect(window.sampleCount == batch.sampleCount)
        #expect(window.timeRangeMs == batch.timeRangeMs)
        for (index, series) in batch.series.enumerated() {
            #expect(try window.samples(of: index) == series.samples, "seed \(seed), series \(index)")
            #expect(window.summary(of: index) == WindowSupport.summary(series.samples), "seed \(seed), series \(index)")
        }
    }

    @Test func theSequenceThatDestroysItsNeighboursElsewhere() throws {
        let values: [Double] = [1, 2, 16, 32, -1, -9, -10, 100, Double(UInt64.max), 1, 2, 3]
        let key = try SeriesKey(name: "outlier", labels: [])
        let samples = values.enumerated().map { Sample(timeMs: Int64($0.offset) * 15_000, value: $0.element) }
        let window = try SampleWindow(reading: SampleWindow.encode([SeriesSamples(key: key, samples: samples)]))
        #expect(try window.samples(of: 0).map(\.value) == values)
        let merged = try SampleWindow(reading: SampleWindow.encode(WindowSupport.series(of: window)))
        #expect(try merged.samples(of: 0) == samples)
    }

    @Test func extremesComeBack() throws {
        let key = try SeriesKey(name: "m", labels: [])
        let cases: [[Sample]] = [
            [Sample(timeMs: .min, value: 1), Sample(timeMs: -1, value: 2)],
            [Sample(timeMs: .min, value: 1), Sample(timeMs: .max, value: 2)],
            [Sample(timeMs: .min, value: 1), Sample(timeMs: 0, value: 7), Sample(timeMs: .max, value: 2)],
            [Sample(timeMs: .max, value: .greatestFiniteMagnitude)],
            [
                Sample(timeMs: 5, value: 1), Sample(timeMs: 5, value: 2),
                Sample(timeMs: 6, value: 9_007_199_254_740_991),
            ],
            [.staleMarker(timeMs: 1), .staleMarker(timeMs: 2)],
            [Sample(timeMs: 1, value: 5), .staleMarker(timeMs: 2)],
            [.staleMarker(timeMs: 1), Sample(timeMs: 2, value: 5), Sample(timeMs: 3, value: 5)],
            [Sample(timeMs: 1, value: -0.0), Sample(timeMs: 2, value: 0), Sample(timeMs: 3, value: -0.0)],
            [Sample(timeMs: 1, value: -0.0), Sample(timeMs: 2, value: -0.0)],
            [
                Sample(timeMs: 1, value: .infinity), Sample(timeMs: 2, value: -.infinity),
                Sample(timeMs: 3, value: .leastNonzeroMagnitude), Sample(timeMs: 4, value: 1e308),
                Sample(timeMs: 5, value: 1), Sample(timeMs: 6, value: Double(bitPattern: 0xFFF8_0000_DEAD_BEEF)),
            ],
            [Sample(timeMs: 1, value: 1e308), Sample(timeMs: 2, value: 1e308), Sample(timeMs: 3, value: -1e308)],
            (0..<100).map { Sample(timeMs: $0, value: 0.1 + Double($0) * 0.1) },
            (0..<100).map { Sample(timeMs: $0, value: Double(bitPattern: UInt64($0) << 56)) },
            (0..<9).map { Sample(timeMs: $0 * $0, value: $0 == 4 ? .nan : Double($0 * 10)) },
        ]
        for samples in cases {
            let bytes = try SampleWindow.encode([SeriesSamples(key: key, samples: samples)])
            let window = try SampleWindow(reading: bytes)
            #expect(try window.samples(of: 0) == samples)
            #expect(window.summary(of: 0) == WindowSupport.summary(samples))
        }
        let empty = try SampleWindow(reading: SampleWindow.encode([]))
        #expect(empty.seriesCount == 0)
        #expect(try empty.keys().isEmpty)
        #expect(empty.timeRangeMs == nil)
    }

    @Test func rangesAndSelections() throws {
        let batch = SampleBatch(try SampleBatchTests.varied(seed: 4))
        let window = try SampleWindow(reading: SampleWindow.encode(batch.series))
        var random = SeededRandom(seed: 4)
        for _ in 0..<60 {
            let index = Int.random(in: 0..<batch.series.count, using: &random)
            let samples = batch.series[index].samples
            let low = samples.randomElement(using: &random)?.timeMs ?? 0
            let high = samples.randomElement(using: &random)?.timeMs ?? 0
            let range = min(low, high)..<max(low, high)
            #expect(try window.samples(of: index, in: range) == samples.filter { range.contains($0.timeMs) }, "seed 4")
        }
        var seen: [Int] = []
        try window.forEachSeries([7, 3, 3, 900]) { index, _, _ in seen.append(index) }
        #expect(seen.sorted() == [3, 7])
    }

    /// Doubles of every kind that has ever been a problem, mixed in one series.
    @Test(arguments: UInt64(1)...4)
    func fuzzedDoublesComeBack(seed: UInt64) throws {
        // 10^7 with CAIRN_FUZZ_SAMPLES=10000000.
        let total = WindowSupport.fuzzSamples / 4
        var random = SeededRandom(seed: seed)
        var left = total
        var number = 0
        while left > 0 {
            var batch: [SeriesSamples] = []
            for index in 0..<40 where left > 0 {
                let count = min(left, Int.random(in: 1...4000, using: &random))
                left -= count
                batch.append(
                    SeriesSamples(
                        key: try SeriesKey(name: "fuzz", labels: [Label("i", "\(100 + index)")]),
                        samples: WindowSupport.fuzzed(count, using: &random)))
            }
            let window = try SampleWindow(reading: SampleWindow.encode(batch))
            #expect(try WindowSupport.series(of: window) == batch, "seed \(seed), window \(number)")
            number += 1
        }
    }

    @Test func whatIsNoWindowIsRefused() throws {
        var encoder = SampleWindowEncoder()
        let key = try SeriesKey(name: "b", labels: [])
        let earlier = try SeriesKey(name: "a", labels: [])
        func add(_ key: SeriesKey, _ times: [Int64], _ values: [Double]) throws {
            try encoder.add(key, times: times.span, values: values.span)
        }
        #expect(throws: SampleWindowError.self) { try add(key, [1, 2], [1]) }
        #expect(throws: SampleWindowError.self) { try add(key, [], []) }
        #expect(throws: SampleWindowError.self) { try add(key, [2, 1], [1, 2]) }
        try add(key, [1, 2], [1, 2])
        #expect(throws: SampleWindowError.self) { try add(key, [1], [1]) }
        #expect(throws: SampleWindowError.self) { try add(earlier, [1], [1]) }
        let window = try SampleWindow(reading: try encoder.finish())
        #expect(window.sampleCount == 2)
    }
}
