import CairnSeries
import Testing

@Suite struct SeriesKeyTests {
    @Test func labelsHaveOneOrder() throws {
        let one = try SeriesKey(name: "up", labels: [Label("job", "a"), Label("cluster", "x"), Label("zone", "")])
        let other = try SeriesKey(labels: [Label("cluster", "x"), Label("job", "a"), Label("__name__", "up")])
        #expect(one == other)
        #expect(one.hashValue == other.hashValue)
        #expect(one.description == #"up{cluster="x",job="a"}"#)
        #expect(one["job"] == "a")
        #expect(one["zone"] == nil)
        #expect(one["__name__"] == "up")
    }

    @Test func limitsAreNamed() throws {
        #expect(throws: SeriesKeyError.self) { try SeriesKey(name: "a", labels: [Label("x", "1"), Label("x", "2")]) }
        #expect(throws: SeriesKeyError.self) { try SeriesKey(name: "a", labels: [Label("__name__", "b")]) }
        #expect(throws: SeriesKeyError.self) { try SeriesKey(name: "a", labels: [Label("", "b")]) }
        let many = (0...SeriesKey.labelsMax).map { Label("l\($0)", "v") }
        #expect(throws: SeriesKeyError.self) { try SeriesKey(name: "a", labels: many) }
        #expect(throws: Never.self) { try SeriesKey(name: "a", labels: Array(many.dropLast())) }
        let long = String(repeating: "x", count: SeriesKey.valueBytesMax + 1)
        #expect(throws: SeriesKeyError.self) { try SeriesKey(name: "a", labels: [Label("l", long)]) }
    }

    @Test func unicodeSpellingsStayApart() throws {
        let composed = try SeriesKey(name: "m", labels: [Label("city", "Z\u{FC}rich")])
        let decomposed = try SeriesKey(name: "m", labels: [Label("city", "Zu\u{308}rich")])
        #expect(composed != decomposed)
        #expect((composed < decomposed) != (decomposed < composed))
    }
}

@Suite struct CounterMathTests {
    @Test func restartsCountFromZero() {
        let samples = [10, 15, 2, 2, 7].enumerated().map { Sample(timeMs: Int64($0.offset) * 1000, value: $0.element) }
        #expect(CounterMath.increase(samples) == 12)
        #expect(CounterMath.increase(Array(samples.prefix(1))) == nil)
    }

    @Test func staleMarkersAreNoValues() {
        var samples = [Sample(timeMs: 0, value: 5), Sample(timeMs: 2000, value: 8)]
        samples.insert(.staleMarker(timeMs: 1000), at: 1)
        #expect(samples[1].isStale)
        #expect(CounterMath.increase(samples) == 3)
    }

    @Test func stepsHoldWholeNumbers() {
        let samples = (0..<9).map { Sample(timeMs: Int64($0) * 20_000, value: Double($0 * $0)) }
        let steps = CounterMath.increases(samples, stepMs: 60_000)
        #expect(steps.map(\.startMs) == [0, 60_000, 120_000])
        #expect(steps.map(\.increase) == [4, 21, 39])
        let late = [
            Sample(timeMs: 0, value: 1), Sample(timeMs: 600_000, value: 100), Sample(timeMs: 660_000, value: 103),
        ]
        #expect(CounterMath.increases(late, stepMs: 60_000, gapMs: 300_000).map(\.increase) == [3])
        #expect(CounterMath.floorToStep(-1, 60_000) == -60_000)
    }

    @Test func quantileOfBuckets() {
        let buckets = HistogramBuckets([(1, 50), (0.5, 20), (2, 100), (.infinity, 100)])
        #expect(buckets.quantile(0.5) == 1)
        #expect(buckets.quantile(0.75) == 1.5)
        #expect(buckets.quantile(1) == 2)
        #expect(buckets.quantile(0.1) == 0.25)
        #expect(HistogramBuckets([(1, 5), (2, 9)]).quantile(0.5) == nil)
        #expect(HistogramBuckets([(1, 0), (.infinity, 0)]).quantile(0.5) == nil)
        #expect(HistogramBuckets([(1, 5), (.infinity, 10)]).quantile(0.99) == 1)
        // A scrape that caught two processes at different moments is not monotone.
        #expect(HistogramBuckets([(1, 5), (2, 4), (.infinity, 10)]).buckets.map(\.count) == [5, 5, 10])
    }
}
