import CairnAnalyzer
import CairnTestSupport
import Testing

/// Published values: confseq's unit tests (1e-5), and runs of its header at larger counts (1e-8).
@Suite struct MixtureTests {
    private func expect(
        _ value: Double, _ expected: Double, _ tolerance: Double = 1e-5,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let isClose = (value - expected).magnitude <= tolerance * max(1, expected.magnitude)
        #expect(isClose, "\(value) is not \(expected)", sourceLocation: sourceLocation)
    }

    @Test func betaBinomial() {
        let two = BetaBinomialMixture(bestVariance: 100, alpha: 0.05, g: 0.2, h: 0.8)
        expect(two.logEvidence(sum: 10, variance: 100), -0.6941012)
        expect(two.bound(variance: 100, alpha: 0.05), 31.4308)
        let one = BetaBinomialMixture(bestVariance: 100, alpha: 0.05, g: 0.2, h: 0.8, isOneSided: true)
        expect(one.logEvidence(sum: 10, variance: 100), -0.07134019)
        expect(one.bound(variance: 100, alpha: 0.05), 28.41238)
    }

    @Test func gamma() {
        let exponential = GammaMixture(.exponential, bestVariance: 100, alpha: 0.05, scale: 2)
        expect(exponential.logEvidence(sum: 10, variance: 100), -0.2490165)
        expect(exponential.bound(variance: 100, alpha: 0.05), 33.02017)
        let poisson = GammaMixture(.poisson, bestVariance: 100, alpha: 0.05, scale: 2)
        expect(poisson.logEvidence(sum: 10, variance: 100), -0.06991219)
        expect(poisson.bound(variance: 100, alpha: 0.05), 30.1949)
    }

    @Test func stitched() {
        expect(StitchedBounds.polynomial(variance: 100, alpha: 0.05, leastVariance: 10, scale: 3), 64.48755)
        expect(StitchedBounds.polynomial(variance: 100, alpha: 0.05, leastVariance: 10, scale: -1), 28.99389)
        for (rank, count, first, expected) in [
            (0.5, 1000.0, 100.0, 68.62803), (0.9, 1000, 100, 43.72119), (0.1, 1000, 100, 59.96521),
            (0.99, 10_000, 1000, 46.33937589), (0.995, 10_000, 1000, 31.71772816),
        ] {
            expect(StitchedBounds.quantile(rank: rank, count: count, alpha: 0.05, firstCount: first), expected, 1e-7)
        }
    }

    @Test func distributionBand() {
        let band = DistributionBand(alpha: 0.05, firstCount: 100)
        expect(band.halfWidth(count: 1000), 0.08204769, 1e-7)
        #expect(band.halfWidth(count: 99) == .infinity)
    }

    @Test func bernoulli() {
        for (successes, draws, best, low, high, tolerance) in [
            (700.0, 1000.0, 100.0, 0.651629, 0.745949, 1e-5), (15, 50, 50, 0.129556, 0.511896, 1e-5),
            (1, 50, 50, 0, 0.13489, 1e-5), (100, 200, 1, 0.328923, 0.671076, 1e-5),
            (3, 1000, 1000, 9.8237939e-5, 0.011216742, 1e-9),
            (30, 10_000, 1000, 0.0014871766, 0.0051060231, 1e-9),
        ] {
            let interval = BernoulliConfidence.interval(
                successes: successes, draws: draws, alpha: 0.05, bestCount: best)
            expect(interval.lowerBound, low, tolerance)
            expect(interval.upperBound, high, tolerance)
        }
        #expect(BernoulliConfidence.interval(successes: 0, draws: 0, alpha: 0.05, bestCount: 1) == 0...1)
    }

    @Test func quantileComparison() {
        let short = (1...1000).map { (value: Double($0), count: 1.0) }
        let long = (1...10_000).map { (value: Double($0), count: 1.0) }
        for (values, rank, shift, best, expected, tolerance) in [
            (short, 0.5, 70.0, 100.0, 0.814704, 1e-5), (short, 0.5, 85, 100, 0.0838055, 1e-5),
            (short, 0.5, 100, 100, 0.0054947, 1e-5), (short, 0.9, 55, 100, 0.0340463, 1e-5),
            (long, 0.99, 50, 1000, 0.2380254, 1e-6), (long, 0.99, 100, 1000, 3.4516526e-9, 1e-13),
            (long, 0.995, 50, 1000, 8.585199e-4, 1e-9),
        ] {
            let shifted = values.map { (value: $0.value + shift, count: $0.count) }
            let test = QuantileComparison(rank: rank, bestCount: best)
            expect(test.probability(values, shifted), expected, tolerance)
            expect(test.probability(shifted, values), expected, tolerance)
        }
        #expect(QuantileComparison(rank: 0.5, bestCount: 10).nats([], short) == 0)
    }

    @Test func multinomialConfidence() {
        let even = MultinomialConfidence(expected: [0.5, 0.5])
        expect(even.nats([520, 480]), -0.47312523, 1e-7)
        expect(even.nats([560, 440]), 5.36326890, 1e-7)
        expect(MultinomialConfidence(expected: [0.1, 0.1, 0.8]).nats([10, 5, 85]), 0.19034060, 1e-7)
    }

    /// Twice the errors at a third of the traffic: the interval holds the truth and not equality.
    @Test func rateRatio() throws {
        let share = 1.0 / 3
        let interval = try #require(
            MultinomialConfidence.logRateRatio(2000, 2000, share: share, alpha: 0.01))
        #expect(interval.contains(StatisticsShim.log(2)))
        #expect(!interval.contains(0))
        #expect(MultinomialConfidence.logRateRatio(0, 0, share: share, alpha: 0.01) == nil)
        let oneSided = try #require(MultinomialConfidence.logRateRatio(0, 50, share: 0.5, alpha: 0.01))
        #expect(oneSided.lowerBound > 0)
        #expect(oneSided.upperBound == 30, "nothing on one side sets no upper limit")
    }
}
