/// Which combination of values an excess belongs to: the search of Squeeze (Li et al. 2019, "Generic and Robust
/// Localization of Multi-Dimensional Root Causes") over cuboids, which are sets of dimensions; within one
/// dimension, values that deviate alike are taken together as long as the whole fits better.
///
/// What fits is judged by the likelihood ratio of Poisson counts where Squeeze has its potential score: that score asks
/// every leaf to have risen alike, and leaves of zero, one or two events never do.
package enum CauseSearch {
    package struct Cause: Hashable, Sendable {
        /// Dimensions and the values that they have in common, in the order of the table.
        package var scope: [Part]
        /// The share of the excess that it holds.
        package var explained: Double
        /// Nats by which it fits better than nothing, less what its length costs.
        package var score: Double

        /// `subnet subnet-3`, `peer_port 443 direction egress`.
        package var words: String {
            scope.map { "\($0.dimension) \($0.values.joined(separator: ","))" }.joined(separator: " ")
        }

        package struct Part: Hashable, Sendable {
            package var dimension: String
            package var values: [String]
        }
    }

    /// Dimensions of which every combination is tried; the best of these is then tried with one more.
    private static let layersMax = 2
    /// So much of the excess explained is all of it.
    private static let explainedEnough = 0.98
    /// Nats that a cause beside others must be worth.
    private static let furtherNats = 10.0
    /// Values of one cause rise alike, within this factor; others belong to another cause.
    private static let alike = 1.5
    /// Values of one dimension in a cause; what needs more is another dimension's doing.
    private static let valuesMax = 5
    /// Factor by which a combination deviates to be looked at.
    private static let factorMin = 1.2

    struct Element {
        var codes: [UInt32]
        var actual: Double
        var expected: Double

        var factor: Double { actual / max(1e-9, expected) }
    }

    /// One cause after the other, each in what the ones before it leave: the most there may be.
    package static func sequence(in table: AttributionTable, most: Int = 3) -> [Cause] {
        let total = table.total
        let excess = total.actual - total.expected
        var rest = table
        var causes: [Cause] = []
        var explained = 0.0
        if excess > 0, let two = CausePair.best(in: table, excess: excess),
            two[0].score + two[1].score > self.causes(in: table, best: 1).first?.score ?? 0
        {
            causes = two
            explained = two.reduce(0) { $0 + $1.explained }
            rest = two.reduce(rest) { $0.without($1) }
        }
        while causes.count < most, explained < explainedEnough, var cause = self.causes(in: rest, best: 1).first,
            causes.isEmpty || cause.score >= furtherNats
        {
            let held = cause.explained * (rest.total.actual - rest.total.expected)
            cause.explained = min(1, held / excess)
            explained += cause.explained
            causes.append(cause)
            rest = rest.without(cause)
        }
        return causes
    }

    /// The best causes, the best first: one of each cuboid.
    package static func causes(in table: AttributionTable, best: Int = 3) -> [Cause] {
        let total = table.total
        let excess = total.actual - total.expected
        guard excess > 0 else { return [] }
        // No leaf is impossible: half an event is spread over all.
        let floor = 0.5 / Double(max(1, table.count))
        func causes(_ cuboids: [[Int]]) -> [(cuboid: [Int], cause: Cause)] {
            cuboids.compactMap { cuboid in
                cause(of: cuboid, elements(of: cuboid, in: table, floor: floor), table, excess: excess)
                    .map { (cuboid, $0) }
            }
        }
        func rank(_ causes: [(cuboid: [Int], cause: Cause)]) -> [(cuboid: [Int], cause: Cause)] {
            causes.sortedSteadily { $0.cause.score }
        }
        var ranked = rank(
            (1...layersMax).flatMap { causes(combinations(of: table.dimensions.count, $0)) })
        if let first = ranked.first?.cuboid, first.count == layersMax {
            let more = table.dimensions.indices.filter { !first.contains($0) }.map { (first + [$0]).sorted() }
            ranked = rank(ranked + causes(more))
        }
        return ranked.prefix(best).map(\.cause)
    }

    private static func combinations(of count: Int, _ size: Int) -> [[Int]] {
        if size == 1 { return (0..<count).map { [$0] } }
        return combinations(of: count, size - 1).flatMap { head in
            ((head.last ?? -1) + 1..<max((head.last ?? -1) + 1, count)).map { head + [$0] }
        }
    }

    /// The combinations of a cuboid that deviate, the most deviating first.
    static func elements(of cuboid: [Int], in table: AttributionTable, floor: Double) -> [Element] {
        let columns = cuboid.map { table.columns[$0] }
        let unknown = cuboid.map { dimension in table.values[dimension].firstIndex(of: "").map { UInt32($0) } }
        // Places by the product of the codes where that is small, else by a table of what occurs.
        let sizes = cuboid.map { table.values[$0].count }
        var numbers: [UInt64: Int] = [:]
        var dense: [Int32] = []
        let product = sizes.reduce(1.0) { $0 * Double(max(1, $1)) }
        if product <= 1_048_576 { dense = [Int32](repeating: -1, count: Int(product)) }
        var elements: [Element] = []
        for leaf in 0..<table.count {
            var key: UInt64 = 0
            for (position, column) in columns.enumerated() {
                key = key &* UInt64(sizes[position]) &+ UInt64(column[leaf])
            }
            var place = dense.isEmpty ? numbers[key] ?? -1 : Int(dense[Int(key)])
            if place < 0 {
                place = elements.count
                if dense.isEmpty { numbers[key] = place } else { dense[Int(key)] = Int32(place) }
                elements.append(Element(codes: columns.map { $0[leaf] }, actual: 0, expected: 0))
            }
            elements[place].actual += table.actual[leaf]
            elements[place].expected += table.expected[leaf] + floor
        }
        return elements.filter { element in
            element.factor >= factorMin && !zip(element.codes, unknown).contains { $0 == $1 }
        }.sorted { $0.factor == $1.factor ? $0.codes.lexicographicallyPrecedes($1.codes) : $0.factor > $1.factor }
    }

    /// The prefix of the elements, or the single one, that fits best.
    private static func cause(
        of cuboid: [Int], _ elements: [Element], _ table: AttributionTable, excess: Double
    ) -> Cause? {
        // Each value could have been any of its dimension's: that many choices cost that many nats.
        let cost = cuboid.reduce(0.0) { $0 + 1 + Mathematics.log(Double(max(2, table.values[$1].count))) }
        var best: (score: Double, elements: ArraySlice<Element>)?
        func consider(_ part: ArraySlice<Element>, _ actual: Double, _ expected: Double) {
            let score = nats(actual, expected) - cost * Double(part.count)
            if Mathematics.steady(score) > Mathematics.steady(best?.score ?? 0) { best = (score, part) }
        }
        for index in elements.indices {
            consider(elements[index...index], elements[index].actual, elements[index].expected)
        }
        // Several values of one dimension: those that rise like the one with most evidence. One event where none was
        // expected deviates most and says least.
        let strong = elements.sorted { $0.codes.lexicographicallyPrecedes($1.codes) }
            .map { (nats: nats($0.actual, $0.expected), element: $0) }.filter { $0.nats > cost }
            .sortedSteadily { $0.nats }.map(\.element)
        if cuboid.count == 1, let first = strong.first {
            let like = strong.filter { $0.factor < first.factor * alike && $0.factor * alike > first.factor }
            var sum = (actual: 0.0, expected: 0.0)
            for (index, element) in like.prefix(valuesMax).enumerated() {
                sum = (sum.actual + element.actual, sum.expected + element.expected)
                consider(like[...index], sum.actual, sum.expected)
            }
        }
        guard let best else { return nil }
        let held = best.elements.reduce(0) { $0 + $1.actual - $1.expected }
        return Cause(
            scope: cuboid.enumerated().map { position, dimension in
                Cause.Part(
                    dimension: table.dimensions[dimension],
                    values: Set(best.elements.map { table.values[dimension][Int($0.codes[position])] }).sorted())
            },
            explained: min(1, held / excess), score: best.score)
    }

    /// Log-likelihood ratio of a Poisson count at its own mean over the one expected.
    static func nats(_ actual: Double, _ expected: Double) -> Double {
        guard actual > expected else { return 0 }
        return actual * Mathematics.log(actual / expected) - (actual - expected)
    }
}
