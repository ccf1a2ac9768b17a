/// Which dimension an excess belongs to, one dimension at a time (Bhagwan et al. 2014, "Adtributor: Revenue Debugging
/// in Advertising Systems"): the values that hold it, where their share of the whole is the greatest surprise.
package enum Adtributor {
    package struct Explanation: Hashable, Sendable {
        package var dimension: String
        /// The fewest values that explain most of the excess, the most surprising first.
        package var values: [String]
        /// The share of the excess that they hold.
        package var explained: Double
        package var surprise: Double
    }

    /// A value below this share of the excess is no part of an explanation, and one with this share is complete.
    private static let valueShareMin = 0.1
    private static let shareEnough = 0.67

    /// The best explanations, the most surprising first; none without an excess.
    package static func explain(_ table: AttributionTable, best: Int = 3) -> [Explanation] {
        let total = table.total
        let excess = total.actual - total.expected
        guard excess > 0, total.expected > 0 else { return [] }
        var explanations: [Explanation] = []
        for (index, dimension) in table.dimensions.enumerated() {
            var candidates: [(value: String, share: Double, surprise: Double)] = []
            for (code, sums) in table.sums(of: index).enumerated() where !table.values[index][code].isEmpty {
                let share = (sums.actual - sums.expected) / excess
                guard share > valueShareMin else { continue }
                candidates.append(
                    (
                        table.values[index][code], share,
                        surprise(sums.actual / total.actual, sums.expected / total.expected)
                    ))
            }
            candidates = candidates.sorted { $0.value < $1.value }.sortedSteadily { $0.surprise }
            var explanation = Explanation(dimension: dimension, values: [], explained: 0, surprise: 0)
            for candidate in candidates where explanation.explained < shareEnough {
                explanation.values.append(candidate.value)
                explanation.explained += candidate.share
                explanation.surprise += candidate.surprise
            }
            if explanation.explained >= shareEnough { explanations.append(explanation) }
        }
        // Among equals the dimension named first wins.
        return Array(explanations.sortedSteadily { $0.surprise }.prefix(best))
    }

    /// The part of the Jensen-Shannon divergence that one value adds, with its shares of what was counted and expected.
    static func surprise(_ actual: Double, _ expected: Double) -> Double {
        func part(_ share: Double) -> Double {
            share > 0 ? share * Mathematics.log(2 * share / (actual + expected)) : 0
        }
        return 0.5 * (part(actual) + part(expected))
    }
}
