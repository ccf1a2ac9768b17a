package import CairnBytes

/// Rows that any command can print as a table, JSON, CSV, Markdown or HTML. The column's name is the JSON key and the
/// CSV header, and so a promise to scripts; its title is for people.
package struct Table: Sendable, Hashable {
    package struct Column: Sendable, Hashable {
        /// snake_case.
        package var name: String
        package var title: String
        /// Fixed decimals for numbers in what people read; machine output always has all digits.
        package var decimals: Int?
        /// Left out of what people read (table, Markdown, HTML), but in JSON and CSV.
        package var isForMachines: Bool

        /// By default the title is the name in capitals with spaces: `app_name` is `APP NAME`.
        package init(_ name: String, title: String? = nil, decimals: Int? = nil, isForMachines: Bool = false) {
            self.name = name
            self.title = title ?? name.uppercased().replacing("_", with: " ")
            self.decimals = decimals
            self.isForMachines = isForMachines
        }
    }

    package enum Cell: Sendable, Hashable {
        /// Nothing is known: null in JSON, empty in CSV, `-` for people.
        case missing
        case text(String)
        case integer(Int64)
        case number(Double)
        case boolean(Bool)
        case time(Timestamp)
        /// `1h 02m` for people, seconds for machines.
        case seconds(Double)
        /// A fraction of one: `3.4%` for people, the fraction for machines.
        case fraction(Double)
        /// Nested data: an object or list in JSON, compact JSON text elsewhere.
        case json(JSONValue)
    }

    package var title: String
    package var columns: [Column]
    package var rows: [[Cell]]
    /// Lines below the table in what people read: what a value means, what was left out.
    package var notes: [String]

    /// Rows shorter than the columns are filled with `.missing`.
    package init(title: String = "", columns: [Column], rows: [[Cell]] = [], notes: [String] = []) {
        self.title = title
        self.columns = columns
        self.rows = rows
        self.notes = notes
    }

    /// One row, told by its columns: what a command that answers one thing prints.
    package static func ofOne(_ values: [(name: String, cell: Cell)]) -> Table {
        Table(columns: values.map { Column($0.name) }, rows: [values.map(\.cell)])
    }

    func cell(_ row: Int, _ column: Int) -> Cell {
        rows[row].indices.contains(column) ? rows[row][column] : .missing
    }
}

extension Table.Cell: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .text(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(booleanLiteral value: Bool) { self = .boolean(value) }
    package init(nilLiteral: ()) { self = .missing }

    package static func optional(_ text: String?) -> Table.Cell { text.map { .text($0) } ?? .missing }
    package static func optional(_ number: Double?) -> Table.Cell { number.map { .number($0) } ?? .missing }
    package static func optional(_ time: Timestamp?) -> Table.Cell { time.map { .time($0) } ?? .missing }
    package static func integer<Integer: BinaryInteger>(_ value: Integer) -> Table.Cell {
        .integer(Int64(clamping: value))
    }
    package static func optional<Integer: BinaryInteger>(_ value: Integer?) -> Table.Cell {
        value.map { .integer(Int64(clamping: $0)) } ?? .missing
    }

    /// A JSON value as the cell that shows it best.
    package init(_ value: JSONValue) {
        switch value {
        case .null: self = .missing
        case .bool(let flag): self = .boolean(flag)
        case .number(let number): self = value.integer.map { .integer($0) } ?? .number(number)
        case .string(let text): self = .text(text)
        case .array, .object: self = .json(value)
        }
    }
}
