/// Evidence of one block of draws that a share differs between two clusters by more than a margin (F3 with a margin;
/// Turner, Grünwald 2023, "Exact anytime-valid confidence intervals for contingency tables and beyond").
///
/// The hypothesis "the second share is the first plus at most `offset`" is a convex set of pairs of shares. What was
/// learnt is set against the pair in that set which is nearest to it (Kullback-Leibler, each side weighted by its draws):
/// the likelihood ratio of the two is expected to be at most 1 under every pair in the set, whatever the shares are and
/// however many draws either side has.
enum MarginEvidence {
    /// What one side drew, and what it was expected to draw by what was learnt before.
    struct Side {
        var hits: Double
        var draws: Double
        var learnt: Double
    }

    /// ln e of the block against "b's share - a's share is `offset`, or on the other side of it".
    static func nats(_ a: Side, _ b: Side, offset: Double) -> Double {
        let nearest = projection(a, b, offset: offset)
        let other = nearest + offset
        return a.hits * Mathematics.log(a.learnt / nearest)
            + (a.draws - a.hits) * Mathematics.log((1 - a.learnt) / (1 - nearest))
            + b.hits * Mathematics.log(b.learnt / other)
            + (b.draws - b.hits) * Mathematics.log((1 - b.learnt) / (1 - other))
    }

    /// The share of `a` at which the pair (share, share + offset) is nearest to what was learnt: the root of a slope
    /// that rises from minus to plus infinity, by Newton's steps within a shrinking bracket.
    static func projection(_ a: Side, _ b: Side, offset: Double) -> Double {
        var low = max(0, -offset)
        var high = min(1, 1 - offset)
        var share = (a.draws * a.learnt + b.draws * (b.learnt - offset)) / (a.draws + b.draws)
        let edge = (high - low) * 1e-12
        share = min(high - edge, max(low + edge, share))
        for _ in 0..<60 {
            let other = share + offset
            let (widthA, widthB) = (share * (1 - share), other * (1 - other))
            let slope = a.draws * (share - a.learnt) / widthA + b.draws * (other - b.learnt) / widthB
            if slope > 0 { high = share } else { low = share }
            let bend =
                a.draws * (a.learnt / (share * share) + (1 - a.learnt) / ((1 - share) * (1 - share)))
                + b.draws * (b.learnt / (other * other) + (1 - b.learnt) / ((1 - other) * (1 - other)))
            var next = share - slope / bend
            if !(next > low && next < high) { next = (low + high) / 2 }
            if (next - share).magnitude <= 1e-13 * max(share, 1e-3) { return next }
            share = next
        }
        return share
    }
}

/// How a stake of 1 is divided over the moments at which a difference may have begun. Evidence that starts at several
/// moments, each with its part of the stake, is evidence (F10's detectors with a total stake of 1 in place of one stake
/// a step): a fault on the ninth day is found at the price of about 12 nats, and nothing is ever called different more
/// often than the level says, however long one looks.
struct OnsetStakes: Sendable, Hashable {
    /// Half is on the first moment: a difference that was always there.
    static let atStart = 0.5
    /// Of what is left, a traffic step takes this: faults like to begin there.
    static let atTrafficStep = 0.25

    /// What is not staked yet; it counts as what it is.
    private(set) var left = 1.0
    private var steps = 0.0

    /// The stake on a difference that begins with this step.
    mutating func next(isTrafficStep: Bool = false) -> Double {
        defer { steps += 1 }
        // The hazard falls so slowly that a month later there is a seventh left.
        let part = steps == 0 ? Self.atStart : isTrafficStep ? Self.atTrafficStep : 0.25 / (steps + 15)
        let stake = left * part
        left -= stake
        return stake
    }
}
