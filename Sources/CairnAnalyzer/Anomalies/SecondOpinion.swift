import CairnSeries

/// What two offline methods, which see the whole series at once and know nothing of the streaming detector, say of an
/// anomaly: the spectral residual for points, a principal subspace of windows for shapes. For replays.
package struct SecondOpinion: Sendable, Hashable {
    /// The share of the series that the method finds at least as unusual as the anomaly's worst sample.
    package var spectralResidualShare: Double
    package var subspaceShare: Double

    /// Either method has the anomaly among its few most unusual stretches.
    package var agrees: Bool { min(spectralResidualShare, subspaceShare) <= SecondOpinion.shareMax }

    private static let shareMax = 0.01
    /// Under this many samples the whole says little of a part.
    private static let samplesMin = 128
    /// A longer series is judged in its last part: a spectrum of millions of samples has no saliency.
    private static let samplesMax = 1 << 16

    static func add(to events: inout [AnomalyEvent], of samples: [Sample]) {
        guard !events.isEmpty, samples.count >= samplesMin else { return }
        let used = Array(samples.suffix(samplesMax))
        let values = used.map(\.value)
        let points = Ranked(SpectralResidual.saliency(of: values))
        let shapes = Ranked(PrincipalSubspace.distances(of: values))
        for index in events.indices {
            let event = events[index]
            let stretch = part(of: used, in: event.startMs..<min(event.endMs ?? event.peakMs, .max - 1) + 1)
            guard !stretch.isEmpty else { continue }
            events[index].secondOpinion = SecondOpinion(
                spectralResidualShare: points.share(stretch.indices), subspaceShare: shapes.share(stretch.indices))
        }
    }

    /// Scores with their order.
    private struct Ranked {
        let scores: [Double]
        let sorted: [Double]

        init(_ scores: [Double]) {
            self.scores = scores
            sorted = scores.sorted()
        }

        /// How much of the series scores at least as high as the highest of a part.
        func share(_ part: Range<Int>) -> Double {
            let best = scores[part].max() ?? 0
            var low = 0
            var high = sorted.count
            while low < high {
                let middle = (low + high) / 2
                if sorted[middle] < best { low = middle + 1 } else { high = middle }
            }
            return Double(sorted.count - low) / Double(sorted.count)
        }
    }
}

/// What stands out of a series' spectrum (Hou and Zhang 2007; Ren et al., KDD 2019): the logarithm of the amplitudes
/// less its own moving average, transformed back, and each sample beside the average of those before it.
enum SpectralResidual {
    private static let spectrumWindow = 3
    private static let scoreWindow = 21

    static func saliency(of values: [Double]) -> [Double] {
        guard values.count >= scoreWindow, let center = OrderStatistics.median(values) else {
            return values.map { _ in 0 }
        }
        var size = 1
        while size < values.count { size *= 2 }
        // The last value is held to the end, so that the padding is no edge.
        var real = values.map { $0 - center }
        real += Array(repeating: real[real.count - 1], count: size - real.count)
        var imaginary = [Double](repeating: 0, count: size)
        let transform = FourierTransform(size: size)
        transform.forward(&real, &imaginary)
        let amplitudes = zip(real, imaginary).map { ($0 * $0 + $1 * $1).squareRoot() }
        let smallest = max((amplitudes.max() ?? 0) * 1e-12, .leastNormalMagnitude)
        let logarithms = amplitudes.map { Mathematics.log(max($0, smallest)) }
        let averages = movingAverage(logarithms, spectrumWindow)
        for index in real.indices {
            let gain = Mathematics.exp(logarithms[index] - averages[index]) / max(amplitudes[index], smallest)
            real[index] *= gain
            imaginary[index] *= gain
        }
        transform.inverse(&real, &imaginary)
        let map = values.indices.map { (real[$0] * real[$0] + imaginary[$0] * imaginary[$0]).squareRoot() }
        let usual = movingAverage(map, scoreWindow)
        return zip(map, usual).map { $1 > 0 ? ($0 - $1) / $1 : 0 }
    }

    /// The mean of each value and those before it.
    private static func movingAverage(_ values: [Double], _ window: Int) -> [Double] {
        var sum = 0.0
        return values.indices.map { index in
            sum += values[index]
            if index >= window { sum -= values[index - window] }
            return sum / Double(min(index + 1, window))
        }
    }
}

/// How far each window of a series lies from the plane that most windows lie near (principal components of lagged
/// windows, as Sub-PCA of the TSB benchmarks), given back for each sample as the worst window that holds it.
enum PrincipalSubspace {
    private static let window = 32
    private static let components = 4
    private static let rounds = 30

    static func distances(of values: [Double]) -> [Double] {
        guard values.count >= 2 * window, let center = OrderStatistics.median(values) else {
            return values.map { _ in 0 }
        }
        let spread = max(
            OrderStatistics.scaledDeviation(values) ?? 0, OrderStatistics.variance(values).squareRoot() * 0.1)
        guard spread > 0 else { return values.map { _ in 0 } }
        // Clipped, so that one spike does not become a direction of its own.
        let normal = values.map { max(-20, min(20, ($0 - center) / spread)) }
        let axes = axes(of: normal)
        let starts = normal.count - window + 1
        var output = [Double](repeating: 0, count: normal.count)
        for start in 0..<starts {
            var rest = normal[start..<start + window].reduce(0) { $0 + $1 * $1 }
            for axis in axes {
                var product = 0.0
                for offset in 0..<window { product += axis[offset] * normal[start + offset] }
                rest -= product * product
            }
            // Judged by its middle sample: every sample of the window would smear the place.
            output[start + window / 2] = max(0, rest)
        }
        return output
    }

    /// The leading directions of the windows' second moments, by power iteration with deflation.
    private static func axes(of normal: [Double]) -> [[Double]] {
        var moments = [[Double]](repeating: [Double](repeating: 0, count: window), count: window)
        for start in 0...(normal.count - window) {
            for row in 0..<window {
                let value = normal[start + row]
                for column in row..<window { moments[row][column] += value * normal[start + column] }
            }
        }
        for row in 0..<window { for column in 0..<row { moments[row][column] = moments[column][row] } }
        var axes: [[Double]] = []
        for number in 0..<components {
            var axis = (0..<window).map {
                Mathematics.cos(Double(number) * Double.pi * (Double($0) + 0.5) / Double(window))
            }
            for _ in 0..<rounds {
                var next = moments.map { row in zip(row, axis).reduce(0) { $0 + $1.0 * $1.1 } }
                for known in axes {
                    let shared = zip(known, next).reduce(0) { $0 + $1.0 * $1.1 }
                    for index in next.indices { next[index] -= shared * known[index] }
                }
                let length = next.reduce(0) { $0 + $1 * $1 }.squareRoot()
                guard length > 0 else { return axes }
                axis = next.map { $0 / length }
            }
            axes.append(axis)
        }
        return axes
    }
}
