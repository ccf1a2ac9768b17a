import CairnBytes

/// How a command prints its rows: the values of `-o`.
package enum TableFormat: String, Sendable, Hashable, CaseIterable {
    case table, json, csv, md, html
}

/// Writes a `Table` in each of the formats; every result ends in a line break.
package enum TableRenderer {
    package static func render(_ table: Table, as format: TableFormat) -> String {
        switch format {
        case .table: terminal(table)
        case .json: json(table)
        case .csv: csv(table)
        case .md: markdown(table)
        case .html: html(table)
        }
    }

    /// One row as one line of JSON, for streams (`--follow`, `--scores`).
    package static func jsonLine(_ row: [Table.Cell], columns: [Table.Column]) -> String {
        CanonicalJSON.string(of: .object(object(row, columns: columns))) + "\n"
    }

    // MARK: - Machines

    private static func json(_ table: Table) -> String {
        guard !table.rows.isEmpty else { return "[]\n" }
        let rows = table.rows.map { CanonicalJSON.string(of: .object(object($0, columns: table.columns))) }
        return "[\n  " + rows.joined(separator: ",\n  ") + "\n]\n"
    }

    private static func object(_ row: [Table.Cell], columns: [Table.Column]) -> JSONObject {
        var object = JSONObject()
        for (index, column) in columns.enumerated() {
            object[column.name] = jsonValue(row.indices.contains(index) ? row[index] : .missing)
        }
        return object
    }

    /// As Prometheus writes them, since JSON has no number for them; nil for a value that is none.
    private static func infinite(_ value: Double) -> String? { value.isNaN ? nil : value < 0 ? "-Inf" : "+Inf" }

    private static func jsonValue(_ cell: Table.Cell) -> JSONValue {
        switch cell {
        case .missing: .null
        case .text(let text): .string(text)
        // Beyond 2^53 a double would change the digits, so these few become text.
        case .integer(let value): value.magnitude <= 1 << 53 ? .integer(value) : .string(String(value))
        case .number(let value), .seconds(let value), .fraction(let value):
            value.isFinite ? .number(value) : infinite(value).map { .string($0) } ?? .null
        case .boolean(let flag): .bool(flag)
        case .time(let time): .string(time.description)
        case .json(let value): value
        }
    }

    private static func csv(_ table: Table) -> String {
        var text = CSV.line(table.columns.map { .text($0.name) })
        for row in table.rows.indices {
            text += CSV.line(table.columns.indices.map { csvField(table.cell(row, $0)) })
        }
        return text
    }

    private static func csvField(_ cell: Table.Cell) -> CSV.Field {
        switch cell {
        case .missing: .number("")
        case .text(let text): .text(text)
        case .integer(let value): .number(String(value))
        case .number(let value), .seconds(let value), .fraction(let value):
            .number(value.isFinite ? CanonicalJSON.text(of: value) : infinite(value) ?? "")
        case .boolean(let flag): .number(flag ? "true" : "false")
        case .time(let time): .number(time.description)
        case .json(let value): .text(CanonicalJSON.string(of: value))
        }
    }

    // MARK: - People

    /// What a person reads in a cell. Text from outside keeps its letters and loses its power over the terminal.
    static func humanText(_ cell: Table.Cell, decimals: Int?) -> String {
        switch cell {
        case .missing: "-"
        case .text(let text): text.isEmpty ? "-" : PlainText.visible(text)
        case .integer(let value): String(value)
        case .number(let value):
            decimals.map { NumberText.fixed(value, $0) } ?? NumberText.significant(value, 4)
        case .boolean(let flag): flag ? "yes" : "no"
        case .time(let time): "\(time.dateText) \(time.timeText)Z"
        case .seconds(let value): NumberText.duration(seconds: value)
        case .fraction(let value):
            "\(decimals.map { NumberText.fixed(value * 100, $0) } ?? NumberText.significant(value * 100))%"
        case .json(let value): PlainText.visible(CanonicalJSON.string(of: value))
        }
    }

    private static func isNumeric(_ cell: Table.Cell) -> Bool {
        switch cell {
        case .integer, .number, .seconds, .fraction, .missing: true
        default: false
        }
    }

    /// The columns people see, with which of them line up at the right: those with numbers and nothing else.
    private static func shownColumns(_ table: Table) -> [(index: Int, column: Table.Column, isRight: Bool)] {
        table.columns.enumerated().filter { !$0.element.isForMachines }.map { index, column in
            let cells = table.rows.indices.map { table.cell($0, index) }
            let isRight = cells.contains { $0 != .missing } && cells.allSatisfy(isNumeric)
            return (index, column, isRight)
        }
    }

    private static func terminal(_ table: Table) -> String {
        let columns = shownColumns(table)
        var lines = [columns.map { PlainText.visible($0.column.title) }]
        for row in table.rows.indices {
            lines.append(columns.map { humanText(table.cell(row, $0.index), decimals: $0.column.decimals) })
        }
        let widths = columns.indices.map { column in lines.map { PlainText.width($0[column]) }.max() ?? 0 }
        var text = table.title.isEmpty ? "" : PlainText.visible(table.title) + "\n"
        for line in lines {
            var written = ""
            for (column, cell) in line.enumerated() {
                let pad = String(repeating: " ", count: widths[column] - PlainText.width(cell))
                written += (column > 0 ? "  " : "") + (columns[column].isRight ? pad + cell : cell + pad)
            }
            while written.hasSuffix(" ") { written.removeLast() }
            text += written + "\n"
        }
        for note in table.notes { text += PlainText.visible(note) + "\n" }
        return text
    }

    private static func markdown(_ table: Table) -> String {
        let columns = shownColumns(table)
        var text = table.title.isEmpty ? "" : "## \(Markdown.escaped(table.title))\n\n"
        text += "| " + columns.map { Markdown.cell($0.column.title) }.joined(separator: " | ") + " |\n"
        text += "| " + columns.map { $0.isRight ? "---:" : "---" }.joined(separator: " | ") + " |\n"
        for row in table.rows.indices {
            let cells = columns.map {
                Markdown.cell(humanText(table.cell(row, $0.index), decimals: $0.column.decimals))
            }
            text += "| " + cells.joined(separator: " | ") + " |\n"
        }
        for note in table.notes { text += "\n\(Markdown.escaped(note))\n" }
        return text
    }

    private static func html(_ table: Table) -> String {
        let title = table.title.isEmpty ? "Cairn" : table.title
        return Page.render(title: title) { page in
            page.element("h1", text: title)
            write(table, to: &page)
        }
    }

    /// The table and its notes as a part of a page.
    static func write(_ table: Table, to page: inout Markup) {
        let columns = shownColumns(table)
        let label = table.title.isEmpty ? "Rows" : table.title
        page.element("div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": label]) { page in
            page.element("table", ["class": "rows"]) { page in
                page.element("thead") { page in
                    page.element("tr") { page in
                        for column in columns {
                            page.element(
                                "th", ["scope": "col", "class": column.isRight ? "number" : nil],
                                text: column.column.title)
                        }
                    }
                }
                page.lineBreak()
                page.element("tbody") { page in
                    for row in table.rows.indices {
                        page.element("tr") { page in
                            for column in columns {
                                let cell = table.cell(row, column.index)
                                let text = humanText(cell, decimals: column.column.decimals)
                                page.element("td", ["class": column.isRight ? "number" : nil], text: text)
                            }
                        }
                        page.lineBreak()
                    }
                }
            }
        }
        for note in table.notes { page.element("p", ["class": "note"], text: note) }
    }

    /// One row as a JSON object.
    static func object(_ table: Table, row: Int) -> JSONObject { object(table.rows[row], columns: table.columns) }
}
