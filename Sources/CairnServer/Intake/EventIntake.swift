import CairnBytes
import CairnIngest
import CairnLedger
import CairnModel
import CairnRecorder

/// Takes events that others tell of to the log: facts, never refused for what they say, in the same steps as an import of
/// a file.
struct EventIntake: Sendable {
    /// What became of one request.
    struct Outcome: Sendable {
        var accepted = 0
        var duplicates = 0
        var rejects: [String] = []
        /// Of the log itself, which takes the whole request or nothing of it.
        var violations = 0
    }

    let ledger: Ledger
    let clock: any WallClock

    /// Blocks until what can be used is on disk.
    /// - Parameter name: what rejects call the request.
    func take(
        _ bytes: [UInt8], as format: ImportFormat, cluster: String?, actor: Actor, named name: String
    ) throws -> Outcome {
        let importer = FileImporter(file: name, options: ImportOptions(format: format, cluster: cluster))
        var events: [IngestedEvent] = []
        var outcome = Outcome()
        func collect(_ batch: IngestBatch) {
            events += batch.events
            outcome.rejects += batch.rejects.map(\.description)
        }
        try importer.append(bytes, emit: collect)
        let file = try importer.finish(emit: collect)
        if let damage = file.damage { outcome.rejects.append("\(name): \(damage)") }
        try append(events.map(\.event), actor: actor, &outcome)
        return outcome
    }

    func append(_ events: [ProposedEvent], actor: Actor, _ outcome: inout Outcome) throws {
        if events.isEmpty { return }
        var facts = FactAppender(ledger: ledger, actor: actor, clock: clock)
        for (event, error) in zip(events, try facts.append(events)) {
            if let error { outcome.rejects.append("event \(event.id): \(error.message)") }
        }
        outcome.accepted += facts.accepted
        outcome.duplicates += facts.duplicates
        outcome.violations += facts.violations
    }
}
