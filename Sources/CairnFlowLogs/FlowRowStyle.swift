/// How rows become text: everything about a format that the writer of rows needs to know. Names and text from outside
/// are made harmless for the format by `text`, once for each value.
package struct FlowRowStyle: Sendable {
    /// One cell of a row, in the order in which they are written.
    package struct Cell: Sendable {
        /// The query's columns, then the sums.
        package var column: Int
        /// What stands between this value and the one before.
        package var before: [UInt8]
        /// Columns of the screen that the cell takes at least; zero if values stand as they are.
        package var width = 0
        /// Shorter values are moved to the right.
        package var isRight = false

        package init(column: Int, before: String) {
            self.column = column
            self.before = Array(before.utf8)
        }
    }

    package var cells: [Cell] = []
    /// Before the first row, between two, after the last one, and instead of all that if there are none.
    package var header: [UInt8] = []
    package var betweenRows: [UInt8] = []
    package var afterRow: [UInt8] = []
    package var footer: [UInt8] = []
    package var whenEmpty: [UInt8]?
    /// What stands for a missing value.
    package var missing: [UInt8] = []
    /// Addresses in quotes.
    package var quotesAddresses = false
    /// The least number that is quoted, since a reader would round it; nil if none is.
    package var quotedNumbersMin: UInt64?
    /// Text as the format wants it.
    package var text: @Sendable (String) -> [UInt8] = { Array($0.utf8) }
    /// Columns of the screen that a value of `text` takes.
    package var width: @Sendable (String) -> Int = { $0.utf8.count }

    package init() {}
}

/// What is in a column: how wide it is, and whether any row has a value.
package struct FlowColumnExtent: Sendable, Hashable {
    package var width = 0
    package var hasValue = false

    mutating func add(_ other: FlowColumnExtent) {
        width = max(width, other.width)
        hasValue = hasValue || other.hasValue
    }
}
