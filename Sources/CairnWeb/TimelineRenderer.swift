import CairnBytes

/// The formats of an exported timeline: the values of `-o`.
package enum TimelineFormat: String, Sendable, Hashable, CaseIterable {
    case md, html, json, csv
}

/// Writes a `TimelineDocument` in each of the formats; every result ends in a line break.
package enum TimelineRenderer {
    package static func render(_ document: TimelineDocument, as format: TimelineFormat) -> String {
        let document = document.inOrder
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

    /// Positions in order, with what follows each other as one range: 3, 7 to 9.
    static func ranges(_ positions: [UInt64]) -> [ClosedRange<UInt64>] {
        var ranges: [ClosedRange<UInt64>] = []
        for position in Set(positions).sorted() {
            if let last = ranges.last, last.upperBound < .max, position == last.upperBound + 1 {
                ranges[ranges.count - 1] = last.lowerBound...position
            } else {
                ranges.append(position...position)
            }
        }
        return ranges
    }

    /// `3, 7–9`
    static func positionsText(_ positions: [UInt64]) -> String {
        ranges(positions).map {
            $0.lowerBound == $0.upperBound ? "\($0.lowerBound)" : "\($0.lowerBound)–\($0.upperBound)"
        }
        .joined(separator: ", ")
    }

    /// `6 of 6 probes (entry 12)`
    static func evidenceText(_ evidence: TimelineEntry.Evidence) -> String {
        guard let position = evidence.position else { return evidence.text }
        return evidence.text.isEmpty ? "entry \(position)" : "\(evidence.text) (entry \(position))"
    }
}

extension TimelineDocument {
    /// With everything in the order of its time.
    var inOrder: TimelineDocument {
        var document = self
        // A line without a position comes after those of the same moment that have one.
        document.entries.sort { left, right in
            (left.time, left.position ?? .max, left.action) < (right.time, right.position ?? .max, right.action)
        }
        document.phases.sort { ($0.start, $0.name) < ($1.start, $1.name) }
        document.trafficShares.sort { $0.time < $1.time }
        return document
    }

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

    /// Lines that came late say so. Where most did (a history imported as a whole), one sentence says it for all, and
    /// JSON and CSV have each time.
    var lateness: (isPerLine: Bool, note: String?) {
        let recorded = entries.compactMap(\.recordedTime).sorted()
        guard let first = recorded.first, let last = recorded.last, recorded.count * 2 > entries.count else {
            return (true, nil)
        }
        let end = last.minute == first.minute ? "" : " to \(last.dateText) \(clock(last))"
        return (
            false,
            "\(recorded.count) of \(entries.count) lines were recorded after they happened: "
                + "\(first.dateText) \(clock(first))\(end) UTC."
        )
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
