/// Maps values to vertical places, with a round top and round steps. The axis begins at zero, since a cut axis makes
/// small things look large; factors alone are shown around one.
struct ValueScale: Sendable {
    let low: Double
    let high: Double
    let ticks: [Double]
    private let top: Double
    private let bottom: Double

    init(values: [Double], unit: AxisUnit, top: Double, bottom: Double) {
        self.top = top
        self.bottom = bottom
        let finite = values.filter { $0.isFinite && $0.magnitude < 1e300 }
        var low = min(0, finite.min() ?? 0)
        var high = max(0, finite.max() ?? 1)
        if unit == .ratio, let least = finite.min(), least > 0 { low = min(least, 1) }
        if high - low < .leastNormalMagnitude * 1e10 { high = low + 1 }
        let step = ValueScale.roundStep((high - low) / 4)
        low = (low / step).rounded(.down) * step
        high = (high / step).rounded(.up) * step
        self.low = low
        self.high = high
        let count = min(12, Int(((high - low) / step).rounded()))
        ticks = (0...max(1, count)).map { low + Double($0) * step }
    }

    func place(of value: Double) -> Double {
        let part = (min(max(value, low), high) - low) / (high - low)
        return bottom - part * (bottom - top)
    }

    /// The smallest of 1, 2, 2.5, 5 times a power of ten that is not below the value.
    static func roundStep(_ value: Double) -> Double {
        guard value > 0, value.isFinite else { return 1 }
        var power = 1.0
        while power * 10 <= value { power *= 10 }
        while power > value { power /= 10 }
        for factor in [1.0, 2, 2.5, 5] where factor * power >= value { return factor * power }
        return 10 * power
    }
}
