package import CairnBytes

/// What has to hold before a stage begins, as the plan says in its `gates`, or by default.
package struct GatePolicy: Sendable, Hashable {
    /// Must pass. One that is undecided leaves the gate undecided.
    package var requiredChecks: [String] = []
    /// Must not fail. One that is undecided is told and holds nothing up.
    package var watchedChecks: [String] = []
    /// Kinds of finding that are told and hold nothing up: `anomaly`, ...
    package var toleratedKinds: Set<String> = []
    /// By metric or kind of a divergence: an effect up to this, in the finding's unit, holds nothing up.
    package var margins: [String: Double] = [:]
    /// Minutes of the new cluster's data that have to be judged since the stage before began.
    package var evidenceMinutesMin = 0.0
    /// Share of all comparisons between the clusters that have to be decided, 0 to 1.
    package var decidedShareMin = 0.0
    /// Data that is further behind leaves the gate undecided.
    package var dataAgeMinutesMax = 15.0
    /// What undecided becomes after so many minutes since the gate could first be asked; nil: it stays undecided.
    package var undecidedAfterMinutes: Double?
    package var undecidedBecomes = CheckOutcome.fail
    /// When a pipeline should ask again.
    package var callBackDelaySeconds: Int64 = 30
    /// Whether nobody wrote it: shown, so that nobody thinks somebody did.
    package var isDefault = true

    package init() {}

    /// What is wrong with the `gates` of a plan.
    package struct PolicyError: Error, Sendable, Hashable, CustomStringConvertible {
        package var field: String
        package var problem: String
        package var description: String { "cannot use the plan's gates: \(field) \(problem)" }
    }
}

// The format: `{"default": {...}, "shift-traffic": {"required_checks": [...]}, "target_groups": {...}}`.
extension GatePolicy {
    /// The policy for a phase: what Cairn asks by default, changed by the plan's `default`, changed by its entry for
    /// the phase.
    package init(phase: String, gates: JSONValue?) throws(PolicyError) {
        self = GatePolicy.standard(phase: phase)
        guard let gates, !gates.isNull else { return }
        guard gates.object != nil else { throw PolicyError(field: "gates", problem: "is not an object") }
        for name in ["default", phase] {
            guard let entry = gates[name], !entry.isNull else { continue }
            try apply(entry, name)
        }
    }

    /// A policy as an event recorded it.
    package init(recorded json: JSONValue) throws(PolicyError) {
        self.init()
        try apply(json, "policy")
        isDefault = json["is_default"]?.bool ?? false
    }

    private mutating func apply(_ json: JSONValue, _ place: String) throws(PolicyError) {
        guard let object = json.object else { throw PolicyError(field: place, problem: "is not an object") }
        isDefault = false
        for member in object {
            let field = "\(place).\(member.name)"
            switch member.name {
            case "required_checks": requiredChecks = try GatePolicy.names(member.value, field)
            case "watched_checks": watchedChecks = try GatePolicy.names(member.value, field)
            case "tolerated_kinds": toleratedKinds = Set(try GatePolicy.names(member.value, field))
            case "margins":
                guard let margins = member.value.object else {
                    throw PolicyError(field: field, problem: "is not an object")
                }
                for margin in margins {
                    self.margins[margin.name] = try GatePolicy.number(margin.value, "\(field).\(margin.name)", 0...1e9)
                }
            case "evidence_minutes": evidenceMinutesMin = try GatePolicy.number(member.value, field, 0...100_000)
            case "decided_share": decidedShareMin = try GatePolicy.number(member.value, field, 0...1)
            case "data_age_minutes": dataAgeMinutesMax = try GatePolicy.number(member.value, field, 0...10_000_000)
            case "undecided_after_minutes":
                undecidedAfterMinutes =
                    member.value.isNull ? nil : try GatePolicy.number(member.value, field, 0...1_000_000)
            case "undecided_becomes":
                guard let outcome = member.value.string.flatMap({ CheckOutcome(rawValue: $0) }) else {
                    throw PolicyError(field: field, problem: "is not pass, fail or undecided")
                }
                undecidedBecomes = outcome
            case "call_back_delay_seconds":
                callBackDelaySeconds = Int64(try GatePolicy.number(member.value, field, 1...86_400))
            case "is_default": continue
            default: throw PolicyError(field: field, problem: "is not known")
            }
        }
    }

    private static func names(_ value: JSONValue, _ field: String) throws(PolicyError) -> [String] {
        let names = value.array?.compactMap(\.string) ?? []
        guard let array = value.array, names.count == array.count else {
            throw PolicyError(field: field, problem: "is not a list of names")
        }
        return names
    }

    private static func number(
        _ value: JSONValue, _ field: String, _ range: ClosedRange<Double>
    ) throws(PolicyError) -> Double {
        guard let number = value.double, range.contains(number) else {
            throw PolicyError(
                field: field,
                problem: "is not a number from \(CanonicalJSON.text(of: range.lowerBound)) to "
                    + CanonicalJSON.text(of: range.upperBound))
        }
        return number
    }

    /// Every threshold, in the form that plans have and events record.
    package var json: JSONValue {
        var margins = JSONObject()
        for (name, margin) in self.margins { margins[name] = .number(margin) }
        func list(_ names: [String]) -> JSONValue { .array(names.map { .string($0) }) }
        return [
            "required_checks": list(requiredChecks), "watched_checks": list(watchedChecks),
            "tolerated_kinds": list(toleratedKinds.sorted()), "margins": .object(margins),
            "evidence_minutes": .number(evidenceMinutesMin), "decided_share": .number(decidedShareMin),
            "data_age_minutes": .number(dataAgeMinutesMax),
            "undecided_after_minutes": .optional(undecidedAfterMinutes),
            "undecided_becomes": .string(undecidedBecomes.rawValue),
            "call_back_delay_seconds": .integer(callBackDelaySeconds), "is_default": .bool(isDefault),
        ]
    }

    package var digest: String { DivergenceHash.digits(of: CanonicalJSON.bytes(of: json)) }

    /// What Cairn asks for where the plan says nothing: what the talks looked at before each step.
    package static func standard(phase: String) -> GatePolicy {
        var policy = GatePolicy()
        switch phase {
        case "precheck", "build": break
        case "snapshot": policy.watchedChecks = ["node-health", "pod-health"]
        case "move-workloads":
            policy.requiredChecks = ["velero-result"]
            policy.watchedChecks = ["node-health", "target-group-once"]
        case "shift-traffic":
            policy.requiredChecks = ["dns-ttl-elapsed", "velero-result", "pod-health"]
            policy.watchedChecks = [
                "node-health", "pod-state-comparison", "health-check-comparison", "both-zones-validation",
                "cron-job-once", "target-group-once",
            ]
        case "resume-pipelines", "decommission":
            policy.requiredChecks = ["pod-health"]
            policy.watchedChecks = ["node-health", "cron-job-once", "target-group-once"]
            policy.evidenceMinutesMin = 10
        default:
            // The stages of Amazon ECS, and of playbooks that Cairn does not bring.
            policy.watchedChecks = ["alarm-at-start", "listener-weights"]
        }
        return policy
    }
}
