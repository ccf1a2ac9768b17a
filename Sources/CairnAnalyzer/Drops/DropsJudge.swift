import CairnFlowLogs

/// Judges the streams of one request.
struct DropsJudge {
    let streams: DropsStreams
    let baseline: DropsBaseline
    let request: DropsRequest
    let policy: DropsPolicy
    let window: Range<Int64>
    private let watermarks: [String: DropWatermark]
    private let threshold: Double
    private(set) var findings: [DropFinding] = []

    init(
        streams: DropsStreams, baseline: DropsBaseline, request: DropsRequest, policy: DropsPolicy,
        window: Range<Int64>, watermarks: [DropWatermark]
    ) {
        self.streams = streams
        self.baseline = baseline
        self.request = request
        self.policy = policy
        self.window = window
        self.watermarks = Dictionary(watermarks.map { ($0.cluster, $0) }) { first, _ in first }
        threshold = policy.evidenceNats(signals: baseline.signalCount)
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

    private func settled(_ cluster: String) -> Int64 { watermarks[cluster]?.settledMinute ?? window.upperBound }

    private mutating func judge(_ stream: DropsStream, _ kind: DropKind) {
        let control = control(of: stream.key)
        let expectation = baseline.expectation(kind, of: stream.key, control: control, in: window)
        let detector = DropsDetector(kind: kind, expectation: expectation, policy: policy, threshold: threshold)
        let found = detector.stretches(settled: settled(stream.key.cluster))
        if found.isEmpty { return }
        let other = control.map { baseline.expectation(kind, of: $0, control: stream.key, in: window) }
        for stretch in found {
            if stream.key.role == .client, !isPartner(stream, kind, stretch.range) { continue }
            let beside = DropsControl(other ?? DropsExpectation(), in: stretch.range)
            let spread = expectation.spread(at: expectation.series.first(at: stretch.foundAt))
            let side = side(stream.key.cluster, beside.deviates(like: stretch.rate, policy: policy))
            let chart = detector.evidence(of: stretch, in: DropsJudge.shown(stretch.range))
            findings.append(
                finding(
                    stream, kind, stretch, side: side,
                    evidence: .init(
                        events: UInt64(saturating: stretch.events),
                        connections: UInt64(saturating: stretch.connections),
                        baselineRate: stretch.expected / stretch.connections,
                        controlEvents: UInt64(saturating: beside.events),
                        controlConnections: UInt64(saturating: beside.connections),
                        controlBaseline: beside.expected,
                        rise: beside.connections > 0 ? beside.rise(of: stretch, temper: spread.temper) : nil,
                        nats: stretch.nats, threshold: threshold, dispersion: spread.dispersion,
                        temper: spread.temper, foundAt: stretch.foundAt,
                        unknownMinutes: streams.unknownMinutes(of: stream.key.cluster, in: stretch.range),
                        signal: signal(kind, stream, control, around: stretch.range, chart))))
        }
    }

    private mutating func judgeAsymmetry(_ stream: DropsStream) {
        // A client that sends little and gets much says nothing when it gets less; both roles are judged alike.
        let asymmetry = DropsAsymmetry(policy: policy)
        let (found, usual) = asymmetry.stretches(of: stream, in: window)
        let settled = settled(stream.key.cluster)
        if found.isEmpty { return }
        let control = control(of: stream.key)
        let others =
            control.flatMap { streams.streams[$0] }.map { asymmetry.stretches(of: $0, in: window).found } ?? []
        for stretch in found where stretch.range.lowerBound < settled {
            let overlapping = others.filter { $0.range.overlaps(stretch.range) }
            let otherTraffic = control.flatMap { streams.streams[$0]?.total(.asymmetric, in: stretch.range) }?.1 ?? 0
            findings.append(
                finding(
                    stream, .asymmetric, stretch,
                    side: side(stream.key.cluster, otherTraffic > 0 ? !overlapping.isEmpty : nil),
                    evidence: .init(
                        events: UInt64(saturating: stretch.events),
                        connections: UInt64(saturating: stretch.connections), baselineRate: usual,
                        controlEvents: UInt64(saturating: overlapping.reduce(0) { $0 + $1.events }),
                        controlConnections: UInt64(saturating: overlapping.reduce(0) { $0 + $1.connections }),
                        controlBaseline: 0, rise: nil, nats: stretch.nats,
                        threshold: policy.asymmetryDeviations * Double(policy.asymmetryBlocksMin), dispersion: 0,
                        temper: 1, foundAt: stretch.foundAt,
                        unknownMinutes: streams.unknownMinutes(of: stream.key.cluster, in: stretch.range),
                        signal: signal(.asymmetric, stream, control, around: stretch.range, [:]))))
        }
    }

    /// A client block is a partner if it had connections accepted before, and if those are missing now: whoever scans
    /// us from beside a partner adds refused attempts and takes nothing away.
    private func isPartner(_ stream: DropsStream, _ kind: DropKind, _ range: Range<Int64>) -> Bool {
        func good(_ minutes: Range<Int64>) -> Double {
            let total = stream.total(kind, in: minutes)
            return total.connections - total.events
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

    /// A cluster without traffic to the peer, or with too little, is no control: what would have happened to it,
    /// nobody knows.
    private func side(_ cluster: String, _ controlDeviates: Bool?) -> DropSide {
        guard let controlDeviates else { return .unpaired }
        if controlDeviates { return .both }
        return cluster == request.target ? .targetOnly : .sourceOnly
    }

    private func finding(
        _ stream: DropsStream, _ kind: DropKind, _ stretch: DropsDetector.Stretch, side: DropSide,
        evidence: DropFinding.Evidence
    ) -> DropFinding {
        let key = stream.key
        let identity =
            "\(DropsAnalyzer.name)|\(key.cluster)|\(key.role)|\(key.peer)|\(key.port)|\(kind.rawValue)|"
            + "\(stretch.range.lowerBound)"
        var opening = FlowCounts()
        var answering = FlowCounts()
        for minute in stream.minutes where stretch.range.contains(minute.minute) {
            opening.add(minute.opening)
            answering.add(minute.answering)
        }
        return DropFinding(
            id: "drops-\(DropsHash.text(DropsHash.hash(identity), digits: 16))", cluster: key.cluster,
            startMinute: stretch.range.lowerBound, endMinute: stretch.range.upperBound, kind: kind, peer: key.peer,
            peerPort: key.port, peerRole: key.role, scope: [:], side: side, excess: stretch.events - stretch.expected,
            baseline: stretch.expected, explained: 1,
            cause: .of(kind, role: key.role, side: side, opening: opening, answering: answering),
            attribution: [], incidentCause: "peer \(key.peer) \(key.port)",
            isOpen: stretch.range.upperBound >= settled(key.cluster), watermark: watermarks[key.cluster],
            evidence: evidence)
    }

    /// Half an hour of context; a finding of more than a day is drawn from its first day.
    private static func shown(_ range: Range<Int64>) -> Range<Int64> {
        range.lowerBound - 30..<min(range.upperBound + 30, range.lowerBound + 1440)
    }

    private func signal(
        _ kind: DropKind, _ stream: DropsStream, _ control: DropsStreamKey?, around range: Range<Int64>,
        _ chart: [Int64: (expected: Double, nats: Double)]
    ) -> [DropPoint] {
        var points: [Int64: DropPoint] = [:]
        let shown = DropsJudge.shown(range)
        func add(_ series: DropsSeries?, _ change: (inout DropPoint, _ events: UInt64, _ connections: UInt64) -> Void) {
            guard let series else { return }
            for index in series.indices(of: shown) {
                let minute = series.minutes[index]
                var point = points[minute] ?? DropPoint(minute: minute)
                change(&point, UInt64(saturating: series.events[index]), UInt64(saturating: series.connections[index]))
                points[minute] = point
            }
        }
        add(stream.series[kind]) { ($0.events, $0.connections) = ($1, $2) }
        add(control.map { streams.series(kind, of: $0) }) { ($0.controlEvents, $0.controlConnections) = ($1, $2) }
        for (minute, values) in chart {
            points[minute]?.expected = values.expected
            points[minute]?.nats = values.nats
        }
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
            let rejected = stream.total(.reject, in: window)
            let unanswered = stream.total(.unanswered, in: window)
            let attempts = rejected.events + unanswered.events
            guard attempts > 0,
                max(0, rejected.connections - attempts) < Double(policy.knownClientConnections)
            else { continue }
            var count = counts[key.cluster] ?? .init(cluster: key.cluster, attempts: 0, blocks: 0)
            count.attempts = FlowCounts.sum(count.attempts, UInt64(saturating: attempts))
            count.blocks += 1
            counts[key.cluster] = count
        }
        return counts.values.sorted { $0.cluster < $1.cluster }
    }
}
