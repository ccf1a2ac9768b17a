/// A sum of weighted differences with its variance: how far apart the clusters are, and how sure that is.
struct DivergenceSum: Hashable, Sendable {
    /// Of differences cut off where a single step would decide alone: this is the evidence.
    private(set) var sum = 0.0
    private(set) var weight = 0.0
    private(set) var variance = 0.0
    /// Of the differences as they were: this is the effect.
    private var plainSum = 0.0

    /// - Parameter limit: what one step may add to the evidence, up or down.
    mutating func add(difference: Double, weight: Double, variance: Double, limit: Double) {
        let added = weight * difference
        plainSum += added
        sum += min(limit, max(-limit, added))
        self.weight += weight
        self.variance += variance
    }

    /// For sums whose variance is learnt as they grow.
    mutating func setVariance(_ variance: Double) { self.variance = variance }

    var effect: Double { weight > 0 ? plainSum / weight : 0 }

    /// Twice the logarithm of the likelihood ratio against no effect.
    var strength: Double { variance > 0 ? sum * sum / variance : 0 }

    /// ln E against "the effect is at most the margin above zero", and the same below.
    func nats(margin: Double, mixture: NormalMixture) -> (above: Double, below: Double) {
        guard weight > 0 else { return (0, 0) }
        return (
            mixture.logEvidenceAbove(sum: sum - margin * weight, variance: variance),
            mixture.logEvidenceAbove(sum: -sum - margin * weight, variance: variance)
        )
    }

    /// Half the width of the interval for the effect.
    func halfWidth(mixture: NormalMixture, alpha: Double) -> Double {
        weight > 0 ? mixture.bound(variance: variance, alpha: alpha) / weight : .infinity
    }

    /// How many times more of the same data would bring the half width down to `wanted`; nil if nothing sensible does.
    func growth(toHalfWidth wanted: Double, mixture: NormalMixture, alpha: Double) -> Double? {
        guard weight > 0, variance > 0, wanted > 0 else { return nil }
        func width(_ factor: Double) -> Double {
            mixture.bound(variance: variance * factor, alpha: alpha) / (weight * factor)
        }
        var high = 1.0
        while width(high) > wanted {
            high *= 2
            guard high < 1e9 else { return nil }
        }
        var low = high / 2
        guard high > 1 else { return 1 }
        for _ in 0..<40 {
            let middle = (low + high) / 2
            if width(middle) > wanted { low = middle } else { high = middle }
        }
        return high
    }
}

/// Evidence that starts from one moment.
protocol DivergenceRun: Sendable {
    /// ln E of this run.
    var nats: Double { get }
}

/// Evidence since the beginning and since many later moments, as one: half of the stake is on a difference from the
/// start, the other half is spread over later starts, 1 / (j (j + 1)) for the one numbered j. An average of evidence
/// is evidence, so this is valid at every time, and a fault that begins on the ninth day costs some nats more, and
/// not the nine days of being healthy.
struct DivergenceTrack<Run: DivergenceRun>: Sendable {
    private struct Later: Sendable {
        var run: Run
        var number: Int
        var lastStep: Int
        var startStep: Int
    }

    private(set) var main: Run
    private var later: [Later] = []
    private var laterCount = 0
    private var ended = -Double.infinity
    private var step = -1
    private let restartSteps: Int
    private let fresh: Run

    init(_ run: Run, restartSteps: Int) {
        main = run
        fresh = run
        self.restartSteps = max(1, restartSteps)
    }

    mutating func advance(_ body: (inout Run) -> Void) {
        step += 1
        if step > 0, step.isMultiple(of: restartSteps) {
            laterCount += 1
            // Every second run lives twice as long as the first, every fourth four times, ...: few are alive at once,
            // and of any age there is one of about half of it.
            let doublings = min(20, laterCount.trailingZeroBitCount)
            let life = restartSteps * 6 * (1 << doublings)
            later.append(Later(run: fresh, number: laterCount, lastStep: step + life, startStep: step))
        }
        body(&main)
        for index in later.indices { body(&later[index].run) }
        let now = step
        for one in later where one.lastStep <= now {
            ended = Mathematics.logOfSum(ended, DivergenceTrack.stake(one.number) + one.run.nats)
        }
        later.removeAll { $0.lastStep <= now }
    }

    /// ln E of all runs together.
    var nats: Double {
        var total = Mathematics.logOfSum(Mathematics.log(0.5) + main.nats, ended)
        for one in later { total = Mathematics.logOfSum(total, DivergenceTrack.stake(one.number) + one.run.nats) }
        // What is not staked yet.
        return Mathematics.logOfSum(total, Mathematics.log(0.5 / Double(laterCount + 1)))
    }

    /// The run that holds most of the evidence, the logarithm of its stake, and the step it started at.
    var strongest: (run: Run, stake: Double, startStep: Int) {
        var best = (run: main, stake: Mathematics.log(0.5), startStep: 0)
        for one in later where DivergenceTrack.stake(one.number) + one.run.nats > best.stake + best.run.nats {
            best = (one.run, DivergenceTrack.stake(one.number), one.startStep)
        }
        return best
    }

    private static func stake(_ number: Int) -> Double {
        Mathematics.log(0.5 / (Double(number) * Double(number + 1)))
    }
}

/// Where a difference began: the start that explains the weighted differences up to the end best, if before it there
/// was none.
enum DivergenceOnset {
    static func index(_ steps: [(sum: Double, variance: Double)], isAbove: Bool) -> Int {
        var best = (index: 0, gain: -Double.infinity)
        var sum = 0.0
        var variance = 0.0
        for index in steps.indices.reversed() {
            sum += isAbove ? steps[index].sum : -steps[index].sum
            variance += steps[index].variance
            guard variance > 0, sum > 0 else { continue }
            let gain = sum * sum / variance
            if gain > best.gain { best = (index, gain) }
        }
        return best.index
    }
}
