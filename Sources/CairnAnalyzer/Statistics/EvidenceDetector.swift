/// Turns evidence that arrives step by step into one that a late change does not find exhausted (F10; Shin, Ramdas, Rinaldo
/// 2024, "E-detectors"): a product of evidence from day 0 has paid for every quiet day before the change; these begin anew.
package struct EvidenceDetector: Sendable, Hashable {
    /// ln of the CUSUM e-detector: the best starting point so far.
    package private(set) var best = -Double.infinity
    /// ln of the Shiryaev-Roberts e-detector: the sum over all starting points.
    package private(set) var sum = -Double.infinity
    /// The step at which the best starting point lies: the estimated onset once it is far above zero.
    package private(set) var onset = 0
    private var step = 0

    package init() {}

    /// - Parameter nats: ln of the e-value of this step alone, given the past.
    package mutating func add(nats: Double) {
        if best <= 0 { onset = step }
        best = nats + max(0, best)
        sum = nats + Mathematics.logOfSum(0, sum)
        step += 1
    }

    /// Whether to alarm. With no change the mean time to an alarm is at least 1 / `alpha` steps, for either detector.
    package func isAlarm(alpha: Double) -> Bool { max(best, sum) >= Mathematics.log(1 / alpha) }

    /// Forgets everything: at a traffic step what was learnt is about another split.
    package mutating func reset() {
        best = -.infinity
        sum = -.infinity
        onset = step
    }
}
