package import CairnBytes
package import CairnModel

/// What was changed shortly before something went wrong: the first thing that people ask in an incident. It is a
/// suspect, named with its place in the log, and no proof.
package struct PrecedingChange: Sendable, Hashable {
    /// `production traffic to 50 % on the target`.
    package var what: String
    package var time: Timestamp
    package var position: UInt64
    /// The phase that ran, who approved it, and the hook that was called last in it, as far as the log tells.
    package var phase: String?
    package var approvedBy: String?
    package var hook: String?

    /// The form that `incident.opened` carries.
    package func json(before moment: Timestamp) -> JSONValue {
        var object: JSONObject = [
            "what": .string(what), "time": .string(time.description), "position": .integer(position),
            "seconds_before": .integer(max(0, moment.seconds - time.seconds)),
        ]
        object["phase"] = phase.map { .string($0) }
        object["approved_by"] = approvedBy.map { .string($0) }
        object["hook"] = hook.map { .string($0) }
        return .object(object)
    }
}

/// The changes of all runs, gathered from their events.
package struct ChangeHistory: Sendable {
    /// Something older than this is not what "just before" means.
    static let reachSeconds: Int64 = 3 * 3600
    /// Minutes are rounded down, so a change may seem to follow what it caused.
    static let roundingSeconds: Int64 = 60

    private struct Run: Sendable {
        var clusters: Set<String> = []
        var changes: [PrecedingChange] = []
        var phases: [(name: String, time: Timestamp)] = []
        var approvals: [String: String] = [:]
        var hooks: [(name: String, time: Timestamp)] = []
    }

    private var runs: [StreamName: Run] = [:]

    package init() {}

    package mutating func note(_ event: RecordedEvent) {
        guard event.subject.kind == "migration" || event.subject.kind == "deployment" else { return }
        let type = EventType(event.type)
        guard type.family != .foreign else { return }
        let data = event.data
        func text(_ name: String) -> String? { data[name]?.string }
        func add(_ what: String) {
            runs[event.subject, default: Run()].changes.append(
                PrecedingChange(what: what, time: event.time, position: event.position))
        }
        switch type.name {
        case "migration.planned", "deployment.planned":
            let names = ["source_cluster", "target_cluster", "cluster"].compactMap(text)
            runs[event.subject, default: Run()].clusters.formUnion(names)
        case "phase.started":
            guard let phase = text("phase") else { return }
            runs[event.subject, default: Run()].phases.append((phase, event.time))
            add("phase \(phase) began")
        case "approval.granted":
            guard let phase = text("phase"), let approver = text("approver") else { return }
            runs[event.subject, default: Run()].approvals[phase] = approver
        case "hook.called":
            guard let hook = text("hook") else { return }
            runs[event.subject, default: Run()].hooks.append((hook, event.time))
        case "traffic.shifted":
            guard let kind = text("kind"), let share = data["weights"]?["target"]?.double else { return }
            add("\(kind) traffic to \(CanonicalJSON.text(of: share)) % on the target")
        case "workload.scaled":
            guard let name = text("application"), let cluster = text("cluster"), let to = data["to"]?.integer else {
                return
            }
            add("\(name) scaled to \(to) in \(cluster)")
        case "freeze.ended": add("the freeze of \(text("scope") ?? "changes") ended")
        default: return
        }
    }

    /// The last change of a run of one of the clusters before a moment; nil if nothing changed shortly before.
    package func change(before moment: Timestamp, clusters: Set<String>) -> PrecedingChange? {
        let latest = moment.adding(seconds: ChangeHistory.roundingSeconds)
        let earliest = moment.adding(seconds: -ChangeHistory.reachSeconds)
        var best: (change: PrecedingChange, run: Run)?
        for run in runs.values where !run.clusters.isDisjoint(with: clusters) {
            for change in run.changes where change.time <= latest && change.time >= earliest {
                let isLater =
                    best.map { ($0.change.time, $0.change.position) < (change.time, change.position) } ?? true
                if isLater { best = (change, run) }
            }
        }
        guard var change = best?.change, let run = best?.run else { return nil }
        change.phase = run.phases.last { $0.time <= change.time }?.name
        change.approvedBy = change.phase.flatMap { run.approvals[$0] }
        let phaseStart = run.phases.last { $0.time <= change.time }?.time ?? .earliest
        change.hook = run.hooks.last { $0.time <= latest && $0.time >= phaseStart }?.name
        return change
    }
}

/// How bad an incident is, and whom it hurts, from the finding that opens it.
package enum IncidentBrief {
    /// `critical`: users of the new cluster get errors or no connection. `warning`: it may become so, or is not the
    /// migration's doing.
    package static func severity(_ finding: JSONValue) -> String {
        switch finding["analyzer"]?.string {
        case DropsAnalyzer.name: finding["side"]?.string == "source-only" ? "warning" : "critical"
        case DivergenceReport.analyzer:
            ["status-mix", "availability", "errors", "latency"].contains(finding["kind"]?.string ?? "")
                ? "critical" : "warning"
        default: "warning"
        }
    }

    /// One sentence with numbers; nil where the finding has none.
    package static func impact(_ finding: JSONValue) -> String? {
        if let excess = finding["excess"]?.double, let cluster = finding["cluster"]?.string {
            let minutes = [finding["start"], finding["end"]].map { $0?.string.flatMap { Timestamp($0)?.minute } }
            var text = "\(Int(min(1e15, excess.rounded()))) connections of \(cluster) more than usual"
            if case (let first?, let last?) = (minutes[0], minutes[1]), last > first {
                text += " in \(last - first) min"
            }
            return text
        }
        guard let app = finding["app"]?.string, let metric = finding["metric"]?.string else { return nil }
        guard let requests = finding["requests"]?.double else { return "users of \(app): \(metric)" }
        let since = finding["start"]?.string.map { " since \($0)" } ?? ""
        func count(_ value: Double) -> String { CanonicalJSON.text(of: min(1e15, value.rounded())) }
        guard let affected = finding["requests_affected"]?.double else {
            return "\(count(requests)) requests to \(app)\(since) met another \(metric)"
        }
        let part = finding["part"]?.string ?? ""
        let what =
            finding["kind"]?.string == "latency"
            ? "were \(finding["direction"]?.string == "better" ? "faster" : "slower")"
            : finding["kind"]?.string == "status-mix" && !part.isEmpty
                ? "ended otherwise (\(part)) than in the old cluster" : "failed beyond what is usual in the old cluster"
        return "\(count(affected)) of \(count(requests)) requests to \(app)\(since) \(what)"
    }
}
