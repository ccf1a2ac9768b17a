internal import CairnBytes

/// Counts tasks that fail in a row, and says when a deployment has to stop, as the deployment circuit breaker of Amazon
/// ECS does.
package struct CircuitBreaker: Sendable, Hashable {
    package var isEnabled = true
    /// Nil while the desired count is not known.
    package var threshold: Int?
    package var failures = 0
    package var resetsOnHealthyTask = true
    package var isTriggered = false
    /// Tasks counted since the last reset: delivery is at least once, and one task must not count twice.
    private var counted: Set<String> = []

    /// What a plan calls its settings, beside the parameters of its playbook.
    static let parameterName = "circuit_breaker"

    package init() {}

    /// clamp(ceil(percent / 100 · desired), minimum, maximum): 1 task gives 3, 25 give 13, 400 give 200.
    package static func threshold(desiredCount: Int64, rule: Playbook.BreakerRule) -> Int {
        let share = (rule.percent * Double(max(0, desiredCount)) / 100).rounded(.up)
        return Int(min(max(share, rule.minimum), rule.maximum))
    }

    /// - Parameter settings: `circuit_breaker` of the plan's parameters: `{enable, type, value, reset_on_healthy_task}`
    ///   with type BOUNDED_PERCENT, UNBOUNDED_PERCENT or COUNT.
    init(rule: Playbook.BreakerRule, desiredCount: Int64?, settings: JSONValue?) {
        isEnabled = settings?["enable"]?.bool ?? true
        resetsOnHealthyTask = settings?["reset_on_healthy_task"]?.bool ?? true
        let value = settings?["value"]?.double.flatMap { $0 >= 0 && $0 <= 1_000_000 ? $0 : nil }
        switch settings?["type"]?.string ?? "BOUNDED_PERCENT" {
        case "COUNT": threshold = value.map { max(1, Int($0)) }
        case "UNBOUNDED_PERCENT":
            threshold = desiredCount.map {
                let open = Playbook.BreakerRule(percent: value ?? rule.percent, minimum: 1, maximum: 1e9)
                return CircuitBreaker.threshold(desiredCount: $0, rule: open)
            }
        default:
            var bounded = rule
            if let value { bounded.percent = value }
            threshold = desiredCount.map { CircuitBreaker.threshold(desiredCount: $0, rule: bounded) }
        }
    }

    mutating func fail(task: String) {
        guard !isTriggered, counted.insert(task).inserted else { return }
        failures += 1
        if isEnabled, let threshold, failures >= threshold { isTriggered = true }
        // Without a threshold nothing bounds the set; what was counted long ago does not come twice.
        if counted.count > 10_000 { counted.removeAll() }
    }

    mutating func healthyTask() {
        guard resetsOnHealthyTask, !isTriggered else { return }
        failures = 0
        counted.removeAll()
    }
}
