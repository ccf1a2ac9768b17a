/// The simplest judge of a change in one series that knows of days: means of quarter hours after the change, less what
/// the same quarter hours were on earlier days, over how much those differ among themselves. A baseline.
package enum SeasonalBlockJudge {
    private static let blockMinutes = 15
    private static let dayMinutes = 1440
    private static let daysMax = 7

    /// - Parameters:
    ///   - minutes: a value each minute, NaN for none.
    ///   - change: the index of the first minute after the change.
    /// - Returns: standard deviations; nil with fewer than two earlier days.
    package static func deviations(_ minutes: [Double], change: Int, hours: Int = 2) -> Double? {
        let blocks = hours * 60 / blockMinutes
        var found: [Double] = []
        var spread: [Double] = []
        for block in 0..<blocks {
            let start = change + block * blockMinutes
            guard let now = mean(minutes, start) else { continue }
            let earlier = (1...daysMax).compactMap { mean(minutes, start - $0 * dayMinutes) }
            guard earlier.count >= 2 else { continue }
            let usual = earlier.reduce(0, +) / Double(earlier.count)
            found.append(now - usual)
            spread += earlier.map { ($0 - usual) * ($0 - usual) * Double(earlier.count) / Double(earlier.count - 1) }
        }
        guard !found.isEmpty, !spread.isEmpty else { return nil }
        let difference = found.reduce(0, +) / Double(found.count)
        let deviation = (spread.reduce(0, +) / Double(spread.count)).squareRoot()
        return deviation > 0 ? difference.magnitude / deviation : (difference == 0 ? 0 : .infinity)
    }

    private static func mean(_ minutes: [Double], _ start: Int) -> Double? {
        guard start >= 0, start < minutes.count else { return nil }
        let present = minutes[start..<min(start + blockMinutes, minutes.count)].filter { !$0.isNaN }
        return present.count * 2 < blockMinutes ? nil : present.reduce(0, +) / Double(present.count)
    }
}
