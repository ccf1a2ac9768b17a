import CairnSeries
import CairnSim
import CairnTestSupport
import Foundation
import Testing

/// What samples cost in the log, before and after they are sealed. Bytes follow from the seed alone, so a hundredth part
/// more or less fails here: who makes them more has to say so, who makes them fewer writes the better figure down.
@Suite struct SampleSizeTests {
    enum Shape: String, CaseIterable, Sendable {
        case hosts, node, services

        func series() throws -> [MetricSeries] {
            var series: [MetricSeries] = []
            switch self {
            case .hosts: try HostMetrics(seed: 1, hosts: 20).forEachSeries { series.append($0) }
            case .node: try NodeMetrics(seed: 1).forEachSeries { series.append($0) }
            case .services: try ServiceMetrics(seed: 1, services: 20).forEachSeries { series.append($0) }
            }
            return series.sorted { $0.key < $1.key }
        }
    }

    private static func expect(_ found: Double, isAbout figure: Double, _ comment: String) {
        print("\(comment): \((found * 10_000).rounded() / 10_000) B/sample")
        #expect(abs(found / figure - 1) <= 0.01, "\(comment): \(found) B/sample is not about \(figure)")
    }

    /// With the directory, without the keys, as the figures of other stores are without their index.
    @Test(arguments: [(Shape.hosts, 0.2773), (.node, 0.4151), (.services, 1.2211)])
    func sealed(shape: Shape, bytesPerSample: Double) throws {
        var encoder = SampleWindowEncoder()
        for one in try shape.series() {
            try encoder.add(one.key, times: one.timesMs.span, values: one.values.span)
        }
        let bytes = try encoder.finish()
        let window = try SampleWindow(reading: bytes)
        let size = Double(bytes.count - window.keyByteCount) / Double(window.sampleCount)
        Self.expect(size, isAbout: bytesPerSample, "\(shape) sealed")
    }

    /// Scrape by scrape in small batches, names apart: what an agent that sends every few seconds brings.
    @Test(arguments: Shape.allCases) func recorded(shape: Shape) throws {
        let series = try shape.series()
        let reference = NamesReference(digest: [UInt8](repeating: 7, count: 32), byteCount: 1)
        var pending = [[Sample]](repeating: [], count: series.count)
        var count = 0
        var total = 0
        var bytes = 0
        func commit() throws {
            let placed = pending.indices.filter { !pending[$0].isEmpty }.map {
                SampleBatch.Placed(place: $0, samples: pending[$0])
            }
            bytes += try SampleBatch.encode([.reference(reference, count: series.count)], placed).count
            total += count
            count = 0
            for index in pending.indices { pending[index].removeAll(keepingCapacity: true) }
        }
        for point in 0..<(series.first?.values.count ?? 0) {
            for (index, one) in series.enumerated() {
                pending[index].append(Sample(timeMs: one.timesMs[point], value: one.values[point]))
                count += 1
                if count == 5000 { try commit() }
            }
        }
        if count > 0 { try commit() }
        let size = Double(bytes) / Double(total)
        print("\(shape) recorded: \((size * 10_000).rounded() / 10_000) B/sample")
        #expect(size <= 2.5)
    }

    /// The figures of the README, on request: `CAIRN_BENCH=1`, in a release build.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["CAIRN_BENCH"] == "1"))
    func figures() throws {
        let bench = SampleWindowBench { Double(clock()) / Double(CLOCKS_PER_SEC) }
        for figures in [
            try bench.run("TSBS-shaped", HostMetrics(seed: 1).forEachSeries),
            try bench.run("node-shaped", NodeMetrics(seed: 1).forEachSeries),
            try bench.run("kube-shaped", ServiceMetrics(seed: 1).forEachSeries),
        ] {
            print(figures)
        }
    }
}
