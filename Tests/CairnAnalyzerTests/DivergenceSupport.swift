import CairnAnalyzer
import CairnBytes
import CairnSeries
import CairnTestSupport
import Foundation

/// Exposition text with timestamps, as far as these tests write it: `name{labels} value milliseconds`.
enum DivergenceText {
    static func batch(_ text: String) throws -> SampleBatch {
        var samples: [Substring: [Sample]] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            guard let end = line.lastIndex(of: "}") ?? line.firstIndex(of: " ") else { continue }
            let key = line[end] == "}" ? line[...end] : line[..<end]
            let rest = line[line.index(after: end)...].split(separator: " ")
            guard rest.count == 2, let value = Double(rest[0]), let time = Int64(rest[1]) else { continue }
            samples[key, default: []].append(Sample(timeMs: time, value: value))
        }
        return SampleBatch(try samples.map { SeriesSamples(key: try key(String($0.key)), samples: $0.value) })
    }

    private static func key(_ text: String) throws -> SeriesKey {
        let matchers = try SeriesSelector(parsing: text).matchers
        return try SeriesKey(labels: matchers.map { Label($0.label, $0.value) })
    }

    static func gunzipped(_ path: String) throws -> String {
        let bytes = Array(try Data(contentsOf: URL(filePath: path)))
        return String(decoding: try Inflate.decompress(bytes, container: .gzip, limit: 1 << 28), as: UTF8.self)
    }
}

/// Two clusters, minute by minute, for the tests of the comparison.
struct TwinClusters {
    var random: SeededRandom
    var source = MemorySampleSource()
    static let start: Int64 = 1_773_129_600_000

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    static func minute(_ minute: Int) -> Int64 { start + Int64(minute) * 60_000 }

    mutating func add(_ name: String, _ cluster: String, _ labels: [String: String], _ values: [Double], step: Int = 1)
        throws
    {
        let all = labels.map { Label($0.key, $0.value) } + [Label("cluster", cluster)]
        source.add(
            values.enumerated().map { Sample(timeMs: Self.minute($0.offset * step) + 7250, value: $0.element) },
            to: try SeriesKey(name: name, labels: all))
    }

    /// Counters by status code; `shares` of a minute and cluster, `draws` likewise.
    mutating func requests(
        app: String, codes: [String], minutes: Int, correlation: Double = 0, draws: (String, Int) -> Int,
        shares: (String, Int) -> [Double]
    ) throws {
        for cluster in ["old", "new"] {
            var totals = codes.map { _ in Double(Int.random(in: 0...100_000, using: &random)) }
            var columns = codes.map { _ in [Double]() }
            for minute in 0..<minutes {
                let counts = random.counts(draws(cluster, minute), shares(cluster, minute), correlation: correlation)
                for index in codes.indices {
                    totals[index] += counts[index]
                    columns[index].append(totals[index])
                }
            }
            for (code, column) in zip(codes, columns) {
                try add("http_requests_total", cluster, ["app": app, "code": code, "pod": "\(cluster)-1"], column)
            }
        }
    }

    /// A gauge around `level`, with noise that remembers.
    mutating func gauge(
        _ name: String, app: String, labels: [String: String] = [:], minutes: Int, level: Double, sigma: Double,
        memory: Double = 0, factor: (String, Int) -> Double = { _, _ in 1 }
    ) throws {
        for cluster in ["old", "new"] {
            var state = random.normal()
            let values = (0..<minutes).map { minute in
                state = memory * state + (1 - memory * memory).squareRoot() * random.normal()
                return level * factor(cluster, minute) * StatisticsShim.exp(sigma * state)
            }
            try add(name, cluster, labels.merging(["app": app]) { $1 }, values)
        }
    }

    func report(since: Int?, until: Int? = nil, policy: DivergencePolicy = .standard) throws -> DivergenceReport {
        var request = DivergenceRequest(
            source: "old", target: "new", sinceMs: since.map(Self.minute), untilMs: until.map(Self.minute))
        request.policy = policy
        return try DivergenceAnalyzer.analyze(source, request)
    }
}
