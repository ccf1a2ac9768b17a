package import CairnAnalyzer
package import CairnBytes
internal import CairnFlowLogs
internal import CairnLedger
package import CairnModel
internal import CairnSeries

/// What the log has that a gate decides on: gathered event by event, the same whether the events come from the tables
/// or from the log itself.
package struct GateCase: Sendable {
    package let run: StreamName
    package let phase: String
    package let moment: Timestamp
    /// The `gates` of the run's plan.
    package private(set) var gates: JSONValue?
    package private(set) var facts: CheckFacts
    package private(set) var findings: [String: FindingState] = [:]
    private var isPlanned = false
    private var plannedAt: Timestamp?
    private var starts: [(phase: String, time: Timestamp)] = []
    private var lastCompletion: Timestamp?
    /// When production traffic was moved, in order.
    private var shifts: [Timestamp] = []
    private var watermarks: [DataSender: Timestamp] = [:]
    private var entries: [EvidenceLog.Entry] = []

    package init(run: StreamName, phase: String, at moment: Timestamp) {
        self.run = run
        self.phase = phase
        self.moment = moment
        facts = CheckFacts(now: moment)
    }

    private static let ownNames: Set<String> = [
        "migration.planned", "deployment.planned", "phase.started", "phase.completed", "samples.recorded",
        "flows.counted",
    ]

    /// Full names of all types that matter, for a search by type.
    static let types: [String] = CheckFacts.eventNames.union(FindingState.eventNames).union(ownNames).flatMap { name in
        ["cairn.\(name).v1", "observed.\(name).v1", "\(name).v0", "\(name).v1"]
    }.sorted()

    /// Takes in one event, in the order of the log. What had not happened by the moment does not count.
    package mutating func note(_ event: RecordedEvent) {
        if let entry = EvidenceLog.Entry(event) { return noteEvidence(entry) }
        guard event.time <= moment else { return }
        let type = EventType(event.type)
        if FindingState.eventNames.contains(type.name) {
            findings[event.subject.id, default: FindingState()].apply(event)
            return
        }
        if event.subject == run, type.family != .foreign { noteRun(type.name, event) }
        facts.note(event, run: run)
    }

    private mutating func noteEvidence(_ entry: EvidenceLog.Entry) {
        guard entry.first <= moment else { return }
        entries.append(entry)
        for cluster in entry.clusters {
            let sender = DataSender(cluster: cluster, kind: entry.isFlows ? .flowLogs : .samples)
            let last = min(entry.last, moment)
            watermarks[sender] = max(watermarks[sender] ?? last, last)
        }
    }

    private mutating func noteRun(_ name: String, _ event: RecordedEvent) {
        let data = event.data
        switch name {
        case "migration.planned", "deployment.planned":
            guard !isPlanned else { return }
            isPlanned = true
            plannedAt = event.time
            gates = data["gates"]
            facts.source = data["source_cluster"]?.string
            facts.target = data["target_cluster"]?.string ?? data["cluster"]?.string
            for member in gates?["target_groups"]?.object ?? JSONObject() {
                facts.targetGroups[member.name] = member.value.string
            }
        case "phase.started":
            guard let started = data["phase"]?.string else { return }
            starts.append((started, event.time))
            if started == phase { facts.startedAt = event.time }
        case "phase.completed": lastCompletion = max(lastCompletion ?? event.time, event.time)
        case "traffic.shifted":
            if data["kind"]?.string == "production" { shifts.append(event.time) }
        default: return
        }
    }

    /// Since when the clusters are compared: the start of the phase in which traffic first moved, else of the last one.
    var judgedFrom: Timestamp? { starts.map(\.time).filter { $0 <= shifts.min() ?? .latest }.max() }

    /// The clusters of the run that send anything.
    private var own: [DataSender: Timestamp] {
        watermarks.filter { $0.key.cluster == facts.source || $0.key.cluster == facts.target }
    }

    /// The entries whose samples and flows are judged, and their baseline: cited, so that retention keeps them.
    private var sources: [UInt64] {
        let clusters = Set([facts.source, facts.target].compactMap { $0 })
        let from = judgedFrom?.adding(seconds: -DivergencePolicy.standard.baselineSecondsMax) ?? .earliest
        return entries.filter { $0.last >= from && !$0.clusters.isDisjoint(with: clusters) }.map(\.position)
    }

    /// Judges samples and flow logs anew, and puts everything together.
    func evidence(samples: some SampleSource, flows: some FlowSource) throws -> GateEvidence {
        var facts = facts
        try facts.note(samples)
        var found: [GateFinding] = []
        var evidence = GateEvidence(facts: facts, findings: [])
        evidence.watermarks = own
        evidence.sources = sources
        evidence.judgedFrom = judgedFrom
        evidence.askedFrom = lastCompletion ?? plannedAt
        if let source = facts.source, let target = facts.target {
            let newest = [source, target].compactMap { watermarks[DataSender(cluster: $0, kind: .samples)] }.max()
            if let newest {
                var request = DivergenceRequest(source: source, target: target)
                request.sinceMs = judgedFrom?.milliseconds
                request.untilMs = newest.milliseconds + 1
                request.trafficShiftsMs = shifts.map(\.milliseconds).sorted()
                request.meanings = DivergenceMeaning.all(gates?["meanings"])
                let report = try DivergenceAnalyzer.analyze(samples, request)
                evidence.comparisons = report.comparisons.count
                evidence.decidedComparisons = report.comparisons.count { $0.verdict != .undecided }
                found += report.findings.map { finding in
                    let comparison = finding.comparison
                    return GateFinding(
                        id: finding.id, kind: comparison.kind.rawValue, metric: comparison.metric,
                        effect: comparison.effect,
                        sentence: "\(comparison.app), \(comparison.metric): \(comparison.reason)")
                }
            }
            if own.keys.contains(where: { $0.kind == .flowLogs }) {
                let request = DropsRequest(source: source, target: target, until: moment.minute)
                found += try DropsAnalyzer.report(on: flows, for: request).findings.filter { $0.side != .both }.map {
                    GateFinding(
                        id: $0.id, kind: $0.kind.rawValue, sentence: $0.sentence,
                        silenced: GateCase.ended($0.end, moment))
                }
            }
        }
        found += SilenceAnalyzer.findings(own, at: moment).map {
            GateFinding(id: $0.id, kind: SilenceAnalyzer.name, sentence: $0.sentence)
        }
        evidence.findings = withWords(found + recorded(besides: found))
        return evidence
    }

    /// A signal that went back to what is usual a while ago holds nothing up any more.
    private static func ended(_ end: Timestamp?, _ moment: Timestamp) -> String? {
        guard let end, end.adding(seconds: FindingsRecorder.quietSeconds) <= moment else { return nil }
        return "over since \(end)"
    }

    /// Findings of other analyzers, which stand as they were recorded.
    private func recorded(besides found: [GateFinding]) -> [GateFinding] {
        let judgedHere: Set<String> = [DropsAnalyzer.name, DivergenceReport.analyzer, SilenceAnalyzer.name]
        let clusters = Set([facts.source, facts.target].compactMap { $0 })
        return findings.compactMap { id, state in
            guard state.isOpen, let data = state.data, !judgedHere.contains(data["analyzer"]?.string ?? ""),
                !found.contains(where: { $0.id == id })
            else { return nil }
            let cluster = data["cluster"]?.string ?? data["clusters"]?["target"]?.string
            if let cluster, !clusters.contains(cluster) { return nil }
            return GateFinding(
                id: id, kind: data["analyzer"]?.string ?? data["kind"]?.string ?? "finding",
                metric: data["metric"]?.string, effect: data["effect"]?.double,
                sentence: data["reason"]?.string ?? "finding \(id)",
                silenced: GateCase.ended(data["end"]?.string.flatMap { Timestamp($0) }, moment))
        }
    }

    /// The same findings with what people said of them.
    private func withWords(_ found: [GateFinding]) -> [GateFinding] {
        found.map { finding in
            var finding = finding
            guard let state = findings[finding.id] else { return finding }
            finding.position = state.position
            if state.silencing(at: moment) != nil { finding.silenced = state.note(at: moment) }
            return finding
        }
    }
}
