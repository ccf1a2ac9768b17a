package import CairnBytes

/// Why something is not a playbook, and where in it.
package struct PlaybookError: Error, Sendable, Hashable, CustomStringConvertible {
    /// `stages[2].back.to`
    package var path: String
    package var problem: String

    package var description: String { "cannot read the playbook: \(path.isEmpty ? "it" : path) \(problem)" }
}

extension Playbook {
    /// Most stages of a playbook. AWS has 11; a plan repeats some of them for each traffic step.
    static let stagesMax = 100

    /// Reads a playbook.
    /// - Parameter parent: finds the playbook that `extends` names; its members hold where this one has none.
    package init(
        reading value: JSONValue, parent: (String) -> Playbook? = { _ in nil }
    ) throws(PlaybookError) {
        var node = PlaybookNode(path: "", value: value)
        if let name = try node.optionalText("extends") {
            guard let extended = parent(name)?.definition.object else {
                throw node.error("extends", "names \(name), which is no playbook known here")
            }
            var joined = extended
            for member in try node.object() where member.name != "extends" { joined[member.name] = member.value }
            node = PlaybookNode(path: "", value: .object(joined))
        }
        try node.allowOnly([
            "id", "title", "kind", "open_stages", "stages", "parameters", "traffic", "hook_limits", "rollback",
            "breaker", "timeout_seconds", "emergency_approval_seconds", "description",
        ])
        definition = node.value
        id = try node.text("id")
        title = try node.text("title")
        kind = try node.choice("kind")
        hasOpenStages = try node.flag("open_stages")
        timeoutSeconds = try node.optionalNumber("timeout_seconds")
        emergencyApprovalSeconds = try node.optionalNumber("emergency_approval_seconds") ?? 86_400
        stages = []
        for stage in try node.list("stages") { stages.append(try Playbook.stage(stage)) }
        parameters = []
        for parameter in try node.optionalList("parameters") { parameters.append(try Playbook.parameter(parameter)) }
        let traffic = try node.optionalNode("traffic")
        production = try traffic?.optionalNode("production").map(Playbook.shift)
        test = try traffic?.optionalNode("test").map(Playbook.shift)
        hookLimits = [:]
        if let limits = try node.optionalNode("hook_limits") {
            for member in try limits.object() {
                hookLimits[member.name] = try Playbook.hookLimit(try limits.node(member.name))
            }
        }
        rollback = try Playbook.rollback(try node.optionalNode("rollback"))
        breaker = try node.optionalNode("breaker").map { (breaker) throws(PlaybookError) in
            BreakerRule(
                percent: try breaker.number("percent"), minimum: try breaker.number("minimum"),
                maximum: try breaker.number("maximum"))
        }
        try checkNames(node)
    }

    private static func stage(_ node: PlaybookNode) throws(PlaybookError) -> Stage {
        try node.allowOnly([
            "name", "title", "names", "hooks", "per_step", "optional", "later", "start", "complete", "back",
            "timeout_seconds", "budget_seconds", "capacity",
        ])
        var labels: [Label] = []
        if let names = try node.optionalNode("names") {
            for member in try names.object() {
                let label = try names.node(member.name)
                labels.append(
                    Label(view: member.name, number: try label.text("number"), title: try label.text("title")))
            }
        }
        var wayBack: WayBack?
        if let back = try node.optionalNode("back") {
            wayBack = WayBack(stage: try back.text("to"), how: try back.text("how"))
        }
        var capacity: Capacity?
        if let tasks = try node.optionalNode("capacity") {
            capacity = Capacity(
                sourcePercent: try tasks.number("source"), targetPercent: try tasks.number("target"))
        }
        return Stage(
            name: try node.text("name"), title: try node.text("title"), labels: labels,
            hookKinds: try node.optionalTexts("hooks"), isPerStep: try node.flag("per_step"),
            isOptional: try node.flag("optional"), isLater: try node.flag("later"),
            startRequirements: try requirements(node, "start"),
            completeRequirements: try requirements(node, "complete"), wayBack: wayBack,
            timeoutSeconds: try node.optionalNumber("timeout_seconds"),
            budgetSeconds: try node.optionalNumber("budget_seconds"), capacity: capacity)
    }

    private static func requirements(_ node: PlaybookNode, _ name: String) throws(PlaybookError) -> [Requirement] {
        var requirements: [Requirement] = []
        for item in try node.optionalList(name) {
            if item.value.object != nil {
                if let check = try item.optionalText("check") {
                    requirements.append(.check(check))
                } else {
                    requirements.append(.bake(parameter: try item.text("bake")))
                }
                continue
            }
            let words: [String: Requirement] = [
                "approval": .approval, "gate": .gate, "checks": .checks, "ttl-elapsed": .ttlElapsed,
                "freeze": .freeze, "no-freeze": .noFreeze, "stack-ready": .stackReady,
                "traffic-on-target": .trafficOnTarget,
            ]
            guard let word = item.value.string, let requirement = words[word] else {
                let known = words.keys.sorted().joined(separator: ", ")
                throw PlaybookError(path: item.path, problem: "is none of \(known), {check: NAME}, {bake: PARAMETER}")
            }
            requirements.append(requirement)
        }
        return requirements
    }

    private static func parameter(_ node: PlaybookNode) throws(PlaybookError) -> Parameter {
        Parameter(
            name: try node.text("name"), minimum: try node.number("minimum"), maximum: try node.number("maximum"),
            multipleOf: try node.optionalNumber("multiple_of"), defaultValue: try node.optionalNumber("default"),
            isRequired: try node.flag("required"))
    }

    private static func shift(_ node: PlaybookNode) throws(PlaybookError) -> TrafficShift {
        let steps: Steps
        let value = try node.node("steps")
        if value.value == "free" {
            steps = .free
        } else if value.value.object != nil {
            steps = .every(parameter: try value.text("every"))
        } else {
            var shares: [Share] = []
            for share in try node.list("steps") {
                if let number = share.value.double {
                    shares.append(.percent(number))
                } else if let name = share.value.string {
                    shares.append(.parameter(name))
                } else {
                    throw PlaybookError(path: share.path, problem: "is neither a percentage nor a parameter's name")
                }
            }
            steps = .sequence(shares)
        }
        return TrafficShift(
            stage: try node.text("stage"), steps: steps, bakeParameter: try node.optionalText("bake_minutes"))
    }

    private static func hookLimit(_ node: PlaybookNode) throws(PlaybookError) -> HookLimit {
        let low = try node.number("timeout_minutes_minimum")
        let high = try node.number("timeout_minutes_maximum")
        guard low <= high else { throw node.error("timeout_minutes_minimum", "is above timeout_minutes_maximum") }
        return HookLimit(
            count: Int(clamping: Int64(try node.number("count"))), timeoutMinutes: low...high,
            defaultTimeoutMinutes: try node.number("timeout_minutes_default"))
    }

    private static func rollback(_ node: PlaybookNode?) throws(PlaybookError) -> Rollback {
        guard let node else { return Rollback(endsRun: false, revisitedStages: [], causes: []) }
        var causes: Set<RollbackCause> = []
        for cause in try node.optionalList("on") {
            guard let text = cause.value.string, let known = RollbackCause(rawValue: text) else {
                let names = RollbackCause.allCases.map(\.rawValue).joined(separator: ", ")
                throw PlaybookError(path: cause.path, problem: "is none of \(names)")
            }
            causes.insert(known)
        }
        return Rollback(
            endsRun: try node.flag("ends_run"), revisitedStages: try node.optionalTexts("revisit"), causes: causes)
    }

    /// Names that refer to stages and parameters must be those of stages and parameters.
    private func checkNames(_ node: PlaybookNode) throws(PlaybookError) {
        guard !stages.isEmpty, stages.count <= Playbook.stagesMax else {
            throw node.error("stages", "has \(stages.count) stages, not 1 to \(Playbook.stagesMax)")
        }
        for (index, stage) in stages.enumerated() {
            guard self.index(of: stage.name) == index else {
                throw node.error("stages[\(index)].name", "is \(stage.name), as that of an earlier stage")
            }
            if let back = stage.wayBack {
                guard let target = self.index(of: back.stage), target <= index else {
                    throw node.error("stages[\(index)].back.to", "is \(back.stage), not this or an earlier stage")
                }
            }
            for case .bake(let parameter) in stage.startRequirements + stage.completeRequirements {
                try checkParameter(parameter, node, "stages[\(index)]")
            }
            if stage.isPerStep, production == nil {
                throw node.error("stages[\(index)].per_step", "needs the steps of traffic.production")
            }
        }
        for name in rollback.revisitedStages + [production?.stage, test?.stage].compactMap({ $0 })
        where index(of: name) == nil {
            throw node.error("", "names the stage \(name), which it does not have")
        }
        for shift in [production, test].compactMap({ $0 }) {
            if let bake = shift.bakeParameter { try checkParameter(bake, node, "traffic") }
            switch shift.steps {
            case .free: break
            case .every(let parameter): try checkParameter(parameter, node, "traffic")
            case .sequence(let shares):
                for case .parameter(let parameter) in shares { try checkParameter(parameter, node, "traffic") }
            }
        }
    }

    private func checkParameter(_ name: String, _ node: PlaybookNode, _ path: String) throws(PlaybookError) {
        guard parameters.contains(where: { $0.name == name }) else {
            throw node.error(path, "names the parameter \(name), which it does not have")
        }
    }
}
