internal import CairnAnalyzer
internal import CairnBytes
internal import CairnFlowLogs
package import CairnLedger
internal import CairnModel
internal import CairnSeries

/// Computes every recorded finding, gate decision and violation again, from the log alone, and names what comes out differently.
package enum Rejudgement {
    package struct Verdict: Sendable, Hashable {
        package var finding: String
        /// Of the event that recorded it.
        package var position: UInt64
        /// Nil if the same comes out again.
        package var difference: String?
    }

    package static func run(_ ledger: Ledger) throws -> [Verdict] {
        var events: [RecordedEvent] = []
        var verdicts = try violations(ledger)
        try ledger.forEach(from: 0) { event in
            let type = EventType(event.type)
            guard type.family == .cairn else { return }
            // A gate's result that somebody recorded by hand has no policy, and nothing to compute again.
            if ["finding.opened", "finding.revised"].contains(type.name)
                || (type.name == "gate.evaluated" && event.data["policy"] != nil)
            {
                events.append(event)
            }
        }
        // Findings of one analysis rest on the same part of the log: read it once for all of them.
        var basis: (position: UInt64, log: EvidenceLog)?
        for event in events {
            guard let position = event.data["basis_position"]?.integer.flatMap({ UInt64(exactly: $0) }) else {
                verdicts.append(verdict(event, "it does not say what it rests on"))
                continue
            }
            if basis?.position != position { basis = (position, try EvidenceLog(ledger, before: position)) }
            guard let log = basis?.log else { continue }
            let isGate = EventType(event.type).name == "gate.evaluated"
            verdicts.append(
                verdict(
                    event,
                    isGate ? try GateEvaluation.difference(event, ledger, log) : try difference(event.data, log)))
        }
        return verdicts.sorted { $0.position < $1.position }
    }

    private static func verdict(_ event: RecordedEvent, _ difference: String?) -> Verdict {
        let gate = event.data["phase"]?.string.map { "gate of \($0), \(event.subject.id)" }
        return Verdict(finding: gate ?? event.subject.id, position: event.position, difference: difference)
    }

    private static func difference(_ recorded: JSONValue, _ log: EvidenceLog) throws -> String? {
        let again: [FindingDraft]
        switch recorded["analyzer"]?.string {
        case DropsAnalyzer.name: again = try FindingDraft.drops(judgedAs: recorded, on: log)
        case DivergenceReport.analyzer:
            let pair = ClusterPair(
                source: recorded["clusters"]?["source"]?.string ?? "",
                target: recorded["clusters"]?["target"]?.string ?? "")
            again = try FindingDraft.divergence(
                pair, log.samples, sinceMs: recorded["judged"]?["since_ms"]?.integer,
                untilMs: recorded["judged"]?["until_ms"]?.integer,
                trafficShiftsMs: recorded["judged"]?["traffic_shifts_ms"]?.array?.compactMap(\.integer) ?? [],
                meanings: recorded["judged"]?["meanings"])
        case SilenceAnalyzer.name:
            guard let moment = recorded["judged"]?["at"]?.string.flatMap({ Timestamp($0) }) else {
                return "it does not say when it was noticed"
            }
            again = SilenceAnalyzer.findings(log.entries.watermarks, at: moment).map { FindingDraft($0) }
        case AnomalyFinding.analyzer:
            guard let selector = recorded["judged"]?["selector"]?.string,
                let parsed = try? SeriesSelector(parsing: selector)
            else { return "it does not say which series were judged" }
            let request = AnomalyRequest(
                selector: parsed, sinceMs: recorded["judged"]?["since_ms"]?.integer,
                untilMs: recorded["judged"]?["until_ms"]?.integer)
            again = try AnomalyAnalyzer.findings(log.samples, request).map { FindingDraft($0, request: request) }
        case let name: return "the analyzer \(name ?? "?") is not known here"
        }
        let evidence = log.problems.first.map { " (\($0))" } ?? ""
        guard let finding = again.first(where: { $0.id == recorded["finding"]?.string }) else {
            return "the evidence does not show it any more" + evidence
        }
        if let before = FindingSignal(recorded["signal"]), let now = FindingSignal(finding.data["signal"]),
            let sample = changedSample(before, now)
        {
            return sample + evidence
        }
        for member in finding.data.members {
            guard let before = recorded[member.name] ?? .null as JSONValue?, before != member.value else { continue }
            return "\(member.name) was \(CanonicalJSON.string(of: before)) and is "
                + CanonicalJSON.string(of: member.value) + evidence
        }
        return log.problems.first
    }

    /// The first point of the signal that is another one now.
    private static func changedSample(_ before: FindingSignal, _ now: FindingSignal) -> String? {
        for (name, old, new) in [("source", before.source, now.source), ("target", before.target, now.target)] {
            for index in 0..<max(old.count, new.count) {
                let was = old.indices.contains(index) ? old[index] : nil
                let value = new.indices.contains(index) ? new[index] : nil
                guard was != value else { continue }
                func text(_ value: Double?) -> String { value.map { CanonicalJSON.text(of: $0) } ?? "missing" }
                return "the sample of the \(name) cluster at \(before.time(of: index)) (\(before.axis)) was "
                    + "\(text(was)) and is \(text(value))"
            }
        }
        return nil
    }

    /// Holds every fact against the rules again and compares with the violations that were recorded.
    private static func violations(_ ledger: Ledger) throws -> [Verdict] {
        var states = RunStates(ledger: ledger, isFresh: true)
        var expected: [String: (position: UInt64, rule: String)] = [:]
        var recorded: [String: UInt64] = [:]
        try ledger.forEach(from: 0) { event in
            let type = EventType(event.type)
            if type.family == .cairn, type.name == "violation.recorded" {
                recorded[
                    "\(event.data["rule"]?.string ?? "") \(event.data["event_source"]?.string ?? "") "
                        + "\(event.data["event_id"]?.string ?? "")"] = event.position
                return
            }
            let broken = try states.judge(event, at: event.position)
            // Commands were refused or allowed by the same rules before they were recorded.
            guard type.family != .cairn else { return }
            for violation in broken {
                expected["\(violation.rule.rawValue) \(event.source) \(event.id)"] =
                    (event.position, violation.rule.rawValue)
            }
        }
        var verdicts: [Verdict] = []
        for (key, fact) in expected where recorded[key] == nil {
            verdicts.append(
                Verdict(
                    finding: "violation", position: fact.position,
                    difference: "it breaks the rule \(fact.rule), and no violation says so"))
        }
        for (key, position) in recorded {
            verdicts.append(
                Verdict(
                    finding: "violation", position: position,
                    difference: expected[key] == nil ? "the fact that it is about does not break the rule" : nil))
        }
        return verdicts
    }
}

extension FindingDraft {
    /// All findings of an analysis, as a recorded finding of it says that it was made.
    static func drops(judgedAs recorded: JSONValue, on log: EvidenceLog) throws -> [FindingDraft] {
        let request = DropsRequest(
            source: recorded["clusters"]?["source"]?.string, target: recorded["clusters"]?["target"]?.string,
            since: recorded["judged"]?["since_minute"]?.integer, until: recorded["judged"]?["until_minute"]?.integer)
        return try DropsAnalyzer.report(on: log.flows, for: request).findings.map {
            FindingDraft($0, request: request, policy: .standard)
        }
    }
}
