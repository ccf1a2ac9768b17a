package import CairnAnalyzer
package import CairnBytes
internal import CairnFlowLogs
package import CairnLedger
package import CairnModel
package import CairnReadModels
internal import CairnSeries

/// The two clusters that are compared.
package struct ClusterPair: Sendable, Hashable {
    package var source: String
    package var target: String

    package init(source: String, target: String) {
        self.source = source
        self.target = target
    }

    /// The clusters of the ledger's one migration; nil if there is none or more than one pair.
    package static func ofOneMigration(_ readModel: ReadModel) throws -> ClusterPair? {
        let result = try readModel.query(
            """
            SELECT DISTINCT source_cluster, target_cluster FROM migrations
            WHERE source_cluster IS NOT NULL AND target_cluster IS NOT NULL LIMIT 2
            """)
        guard result.rows.count == 1, let source = result.rows[0][0].text, let target = result.rows[0][1].text
        else { return nil }
        return ClusterPair(source: source, target: target)
    }
}

/// Runs the analyzers over what the ledger has, and records what they find and that they looked.
package struct Analysis {
    package struct Outcome: Sendable {
        package var pair: ClusterPair?
        package var drops = FindingsRecorder.Outcome()
        package var divergence = FindingsRecorder.Outcome()
        package var silence = FindingsRecorder.Outcome()
        /// All verdicts on the two clusters, if there were samples to compare.
        package var report: DivergenceReport?
        /// A line for people about each finding that stands.
        package var lines: [String] = []
    }

    private let ledger: Ledger
    private let readModel: ReadModel
    private let actor: Actor
    private let paceSeconds: Int64

    /// - Parameter isPaced: an analysis made again and again leaves a trace only when something changed, or now and
    ///   then; one that somebody asks for leaves one whenever it saw anything new.
    package init(ledger: Ledger, readModel: ReadModel, actor: Actor, isPaced: Bool = false) {
        self.ledger = ledger
        self.readModel = readModel
        self.actor = actor
        paceSeconds = isPaced ? AnalysisTrace.pacedSeconds : 0
    }

    /// - Parameter moment: now, for what is missed; nil: as of the newest data there is.
    package func run(pair given: ClusterPair? = nil, at moment: Timestamp? = nil) throws -> Outcome {
        try recording { index, recorder in
            var outcome = Outcome()
            let pair = try given ?? ClusterPair.ofOneMigration(readModel)
            outcome.pair = pair
            try runDrops(pair, index, &recorder, &outcome)
            if let pair { try runDivergence(pair, index, &recorder, &outcome) }
            if let pair { try runSilence(pair, index, at: moment, &recorder, &outcome) }
            return outcome
        }
    }

    /// All that an analysis reads is of one position of the log, so that it comes out the same when it is made again,
    /// however much arrives meanwhile.
    private func recording<Result>(_ body: (EvidenceIndex, inout FindingsRecorder) throws -> Result) throws -> Result {
        try readModel.catchUp(from: ledger)
        var recorder = try FindingsRecorder(ledger: ledger, actor: actor)
        let result = try readModel.atOneMoment {
            try body(try EvidenceIndex(ledger, before: try readModel.next), &recorder)
        }
        try readModel.catchUp(from: ledger)
        return result
    }

    private func runDivergence(
        _ pair: ClusterPair, _ index: EvidenceIndex, _ recorder: inout FindingsRecorder, _ outcome: inout Outcome
    ) throws {
        let newest = index.newest(isFlows: false)
        guard newest > .earliest else { return }
        var request = try DivergenceRequest(of: pair, in: readModel)
        // The newest sample is the end of what was judged: a later judgement of the same log sees no more than this one.
        let until = newest.milliseconds + 1
        request.untilMs = until
        request.trafficShiftsMs.removeAll { $0 >= until }
        let (judgement, report) = try Judgement.divergence(
            request, meanings: try PlannedMeanings.json(pair, readModel), on: readModel, index.entries.watermarks)
        let found = judgement.drafts
        let drafts = found.isEmpty ? [] : FindingDraft.folded(found, by: try graph(pair, until: until))
        let clusters: Set = [pair.source, pair.target]
        outcome.divergence = try recorder.record(
            judgement, findings: drafts, seen: index.seen(of: clusters, isFlows: false),
            evidence: { index.evidence(for: $0, clusters: clusters, isFlows: false) }, newest: newest,
            paceSeconds: paceSeconds)
        outcome.report = report
        outcome.lines += drafts.map(\.sentence)
    }

    /// Who calls whom, from the labels of both clusters' series in the day that is judged.
    private func graph(_ pair: ClusterPair, until: Int64) throws -> ServiceGraph {
        let range = until - 86_400_000..<until
        return ServiceGraph(
            try [pair.source, pair.target].flatMap {
                try readModel.series(matching: SeriesSelector.cluster($0), in: range)
            })
    }

    /// Records the anomalies of chosen series. Findings of other choices stay as they are.
    package func recordAnomalies(_ request: AnomalyRequest) throws -> FindingsRecorder.Outcome {
        try recording { index, recorder in
            let newest = index.newest(isFlows: false)
            guard newest > .earliest else { return FindingsRecorder.Outcome() }
            var request = request
            request.untilMs = min(request.untilMs ?? .max, newest.milliseconds + 1)
            let judgement = try Judgement.anomalies(request, on: readModel, newest: newest)
            return try recorder.record(
                judgement, findings: judgement.drafts, seen: index.seen(of: index.clusters, isFlows: false),
                evidence: { draft in
                    let cluster = draft.data["cluster"]?.string
                    return index.evidence(
                        for: draft, clusters: cluster.map { [$0] } ?? index.clusters, isFlows: false)
                }, newest: newest, paceSeconds: paceSeconds)
        }
    }

    private func runSilence(
        _ pair: ClusterPair, _ index: EvidenceIndex, at moment: Timestamp?, _ recorder: inout FindingsRecorder,
        _ outcome: inout Outcome
    ) throws {
        let watermarks = index.entries.watermarks
        guard let judgement = Judgement.silence(watermarks, of: pair, at: moment) else { return }
        outcome.silence = try recorder.record(
            judgement, findings: judgement.drafts, seen: index.seen(of: [pair.source, pair.target], isFlows: nil),
            evidence: { draft in
                index.evidence(
                    for: draft, clusters: Set([draft.data["cluster"]?.string].compactMap { $0 }),
                    isFlows: draft.data["scope"]?["sender"]?.string == DataSender.Kind.flowLogs.rawValue)
            }, newest: watermarks.values.max() ?? judgement.end, paceSeconds: paceSeconds)
        outcome.lines += judgement.drafts.map(\.sentence)
    }

    private func runDrops(
        _ pair: ClusterPair?, _ index: EvidenceIndex, _ recorder: inout FindingsRecorder, _ outcome: inout Outcome
    ) throws {
        let request = DropsRequest(source: pair?.source, target: pair?.target)
        guard let (judgement, report) = try Judgement.drops(request, on: readModel) else { return }
        let clusters = Set(
            pair.map { [$0.source, $0.target] } ?? judgement.drafts.compactMap { $0.data["cluster"]?.string })
        outcome.drops = try recorder.record(
            judgement, findings: judgement.drafts,
            seen: index.seen(of: pair == nil ? index.clusters : clusters, isFlows: true),
            evidence: { index.evidence(for: $0, clusters: clusters, isFlows: true) },
            newest: index.newest(isFlows: true), paceSeconds: paceSeconds)
        outcome.lines += report.findings.map(\.sentence)
    }
}

extension ClusterPair {
    /// The clusters that were named, else those of the ledger's one migration.
    package static func named(source: String?, target: String?, in readModel: ReadModel) throws -> ClusterPair? {
        if let source, let target { return ClusterPair(source: source, target: target) }
        guard let found = try ofOneMigration(readModel) else { return nil }
        return ClusterPair(source: source ?? found.source, target: target ?? found.target)
    }
}

/// From when on two clusters are compared, where nobody says it.
package enum JudgedSince {
    /// The start of the phase in which production traffic first moved; else of the phase that runs; else nil, and
    /// everything is judged.
    package static func ofPhase(_ pair: ClusterPair, _ readModel: ReadModel) throws -> Timestamp? {
        let shift = try readModel.query(
            """
            SELECT p.started_us FROM phases AS p JOIN runs AS r ON r.run = p.run
            WHERE r.kind = 'migration' AND r.source_cluster = :source AND r.target_cluster = :target
              AND p.started_us IS NOT NULL
              AND p.started_us <= coalesce(
                (SELECT min(t.occurred_us) FROM traffic_shifts AS t WHERE t.run = p.run AND t.kind = 'production'),
                9223372036854775807)
            ORDER BY p.started_us DESC LIMIT 1
            """, ["source": .text(pair.source), "target": .text(pair.target)])
        return shift.rows.first?[0].integer.flatMap { Timestamp(checkedMicroseconds: $0) }
    }
}

/// When production traffic was moved between two clusters: faults like to begin there.
package enum TrafficShifts {
    /// In milliseconds since 1970, in order.
    package static func times(_ pair: ClusterPair, _ readModel: ReadModel) throws -> [Int64] {
        let shifts = try readModel.query(
            """
            SELECT DISTINCT t.occurred_us / 1000 FROM traffic_shifts AS t JOIN runs AS r ON r.run = t.run
            WHERE r.kind = 'migration' AND r.source_cluster = :source AND r.target_cluster = :target
              AND t.kind = 'production'
            ORDER BY 1
            """, ["source": .text(pair.source), "target": .text(pair.target)])
        return shifts.rows.compactMap { $0[0].integer }
    }
}

/// What the plan of a migration says of metrics whose names do not: the `meanings` of its gates.
package enum PlannedMeanings {
    package static func json(_ pair: ClusterPair, _ readModel: ReadModel) throws -> JSONValue? {
        let plans = try readModel.query(
            """
            SELECT e.data FROM events AS e JOIN runs AS r ON r.position = e.position
            WHERE r.kind = 'migration' AND r.source_cluster = :source AND r.target_cluster = :target
            ORDER BY e.position DESC LIMIT 1
            """, ["source": .text(pair.source), "target": .text(pair.target)])
        guard let text = plans.rows.first?[0].text else { return nil }
        let meanings = try JSONParser.parse(Array(text.utf8)).value["gates"]?["meanings"]
        return meanings?.object == nil ? nil : meanings
    }
}

extension DivergenceRequest {
    /// Two clusters as the ledger says that they are to be compared: with the traffic that was shifted between them and
    /// what the plan says of metrics.
    /// - Parameter since: nil for the start of the phase in which traffic moved.
    package init(
        of pair: ClusterPair, in readModel: ReadModel, since: Timestamp? = nil, until: Timestamp? = nil
    ) throws {
        self.init(source: pair.source, target: pair.target)
        sinceMs = try (since ?? JudgedSince.ofPhase(pair, readModel))?.milliseconds
        untilMs = until?.milliseconds
        trafficShiftsMs = try TrafficShifts.times(pair, readModel)
        meanings = DivergenceMeaning.all(try PlannedMeanings.json(pair, readModel))
    }
}
