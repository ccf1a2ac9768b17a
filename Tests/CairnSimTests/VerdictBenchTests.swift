import CairnAnalyzer
import CairnSim
import Testing

/// The bench of verdicts on a small fleet: its numbers come from the seed alone, and the worst of them would show.
@Suite struct VerdictBenchTests {
    private static var small: VerdictBench {
        var bench = VerdictBench(seed: 1)
        bench.healthyMetrics = 4
        bench.healthyDays = 1
        bench.applications = 40
        bench.fleetHours = 16
        bench.delayRuns = 3
        bench.costMinutes = 2
        return bench
    }

    private func check(_ results: [QualityResult], count: Int) {
        #expect(results.count == count)
        for one in results {
            let measured = one.measured ?? .nan
            print(
                "  \(one.name), \(one.amount): \(measured) \(one.unit), aimed at \(one.target); \(one.note); "
                    + one.baseline)
            #expect(measured.isFinite && !one.target.isEmpty && !one.note.isEmpty && one.isReached != nil)
        }
    }

    @Test func healthyClustersStayHealthy() {
        let results = Self.small.healthy()
        check(results, count: 7)
        #expect(results.allSatisfy { $0.measured == 0 && $0.isReached == true })
        // What made Kayenta wrong most of the time.
        #expect(results.first { $0.name.hasSuffix("AR(1) .95") }?.baseline.hasPrefix("Kayenta: 100%") == true)
        #expect(Self.small.healthy().map(\.note) == results.map(\.note))
    }

    @Test func faultsOfAFleetAreNamed() {
        let results = Self.small.fleet()
        check(results, count: 3)
        #expect(results[0].measured == 0 && !results[0].note.hasPrefix("0 of 0"))
        // One of the forty is faulty, and it is found.
        #expect(results[1].measured == 100 && results[2].measured == 100)
    }

    @Test func faultsAreFoundInTime() {
        let results = Self.small.delays()
        check(results, count: 16)
        let errors = results.filter { $0.name.hasPrefix("5xx") && $0.amount.hasPrefix("100 ") }
        #expect(errors.count == 3 && errors.allSatisfy { (2...8).contains($0.measured ?? 0) })
        // Less traffic takes longer.
        let rates = ["100 ", "10 ", "1 "].compactMap { rate in
            results.first { $0.name == "5xx .1% to .5%" && $0.amount.hasPrefix(rate) }?.measured ?? nil
        }
        #expect(rates == rates.sorted() && Set(rates).count == 3)
    }

    @Test func stateStaysSmall() {
        var tick = 0.0
        let results = Self.small.cost {
            tick += 0.001
            return tick
        }
        #expect(results.count == 6)
        for one in results where one.unit == "bytes" { #expect(one.isReached == true, "\(one.name): \(one.measured)") }
    }

    @Test func equalClustersAreShownToBeEqual() {
        let results = Self.small.equivalence()
        check(results, count: 4)
        #expect((results[0].measured ?? 0) >= 75)
    }

    /// From samples to verdicts, and multiplied out: 829.44 M comparison-minutes.
    @Test func aReplayIsMultipliedOut() throws {
        var bench = Self.small
        (bench.replayApplications, bench.replayDays) = (40, 1)
        var tick = 0.0
        let results = try bench.replay {
            tick += 0.5
            return tick
        }
        check(results, count: 2)
        // Five batches of half a second each, over 40 applications with 12 metrics and 1,440 minutes.
        #expect(abs((results[0].measured ?? 0) - 2.5e6 / (40 * 12 * 1440)) < 1e-6)
        #expect(abs((results[1].measured ?? 0) - 2.5 / (40 * 12 * 1440) * 829_440_000 / 60) < 1e-6)
        #expect(results[0].note.contains("of 1 faulty applications DIVERGED, 0 of healthy ones"))
        #expect(!results[0].note.contains("; 0 metrics"))
    }

    /// As users wanted it, or undecided with what it takes; and as much of it as was asked for decides.
    @Test(arguments: ReportedCase.all) func reportedCasesAreAnswered(one: ReportedCase) throws {
        let first = try one.judged()
        print("  \(one.name): \(first.verdict), \(first.reason)")
        #expect(first.verdict != .equivalent && !first.reason.isEmpty)
        var found = first
        var (times, rounds) = (1, 0)
        // The first wait may be for the noise to be known at all.
        while found.verdict == .undecided {
            let seconds = try #require(found.timeToDecisionSeconds)
            #expect(found.reason.contains("more decide"), "\(found.reason)")
            times += Int((seconds / 60 / Double(one.experiment.count)).rounded(.up))
            try #require(times * one.experiment.count < 20_000)
            rounds += 1
            try #require(rounds < 10)
            found = try one.judged(times: times)
        }
        print("  decided after \(times * one.experiment.count) min: \(found.verdict), \(found.reason)")
    }
}
