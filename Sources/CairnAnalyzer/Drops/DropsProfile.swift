/// What is usual for one signal of one stream: a rate for each day, learnt from the weeks up to it, times the season of
/// its hours; and how much counts scatter around that. Stretches that stand out take no part.
///
/// A day is judged by the days before it and by itself, never by later ones: what was found stays found when more
/// data comes.
struct DropsProfile {
    /// Sums over what was usual: how much counts differ from their means, beside what chance alone would do.
    struct Scatter {
        /// Of minutes: the squared differences over the binomial variance, and the squared means.
        var excess = 0.0
        var squaredMeans = 0.0
        /// Of blocks: the squared differences, the binomial variance, and the squared means of their minutes.
        var blockSquares = 0.0
        var blockVariance = 0.0
        var blockSquaredMeans = 0.0

        static func + (left: Scatter, right: Scatter) -> Scatter {
            Scatter(
                excess: left.excess + right.excess, squaredMeans: left.squaredMeans + right.squaredMeans,
                blockSquares: left.blockSquares + right.blockSquares,
                blockVariance: left.blockVariance + right.blockVariance,
                blockSquaredMeans: left.blockSquaredMeans + right.blockSquaredMeans)
        }

        /// Worth of the other streams' scatter, in squared means, when this stream has little of its own.
        private static let prior = 500.0
        /// Squared means of no dispersion that are added: single events where next to none are expected say nothing.
        private static let none = 10.0
        private static let dispersionMax = 2.0
        /// Larger blocks scatter more than their minutes if what happens has a memory. More than this means that the
        /// model does not fit at all, and would hide every drop.
        private static let temperMax = 8.0

        /// How much the variance exceeds the mean, in units of the squared mean.
        func dispersion(with others: Scatter?) -> Double {
            var sums = (excess, squaredMeans)
            if let others {
                let share = Scatter.prior / max(Scatter.prior, others.squaredMeans)
                sums = (excess + others.excess * share, squaredMeans + others.squaredMeans * share)
            }
            return min(Scatter.dispersionMax, max(0, sums.0 / (sums.1 + Scatter.none)))
        }

        /// What evidence is divided by.
        func temper(dispersion: Double, with others: Scatter?) -> Double {
            var sum = self
            if let others {
                let share = Scatter.prior / max(Scatter.prior, others.blockVariance)
                sum.blockSquares += others.blockSquares * share
                sum.blockVariance += others.blockVariance * share
                sum.blockSquaredMeans += others.blockSquaredMeans * share
            }
            let expected = sum.blockVariance + dispersion * sum.blockSquaredMeans
            guard expected > 1 else { return 1 }
            return min(Scatter.temperMax, max(1, sum.blockSquares / expected))
        }
    }

    private struct Block {
        var number: Int64
        var range: Range<Int>
        var events: Double
        var connections: Double
        /// Connections times the season: what the rate is a part of.
        var weight: Double
        var isKept = true
    }

    struct Day {
        var number: Int64
        /// Of the series.
        var range: Range<Int>
        fileprivate var blocks: Range<Int>
        var rate = 0.0
        /// Factors of the day's hours.
        var season = [Double](repeating: 1, count: 24)
        /// There were days enough before it to learn that from.
        fileprivate(set) var hasSeason = false
        fileprivate var scatter = Scatter()
    }

    let series: DropsSeries
    private(set) var days: [Day] = []
    private var blocks: [Block] = []
    /// Events and their expectation in all hours (since 1970), usual or not: what stands out every day is a season.
    private var hours: [Int64: (events: Double, expected: Double)] = [:]
    private let policy: DropsPolicy
    private let kind: DropKind
    /// Scatter of blocks around the whole stretch, robust: against it a block stands out.
    private var spread = 1.0

    /// A block whose excess is worth this many nats does not take part.
    private static let outlierNats = 6.0
    private static let passes = 3
    /// The median of a squared standard normal variable.
    private static let chiSquareMedian = 0.455
    private static let seasonMax = 8.0

    init(_ series: DropsSeries, kind: DropKind, policy: DropsPolicy) {
        self.series = series
        self.kind = kind
        self.policy = policy
        var index = 0
        while index < series.minutes.count {
            let number = DropsClock.block(series.minutes[index], of: policy.blockMinutes)
            var block = Block(number: number, range: index..<index, events: 0, connections: 0, weight: 0)
            while index < series.minutes.count,
                DropsClock.block(series.minutes[index], of: policy.blockMinutes) == number
            {
                block.events += series.events[index]
                block.connections += series.connections[index]
                index += 1
            }
            block.range = block.range.lowerBound..<index
            let day = DropsClock.block(number, of: DropsClock.day / policy.blockMinutes)
            if days.last?.number != day {
                days.append(Day(number: day, range: block.range, blocks: blocks.count..<blocks.count))
            }
            blocks.append(block)
            let last = days.count - 1
            days[last].range = days[last].range.lowerBound..<index
            days[last].blocks = days[last].blocks.lowerBound..<blocks.count
        }
    }

    /// Events and connections of the whole stretch.
    var total: (events: Double, connections: Double) {
        blocks.reduce((0, 0)) { ($0.0 + $1.events, $0.1 + $1.connections) }
    }

    /// Events and connections without the blocks that stand out against a rate.
    func kept(against rate: Double) -> (events: Double, connections: Double) {
        var sum = (events: 0.0, connections: 0.0)
        for block in blocks
        where !stands(block.events, outAgainst: rate, of: block.connections, spread: 1) {
            sum.events += block.events
            sum.connections += block.connections
        }
        return sum
    }

    /// Learns every day, with what is common to all streams of the kind.
    mutating func learn(common: Double) {
        spread = robustSpread(common)
        var first = 0
        for index in days.indices {
            while days[index].number - days[first].number > policy.historyDays { first += 1 }
            learn(day: index, since: first, common: common)
        }
    }

    private mutating func learn(day index: Int, since first: Int, common: Double) {
        if let season = season(of: days[index].number) {
            days[index].season = season
            days[index].hasSeason = true
        }
        for block in days[index].blocks {
            blocks[block].weight = blocks[block].connections * days[index].season[hour(of: blocks[block])]
        }
        let past = days[first].blocks.lowerBound..<days[index].blocks.lowerBound
        let today = days[index].blocks
        var kept = (events: 0.0, weight: 0.0)
        var all = 0.0
        for block in past {
            all += blocks[block].weight
            if blocks[block].isKept {
                kept.events += blocks[block].events
                kept.weight += blocks[block].weight
            }
        }
        for block in today { all += blocks[block].weight }
        let prior = policy.priorConnections
        var rate = min(0.9, (kept.events + prior * common) / (kept.weight + prior))
        for _ in 0..<DropsProfile.passes {
            var sum = kept
            for block in today {
                blocks[block].isKept = !stands(
                    blocks[block].events, outAgainst: rate, of: blocks[block].weight, spread: spread)
                guard blocks[block].isKept else { continue }
                sum.events += blocks[block].events
                sum.weight += blocks[block].weight
            }
            if sum.weight * 2 < all {
                // Most of its time it stands out: then that is its normal state, unless the other cluster differs.
                let rates = (past.lowerBound..<today.upperBound).map { blocks[$0].events / max(1, blocks[$0].weight) }
                rate = max(common, min(0.9, OrderStatistics.median(rates) ?? common))
            } else {
                rate = min(0.9, (sum.events + prior * common) / (sum.weight + prior))
            }
        }
        days[index].rate = max(policy.baselineRateFloor(kind), rate)
        note(day: index)
    }

    /// Adds what was usual on a day to the sums that later days learn from.
    private mutating func note(day index: Int) {
        let rate = days[index].rate
        var scatter = Scatter()
        for block in days[index].blocks where blocks[block].isKept {
            let factor = min(0.95, rate * blocks[block].weight / blocks[block].connections)
            var mean = 0.0
            var squares = 0.0
            for minute in blocks[block].range {
                let expected = series.connections[minute] * factor
                let difference = series.events[minute] - expected
                scatter.excess += difference * difference - expected * (1 - factor)
                squares += expected * expected
                mean += expected
            }
            scatter.squaredMeans += squares
            let difference = blocks[block].events - mean
            scatter.blockSquares += difference * difference
            scatter.blockVariance += mean * (1 - factor)
            scatter.blockSquaredMeans += squares
        }
        days[index].scatter = scatter
        for block in days[index].blocks {
            let hour = DropsClock.block(blocks[block].number, of: 60 / policy.blockMinutes)
            let before = hours[hour] ?? (0, 0)
            hours[hour] = (before.events + blocks[block].events, before.expected + blocks[block].connections * rate)
        }
    }

    /// Scatter over the days that a day is judged by. The first days, whose season was not known yet, scatter more than
    /// a day that knows it.
    func scatter(upTo index: Int) -> Scatter {
        var sum = Scatter()
        for day in days[...index].reversed() {
            if days[index].number - day.number > policy.historyDays { break }
            if days[index].hasSeason, !day.hasSeason { break }
            sum = sum + day.scatter
        }
        return sum
    }

    /// The rate of the newest day that is not after one, or of the first.
    func rate(onDay number: Int64) -> Double? { (days.last { $0.number <= number } ?? days.first)?.rate }

    private func hour(of block: Block) -> Int {
        let hour = DropsClock.block(block.number, of: 60 / policy.blockMinutes)
        return Int(hour - DropsClock.block(hour, of: 24) * 24)
    }

    /// The same hour of the last weeks, or of the last days where there are no two weeks before; mixed with "like any hour".
    /// Nil in the first two days.
    private func season(of day: Int64) -> [Double]? {
        let hours = (0..<24).map { same(day * 24 + Int64($0)) }
        guard hours.contains(where: { !$0.isEmpty }) else { return nil }
        return hours.map { found in
            var found = found
            // The hour with most is left out: it may have been a drop.
            if found.count > 1, let worst = found.indices.max(by: { ratio(found[$0]) < ratio(found[$1]) }) {
                found.remove(at: worst)
            }
            let events = found.reduce(0) { $0 + $1.events }
            let expected = found.reduce(0) { $0 + $1.expected }
            let prior = policy.seasonPriorEvents
            return min(DropsProfile.seasonMax, (events + prior) / (expected + prior))
        }
    }

    private func same(_ hour: Int64) -> [(events: Double, expected: Double)] {
        let weeks = (1...4).compactMap { hours[hour - $0 * 168] }
        if weeks.count > 1 { return weeks }
        let days = (1...6).compactMap { hours[hour - $0 * 24] }
        return days.count > 1 ? days : weeks
    }

    private func ratio(_ hour: (events: Double, expected: Double)) -> Double { hour.events / max(1e-9, hour.expected) }

    private func stands(_ events: Double, outAgainst rate: Double, of weight: Double, spread: Double) -> Bool {
        guard weight > 0, events > weight * rate else { return false }
        let found = min(0.999, events / weight)
        return DropsLikelihood.nats(events: events, connections: weight, rate: found, baseline: rate)
            > DropsProfile.outlierNats * spread
    }

    private func robustSpread(_ common: Double) -> Double {
        let busy = blocks.filter { $0.connections * common >= 1 }
        guard busy.count >= 24 else { return 1 }
        let rate = max(common, min(0.9, OrderStatistics.median(busy.map { $0.events / $0.connections }) ?? common))
        let squares = busy.map { block in
            let mean = block.connections * rate
            return (block.events - mean) * (block.events - mean) / (mean * (1 - rate))
        }
        return min(8, max(1, (OrderStatistics.median(squares) ?? 0) / DropsProfile.chiSquareMedian))
    }
}

enum DropsLikelihood {
    /// Log-likelihood ratio of binomial counts: `rate` against `baseline`, both strictly between 0 and 1.
    static func nats(events: Double, connections: Double, rate: Double, baseline: Double) -> Double {
        events * Mathematics.log(rate / baseline)
            + max(0, connections - events) * Mathematics.log((1 - rate) / (1 - baseline))
    }

    /// Log-likelihood ratio of a negative binomial count whose mean is `factor` times the one that is usual.
    /// - Parameter dispersion: what the variance has over the mean, in units of the squared mean.
    static func nats(events: Double, mean: Double, factor: Double, dispersion: Double) -> Double {
        guard dispersion > 1e-9 else { return events * Mathematics.log(factor) - (factor - 1) * mean }
        let spread = Mathematics.log((1 + dispersion * factor * mean) / (1 + dispersion * mean))
        return events * (Mathematics.log(factor) - spread) - spread / dispersion
    }
}
