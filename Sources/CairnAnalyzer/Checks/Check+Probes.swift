import CairnBytes

extension Check {
    static let healthCheckComparison = Check(
        "health-check-comparison",
        proves: "the health checks of both clusters succeed equally often",
        needs: "the metric probe_success (blackbox exporter) or probe.answered events with status up or down, of both",
        failureMeans: "a health check that the old cluster passes fails in the new one",
        remedy: "request the health endpoint of the new cluster by hand; look at readiness probes and security groups"
    ) { facts in
        guard let pair = facts.pair else { return .needs("a migration with two clusters") }
        let answers = facts.answers { ["up", "down"].contains($0.status) }
        let old = answers.filter { $0.cluster == pair.source }
        let new = answers.filter { $0.cluster == pair.target }
        guard old.count >= ProbeComparison.answersMin, new.count >= ProbeComparison.answersMin else {
            return .needs(
                "\(ProbeComparison.answersMin) health checks (probe_success) of each cluster within "
                    + "\(CheckFacts.probeMinutes) min; there are \(old.count) and \(new.count)")
        }
        var problems: [(String, UInt64?)] = []
        for request in Set(answers.map(\.request)).sorted() {
            let sides = [old, new].map { side in side.filter { $0.request == request } }
            guard sides.allSatisfy({ !$0.isEmpty }) else {
                problems.append(("\(request) is checked in one cluster only", sides.joined().first?.position))
                continue
            }
            let downs = sides.map { side in side.map { $0.status == "down" } }
            let comparison = ProbeComparison.shares(downs[0], downs[1])
            guard comparison.isDifferent, comparison.isWorse else { continue }
            problems.append(
                (
                    "\(request) is down in \(downs[1].count { $0 }) of \(sides[1].count) checks of \(pair.target), "
                        + "\(downs[0].count { $0 }) of \(sides[0].count) of \(pair.source)",
                    sides[1].first { $0.status == "down" }?.position
                ))
        }
        return .of(
            problems: problems,
            otherwise:
                "health checks succeed equally often: \(old.count) of \(pair.source), \(new.count) of \(pair.target)",
            evidence: answers.compactMap(\.position), asOf: facts.newest(of: [old, new]))
    }

    static let bothZones = Check(
        "both-zones-validation",
        proves: "the same requests get the same status codes and latencies in both clusters",
        needs: "probe_http_status_code and probe_duration_seconds, or probe.answered events, of both clusters",
        failureMeans: "users of the new zone would get other answers, or slower ones, than those of the old zone",
        remedy: "repeat the requests named against both zones; `cairn diverge` tells which metrics differ"
    ) { facts in
        guard let pair = facts.pair else { return .needs("a migration with two clusters") }
        let answers = facts.answers { !["up", "down"].contains($0.status) }
        let old = answers.filter { $0.cluster == pair.source }
        let new = answers.filter { $0.cluster == pair.target }
        let common = Set(old.map(\.request)).intersection(new.map(\.request))
        let sides = [old, new].map { side in side.filter { common.contains($0.request) } }
        guard sides.allSatisfy({ $0.count >= ProbeComparison.answersMin }) else {
            return .needs(
                "\(ProbeComparison.answersMin) answers of each cluster to the same requests within "
                    + "\(CheckFacts.probeMinutes) min; there are \(sides[0].count) and \(sides[1].count)")
        }
        var problems: [(String, UInt64?)] = []
        for request in common.sorted() {
            let one = sides.map { side in side.filter { $0.request == request } }
            if let text = ProbeComparison.status(one[0], one[1], of: request) {
                problems.append((text, one[1].first?.position))
            }
        }
        if let text = ProbeComparison.latency(sides[0], sides[1]) { problems.append((text, nil)) }
        return .of(
            problems: problems,
            otherwise:
                "\(common.count) requests got the same answers: \(sides[0].count) of \(pair.source), \(sides[1].count) of \(pair.target)",
            evidence: sides.joined().compactMap(\.position), asOf: facts.newest(of: sides))
    }
}

extension CheckFacts {
    fileprivate func answers(_ isWanted: (ProbeAnswer) -> Bool) -> [ProbeAnswer] {
        let first = now.adding(seconds: -60 * CheckFacts.probeMinutes)
        return probes.filter { $0.time >= first && $0.time <= now && isWanted($0) }
    }

    fileprivate func newest(of sides: [[ProbeAnswer]]) -> Timestamp? { sides.compactMap { $0.map(\.time).max() }.min() }
}

/// Two sets of answers to the same requests, compared by evidence that stays valid however often one looks.
enum ProbeComparison {
    /// Fewer answers of one cluster than this say nothing about how often something fails.
    static let answersMin = 20
    /// ln of 1 / 0.01: one false alarm in a hundred migrations, however often the check runs.
    static let natsMin = 4.605170185988092
    /// A latency that differs by less than this factor does not matter.
    static let latencyFactor = 1.2

    /// Whether something happens to another share of the new side's answers, and to a larger one.
    ///
    /// Both sides in the order of time, cut into as many blocks: what either expects of a block is learnt from earlier
    /// ones.
    static func shares(_ old: [Bool], _ new: [Bool]) -> (isDifferent: Bool, isWorse: Bool) {
        var evidence = MultinomialEvidence(categories: 2)
        let blocks = min(50, old.count, new.count)
        for block in 0..<blocks {
            let counts = [old, new].map { side in
                let part = side[(block * side.count / blocks)..<((block + 1) * side.count / blocks)]
                let hits = Double(part.count { $0 })
                return [Double(part.count) - hits, hits]
            }
            evidence.add(counts[0], counts[1])
        }
        let hits = [old, new].map { side in side.count { $0 } }
        return (evidence.nats >= natsMin, hits[1] * old.count > hits[0] * new.count)
    }

    /// A sentence if the mix of status codes differs.
    static func status(_ old: [CheckFacts.ProbeAnswer], _ new: [CheckFacts.ProbeAnswer], of request: String) -> String?
    {
        let codes = Set((old + new).map(\.status)).sorted()
        guard codes.count > 1 else { return nil }
        var worst: (code: String, difference: Double)?
        for code in codes {
            let hits = [old, new].map { side in side.map { $0.status == code } }
            guard ProbeComparison.shares(hits[0], hits[1]).isDifferent else { continue }
            let shares = hits.map { side in Double(side.count { $0 }) / Double(side.count) }
            let difference = shares[1] - shares[0]
            if difference.magnitude > (worst?.difference.magnitude ?? 0) { worst = (code, difference) }
        }
        guard let worst else { return nil }
        let points = (worst.difference * 100).rounded()
        return
            "\(request) answers \(worst.code) \(points > 0 ? "+" : "")\(Int(points)) points more often in the new cluster"
    }

    /// A sentence if the median or the P90 of the latency is larger in the new cluster.
    static func latency(_ old: [CheckFacts.ProbeAnswer], _ new: [CheckFacts.ProbeAnswer]) -> String? {
        let sides = [old, new].map { $0.compactMap(\.seconds).sorted() }
        guard sides.allSatisfy({ $0.count >= answersMin }) else { return nil }
        for rank in [0.5, 0.9] {
            guard let before = OrderStatistics.sortedQuantile(sides[0], rank),
                let after = OrderStatistics.sortedQuantile(sides[1], rank), after > before * latencyFactor
            else { continue }
            let comparison = QuantileComparison(rank: rank, bestCount: Double(min(sides[0].count, sides[1].count)))
            let counts = sides.map { side in side.map { (value: $0, count: 1.0) } }
            guard comparison.nats(counts[0], counts[1]) >= natsMin else { continue }
            return "the P\(Int(rank * 100)) of the latency is \(milliseconds(after)) in the new cluster, "
                + "\(milliseconds(before)) in the old one"
        }
        return distribution(sides[0], sides[1])
    }

    /// A sentence if more of the new cluster's answers are slow, at any latency at all, than both bands of what is known
    /// allow (F5): a second hump that neither quantile shows.
    private static func distribution(_ old: [Double], _ new: [Double]) -> String? {
        let band = DistributionBand(alpha: Mathematics.exp(-natsMin) / 2, firstCount: Double(answersMin))
        let width = band.halfWidth(count: Double(old.count)) + band.halfWidth(count: Double(new.count))
        var below = 0
        var farthest = (seconds: 0.0, old: 0.0, new: 0.0)
        for (index, seconds) in old.enumerated() {
            while below < new.count, new[below] <= seconds * latencyFactor { below += 1 }
            let shares = (old: Double(index + 1) / Double(old.count), new: Double(below) / Double(new.count))
            if shares.old - shares.new > farthest.old - farthest.new { farthest = (seconds, shares.old, shares.new) }
        }
        guard farthest.old - farthest.new > width else { return nil }
        func percent(_ share: Double) -> String { "\(Int((100 * share).rounded())) %" }
        return
            "the latencies are distributed differently: \(percent(1 - farthest.old)) of the old cluster's answers and "
            + "\(percent(1 - farthest.new)) of the new one's take longer than \(milliseconds(farthest.seconds))"
    }

    private static func milliseconds(_ seconds: Double) -> String { "\(Int(min(1e9, (seconds * 1000).rounded()))) ms" }
}
