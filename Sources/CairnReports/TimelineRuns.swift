internal import CairnBytes
internal import CairnModel
internal import CairnWeb

/// What became of the runs in a timeline: the bars of their phases, and those that failed or went back. It reads all
/// events of the runs, so that what ended after a stretch of time is not shown as if it still ran.
struct TimelineRuns {
    /// What moves a run to its end or back.
    static let endings: Set<String> = [
        "rollback.started", "rollback.completed", "rollback.failed", "migration.completed", "migration.aborted",
        "deployment.completed", "deployment.failed",
    ]
    /// Most runs that a headline names.
    private static let namedMax = 5

    private(set) var phases: [TimelinePhase] = []
    /// Of each phase, by its place.
    private var runOfPhase: [String] = []
    /// The phase that a further event about it means, by run, name and step.
    private var latest: [String: Int] = [:]
    private var outcomes: [String: Outcome] = [:]
    /// The runs of which something of this is inside, in order.
    private var told: [String] = []

    private struct Outcome {
        var verb: String
        var time: Timestamp
        var reason: String?
        var isRunning = false
    }

    /// - Parameters:
    ///   - events: of the runs, in any order.
    ///   - isInside: whether an event is in the stretch of time that the headline is about.
    init(_ events: [RecordedEvent], isInside: (RecordedEvent) -> Bool) {
        for event in events.sorted(by: { ($0.time, $0.position) < ($1.time, $1.position) }) {
            let type = EventType(event.type)
            guard type.family != .foreign else { continue }
            if type.name.hasPrefix("phase."), let phase = event.data["phase"]?.string {
                add(event, type.name, phase)
            } else if TimelineRuns.endings.contains(type.name) {
                end(event, type.name)
                if note(event, type.name), isInside(event), !told.contains(event.subject.text) {
                    told.append(event.subject.text)
                }
            }
        }
    }

    // MARK: Phases

    private mutating func add(_ event: RecordedEvent, _ name: String, _ phase: String) {
        let step = event.data["step"]?.integer.map { " \($0)" } ?? ""
        let key = "\(event.subject.text) \(phase)\(step)"
        switch name {
        case "phase.started":
            // A deployment's stream is deployment/CLUSTER/SERVICE/ID.
            let run = event.subject.id.split(separator: "/").dropFirst().first.map(String.init) ?? event.subject.id
            let name = event.subject.kind == "migration" ? phase + step : "\(run): \(phase)\(step)"
            latest[key] = phases.count
            phases.append(TimelinePhase(name: name, start: event.time, end: nil, status: .running))
            runOfPhase.append(event.subject.text)
        case "phase.completed": finish(latest[key], event.time, .completed)
        case "phase.failed": finish(latest[key], event.time, .failed)
        case "phase.reverted": finish(latest[key], event.time, .reverted)
        default: return
        }
    }

    private mutating func finish(_ place: Int?, _ time: Timestamp, _ status: TimelinePhase.Status) {
        guard let place else { return }
        phases[place].end = max(time, phases[place].start)
        phases[place].status = status
    }

    /// What still runs ends with its run.
    private mutating func end(_ event: RecordedEvent, _ name: String) {
        let status: TimelinePhase.Status
        switch name {
        case "migration.completed", "deployment.completed": status = .completed
        case "rollback.completed": status = .reverted
        default: status = .failed
        }
        for place in phases.indices where phases[place].end == nil && runOfPhase[place] == event.subject.text {
            finish(place, event.time, status)
        }
    }

    // MARK: Failures

    /// - Returns: whether the event is about a failure.
    private mutating func note(_ event: RecordedEvent, _ name: String) -> Bool {
        let run = event.subject.text
        let before = outcomes[run]
        let reason = event.data["reason"]?.string
        switch name {
        case "rollback.started":
            outcomes[run] = Outcome(verb: "began to roll back", time: event.time, reason: reason, isRunning: true)
        case "rollback.completed":
            outcomes[run] = Outcome(verb: "was rolled back", time: event.time, reason: before?.reason)
        case "rollback.failed":
            outcomes[run] = Outcome(verb: "could not be rolled back", time: event.time, reason: reason)
        // How the way back ended says more.
        case "deployment.failed" where before == nil || before?.isRunning == true:
            outcomes[run] = Outcome(verb: "failed", time: event.time, reason: before?.reason ?? reason)
        case "migration.aborted":
            outcomes[run] = Outcome(verb: "was aborted", time: event.time, reason: reason ?? before?.reason)
        default: return false
        }
        return true
    }

    /// A sentence part for each run that failed or went back: `deployment/shop/orders/1 was rolled back at ...`.
    var failures: [String] {
        var texts = told.prefix(TimelineRuns.namedMax).compactMap { run in
            outcomes[run].map { outcome in
                let reason = outcome.reason.flatMap { $0.isEmpty ? nil : ": \($0)" } ?? ""
                return "\(run) \(outcome.verb) at \(outcome.time.dateText) \(outcome.time.timeText) UTC\(reason)"
            }
        }
        if told.count > TimelineRuns.namedMax {
            texts.append("\(told.count - TimelineRuns.namedMax) more runs failed or went back")
        }
        return texts
    }

    var isRollingBack: Bool { told.contains { outcomes[$0]?.isRunning == true } }
}
