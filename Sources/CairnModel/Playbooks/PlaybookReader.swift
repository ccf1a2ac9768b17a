package import CairnBytes

/// Why something is not a playbook, and where in it.
package struct PlaybookError: Error, Sendable, Hashable, CustomStringConvertible {
    /// `stages[2].back.to`
    package var path: String
    package var problem: String

    package var description: String { "cannot read the playbook: \(path.isEmpty ? "it" : path) \(problem)" }
}

extension Playbook {
    /// Longest id, in bytes: it is part of the name of a stream.
    static let idBytesMax = 100
    static let versionMax = 1_000_000_000

    /// Reads a playbook.
    /// - Parameter parent: finds the playbook that `extends` names; its members hold where this one has none.
    package init(
        reading value: JSONValue, parent: (String) -> Playbook? = { _ in nil }
    ) throws(PlaybookError) {
        let node = try Playbook.joined(PlaybookNode(path: "", value: value), parent)
        try node.allowOnly([
            "id", "version", "title", "kind", "open_stages", "stages", "parameters", "traffic", "hook_limits",
            "rollback", "breaker", "timeout_seconds", "emergency_approval_seconds", "description",
        ])
        definition = node.value
        id = try Playbook.id(node)
        version = try Playbook.version(node)
        title = try node.text("title")
        _ = try node.optionalText("description")
        kind = try node.choice("kind")
        hasOpenStages = try node.flag("open_stages")
        timeoutSeconds = try node.optionalNumber("timeout_seconds")
        emergencyApprovalSeconds = try node.optionalNumber("emergency_approval_seconds") ?? 86_400
        stages = []
        for stage in try node.list("stages") { stages.append(try Playbook.stage(stage)) }
        parameters = []
        for parameter in try node.optionalList("parameters") { parameters.append(try Playbook.parameter(parameter)) }
        let traffic = try node.optionalNode("traffic")
        try traffic?.allowOnly(["production", "test"])
        production = try traffic?.optionalNode("production").map(Playbook.shift)
        test = try traffic?.optionalNode("test").map(Playbook.shift)
        hookLimits = [:]
        if let limits = try node.optionalNode("hook_limits") {
            for member in try limits.object() {
                if let problem = PlaybookNode.problem(withName: member.name) {
                    throw limits.error(PlaybookNode.shown(member.name), problem)
                }
                hookLimits[member.name] = try Playbook.hookLimit(try limits.node(member.name))
            }
        }
        rollback = try Playbook.rollback(try node.optionalNode("rollback"))
        breaker = try node.optionalNode("breaker").map { (breaker) throws(PlaybookError) in
            try breaker.allowOnly(["percent", "minimum", "maximum"])
            return BreakerRule(
                percent: try breaker.number("percent"), minimum: try breaker.number("minimum"),
                maximum: try breaker.number("maximum"))
        }
        try checkNames(node)
    }

    /// The playbook with the members of the one that it extends where it has none of its own. What it is called is its
    /// own.
    private static func joined(
        _ node: PlaybookNode, _ parent: (String) -> Playbook?
    ) throws(PlaybookError) -> PlaybookNode {
        guard let name = try node.optionalName("extends") else { return node }
        guard var joined = parent(name)?.definition.object else {
            throw node.error("extends", "names \(name), which is no playbook known here")
        }
        joined["id"] = nil
        joined["version"] = nil
        for member in try node.object() where member.name != "extends" { joined[member.name] = member.value }
        return PlaybookNode(path: "", value: .object(joined))
    }

    /// Whether a text can be the id of a playbook: letters, digits, `.`, `_` and `-`, the first a letter or digit.
    package static func isID(_ text: String) -> Bool {
        guard (1...idBytesMax).contains(text.utf8.count), let first = text.utf8.first else { return false }
        func isLetterOrDigit(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: false
            }
        }
        return isLetterOrDigit(first) && text.utf8.allSatisfy { isLetterOrDigit($0) || "._-".utf8.contains($0) }
    }

    private static func id(_ node: PlaybookNode) throws(PlaybookError) -> String {
        let id = try node.name("id")
        guard isID(id) else {
            throw node.error(
                "id",
                "is \(id), not 1 to \(idBytesMax) letters, digits, '.', '_' and '-' that begin with a letter or digit")
        }
        return id
    }

    private static func version(_ node: PlaybookNode) throws(PlaybookError) -> Int {
        guard let value = try node.optionalNode("version")?.value else { return 1 }
        guard let version = value.integer, version >= 1, version <= versionMax else {
            throw node.error("version", "is not a whole number from 1 to \(versionMax)")
        }
        return Int(version)
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
                try label.allowOnly(["number", "title"])
                labels.append(
                    Label(view: member.name, number: try label.text("number"), title: try label.text("title")))
            }
        }
        var wayBack: WayBack?
        if let back = try node.optionalNode("back") {
            try back.allowOnly(["to", "how"])
            wayBack = WayBack(stage: try back.name("to"), how: try back.text("how"))
        }
        var capacity: Capacity?
        if let tasks = try node.optionalNode("capacity") {
            try tasks.allowOnly(["source", "target"])
            capacity = Capacity(
                sourcePercent: try tasks.number("source"), targetPercent: try tasks.number("target"))
        }
        return Stage(
            name: try node.name("name"), title: try node.text("title"), labels: labels,
            hookKinds: try node.optionalNames("hooks"), isPerStep: try node.flag("per_step"),
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
                try item.allowOnly(["check", "bake"])
                if let check = try item.optionalName("check") {
                    requirements.append(.check(check))
                } else {
                    requirements.append(.bake(parameter: try item.name("bake")))
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
        try node.allowOnly(["name", "minimum", "maximum", "multiple_of", "default", "required"])
        let parameter = Parameter(
            name: try node.name("name"), minimum: try node.number("minimum"), maximum: try node.number("maximum"),
            multipleOf: try node.optionalNumber("multiple_of"), defaultValue: try node.optionalNumber("default"),
            isRequired: try node.flag("required"))
        guard parameter.minimum <= parameter.maximum else { throw node.error("minimum", "is above maximum") }
        if let value = parameter.defaultValue, value < parameter.minimum || value > parameter.maximum {
            throw node.error("default", "is outside minimum and maximum")
        }
        return parameter
    }

    private static func shift(_ node: PlaybookNode) throws(PlaybookError) -> TrafficShift {
        try node.allowOnly(["stage", "steps", "bake_minutes"])
        let steps: Steps
        let value = try node.node("steps")
        if value.value == "free" {
            steps = .free
        } else if value.value.object != nil {
            try value.allowOnly(["every"])
            steps = .every(parameter: try value.name("every"))
        } else {
            let shares = try shares(node)
            steps = .sequence(shares)
        }
        return TrafficShift(
            stage: try node.name("stage"), steps: steps, bakeParameter: try node.optionalName("bake_minutes"))
    }

    /// The target's share after each step: it grows, and in the end it is all.
    private static func shares(_ node: PlaybookNode) throws(PlaybookError) -> [Share] {
        var shares: [Share] = []
        var last = 0.0
        for share in try node.list("steps") {
            if let number = share.value.double {
                guard number > last, number <= 100 else {
                    throw share.error("", "is no percentage above that of the step before, up to 100")
                }
                last = number
                shares.append(.percent(number))
            } else if let name = share.value.string, PlaybookNode.problem(withName: name) == nil {
                shares.append(.parameter(name))
            } else {
                throw share.error("", "is neither a percentage nor a parameter's name")
            }
        }
        guard shares.last == .percent(100) else { throw node.error("steps", "do not end at 100 percent") }
        return shares
    }

    private static func hookLimit(_ node: PlaybookNode) throws(PlaybookError) -> HookLimit {
        try node.allowOnly([
            "count", "timeout_minutes_minimum", "timeout_minutes_maximum", "timeout_minutes_default",
        ])
        let low = try node.number("timeout_minutes_minimum")
        let high = try node.number("timeout_minutes_maximum")
        guard low <= high else { throw node.error("timeout_minutes_minimum", "is above timeout_minutes_maximum") }
        return HookLimit(
            count: Int(clamping: Int64(try node.number("count"))), timeoutMinutes: low...high,
            defaultTimeoutMinutes: try node.number("timeout_minutes_default"))
    }

    private static func rollback(_ node: PlaybookNode?) throws(PlaybookError) -> Rollback {
        guard let node else { return Rollback(endsRun: false, revisitedStages: [], causes: []) }
        try node.allowOnly(["ends_run", "revisit", "on"])
        var causes: Set<RollbackCause> = []
        for cause in try node.optionalList("on") {
            guard let text = cause.value.string, let known = RollbackCause(rawValue: text) else {
                let names = RollbackCause.allCases.map(\.rawValue).joined(separator: ", ")
                throw PlaybookError(path: cause.path, problem: "is none of \(names)")
            }
            causes.insert(known)
        }
        return Rollback(
            endsRun: try node.flag("ends_run"), revisitedStages: try node.optionalNames("revisit"), causes: causes)
    }

    /// Names that refer to stages and parameters must be those of stages and parameters.
    private func checkNames(_ node: PlaybookNode) throws(PlaybookError) {
        guard !stages.isEmpty else { throw node.error("stages", "has 0 stages") }
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
        let shifts = [("traffic.production", production), ("traffic.test", test)]
        let named =
            rollback.revisitedStages.enumerated().map { ("rollback.revisit[\($0)]", $1) }
            + shifts.compactMap { path, shift in shift.map { ("\(path).stage", $0.stage) } }
        for (path, name) in named where index(of: name) == nil {
            throw node.error(path, "is \(name), and there is no such stage")
        }
        for (index, parameter) in parameters.enumerated()
        where parameters.firstIndex(where: { $0.name == parameter.name }) != index {
            throw node.error("parameters[\(index)].name", "is \(parameter.name), as that of an earlier parameter")
        }
        for case (let path, let shift?) in shifts {
            if let bake = shift.bakeParameter { try checkParameter(bake, node, "\(path).bake_minutes") }
            switch shift.steps {
            case .free: break
            case .every(let parameter): try checkParameter(parameter, node, "\(path).steps")
            case .sequence(let shares):
                for case .parameter(let parameter) in shares { try checkParameter(parameter, node, "\(path).steps") }
            }
        }
    }

    private func checkParameter(_ name: String, _ node: PlaybookNode, _ path: String) throws(PlaybookError) {
        guard parameters.contains(where: { $0.name == name }) else {
            throw node.error(path, "names the parameter \(name), which it does not have")
        }
    }
}
