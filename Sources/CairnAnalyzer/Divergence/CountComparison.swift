/// Whether shares of requests (classes of status codes, latencies above cut points, failed requests) differ between two
/// clusters by more than a margin: fed one step at a time, with a state of fixed size.
///
/// Each share has its own evidence against "the difference is at most the margin" (`MarginEvidence`), learnt from earlier
/// steps only, with five memories at once: a fault that is minutes old shows in the short ones, a faint one in the long
/// ones. While nothing that was learnt lies beyond the margin no bet is made, so quiet weeks cost nothing. The common
/// level may drift, and each cluster's part of the traffic may be anything in any step.
package struct CountComparison: Sendable {
    /// What is known of one share.
    private struct Cell: Sendable {
        /// Hits of both sides as the four fading memories have them.
        var recentA = SIMD4<Float>.zero
        var recentB = SIMD4<Float>.zero
        /// Evidence times stake, one for each fading memory, and of the memory that does not fade.
        var recentWealth = SIMD4<Double>.zero
        var wealth = 0.0
        /// Hits since the moment judged from.
        var hitsA = 0.0
        var hitsB = 0.0
        /// Those of the second side, if both had the same share in each step (F4).
        var expectedB = 0.0
        /// The baseline: the source's share, the difference that was there already, and how unsure that is.
        var baselineHits = Float(0)
        var ownDifference = Float(0)
        var ownError = Float(0)
        var dispersion = RunningDispersion.Category()
    }

    /// Steps after which a fading memory has lost two thirds.
    private static let memories: SIMD4<Float> = [1.2, 5, 25, 125]
    /// The source is expected to stay what it was: its long-run share counts as this many hits, the target's as half.
    private static let sourceDoubt = 20.0
    private static let targetDoubt = 0.5
    private static let keeps: SIMD4<Float> = 1 - 1 / memories
    /// No step, however busy, is worth more nats than this: what repeats is a fault, one bad minute is not.
    private static let natsPerStepMax = 6.0
    private static let fewHits = 20.0
    /// What counts as chance, in squared standard errors.
    private static let chance = 0.25
    /// Beyond this nothing changes any more, and doubles do not overflow.
    private static let wealthMax = 1e280
    /// Who would have to wait a million times as long waits for nothing.
    private static let growthMax = 1e6
    /// Counts above this are no requests of one step.
    private static let countMax = 1e12

    private let policy: CountMargins
    private var cells: [Cell]
    private var recentDrawsA = SIMD4<Float>.zero
    private var recentDrawsB = SIMD4<Float>.zero
    private var drawsA = 0.0
    private var drawsB = 0.0
    private var baselineDraws = 0.0
    private var stakes = OnsetStakes()
    private var noise = RunningDispersion()
    /// Steps in which both sides were compared.
    package private(set) var steps = 0

    package init(effects: Int, margins: CountMargins) {
        policy = margins
        cells = [Cell](repeating: Cell(), count: effects)
    }

    /// Bytes of state, of which the rest is shared by all comparisons.
    package var stateBytes: Int { MemoryLayout<Self>.size + 32 + cells.count * MemoryLayout<Cell>.stride }

    /// A side that serves a trickle serves something else: health checks, and clients that never look up a name again.
    func isCompared(_ drawsA: Double, _ drawsB: Double) -> Bool {
        min(drawsA, drawsB) > 0 && min(drawsA, drawsB) >= policy.trafficShareMin * (drawsA + drawsB)
    }

    // MARK: The baseline

    /// A step of two streams that are known to be alike: the source in halves, or both clusters before the change. Teaches
    /// how much counts vary, and nothing else.
    package mutating func learnNoise(_ a: [Double], _ b: [Double], draws: (a: Double, b: Double)) {
        guard draws.a > 0, draws.b > 0 else { return }
        for index in cells.indices {
            let pooled = (a[index] + b[index] + Double(cells[index].baselineHits) + 0.5)
            let share = pooled / (draws.a + draws.b + baselineDraws + 1)
            noise.add(&cells[index].dispersion, hits: (a[index], b[index]), draws: draws, share: share)
        }
        noise.endStep(draws: draws)
    }

    /// What the source did before the moment judged from.
    package mutating func learnSource(_ hits: [Double], draws: Double) {
        for index in cells.indices { cells[index].baselineHits += Float(hits[index]) }
        baselineDraws += draws
    }

    /// A difference that is the clusters' own: it is not counted, and what is not known of it widens the margin.
    mutating func setOwnDifference(_ difference: Double, error: Double, effect: Int) {
        cells[effect].ownDifference = Float(difference)
        cells[effect].ownError = Float(error)
    }

    func ownDifference(_ effect: Int) -> Double { Double(cells[effect].ownDifference) }

    // MARK: Evidence

    /// The next step.
    /// - Parameters:
    ///   - a: hits of each share in the source; `draws.a` of them are all.
    ///   - isTrafficStep: traffic was moved now, by whoever moves it: what was learnt is of another split.
    package mutating func advance(
        _ a: [Double], _ b: [Double], draws: (a: Double, b: Double), isTrafficStep: Bool = false
    ) {
        let stake = stakes.next(isTrafficStep: isTrafficStep)
        if isTrafficStep { forgetRecent() }
        let share = stake / Double(cells.count * 5)
        guard isCompared(draws.a, draws.b), draws.a < Self.countMax, draws.b < Self.countMax else {
            for index in cells.indices {
                cells[index].recentWealth += share
                cells[index].wealth += share
            }
            return
        }
        let temper = noise.factor(draws.a, draws.b)
        let part = draws.b / (draws.a + draws.b)
        for index in cells.indices {
            let hits = (a: min(a[index], draws.a), b: min(b[index], draws.b))
            let pooled = pooledShare(cells[index])
            bet(&cells[index], hits: hits, draws: draws, pooled: pooled, stake: share, temper: temper)
            noise.add(&cells[index].dispersion, hits: hits, draws: draws, share: pooled)
            cells[index].recentA = cells[index].recentA * Self.keeps + Float(hits.a)
            cells[index].recentB = cells[index].recentB * Self.keeps + Float(hits.b)
            cells[index].hitsA += hits.a
            cells[index].hitsB += hits.b
            cells[index].expectedB += (hits.a + hits.b) * part
        }
        noise.endStep(draws: draws)
        recentDrawsA = recentDrawsA * Self.keeps + Float(draws.a)
        recentDrawsB = recentDrawsB * Self.keeps + Float(draws.b)
        drawsA += draws.a
        drawsB += draws.b
        steps += 1
    }

    private mutating func forgetRecent() {
        recentDrawsA = .zero
        recentDrawsB = .zero
        for index in cells.indices {
            cells[index].recentA = .zero
            cells[index].recentB = .zero
        }
    }

    /// What both sides together show, with half a hit of doubt on the rarer side.
    private func pooledShare(_ cell: Cell) -> Double {
        let hits = cell.hitsA + cell.hitsB + Double(cell.baselineHits)
        return (hits + 0.5) / (drawsA + drawsB + baselineDraws + 1)
    }

    private func bet(
        _ cell: inout Cell, hits: (a: Double, b: Double), draws: (a: Double, b: Double), pooled: Double, stake: Double,
        temper: Double
    ) {
        let margin = margin(cell)
        // Before anything is known a memory expects what is usual.
        let usualA = (cell.hitsA + Double(cell.baselineHits) + 0.5) / (drawsA + baselineDraws + 1)
        let doubtA = Self.sourceDoubt / min(usualA, 1 - usualA)
        let doubtB = Self.targetDoubt / min(pooled, 1 - pooled)
        let own = Double(cell.ownDifference)
        let usualB = min(1 - 1e-9, max(1e-9, pooled + own))
        let spread = pooled * (1 - pooled) * temper
        cell.recentWealth += stake
        cell.wealth += stake
        let learntA = (cell.recentA + Float(doubtA * usualA)) / (recentDrawsA + Float(doubtA))
        let learntB = (cell.recentB + Float(doubtB * usualB)) / (recentDrawsB + Float(doubtB))
        let beyond = learntB - learntA - Float(own)
        for memory in 0..<4 {
            let distance = Double(beyond[memory])
            guard distance.magnitude > margin,
                isBeyondChance(
                    distance.magnitude - margin, spread, Double(recentDrawsA[memory]), Double(recentDrawsB[memory]))
            else { continue }
            let a = MarginEvidence.Side(hits: hits.a, draws: draws.a, learnt: Self.inside(Double(learntA[memory])))
            let b = MarginEvidence.Side(hits: hits.b, draws: draws.b, learnt: Self.inside(Double(learntB[memory])))
            cell.recentWealth[memory] *= factor(a, b, offset: distance > 0 ? own + margin : own - margin, temper)
        }
        let shareA = Self.inside(usualA)
        let shareB = Self.inside((cell.hitsB + doubtB * usualB) / (drawsB + doubtB))
        let distance = shareB - shareA - own
        if distance.magnitude > margin, isBeyondChance(distance.magnitude - margin, spread, drawsA, drawsB) {
            cell.wealth *= factor(
                MarginEvidence.Side(hits: hits.a, draws: draws.a, learnt: shareA),
                MarginEvidence.Side(hits: hits.b, draws: draws.b, learnt: shareB),
                offset: distance > 0 ? own + margin : own - margin, temper)
        }
        cell.recentWealth = pointwiseMin(cell.recentWealth, SIMD4(repeating: Self.wealthMax))
        cell.wealth = min(cell.wealth, Self.wealthMax)
    }

    /// A share that is neither impossible nor certain.
    private static func inside(_ share: Double) -> Double { min(1 - 1e-9, max(1e-9, share)) }

    /// Bets on what may be chance lose: half a standard error is asked for.
    private func isBeyondChance(_ excess: Double, _ spread: Double, _ drawsA: Double, _ drawsB: Double) -> Bool {
        drawsA > 0 && drawsB > 0 && excess * excess >= Self.chance * spread * (1 / drawsA + 1 / drawsB)
    }

    private func factor(_ a: MarginEvidence.Side, _ b: MarginEvidence.Side, offset: Double, _ temper: Double) -> Double
    {
        guard offset > -1, offset < 1 else { return 1 }
        let nats = MarginEvidence.nats(a, b, offset: offset) / temper
        return Mathematics.exp(min(Self.natsPerStepMax, nats))
    }

    // MARK: What it came to

    /// E: how much better "beyond a margin" explains what was seen than "within".
    package var evidence: Double {
        var total = stakes.left
        for cell in cells { total += self.total(cell) }
        return total
    }

    /// In one order, so that the last digit is the same everywhere.
    private func total(_ cell: Cell) -> Double {
        let recent = cell.recentWealth
        return cell.wealth + recent[0] + recent[1] + recent[2] + recent[3]
    }

    package var nats: Double { Mathematics.log(evidence) }

    /// The share with most evidence of its own.
    var strongest: Int {
        cells.indices.firstHighest { total(cells[$0]) } ?? 0
    }

    /// Variance over that of independent requests, as far as it is known.
    package var temper: Double { noise.factor }

    func margin(_ effect: Int) -> Double { margin(cells[effect]) }

    private func margin(_ cell: Cell) -> Double {
        let share = (cell.hitsA + Double(cell.baselineHits) + 0.5) / (drawsA + baselineDraws + 1)
        return policy.margin(ofShare: share) + 2 * Double(cell.ownError)
    }

    /// Everything counted since the moment judged from, for intervals of other moments.
    struct Totals: Sendable {
        var hitsA: Double
        var hitsB: Double
        var expectedB: Double
        var drawsA: Double
        var drawsB: Double

        func difference(temper: Double, own: Double, alpha: Double) -> RateDifference {
            var found = RateDifference.estimate(
                hits: (hitsA, hitsB), expected: expectedB, draws: (drawsA, drawsB), temper: temper, alpha: alpha)
            found.effect -= own
            found.low = max(-1, found.low - own)
            found.high = min(1, found.high - own)
            return found
        }

        /// So many times the same.
        static func * (one: Totals, times: Double) -> Totals {
            Totals(
                hitsA: one.hitsA * times, hitsB: one.hitsB * times, expectedB: one.expectedB * times,
                drawsA: one.drawsA * times, drawsB: one.drawsB * times)
        }
    }

    func totals(_ effect: Int) -> Totals {
        let cell = cells[effect]
        return Totals(
            hitsA: cell.hitsA, hitsB: cell.hitsB, expectedB: cell.expectedB, drawsA: drawsA, drawsB: drawsB)
    }

    /// The difference since the moment judged from, without the clusters' own.
    func difference(_ effect: Int, alpha: Double) -> RateDifference {
        totals(effect).difference(temper: noise.factor, own: ownDifference(effect), alpha: alpha)
    }

    /// Whether some share differs by so nearly its margin that no number of requests is sure to decide.
    func isAtMargin(alpha: Double) -> Bool {
        steps > 0
            && cells.indices.contains { effect in
                let margin = margin(effect)
                return (margin - difference(effect, alpha: alpha).effect.magnitude).magnitude <= margin * 0.02
            }
    }

    /// How many times the requests there are it takes for each share's interval to lie on one side of its margin; nil if
    /// that cannot be told.
    package func growthToDecision(alpha: Double) -> Double? {
        guard steps > 0 else { return nil }
        let error = alpha / Double(cells.count)
        var longest = 1.0
        for effect in cells.indices {
            let now = totals(effect)
            let pooled = min(1 - 1e-9, max(1e-9, (now.hitsA + now.hitsB + 0.5) / (now.drawsA + now.drawsB + 1)))
            let variance = pooled * (1 - pooled) * noise.factor * (1 / now.drawsA + 1 / now.drawsB)
            let seen = now.difference(temper: noise.factor, own: ownDifference(effect), alpha: error).effect
            // Of a handful of hits nobody can say what of them will fade.
            let isKnown = now.hitsA + now.hitsB >= Self.fewHits
            let shift = isKnown ? seen - DivergenceOnset.lasting(seen, variance: variance) : 0
            // Few hits say little, and more of them say more than they seem to: the interval itself is asked.
            func isDecided(_ growth: Double) -> Bool {
                let margin = margin(effect)
                let found = (totals(effect) * growth).difference(
                    temper: noise.factor, own: ownDifference(effect), alpha: error)
                let (low, high) = (found.low - shift, found.high - shift)
                let stray = (isKnown ? DivergenceOnset.stray : 0) * (variance / growth).squareRoot()
                return low > margin || high < -margin || low - stray > -margin && high + stray < margin
            }
            var high = longest
            while !isDecided(high) {
                high *= 2
                guard high < Self.growthMax else { return nil }
            }
            var low = max(longest, high / 2)
            for _ in 0..<8 where high > longest {
                let middle = (low + high) / 2
                if isDecided(middle) { high = middle } else { low = middle }
            }
            longest = high
        }
        return longest
    }

    /// Whether every share is shown to be within its margin.
    package func isEquivalent(alpha: Double) -> Bool {
        guard steps > 0, noise.isKnown else { return false }
        return cells.indices.allSatisfy { effect in
            let margin = margin(effect)
            // Most often a glance suffices: no interval is narrower than two standard errors.
            let cell = cells[effect]
            let (shareA, shareB) = (cell.hitsA / drawsA, cell.hitsB / drawsB)
            let variance = (shareA * (1 - shareA) / drawsA + shareB * (1 - shareB) / drawsB) * noise.factor
            let room = margin - (shareB - shareA - Double(cell.ownDifference)).magnitude
            guard room > 0, room * room > 4 * variance else { return false }
            let found = difference(effect, alpha: alpha / Double(cells.count))
            return found.low > -margin && found.high < margin
        }
    }
}

/// The thresholds that a comparison of counts needs of a policy.
package struct CountMargins: Sendable, Hashable {
    package var least: Double
    package var factor: Double
    package var most: Double
    package var trafficShareMin: Double

    package init(least: Double, factor: Double, most: Double, trafficShareMin: Double) {
        self.least = least
        self.factor = factor
        self.most = most
        self.trafficShareMin = trafficShareMin
    }

    /// The margin of a share that is `share` in the source.
    func margin(ofShare share: Double) -> Double { min(most, max(least, factor * share)) }
}
