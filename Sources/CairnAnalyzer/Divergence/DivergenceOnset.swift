/// Where a difference began: the start that explains the weighted differences up to the end best, if before it there
/// was none.
enum DivergenceOnset {
    typealias Step = (sum: Double, variance: Double)

    static func index(_ steps: [Step], isAbove: Bool) -> Int { best(steps, isAbove: isAbove).index }

    /// Twice the logarithm of the likelihood ratio against no difference, from the best start on.
    static func gain(_ steps: [Step]) -> Double {
        max(best(steps, isAbove: true).gain, best(steps, isAbove: false).gain, 0)
    }

    static func isAbove(_ steps: [Step]) -> Bool {
        best(steps, isAbove: true).gain >= best(steps, isAbove: false).gain
    }

    private static func best(_ steps: [Step], isAbove: Bool) -> (index: Int, gain: Double) {
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
        return best
    }

    /// The error left for an interval that starts at a step which the data chose: all starts together have `alpha`.
    static func alpha(_ alpha: Double, _ onset: Int) -> Double { alpha / (Double(onset + 1) * Double(onset + 2)) }

    /// The part of an effect that is there to stay, as far as one can tell: an effect that chance alone may show (a squared
    /// standard error is its size) fades as data grows, and a wait that is told as if it stayed is too long.
    static func lasting(_ effect: Double, variance: Double) -> Double {
        effect * max(0, 1 - 3 * variance / max(1e-300, effect * effect))
    }

    /// How far from zero an effect is by chance when the interval is about to decide, in standard errors.
    static let stray = 0.5

    /// How many times the data there is brings an interval's half width down to `wanted`: the square of the ratio, and a
    /// little more, since intervals that hold at every time shrink a little slower. Nil if nothing sensible does.
    static func growth(from width: Double, to wanted: Double) -> Double? {
        guard width.isFinite, wanted > 0 else { return nil }
        let plain = (width / wanted) * (width / wanted)
        guard plain > 1 else { return 1 }
        let growth = plain * (1 + Mathematics.log(plain) / 12)
        return growth < 1e9 ? growth : nil
    }
}
