package import CairnAnalyzer
internal import CairnSeries

/// A case that users of Kayenta reported as judged wrongly: a point a minute on each side.
package struct ReportedCase: Sendable {
    package var name: String
    package var control: [Double]
    package var experiment: [Double]
    package var wanted: String
    /// The points are errors of so many requests a minute; nil for a level.
    package var requestsPerMinute: Double?

    package static let all: [ReportedCase] = [
        ReportedCase(
            name: "spinnaker 6278, a level that is 70 times as high", control: [Double](repeating: 1, count: 10),
            experiment: [Double](repeating: 100, count: 7) + [1, 1, 1], wanted: "High"),
        ReportedCase(
            name: "kayenta 426, errors where there were none", control: [Double](repeating: 0, count: 6),
            experiment: [0, 1, 2, 1, 0, 0], wanted: "High", requestsPerMinute: 100),
        ReportedCase(
            name: "kayenta 799, errors with gaps", control: [Double](repeating: 0, count: 5),
            experiment: [1, 0, 0, 2, 1], wanted: "High", requestsPerMinute: 100),
        ReportedCase(
            name: "kayenta 780, what was wild is calm",
            control: [1, 100, 4, 101, 5, 102, 6, 103, 7, 104, 8, 105, 9, 106, 17],
            experiment: (0...6).map { 10 + Double($0) / 10 } + (0...7).map { 17 + Double($0) / 10 },
            wanted: "the change of variability"),
        ReportedCase(
            name: "kayenta 744, a ratio of 1.125 beside an allowed 1.1", control: [Double](repeating: 8, count: 10),
            experiment: [Double](repeating: 9, count: 10), wanted: "a clear reason"),
    ]

    private static let startMs: Int64 = 1_767_225_600_000

    /// Cairn's comparison of the two, said again `times` times.
    package func judged(times: Int = 1) throws -> DivergenceComparison {
        var source = MemorySampleSource()
        func add(_ name: String, _ cluster: String, _ labels: [Label], _ values: [Double]) throws {
            let key = try SeriesKey(name: name, labels: labels + [Label("app", "shop"), Label("cluster", cluster)])
            source.add(
                values.enumerated().map { Sample(timeMs: Self.startMs + Int64($0.offset) * 60_000, value: $0.element) },
                to: key)
        }
        for (cluster, points) in [("old", control), ("new", experiment)] {
            let values = (0..<times).flatMap { _ in points }
            guard let requestsPerMinute else {
                try add("consumer_lag_seconds", cluster, [], values)
                continue
            }
            let errors = values.reduce(into: [0.0]) { $0.append(($0.last ?? 0) + $1) }
            let fine = errors.enumerated().map { Double($0.offset) * requestsPerMinute - $0.element }
            try add("http_requests_total", cluster, [Label("code", "503")], errors)
            try add("http_requests_total", cluster, [Label("code", "200")], fine)
        }
        let request = DivergenceRequest(source: "old", target: "new", sinceMs: Self.startMs)
        guard let found = try DivergenceAnalyzer.analyze(source, request).comparisons.first else {
            throw ReportedCaseError.notCompared
        }
        return found
    }
}

package enum ReportedCaseError: Error, Sendable { case notCompared }
