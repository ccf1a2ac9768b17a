package import CairnBytes
package import CairnReadModels
package import CairnWeb

/// Saved questions and SQL.
package enum QueryAnswer {
    /// The saved queries there are.
    package static func catalog(_ library: SavedQueries) -> CairnWeb.Table {
        Table(
            columns: ["name", "question", "parameters"].map { Table.Column($0) },
            rows: library.all.map { query in
                [
                    .text(query.name), .text(query.question),
                    .text(query.parameters.map(\.name).joined(separator: ", ")),
                ]
            })
    }

    /// - Parameters:
    ///   - texts: `name=value` each.
    ///   - query: the saved one, whose times may be relative; nil for SQL.
    package static func arguments(
        _ texts: [String], of query: SavedQuery?, now: Timestamp
    ) throws -> [String: SQLValue] {
        var arguments: [String: SQLValue] = [:]
        for text in texts {
            guard let mark = text.firstIndex(of: "=") else {
                throw QuestionError(.question, "cannot read the parameter \(text)", remedy: "write it as name=value")
            }
            let name = String(text[..<mark])
            let value = String(text[text.index(after: mark)...])
            if query?.parameters.contains(where: { $0.name == name && $0.isTime }) == true {
                guard let time = TimeArgument(value) else {
                    throw QuestionError(
                        .question, "cannot read the time \(value) of the parameter \(name)",
                        remedy: "write \(TimeArgument.help)")
                }
                arguments[name] = .text(time.moment(now: now).description)
            } else {
                // 007 is a name and no number: as a number it would be another text.
                let number = Int64(value).flatMap { String($0) == value ? $0 : nil }
                arguments[name] = number.map { .integer($0) } ?? .text(value)
            }
        }
        return arguments
    }

    package static func answered(_ result: QueryResult) -> Answered {
        var answered = Answered(Table(result))
        if result.isTruncated {
            answered.table.notes.append("There are more rows: narrow the question.")
            answered.notes = ["there are more than \(result.rows.count) rows; the rest is left out"]
        }
        return answered
    }
}
