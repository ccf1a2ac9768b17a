package import CairnBytes

/// State and command to events, or a refusal that names the rule.
package enum Decider {
    /// Decides one command.
    /// - Parameters:
    ///   - type: `cairn.phase.started.v1`, or `phase.started` for short.
    ///   - data: what the caller gives; what follows from the state (the attempt of a hook's call, who asks or
    ///     approves) may be left out.
    ///   - time: when it happens.
    ///   - now: the clock of whoever decides: nothing is asked for that has not happened.
    ///   - actor: who asks, for people.
    ///   - expected: the revision that the caller saw last.
    /// - Returns: the events to append, the one asked for first: a hook that fails, for instance, starts a rollback.
    package static func decide(
        state: MigrationState, type: String, data: JSONValue, at time: Timestamp, now: Timestamp,
        actor: String, expected: ExpectedRevision = .any
    ) throws(Refusal) -> [EventDraft] {
        let (name, schema) = try schema(of: type)
        guard schema.streamKinds.isEmpty || schema.streamKinds.contains(state.stream.kind) else {
            let kinds = schema.streamKinds.joined(separator: " or ")
            throw Refusal(rule: .wrongStream, explanation: "\(name) belongs to a stream of kind \(kinds)")
        }
        try check(expected, state)
        guard let given = schema.inOwnNames(data).object else {
            throw Refusal(rule: .invalidData, explanation: "the data of \(name) is not an object")
        }
        if let twice = schema.fieldNamedTwice(in: given) {
            throw Refusal(
                rule: .invalidData, explanation: "\(twice.name) is given twice: \(twice.other) is another name of it",
                field: twice.name)
        }
        let object = filled(given, name: name, state: state, actor: actor)
        do throws(SchemaError) {
            try schema.validate(.object(object))
        } catch {
            throw Refusal(rule: .invalidData, explanation: "\(error)", field: error.field)
        }
        if RuleCheck.isInFuture(time, now: now) {
            throw Refusal(rule: .timeInFuture, explanation: RuleCheck.futureText(time, now: now))
        }
        guard EventVocabulary.runs.contains(state.stream.kind) else {
            return [EventDraft(name: name, data: .object(object))]
        }
        if let broken = RuleCheck.broken(
            in: state, name: name, data: object, time: time, now: now, provenance: .command
        ).first {
            throw Refusal(rule: broken.rule, explanation: broken.explanation)
        }
        return [EventDraft(name: name, data: .object(object))] + consequences(of: name, object, state, time, now: now)
    }

    private static func schema(of type: String) throws(Refusal) -> (String, EventSchema) {
        let parsed = EventType(type)
        let name = parsed.family == .cairn ? parsed.name : type
        guard parsed.family != .observed, let schema = EventVocabulary.standard.schema(named: name) else {
            throw Refusal(rule: .notACommand, explanation: "there is no command \(type)")
        }
        guard parsed.family != .cairn || parsed.version == schema.version else {
            throw Refusal(
                rule: .notACommand, explanation: "commands are of the newest version, \(name).v\(schema.version)")
        }
        guard schema.origin == .command else {
            throw Refusal(rule: .notACommand, explanation: "\(name) is only ever said by Cairn itself")
        }
        return (name, schema)
    }

    private static func check(_ expected: ExpectedRevision, _ state: MigrationState) throws(Refusal) {
        switch expected {
        case .any: return
        case .none:
            guard let revision = state.revision else { return }
            throw Refusal(rule: .revision, explanation: "\(state.stream) has events already, the last is \(revision)")
        case .exactly(let wanted):
            guard state.revision != wanted else { return }
            let found = state.revision.map { "is at revision \($0)" } ?? "has no event yet"
            throw Refusal(rule: .revision, explanation: "\(state.stream) \(found), not at \(wanted)")
        }
    }

    /// The data with what follows from the state filled in.
    private static func filled(
        _ data: JSONObject, name: String, state: MigrationState, actor: String
    ) -> JSONObject {
        var data = data
        func fill(_ field: String, _ value: JSONValue?) {
            if data[field] == nil || data[field] == .null, let value { data[field] = value }
        }
        switch name {
        case "migration.planned", "deployment.planned":
            // The history has to stand alone where the playbook is not one that every Cairn brings.
            guard let id = data["playbook"]?.string, let playbook = state.playbooks[id],
                playbook != PlaybookLibrary.builtIn[id]
            else { break }
            fill("playbook_definition", playbook.definition)
        case "phase.started": if data["emergency"] == true { fill("requested_by", .string(actor)) }
        case "approval.requested": fill("requested_by", .string(actor))
        case "approval.granted", "approval.rejected": fill("approver", .string(actor))
        case "gate.evaluated": fill("reasons", [])
        case "hook.called", "hook.answered":
            guard let hook = data["hook"]?.string, let phase = data["phase"]?.string else { break }
            let given = data["step"]?.integer.flatMap { Int(exactly: $0) }
            let step = state.step(given: given, phase: phase)
            let call = state.latestCall(hook, phase, step, isRollback: state.status == .rollingBack)
            let isCalled = name == "hook.called"
            fill("attempt", .integer(isCalled ? (call?.attempt ?? 0) &+ 1 : call?.attempt ?? 1))
            fill("step", step.map { .integer($0) })
            guard isCalled else { break }
            fill("hook_details", state.hookDetails[hook].map { .object($0) })
            let weights = state.weightsToTell(at: phase)
            fill("production_traffic_weights", .object(weights.production))
            fill("test_traffic_weights", .object(weights.test))
        case "hook.timed_out":
            let declared = data["hook"]?.string.flatMap { state.declaration(of: $0) }
            fill("action", .string(declared?.timeoutAction ?? "ROLLBACK"))
        default: break
        }
        return data
    }

    /// What the playbook makes happen without anybody asking: the rollback that an event calls for.
    private static func consequences(
        of name: String, _ data: JSONObject, _ state: MigrationState, _ time: Timestamp, now: Timestamp
    ) -> [EventDraft] {
        var after = state
        after.apply(name, data, at: time)
        guard state.rollbackDue == nil, let reason = after.rollbackDue else { return [] }
        let rollback: JSONObject = ["reason": .string(reason)]
        let broken = RuleCheck.broken(
            in: after, name: "rollback.started", data: rollback, time: time, now: now, provenance: .command)
        return broken.isEmpty ? [EventDraft(name: "rollback.started", data: .object(rollback))] : []
    }
}
