import CairnBytes
import CairnSeries
import CairnTestSupport
import Testing

@Suite struct LogBucketSketchTests {
    private func sketch(_ accuracy: Double = 0.01) throws -> LogBucketSketch {
        LogBucketSketch(try BucketMapping(.relativeAccuracy(accuracy)))
    }

    /// Keys and values of the published implementations in Python and Java at 1 %.
    @Test func keysOfTheReference() throws {
        let mapping = try BucketMapping(.relativeAccuracy(0.01))
        for (value, key, representative) in [
            (100, 231, 100.494568), (1234.5, 356, 1224.376497), (1, 0, 0.99), (0.001, -345, 0.0009974781),
        ] {
            #expect(mapping.key(value) == key, "\(value)")
            #expect((mapping.representative(key) / representative - 1).magnitude < 1e-4, "\(value)")
        }
    }

    /// A native histogram's bucket k of schema s ends at 2^(k / 2^s), its bound included.
    @Test func bucketsOfNativeHistograms() throws {
        for schema in BucketMapping.schemaRange {
            let mapping = try BucketMapping(.exponential(schema: schema))
            #expect(mapping.key(1) == 0)
            for key in [-70, -3, -1, 0, 1, 2, 5, 64, 100] {
                let bound = mapping.bound(key)
                guard bound > 0, bound.isFinite else { continue }
                #expect(mapping.key(bound) == key, "schema \(schema), bucket \(key)")
                #expect(mapping.key(bound.nextUp) == key + 1, "schema \(schema), above bucket \(key)")
            }
        }
        #expect(try BucketMapping(.exponential(schema: 3)).key(2) == 8)
        #expect((try BucketMapping(.exponential(schema: 5)).accuracy - 0.01083).magnitude < 1e-5)
        #expect(throws: SketchError.schemaOutOfRange(9)) { try BucketMapping(.exponential(schema: 9)) }
        #expect(throws: SketchError.accuracyOutOfRange(.infinity)) { try BucketMapping(.relativeAccuracy(.infinity)) }
    }

    @Test func everyFiniteValueHasABucket() throws {
        for kind in [BucketMapping.Kind.relativeAccuracy(0.0001), .relativeAccuracy(0.5), .exponential(schema: 8)] {
            let mapping = try BucketMapping(kind)
            for value in [Double.leastNonzeroMagnitude, .leastNormalMagnitude, 1e-12, 1, 3, .greatestFiniteMagnitude] {
                let key = mapping.key(value)
                #expect(mapping.bound(key) >= value, "\(kind) \(value)")
                #expect(mapping.bound(key - 1) < value, "\(kind) \(value)")
            }
        }
    }

    /// Every quantile is within the promised share of the value a sorted list has there.
    @Test(arguments: [1, 2, 3]) func quantilesWithinTheirAccuracy(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for accuracy in [0.001, 0.01, 0.05] {
            var sketch = try sketch(accuracy)
            var values: [Double] = []
            for _ in 0..<3000 {
                let magnitude = Double.random(in: 0.001...1, using: &random)
                let value = Bool.random(using: &random) ? magnitude * 1000 : -magnitude
                values.append(Int.random(in: 0..<20, using: &random) == 0 ? 0 : value)
            }
            for value in values { sketch.add(value) }
            values.sort()
            for rank in [0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.995, 1] {
                let expected = values[Int(rank * Double(values.count - 1))]
                let found = try #require(sketch.quantile(rank))
                #expect(
                    (found - expected).magnitude <= accuracy * expected.magnitude * (1 + 1e-9),
                    "seed \(seed), accuracy \(accuracy), rank \(rank): \(found) for \(expected)")
            }
        }
    }

    /// In any grouping and order, bit for bit: also where buckets had to be joined.
    @Test(arguments: [1, 2, 3, 4]) func mergingIsExact(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let isWide = seed > 2
        var whole = try sketch()
        var parts = Array(repeating: try sketch(), count: 200)
        for _ in 0..<5000 {
            let exponent =
                isWide ? Double.random(in: -300...300, using: &random) : Double.random(in: -3...3, using: &random)
            let value = power(10, exponent) * (Bool.random(using: &random) ? 1 : -1)
            whole.add(value)
            parts[Int.random(in: 0..<parts.count, using: &random)].add(value)
        }
        parts.shuffle(using: &random)
        while parts.count > 1 {
            let last = parts.removeLast()
            let place = Int.random(in: 0..<parts.count, using: &random)
            try parts[place].merge(last)
        }
        #expect(parts[0] == whole, "seed \(seed)")
        #expect(parts[0].bytes == whole.bytes)
        #expect(whole.positive.ascending.count <= LogBucketSketch.bucketsMax)
        #expect(try LogBucketSketch(whole.bytes) == whole)
    }

    /// The finer of two native histograms is scaled down, and none of its counts is lost.
    @Test func nativeHistogramsOfTwoSchemasMerge() throws {
        var fine = LogBucketSketch(try BucketMapping(.exponential(schema: 5)))
        var coarse = LogBucketSketch(try BucketMapping(.exponential(schema: 2)))
        var expected = coarse
        var random = SeededRandom(seed: 9)
        for _ in 0..<2000 {
            let value = Double.random(in: 0.0001...900, using: &random)
            if Bool.random(using: &random) { fine.add(value) } else { coarse.add(value) }
            expected.add(value)
        }
        try fine.merge(coarse)
        #expect(fine == expected)
        let other = try sketch()
        #expect(throws: SketchError.differentMappings) { try fine.merge(other) }
    }

    @Test func whatIsNoNumberIsCountedApart() throws {
        var sketch = try sketch()
        #expect(sketch.quantile(0.5) == nil)
        for value in [Double.nan, .infinity, -.infinity] { sketch.add(value) }
        #expect(sketch.ignored == 3)
        #expect(sketch.quantile(0.5) == nil)
        sketch.add(-0.0)
        sketch.add(7, count: 3)
        #expect(sketch.quantile(0) == 0)
        #expect(sketch.quantile(1) == 7)
        #expect(sketch.quantile(1.1) == nil)
        #expect(sketch.count(above: 0) == 3)
        #expect(sketch.count(above: 8) == 0)
        sketch.add(1, count: .max)
        sketch.add(1, count: .max)
        #expect(((sketch.quantile(0.5) ?? 0) - 1).magnitude <= 0.0101, "counts stop at the largest number")
    }

    @Test func hostileBytes() throws {
        var sketch = try sketch()
        for value in 1...300 { sketch.add(Double(value) * 1.7) }
        let bytes = sketch.bytes
        var random = SeededRandom(seed: 77)
        for _ in 0..<20_000 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                changed[Int.random(in: 0..<changed.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) { changed.removeLast(Int.random(in: 0..<changed.count, using: &random)) }
            guard let read = try? LogBucketSketch(changed) else { continue }
            _ = read.quantile(0.99)
            _ = read.mapping.key(12)
            #expect(try LogBucketSketch(read.bytes) == read)
        }
    }

    private func power(_ base: Double, _ exponent: Double) -> Double {
        var result = 1.0
        let whole = Int(exponent)
        for _ in 0..<whole.magnitude { result *= whole < 0 ? 1 / base : base }
        return result * (1 + (exponent - Double(whole)).magnitude)
    }
}
