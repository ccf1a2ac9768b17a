internal import CairnAnalyzer
internal import CairnBytes
internal import CairnFlowLogs
package import CairnLedger
package import CairnModel
internal import CairnSeries

/// Computes every recorded finding, gate decision and violation again, from the log alone, and names what comes out differently.
package enum Rejudgement {
    package struct Verdict: Sendable, Hashable {
        package var finding: String
        /// Of the event that recorded it.
        package var position: UInt64
        /// Nil if the same comes out again.
        package var difference: String?
        /// False where nothing was found and retention took the evidence, as it may.
        package var isChecked = true
    }

    /// - Parameter stream: only what this stream records, and of analyses all; nil: everything, and of analyses the last
    ///   of each stream, which saw what those before it saw.
    package static func run(_ ledger: Ledger, stream: StreamName? = nil) throws -> [Verdict] {
        var events: [RecordedEvent] = []
        var analyses: [StreamName: RecordedEvent] = [:]
        var verdicts = try violations(ledger, in: stream)
        func note(_ event: RecordedEvent) {
            let type = EventType(event.type)
            guard type.family == .cairn else { return }
            switch type.name {
            case "finding.opened", "finding.revised": events.append(event)
            // A gate's result that somebody recorded by hand has no policy, and nothing to compute again.
            case "gate.evaluated": if event.data["policy"] != nil { events.append(event) }
            case AnalysisTrace.name: stream == nil ? analyses[event.subject] = event : events.append(event)
            default: return
            }
        }
        if let stream { try ledger.forEach(in: stream, note) } else { try ledger.forEach(from: 0, note) }
        events = (events + analyses.values).sorted { $0.position < $1.position }
        var bench = Bench(ledger: ledger)
        for event in events { verdicts.append(try bench.verdict(on: event)) }
        return verdicts.sorted { $0.position < $1.position }
    }

    /// Judges one event after the other. Findings of one analysis rest on the same part of the log and come from one
    /// judgement: both are made once for all of them.
    private struct Bench {
        let ledger: Ledger
        private var basis: (position: UInt64, log: EvidenceLog)?
        private var last: (request: JSONValue, judgement: Judgement)?

        init(ledger: Ledger) { self.ledger = ledger }

        mutating func verdict(on event: RecordedEvent) throws -> Verdict {
            let name = EventType(event.type).name
            let what =
                name == "gate.evaluated"
                ? "gate of \(event.data["phase"]?.string ?? "?"), \(event.subject.id)"
                : name == AnalysisTrace.name ? event.subject.text : event.subject.id
            var verdict = Verdict(finding: what, position: event.position)
            guard let position = event.data["basis_position"]?.integer.flatMap({ UInt64(exactly: $0) }) else {
                verdict.difference = "it does not say what it rests on"
                return verdict
            }
            if basis?.position != position {
                basis = (position, try EvidenceLog(ledger, before: position))
                last = nil
            }
            guard let log = basis?.log else { return verdict }
            if name == "gate.evaluated" {
                verdict.difference = try GateEvaluation.difference(event, ledger, log)
                return verdict
            }
            do {
                let again = try judgement(event.data, log)
                verdict.difference =
                    name == AnalysisTrace.name
                    ? Rejudgement.difference(of: again, from: event.data, log)
                    : Rejudgement.difference(event.data, again, log)
            } catch let unclear as Judgement.Unclear {
                verdict.difference = unclear.description
            }
            if name == AnalysisTrace.name, verdict.difference != nil, log.isThinned, !log.isDamaged {
                verdict.difference = "not judged again: retention took some of its evidence, which nothing cites"
                verdict.isChecked = false
            }
            return verdict
        }

        private mutating func judgement(_ recorded: JSONValue, _ log: EvidenceLog) throws -> Judgement {
            var judged = recorded["judged"]?.object ?? JSONObject()
            // How far the data was is told in it too, and is no part of what was asked.
            judged["watermark"] = nil
            let request: JSONValue = [
                "analyzer": recorded["analyzer"] ?? .null, "clusters": recorded["clusters"] ?? .null,
                "judged": .object(judged),
            ]
            if let last, last.request == request { return last.judgement }
            let judgement = try Judgement.again(recorded, on: log)
            last = (request, judgement)
            return judgement
        }
    }

    private static func difference(_ recorded: JSONValue, _ again: Judgement, _ log: EvidenceLog) -> String? {
        let evidence = log.problems.first.map { " (\($0))" } ?? ""
        guard let finding = again.drafts.first(where: { $0.id == recorded["finding"]?.string }) else {
            return "the evidence does not show it any more" + evidence
        }
        if let before = FindingSignal(recorded["signal"]), let now = FindingSignal(finding.data["signal"]),
            let sample = changedSample(before, now)
        {
            return sample + evidence
        }
        return change(from: recorded, to: finding.data, finding.data.names).map { $0 + evidence } ?? log.problems.first
    }

    private static func difference(
        of analysis: Judgement, from recorded: JSONValue, _ log: EvidenceLog
    ) -> String? {
        let evidence = log.problems.first.map { " (\($0))" } ?? ""
        let change = change(from: recorded, to: AnalysisTrace.data(analysis), AnalysisTrace.judgedKeys)
        // What retention took is missed only where it makes a difference; what was altered always is.
        return change.map { $0 + evidence } ?? (log.isDamaged ? log.problems.first : nil)
    }

    private static func change(from recorded: JSONValue, to now: JSONObject, _ names: [String]) -> String? {
        for name in names {
            guard let value = now[name], let before = recorded[name] ?? .null as JSONValue?, before != value else {
                continue
            }
            return "\(name) was \(CanonicalJSON.string(of: before)) and is \(CanonicalJSON.string(of: value))"
        }
        return nil
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
    private static func violations(_ ledger: Ledger, in stream: StreamName?) throws -> [Verdict] {
        var states = RunStates(ledger: ledger, isFresh: true)
        var expected: [String: (position: UInt64, rule: String)] = [:]
        var recorded: [String: UInt64] = [:]
        func isAsked(_ event: RecordedEvent) -> Bool { stream.map { event.subject == $0 } ?? true }
        try ledger.forEach(from: 0) { event in
            let type = EventType(event.type)
            if type.family == .cairn, type.name == "violation.recorded" {
                guard isAsked(event) else { return }
                recorded[
                    "\(event.data["rule"]?.string ?? "") \(event.data["event_source"]?.string ?? "") "
                        + "\(event.data["event_id"]?.string ?? "")"] = event.position
                return
            }
            let broken = try states.judge(event, at: event.position)
            // Commands were refused or allowed by the same rules before they were recorded.
            guard type.family != .cairn, isAsked(event) else { return }
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
