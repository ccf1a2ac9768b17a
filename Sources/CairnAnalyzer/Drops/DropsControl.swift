/// The other cluster beside a stretch: difference in differences. What rises in both is the environment.
struct DropsControl {
    /// What the same stream of the other cluster did in the same minutes; nothing without traffic.
    let events: Double
    let connections: Double
    let expected: Double
    private let temper: Double

    init(_ expectation: DropsExpectation, in minutes: Range<Int64>) {
        let total = expectation.total(in: minutes)
        events = total.events
        connections = total.connections
        expected = total.expected
        temper = expectation.parts.last?.spread.temper ?? 1
    }

    /// Nats for "it deviates as well" over "it is as usual".
    private func nats(like rate: Double) -> Double {
        let usual = max(1e-6, expected / connections)
        // Half the rate of the cluster in question: clusters take different paths to the same trouble.
        let wanted = min(0.98, max(rate / 2, usual * 1.5 + 0.02, rate - 0.1))
        guard wanted > usual else { return 0 }
        return DropsLikelihood.nats(events: events, connections: connections, rate: wanted, baseline: usual) / temper
    }

    /// ln of the rise over the expectation, in the cluster in question less that in the other one; half an event keeps
    /// it finite.
    func rise(of stretch: DropsDetector.Stretch, temper: Double) -> DropFinding.Rise {
        let difference =
            Mathematics.log((stretch.events + 0.5) / (stretch.expected + 0.5))
            - Mathematics.log((events + 0.5) / (expected + 0.5))
        let deviation =
            (temper / (stretch.events + 0.5) + self.temper * (1 / (events + 0.5))).squareRoot()
        return DropFinding.Rise(
            times: Mathematics.exp(difference), low: Mathematics.exp(difference - 1.96 * deviation),
            high: Mathematics.exp(difference + 1.96 * deviation))
    }

    /// Whether the other cluster deviates like a stretch; nil if its traffic does not tell.
    func deviates(like rate: Double, policy: DropsPolicy) -> Bool? {
        guard connections > 0 else { return nil }
        let nats = nats(like: rate)
        if nats >= policy.controlNats { return true }
        return nats <= -policy.controlNats ? false : nil
    }
}
