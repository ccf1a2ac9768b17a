internal import CairnAnalyzer
internal import CairnBytes
package import CairnLedger
package import CairnModel

/// Brings what an analysis found into the log: findings are opened, revised or withdrawn, and each belongs to an
/// incident. The same findings again add nothing.
package struct FindingsRecorder {
    static let source = "/cairn/analyzer"
    /// Findings of one cause that are further apart than this are two incidents.
    static let sameIncidentSeconds: Int64 = 15 * 60
    /// A signal that has been quiet for so long is over.
    static let quietSeconds: Int64 = 10 * 60

    /// What a recording added.
    package struct Outcome: Sendable, Hashable {
        package var opened = 0
        package var revised = 0
        package var withdrawn = 0
        package var unchanged = 0
        package var incidents = 0

        /// Whether any finding was added, changed or taken back.
        package var isChange: Bool { opened + revised + withdrawn > 0 }
    }

    private let ledger: Ledger
    private let actor: Actor
    private var known: [String: KnownFinding] = [:]
    private var incidents: [KnownIncident] = []
    private var changes = ChangeHistory()
    /// The last trace of each analysis.
    private var traces: [StreamName: JSONObject] = [:]

    private struct KnownFinding {
        var data: JSONObject
        var isOpen: Bool
        var incident: String?
    }

    private struct KnownIncident {
        var id: String
        var cause: String
        var start: Timestamp
        var end: Timestamp?
        var findings: Set<String>
        var isOpen: Bool
        /// Closed because nothing of it held: what is found again later is another incident.
        var isWithdrawn = false
    }

    private static let withdrawnReason = "all of its findings were withdrawn"

    package init(ledger: Ledger, actor: Actor) throws {
        self.ledger = ledger
        self.actor = actor
        try ledger.forEach(from: 0) { event in
            guard ["finding", "incident", "analysis"].contains(event.subject.kind) else {
                return self.changes.note(event)
            }
            self.note(event)
        }
    }

    private mutating func note(_ event: RecordedEvent) {
        let type = EventType(event.type)
        guard type.family == .cairn, let data = event.data.object else { return }
        switch type.name {
        case "finding.opened", "finding.revised":
            guard let id = data["finding"]?.string else { return }
            known[id] = KnownFinding(data: data, isOpen: true, incident: known[id]?.incident)
        case AnalysisTrace.name: traces[event.subject] = data
        case "finding.withdrawn":
            if let id = data["finding"]?.string { known[id]?.isOpen = false }
        case "incident.opened":
            guard let id = data["incident"]?.string, let finding = data["finding"]?.string else { return }
            known[finding]?.incident = id
            incidents.append(
                KnownIncident(
                    id: id, cause: data["cause"]?.string ?? "", start: event.time,
                    end: known[finding]?.data["end"]?.string.flatMap { Timestamp($0) }, findings: [finding],
                    isOpen: true))
        case "incident.joined":
            guard let id = data["incident"]?.string, let finding = data["finding"]?.string,
                let index = incidents.firstIndex(where: { $0.id == id })
            else { return }
            known[finding]?.incident = id
            incidents[index].findings.insert(finding)
        case "incident.closed":
            guard let id = data["incident"]?.string, let index = incidents.firstIndex(where: { $0.id == id }) else {
                return
            }
            incidents[index].isOpen = false
            incidents[index].isWithdrawn = data["reason"]?.string == FindingsRecorder.withdrawnReason
        default: return
        }
    }

    /// Records the outcome of one analysis, and that it was made.
    /// - Parameters:
    ///   - findings: all that the analyzer finds in the evidence now. Open findings of it that are not among them are
    ///     withdrawn.
    ///   - seen: what the whole analysis saw.
    ///   - evidence: which entries a finding rests on.
    ///   - newest: the newest moment that was judged.
    ///   - paceSeconds: how often to record that all goes on as before.
    mutating func record(
        _ judgement: Judgement, findings: [FindingDraft], seen: FindingEvidence,
        evidence: (FindingDraft) -> FindingEvidence, newest: Timestamp, paceSeconds: Int64
    ) throws -> Outcome {
        var outcome = Outcome()
        var batch: [Append] = []
        for finding in findings {
            var data = finding.data
            evidence(finding).add(to: &data)
            if let before = known[finding.id] {
                guard !before.isOpen || FindingsRecorder.isDifferent(before.data, data) else {
                    outcome.unchanged += 1
                    continue
                }
                batch.append(append("finding.revised", finding, data))
                outcome.revised += 1
            } else {
                batch.append(append("finding.opened", finding, data))
                outcome.opened += 1
            }
            let incident = known[finding.id]?.incident.flatMap { id in incidents.first { $0.id == id } }
            known[finding.id] = KnownFinding(
                data: data, isOpen: true, incident: incident?.isWithdrawn == true ? nil : incident?.id)
            if known[finding.id]?.incident == nil { batch.append(join(finding, outcome: &outcome)) }
        }
        let standing = Set(findings.map(\.id))
        for (id, before) in known.sorted(by: { $0.key < $1.key })
        where before.isOpen && !standing.contains(id) && judgement.covers(before.data) {
            batch.append(withdrawal(id, before))
            known[id]?.isOpen = false
            outcome.withdrawn += 1
        }
        batch += closings(newest: newest)
        batch += trace(of: judgement, seen, outcome, findings: findings.count, paceSeconds: paceSeconds)
        if !batch.isEmpty { try ledger.append(batch, actor: actor) }
        return outcome
    }

    private mutating func trace(
        of judgement: Judgement, _ seen: FindingEvidence, _ outcome: Outcome, findings: Int, paceSeconds: Int64
    ) -> [Append] {
        let stream = AnalysisTrace.stream(judgement)
        var data = AnalysisTrace.data(judgement)
        data["evidence_digest"] = .string(seen.digest)
        data["basis_position"] = .integer(seen.basisPosition)
        guard
            AnalysisTrace.isDue(
                data, after: traces[stream], findingsChanged: outcome.isChange, paceSeconds: paceSeconds)
        else { return [] }
        data["findings"] = [
            "standing": .integer(findings), "opened": .integer(outcome.opened), "revised": .integer(outcome.revised),
            "withdrawn": .integer(outcome.withdrawn),
        ]
        traces[stream] = data
        return [event(AnalysisTrace.name, stream, at: judgement.end, data)]
    }

    /// What changes with every import, because there is more data or there are more streams to watch: no revision by
    /// itself.
    private static let growing =
        FindingEvidence.keys + [
            "judged", "log_evidence_needed", "evidence_series", "requests", "requests_affected",
        ]

    /// Whether a finding says something else now.
    static func isDifferent(_ left: JSONObject, _ right: JSONObject) -> Bool {
        func essence(_ data: JSONObject) -> JSONObject {
            var data = data
            for key in growing { data[key] = nil }
            return data
        }
        return essence(left) != essence(right)
    }

    private func append(_ name: String, _ finding: FindingDraft, _ data: JSONObject) -> Append {
        event(name, StreamName(kind: "finding", foreignID: finding.id), at: finding.start, data)
    }

    /// The same data of the same subject is the same event.
    private func event(_ name: String, _ stream: StreamName, at time: Timestamp, _ data: JSONObject) -> Append {
        let digest = Digests.sha256(CanonicalJSON.bytes(of: .object(data))).prefix(16)
        return Append(
            ProposedEvent(
                id: "\(stream.id)/\(name)/\(digest)", source: FindingsRecorder.source, type: "cairn.\(name).v1",
                subject: stream, time: time, data: .object(data)))
    }

    private mutating func join(_ finding: FindingDraft, outcome: inout Outcome) -> Append {
        let reach = FindingsRecorder.sameIncidentSeconds
        let start = finding.start.adding(seconds: -reach)
        let end = (finding.end ?? .latest)
        let index = incidents.firstIndex { incident in
            !incident.isWithdrawn && incident.start <= end
                && (incident.cause == finding.cause || finding.relatedCauses.contains(incident.cause))
                && (incident.end.map { $0.adding(seconds: reach) >= start } ?? true)
        }
        if let index {
            incidents[index].findings.insert(finding.id)
            if let known = incidents[index].end { incidents[index].end = finding.end.map { max($0, known) } }
            known[finding.id]?.incident = incidents[index].id
            return incidentEvent(
                "incident.joined", incidents[index].id, at: finding.start,
                ["incident": .string(incidents[index].id), "finding": .string(finding.id)])
        }
        func id(_ number: Int) -> String {
            let again = number == 0 ? "" : " \(number)"
            return "inc-\(Digests.sha256(Array("\(finding.cause) \(finding.start)\(again)".utf8)).prefix(12))"
        }
        var number = 0
        while incidents.contains(where: { $0.id == id(number) }) { number += 1 }
        let id = id(number)
        incidents.append(
            KnownIncident(
                id: id, cause: finding.cause, start: finding.start, end: finding.end, findings: [finding.id],
                isOpen: true))
        known[finding.id]?.incident = id
        outcome.incidents += 1
        let about = JSONValue.object(finding.data)
        let clusters = [about["cluster"], about["clusters"]?["source"], about["clusters"]?["target"]]
        var data: JSONObject = [
            "incident": .string(id), "title": .string(finding.sentence),
            "severity": .string(IncidentBrief.severity(about)), "finding": .string(finding.id),
            "cause": .string(finding.cause),
        ]
        data["suspected_cause"] = finding.suspect.map { .string($0) }
        data["impact"] = IncidentBrief.impact(about).map { .string($0) }
        data["preceded_by"] = changes.change(
            before: finding.start, clusters: Set(clusters.compactMap { $0?.string }))?.json(before: finding.start)
        return incidentEvent("incident.opened", id, at: finding.start, data)
    }

    private func incidentEvent(_ name: String, _ id: String, at time: Timestamp, _ data: JSONObject) -> Append {
        event(name, StreamName(kind: "incident", foreignID: id), at: time, data)
    }

    private func withdrawal(_ id: String, _ before: KnownFinding) -> Append {
        let time = before.data["start"]?.string.flatMap { Timestamp($0) } ?? .earliest
        let data: JSONObject = [
            "finding": .string(id), "reason": "with the evidence known now it does not hold any more",
        ]
        let digest = Digests.sha256(CanonicalJSON.bytes(of: .object(before.data))).prefix(16)
        return Append(
            ProposedEvent(
                id: "\(id)/finding.withdrawn/\(digest)", source: FindingsRecorder.source,
                type: "cairn.finding.withdrawn.v1", subject: StreamName(kind: "finding", foreignID: id), time: time,
                data: .object(data)))
    }

    /// Incidents whose findings are all withdrawn, or whose signals have been quiet for a while.
    private mutating func closings(newest: Timestamp) -> [Append] {
        var closings: [Append] = []
        for index in incidents.indices where incidents[index].isOpen {
            let incident = incidents[index]
            let standing = incident.findings.compactMap { known[$0] }.filter(\.isOpen)
            let ends = standing.map { $0.data["end"]?.string.flatMap { Timestamp($0) } }
            let reason: String
            let time: Timestamp
            if standing.isEmpty {
                reason = FindingsRecorder.withdrawnReason
                incidents[index].isWithdrawn = true
                time = incident.start
            } else if !ends.contains(nil), let last = ends.compactMap({ $0 }).max(),
                last.adding(seconds: FindingsRecorder.quietSeconds) <= newest
            {
                reason = "the signal went back to what is usual"
                time = last
            } else {
                continue
            }
            incidents[index].isOpen = false
            closings.append(
                incidentEvent(
                    "incident.closed", incident.id, at: time,
                    ["incident": .string(incident.id), "reason": .string(reason)]))
        }
        return closings
    }
}

/// What a finding rests on.
package struct FindingEvidence: Sendable, Hashable {
    static let keys = ["evidence", "evidence_digest", "basis_position"]

    /// Entries of the log whose content shows it.
    package var positions: [UInt64] = []
    /// SHA-256 over the digests of all attachments that the analysis read, in the order of the log.
    package var digest: String
    /// The analysis read the log up to this position, exclusive.
    package var basisPosition: UInt64

    func add(to data: inout JSONObject) {
        data["evidence"] = .array(positions.map { .integer($0) })
        data["evidence_digest"] = .string(digest)
        data["basis_position"] = .integer(basisPosition)
    }
}
