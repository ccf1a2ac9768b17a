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

    private func check(_ results: [VerdictResult], count: Int) {
        #expect(results.count == count)
        for one in results {
            print("  \(one.name), \(one.amount): \(one.measured) \(one.unit), aimed at \(one.target); \(one.note)")
            #expect(one.measured.isFinite && !one.target.isEmpty && !one.note.isEmpty)
        }
    }

    @Test func healthyClustersStayHealthy() {
        let results = Self.small.healthy()
        check(results, count: 7)
        #expect(results.allSatisfy { $0.measured == 0 && $0.isReached })
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
        #expect(errors.count == 3 && errors.allSatisfy { (2...8).contains($0.measured) })
        // Less traffic takes longer.
        let rates = ["100 ", "10 ", "1 "].compactMap { rate in
            results.first { $0.name == "5xx .1% to .5%" && $0.amount.hasPrefix(rate) }?.measured
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
        for one in results where one.unit == "bytes" { #expect(one.isReached, "\(one.name): \(one.measured)") }
    }

    @Test func equalClustersAreShownToBeEqual() {
        let results = Self.small.equivalence()
        check(results, count: 4)
        #expect(results[0].measured >= 75)
    }
}
