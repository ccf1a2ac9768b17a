package import CairnFlowLogs

/// What to judge.
package struct DropsRequest: Hashable, Sendable {
    /// The cluster that is left and the one that is moved to; without both, every finding is `unpaired`.
    package var source: String?
    package var target: String?
    /// Minutes since 1970, judged from and up to. Everything before is baseline, never a finding.
    package var since: Int64?
    package var until: Int64?

    package init(source: String? = nil, target: String? = nil, since: Int64? = nil, until: Int64? = nil) {
        self.source = source
        self.target = target
        self.since = since
        self.until = until
    }
}

/// Finds dropped traffic in flow counters: a pure function of counters, request and policy. The same counters in any
/// order give the same findings to the last bit.
///
/// Every signal is a ratio with a denominator, so that more traffic is not more drops; it is compared with what is
/// usual for the stream and with the same stream of the other cluster. A stranger's refused attempts are counted and
/// are never a finding.
package enum DropsAnalyzer {
    package static let name = "drops"
    package static let version = "1"

    package static func report(
        on flows: some FlowSource, for request: DropsRequest = DropsRequest(), policy: DropsPolicy = .standard
    ) throws -> DropsReport {
        var clusters = [request.source, request.target].compactMap { $0 }
        if clusters.isEmpty { clusters = try flows.flowClusters() }
        guard var known = try flows.flowMinutes(of: clusters) else {
            return DropsReport(findings: [], scans: [], unknownMinutes: 0, minutes: 0..<0)
        }
        if let until = request.until { known = known.lowerBound..<max(known.lowerBound, min(known.upperBound, until)) }
        let since = min(known.upperBound, max(known.lowerBound, request.since ?? known.lowerBound))
        let streams = try DropsStreams(flows, clusters: clusters, minutes: known)
        var judge = DropsJudge(
            streams: streams, baseline: DropsBaseline(streams, policy: policy), request: request, policy: policy,
            window: since..<known.upperBound)
        judge.judgeAll()
        var findings = judge.findings
        try DropsPlaces.locate(&findings, in: flows, policy: policy)
        return DropsReport(
            findings: findings.sorted(by: order), scans: judge.scans(), unknownMinutes: streams.unknown.count,
            minutes: since..<known.upperBound)
    }

    private static func order(_ left: DropFinding, _ right: DropFinding) -> Bool {
        if left.startMinute != right.startMinute { return left.startMinute < right.startMinute }
        if left.cluster != right.cluster { return left.cluster < right.cluster }
        if left.peer != right.peer { return left.peer < right.peer }
        if left.peerPort != right.peerPort { return left.peerPort < right.peerPort }
        if left.kind != right.kind { return left.kind < right.kind }
        return left.id < right.id
    }
}

/// Judges the streams of one request.
struct DropsJudge {
    private typealias Stretch = DropsDetector.Stretch

    let streams: DropsStreams
    let baseline: DropsBaseline
    let request: DropsRequest
    let policy: DropsPolicy
    let window: Range<Int64>
    private(set) var findings: [DropFinding] = []

    init(
        streams: DropsStreams, baseline: DropsBaseline, request: DropsRequest, policy: DropsPolicy,
        window: Range<Int64>
    ) {
        self.streams = streams
        self.baseline = baseline
        self.request = request
        self.policy = policy
        self.window = window
    }

    mutating func judgeAll() {
        for key in streams.keys {
            guard let stream = streams.streams[key] else { continue }
            for kind in DropsBaseline.rateKinds { judge(stream, kind) }
            judgeAsymmetry(stream)
        }
        dropSecondTellings()
    }

    private func control(of key: DropsStreamKey) -> DropsStreamKey? {
        guard let source = request.source, let target = request.target, source != target else { return nil }
        return key.inCluster(key.cluster == target ? source : target)
    }

    private mutating func judge(_ stream: DropsStream, _ kind: DropKind) {
        let control = control(of: stream.key)
        let rate = baseline.rate(kind, of: stream.key, control: control)
        let dispersion = baseline.dispersion(kind, role: stream.key.role)
        let detector = DropsDetector(kind: kind, baseline: rate, dispersion: dispersion, policy: policy)
        for stretch in detector.stretches(of: stream, in: window) {
            if stream.key.role == .client, !isPartner(stream, kind, stretch.range) { continue }
            let other = control.flatMap { streams.streams[$0]?.total(kind, in: stretch.range) } ?? (0, 0)
            let otherRate = control.map { baseline.rate(kind, of: $0, control: stream.key) } ?? 0
            let deviates = isDeviating(other, like: stretch.rate, baseline: otherRate)
            let expected = Double(stretch.connections) * rate
            findings.append(
                finding(
                    stream, kind, stretch, side: side(stream.key.cluster, hasControl: other.1 > 0, deviates),
                    excess: Double(stretch.events) - expected, expected: expected,
                    evidence: .init(
                        events: stretch.events, connections: stretch.connections, baselineRate: rate,
                        controlEvents: other.0, controlConnections: other.1, controlBaselineRate: otherRate,
                        nats: stretch.nats, dispersion: dispersion,
                        signal: signal(kind, stream, control, around: stretch.range))))
        }
    }

    private mutating func judgeAsymmetry(_ stream: DropsStream) {
        // A client that sends little and gets much says nothing when it gets less; both roles are judged alike.
        let asymmetry = DropsAsymmetry(policy: policy)
        let (found, usual) = asymmetry.stretches(of: stream, in: window)
        if found.isEmpty { return }
        let control = control(of: stream.key)
        let others =
            control.flatMap { streams.streams[$0] }.map { asymmetry.stretches(of: $0, in: window).found } ?? []
        for stretch in found {
            let overlapping = others.filter { $0.range.overlaps(stretch.range) }
            let otherTraffic = control.flatMap { streams.streams[$0]?.total(.asymmetric, in: stretch.range) }?.1 ?? 0
            findings.append(
                finding(
                    stream, .asymmetric, stretch,
                    side: side(stream.key.cluster, hasControl: otherTraffic > 0, !overlapping.isEmpty),
                    excess: Double(stretch.events), expected: 0,
                    evidence: .init(
                        events: stretch.events, connections: stretch.connections, baselineRate: usual,
                        controlEvents: overlapping.reduce(0) { FlowCounts.sum($0, $1.events) },
                        controlConnections: overlapping.reduce(0) { FlowCounts.sum($0, $1.connections) },
                        controlBaselineRate: usual, nats: stretch.nats, dispersion: 1,
                        signal: signal(.asymmetric, stream, control, around: stretch.range))))
        }
    }

    /// A client block is a partner if it had connections accepted before, and if those are missing now: whoever scans
    /// us from beside a partner adds refused attempts and takes nothing away.
    private func isPartner(_ stream: DropsStream, _ kind: DropKind, _ range: Range<Int64>) -> Bool {
        func good(_ minutes: Range<Int64>) -> Double {
            let total = stream.total(kind, in: minutes)
            return Double(total.connections - total.events)
        }
        let first = stream.minutes.first?.minute ?? range.lowerBound
        let last = stream.minutes.last?.minute ?? range.upperBound
        let before = good(first..<max(first, range.lowerBound))
        guard before >= Double(policy.knownClientConnections) else { return false }
        // As long before as the stretch lasts, and at least two hours.
        let length = max(120, Int64(range.count))
        let reference = max(first, range.lowerBound - length)..<range.lowerBound
        let after = range.upperBound..<max(range.upperBound, min(last + 1, range.upperBound + length))
        let minutes = Double(reference.count + after.count)
        let expected = (good(reference) + good(after)) / max(1, minutes) * Double(range.count)
        return expected >= 3 && good(range) < expected / 2
    }

    private func isDeviating(_ other: (UInt64, UInt64), like rate: Double, baseline: Double) -> Bool {
        guard other.1 > 0, other.0 > 0 else { return false }
        // Half the rate of the cluster in question: clusters take different paths to the same trouble.
        let wanted = min(0.98, max(rate / 2, baseline * 1.5 + 0.02, rate - 0.1))
        return DropsLikelihood.nats(
            events: Double(other.0), connections: Double(other.1), rate: wanted, baseline: baseline)
            >= policy.controlNats
    }

    /// A cluster without traffic to the peer is no control: what would have happened to it, nobody knows.
    private func side(_ cluster: String, hasControl: Bool, _ controlDeviates: Bool) -> DropSide {
        guard hasControl else { return .unpaired }
        if controlDeviates { return .both }
        return cluster == request.target ? .targetOnly : .sourceOnly
    }

    private func finding(
        _ stream: DropsStream, _ kind: DropKind, _ stretch: DropsDetector.Stretch, side: DropSide, excess: Double,
        expected: Double, evidence: DropFinding.Evidence
    ) -> DropFinding {
        let key = stream.key
        let identity =
            "\(DropsAnalyzer.name)|\(key.cluster)|\(key.role)|\(key.peer)|\(key.port)|\(kind.rawValue)|"
            + "\(stretch.range.lowerBound)"
        return DropFinding(
            id: "drops-\(DropsHash.text(DropsHash.hash(identity), digits: 16))", cluster: key.cluster,
            startMinute: stretch.range.lowerBound, endMinute: stretch.range.upperBound, kind: kind, peer: key.peer,
            peerPort: key.port, peerRole: key.role, scope: [:], side: side, excess: excess, baseline: expected,
            explained: 1, evidence: evidence)
    }

    private func signal(
        _ kind: DropKind, _ stream: DropsStream, _ control: DropsStreamKey?, around range: Range<Int64>
    ) -> [DropPoint] {
        // Half an hour of context; a finding of more than a day is drawn from its first day.
        let first = range.lowerBound - 30
        let last = min(range.upperBound + 30, range.lowerBound + 1440)
        var points: [Int64: DropPoint] = [:]
        func add(_ stream: DropsStream?, _ change: (inout DropPoint, (events: UInt64, connections: UInt64)) -> Void) {
            guard let stream else { return }
            var index = stream.first(at: first)
            while index < stream.minutes.count, stream.minutes[index].minute < last {
                let minute = stream.minutes[index].minute
                var point =
                    points[minute]
                    ?? DropPoint(
                        minute: minute, events: 0, connections: 0, controlEvents: 0, controlConnections: 0)
                change(&point, stream.minutes[index].signal(kind))
                points[minute] = point
                index += 1
            }
        }
        add(stream) { ($0.events, $0.connections) = $1 }
        add(control.flatMap { streams.streams[$0] }) { ($0.controlEvents, $0.controlConnections) = $1 }
        return points.values.sorted { $0.minute < $1.minute }
    }

    /// What both clusters see is one finding, told of the target; and a connection that was rejected on its way back
    /// is not told again as anything else.
    private mutating func dropSecondTellings() {
        func isSame(_ left: DropFinding, _ right: DropFinding) -> Bool {
            left.peer == right.peer && left.peerPort == right.peerPort && left.peerRole == right.peerRole
                && left.startMinute < right.endMinute && right.startMinute < left.endMinute
        }
        let all = findings
        findings = all.filter { finding in
            if finding.side == .both, finding.cluster == request.source {
                return !all.contains {
                    $0.cluster == request.target && $0.kind == finding.kind && $0.side == .both && isSame($0, finding)
                }
            }
            if finding.kind == .asymmetric {
                return !all.contains { $0.cluster == finding.cluster && $0.kind != .asymmetric && isSame($0, finding) }
            }
            return true
        }
    }

    /// Refused or unanswered attempts of client blocks that never had a connection accepted.
    func scans() -> [DropsReport.ScanCount] {
        var counts: [String: DropsReport.ScanCount] = [:]
        for key in streams.keys where key.role == .client {
            guard let stream = streams.streams[key] else { continue }
            let all = window.lowerBound..<window.upperBound
            let rejected = stream.total(.reject, in: all)
            let unanswered = stream.total(.unanswered, in: all)
            let attempts = FlowCounts.sum(rejected.events, unanswered.events)
            guard attempts > 0,
                rejected.connections - min(rejected.connections, attempts) < policy.knownClientConnections
            else { continue }
            var count = counts[key.cluster] ?? .init(cluster: key.cluster, attempts: 0, blocks: 0)
            count.attempts = FlowCounts.sum(count.attempts, attempts)
            count.blocks += 1
            counts[key.cluster] = count
        }
        return counts.values.sorted { $0.cluster < $1.cluster }
    }
}
