import CairnBytes
import CairnModel
import CairnTestSupport
import Testing

/// Random histories. A failure prints its seed; the same seed gives the same history.
@Suite struct PropertyTests {
    private struct Generator {
        var random: SeededRandom
        let playbook: Playbook

        /// How often, in percent, a command is what a careful operator would do next: it differs between histories.
        private var carePercent: Int {
            // A rolling deployment has so few stages that a careful operator is done at once.
            playbook.id == "ecs-rolling" ? 15 : [30, 60, 75, 90][Int(random.seed % 4)]
        }

        mutating func pick<Element>(_ elements: [Element]) -> Element {
            elements[Int.random(in: 0..<elements.count, using: &random)]
        }

        mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

        /// Mostly what brings the run on, else anything.
        mutating func command(_ state: MigrationState) -> (String, JSONValue) {
            if chance(carePercent), let next = helpful(state) { return next }
            // Alarms, failed tasks and rollbacks would end most histories early.
            if chance(60) { return chance(50) ? traffic(state) : ("check.completed", ["name": "a", "result": "pass"]) }
            return anything(state)
        }

        /// What a careful operator would do next.
        private mutating func helpful(_ state: MigrationState) -> (String, JSONValue)? {
            guard !state.isFinished else { return nil }
            if state.status == .rollingBack {
                guard state.production?.target == 0 else { return ("traffic.shifted", Run.shift(0)) }
                return ("rollback.completed", [:])
            }
            guard let active = state.activePhase else {
                guard let next = state.nextPhase, next.name != "decommission" || chance(50) else {
                    return ("\(playbook.kind.rawValue).completed", [:])
                }
                return prepare(state, next)
            }
            var slot: JSONObject = ["phase": .string(active.name)]
            if let step = active.step { slot["step"] = .integer(step) }
            for hook in state.declaredHooks where hook.phases.contains(active.name) {
                let call = state.hookCalls.first {
                    $0.hook == hook.name && $0.phase == active.name && $0.step == active.step
                }
                guard call?.hasPassed != true else { continue }
                slot["hook"] = .string(hook.name)
                guard call?.status == .called else { return ("hook.called", .object(slot)) }
                slot["status"] = .string(pick(["SUCCEEDED", "SUCCEEDED", "SUCCEEDED", "IN_PROGRESS"]))
                return ("hook.answered", .object(slot))
            }
            if chance(60), let work = work(state, active) { return work }
            return ("phase.completed", .object(slot))
        }

        private mutating func prepare(_ state: MigrationState, _ next: MigrationState.PhaseState) -> (String, JSONValue)
        {
            var slot: JSONObject = ["phase": .string(next.name)]
            if let step = next.step { slot["step"] = .integer(step) }
            let requirements = playbook.stage(named: next.name)?.startRequirements ?? []
            if requirements.contains(.approval), state.approvals[next.name]?.status != .granted {
                let isAsked = state.approvals[next.name]?.status == .requested
                return (isAsked ? "approval.granted" : "approval.requested", .object(slot))
            }
            if requirements.contains(.gate), state.gates[next.name]?.result != "pass" {
                slot["result"] = "pass"
                return ("gate.evaluated", .object(slot))
            }
            if requirements.contains(.check("source-idle")), chance(50) {
                return ("check.completed", ["name": "source-idle", "result": "pass"])
            }
            return ("phase.started", .object(slot))
        }

        private mutating func work(
            _ state: MigrationState, _ active: MigrationState.PhaseState
        ) -> (String, JSONValue)? {
            switch active.name {
            case "precheck" where state.ttlChanges.isEmpty:
                return (
                    "ttl.lowered",
                    ["zone": "z", "record": "r", "old_ttl_seconds": 600, "new_ttl_seconds": 60]
                )
            case "snapshot" where state.freezes.isEmpty: return ("freeze.started", ["scope": "pipelines"])
            case "resume-pipelines": return ("freeze.ended", ["scope": "pipelines"])
            case "precheck", "build", "snapshot": return ("check.completed", ["name": "a", "result": "pass"])
            case "move-workloads": return ("workload.scaled", scale(state))
            case "TEST_TRAFFIC_SHIFT": return ("traffic.shifted", Run.shift(100, kind: "test"))
            case "shift-traffic", "PRODUCTION_TRAFFIC_SHIFT":
                if state.bake?.completedAt == nil, state.bake != nil { return ("bake.completed", [:]) }
                if state.shiftedSteps > 0, chance(30) { return ("bake.started", ["minutes": 5]) }
                let steps = state.productionSteps ?? [50, 100]
                return ("traffic.shifted", Run.shift(steps[min(state.shiftedSteps, steps.count - 1)]))
            default: return nil
            }
        }

        private mutating func anything(_ state: MigrationState) -> (String, JSONValue) {
            let slot = pick(state.phases)
            var phase: JSONObject = ["phase": .string(slot.name)]
            if let step = slot.step, chance(90) { phase["step"] = .integer(step) }
            switch Int.random(in: 0..<22, using: &random) {
            case 0...3: return ("phase.started", .object(phase))
            case 4...6: return ("phase.completed", .object(phase))
            case 7...8: return traffic(state)
            case 9: return ("approval.requested", .object(phase))
            case 10: return ("approval.granted", .object(phase))
            case 11:
                phase["result"] = .string(pick(["pass", "pass", "pass", "fail", "undecided"]))
                return ("gate.evaluated", .object(phase))
            case 12...13: return hook(state, phase)
            case 14: return ("workload.scaled", scale(state))
            case 15:
                return (
                    "check.completed",
                    [
                        "name": .string(pick(["a", "source-idle", "stack-ready"])),
                        "result": .string(pick(["pass", "pass", "pass", "fail"])),
                    ]
                )
            case 16: return (pick(["freeze.started", "freeze.started", "freeze.ended"]), ["scope": "pipelines"])
            case 17:
                return (
                    "ttl.lowered",
                    [
                        "zone": "z", "record": "r", "old_ttl_seconds": .integer(pick([60, 3600])),
                        "new_ttl_seconds": .integer(pick([60, 3600])),
                    ]
                )
            case 18: return bake(state)
            case 19: return rare(state, phase)
            case 20:
                return (
                    pick(["task.failed", "task.healthy"]),
                    ["task": .string("task-\(random.next() % 50)"), "stage": "start"]
                )
            default:
                return (
                    "alarm.changed",
                    ["alarm": .string(pick(["a", "b"])), "state": .string(pick(["OK", "OK", "OK", "ALARM"]))]
                )
            }
        }

        private mutating func traffic(_ state: MigrationState) -> (String, JSONValue) {
            let kind = chance(80) ? "production" : "test"
            var target = pick([0.0, 5, 10, 50, 90, 100])
            if chance(70) {
                let steps = state.productionSteps ?? [50, 100]
                target =
                    kind == "test" || state.status == .rollingBack
                    ? (state.status == .rollingBack ? 0 : 100) : steps[min(state.shiftedSteps, steps.count - 1)]
            }
            let source = chance(95) ? 100 - target : pick([0.0, 50, 101, -1])
            return (
                "traffic.shifted",
                ["kind": .string(kind), "weights": ["source": .number(source), "target": .number(target)]]
            )
        }

        private mutating func hook(_ state: MigrationState, _ phase: JSONObject) -> (String, JSONValue) {
            var data = phase
            data["hook"] = .string(pick(["watch", "ask"]))
            switch pick([0, 0, 1, 1, 2]) {
            case 0: return ("hook.called", .object(data))
            case 1:
                data["status"] = .string(pick(["SUCCEEDED", "SUCCEEDED", "IN_PROGRESS", "FAILED"]))
                return ("hook.answered", .object(data))
            default: return ("hook.timed_out", .object(data))
            }
        }

        private mutating func scale(_ state: MigrationState) -> JSONValue {
            let name = pick(["web", "orders"])
            let cluster = pick([state.source ?? "old", state.target ?? "new"])
            let known = state.applications[name]?.sizes[cluster]
            let from = known ?? (cluster == state.source ? (name == "web" ? 4 : 2) : 0)
            return Run.scaled(name, cluster, Int(from), max(0, Int(from) + pick([-2, -1, -1, 1, 1, 2])))
        }

        private mutating func bake(_ state: MigrationState) -> (String, JSONValue) {
            guard chance(50) else { return ("bake.completed", [:]) }
            return ("bake.started", ["minutes": .integer(pick([0, 5, 6, 10]))])
        }

        private mutating func rare(_ state: MigrationState, _ phase: JSONObject) -> (String, JSONValue) {
            var data = phase
            data["reason"] = "because"
            switch Int.random(in: 0..<8, using: &random) {
            case 0: return ("rollback.started", .object(data))
            case 1...2: return ("rollback.completed", [:])
            case 3: return ("phase.failed", .object(data))
            case 4...5: return ("phase.reverted", .object(data))
            case 6:
                data["emergency"] = true
                return ("phase.started", .object(data))
            default: return ("\(playbook.kind.rawValue).completed", [:])
            }
        }
    }

    private func planned(_ id: String, _ generator: inout Generator) throws -> Run {
        guard id != "cluster-migration" else { return try Run.migration() }
        let hooks: JSONValue = [
            [
                "name": "watch", "kind": "lambda",
                "phases": ["PRODUCTION_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT"],
            ],
            ["name": "ask", "kind": "pause", "phases": ["PRE_SCALE_UP"], "timeout_minutes": 10],
        ]
        var parameters: JSONObject = ["bake_minutes": .integer(generator.pick([0, 5]))]
        for parameter in PlaybookLibrary.builtIn[id]?.parameters ?? []
        where ["canary_bake_minutes", "step_bake_minutes"].contains(parameter.name) {
            parameters[parameter.name] = 5
        }
        return try Run.deployment(
            id, .object(parameters),
            hooks: id == "ecs-rolling" ? [] : hooks)
    }

    /// What holds in every state that commands lead to.
    private func expectInvariants(_ state: MigrationState, _ note: Comment) {
        for weights in [state.production, state.test] {
            #expect((weights?.source ?? 100) + (weights?.target ?? 0) == 100, note)
        }
        #expect(state.phases.filter { $0.status == .active }.count <= state.productionSteps?.count ?? 1, note)
        let names = Set(state.phases.filter { $0.status == .active }.map(\.name))
        #expect(names.count <= 1, note)
        for (phase, approval) in state.approvals where approval.status == .granted {
            #expect(!approval.requesters.contains(approval.approver ?? ""), "\(phase) \(note)")
        }
        for phase in state.phases where phase.status == .active || phase.status == .completed {
            guard let place = state.phases.firstIndex(of: phase), let stage = state.playbook?.stage(named: phase.name)
            else { continue }
            #expect(phase.isKnown, note)
            // Nothing that cannot be left out was left out.
            for earlier in state.phases[..<place] where earlier.name != phase.name && !stage.isPerStep {
                let isOptional = state.playbook?.stage(named: earlier.name)?.isOptional ?? false
                #expect(earlier.status == .completed || isOptional, "\(phase.name) before \(earlier.name), \(note)")
            }
        }
        if let orders = state.applications["orders"], state.target == "new" {
            let total = (orders.sizes["old"] ?? 2) + (orders.sizes["new"] ?? 0)
            #expect((2...3).contains(total), note)
            #expect(
                (state.applications["web"]?.sizes["old"] ?? 4) + (state.applications["web"]?.sizes["new"] ?? 0) >= 4)
        }
        #expect(state.breaker.failures <= (state.breaker.threshold ?? .max), note)
        #expect(state.status != .completed || state.rollbackDue == nil, note)
    }

    @Test(arguments: PlaybookLibrary.builtIn.ids)
    func commandsLeadToAValidStateOrATypedRefusal(id: String) throws {
        let playbook = try #require(PlaybookLibrary.builtIn[id])
        var carriedOut: [String: Int] = [:]
        var refused: [Rule: Int] = [:]
        for seed in 1...40 as ClosedRange<UInt64> {
            var generator = Generator(random: SeededRandom(seed: seed), playbook: playbook)
            var run = try planned(id, &generator)
            var commandsAfterTheEnd = 0
            for _ in 0..<250 where commandsAfterTheEnd < 20 {
                if run.state.isFinished { commandsAfterTheEnd += 1 }
                let (name, data) = generator.command(run.state)
                let before = run.state
                if let rule = run.refusal(name, data, by: generator.pick(["alice", "bob"])) {
                    refused[rule, default: 0] += 1
                    #expect(run.state == before, "a refusal changes nothing; seed \(seed)")
                } else {
                    carriedOut[name, default: 0] += 1
                }
                expectInvariants(run.state, "\(id) seed \(seed) after \(name)")
                if generator.chance(60) { run.wait(minutes: generator.pick([1, 5, 10])) }
            }
            // A replay of the events gives the same state.
            var again = MigrationState(stream: run.state.stream)
            for event in run.events { again = evolve(again, event) }
            #expect(again == run.state, "seed \(seed)")
        }
        // The histories go somewhere: to their ends, over the way back, and against most rules.
        let note: Comment = "\(id): \(carriedOut) \(refused)"
        #expect(carriedOut["\(playbook.kind.rawValue).completed", default: 0] >= 5, note)
        #expect(carriedOut["rollback.completed", default: 0] >= 3, note)
        #expect(refused.count >= (id == "ecs-rolling" ? 10 : 15), note)
    }

    /// Every event of every history, in any order, several times, damaged: never a failure, and the same each time.
    @Test(arguments: PlaybookLibrary.builtIn.ids)
    func factsInAnyOrderNeverFail(id: String) throws {
        let playbook = try #require(PlaybookLibrary.builtIn[id])
        for seed in 1...15 as ClosedRange<UInt64> {
            var generator = Generator(random: SeededRandom(seed: seed), playbook: playbook)
            var source = try planned(id, &generator)
            for _ in 0..<150 {
                let (name, data) = generator.command(source.state)
                _ = source.refusal(name, data, by: "alice")
            }
            var facts = source.events.map { (EventType($0.type).name, $0.data, $0.time) }
            facts += try VocabularyTests.goldenEvents().map { (EventType($0.type).name, $0.data, Run.start) }
            facts.shuffle(using: &generator.random)
            var run = try Run(source.state.stream.text)
            for (name, data, time) in facts {
                run.time = generator.chance(5) ? generator.pick([.earliest, .latest]) : time
                let damaged = generator.chance(30) ? JSONDamage.damaged(data, &generator.random) : data
                run.fact(name, damaged)
                _ = run.state.overdue(at: run.time)
                _ = run.state.nextPhase
                _ = run.state.earliestSwitch
            }
            #expect(run.state.eventCount == UInt64(facts.count))
            var again = MigrationState(stream: run.state.stream)
            for event in run.events { again.apply(event) }
            #expect(again == run.state, "seed \(seed)")
        }
    }
}
