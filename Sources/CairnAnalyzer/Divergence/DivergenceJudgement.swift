/// What one part of a metric came to, before the parts of a metric are put together.
struct DivergenceJudgement: Sendable {
    /// The name of the part, or of the class inside it that says most.
    var name: String
    var margin: Double
    /// ln E at each judged step.
    var trajectory: [Double] = []
    /// Effect and interval since the moment judged from, at some of the judged steps.
    var looks: [(step: Int, effect: Double, low: Double, high: Double)] = []
    /// The first step at which the interval lay inside the margin.
    var equivalentAt: Int?
    /// Effect and interval since the beginning, as of the end.
    var effect: Double?
    var low: Double?
    var high: Double?
    /// Effect and interval from the onset to where the evidence was highest.
    var peak: (step: Int, effect: Double, low: Double, high: Double)?
    /// Estimated step at which the difference began.
    var onset: Int = 0
    var isWorse: Bool?
    var baselineEffect: Double?
    var dispersion: Double?
    var strength: Double = 0
    /// Further data, in judged steps, until the interval decides; nil if that cannot be told.
    var stepsToDecision: Double?
    /// The same in requests of the cluster that has fewer.
    var requestsToDecision: Double?
    /// Requests of the target since the onset, and how many of them the difference changed.
    var requests: Double?
    var requestsAffected: Double?
    var isAtMargin = false
    /// ln E that the classes differ at all.
    var mixNats: Double?
    /// Traffic was there and is gone.
    var stopped: DivergenceReason?
    /// Further parts that a report shows and no verdict rests on.
    var shown: [DivergencePart] = []
    /// Why there is nothing to judge.
    var obstacle: DivergenceReason?
    /// What people want to read: `5xx 0.4% -> 2.1%`.
    var description: String = ""
    /// Steps with data of both sides, judged and before.
    var usedSteps: Int = 0
    var baselineSteps: Int = 0

    /// Few enough for an event and enough for a chart.
    private static let looksMax = 120

    /// The steps at which a look is kept: evenly, and the last.
    static func lookSteps(_ count: Int) -> Set<Int> {
        let stride = max(1, (count + looksMax - 1) / looksMax)
        return Set((0..<count).filter { ($0 + 1).isMultiple(of: stride) || $0 == count - 1 })
    }
}
