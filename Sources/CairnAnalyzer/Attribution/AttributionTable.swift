/// Counts taken apart as finely as they are known: each leaf has a value in every dimension, what was counted there and
/// what was expected. Which of the values hold the excess is what attribution asks.
package struct AttributionTable: Sendable {
    package let dimensions: [String]
    /// The values of each dimension, by code.
    private(set) var values: [[String]]
    /// Codes of the leaves, a column for each dimension.
    private(set) var columns: [[UInt32]]
    private(set) var actual: [Double] = []
    private(set) var expected: [Double] = []
    private var codes: [[String: UInt32]]

    package init(dimensions: [String]) {
        self.dimensions = dimensions
        values = [[String]](repeating: [], count: dimensions.count)
        columns = [[UInt32]](repeating: [], count: dimensions.count)
        codes = [[String: UInt32]](repeating: [:], count: dimensions.count)
    }

    package var count: Int { actual.count }

    /// - Parameter names: a value for each dimension, in their order; an empty one is not known and explains nothing.
    package mutating func add(_ names: [String], actual: Double, expected: Double) {
        precondition(names.count == dimensions.count, "a leaf has a value in every dimension")
        for (dimension, name) in names.enumerated() {
            let code = codes[dimension][name] ?? UInt32(values[dimension].count)
            if Int(code) == values[dimension].count {
                codes[dimension][name] = code
                values[dimension].append(name)
            }
            columns[dimension].append(code)
        }
        self.actual.append(actual)
        self.expected.append(expected)
    }

    /// The same leaves in the order of their values: sums of numbers must not depend on the order of arrival.
    func sorted() -> AttributionTable {
        let names = (0..<count).map { leaf in columns.indices.map { values[$0][Int(columns[$0][leaf])] } }
        var table = AttributionTable(dimensions: dimensions)
        for leaf in (0..<count).sorted(by: { names[$0].lexicographicallyPrecedes(names[$1]) }) {
            table.add(names[leaf], actual: actual[leaf], expected: expected[leaf])
        }
        return table
    }

    /// The leaves that a cause does not hold.
    func without(_ cause: CauseSearch.Cause) -> AttributionTable {
        let parts = cause.scope.compactMap { part in
            dimensions.firstIndex(of: part.dimension).map { dimension in
                (column: columns[dimension], codes: Set(part.values.compactMap { codes[dimension][$0] }))
            }
        }
        var rest = self
        let kept = (0..<count).filter { leaf in !parts.allSatisfy { $0.codes.contains($0.column[leaf]) } }
        for dimension in columns.indices { rest.columns[dimension] = kept.map { columns[dimension][$0] } }
        rest.actual = kept.map { actual[$0] }
        rest.expected = kept.map { expected[$0] }
        return rest
    }

    /// Counted and expected, over all leaves.
    var total: (actual: Double, expected: Double) { (actual.reduce(0, +), expected.reduce(0, +)) }

    /// The sums of each value of a dimension.
    func sums(of dimension: Int) -> [(actual: Double, expected: Double)] {
        var sums = [(actual: Double, expected: Double)](repeating: (0, 0), count: values[dimension].count)
        for (leaf, code) in columns[dimension].enumerated() {
            sums[Int(code)].actual += actual[leaf]
            sums[Int(code)].expected += expected[leaf]
        }
        return sums
    }
}
