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
/// are never a finding. A finding opens once every file that may speak against it should be there: at the watermark.
package enum DropsAnalyzer {
    package static let name = "drops"
    package static let version = "2"

    package static func report(
        on flows: some FlowSource, for request: DropsRequest = DropsRequest(), policy: DropsPolicy = .standard
    ) throws -> DropsReport {
        var clusters = [request.source, request.target].compactMap { $0 }
        if clusters.isEmpty { clusters = try flows.flowClusters() }
        guard var known = try flows.flowMinutes(of: clusters) else {
            return DropsReport(
                findings: [], scans: [], streams: 0, unknownMinutes: 0, loggedMinutes: 0, watermarks: [], minutes: 0..<0
            )
        }
        if let until = request.until { known = known.lowerBound..<max(known.lowerBound, min(known.upperBound, until)) }
        let since = min(known.upperBound, max(known.lowerBound, request.since ?? known.lowerBound))
        let watermarks = try flows.flowWatermarks(of: clusters).map {
            DropWatermark($0, until: known.upperBound, policy: policy)
        }
        let streams = try DropsStreams(flows, clusters: clusters, minutes: known)
        let baseline = DropsBaseline(streams, policy: policy)
        var judge = DropsJudge(
            streams: streams, baseline: baseline, request: request, policy: policy,
            window: since..<known.upperBound, watermarks: watermarks)
        judge.judgeAll()
        var findings = judge.findings
        try DropsPlaces.locate(&findings, in: flows, policy: policy)
        try DropsAttribution.attribute(&findings, in: flows, baseline, policy)
        return DropsReport(
            findings: findings.sorted(by: order), scans: judge.scans(), streams: streams.keys.count,
            unknownMinutes: streams.unknown.count, loggedMinutes: streams.loggedMinutes, watermarks: watermarks,
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

extension DropWatermark {
    /// - Parameter until: the minute after the last that is looked at.
    init(_ watermark: FlowWatermark, until: Int64, policy: DropsPolicy) {
        // An interface that lags holds a minute up, though not for longer than delivery takes.
        let patience = DropsClock.block(watermark.latest, of: 60) - policy.watermarkMinutes
        self.init(
            cluster: watermark.cluster, latest: watermark.latest,
            settledMinute: min(until, max(watermark.openMinute, patience)))
    }
}
