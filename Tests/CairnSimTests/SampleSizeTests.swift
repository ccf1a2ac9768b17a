import CairnSeries
import CairnSim
import CairnTestSupport
import Foundation
import Testing

/// What samples cost once they are sealed. Bytes follow from the seed alone, so they are compared exactly: who makes
/// them more has to say so here, who makes them fewer writes the better figure down.
@Suite struct SampleSizeTests {
    private static func bytesPerSample(
        _ generate: ((MetricSeries) throws -> Void) throws -> Void
    ) throws -> Double {
        var series: [MetricSeries] = []
        try generate { series.append($0) }
        series.sort { $0.key < $1.key }
        var encoder = SampleWindowEncoder()
        for one in series { try encoder.add(one.key, times: one.timesMs.span, values: one.values.span) }
        let bytes = try encoder.finish()
        let window = try SampleWindow(reading: bytes)
        return Double(bytes.count - window.keyByteCount) / Double(window.sampleCount)
    }

    @Test func hostsStaySmall() throws {
        let size = try Self.bytesPerSample(HostMetrics(seed: 1, hosts: 20).forEachSeries)
        #expect(size <= 0.30)
    }

    @Test func nodesStaySmall() throws {
        let size = try Self.bytesPerSample(NodeMetrics(seed: 1, scrapes: 300).forEachSeries)
        #expect(size <= 0.60)
    }

    /// The figures of the README, on request: `CAIRN_BENCH=1`, in a release build.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["CAIRN_BENCH"] == "1"))
    func figures() throws {
        let bench = SampleWindowBench { Double(clock()) / Double(CLOCKS_PER_SEC) }
        for figures in [
            try bench.run("TSBS-shaped", HostMetrics(seed: 1).forEachSeries),
            try bench.run("node-shaped", NodeMetrics(seed: 1).forEachSeries),
        ] {
            print(figures)
        }
    }
}
