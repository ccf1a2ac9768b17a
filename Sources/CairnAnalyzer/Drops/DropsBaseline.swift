import CairnFlowLogs

/// What is normal: the profiles of all streams, and what they have in common.
struct DropsBaseline {
    /// Kinds whose events are a part of connections.
    static let rateKinds: [DropKind] = [.reject, .unanswered, .reset]
    private static let passes = 3

    private struct Group: Hashable {
        var role: PeerRole
        var kind: DropKind
    }

    struct Signal: Hashable {
        var stream: DropsStreamKey
        var kind: DropKind
    }

    private var common: [Group: Double] = [:]
    private var scatter: [Group: DropsProfile.Scatter] = [:]
    private var profiles: [Signal: DropsProfile] = [:]
    private let policy: DropsPolicy

    init(_ streams: DropsStreams, policy: DropsPolicy) {
        self.policy = policy
        for kind in DropsBaseline.rateKinds {
            for role in [PeerRole.server, .client] {
                let keys = streams.keys.filter { $0.role == role }
                learn(
                    Group(role: role, kind: kind), keys,
                    keys.map { DropsProfile(streams.series(kind, of: $0), kind: kind, policy: policy) })
            }
        }
    }

    /// Of one stream alone.
    init(_ series: DropsSeries, key: DropsStreamKey, kind: DropKind, policy: DropsPolicy) {
        self.policy = policy
        learn(
            Group(role: key.role, kind: kind), [key], [DropsProfile(series, kind: kind, policy: policy)])
    }

    private mutating func learn(_ group: Group, _ keys: [DropsStreamKey], _ untaught: [DropsProfile]) {
        let floor = policy.baselineRateFloor(group.kind)
        let rates = untaught.map(\.total).filter { $0.connections >= policy.priorConnections }
            .map { $0.events / $0.connections }
        var rate = min(0.5, max(floor, OrderStatistics.median(rates) ?? 0))
        for _ in 0..<DropsBaseline.passes {
            let kept = untaught.map { $0.kept(against: rate) }.reduce((0, 0)) {
                ($0.0 + $1.events, $0.1 + $1.connections)
            }
            if kept.1 > 0 { rate = min(0.5, max(floor, kept.0 / kept.1)) }
        }
        common[group] = rate
        var sum = DropsProfile.Scatter()
        for (key, profile) in zip(keys, untaught) {
            var profile = profile
            profile.learn(common: rate)
            if let last = profile.days.indices.last { sum = sum + profile.scatter(upTo: last) }
            profiles[Signal(stream: key, kind: group.kind)] = profile
        }
        scatter[group] = sum
    }

    /// The signals that could become a finding: how many are watched at once. Strangers are not among them.
    var signalCount: Int {
        profiles.values.count { $0.total.connections - $0.total.events >= Double(policy.knownClientConnections) }
    }

    /// The rate of one signal in the day of a minute, without its season.
    func usualRate(_ kind: DropKind, of stream: DropsStreamKey, at minute: Int64) -> Double {
        let least = common[Group(role: stream.role, kind: kind)] ?? policy.baselineRateFloor(kind)
        let day = DropsClock.block(minute, of: DropsClock.day)
        return max(least, profiles[Signal(stream: stream, kind: kind)]?.rate(onDay: day) ?? least)
    }

    /// What one signal is expected to do in some minutes.
    /// - Parameter control: the same stream of the other cluster, if there is one. A rate that is high in both from
    ///   beginning to end is how that peer is; high in one alone, it is what we look for.
    func expectation(
        _ kind: DropKind, of stream: DropsStreamKey, control: DropsStreamKey?, in minutes: Range<Int64>
    ) -> DropsExpectation {
        let group = Group(role: stream.role, kind: kind)
        guard let profile = profiles[Signal(stream: stream, kind: kind)] else { return DropsExpectation() }
        let least = common[group] ?? policy.baselineRateFloor(kind)
        let other = control.flatMap { profiles[Signal(stream: $0, kind: kind)] }
        let range = profile.series.indices(of: minutes)
        var expectation = DropsExpectation(series: profile.series, range: range)
        for (index, day) in profile.days.enumerated() where day.range.overlaps(range) {
            let mine = min(day.rate, other?.rate(onDay: day.number) ?? day.rate)
            let dispersion = profile.scatter(upTo: index).dispersion(with: scatter[group])
            expectation.append(
                day, rate: max(least, mine),
                spread: .init(
                    dispersion: dispersion,
                    temper: profile.scatter(upTo: index).temper(dispersion: dispersion, with: scatter[group]),
                    factorMin: day.hasSeason ? policy.rateFactorMin : policy.unseasonedFactorMin))
        }
        return expectation
    }
}
