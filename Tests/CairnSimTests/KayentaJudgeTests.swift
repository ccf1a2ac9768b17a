import CairnSim
import Testing

/// The cases that users reported as wrong, answered as Kayenta answers them: that is what the baseline is for.
@Suite struct KayentaJudgeTests {
    private func increase(allowed: Double = 1) -> KayentaJudge.Configuration {
        var configuration = KayentaJudge.Configuration()
        configuration.direction = .increase
        configuration.allowedIncrease = allowed
        return configuration
    }

    /// Seventy times as high in seven points of ten, and passed: the interval's end is an artefact of the tolerance.
    @Test func mostPointsSeventyTimesAsHigh() throws {
        let verdict = KayentaJudge.judge(
            control: Array(repeating: 1, count: 10), experiment: Array(repeating: 100, count: 7) + [1, 1, 1],
            increase(allowed: 1.05))
        #expect(verdict.classification == .pass)
        let interval = try #require(verdict.interval)
        #expect((0...1e-3).contains(interval.low))
        #expect(try #require(verdict.effect) == 70.3)
    }

    @Test func fewErrorsAfterNone() {
        #expect(
            KayentaJudge.judge(control: Array(repeating: 0, count: 6), experiment: [0, 1, 2, 1, 0, 0], increase())
                .classification == .pass)
    }

    /// Errors found while every point has one, and lost when missing points are filled with 0.
    @Test func fillingMissingPointsHidesErrors() {
        let zeros = [Double](repeating: 0, count: 5)
        #expect(KayentaJudge.judge(control: zeros, experiment: [1, 4, 2, 3, 1], increase()).classification == .high)
        var filling = increase()
        filling.replacesNaN = true
        #expect(
            KayentaJudge.judge(control: zeros, experiment: [1, .nan, .nan, 2, 1], filling).classification == .pass)
    }

    @Test func variabilityIsNotSeen() {
        let control: [Double] = [1, 100, 4, 101, 5, 102, 6, 103, 7, 104, 8, 105, 9, 106, 17]
        let experiment = [10, 10.1, 10.2, 10.3, 10.4, 10.5, 10.6, 17, 17.1, 17.2, 17.3, 17.4, 17.5, 17.6, 17.7]
        var configuration = KayentaJudge.Configuration()
        #expect(KayentaJudge.judge(control: control, experiment: experiment, configuration).classification == .pass)
        configuration.direction = .increase
        #expect(KayentaJudge.judge(control: control, experiment: experiment, configuration).classification == .pass)
    }

    /// More than the allowed increase, and passed without a word, since the interval begins too low.
    @Test(arguments: [(8.0, 9.0, 1.125), (1, 3.18, 3.18)])
    func allowedIncreaseThatDoesNotDecide(from: Double, to: Double, ratio: Double) throws {
        let control = [from, from, from, from * 0.2, from * 1.8, from]
        let experiment = control.map { $0 * to / from }
        let verdict = KayentaJudge.judge(control: control, experiment: experiment, increase(allowed: 1.1))
        let effect = try #require(verdict.effect)
        #expect((effect - ratio).magnitude < 1e-9)
        #expect(effect > 1.1)
        let interval = try #require(verdict.interval)
        #expect((verdict.classification == .pass) == (interval.low <= 0.25 * interval.estimate.magnitude))
        if ratio < 2 { #expect(verdict.classification == .pass) }
    }

    /// The same data in another unit gets another verdict, since the tolerance of the root finder is absolute.
    @Test func unitsMatter() {
        let control = (0..<20).map { 1 + 0.05 * Double($0 * 7 % 11) }
        let experiment = control.map { $0 * 1.5 + ($0 > 1.4 ? 3 : 0) }
        func classification(_ factor: Double) -> KayentaJudge.Classification {
            KayentaJudge.judge(control: control.map { $0 * factor }, experiment: experiment.map { $0 * factor })
                .classification
        }
        #expect(classification(1) == .high)
        #expect(classification(1e-5) == .pass)
    }

    @Test func missingData() {
        var configuration = KayentaJudge.Configuration()
        #expect(KayentaJudge.judge(control: [], experiment: [1], configuration).classification == .nodata)
        configuration.mustHaveData = true
        #expect(KayentaJudge.judge(control: [.nan], experiment: [1], configuration).classification == .nodataFailMetric)
        configuration.isCritical = true
        let critical = KayentaJudge.judge(control: [], experiment: [1], configuration)
        #expect(critical.classification == .nodata && critical.isCritical)
        configuration.replacesNaN = true
        #expect(KayentaJudge.judge(control: [], experiment: [1], configuration).classification == .pass)
    }

    @Test func intervalFollowsTheData() {
        let x = (1...20).map { Double($0) * 1.1 }
        let y = (1...20).map { Double($0) + 0.3 }
        let interval = MannWhitney.interval(x, y, deviations: 2.3263478740408408)
        #expect(interval.low < interval.estimate && interval.estimate < interval.high)
        let swapped = MannWhitney.interval(y, x, deviations: 2.3263478740408408)
        #expect((swapped.low + interval.high).magnitude < 1e-3)
        #expect((swapped.high + interval.low).magnitude < 1e-3)
        // A shift of one side moves the interval with it.
        let moved = MannWhitney.interval(x.map { $0 + 5 }, y, deviations: 2.3263478740408408)
        #expect((moved.low - interval.low - 5).magnitude < 1e-3)
        #expect((moved.estimate - interval.estimate - 5).magnitude < 1e-3)
    }

    @Test func commonLanguageEffect() {
        #expect(MannWhitney.commonLanguageEffect([4, 5, 6], [1, 2, 3]) == 1)
        #expect(MannWhitney.commonLanguageEffect([1, 2, 3], [4, 5, 6]) == 0)
        #expect(MannWhitney.commonLanguageEffect([1, 1], [1, 1]) == 0.5)
    }

    @Test func scores() {
        func group(_ classifications: [KayentaJudge.Classification], _ weight: Double? = nil) -> KayentaJudge.Group {
            KayentaJudge.Group(
                verdicts: classifications.map { KayentaJudge.Verdict(classification: $0) }, weight: weight)
        }
        #expect(KayentaJudge.score([group([.pass, .pass, .high])]) == 66.67)
        #expect(KayentaJudge.score([group([.pass], 25), group([.low, .pass])]) == 62.5)
        // A group without any data counts as all passed, until half of everything has none.
        #expect(KayentaJudge.score([group([.nodata]), group([.pass, .high])]) == 75)
        #expect(KayentaJudge.score([group([.nodata]), group([.pass])]) == 0)
        #expect(KayentaJudge.score([group([.pass, .nodataFailMetric])]) == 50)
        let critical = KayentaJudge.Verdict(classification: .high, isCritical: true)
        #expect(KayentaJudge.score([KayentaJudge.Group(verdicts: [critical] + group([.pass, .pass]).verdicts)]) == 0)
    }
}
