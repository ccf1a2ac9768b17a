/// A made-up stream of drop counters: connections with the season of days and weeks, and of these a part that is lost,
/// with negative binomial counts. What a judge says of it is known to be wrong unless a spike was put in.
package struct DropCounterStream: Sendable {
    package struct Spike: Hashable, Sendable {
        package var minutes: Range<Int>
        package var factor: Double

        package init(minutes: Range<Int>, factor: Double) {
            self.minutes = minutes
            self.factor = factor
        }
    }

    package var seed: UInt64
    package var days: Int
    /// Lost connections a minute, on average, and the share that they are of all.
    package var meanEvents: Double
    package var rate: Double
    /// The variance exceeds the mean by the squared mean over this: 5 to 20 is a dispersion of 0.2 to 0.05.
    package var shape: Int
    /// How far the rate of loss itself moves between night and day.
    package var rateSeason = 0.3
    package var spikes: [Spike] = []

    package init(seed: UInt64, days: Int, meanEvents: Double, rate: Double = 0.05, shape: Int) {
        self.seed = seed
        self.days = days
        self.meanEvents = meanEvents
        self.rate = rate
        self.shape = shape
    }

    /// The stream of a number of a fleet: quiet ones, middling ones and busy ones, each scattering in its own way.
    package static func ofFleet(_ number: Int, seed: UInt64, days: Int) -> DropCounterStream {
        var random = SimulatedRandom(seed: seed &* 0x9E37_79B9 &+ UInt64(number))
        let means = [0.1, 0.5, 2, 5, 10, 50]
        var stream = DropCounterStream(
            seed: random.next(), days: days, meanEvents: means[number % means.count],
            rate: random.uniform(0.01...0.1), shape: random.integer(5...20))
        stream.rateSeason = random.uniform(0...0.4)
        return stream
    }

    package func forEachMinute(_ body: (_ minute: Int, _ events: Int, _ connections: Int) -> Void) {
        var random = SimulatedRandom(seed: seed)
        for minute in 0..<days * 1440 {
            let traffic = DropCounterStream.activity(at: minute)
            let connections = max(1, Int((meanEvents / rate * traffic * random.uniform(0.9...1.1)).rounded()))
            let phase = DropCounterStream.wave(Double((minute + 400) % 1440) / 1440)
            var mean = Double(connections) * rate * (1 + rateSeason * phase)
            for spike in spikes where spike.minutes.contains(minute) { mean *= spike.factor }
            body(minute, min(connections, random.negativeBinomial(mean: mean, shape: shape)), connections)
        }
    }

    /// Between 0.3 and 1.7 over a day, and a third less at weekends.
    package static func activity(at minute: Int) -> Double {
        let day = 1 + 0.7 * wave(Double(minute % 1440) / 1440)
        return minute / 1440 % 7 < 5 ? day : day * 0.67
    }

    /// From -1 to 1 and back, like a sine, from multiplications alone.
    private static func wave(_ phase: Double) -> Double {
        let half = phase < 0.5 ? phase * 2 : phase * 2 - 1
        let arc = 4 * half * (1 - half)
        return phase < 0.5 ? -arc : arc
    }
}

extension SimulatedRandom {
    /// How often chance fails before it succeeds `shape` times: exact, and without a logarithm.
    mutating func negativeBinomial(mean: Double, shape: Int) -> Int {
        let success = Double(shape) / (Double(shape) + mean)
        // 2^64 times the probability; below 1, since the mean is not zero.
        guard mean > 0, success < 1 else { return 0 }
        let limit = UInt64(success * 18_446_744_073_709_549_568)
        var successes = 0
        var failures = 0
        while successes < shape, failures < 1_000_000 {
            if next() < limit { successes += 1 } else { failures += 1 }
        }
        return failures
    }
}
