internal import CairnSeries

/// Seals, decodes and scans generated samples, and says what it cost.
package struct SampleWindowBench: Sendable {
    package struct Figures: Sendable {
        package var name: String
        package var samples: Int
        package var series: Int
        /// The whole window without its keys.
        package var bytes: Int
        package var keyBytes: Int
        package var directoryBytes: Int
        package var sealPerSecond: Double
        package var decodePerSecond: Double
        package var scanPerSecond: Double

        package var bytesPerSample: Double { Double(bytes) / Double(max(1, samples)) }
    }

    /// Processor seconds of this process so far: wall time says little on a machine that does other things too.
    private let processorSeconds: @Sendable () -> Double
    /// How often each step runs; the fastest counts.
    private let rounds: Int

    package init(rounds: Int = 3, processorSeconds: @escaping @Sendable () -> Double) {
        self.rounds = rounds
        self.processorSeconds = processorSeconds
    }

    private func fastest(_ body: () throws -> Void) rethrows -> Double {
        var best = Double.infinity
        for _ in 0..<rounds {
            let start = processorSeconds()
            try body()
            best = min(best, processorSeconds() - start)
        }
        return max(best, 1e-9)
    }

    package func run(_ name: String, _ generate: ((MetricSeries) throws -> Void) throws -> Void) throws -> Figures {
        var series: [MetricSeries] = []
        try generate { series.append($0) }
        series.sort { $0.key < $1.key }
        var bytes: [UInt8] = []
        let seal = try fastest {
            var encoder = SampleWindowEncoder()
            for one in series { try encoder.add(one.key, times: one.timesMs.span, values: one.values.span) }
            bytes = try encoder.finish()
        }
        let window = try SampleWindow(reading: bytes)
        var decoded = 0
        let decode = try fastest {
            decoded = 0
            try window.forEachSeries { _, times, values in decoded += min(times.count, values.count) }
        }
        var highest = -Double.infinity
        let scan = try fastest {
            // From the bytes on, as a query does it: open, read the directory, decode, compare.
            let cold = try SampleWindow(reading: bytes)
            highest = -.infinity
            try cold.forEachSeries { _, _, values in highest = max(highest, SampleScan.maximum(of: values)) }
        }
        let samples = window.sampleCount
        guard decoded == samples, highest >= series.flatMap(\.values).max() ?? 0 else {
            throw SampleWindowBenchError(reason: "\(decoded) of \(samples) samples were read back")
        }
        return Figures(
            name: name, samples: samples, series: series.count, bytes: bytes.count - window.keyByteCount,
            keyBytes: window.keyByteCount, directoryBytes: window.directoryByteCount,
            sealPerSecond: Double(samples) / seal, decodePerSecond: Double(samples) / decode,
            scanPerSecond: Double(samples) / scan)
    }
}

package struct SampleWindowBenchError: Error, CustomStringConvertible {
    package var reason: String
    package var description: String { "cannot measure: \(reason)" }
}
