/// How the Numenta Anomaly Benchmark scores a detector (Lavin and Ahmad 2015): an alarm early in a window of an anomaly
/// earns most, later alarms in it earn nothing, alarms elsewhere cost, the more the farther behind a window.
package enum NABScore {
    /// What one file had: a score for each sample, and the windows as indices of samples, in order.
    package struct File: Sendable, Hashable {
        package var name: String
        package var scores: [Double]
        package var windows: [ClosedRange<Int>]

        package init(name: String, scores: [Double], windows: [ClosedRange<Int>]) {
            self.name = name
            self.scores = scores
            self.windows = windows
        }

        /// Samples from which a detector may learn: alarms there do not count.
        var probation: Int { min(scores.count * 15 / 100, 750) }
    }

    package struct Profile: Sendable, Hashable {
        package var truePositive = 1.0
        package var falseNegative = 1.0
        package var falsePositive = 0.11

        package init() {}
    }

    /// Thresholds looked at; NAB itself climbs to one optimum for all files.
    package static let thresholds = (1..<200).map { Double($0) / 200 }

    /// 0 for a detector that never raises an alarm, 100 for a perfect one.
    package static func normalized(_ files: [File], threshold: Double, _ profile: Profile = Profile()) -> Double {
        normalized(files.reduce(0) { $0 + raw($1, threshold: threshold, profile) }, files, profile)
    }

    /// The same from a sum of raw scores.
    package static func normalized(_ raw: Double, _ files: [File], _ profile: Profile = Profile()) -> Double {
        let windows = Double(files.reduce(0) { $0 + $1.windows.count })
        let silent = -profile.falseNegative * windows
        return 100 * (raw - silent) / (profile.truePositive * windows - silent)
    }

    /// The threshold with the best score over all files.
    package static func bestThreshold(_ files: [File], _ profile: Profile = Profile()) -> Double {
        var best = (threshold: 1.0, raw: -Double.infinity)
        for threshold in thresholds {
            let sum = files.reduce(0) { $0 + raw($1, threshold: threshold, profile) }
            if sum > best.raw { best = (threshold, sum) }
        }
        return best.threshold
    }

    package static func raw(_ file: File, threshold: Double, _ profile: Profile = Profile()) -> Double {
        var sum = 0.0
        var found: Set<Int> = []
        for index in file.probation..<max(file.probation, file.scores.count) where file.scores[index] >= threshold {
            if let window = file.windows.firstIndex(where: { $0.contains(index) }) {
                guard found.insert(window).inserted else { continue }
                let range = file.windows[window]
                let place = Double(range.upperBound - index + 1) / Double(range.count)
                sum += profile.truePositive * sigmoid(-place) / sigmoid(-1)
            } else if let before = file.windows.last(where: { $0.upperBound < index }) {
                let behind = Double(index - before.upperBound) / Double(max(1, before.count - 1))
                sum += profile.falsePositive * sigmoid(behind)
            } else {
                sum -= profile.falsePositive
            }
        }
        return sum - profile.falseNegative * Double(file.windows.count - found.count)
    }

    /// 1 far before a window's end, 0 at it, -1 far behind.
    private static func sigmoid(_ place: Double) -> Double {
        place > 3 ? -1 : 2 / (1 + exponential(5 * place)) - 1
    }
}
