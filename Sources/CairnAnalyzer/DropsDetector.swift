/// Finds the stretches of minutes of one stream in which a rate is far above its baseline.
struct DropsDetector {
    struct Stretch: Hashable {
        /// The minute after the last is `range.upperBound`.
        var range: Range<Int64>
        var events: UInt64
        var connections: UInt64
        var nats: Double

        var rate: Double { Double(events) / Double(max(1, connections)) }
    }

    let kind: DropKind
    let baseline: Double
    let dispersion: Double
    let policy: DropsPolicy

    /// - Parameter window: the minutes judged; earlier ones belong to the baseline alone.
    func stretches(of stream: DropsStream, in window: Range<Int64>) -> [Stretch] {
        var last = window.upperBound
        if kind == .unanswered { last -= policy.settleMinutes }
        guard window.lowerBound < last else { return [] }
        var candidates: [(alternative: Int, stretch: Stretch)] = []
        for (alternative, rate) in policy.alternativeRates.enumerated() where rate > leastRate {
            for stretch in sums(of: stream, from: window.lowerBound, to: last, rate: rate) {
                candidates.append((alternative, stretch))
            }
        }
        return merge(choose(candidates), stream)
    }

    /// The lowest rate that matters.
    private var leastRate: Double { max(baseline * policy.rateFactorMin, baseline + policy.rateIncreaseMin) }

    /// Page's cumulative sum: evidence for `rate` against the baseline is added up and never falls below zero. A
    /// stretch lasts from where the sum left zero to where it was highest.
    private func sums(of stream: DropsStream, from first: Int64, to last: Int64, rate: Double) -> [Stretch] {
        var found: [Stretch] = []
        var sum = 0.0
        var best = 0.0
        var start: Int64 = 0
        var end: Int64 = 0
        func close() {
            if best >= policy.evidenceNats { found.append(contentsOf: stretch(stream, start..<end + 1)) }
            sum = 0
            best = 0
        }
        var index = stream.first(at: first)
        while index < stream.minutes.count, stream.minutes[index].minute < last {
            let minute = stream.minutes[index]
            let (events, connections) = minute.signal(kind)
            index += 1
            if connections == 0 { continue }
            let gain =
                DropsLikelihood.nats(
                    events: Double(events), connections: Double(connections), rate: rate, baseline: baseline)
                / dispersion
            if sum == 0 {
                if gain <= 0 { continue }
                start = minute.minute
            }
            sum += gain
            if sum > best {
                best = sum
                end = minute.minute
            } else if sum <= 0 || best - sum > policy.evidenceNats {
                // So much against it means that it is over, even if what came before still outweighs that.
                close()
            }
        }
        close()
        return found
    }

    /// A stretch with its sums and its evidence at the rate that fits it best, if it is worth telling.
    private func stretch(_ stream: DropsStream, _ range: Range<Int64>) -> [Stretch] {
        let (events, connections) = stream.total(kind, in: range)
        guard events >= UInt64(policy.eventsMin(kind)) else { return [] }
        let rate = Double(events) / Double(connections)
        guard rate >= leastRate else { return [] }
        let nats =
            DropsLikelihood.nats(
                events: Double(events), connections: Double(connections), rate: min(0.999, rate), baseline: baseline)
            / dispersion
        guard nats >= policy.evidenceNats else { return [] }
        return [Stretch(range: range, events: events, connections: connections, nats: nats)]
    }

    /// The alternatives see the same drop as stretches of their own. Where those of several overlap, the alternative
    /// whose stretches explain most wins; each stretch costs what opening a finding costs, so that one drop is not
    /// told in pieces and two are not told as one.
    private func choose(_ candidates: [(alternative: Int, stretch: Stretch)]) -> [Stretch] {
        let sorted = candidates.sorted {
            ($0.stretch.range.lowerBound, $0.stretch.range.upperBound, $0.alternative)
                < ($1.stretch.range.lowerBound, $1.stretch.range.upperBound, $1.alternative)
        }
        var chosen: [Stretch] = []
        var group: [(alternative: Int, stretch: Stretch)] = []
        var groupEnd = Int64.min
        func settle() {
            var best: (score: Double, stretches: [Stretch]) = (-.infinity, [])
            for alternative in policy.alternativeRates.indices {
                let stretches = group.filter { $0.alternative == alternative }.map(\.stretch)
                if stretches.isEmpty { continue }
                let score = stretches.reduce(0) { $0 + $1.nats - policy.evidenceNats }
                if score > best.score { best = (score, stretches) }
            }
            chosen += best.stretches
            group = []
        }
        for candidate in sorted {
            if candidate.stretch.range.lowerBound >= groupEnd, !group.isEmpty { settle() }
            group.append(candidate)
            groupEnd = max(groupEnd, candidate.stretch.range.upperBound)
        }
        if !group.isEmpty { settle() }
        return chosen
    }

    private func merge(_ stretches: [Stretch], _ stream: DropsStream) -> [Stretch] {
        var merged: [Stretch] = []
        for stretch in stretches {
            guard let last = merged.last, stretch.range.lowerBound - last.range.upperBound < policy.mergeMinutes,
                let joined = self.stretch(stream, last.range.lowerBound..<stretch.range.upperBound).first
            else {
                merged.append(stretch)
                continue
            }
            merged[merged.count - 1] = joined
        }
        return merged
    }
}
