/// Whether a measured level (a latency, a lag, CPU, readiness) differs between two clusters by more than a margin: fed one
/// difference a step, d = ln(target / source), or target - source where the measure is a share; NaN where one is missing.
///
/// What is left of the common ups and downs of both clusters has a memory, so its variance is that of block means (F8).
/// Evidence against "the mean difference is at most the margin" is gathered for eight sizes of effect on either side, each
/// staked on every possible beginning: exp(r u - r²/2) a step, with u the distance beyond the margin in deviations.
package struct LevelComparison: Sendable {
    /// The largest effect that is bet on, in deviations; each further one is half of the one before.
    private static let largestRate = 1.5
    /// exp(-r²/2) of the eight, from the smallest r.
    private static let prices: SIMD8<Double> = {
        var output = SIMD8<Double>.zero
        for index in 0..<8 {
            let rate = LevelComparison.rate(index)
            output[index] = Mathematics.exp(-rate * rate / 2)
        }
        return output
    }()
    /// A single measurement counts at most as this many deviations over its margin.
    private static let clip = 3.0
    private static let wealthMax = 1e280

    private static func rate(_ index: Int) -> Double {
        var rate = largestRate
        for _ in index..<7 { rate /= 2 }
        return rate
    }

    package let margin: Double
    private let alpha: Double
    private var noise: LevelNoise
    private var running: RunningNoise?
    private var above = SIMD8<Double>.zero
    private var below = SIMD8<Double>.zero
    private var stakes = OnsetStakes()
    /// What was staked while the noise was not known.
    private var unspent = 0.0
    private var firstStake = 0.0
    private var sum = 0.0
    private var last = Double.nan
    /// The usual squared change from step to step, halved.
    private var change: Double
    /// Steps with data of both sides.
    package private(set) var steps = 0
    private var isReady = false

    /// - Parameter noise: what the baseline says; without a deviation it is learnt from the steps themselves, which takes
    ///   eight blocks.
    package init(margin: Double, alpha: Double, noise: LevelNoise) {
        self.margin = margin + 2 * noise.centerError
        self.alpha = alpha
        self.noise = noise
        change = noise.deviation.map { $0 * $0 / noise.memory } ?? 0
        running = noise.deviation == nil ? RunningNoise(floor: noise.blockFloor, least: margin * 1e-3) : nil
    }

    package var stateBytes: Int { MemoryLayout<Self>.size + (running?.stateBytes ?? 0) }

    /// A traffic step is where faults like to begin; what was seen before it stays seen.
    package mutating func advance(_ difference: Double, isTrafficStep: Bool = false) {
        let stake = stakes.next(isTrafficStep: isTrafficStep)
        if firstStake == 0 { firstStake = stake } else if !isReady { unspent += stake }
        guard difference.isFinite else {
            if isReady { spread(stake) }
            return
        }
        let centered = difference - noise.center
        sum += centered
        steps += 1
        learn(difference)
        guard let deviation = deviation, steps >= noise.stepsMin else { return }
        guard isReady else {
            isReady = true
            return start(deviation)
        }
        spread(stake)
        let up = min(Self.clip, (centered - margin) / deviation)
        let down = min(Self.clip, (-centered - margin) / deviation)
        above = pointwiseMin(above * Self.factors(up), SIMD8(repeating: Self.wealthMax))
        below = pointwiseMin(below * Self.factors(down), SIMD8(repeating: Self.wealthMax))
    }

    private mutating func spread(_ stake: Double) {
        above += stake / 16
        below += stake / 16
    }

    /// The steps that waited for the noise to be known are one look at a difference that was always there.
    private mutating func start(_ deviation: Double) {
        let count = Double(steps)
        for index in 0..<8 {
            let rate = Self.rate(index)
            func wealth(_ sum: Double) -> Double {
                let beyond = min(Self.clip * count, (sum - margin * count) / deviation)
                return firstStake / 16 * Mathematics.exp(min(600, rate * beyond - rate * rate / 2 * count))
            }
            above[index] = wealth(sum)
            below[index] = wealth(-sum)
        }
        spread(unspent)
    }

    /// exp(r u - r²/2) for the eight r, each twice the one before: one exponential, then squares.
    private static func factors(_ distance: Double) -> SIMD8<Double> {
        var power = Mathematics.exp(max(-40, distance) * (largestRate / 128))
        var output = SIMD8<Double>.zero
        for index in 0..<8 {
            output[index] = power
            power *= power
        }
        return output * prices
    }

    private mutating func learn(_ difference: Double) {
        defer { last = difference }
        running?.add(difference)
        guard last.isFinite else { return }
        // The steps themselves may show more noise than the baseline did; a change of level hardly counts.
        let square = (difference - last) * (difference - last) / 2
        change += (change == 0 ? square : min(square, 9 * change) - change) / 128
    }

    /// How much the mean of the differences wanders, as a standard deviation of one step.
    package var deviation: Double? {
        if let running { return running.deviation.map { max($0, (change * running.memory).squareRoot()) } }
        return noise.deviation.map { max($0, (change * noise.memory).squareRoot()) }
    }

    package var evidence: Double {
        guard isReady else { return 1 }
        var total = stakes.left
        for index in 0..<8 { total += above[index] + below[index] }
        return total
    }

    package var nats: Double { Mathematics.log(evidence) }

    package var effect: Double { steps > 0 ? sum / Double(steps) : 0 }

    /// Half the width of the interval for the mean difference of the last `count` steps; nil while the noise is unknown.
    func halfWidth(count: Double, alpha: Double) -> Double? {
        guard let deviation, count > 0, isReady else { return nil }
        let tuning = AsymptoticConfidenceSequence(alpha: self.alpha, bestCount: Double(LevelNoise.blocksMin)).mixture
        let mixture = NormalMixture(rho: tuning.rho * Double(noise.blockFloor))
        return deviation * mixture.bound(variance: count, alpha: alpha) / count
    }

    /// Whether the mean difference is shown to be within the margin.
    package var isEquivalent: Bool {
        guard let width = halfWidth(count: Double(steps), alpha: alpha) else { return false }
        return effect.magnitude + width < margin
    }

    /// Whether the difference is so near to the margin that no number of steps is sure to decide.
    var isAtMargin: Bool { isReady && (margin - effect.magnitude).magnitude <= 0.02 * margin }

    /// Further steps like these until the interval lies on one side of the margin, or until the noise is known at all; nil
    /// if that cannot be told.
    package var stepsToDecision: Double? {
        guard let width = halfWidth(count: Double(steps), alpha: alpha) else {
            let left = running?.stepsLeft ?? max(0, noise.stepsMin - steps)
            return left > 0 ? Double(left) : nil
        }
        guard !isAtMargin else { return nil }
        let error = (deviation ?? 0) / Double(steps).squareRoot()
        let lasting = DivergenceOnset.lasting(effect, variance: error * error).magnitude
        return DivergenceOnset.growth(from: width + DivergenceOnset.stray * error, to: (margin - lasting).magnitude)
            .map { max(1, ($0 - 1) * Double(steps)) }
    }
}

/// How the differences of a metric vary, from its baseline.
package struct LevelNoise: Sendable {
    /// Fewer blocks say too little about their own variance.
    package static let blocksMin = 8

    /// Standard deviation that one step adds to a sum of many; nil if there was no baseline to learn it from.
    package var deviation: Double?
    /// Variance of one step in a long sum over half the squared change from step to step.
    package var memory = 1.0
    /// A difference that is the clusters' own, and what is not known of it.
    package var center = 0.0
    package var centerError = 0.0
    package var baselineSteps = 0
    /// Steps that must be seen before the first verdict.
    package var stepsMin = 1
    package var blockFloor = 15

    package init(deviation: Double? = nil, memory: Double = 1, blockFloor: Int = 15) {
        self.deviation = deviation
        self.memory = memory
        self.blockFloor = blockFloor
    }

    /// - Parameters:
    ///   - baseline: differences before the moment judged from; NaN where either side is missing.
    ///   - source: the source alone before that moment, in the same unit.
    package init(
        baseline: [Double], source: [Double], margin: Double, policy: DivergencePolicy, stepSeconds: Int64
    ) {
        blockFloor = max(1, Int(policy.blockMinutesMin * 60 / stepSeconds))
        let cap = max(blockFloor + 1, Int(policy.blockMinutesMax * 60 / stepSeconds))
        let present = baseline.filter { !$0.isNaN }
        baselineSteps = present.count
        if let found = LevelNoise.longRun(baseline, floor: blockFloor, cap: cap, blocksMin: 3) {
            deviation = max(found.variance.squareRoot(), margin * 1e-3)
            memory = found.memory
        } else if let found = LevelNoise.longRun(source, floor: blockFloor, cap: cap, blocksMin: LevelNoise.blocksMin) {
            // The target is new: how the source varies on its own, doubled, stands in for how the two differ.
            deviation = max((2 * found.variance).squareRoot(), margin * 1e-3)
            memory = found.memory
            // A small share of the traffic is noisier than a large one: the target shows that in some minutes.
            stepsMin = max(1, min(blockFloor, 8) - 1)
        }
        if let deviation, !present.isEmpty {
            let error = deviation / Double(present.count).squareRoot()
            let mean = OrderStatistics.mean(present)
            if mean.magnitude > policy.baselineDifferenceErrors * error { (center, centerError) = (mean, error) }
        }
    }

    /// The variance that one step adds to a long sum, and how often it is that of a step alone.
    private static func longRun(
        _ values: [Double], floor: Int, cap: Int, blocksMin: Int
    ) -> (variance: Double, memory: Double)? {
        let length = Autocorrelation.blockLength(of: values, floor: floor, cap: cap)
        let means = Autocorrelation.blockMeans(of: values, length: length)
        guard let variance = Autocorrelation.variance(ofBlockMeans: means, blocksMin: blocksMin) else { return nil }
        let longRun = variance * Double(length)
        let squares = zip(values, values.dropFirst()).map { ($1 - $0) * ($1 - $0) / 2 }.filter { !$0.isNaN }
        let change = squares.isEmpty ? longRun : OrderStatistics.mean(squares)
        return (longRun, max(1, longRun / max(1e-300, change)))
    }
}

/// The same, learnt from the steps as they come: means of blocks of 15, 30 and 60 minutes, of which the shortest counts
/// whose ends are no longer correlated.
struct RunningNoise: Sendable {
    private struct Blocks: Sendable {
        var length: Int
        var product = 0.0
        var sum = 0.0
        var present = 0.0
        var filled = 0
        var count = 0.0
        var mean = 0.0
        var squares = 0.0
        var changes = 0.0
        var last = 0.0

        mutating func add(_ value: Double) {
            sum += value
            filled += 1
            guard filled == length else { return }
            let level = sum / Double(length)
            if count > 0 { changes += (level - last) * (level - last) / 2 }
            count += 1
            let step = level - mean
            mean += step / count
            squares += step * (level - mean)
            last = level
            sum = 0
            filled = 0
        }

        /// As `Autocorrelation.variance(ofBlockMeans:)` has it.
        var variance: Double {
            Autocorrelation.variance(
                plain: squares / (count - 1), changes: changes / (count - 1), count: count,
                doubt: 2)
        }
    }

    private var blocks: [Blocks]
    private var ring: [Float]
    private var next = 0
    private var count = 0.0
    private var mean = 0.0
    private var squares = 0.0
    private let least: Double
    private(set) var deviation: Double?
    /// As `LevelNoise.memory` has it.
    private(set) var memory = 1.0
    private var halfSquares = 0.0
    private var last = Double.nan

    init(floor: Int, least: Double) {
        blocks = [1, 2, 4].map { Blocks(length: max(1, floor) * $0) }
        ring = [Float](repeating: 0, count: max(1, floor) * 4)
        self.least = least
    }

    var stateBytes: Int { 64 + blocks.count * MemoryLayout<Blocks>.stride + ring.count * 4 }

    /// Until the shortest blocks are enough; where those are too alike, until the longest are.
    var stepsLeft: Int {
        guard deviation == nil else { return 0 }
        let left = blocks.map { $0.length * LevelNoise.blocksMin - Int(count) }
        return max(1, left.first { $0 > 0 } ?? 1)
    }

    mutating func add(_ value: Double) {
        count += 1
        let step = value - mean
        mean += step / count
        squares += step * (value - mean)
        if last.isFinite { halfSquares += (value - last) * (value - last) / 2 }
        last = value
        for index in blocks.indices where count > Double(blocks[index].length) {
            let place = next - blocks[index].length
            let earlier = Double(ring[place < 0 ? place + ring.count : place])
            blocks[index].product += (value - mean) * (earlier - mean)
        }
        ring[next] = Float(value)
        next = next + 1 == ring.count ? 0 : next + 1
        for index in blocks.indices { blocks[index].add(value) }
        guard blocks[0].filled == 0, squares > 0 || count >= Double(blocks[0].length * LevelNoise.blocksMin) else {
            return
        }
        let chosen = blocks.first { one in
            let pairs = count - Double(one.length)
            return squares == 0 || pairs > 0 && one.product / pairs < 0.1 * squares / count
        }
        let one = chosen ?? blocks[2]
        guard one.count >= Double(LevelNoise.blocksMin) else { return }
        let longRun = one.variance * Double(one.length)
        deviation = max(longRun.squareRoot(), least)
        memory = max(1, longRun / max(1e-300, halfSquares / max(1, count - 1)))
    }
}
