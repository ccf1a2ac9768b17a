internal import CairnBytes

/// A report for auditors: what was asked, by whom and when, what the answer rests on, and tables.
package struct ReportDocument: Sendable, Hashable {
    package var title: String
    /// How the report was made: query, parameters, person, time, position range, checkpoint.
    package var facts: [LabelledText]
    package var sections: [Table]

    package init(title: String, facts: [LabelledText], sections: [Table]) {
        self.title = title
        self.facts = facts
        self.sections = sections
    }
}

/// Writes a report; CSV has the tables alone, each under its columns, since a header of facts would break its readers.
package enum ReportRenderer {
    package static func render(_ report: ReportDocument, as format: TableFormat) -> String {
        switch format {
        case .json: json(report)
        case .csv: report.sections.map { TableRenderer.render($0, as: .csv) }.joined(separator: "\n")
        case .md: markdown(report)
        case .html: html(report)
        case .table: terminal(report)
        }
    }

    private static func json(_ report: ReportDocument) -> String {
        var object: JSONObject = ["title": .string(report.title)]
        var facts = JSONObject()
        for fact in report.facts { facts[fact.label.replacing(" ", with: "_")] = .string(fact.text) }
        object["report"] = .object(facts)
        for section in report.sections {
            let name = section.title.lowercased().replacing(" ", with: "_")
            let rows = section.rows.indices.map { JSONValue.object(TableRenderer.object(section, row: $0)) }
            object[name] = .array(rows)
        }
        return JSONText.indented(.object(object))
    }

    private static func markdown(_ report: ReportDocument) -> String {
        var text = "# \(Markdown.escaped(report.title))\n\n"
        text += FactList.markdown(report.facts)
        for section in report.sections { text += "\n" + TableRenderer.render(section, as: .md) }
        return text
    }

    private static func terminal(_ report: ReportDocument) -> String {
        var text = PlainText.visible(report.title) + "\n"
        text += FactList.terminal(report.facts)
        for section in report.sections { text += "\n" + TableRenderer.render(section, as: .table) }
        return text
    }

    private static func html(_ report: ReportDocument) -> String {
        Page.render(title: report.title) { page in
            page.element("h1", text: report.title)
            FactList.write(report.facts, to: &page)
            for section in report.sections {
                page.element("h2", text: section.title)
                TableRenderer.write(section, to: &page)
            }
        }
    }
}
