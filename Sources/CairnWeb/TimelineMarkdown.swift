import CairnBytes

/// A timeline as Markdown that reads well unrendered too: the form that goes into a post-mortem or a ticket.
enum TimelineMarkdown {
    private static let sparklineWidth = 60
    private static let blocks: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    static func render(_ document: TimelineDocument) -> String {
        var text = "# \(Markdown.escaped(document.title))\n\n"
        text += "\(code(document.scope)), \(document.rangeText)"
        if let clusters = document.clusters {
            text += ", from \(code(clusters.source)) to \(code(clusters.target))"
        }
        text += "\n\n"
        for line in document.summaryLines {
            text += "- **\(Markdown.escaped(line.label)):** \(Markdown.escaped(line.text))\n"
        }
        text += phases(document)
        text += findings(document)
        text += entries(document)
        text += footer(document)
        return text
    }

    private static func phases(_ document: TimelineDocument) -> String {
        guard !document.phases.isEmpty || !document.trafficShares.isEmpty else { return "" }
        var text = "\n## Phases\n"
        if !document.phases.isEmpty {
            text += "\n| Phase | Start (UTC) | End (UTC) | Lasted | Status |\n| --- | --- | --- | ---: | --- |\n"
            for phase in document.phases {
                let end = phase.end.map { "\($0.dateText) \($0.timeText)" } ?? "-"
                let lasted = phase.end.map {
                    NumberText.duration(seconds: Double($0.microseconds - phase.start.microseconds) / 1_000_000)
                }
                text += "| \(Markdown.cell(phase.name)) | \(phase.start.dateText) \(phase.start.timeText) | \(end) | "
                text += "\(lasted ?? "-") | \(phase.status.rawValue) |\n"
            }
        }
        for share in document.trafficShares {
            if share == document.trafficShares.first { text += "\n" }
            text += "- \(share.time.dateText) \(share.time.timeText) UTC: \(share.kind.rawValue) traffic "
            text += "\(NumberText.significant(share.sourcePercent))% source, "
            text += "\(NumberText.significant(share.targetPercent))% target\n"
        }
        return text
    }

    private static func findings(_ document: TimelineDocument) -> String {
        guard !document.findings.isEmpty else { return "" }
        var text = "\n## Findings\n"
        for (index, finding) in document.findings.enumerated() {
            let end = finding.end.map { "\($0.timeText) UTC" } ?? "now"
            text += "\n### \(index + 1). \(Markdown.escaped(finding.title))\n\n"
            text +=
                "\(finding.severity.rawValue), \(Markdown.escaped(finding.status)), \(Markdown.escaped(finding.kind)), "
            text += "\(finding.start.dateText) \(finding.start.timeText) to \(end), \(code(finding.id))\n"
            if !finding.explanation.isEmpty { text += "\n\(Markdown.escaped(finding.explanation))\n" }
            if !finding.facts.isEmpty { text += "\n" }
            for fact in finding.facts {
                text += "- \(Markdown.escaped(fact.label)): \(Markdown.escaped(fact.text))\n"
            }
            if !finding.evidencePositions.isEmpty {
                text += "- evidence: entries \(TimelineRenderer.positionsText(finding.evidencePositions))\n"
            }
            for chart in finding.charts { text += sparklines(chart) }
        }
        return text
    }

    /// Each line of a chart as a row of blocks on one common scale.
    private static func sparklines(_ chart: Chart) -> String {
        let times = chart.series.flatMap { $0.points.map(\.time) }
        let values = chart.series.flatMap { $0.points.compactMap(\.value) }.filter(\.isFinite)
        guard let first = times.min(), let last = times.max(), let most = values.max() else { return "" }
        let least = min(0, values.min() ?? 0)
        let width = chart.series.map { PlainText.width(PlainText.visible($0.name)) }.max() ?? 0
        var text = "\n\(Markdown.escaped(chart.title)) (\(Markdown.escaped(chart.axis)), "
        text += "\(clock(first)) to \(clock(last)) UTC, top \(NumberText.axis(most, chart.unit)))\n\n"
        for series in chart.series {
            let name = PlainText.visible(series.name)
            let pad = String(repeating: " ", count: width - PlainText.width(name))
            text += "    \(name)\(pad)  \(sparkline(series.points, from: first, until: last, low: least, high: most))\n"
        }
        return text
    }

    private static func sparkline(
        _ points: [Chart.Point], from: Timestamp, until: Timestamp, low: Double, high: Double
    ) -> String {
        let span = Double(max(1, until.microseconds - from.microseconds))
        var cells: [Double?] = Array(repeating: nil, count: sparklineWidth)
        for point in points {
            guard let value = point.value, value.isFinite else { continue }
            let part = Double(point.time.microseconds - from.microseconds) / span
            let cell = min(sparklineWidth - 1, Int(part * Double(sparklineWidth)))
            cells[cell] = max(cells[cell] ?? value, value)
        }
        // By halves: the distance of two doubles may be none.
        let range = high > low ? high / 2 - low / 2 : 1
        return String(
            cells.map { cell in
                guard let cell else { return " " }
                let part = min(max((cell / 2 - low / 2) / range, 0), 1)
                return blocks[min(blocks.count - 1, Int(part * Double(blocks.count)))]
            })
    }

    private static func entries(_ document: TimelineDocument) -> String {
        var text = "\n## Timeline\n"
        if document.entries.isEmpty { text += "\nNothing is recorded in this range.\n" }
        let lateness = document.lateness
        if let note = lateness.note { text += "\n\(note)\n" }
        for day in document.days {
            text +=
                "\n### \(day.date)\n\n| Time | Actor | Action | Evidence | Position |\n| --- | --- | --- | --- | ---: |\n"
            for entry in day.entries {
                var action = Markdown.cell(entry.action)
                if let marker = entry.marker { action = "**\(Markdown.escaped(marker))** \(action)" }
                if lateness.isPerLine, let recorded = entry.recordedTime {
                    action += " (recorded \(recorded.dateText) \(recorded.timeText) UTC)"
                }
                let evidence = entry.evidence.map(TimelineRenderer.evidenceText).joined(separator: "; ")
                text += "| \(entry.time.timeText) UTC | \(Markdown.cell(entry.actor)) | \(action) | "
                text += "\(Markdown.cell(evidence)) | \(entry.position.map(String.init) ?? " ") |\n"
            }
        }
        return text
    }

    private static func footer(_ document: TimelineDocument) -> String {
        var lines: [String] = []
        if let ledger = document.ledger {
            var line = "Positions are entries of \(code(ledger.origin)) at size \(ledger.size)"
            if let root = ledger.rootHash { line += ", root \(code(root))" }
            lines.append(line + ". `cairn prove POSITION` proves any of them offline.")
        }
        if let generated = document.generated {
            lines.append("Made by Cairn at \(generated.dateText) \(generated.timeText) UTC.")
        }
        return lines.isEmpty ? "" : "\n---\n\n" + lines.joined(separator: " ") + "\n"
    }

    /// Text in backticks; a backtick inside would end it and becomes an apostrophe.
    private static func code(_ text: String) -> String {
        "`" + PlainText.visible(text).replacing("`", with: "'") + "`"
    }
}
