package import CairnBytes

/// Why a finding is one: what was seen, how it was tested, how the evidence grew, and what would change the verdict.
package struct Explanation: Sendable, Hashable {
    package var title: String
    package var facts: [LabelledText]
    /// Headings with whole sentences.
    package var sections: [LabelledText]
    package var charts: [Chart]
    /// The events it rests on, and whatever else is a list.
    package var tables: [Table]
    /// The same for machines.
    package var json: JSONValue

    package init(
        title: String, facts: [LabelledText], sections: [LabelledText], charts: [Chart], tables: [Table],
        json: JSONValue
    ) {
        self.title = title
        self.facts = facts
        self.sections = sections
        self.charts = charts
        self.tables = tables
        self.json = json
    }
}

/// Writes an explanation. CSV has the numbers of the charts, for whoever wants to draw them anew.
package enum ExplanationRenderer {
    package static func render(_ explanation: Explanation, as format: TableFormat) -> String {
        switch format {
        case .json: JSONText.indented(explanation.json)
        case .csv: explanation.charts.map { TableRenderer.render(numbers($0), as: .csv) }.joined(separator: "\n")
        case .md: markdown(explanation)
        case .html: html(explanation)
        case .table: terminal(explanation)
        }
    }

    private static func terminal(_ explanation: Explanation) -> String {
        var text = PlainText.visible(explanation.title) + "\n\n"
        text += FactList.terminal(explanation.facts)
        for section in explanation.sections {
            text += "\n\(PlainText.visible(section.label).uppercased())\n"
            text += wrapped(PlainText.visible(section.text)) + "\n"
        }
        for chart in explanation.charts { text += "\n" + SparkChart.text(chart) }
        for table in explanation.tables { text += "\n" + TableRenderer.render(table, as: .table) }
        return text
    }

    /// Lines of at most 100 characters, broken at spaces.
    private static func wrapped(_ text: String) -> String {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + word.count < 100 {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines.joined(separator: "\n")
    }

    private static func markdown(_ explanation: Explanation) -> String {
        var text = "# \(Markdown.escaped(explanation.title))\n\n"
        text += FactList.markdown(explanation.facts)
        for section in explanation.sections {
            text += "\n## \(Markdown.escaped(section.label))\n\n\(Markdown.escaped(section.text))\n"
        }
        for chart in explanation.charts { text += "\n```text\n\(SparkChart.text(chart))```\n" }
        for table in explanation.tables { text += "\n" + TableRenderer.render(table, as: .md) }
        return text
    }

    private static func html(_ explanation: Explanation) -> String {
        Page.render(title: explanation.title) { page in
            page.element("h1", text: explanation.title)
            FactList.write(explanation.facts, to: &page)
            for section in explanation.sections {
                page.element("h2", text: section.label)
                page.element("p", text: section.text)
            }
            for (number, chart) in explanation.charts.enumerated() {
                ChartFigure(chart: chart, id: "chart-\(number + 1)").write(to: &page)
            }
            for table in explanation.tables {
                page.element("h2", text: table.title)
                TableRenderer.write(table, to: &page)
            }
        }
    }

    /// One row for every moment of a chart.
    private static func numbers(_ chart: Chart) -> Table {
        var values: [Timestamp: [Double?]] = [:]
        for (index, series) in chart.series.enumerated() {
            for point in series.points {
                values[point.time, default: Array(repeating: nil, count: chart.series.count)][index] = point.value
            }
        }
        return Table(
            columns: [Table.Column("time")] + chart.series.map { Table.Column($0.name) },
            rows: values.sorted { $0.key < $1.key }.map { time, row in [.time(time)] + row.map { .optional($0) } })
    }
}

/// A chart in text: one line of blocks for each series, all on one scale, with the window and the marks below it.
enum SparkChart {
    private static let blocks: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    private static let columns = 72

    static func text(_ chart: Chart) -> String {
        let times = chart.series.flatMap { $0.points.map(\.time) }
        guard let first = times.min(), let last = times.max() else { return "" }
        let lines = chart.series.map { series in (series.name, cells(series, first, last)) }
        let known = lines.flatMap { $0.1.compactMap { $0 } }
        guard let most = known.max(), let least = known.min() else { return "" }
        let low = min(0, least)
        let high = max(most, low + .leastNormalMagnitude)
        let width = chart.series.map { PlainText.width($0.name) }.max() ?? 0
        var text =
            "\(PlainText.visible(chart.axis)), \(NumberText.axis(low, chart.unit)) to \(NumberText.axis(high, chart.unit))\n"
        for (name, cells) in lines {
            let pad = String(repeating: " ", count: width - PlainText.width(name))
            let line = String(
                cells.map { cell -> Character in
                    guard let cell else { return " " }
                    return blocks[max(0, min(7, Int((cell - low) / (high - low) * 7.999)))]
                })
            text += "\(PlainText.visible(name))\(pad)  \(line)\n"
        }
        let indent = String(repeating: " ", count: width + 2)
        for window in chart.windows {
            let from = column(max(first, window.start), first, last)
            let until = max(from, column(min(last, window.end), first, last))
            text +=
                indent + String(repeating: " ", count: from) + String(repeating: "▔", count: until - from + 1)
                + " \(PlainText.visible(window.label))\n"
        }
        for level in chart.levels {
            text += "\(indent)\(PlainText.visible(level.label)): \(NumberText.axis(level.value, chart.unit))\n"
        }
        for mark in chart.marks { text += "\(indent)\(mark.time): \(PlainText.visible(mark.label))\n" }
        return text + "\(indent)\(first) to \(last)\n"
    }

    private static func column(_ time: Timestamp, _ first: Timestamp, _ last: Timestamp) -> Int {
        let span = Double(last.microseconds - first.microseconds)
        guard span > 0 else { return 0 }
        let part = Double(time.microseconds - first.microseconds) / span
        return max(0, min(columns - 1, Int(part * Double(columns - 1) + 0.5)))
    }

    /// The largest value of each column: a spike of a minute must not vanish.
    private static func cells(_ series: Chart.Series, _ first: Timestamp, _ last: Timestamp) -> [Double?] {
        var cells = [Double?](repeating: nil, count: columns)
        for point in series.points {
            guard let value = point.value, value.isFinite else { continue }
            let index = column(point.time, first, last)
            cells[index] = max(cells[index] ?? value, value)
        }
        return cells
    }
}
