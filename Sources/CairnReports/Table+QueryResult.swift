package import CairnReadModels
package import CairnWeb

/// The rows of reports; the read models have tables of another kind.
typealias Table = CairnWeb.Table

extension CairnWeb.Table {
    /// The rows of a query. Columns ending in `_us` are times for machines; the text beside them is for people.
    package init(_ result: QueryResult, title: String = "") {
        // JSON has one value for a name: a second column of that name is told apart by a number, as spreadsheets do.
        var seen: [String: Int] = [:]
        let names = result.columns.map { name in
            seen[name, default: 0] += 1
            return seen[name] == 1 ? name : "\(name)_\(seen[name] ?? 0)"
        }
        self.init(
            title: title, columns: names.map { Column($0, isForMachines: $0.hasSuffix("_us")) },
            rows: result.rows.map { row in row.map { Cell($0) } })
    }
}

extension CairnWeb.Table.Cell {
    package init(_ value: SQLValue) {
        switch value {
        case .null: self = .missing
        case .integer(let value): self = .integer(value)
        case .real(let value): self = .number(value)
        case .text(let value): self = .text(value)
        case .blob: self = .text(value.description)
        }
    }
}
