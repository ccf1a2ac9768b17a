/// What `queries/README.md` says about tables, columns and saved queries: made from the same descriptions as the
/// tables themselves, so that the page cannot fall behind.
package enum SchemaPage {
    /// The tables and views in Markdown.
    package static var tables: String {
        var text = ""
        for table in [Progressed.table] + Projections.tables {
            text += "### `\(table.name)`\n\nOne row: \(table.row).\n\n| column | type | meaning |\n|---|---|---|\n"
            for column in table.columns {
                let type = column.definition.prefix { $0 != " " }
                text += "| `\(column.name)` | \(type.lowercased()) | \(escaped(column.meaning)) |\n"
            }
            text += "\n"
        }
        for function in SamplesFunction.allCases {
            text += "### `\(function.call)` (function)\n\n\(function.page)\n\n| column | meaning |\n|---|---|\n"
            for column in function.meanings { text += "| `\(column.name)` | \(escaped(column.meaning)) |\n" }
            text += "\n"
        }
        for view in Views.all { text += "### `\(view.name)` (view)\n\nOne row: \(view.row).\n\n" }
        return text
    }

    /// The saved queries in Markdown.
    package static func queries(_ queries: SavedQueries) -> String {
        var text = "| query | question | parameters |\n|---|---|---|\n"
        for query in queries.all {
            let parameters = query.parameters.map { "`:\($0.name)`\($0.isOptional ? "" : " (needed)")" }
            text += "| `\(query.name)` | \(escaped(query.question)) | \(parameters.joined(separator: ", ")) |\n"
        }
        return text
    }

    private static func escaped(_ text: String) -> String {
        String(text.flatMap { $0 == "|" ? ["\\", "|"] : [$0] })
    }
}
