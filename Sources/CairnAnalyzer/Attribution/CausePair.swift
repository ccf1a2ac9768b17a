/// Two causes at once: each makes the events of what it holds rise by a factor of its own, and where both hold, by both.
/// One after the other they are not found where one lies inside the other, since taking out the larger one takes out
/// both, and several values of a third dimension may look as good.
enum CausePair {
    /// Values with most evidence, of whichever dimension, of which every two are tried.
    private static let candidatesMax = 24
    private static let stepsMax = 60

    private struct Candidate {
        var dimension: Int
        var code: UInt32
        var cost: Double
        var leaves: [Int]
        var isHeld: [Bool]
        var actual: Double
        var expected: Double
    }

    private struct Fit {
        var one: Int
        var other: Int
        var factors: (Double, Double)
        var score: Double
    }

    /// The two values that explain the excess best together; nil without two that could.
    static func best(in table: AttributionTable, excess: Double) -> [CauseSearch.Cause]? {
        let candidates = candidates(table)
        var best: Fit?
        for one in candidates.indices {
            for other in candidates.indices where other > one {
                let found = fit(candidates[one], candidates[other], table)
                let score = found.nats - candidates[one].cost - candidates[other].cost
                if score > best?.score ?? 0 {
                    best = Fit(one: one, other: other, factors: found.factors, score: score)
                }
            }
        }
        guard let best else { return nil }
        let parts = [(best.one, best.factors.0), (best.other, best.factors.1)].map { index, factor in
            let candidate = candidates[index]
            return CauseSearch.Cause(
                scope: [
                    CauseSearch.Cause.Part(
                        dimension: table.dimensions[candidate.dimension],
                        values: [table.values[candidate.dimension][Int(candidate.code)]])
                ], explained: min(1, factor * candidate.expected / excess), score: best.score / 2)
        }
        return parts[0].explained >= parts[1].explained ? parts : parts.reversed()
    }

    private static func candidates(_ table: AttributionTable) -> [Candidate] {
        let floor = 0.5 / Double(max(1, table.count))
        var found: [(nats: Double, candidate: Candidate)] = []
        for dimension in table.dimensions.indices {
            let cost = 1 + Mathematics.log(Double(max(2, table.values[dimension].count)))
            for element in CauseSearch.elements(of: [dimension], in: table, floor: floor) {
                let nats = CauseSearch.nats(element.actual, element.expected)
                guard nats > cost else { continue }
                found.append(
                    (
                        nats,
                        Candidate(
                            dimension: dimension, code: element.codes[0], cost: cost, leaves: [], isHeld: [],
                            actual: element.actual, expected: element.expected)
                    ))
            }
        }
        return found.sortedSteadily { $0.nats }.prefix(candidatesMax).map { one in
            var candidate = one.candidate
            let column = table.columns[candidate.dimension]
            candidate.isHeld = column.map { $0 == candidate.code }
            candidate.leaves = column.indices.filter { candidate.isHeld[$0] }
            return candidate
        }
    }

    /// The two factors that explain the counts best, by expectation and maximization, and their log-likelihood ratio
    /// over no cause at all.
    private static func fit(
        _ one: Candidate, _ other: Candidate, _ table: AttributionTable
    ) -> (factors: (Double, Double), nats: Double) {
        let floor = 0.5 / Double(max(1, table.count))
        let (few, many) = one.leaves.count <= other.leaves.count ? (one, other) : (other, one)
        var both = (actual: 0.0, expected: 0.0)
        for leaf in few.leaves where many.isHeld[leaf] {
            both.actual += table.actual[leaf]
            both.expected += table.expected[leaf] + floor
        }
        let own = [one, other].map {
            (actual: max(0, $0.actual - both.actual), expected: max(0, $0.expected - both.expected))
        }
        var factors = [one, other].map { max(0.01, $0.actual / max(1e-9, $0.expected) - 1) }
        for _ in 0..<stepsMax {
            let shared = both.actual / (1 + factors[0] + factors[1])
            for index in 0..<2 {
                let rate = own[index].actual / (1 + factors[index]) + shared
                factors[index] *= rate / max(1e-9, own[index].expected + both.expected)
            }
        }
        func nats(_ cell: (actual: Double, expected: Double), _ factor: Double) -> Double {
            cell.actual * Mathematics.log1p(factor) - cell.expected * factor
        }
        return (
            (factors[0], factors[1]),
            nats(own[0], factors[0]) + nats(own[1], factors[1]) + nats(both, factors[0] + factors[1])
        )
    }
}
