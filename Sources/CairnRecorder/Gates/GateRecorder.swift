package import CairnAnalyzer
package import CairnBytes
package import CairnLedger
package import CairnModel
package import CairnReadModels

/// Decides a gate and records what the decision rests on: the findings of this moment first, then the decision with its
/// policy and evidence.
package struct GateRecorder {
    private let ledger: Ledger
    private let readModel: ReadModel
    private let actor: Actor
    private let clock: any WallClock
    private let random: any RandomSource

    package init(
        ledger: Ledger, readModel: ReadModel, actor: Actor, clock: any WallClock, random: any RandomSource
    ) {
        self.ledger = ledger
        self.readModel = readModel
        self.actor = actor
        self.clock = clock
        self.random = random
    }

    /// Blocks until the decision is on disk.
    /// - Throws: `GatePolicy.PolicyError` if the plan's gates cannot be read; what the ledger throws.
    package func decide(
        run: StreamName, phase: String, at now: Timestamp, onBehalfOf: String? = nil
    ) throws -> GateDecision {
        try readModel.catchUp(from: ledger)
        let pair = try ClusterPair.of(run, readModel)
        _ = try Analysis(ledger: ledger, readModel: readModel, actor: actor).run(pair: pair, at: now)
        let (basis, decision) = try readModel.atOneMoment {
            let evaluation = GateEvaluation(ledger: ledger, readModel: readModel)
            return (try readModel.next, try evaluation.decide(run: run, phase: phase, at: now))
        }
        let recorder = CommandRecorder(ledger: ledger, actor: actor, clock: clock, random: random)
        _ = try recorder.record(
            CommandRecorder.Request(
                type: "cairn.gate.evaluated.v1", stream: run, data: GateEvaluation.event(decision, basis: basis),
                time: now, isTimeGiven: false, onBehalfOf: onBehalfOf))
        return decision
    }
}

extension ClusterPair {
    /// The clusters of a migration; nil for a deployment, which has one.
    package static func of(_ run: StreamName, _ readModel: ReadModel) throws -> ClusterPair? {
        let result = try readModel.query(
            "SELECT source_cluster, target_cluster FROM migrations WHERE run = :run LIMIT 1", ["run": .text(run.text)])
        guard let source = result.rows.first?[0].text, let target = result.rows.first?[1].text else { return nil }
        return ClusterPair(source: source, target: target)
    }
}
