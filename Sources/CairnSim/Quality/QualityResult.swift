/// One line of the quality bench: what was aimed at beside what was reached.
package struct QualityResult: Sendable {
    package var name: String
    package var amount: String
    /// Nil where nothing was measured, and the note says why.
    package var measured: Double?
    package var unit: String
    /// Empty where a line only stands beside another.
    package var target: String
    /// Nil without a target, or where nothing was measured.
    package var isReached: Bool?
    /// What others reach: on the same data in the same run where it is Kayenta's algorithm.
    package var baseline: String
    package var note: String

    package init(
        name: String, amount: String = "", measured: Double? = nil, unit: String = "", target: String = "",
        isReached: Bool? = nil, baseline: String = "", note: String = ""
    ) {
        self.name = name
        self.amount = amount
        self.measured = measured
        self.unit = unit
        self.target = target
        self.isReached = isReached
        self.baseline = baseline
        self.note = note
    }
}
