import CairnAnalyzer
import CairnTestSupport
import Testing

/// Published values: confseq's unit tests, and runs of its header and of safestats' formula.
@Suite struct StatisticsTests {
    private func isClose(_ one: Double, _ other: Double, _ tolerance: Double = 1e-5) -> Bool {
        (one - other).magnitude <= tolerance * max(1, other.magnitude)
    }

    @Test func normalMixtureTwoSided() {
        let mixture = NormalMixture(bestVariance: 100, alpha: 0.05, isOneSided: false)
        #expect(isClose(mixture.rho, 12.60056))
        #expect(isClose(mixture.logEvidence(sum: 10, variance: 100), -0.6510052))
        #expect(isClose(mixture.bound(variance: 100, alpha: 0.05), 30.35209))
    }

    @Test func normalMixtureOneSided() {
        let mixture = NormalMixture(bestVariance: 100, alpha: 0.05, isOneSided: true)
        #expect(isClose(mixture.logEvidenceAbove(sum: 10, variance: 100), -0.06502391))
        #expect(isClose(mixture.boundAbove(variance: 100, alpha: 0.05), 27.66071))
        // Far on the other side the evidence falls, and stays a number.
        #expect(mixture.logEvidenceAbove(sum: -5000, variance: 100) < -1)
        #expect(mixture.logEvidenceAbove(sum: -5000, variance: 100).isFinite)
    }

    @Test func asymptoticConfidenceSequence() {
        let short = AsymptoticConfidenceSequence(alpha: 0.05, bestCount: 100)
        #expect(isClose(short.rate, 0.082119681, 1e-8))
        #expect(isClose(short.margin(count: 100), 0.30351224, 1e-7))
        #expect(isClose(short.margin(count: 1000), 0.10265736, 1e-7))
        let day = AsymptoticConfidenceSequence(alpha: 0.05, bestCount: 1440)
        #expect(isClose(day.margin(count: 1440), 0.079982498, 1e-8))
        // It is the normal mixture under another name.
        #expect(isClose(short.mixture.bound(variance: 1000, alpha: 0.05) / 1000, short.margin(count: 1000), 1e-12))
    }

    @Test func multinomialEvidence() {
        var evidence = MultinomialEvidence(categories: 3)
        evidence.add([90, 8, 2], [80, 10, 10])
        #expect(evidence.nats == 0)
        evidence.add([95, 4, 1], [82, 9, 9])
        #expect(isClose(evidence.nats, 4.27442126, 1e-8))
        evidence.add([450, 40, 10], [400, 50, 50])
        #expect(isClose(evidence.nats, 20.24772945, 1e-8))
    }

    @Test func emptySidesSayNothing() {
        var evidence = MultinomialEvidence(categories: 2)
        evidence.add([50, 50], [0, 0])
        evidence.add([0, 0], [90, 10])
        #expect(evidence.nats == 0)
        #expect(evidence.add([0, 0], [90, 10]) == 0)
    }

    @Test func rareCategoriesAreJoined() {
        var evidence = MultinomialEvidence(categories: 4)
        evidence.add([9000, 900, 3, 1], [9000, 900, 3, 1])
        let few = evidence.groups(expecting: 10)
        #expect(Set(few).count == 2)
        #expect(few[1] == few[2] && few[2] == few[3] && few[0] != few[1])
        #expect(Set(evidence.groups(expecting: 100_000)).count == 4)
        var joined = evidence
        joined.add([10, 1, 0, 0], [8, 3, 0, 0], groups: few)
        #expect(joined.nats.isFinite)
    }

    @Test func falseDiscoveryRate() {
        // One alone among 19,200 needs ln(384,000); twenty at once need a twentieth of it.
        var nats = [Double](repeating: 0, count: 19_200)
        nats[7] = 12.85
        #expect(FalseDiscoveryRate.threshold(nats: nats, rate: 0.05) == nil)
        nats[7] = 12.86
        #expect(isClose(FalseDiscoveryRate.threshold(nats: nats, rate: 0.05) ?? 0, 12.8584, 1e-4))
        for index in 0..<20 { nats[index] = 9.87 }
        #expect(isClose(FalseDiscoveryRate.threshold(nats: nats, rate: 0.05) ?? 0, 9.8627, 1e-4))
    }

    @Test func dispersionOfIndependentAndDependentCounts() {
        var random = SeededRandom(seed: 41)
        func measured(correlation: Double, from level: Double = 0.02) -> Double {
            let margins = CountMargins(least: 0.001, factor: 0.5, most: 0.05, trafficShareMin: 0)
            var comparison = CountComparison(effects: 3, margins: margins)
            for step in 0..<300 {
                let shares = [0.92 - level, 0.08, level]
                let a = random.counts(2000, shares, correlation: correlation)
                // A difference that begins half way is none of the noise.
                let b = random.counts(2000, step < 150 ? shares : [0.82, 0.08, 0.1], correlation: correlation)
                comparison.learnNoise(a, b, draws: (2000, 2000))
            }
            return comparison.temper
        }
        let independent = measured(correlation: 0)
        #expect((1..<2).contains(independent), "seed 41: \(independent)")
        // The variance of a share grows by 1 + (n - 1) rho.
        let dependent = measured(correlation: 0.002)
        #expect((4.2..<8).contains(dependent), "seed 41: \(dependent)")
        let unknown = CountComparison(
            effects: 1, margins: CountMargins(least: 0.001, factor: 0.5, most: 0.05, trafficShareMin: 0))
        #expect(unknown.temper == 4)
    }

    /// What the highest evidence is worth: less than itself, and never more than evidence may be on average.
    @Test func highestEvidenceIsAdjusted() {
        #expect(FalseDiscoveryRate.adjusted(final: 0, highest: 0) <= 0)
        for highest in [0.5, 2, 10, 40, 600.0] {
            let passed = FalseDiscoveryRate.adjusted(final: -5, highest: highest)
            #expect(passed < highest && passed.isFinite)
            #expect(FalseDiscoveryRate.adjusted(final: highest, highest: highest) >= highest - 0.7)
        }
        // The integral of (m - 1 - ln m) / (m ln m)² from 1 is 1: what it pays on average where the highest is as bold
        // as evidence allows.
        var total = 0.0
        for index in 0..<200_000 {
            let nats = (Double(index) + 0.5) / 100
            total += 2 * StatisticsShim.exp(FalseDiscoveryRate.adjusted(final: -700, highest: nats) - nats) / 100
        }
        #expect((0.99..<1.01).contains(total), "\(total)")
    }

    @Test func memoryOfASeries() {
        var random = SeededRandom(seed: 43)
        let noise = (0..<2000).map { _ in random.normal() }
        #expect(Autocorrelation.at(lag: 1, of: noise).magnitude < 0.08)
        var last = 0.0
        let remembering = noise.map { step in
            last = 0.8 * last + step
            return last
        }
        #expect((0.74..<0.86).contains(Autocorrelation.at(lag: 1, of: remembering)))
        let length = Autocorrelation.blockLength(of: remembering, floor: 2, cap: 60)
        #expect((8..<20).contains(length), "seed 43: \(length)")
        #expect(Autocorrelation.blockLength(of: noise, floor: 15, cap: 60) == 15)
        #expect(Autocorrelation.blockMeans(of: [1, 3, .nan, 5, .nan, .nan, 9], length: 2) == [2, 5])
    }
}

extension SeededRandom {
    /// A standard normal number (Marsaglia's polar method would keep one over; this is for tests).
    package mutating func normal() -> Double {
        var sum = 0.0
        for _ in 0..<12 { sum += Double.random(in: 0..<1, using: &self) }
        return sum - 6
    }

    /// Counts of `draws` requests; with a correlation the shares themselves vary (Dirichlet-multinomial).
    mutating func counts(_ draws: Int, _ shares: [Double], correlation: Double = 0) -> [Double] {
        var shares = shares
        if correlation > 0 {
            let size = 1 / correlation - 1
            shares = shares.map { gamma($0 * size) }
            let total = shares.reduce(0, +)
            shares = shares.map { $0 / total }
        }
        var left = draws
        var rest = 1.0
        return shares.map { share in
            let count = rest <= share ? left : binomial(left, share / rest)
            left -= count
            rest -= share
            return Double(count)
        }
    }

    /// Exact for few expected successes, normal for many.
    mutating func binomial(_ draws: Int, _ share: Double) -> Int {
        let share = min(1, max(0, share))
        if share > 0.5 { return draws - binomial(draws, 1 - share) }
        let expected = Double(draws) * share
        if expected > 60 {
            return min(draws, max(0, Int((expected + normal() * (expected * (1 - share)).squareRoot()).rounded())))
        }
        // Gaps between successes are geometric.
        guard share > 0 else { return 0 }
        var count = 0
        var place = 0.0
        while true {
            var gap = 1.0
            // ln(1 - u) / ln(1 - p) by repeated comparison would be slow; exponential gaps are within p of it.
            gap = exponential() / max(share, -StatisticsShim.log(1 - share))
            place += gap.rounded(.up)
            if place > Double(draws) { return count }
            count += 1
        }
    }

    mutating func exponential() -> Double { -StatisticsShim.log(1 - Double.random(in: 0..<1, using: &self)) }

    /// Marsaglia and Tsang 2000, with the step for shapes below 1.
    mutating func gamma(_ shape: Double) -> Double {
        if shape < 1 {
            return gamma(shape + 1) * StatisticsShim.power(Double.random(in: 0..<1, using: &self), 1 / shape)
        }
        let d = shape - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = normal()
            let v = (1 + c * x) * (1 + c * x) * (1 + c * x)
            guard v > 0 else { continue }
            let u = Double.random(in: 0..<1, using: &self)
            if StatisticsShim.log(u) < 0.5 * x * x + d - d * v + d * StatisticsShim.log(v) { return d * v }
        }
    }
}
