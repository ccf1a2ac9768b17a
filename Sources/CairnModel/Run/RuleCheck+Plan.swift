internal import CairnBytes

/// What a plan must keep to.
extension RuleCheck {
    mutating func checkPlan() {
        guard state.plannedAt == nil else {
            add(.alreadyPlanned, "\(state.stream) was planned at \(state.plannedAt?.description ?? "")")
            return
        }
        guard let playbook = plannedPlaybook() else { return }
        let kind = name == "migration.planned" ? Playbook.Kind.migration : .deployment
        if playbook.kind != kind {
            add(.unknownPlaybook, "\(playbook.id) is a playbook for a \(playbook.kind.rawValue)")
        }
        let parameters = data["parameters"]?.object ?? JSONObject()
        for parameter in playbook.parameters { check(parameter, parameters[parameter.name]) }
        checkNames(of: parameters, playbook)
        for budget in data["budgets"]?.object ?? JSONObject() where playbook.stage(named: budget.name) == nil {
            if provenance == .command || !playbook.hasOpenStages {
                add(.unknownStage, "the budget for \(budget.name) is for no stage of \(playbook.id)")
            }
        }
        var counts: [String: Int] = [:]
        for value in data["hooks"]?.array ?? [] {
            guard let hook = HookDeclaration(value) else {
                add(.invalidData, "a hook of the plan has no name")
                continue
            }
            counts[hook.kind, default: 0] += 1
            check(hook, playbook)
        }
        for (kind, count) in counts.sorted(by: { $0.key < $1.key }) {
            guard let limit = playbook.hookLimits[kind]?.count, count > limit else { continue }
            add(.tooManyHooks, "the plan has \(count) hooks of kind \(kind), more than \(limit)")
        }
    }

    private mutating func plannedPlaybook() -> Playbook? {
        do throws(BrokenRule) {
            return try state.playbooks.planned(data)
        } catch {
            add(error.rule, error.explanation)
            return nil
        }
    }

    /// A parameter that nobody reads would leave the default in force, and nobody would know.
    private mutating func checkNames(of parameters: JSONObject, _ playbook: Playbook) {
        var known = playbook.parameters.map(\.name)
        if playbook.breaker != nil { known.append(CircuitBreaker.parameterName) }
        guard let unknown = parameters.first(where: { !known.contains($0.name) })?.name else { return }
        let names = known.isEmpty ? "it has none" : "it has \(known.joined(separator: ", "))"
        add(.unknownParameter, "\(playbook.id) has no parameter \(unknown); \(names)")
    }

    private mutating func check(_ parameter: Playbook.Parameter, _ value: JSONValue?) {
        guard let value, !value.isNull else {
            if parameter.isRequired { add(.parameterOutOfRange, "the parameter \(parameter.name) is required") }
            return
        }
        let range =
            "\(CanonicalJSON.text(of: parameter.minimum)) to \(CanonicalJSON.text(of: parameter.maximum))"
        guard let number = value.double, number >= parameter.minimum, number <= parameter.maximum else {
            add(
                .parameterOutOfRange,
                "\(parameter.name) is \(CanonicalJSON.string(of: value)), not \(range)")
            return
        }
        guard let unit = parameter.multipleOf, unit > 0 else { return }
        // 0.3 is three times 0.1 for people, though not for doubles.
        let multiple = number / unit
        if (multiple - multiple.rounded()).magnitude > 1e-6 {
            let unitText = CanonicalJSON.text(of: unit)
            add(
                .parameterOutOfRange,
                "\(parameter.name) is \(CanonicalJSON.text(of: number)), not a multiple of \(unitText)")
        }
    }

    private mutating func check(_ hook: HookDeclaration, _ playbook: Playbook) {
        for phase in hook.phases {
            guard let stage = playbook.stage(named: phase) else {
                if provenance == .command || !playbook.hasOpenStages {
                    add(.unknownStage, "hook \(hook.name) attaches to \(phase), which \(playbook.id) does not have")
                }
                continue
            }
            if !stage.hookKinds.contains(hook.kind) {
                let kinds = stage.hookKinds.isEmpty ? "no hooks" : stage.hookKinds.joined(separator: ", ")
                add(
                    .hookNotAttachable, "hook \(hook.name) is of kind \(hook.kind), and \(phase) takes \(kinds)")
            }
        }
        if let minutes = hook.timeoutMinutes, let limit = playbook.hookLimits[hook.kind]?.timeoutMinutes,
            !limit.contains(minutes)
        {
            let range =
                "\(CanonicalJSON.text(of: limit.lowerBound)) to \(CanonicalJSON.text(of: limit.upperBound)) minutes"
            add(
                .parameterOutOfRange,
                "the timeout of hook \(hook.name) is \(CanonicalJSON.text(of: minutes)) minutes, not \(range)")
        }
        if hook.timeoutAction != "ROLLBACK", hook.timeoutAction != "CONTINUE" {
            add(.invalidData, "the timeout action of hook \(hook.name) is neither ROLLBACK nor CONTINUE")
        }
    }
}
