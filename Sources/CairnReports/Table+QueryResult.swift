package import CairnReadModels
package import CairnWeb

/// The rows of reports; the read models have tables of another kind.
typealias Table = CairnWeb.Table

extension CairnWeb.Table {
    /// The rows of a query. Columns ending in `_us` are times for machines; the text beside them is for people.
    package init(_ result: QueryResult, title: String = "") {
        self.init(
            title: title, columns: result.columns.map { Column($0, isForMachines: $0.hasSuffix("_us")) },
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
