import CairnBytes

/// The formats of an exported timeline: the values of `-o`.
package enum TimelineFormat: String, Sendable, Hashable, CaseIterable {
    case md, html, json, csv
}

/// Writes a `TimelineDocument` in each of the formats; every result ends in a line break.
package enum TimelineRenderer {
    package static func render(_ document: TimelineDocument, as format: TimelineFormat) -> String {
        var document = document
        // A line without a position comes after those of the same moment that have one.
        document.entries.sort { left, right in
            (left.time, left.position ?? .max, left.action) < (right.time, right.position ?? .max, right.action)
        }
        document.phases.sort { ($0.start, $0.name) < ($1.start, $1.name) }
        document.trafficShares.sort { $0.time < $1.time }
        return switch format {
        case .md: TimelineMarkdown.render(document)
        case .html: TimelinePage(document: document).render()
        case .json: JSONText.indented(TimelineJSON.value(of: document))
        case .csv: csv(document)
        }
    }

    /// One line per entry, under a header; several pieces of evidence are joined by `; `.
    private static func csv(_ document: TimelineDocument) -> String {
        let names = [
            "time", "actor", "action", "evidence", "position", "kind", "severity", "marker", "stream", "migration",
            "deployment", "recorded_time",
        ]
        var text = CSV.line(names.map { .text($0) })
        for entry in document.entries {
            text += CSV.line([
                .number(entry.time.description), .text(entry.actor), .text(entry.action),
                .text(entry.evidence.map(evidenceText).joined(separator: "; ")),
                .number(entry.position.map(String.init) ?? ""), .text(entry.kind.rawValue),
                .text(entry.severity.rawValue),
                .text(entry.marker ?? ""), .text(entry.stream ?? ""), .text(entry.migration ?? ""),
                .text(entry.deployment ?? ""), .number(entry.recordedTime?.description ?? ""),
            ])
        }
        return text
    }

    /// `6 of 6 probes (entry 12)`
    static func evidenceText(_ evidence: TimelineEntry.Evidence) -> String {
        guard let position = evidence.position else { return evidence.text }
        return evidence.text.isEmpty ? "entry \(position)" : "\(evidence.text) (entry \(position))"
    }
}

extension TimelineDocument {
    /// `2026-03-10 08:00:00 to 11:00:00 UTC`, with the second date if it is another.
    var rangeText: String {
        let end = from.dateText == until.dateText ? until.timeText : "\(until.dateText) \(until.timeText)"
        return "\(from.dateText) \(from.timeText) to \(end) UTC"
    }

    /// The parts of the summary that say something, in reading order.
    var summaryLines: [LabelledText] {
        [
            LabelledText("What happened", summary.whatHappened),
            LabelledText("When", summary.when.isEmpty ? rangeText : summary.when),
            LabelledText("Cause", summary.cause), LabelledText("Impact", summary.impact),
            LabelledText("Status", summary.status),
        ].filter { !$0.text.isEmpty } + summary.more
    }

    /// Entries by date, in order.
    var days: [(date: String, entries: [TimelineEntry])] {
        var days: [(date: String, entries: [TimelineEntry])] = []
        for entry in entries {
            let date = entry.time.dateText
            if days.last?.date == date {
                days[days.count - 1].entries.append(entry)
            } else {
                days.append((date, [entry]))
            }
        }
        return days
    }
}
