/// What a series usually is at this time of the day or of the week: for each slot of the period the means of the last
/// few periods. The current period never predicts itself.
struct SeasonProfile: Sendable {
    private struct Slot: Sendable {
        /// Means of earlier periods, the oldest first.
        var earlier: [Double] = []
        var period = Int64.min
        var sum = 0.0
        var count = 0.0
    }

    private let periodMs: Int64
    private let slotCount: Int
    private let kept: Int
    private let needed: Int
    private var slots: [Slot]
    private var cached: (moment: Int64, expected: Double?) = (.min, nil)

    /// - Parameters:
    ///   - kept: earlier periods kept for each slot.
    ///   - needed: earlier periods a slot must have to predict.
    init(periodMs: Int64, slotCount: Int, kept: Int, needed: Int) {
        precondition(slotCount > 0 && periodMs >= Int64(slotCount), "a period has slots")
        self.periodMs = periodMs
        self.slotCount = slotCount
        self.kept = kept
        self.needed = needed
        slots = Array(repeating: Slot(), count: slotCount)
    }

    private func place(_ timeMs: Int64) -> (period: Int64, slot: Int) {
        let rest = timeMs % periodMs
        let inside = rest < 0 ? rest + periodMs : rest
        let slot = Int(Double(inside) / Double(periodMs) * Double(slotCount))
        return ((timeMs &- inside) / periodMs, min(slot, slotCount - 1))
    }

    /// The median of the earlier periods in this slot and its two neighbours; nil where the slot has too few.
    mutating func expected(at timeMs: Int64) -> Double? {
        let (period, slot) = place(timeMs)
        let moment = period &* Int64(slotCount) &+ Int64(slot)
        if cached.moment == moment { return cached.expected }
        let own = earlier(slot, before: period)
        var expected: Double?
        if own.count >= needed {
            var all = Array(own)
            if slotCount > 2 {
                all += earlier((slot + 1) % slotCount, before: period)
                all += earlier((slot + slotCount - 1) % slotCount, before: period)
            }
            expected = OrderStatistics.median(all)
        }
        cached = (moment, expected)
        return expected
    }

    private func earlier(_ index: Int, before period: Int64) -> [Double] {
        let slot = slots[index]
        guard slot.count > 0, slot.period < period else { return slot.earlier }
        return (slot.earlier + [slot.sum / slot.count]).suffix(kept)
    }

    mutating func add(_ value: Double, at timeMs: Int64) {
        let (period, index) = place(timeMs)
        if slots[index].period != period {
            slots[index].earlier = earlier(index, before: period)
            slots[index].period = period
            slots[index].sum = 0
            slots[index].count = 0
        }
        slots[index].sum += value
        slots[index].count += 1
    }
}
