import CairnBytes

/// The lines of one day as a table. Long runs of routine lines (a deployment scaled, a pod started) fold into one that
/// opens, so that the eye finds the turning points; on paper they are all open.
struct TimelineDay {
    /// What the table shows in one row.
    private enum Row {
        case line(TimelineEntry)
        case run([TimelineEntry])
    }

    private static let runLengthMin = 4

    let date: String
    let entries: [TimelineEntry]
    let links: PositionLinks
    let showsLateness: Bool

    func write(to page: inout Markup) {
        page.element("h3", ["class": "day", "id": "day-\(date)"], text: date)
        page.lineBreak()
        // Explicit roles: the narrow layout lays rows out as blocks, and browsers would forget that it is a table.
        page.element("table", ["class": "lines", "role": "table", "aria-labelledby": "day-\(date)"]) { page in
            page.element("colgroup") { page in
                for column in ["time", "actor", "action", "evidence", "position"] {
                    page.void("col", ["class": "\(column)-column"])
                }
            }
            page.element("thead", ["role": "rowgroup"]) { page in
                page.element("tr", ["role": "row"]) { page in
                    for title in ["Time", "Actor", "Action", "Evidence", "Position"] {
                        page.element(
                            "th",
                            ["scope": "col", "role": "columnheader", "class": title == "Position" ? "number" : nil],
                            text: title)
                    }
                }
            }
            page.lineBreak()
            page.element("tbody", ["role": "rowgroup"]) { page in
                for row in rows {
                    switch row {
                    case .line(let entry): line(entry, &page)
                    case .run(let entries): run(entries, &page)
                    }
                    page.lineBreak()
                }
            }
        }
        page.lineBreak()
    }

    private var rows: [Row] {
        var rows: [Row] = []
        var run: [TimelineEntry] = []
        func endRun() {
            rows += run.count >= TimelineDay.runLengthMin ? [.run(run)] : run.map { .line($0) }
            run = []
        }
        for entry in entries {
            let isRoutine =
                (entry.kind == .workload || entry.kind == .platform || entry.kind == .imported)
                && entry.severity <= .success && entry.marker == nil
            if isRoutine, run.last.map({ $0.kind == entry.kind && $0.actor == entry.actor }) ?? true {
                run.append(entry)
            } else {
                endRun()
                if isRoutine { run = [entry] } else { rows.append(.line(entry)) }
            }
        }
        endRun()
        return rows
    }

    private func line(_ entry: TimelineEntry, _ page: inout Markup) {
        page.element(
            "tr",
            [
                "role": "row", "id": entry.position.map { "e\($0)" },
                "class": "\(entry.severity.rawValue)\(entry.marker == nil ? "" : " turning")",
            ]
        ) { page in
            page.element("td", ["role": "cell", "class": "time"]) { page in time(entry.time, &page) }
            page.element("td", ["role": "cell", "class": "actor"], text: entry.actor)
            page.element("td", ["role": "cell", "class": "action"]) { page in action(entry, &page) }
            page.element("td", ["role": "cell", "class": "evidence"]) { page in evidence(entry, &page) }
            page.element("td", ["role": "cell", "class": "position number"]) { page in
                if let position = entry.position {
                    links.write(position, to: &page)
                }
            }
        }
    }

    private func action(_ entry: TimelineEntry, _ page: inout Markup) {
        if let marker = entry.marker { page.element("strong", ["class": "marker"], text: marker) }
        page.element("span", ["class": "pill \(entry.severity.rawValue)"], text: entry.kind.rawValue)
        page.text(" \(entry.action)")
        if showsLateness, let recorded = entry.recordedTime {
            page.element("span", ["class": "late"], text: " recorded \(recorded.dateText) \(recorded.timeText) UTC")
        }
    }

    private func evidence(_ entry: TimelineEntry, _ page: inout Markup) {
        for (index, evidence) in entry.evidence.enumerated() {
            if index > 0 { page.void("br") }
            page.text(evidence.text)
            guard let position = evidence.position else { continue }
            page.text(evidence.text.isEmpty ? "entry " : " (entry ")
            links.write(position, to: &page)
            if !evidence.text.isEmpty { page.text(")") }
        }
    }

    private func run(_ entries: [TimelineEntry], _ page: inout Markup) {
        guard let first = entries.first, let last = entries.last else { return }
        page.element("tr", ["role": "row", "class": "info"]) { page in
            page.element("td", ["role": "cell", "class": "time"]) { page in time(first.time, &page) }
            page.element("td", ["role": "cell", "class": "actor"], text: first.actor)
            page.element("td", ["role": "cell", "class": "action", "colspan": "2"]) { page in
                page.element("details") { page in
                    page.element("summary") { page in
                        page.element("span", ["class": "pill info"], text: first.kind.rawValue)
                        page.text(" \(entries.count) steps until \(last.time.timeText): \(entries[0].action), …")
                    }
                    page.element("ol", ["class": "run"]) { page in
                        for entry in entries {
                            page.element("li", ["id": entry.position.map { "e\($0)" }]) { page in
                                time(entry.time, &page)
                                page.text(" \(entry.action)")
                                if !entry.evidence.isEmpty {
                                    page.element("span", ["class": "note"]) { page in
                                        page.text(" ")
                                        evidence(entry, &page)
                                    }
                                }
                                if let position = entry.position {
                                    page.text(" ")
                                    links.write(position, to: &page)
                                }
                            }
                            page.lineBreak()
                        }
                    }
                }
            }
            page.element("td", ["role": "cell", "class": "position number"]) { page in
                guard let start = first.position, let end = last.position else { return }
                guard links.site != nil else { return page.text("\(start)–\(end)") }
                links.write(start, to: &page)
                page.text("–")
                links.write(end, to: &page)
            }
        }
    }

    private func time(_ time: Timestamp, _ page: inout Markup) {
        page.element("time", ["datetime": time.description]) { page in
            page.text(time.timeText)
            page.element("span", ["class": "zone"], text: " UTC")
        }
    }
}
