import CairnBytes

/// A timeline as one JSON object: `title`, `scope`, `from`, `until`, `ledger`, `clusters`, `summary`, `phases`,
/// `traffic_shares`, `findings` with their charts, and `entries`. Every key is always there, null where nothing is known.
enum TimelineJSON {
    static func value(of document: TimelineDocument) -> JSONValue {
        [
            "title": .string(document.title), "scope": .string(document.scope), "from": time(document.from),
            "until": time(document.until), "generated": time(document.generated),
            "ledger": document.ledger.map { ledger in
                [
                    "origin": .string(ledger.origin), "size": .integer(ledger.size),
                    "root_hash": .optional(ledger.rootHash),
                ]
            } ?? .null,
            "clusters": document.clusters.map { ["source": .string($0.source), "target": .string($0.target)] } ?? .null,
            "summary": summary(document),
            "phases": .array(document.phases.map(phase)),
            "traffic_shares": .array(document.trafficShares.map(share)),
            "findings": .array(document.findings.map(finding)),
            "entries": .array(document.entries.map(entry)),
        ]
    }

    private static func time(_ time: Timestamp?) -> JSONValue { .optional(time?.description) }

    private static func number(_ value: Double?) -> JSONValue {
        value.flatMap { $0.isFinite ? .number($0) : nil } ?? .null
    }

    private static func labelled(_ lines: [LabelledText]) -> JSONValue {
        .array(lines.map { ["label": .string($0.label), "text": .string($0.text)] })
    }

    private static func summary(_ document: TimelineDocument) -> JSONValue {
        let summary = document.summary
        return [
            "what_happened": .string(summary.whatHappened),
            "when": .string(summary.when.isEmpty ? document.rangeText : summary.when), "cause": .string(summary.cause),
            "impact": .string(summary.impact), "status": .string(summary.status), "more": labelled(summary.more),
        ]
    }

    private static func phase(_ phase: TimelinePhase) -> JSONValue {
        [
            "name": .string(phase.name), "start": time(phase.start), "end": time(phase.end),
            "status": .string(phase.status.rawValue),
        ]
    }

    private static func share(_ share: TrafficShare) -> JSONValue {
        [
            "time": time(share.time), "kind": .string(share.kind.rawValue),
            "source_percent": number(share.sourcePercent),
            "target_percent": number(share.targetPercent),
        ]
    }

    private static func finding(_ finding: TimelineFinding) -> JSONValue {
        [
            "id": .string(finding.id), "kind": .string(finding.kind), "title": .string(finding.title),
            "severity": .string(finding.severity.rawValue), "status": .string(finding.status),
            "start": time(finding.start), "end": time(finding.end), "explanation": .string(finding.explanation),
            "facts": labelled(finding.facts),
            "evidence_positions": .array(finding.evidencePositions.map { .integer($0) }),
            "charts": .array(finding.charts.map(chart)),
        ]
    }

    private static func chart(_ chart: Chart) -> JSONValue {
        [
            "title": .string(chart.title), "explanation": .string(chart.explanation), "axis": .string(chart.axis),
            "unit": .string("\(chart.unit)"),
            "series": .array(
                chart.series.map { series in
                    [
                        "name": .string(series.name), "role": .string(series.role.rawValue),
                        "points": .array(series.points.map { [time($0.time), number($0.value)] }),
                    ]
                }),
            "band": chart.band.map { band in
                [
                    "name": .string(band.name),
                    "points": .array(band.points.map { [time($0.time), number($0.low), number($0.high)] }),
                ]
            } ?? .null,
            "windows": .array(
                chart.windows.map { window in
                    [
                        "start": time(window.start), "end": time(window.end), "label": .string(window.label),
                        "severity": .string(window.severity.rawValue),
                    ]
                }),
            "marks": .array(chart.marks.map { ["time": time($0.time), "label": .string($0.label)] }),
            "levels": .array(chart.levels.map { ["value": number($0.value), "label": .string($0.label)] }),
        ]
    }

    private static func entry(_ entry: TimelineEntry) -> JSONValue {
        [
            "time": time(entry.time), "recorded_time": time(entry.recordedTime), "kind": .string(entry.kind.rawValue),
            "severity": .string(entry.severity.rawValue), "actor": .string(entry.actor),
            "action": .string(entry.action),
            "evidence": .array(
                entry.evidence.map { ["text": .string($0.text), "position": position($0.position)] }),
            "position": position(entry.position), "stream": .optional(entry.stream),
            "migration": .optional(entry.migration), "deployment": .optional(entry.deployment),
            "marker": .optional(entry.marker),
        ]
    }

    private static func position(_ position: UInt64?) -> JSONValue { position.map { .integer($0) } ?? .null }
}
