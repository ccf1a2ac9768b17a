import CairnAnalyzer
import CairnSeries
import CairnTestSupport
import Testing

@Suite struct AnomalyBeforeAfterTests {
    /// Four days of minutes with a daily course and noise that remembers; the change is two hours before the end.
    private func series(
        seed: UInt64, memory: Double = 0.8, days: Int = 4, jump: Double = 0, factor: Double = 1
    ) -> (samples: [Sample], changeMs: Int64) {
        var random = SeededRandom(seed: seed)
        var state = random.normal()
        let change = days * 1440 - 120
        let samples = (0..<days * 1440).map { minute -> Sample in
            state = memory * state + (1 - memory * memory).squareRoot() * random.normal()
            let course = 100 + 30 * StatisticsShim.sin(2 * .pi * Double(minute % 1440) / 1440)
            let value = course + 3 * state + (minute >= change ? jump : 0)
            return Sample(timeMs: Int64(minute) * 60_000, value: value * factor)
        }
        return (samples, Int64(change) * 60_000)
    }

    @Test func findsAJump() {
        for seed in 1...20 as ClosedRange<UInt64> {
            let (samples, change) = series(seed: seed, jump: 18)
            let verdict = BeforeAfter.judge(samples, changeMs: change)
            #expect(verdict.verdict == .moved, "seed \(seed): \(verdict.reason)")
            #expect((8...28).contains(verdict.effect), "seed \(seed)")
            #expect(verdict.effectLow < verdict.effect && verdict.effect < verdict.effectHigh)
            #expect(verdict.chance < 0.01)
        }
    }

    /// The course of the day and noise that remembers are no change.
    @Test(arguments: [0, 0.8, 0.95])
    func nothingWasChanged(memory: Double) {
        var moved = 0
        for seed in 100..<200 as Range<UInt64> {
            let (samples, change) = series(seed: seed, memory: memory)
            if BeforeAfter.judge(samples, changeMs: change).verdict == .moved { moved += 1 }
        }
        #expect(moved <= 3, "memory \(memory): \(moved) of 100")
    }

    /// Through the source of samples: a counter by its growth, each series by itself.
    @Test func changesOfASource() throws {
        let (samples, change) = series(seed: 7, jump: 30)
        let calm = series(seed: 8)
        var total = 0.0
        let counted = samples.map { sample -> Sample in
            total += sample.value
            return Sample(timeMs: sample.timeMs, value: total)
        }
        var source = MemorySampleSource()
        source.add(counted, to: try SeriesKey(name: "requests_total", labels: [Label("app", "a")]))
        source.add(calm.samples, to: try SeriesKey(name: "requests_total", labels: [Label("app", "b")]))
        let found = try AnomalyAnalyzer.changes(
            source, AnomalyRequest(selector: .metric("requests_total")), changeMs: change)
        #expect(found.map { $0.key["app"] } == ["a", "b"])
        #expect(found.map(\.change.verdict) == [.moved, .within])
        // Growth in a second, of a counter that grows by so much in a minute.
        #expect((10.0 / 60...50 / 60).contains(found[0].change.effect))
    }

    /// The interval holds what was put in as often as it says.
    @Test func intervalsHoldTheEffect() {
        var held = 0
        for seed in 200..<300 as Range<UInt64> {
            let (samples, change) = series(seed: seed, jump: 12)
            let verdict = BeforeAfter.judge(samples, changeMs: change)
            if verdict.effectLow <= 12, verdict.effectHigh >= 12 { held += 1 }
        }
        #expect((80...98).contains(held), "\(held) of 100")
    }

    @Test(arguments: [1e-6, 1e6])
    func unitsDoNotMatter(factor: Double) {
        let plain = series(seed: 5, jump: 8)
        let scaled = series(seed: 5, jump: 8, factor: factor)
        let one = BeforeAfter.judge(plain.samples, changeMs: plain.changeMs)
        let other = BeforeAfter.judge(scaled.samples, changeMs: scaled.changeMs)
        #expect(one.verdict == other.verdict)
        #expect((one.deviations - other.deviations).magnitude < 1e-6 * one.deviations)
    }

    @Test func tooLittleIsUndecided() {
        let short = series(seed: 1, days: 1)
        #expect(BeforeAfter.judge(short.samples, changeMs: short.changeMs).verdict == .undecided)
        #expect(BeforeAfter.judge([], changeMs: 0).verdict == .undecided)
        let (samples, change) = series(seed: 1)
        let cut = samples.filter { $0.timeMs < change + 5 * 60_000 }
        let verdict = BeforeAfter.judge(cut, changeMs: change)
        #expect(verdict.verdict == .undecided)
        #expect(verdict.reason.contains("15 minutes"))
        // Samples at the ends of time are no crash.
        let ends = [Sample(timeMs: .min, value: 1), Sample(timeMs: 0, value: 1), Sample(timeMs: .max, value: 1)]
        #expect(BeforeAfter.judge(ends, changeMs: 0).verdict == .undecided)
    }
}
