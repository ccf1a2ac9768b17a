import CairnSim
import Testing

@Suite struct QualityScoreTests {
    private func file(_ alarms: [Int], windows: [ClosedRange<Int>] = [500...599]) -> NABScore.File {
        var scores = [Double](repeating: 0, count: 1000)
        for alarm in alarms { scores[alarm] = 0.9 }
        return NABScore.File(name: "a", scores: scores, windows: windows)
    }

    @Test func ends() {
        #expect(NABScore.normalized([file([])], threshold: 0.5) == 0)
        #expect((NABScore.normalized([file([500])], threshold: 0.5) - 100).magnitude < 1e-9)
        // Alarms at both ends of a window: the first one counts.
        #expect(
            NABScore.normalized([file([500, 599])], threshold: 0.5)
                == NABScore.normalized([file([500])], threshold: 0.5))
        #expect(NABScore.normalized([file([500])], threshold: 0.95) == 0)
    }

    @Test func earlyIsBetterAndElsewhereCosts() {
        let early = NABScore.normalized([file([505])], threshold: 0.5)
        let late = NABScore.normalized([file([590])], threshold: 0.5)
        #expect(early > late && late > 50)
        // Before any window an alarm costs its whole weight, just behind one very little.
        #expect((NABScore.raw(file([300, 500]), threshold: 0.5) - (1 - 0.11)).magnitude < 1e-9)
        let behind = NABScore.raw(file([500, 601]), threshold: 0.5)
        #expect(behind > 0.98 && behind < 1)
        // Nothing counts in the probation.
        #expect(NABScore.raw(file([10, 149, 500]), threshold: 0.5) == NABScore.raw(file([500]), threshold: 0.5))
    }

    @Test func thresholdOfAllFiles() {
        var noisy = file([500])
        for index in stride(from: 160, to: 480, by: 10) { noisy.scores[index] = 0.4 }
        let best = NABScore.bestThreshold([noisy, file([510])])
        #expect(best > 0.4 && best <= 0.9)
    }

    @Test func seasonalBlocks() throws {
        var minutes: [Double] = []
        for day in 0..<4 {
            let level = day.isMultiple(of: 2) ? 0 : 0.01
            for minute in 0..<1440 { minutes.append(level + Double(minute) / 1440) }
        }
        let change = 4 * 1440 - 120
        let calm = try #require(SeasonalBlockJudge.deviations(minutes, change: change))
        for index in change..<minutes.count { minutes[index] += 1 }
        let moved = try #require(SeasonalBlockJudge.deviations(minutes, change: change))
        #expect(calm < 2)
        #expect(moved > 20)
        #expect(SeasonalBlockJudge.deviations(Array(minutes.prefix(1000)), change: 880) == nil)
    }
}
