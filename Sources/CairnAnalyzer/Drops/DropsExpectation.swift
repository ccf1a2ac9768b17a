/// The counts that one signal is expected to show, minute by minute, and how far chance may take them from that.
struct DropsExpectation {
    private(set) var series = DropsSeries()
    /// Indices of the series that are expected; `means` and the rest begin at its lower bound.
    private(set) var range: Range<Int> = 0..<0
    private(set) var means: [Double] = []
    private var days: [(end: Int, spread: Spread)] = []

    /// How far the counts of a day may be from their means.
    struct Spread {
        /// What the variance has over the mean, in units of the squared mean.
        var dispersion: Double
        /// What evidence is divided by.
        var temper: Double
        /// A rise that matters: more of it where the season of the hours is not known yet.
        var factorMin: Double
    }

    /// A count is compared with the same minute of the weeks before if it stands out by this many deviations.
    private static let slotDeviations = 3.0
    private static let rateMax = 0.9

    init() {}

    init(series: DropsSeries, range: Range<Int>) {
        self.series = series
        self.range = range
        means.reserveCapacity(range.count)
    }

    /// Adds a day's part of the minutes; days come in order.
    mutating func append(_ day: DropsProfile.Day, rate: Double, spread: Spread) {
        let part = day.range.clamped(to: range)
        let rates = day.season.map { min(DropsExpectation.rateMax, rate * $0) }
        let start = day.number * DropsClock.day
        for index in part {
            let hour = Int((series.minutes[index] - start) / 60)
            var mean = series.connections[index] * rates[hour]
            let over = series.events[index] - mean
            if over > 0, over * over > DropsExpectation.slotDeviations * DropsExpectation.slotDeviations * mean,
                let factor = slotFactor(at: index, rate: rates[hour])
            {
                mean = series.connections[index] * min(DropsExpectation.rateMax, rates[hour] * factor)
            }
            means.append(mean)
        }
        days.append((part.upperBound, spread))
    }

    /// How many times the usual the same minute of the last weeks had, or of the last days: what jobs do that run by
    /// the clock. Nil unless that minute stands out against half an hour before, in most of them.
    private func slotFactor(at index: Int, rate: Double) -> Double? {
        func median(_ shift: Int64, _ step: Int64, _ count: Int64, needed: Int) -> Double? {
            var ratios: [Double] = []
            for back in 1...count {
                let minute = series.minutes[index] - shift - back * step
                let place = series.first(at: minute)
                guard place < index, series.minutes[place] == minute else { continue }
                ratios.append(series.events[place] / (series.connections[place] * rate))
            }
            return ratios.count < needed ? nil : OrderStatistics.median(ratios)
        }
        for (step, count, needed) in [(DropsClock.week, Int64(4), 3), (DropsClock.day, 6, 4)] {
            guard let factor = median(0, step, count, needed: needed), factor > 2 else { continue }
            let before = median(30, step, count, needed: needed) ?? 1
            if factor > 2 * before { return factor }
        }
        return nil
    }

    func spread(at index: Int) -> Spread { (days.first { index < $0.end } ?? days[days.count - 1]).spread }

    /// Runs of minutes with one spread.
    var parts: [(range: Range<Int>, spread: Spread)] {
        var start = range.lowerBound
        return days.map { day in
            defer { start = day.end }
            return (start..<max(start, day.end), day.spread)
        }
    }

    func mean(at index: Int) -> Double { means[index - range.lowerBound] }

    /// Sums over a part of the minutes.
    func total(in minutes: Range<Int64>) -> (events: Double, connections: Double, expected: Double) {
        var sum = (events: 0.0, connections: 0.0, expected: 0.0)
        for index in series.indices(of: minutes).clamped(to: range) {
            sum.events += series.events[index]
            sum.connections += series.connections[index]
            sum.expected += mean(at: index)
        }
        return sum
    }
}
