package import CairnBytes
package import CairnModel
package import CairnWeb

/// What a timeline covers. All parts that are set must hold.
package struct TimelineScope: Sendable, Hashable {
    package var incident: String?
    package var migration: String?
    package var since: Timestamp?
    package var until: Timestamp?

    package init(
        incident: String? = nil, migration: String? = nil, since: Timestamp? = nil, until: Timestamp? = nil
    ) {
        self.incident = incident
        self.migration = migration
        self.since = since
        self.until = until
    }

    /// How long before and after an incident its timeline looks: causes come before, repairs after.
    package static let incidentMarginSeconds: Int64 = 3600
}

/// Makes a timeline from the events of the log, in the order of the log. A pure function: the same events give the same
/// document.
package struct TimelineBuilder {
    private let scope: TimelineScope
    private var ledger: TimelineDocument.LedgerCitation?
    private var clusters: TimelineDocument.ClusterNames?
    /// The last event of each finding, and whether it still stands.
    private var findings: [String: Finding] = [:]
    private var findingOrder: [String] = []
    private var incidents: [String: Incident] = [:]
    private var incidentOrder: [String] = []
    private var corrections: [UInt64: [TimelineEntry.Evidence]] = [:]
    private var kept: [RecordedEvent] = []
    private var bulkCount = 0
    /// Whether anything was ever judged: that no finding stands says something only then.
    private var wasJudged = false
    /// The data of analyses, of each stream in order. A server that looks every minute records many: they are summed up
    /// and are no lines of their own.
    private var analyses: [StreamName: [JSONValue]] = [:]

    private struct Finding {
        var data: JSONValue
        var status = "open"
        var evidence: [UInt64]
        var incident: String?
    }

    private struct Incident {
        var title: String
        var findings: [String]
        var closed: Timestamp?
    }

    package init(scope: TimelineScope, ledger: TimelineDocument.LedgerCitation?) {
        self.scope = scope
        self.ledger = ledger
    }

    /// Bulk evidence: thousands of entries that an import line already stands for.
    private static func isBulk(_ type: EventType, _ data: JSONValue) -> Bool {
        // Content that something else stands for is not lost, only stored otherwise.
        ["series.named", "samples.recorded", "samples.sealed", "flows.counted"].contains(type.name)
            || (type.name == "attachment.dropped" && data["replacement"]?.string != nil)
    }

    /// Takes the next event of the log. Those outside the scope are looked at too: a finding opened earlier may be
    /// withdrawn inside, and the plan that names the clusters is usually weeks old.
    package mutating func add(_ event: RecordedEvent) {
        let type = EventType(event.type)
        note(event, type)
        guard !TimelineBuilder.isBulk(type, event.data) else {
            bulkCount += 1
            return
        }
        if type.name == "analysis.completed" {
            if type.family == .cairn { analyses[event.subject, default: []].append(event.data) }
            return
        }
        kept.append(event)
    }

    private mutating func note(_ event: RecordedEvent, _ type: EventType) {
        guard type.family != .foreign else { return }
        let data = event.data
        if type.family == .cairn, ["finding.opened", "gate.evaluated"].contains(type.name) { wasJudged = true }
        switch type.name {
        case "migration.planned":
            guard scope.migration == nil || scope.migration == event.subject.id,
                let source = data["source_cluster"]?.string, let target = data["target_cluster"]?.string
            else { return }
            clusters = TimelineDocument.ClusterNames(source: source, target: target)
        case "finding.opened", "finding.revised":
            guard let id = data["finding"]?.string else { return }
            if findings[id] == nil { findingOrder.append(id) }
            let evidence = data["evidence"]?.array?.compactMap { $0.integer.flatMap { UInt64(exactly: $0) } } ?? []
            findings[id] = Finding(data: data, evidence: evidence, incident: findings[id]?.incident)
        case "finding.withdrawn", "finding.acknowledged", "finding.muted", "finding.marked_false", "finding.unmuted":
            guard let id = data["finding"]?.string else { return }
            let verb = type.name.dropFirst("finding.".count).replacing("_", with: " ")
            let until = data["expires"]?.string.map { " until \($0)" } ?? ""
            findings[id]?.status = verb == "unmuted" ? "open" : verb + until
        case "incident.opened", "incident.joined":
            guard let id = data["incident"]?.string, let finding = data["finding"]?.string else { return }
            if incidents[id] == nil {
                incidentOrder.append(id)
                incidents[id] = Incident(title: data["title"]?.string ?? id, findings: [])
            }
            incidents[id]?.findings.append(finding)
            findings[finding]?.incident = id
        case "incident.closed":
            guard let id = data["incident"]?.string else { return }
            incidents[id]?.closed = event.time
        case "event.corrected":
            guard let about = data["about"]?.integer.flatMap({ UInt64(exactly: $0) }) else { return }
            let words = EventDescription(event).action
            corrections[about, default: []].append(TimelineEntry.Evidence(words, position: event.position))
        default: return
        }
    }

    // MARK: - The document

    package func document() -> TimelineDocument {
        let chosen = chosenFindings()
        let window = window(of: chosen)
        let events = kept.filter { isInside($0, window: window, findings: Set(chosen)) }
        let entries = events.map(entry)
        // Imports and keys happen when somebody looks, long after the story; they do not stretch it.
        let told = events.filter { $0.subject.kind != "import" && $0.subject.kind != "ledger" }
        let from = window.since ?? told.map(\.time).min() ?? kept.last?.recordedTime ?? Timestamp(microseconds: 0)
        let until = window.until ?? told.map(\.time).max() ?? from
        let runs = TimelineRuns((kept + DeploymentsTold.course(in: kept)).filter { isInScope($0) }) {
            isInside($0, window: window, findings: [])
        }
        return TimelineDocument(
            title: title(chosen), scope: scopeText, from: from, until: until, ledger: ledger, clusters: clusters,
            summary: summary(chosen, runs),
            phases: runs.phases.filter { $0.start <= until && $0.end ?? until >= from },
            trafficShares: trafficShares(events),
            findings: chosen.compactMap { timelineFinding($0, events: events) }, entries: entries)
    }

    private var scopeText: String {
        var parts: [String] = []
        if let incident = scope.incident { parts.append("incident/\(incident)") }
        if let migration = scope.migration { parts.append("migration/\(migration)") }
        if let since = scope.since { parts.append("since \(since)") }
        if let until = scope.until { parts.append("until \(until)") }
        return parts.isEmpty ? "the whole log" : parts.joined(separator: ", ")
    }

    private func chosenFindings() -> [String] {
        findingOrder.filter { id in
            guard let finding = findings[id] else { return false }
            if let incident = scope.incident, finding.incident != incident { return false }
            if scope.migration != nil, let clusters, let source = finding.data["clusters"]?["source"]?.string,
                source != clusters.source || finding.data["clusters"]?["target"]?.string != clusters.target
            {
                return false
            }
            let (start, end) = times(finding.data)
            if let since = scope.since, let end, end < since { return false }
            if let until = scope.until, let start, start > until { return false }
            return true
        }
    }

    private func times(_ data: JSONValue) -> (start: Timestamp?, end: Timestamp?) {
        let start = (data["start"] ?? data["since"])?.string.flatMap { Timestamp($0) }
        return (start, data["end"]?.string.flatMap { Timestamp($0) })
    }

    /// From when to when events are shown: what the caller said, else around the incident, else everything.
    private func window(of findings: [String]) -> (since: Timestamp?, until: Timestamp?) {
        guard let incident = scope.incident else { return (scope.since, scope.until) }
        let spans = findings.compactMap { self.findings[$0].map { times($0.data) } }
        let margin = TimelineScope.incidentMarginSeconds
        let start = spans.compactMap(\.start).min()
        let end = max(
            spans.compactMap { $0.end ?? $0.start }.max() ?? .earliest, incidents[incident]?.closed ?? .earliest)
        return (
            scope.since ?? start.map { $0.adding(seconds: -margin) },
            scope.until ?? (end == .earliest ? nil : end.adding(seconds: margin))
        )
    }

    private func isInside(
        _ event: RecordedEvent, window: (since: Timestamp?, until: Timestamp?), findings: Set<String>
    ) -> Bool {
        let kind = event.subject.kind
        // Findings and incidents are recorded when somebody looks, which may be years later: they belong to the
        // timeline by what they are about, and stand at the time of what they found.
        if kind == "finding" { return findings.contains(event.subject.id) }
        if kind == "incident" {
            if let incident = scope.incident { return event.subject.id == incident }
            return incidents[event.subject.id]?.findings.contains { findings.contains($0) } ?? false
        }
        if let since = window.since, event.time < since { return false }
        if let until = window.until, event.time > until { return false }
        return isInScope(event)
    }

    /// Whatever its time.
    private func isInScope(_ event: RecordedEvent) -> Bool {
        switch event.subject.kind {
        case "migration": scope.migration == nil || scope.migration == event.subject.id
        case "import", "ledger": scope.incident == nil && scope.migration == nil
        default: true
        }
    }

    private func entry(_ event: RecordedEvent) -> TimelineEntry {
        var entry = TimelineEntry(event)
        let type = EventType(event.type)
        if type.name.hasPrefix("finding.") || type.name.hasPrefix("incident."), type.family == .cairn {
            if let id = event.data["finding"]?.string, let finding = findings[id] {
                for position in finding.evidence.prefix(3) {
                    entry.evidence.append(TimelineEntry.Evidence("evidence", position: position))
                }
            }
        }
        entry.evidence += corrections[event.position] ?? []
        return entry
    }

    private func title(_ chosen: [String]) -> String {
        if let incident = scope.incident, let title = incidents[incident]?.title { return title }
        if let migration = scope.migration { return "Timeline of migration \(migration)" }
        if chosen.count == 1, let finding = findings[chosen[0]] { return FindingText.headline(finding.data) }
        return "Timeline"
    }

    private func summary(_ chosen: [String], _ runs: TimelineRuns) -> TimelineSummary {
        let standing = chosen.compactMap { findings[$0] }.filter { $0.status != "withdrawn" }
        guard !kept.isEmpty else {
            let told =
                bulkCount == 0
                ? "Nothing has been recorded yet."
                : "\(bulkCount) entries of samples and flow logs have been recorded, and nothing else yet."
            return TimelineSummary(
                whatHappened: told, when: "-", status: "nothing open", more: judged.map { [$0] } ?? [])
        }
        let failures = runs.failures
        guard !standing.isEmpty else {
            let sentences = failures.isEmpty ? "" : failures.joined(separator: "; ") + ". "
            return TimelineSummary(
                whatHappened: sentences
                    + (wasJudged || judged != nil
                        ? "No finding stands in this stretch of time."
                        : "Nothing was judged, as far as the log tells: it has neither an analysis nor a gate's decision."),
                status: runs.isRollingBack ? "a rollback runs" : "nothing open", more: judged.map { [$0] } ?? [])
        }
        let causes = standing.map { FindingText.headline($0.data) }
        let open = incidentOrder.filter { incidents[$0]?.closed == nil && isChosen($0, chosen) }
        let closed = incidentOrder.filter { incidents[$0]?.closed != nil && isChosen($0, chosen) }
        var status = open.isEmpty ? "closed" : "open"
        if !open.isEmpty, !closed.isEmpty { status = "\(open.count) open, \(closed.count) closed" }
        return TimelineSummary(
            whatHappened: (causes + failures).joined(separator: "; "), when: when(standing),
            cause: standing.map { FindingText.explanation($0.data) }.reduce(into: [String]()) { unique, text in
                if !unique.contains(text) { unique.append(text) }
            }.joined(separator: " "),
            impact: standing.compactMap { FindingText.impact($0.data) }.joined(separator: "; "), status: status,
            more: [
                LabelledText("Incidents", (open + closed).joined(separator: ", ")),
                LabelledText("Findings", String(standing.count)),
            ] + (judged.map { [$0] } ?? []))
    }

    /// The last analysis of each kind that looked at this stretch of time; nil if none did.
    private var judged: LabelledText? {
        let told = analyses.sorted { $0.key < $1.key }.compactMap { _, all in all.last(where: isInScope) }
        guard !told.isEmpty else { return nil }
        return LabelledText("Judged", told.map(AnalysisText.sentence).joined(separator: "; "))
    }

    private func isInScope(_ analysis: JSONValue) -> Bool {
        if scope.migration != nil, let source = analysis["clusters"]?["source"]?.string,
            source != clusters?.source || analysis["clusters"]?["target"]?.string != clusters?.target
        {
            return false
        }
        if let until = scope.until, let start = analysis["start"]?.string.flatMap({ Timestamp($0) }), start > until {
            return false
        }
        if let since = scope.since, let end = analysis["end"]?.string.flatMap({ Timestamp($0) }), end < since {
            return false
        }
        return true
    }

    private func when(_ standing: [Finding]) -> String {
        guard let first = standing.compactMap({ times($0.data).start }).min() else { return "" }
        let start = "\(first.dateText) from \(first.timeText) UTC"
        if standing.contains(where: { times($0.data).end == nil && status(of: $0) != "over" }) {
            return start + ", still open"
        }
        let ends = standing.compactMap { finding in
            times(finding.data).end ?? finding.incident.flatMap { incidents[$0]?.closed }
        }
        return start + (ends.max().map { " to \($0.dateText) \($0.timeText) UTC" } ?? "")
    }

    private func isChosen(_ incident: String, _ chosen: [String]) -> Bool {
        incidents[incident]?.findings.contains { chosen.contains($0) } ?? false
    }
}

// MARK: - The strip of traffic, and charts

extension TimelineBuilder {
    private func trafficShares(_ events: [RecordedEvent]) -> [TrafficShare] {
        events.compactMap { event in
            let type = EventType(event.type)
            // A fleet has many shares; the strip shows the migration's, deployments have their own timelines.
            guard type.family != .foreign, type.name == "traffic.shifted", event.subject.kind == "migration",
                let target = event.data["weights"]?["target"]?.double
            else { return nil }
            let source = event.data["weights"]?["source"]?.double ?? 100 - target
            let kind: TrafficShare.Kind = event.data["kind"]?.string == "test" ? .test : .production
            return TrafficShare(time: event.time, kind: kind, sourcePercent: source, targetPercent: target)
        }.sorted { $0.time < $1.time }
    }

    private func timelineFinding(_ id: String, events: [RecordedEvent]) -> TimelineFinding? {
        guard let finding = findings[id] else { return nil }
        let (start, end) = times(finding.data)
        guard let start else { return nil }
        var charts: [Chart] = []
        if let signal = FindingSignal(finding.data["signal"]) {
            charts.append(chart(signal, finding: finding, start: start, end: end, events: events))
        }
        return TimelineFinding(
            id: id, kind: finding.data["kind"]?.string ?? "finding", title: FindingText.headline(finding.data),
            severity: finding.status == "withdrawn" ? .info : .critical, status: status(of: finding), start: start,
            end: end,
            explanation: FindingText.explanation(finding.data),
            facts: FindingText.facts(finding.data).map { LabelledText($0.label, $0.value) },
            evidencePositions: finding.evidence, charts: charts)
    }

    /// A finding stands as long as nobody withdraws it; with its incident closed it is over.
    private func status(of finding: Finding) -> String {
        guard finding.status == "open", let incident = finding.incident else { return finding.status }
        return incidents[incident]?.closed == nil ? "open" : "over"
    }

    private func chart(
        _ signal: FindingSignal, finding: Finding, start: Timestamp, end: Timestamp?, events: [RecordedEvent]
    ) -> Chart {
        func points(_ values: [Double?]) -> [Chart.Point] {
            values.enumerated().map { Chart.Point(signal.time(of: $0.offset), $0.element) }
        }
        let names = (
            source: finding.data["clusters"]?["source"]?.string ?? "source",
            target: finding.data["clusters"]?["target"]?.string ?? "target"
        )
        let last = signal.time(of: max(signal.source.count, signal.target.count))
        let units: [String: AxisUnit] = [
            "fraction": .fraction, "percent": .percent, "seconds": .seconds, "bytes": .bytes, "ratio": .ratio,
        ]
        let marks = trafficShares(events).filter {
            $0.kind == .production && $0.time >= signal.start && $0.time <= last
        }
        return Chart(
            title: FindingText.headline(finding.data), explanation: FindingText.explanation(finding.data),
            axis: signal.axis, unit: units[signal.unit] ?? .plain,
            series: [
                Chart.Series(name: names.source, role: .source, points: points(signal.source)),
                Chart.Series(name: names.target, role: .target, points: points(signal.target)),
            ],
            windows: [Chart.Window(start: start, end: end ?? last, label: "finding")],
            marks: marks.map { Chart.Mark($0.time, "\(CanonicalJSON.text(of: $0.targetPercent)) %") })
    }
}
