internal import CairnAnalyzer
internal import CairnBytes
internal import CairnFlowLogs
internal import CairnModel
internal import CairnSeries

/// What one analyzer makes of evidence: the same whether that comes from the tables or, for a second judgement, from a
/// part of the log itself.
struct Judgement {
    var analyzer: String
    var version: String
    var policyDigest: String
    /// Nil for an analysis of anything but two clusters.
    var pair: ClusterPair?
    /// What else tells this analysis from others of its kind.
    var subject: String?
    /// The moment judged from; nil for the beginning.
    var start: Timestamp?
    /// Up to here there was data to judge, and the newest moment of any of it.
    var end: Timestamp
    var newest: Timestamp
    var counts: AnalysisCounts
    /// The request, so that it can be made again.
    var judged: JSONValue
    var drafts: [FindingDraft]
}

/// The data of senders, by its newest moment.
typealias Watermarks = [DataSender: Timestamp]

extension Watermarks {
    fileprivate func earliestSample(of pair: ClusterPair) -> Timestamp? {
        [pair.source, pair.target].compactMap { self[DataSender(cluster: $0, kind: .samples)] }.min()
    }

    fileprivate var newestSample: Timestamp { filter { $0.key.kind == .samples }.values.max() ?? .earliest }
}

extension Judgement {
    /// What two clusters differ in.
    static func divergence(
        _ request: DivergenceRequest, meanings: JSONValue?, on samples: any SampleSource, _ watermarks: Watermarks
    ) throws -> (judgement: Judgement, report: DivergenceReport) {
        let pair = ClusterPair(source: request.source, target: request.target)
        var request = request
        request.meanings = DivergenceMeaning.all(meanings)
        let report = try DivergenceAnalyzer.analyze(samples, request)
        var judged: JSONObject = [
            "since_ms": request.sinceMs.map { .integer($0) } ?? .null,
            "until_ms": request.untilMs.map { .integer($0) } ?? .null,
            "traffic_shifts_ms": .array(request.trafficShiftsMs.map { .integer($0) }),
        ]
        judged["meanings"] = meanings
        let newest =
            request.untilMs.flatMap { Timestamp(milliseconds: max($0, .min + 1) - 1) } ?? watermarks.newestSample
        let start = request.sinceMs ?? report.comparisons.compactMap(\.judgedFromMs).min()
        let drafts = try report.findings.map { finding in
            let signal = try DivergenceSignal.make(
                finding.comparison, samples, sourceCluster: pair.source, targetCluster: pair.target)
            return FindingDraft(finding, judged: .object(judged), signal: signal)
        }
        let judgement = Judgement(
            analyzer: DivergenceReport.analyzer, version: String(DivergenceReport.analyzerVersion),
            policyDigest: report.policyDigest, pair: pair, start: start.flatMap { Timestamp(milliseconds: $0) },
            end: min(newest, watermarks.earliestSample(of: pair) ?? newest), newest: newest,
            counts: report.counts, judged: .object(judged), drafts: drafts)
        return (judgement, report)
    }

    /// What flow logs show of dropped traffic; nil without any.
    static func drops(_ request: DropsRequest, on flows: some FlowSource) throws -> (Judgement, DropsReport)? {
        let report = try DropsAnalyzer.report(on: flows, for: request)
        guard !report.minutes.isEmpty else { return nil }
        func time(_ minute: Int64) -> Timestamp { Timestamp(seconds: minute * 60) ?? .latest }
        let newest = report.watermarks.compactMap { Timestamp(seconds: $0.latest) }.max()
        let settled = report.watermarks.map { time($0.settledMinute) }.min() ?? time(report.minutes.upperBound)
        var pair: ClusterPair?
        if let source = request.source, let target = request.target {
            pair = ClusterPair(source: source, target: target)
        }
        let judgement = Judgement(
            analyzer: DropsAnalyzer.name, version: DropsAnalyzer.version,
            policyDigest: DropsPolicy.standard.digest, pair: pair, start: time(report.minutes.lowerBound),
            end: settled, newest: max(settled, newest ?? settled), counts: report.counts,
            judged: [
                "since_minute": request.since.map { .integer($0) } ?? .null,
                "until_minute": request.until.map { .integer($0) } ?? .null,
            ],
            // What both clusters see is the environment's doing: shown by `cairn drops`, no incident of the migration.
            drafts: report.findings.filter { $0.side != .both }.map {
                FindingDraft($0, request: request, policy: .standard)
            })
        return (judgement, report)
    }

    /// Whose data stopped coming; nil if nobody ever sent any.
    static func silence(_ watermarks: Watermarks, of pair: ClusterPair?, at moment: Timestamp?) -> Judgement? {
        let own = watermarks.filter { sender, _ in
            pair.map { [$0.source, $0.target].contains(sender.cluster) } ?? true
        }
        guard let newest = own.values.max() else { return nil }
        let end = moment ?? newest
        let findings = SilenceAnalyzer.findings(own, at: end)
        var counts = AnalysisCounts()
        counts.judged = own.count
        counts.diverged = findings.count
        return Judgement(
            analyzer: SilenceAnalyzer.name, version: SilenceAnalyzer.version, policyDigest: SilenceAnalyzer.digest,
            pair: pair, start: nil, end: end, newest: max(newest, end), counts: counts,
            judged: ["at": .string(end.description)], drafts: findings.map { FindingDraft($0) })
    }

    /// What is unusual in chosen series.
    static func anomalies(
        _ request: AnomalyRequest, on samples: any SampleSource, newest: Timestamp
    ) throws -> Judgement {
        var request = request
        request.wantsPoints = true
        let reports = try AnomalyAnalyzer.analyze(samples, request)
        let selector = request.selector.description
        let judged: JSONValue = [
            "selector": .string(selector), "since_ms": request.sinceMs.map { .integer($0) } ?? .null,
            "until_ms": request.untilMs.map { .integer($0) } ?? .null,
        ]
        let end = request.untilMs.flatMap { Timestamp(milliseconds: max($0, .min + 1) - 1) } ?? newest
        return Judgement(
            analyzer: AnomalyFinding.analyzer, version: String(AnomalyFinding.analyzerVersion),
            policyDigest: request.policy.digest, subject: Digests.sha256(Array(selector.utf8)).prefix(12).description,
            start: request.sinceMs.flatMap { Timestamp(milliseconds: $0) }, end: min(end, newest), newest: newest,
            counts: reports.counts, judged: judged,
            drafts: reports.flatMap { $0.findings(by: request.policy) }.map { FindingDraft($0, judged: judged) })
    }
}

// MARK: - What it is about

extension Judgement {
    /// Whether a recorded finding would be among the drafts if it still held.
    func covers(_ finding: JSONObject) -> Bool {
        let data = JSONValue.object(finding)
        guard data["analyzer"]?.string == analyzer, data["judged"]?["selector"] == judged["selector"] else {
            return false
        }
        guard let pair else { return true }
        if let clusters = data["clusters"] {
            return clusters["source"]?.string == pair.source && clusters["target"]?.string == pair.target
        }
        return data["cluster"]?.string.map { [pair.source, pair.target].contains($0) } ?? true
    }
}

// MARK: - Again

extension Judgement {
    /// Why something that was recorded cannot be judged again.
    struct Unclear: Error, CustomStringConvertible {
        var description: String
        init(_ description: String) { self.description = description }
    }

    /// The judgement that recorded data (of a finding, or of an analysis) says that it comes from.
    static func again(_ recorded: JSONValue, on log: EvidenceLog) throws -> Judgement {
        let judged = recorded["judged"]
        let (source, target) = (recorded["clusters"]?["source"]?.string, recorded["clusters"]?["target"]?.string)
        var pair: ClusterPair?
        if let source, let target { pair = ClusterPair(source: source, target: target) }
        let watermarks = log.entries.watermarks
        switch recorded["analyzer"]?.string {
        case DropsAnalyzer.name:
            let request = DropsRequest(
                source: source, target: target, since: judged?["since_minute"]?.integer,
                until: judged?["until_minute"]?.integer)
            guard let (judgement, _) = try drops(request, on: log.flows) else {
                throw Unclear("there are no flow counters any more")
            }
            return judgement
        case DivergenceReport.analyzer:
            var request = DivergenceRequest(
                source: source ?? "", target: target ?? "", sinceMs: judged?["since_ms"]?.integer,
                untilMs: judged?["until_ms"]?.integer)
            request.trafficShiftsMs = judged?["traffic_shifts_ms"]?.array?.compactMap(\.integer) ?? []
            return try divergence(request, meanings: judged?["meanings"], on: log.samples, watermarks).judgement
        case SilenceAnalyzer.name:
            guard let moment = judged?["at"]?.string.flatMap({ Timestamp($0) }) else {
                throw Unclear("it does not say when it was noticed")
            }
            guard let judgement = silence(watermarks, of: pair, at: moment) else {
                throw Unclear("there is no data any more")
            }
            return judgement
        case AnomalyFinding.analyzer:
            guard let selector = judged?["selector"]?.string, let parsed = try? SeriesSelector(parsing: selector)
            else { throw Unclear("it does not say which series were judged") }
            let request = AnomalyRequest(
                selector: parsed, sinceMs: judged?["since_ms"]?.integer, untilMs: judged?["until_ms"]?.integer)
            return try anomalies(request, on: log.samples, newest: watermarks.newestSample)
        case let name: throw Unclear("the analyzer \(name ?? "?") is not known here")
        }
    }
}
