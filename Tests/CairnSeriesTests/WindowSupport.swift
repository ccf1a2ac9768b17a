import CairnSeries
import CairnTestSupport
import Foundation

enum WindowSupport {
    /// How many fuzzed values the suite tries: more on request.
    static let fuzzSamples =
        ProcessInfo.processInfo.environment["CAIRN_FUZZ_SAMPLES"].flatMap { Int($0) } ?? 120_000

    static func series(of window: SampleWindow) throws -> [SeriesSamples] {
        let keys = try window.keys()
        var found: [Int: [Sample]] = [:]
        try window.forEachSeries { index, times, values in
            found[index] = (0..<times.count).map { Sample(timeMs: times[$0], value: values[$0]) }
        }
        return keys.enumerated().map { SeriesSamples(key: $0.element, samples: found[$0.offset] ?? []) }
    }

    /// The summary written plainly, as its definition says.
    static func summary(_ samples: [Sample]) -> SeriesSummary {
        let numbers = samples.map(\.value).filter { !$0.isNaN }
        var resets = 0
        for index in numbers.indices.dropFirst() where numbers[index] < numbers[index - 1] { resets += 1 }
        var gap: UInt64 = 0
        for index in samples.indices.dropFirst() {
            gap = max(gap, UInt64(bitPattern: samples[index].timeMs &- samples[index - 1].timeMs))
        }
        return SeriesSummary(
            count: samples.count, first: samples[0], last: samples[samples.count - 1],
            minimum: numbers.reduce(.nan) { $0 <= $1 ? $0 : $1 }, maximum: numbers.reduce(.nan) { $0 >= $1 ? $0 : $1 },
            sum: ExactSum(numbers).value, resets: resets, notNumbers: samples.count - numbers.count,
            staleMarkers: samples.count { $0.isStale }, gapMaxMs: gap)
    }

    private static let special: [Double] = [
        0, -0.0, .infinity, -.infinity, .nan, Double(bitPattern: Sample.staleMarkerBits),
        Double(bitPattern: 0x7FF8_0000_0000_0001), Double(bitPattern: 0x7FF0_0000_0000_0001),
        Double(bitPattern: 0xFFFF_FFFF_FFFF_FFFF), .leastNonzeroMagnitude, -.leastNormalMagnitude,
        .greatestFiniteMagnitude, 1, -1, 1e308, 1e-308, 0.1, 0.30000000000000004, 9_007_199_254_740_992,
        9_007_199_254_740_991, 18_446_744_073_709_551_616, 2_251_799_813_685_248, -2_251_799_813_685_247,
        9_223_372_036_854_775_808, -9_223_372_036_854_775_808, 1e18, 1e-18, 123_456.789,
    ]

    /// Samples whose values change their kind now and then, at times of every kind.
    static func fuzzed(_ count: Int, using random: inout SeededRandom) -> [Sample] {
        var samples: [Sample] = []
        var time = Int64.random(in: -4_000_000_000_000...4_000_000_000_000, using: &random)
        let timeKind = Int.random(in: 0...3, using: &random)
        var kind = Int.random(in: 0...9, using: &random)
        var value = 0.0
        for _ in 0..<count {
            if Int.random(in: 0..<300, using: &random) == 0 { kind = Int.random(in: 0...9, using: &random) }
            switch kind {
            case 0: value = Double(bitPattern: random.next())
            case 1: value = special.randomElement(using: &random) ?? 0
            case 2: value = Double(Int.random(in: -1000...1000, using: &random)) / 100
            case 3: value += Double(Int.random(in: 0...5, using: &random))
            case 4: value = Double(Int64(bitPattern: random.next()) >> Int64.random(in: 0...63, using: &random))
            case 5: value = Double.random(in: 0...1, using: &random)
            case 6: value = Double(Float.random(in: 0...100, using: &random))
            case 7: break
            case 8: value = Double(Int.random(in: 0...3, using: &random)) * 4096
            default: value = Double(Int64.random(in: 0...1 << 50, using: &random)) / 1e9
            }
            samples.append(Sample(timeMs: time, value: value))
            switch timeKind {
            case 0: time += 15_000
            case 1: time += 15_000 + Int64.random(in: -20...20, using: &random)
            case 2: time += Int64.random(in: 0...40, using: &random) == 0 ? 60_000 : 10_000
            default: time += Int64.random(in: 1...90_000, using: &random)
            }
        }
        return samples
    }
}
