/// Pearson's statistic of a pair of count streams (F12), learnt while they run: how much more the difference of two
/// shares changes from minute to minute, and from block to block, than independent requests let it. Changes, because a
/// difference that stays is what is looked for and must not count as noise.
struct RunningDispersion: Sendable {
    /// Noise with a memory shows in larger blocks only.
    static let blockSteps = 15.0
    private static let termsMin = 8.0
    private static let blocksMin = 6.0
    /// The one step in which a fault begins is no noise, however large: it counts as this many usual ones at most.
    private static let clip = 8.0

    /// What one category was in the last step and the last block.
    struct Category: Sendable {
        var difference = Float.nan
        var blockHits = (a: Float(0), b: Float(0))
        var blockDifference = Float.nan
    }

    private var steps = (sum: 0.0, terms: 0.0, last: 0.0)
    private var blocks = (sum: 0.0, terms: 0.0, last: 0.0)
    private var weights = 0.0
    private var block = (a: 0.0, b: 0.0, steps: 0.0)
    private var pending = (sum: 0.0, categories: 0.0)
    private var pendingBlock = (sum: 0.0, categories: 0.0)
    private(set) var factor = 4.0

    /// Draws that the difference of two shares is worth.
    static func weight(_ a: Double, _ b: Double) -> Double { a * b / (a + b) }

    var isKnown: Bool { steps.terms >= Self.termsMin }

    /// The factor for a step with so many draws on the two sides: dependence within a step grows with traffic.
    func factor(_ a: Double, _ b: Double) -> Double {
        guard isKnown, weights > 0 else { return factor }
        let usual = weights / (steps.terms + 1)
        return max(factor, 1 + (factor - 1) * Self.weight(a, b) / usual)
    }

    /// One category of the step that is being added; those that expect under one hit a step say nothing of dispersion.
    mutating func add(
        _ category: inout Category, hits: (a: Double, b: Double), draws: (a: Double, b: Double), share: Double
    ) {
        category.blockHits.a += Float(hits.a)
        category.blockHits.b += Float(hits.b)
        let spread = share * (1 - share)
        let weight = Self.weight(draws.a, draws.b)
        let difference = hits.b / draws.b - hits.a / draws.a
        defer { category.difference = Float(difference) }
        if spread * (draws.a + draws.b) >= 1, steps.last > 0, !category.difference.isNaN {
            let change = difference - Double(category.difference)
            pending.sum += change * change / (spread * (1 / weight + 1 / steps.last))
            pending.categories += 1
        }
        guard block.steps + 1 >= Self.blockSteps else { return }
        let total = (a: block.a + draws.a, b: block.b + draws.b)
        let ofBlock = Double(category.blockHits.b) / total.b - Double(category.blockHits.a) / total.a
        if spread * (total.a + total.b) >= 1, blocks.last > 0, !category.blockDifference.isNaN {
            let change = ofBlock - Double(category.blockDifference)
            pendingBlock.sum += change * change / (spread * (1 / Self.weight(total.a, total.b) + 1 / blocks.last))
            pendingBlock.categories += 1
        }
        category.blockDifference = Float(ofBlock)
        category.blockHits = (0, 0)
    }

    /// Ends the step whose categories were added.
    mutating func endStep(draws: (a: Double, b: Double)) {
        let weight = Self.weight(draws.a, draws.b)
        if pending.categories > 0 {
            steps.sum += min(pending.sum / pending.categories, Self.clip * factor)
            steps.terms += 1
        }
        weights += weight
        steps.last = weight
        pending = (0, 0)
        block = (block.a + draws.a, block.b + draws.b, block.steps + 1)
        if block.steps >= Self.blockSteps {
            if pendingBlock.categories > 0 {
                blocks.sum += min(pendingBlock.sum / pendingBlock.categories, Self.clip * factor)
                blocks.terms += 1
            }
            blocks.last = Self.weight(block.a, block.b)
            block = (0, 0, 0)
            pendingBlock = (0, 0)
        }
        guard isKnown else { return }
        // Neighbouring changes share a step, so three of them are worth about two. Raised to what the truth stays below
        // in nineteen cases of twenty.
        factor = max(1, steps.sum / steps.terms / Autocorrelation.caution(degrees: steps.terms * 2 / 3))
        if blocks.terms >= Self.blocksMin { factor = max(factor, blocks.sum / blocks.terms) }
    }
}
