import CairnBytes
import CairnModel
import Testing

/// One run with its events, without a log: commands are decided and applied, facts are checked and applied.
struct Run {
    var state: MigrationState
    var events: [RecordedEvent] = []
    var time: Timestamp
    /// The clock of whoever decides; nil while it shows the time of the events.
    var now: Timestamp?
    var actor = "alice"

    static let start = Timestamp("2026-03-01T10:00:00Z") ?? .earliest

    init(_ stream: String, playbooks: PlaybookLibrary = .builtIn) throws {
        let name = try #require(StreamName(stream))
        state = MigrationState(stream: name, playbooks: playbooks)
        time = Run.start
    }

    mutating func wait(minutes: Int64) { time = time.adding(seconds: minutes * 60) }

    mutating func record(_ type: String, _ data: JSONValue, id: String? = nil) -> RecordedEvent {
        let position = UInt64(events.count)
        let event = RecordedEvent(
            position: position, id: id ?? "e\(position)", source: "/test", type: type, subject: state.stream,
            revision: position, time: time, recordedTime: now ?? time, data: data,
            actor: Actor(id: actor, type: "local"))
        events.append(event)
        state.apply(event)
        return event
    }

    /// Decides a command and applies what it gives. Events of decided commands must break no rule themselves.
    @discardableResult
    mutating func command(_ name: String, _ data: JSONValue = [:], by actor: String? = nil) throws -> [EventDraft] {
        let drafts = try Decider.decide(
            state: state, type: name, data: data, at: time, now: now ?? time, actor: actor ?? self.actor)
        for draft in drafts {
            let before = state
            let event = record(draft.type, draft.data)
            let violations = Violations.check(before, event)
            #expect(violations.isEmpty, "\(draft.name) \(CanonicalJSON.string(of: draft.data)): \(violations)")
        }
        return drafts
    }

    /// The rule that refuses a command; nil if it is carried out.
    mutating func refusal(_ name: String, _ data: JSONValue = [:], by actor: String? = nil) -> Rule? {
        do {
            try command(name, data, by: actor)
            return nil
        } catch let refusal as Refusal {
            #expect(!refusal.explanation.isEmpty)
            return refusal.rule
        } catch {
            Issue.record("\(name) failed with \(error)")
            return nil
        }
    }

    /// Records a fact and gives the rules that it breaks.
    @discardableResult
    mutating func fact(_ name: String, _ data: JSONValue = [:]) -> [Rule] {
        let before = state
        let event = record("observed.\(name).v1", data)
        return Violations.check(before, event).map(\.rule)
    }

    mutating func stage(_ name: String, step: Int? = nil) throws {
        var data: JSONObject = ["phase": .string(name)]
        if let step { data["step"] = .integer(step) }
        try command("phase.started", .object(data))
        wait(minutes: 1)
        try command("phase.completed", .object(data))
    }

    mutating func approve(_ phase: String) throws {
        try command("approval.requested", ["phase": .string(phase)], by: "alice")
        try command("approval.granted", ["phase": .string(phase)], by: "bob")
    }

    mutating func pass(_ check: String) throws {
        try command("check.completed", ["name": .string(check), "result": "pass"])
    }

    mutating func passGate(_ phase: String) throws {
        try command("gate.evaluated", ["phase": .string(phase), "result": "pass"])
    }
}

extension Run {
    static let applications: JSONValue = [
        ["name": "web", "class": "stateless", "replicas": 4],
        ["name": "orders", "class": "kafka-pair", "replicas": 2],
    ]

    static func migration() throws -> Run {
        var run = try Run("migration/shop")
        try run.command(
            "migration.planned",
            [
                "playbook": "cluster-migration", "source_cluster": "old", "target_cluster": "new",
                "applications": applications, "budgets": ["shift-traffic": 60],
            ])
        return run
    }

    static func deployment(_ playbook: String, _ parameters: JSONValue = [:], hooks: JSONValue = []) throws -> Run {
        var run = try Run("deployment/shop/catalog/7")
        try run.command("deployment.planned", plan(playbook, parameters, hooks: hooks))
        return run
    }

    static func plan(_ playbook: String, _ parameters: JSONValue, hooks: JSONValue = []) -> JSONValue {
        [
            "playbook": .string(playbook), "service": "catalog", "cluster": "shop", "source_revision": "6",
            "target_revision": "7", "parameters": parameters, "hooks": hooks, "desired_count": 4,
        ]
    }

    mutating func scale(_ application: String, _ cluster: String, _ from: Int, _ to: Int) throws {
        try command("workload.scaled", Run.scaled(application, cluster, from, to))
    }

    static func scaled(_ application: String, _ cluster: String, _ from: Int, _ to: Int) -> JSONValue {
        [
            "application": .string(application), "cluster": .string(cluster), "from": .integer(from),
            "to": .integer(to),
        ]
    }

    static func shift(_ target: Double, kind: String = "production", step: Int? = nil) -> JSONValue {
        var data: JSONObject = [
            "kind": .string(kind), "weights": ["source": .number(100 - target), "target": .number(target)],
        ]
        if let step { data["step"] = .integer(step) }
        return .object(data)
    }

    /// A migration up to the moment before its traffic moves.
    static func readyToShift() throws -> Run {
        var run = try migration()
        try run.command("phase.started", ["phase": "precheck"])
        try run.command(
            "ttl.lowered",
            ["zone": "example.", "record": "a.example. NS", "old_ttl_seconds": 172_800, "new_ttl_seconds": 60])
        try run.pass("same-vpc")
        try run.command("phase.completed", ["phase": "precheck"])
        try run.command("phase.started", ["phase": "build"])
        try run.pass("end-to-end")
        try run.command("phase.completed", ["phase": "build"])
        run.wait(minutes: 2 * 1440)
        try run.approve("snapshot")
        try run.command("phase.started", ["phase": "snapshot"])
        try run.command("freeze.started", ["scope": "pipelines"])
        try run.pass("velero-backup")
        try run.command("phase.completed", ["phase": "snapshot"])
        try run.passGate("move-workloads")
        try run.command("phase.started", ["phase": "move-workloads"])
        try run.scale("web", "new", 0, 2)
        try run.scale("web", "old", 4, 2)
        try run.scale("orders", "new", 0, 1)
        try run.scale("orders", "old", 2, 1)
        try run.command("phase.completed", ["phase": "move-workloads"])
        try run.approve("shift-traffic")
        try run.passGate("shift-traffic")
        return run
    }
}
