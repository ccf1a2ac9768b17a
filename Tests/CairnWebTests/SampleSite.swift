import CairnBytes
import CairnTestSupport
import CairnWeb

/// One document of each page, small, with every part that a page can have.
final class SampleSite {
    private let replace: ((Int) -> String)?
    private var replaced: [String: String] = [:]

    /// - Parameter replace: makes the n-th name that comes from outside; nil leaves them as they are.
    init(replacing replace: ((Int) -> String)? = nil) { self.replace = replace }

    /// A text from outside; equal ones stay equal.
    private func name(_ text: String) -> String {
        guard let replace else { return text }
        if let known = replaced[text] { return known }
        let made = replace(replaced.count)
        replaced[text] = made
        return made
    }

    static func time(_ text: String) -> Timestamp { SampleTimeline.time(text) }
    private func time(_ text: String) -> Timestamp { SampleTimeline.time(text) }

    var context: PageContext {
        PageContext(
            now: time("10:58:30"), viewer: .init(name: name("priya"), mayApprove: true), formToken: "4f1c9d",
            ledgerOrigin: name("cairn.harbor.example/eu-1"))
    }

    /// By the name of its golden file.
    func pages(_ given: PageContext? = nil) -> [(name: String, html: [UInt8])] {
        let context = given ?? self.context
        return [
            ("fleet", FleetPage.render(fleet, context)), ("run", MigrationPage.render(run, context)),
            ("divergence", DivergenceMapPage.render(divergence, context)),
            ("comparison", ComparisonPage.render(comparison, context)), ("drops", DropsPage.render(drops, context)),
            ("incidents", IncidentsPage.render(incidents, context)),
            ("incident", IncidentPage.render(incident, context)),
            ("finding", FindingPage.render(finding, context)), ("entry", EntryPage.render(entry, context)),
            ("timeline", TimelineRangePage.render(timelineRange, context)),
            (
                "login",
                LoginPage.render(LoginDocument(message: name("That token was revoked."), next: "/drops"), context)
            ),
            ("message", MessagePage.render(message, context)),
        ]
    }

    var waiting: WaitingApproval {
        WaitingApproval(
            stream: "migration/harbor-eu-1", title: name("Harbor EU 1"), phase: name("resume-pipelines"),
            requestedBy: name("marek"), requested: time("10:50:00"), expires: time("12:50:00"),
            reason: name("traffic is at 100 %, errors are flat"), position: 402)
    }

    var fleet: FleetDocument {
        var running = FleetDocument.Run(
            stream: "migration/harbor-eu-1", title: name("Harbor EU 1"), kind: "migration", status: "running")
        running.stages = [
            ("precheck", "completed"), ("build", "completed"), ("snapshot", "skipped"), ("move-workloads", "reverted"),
            ("shift-traffic", "started"), ("resume-pipelines", nil),
        ].map { FleetDocument.Stage(name: name($0.0), status: $0.1) }
        running.phase = name("shift-traffic")
        running.phaseStatus = "started"
        running.phaseSince = time("09:29:00")
        running.phasePosition = 300
        running.source = name("harbor-sm-eu-1")
        running.target = name("harbor-eks-eu-1")
        running.applications = 1600
        running.targetPercent = 50
        running.sharePosition = 310
        running.waitingApprovals = 1
        running.openFindings = 3
        running.silencedFindings = 1
        running.violations = 1
        running.lastTime = time("10:50:00")
        running.lastPosition = 402
        let planned = FleetDocument.Run(
            stream: "deployment/shop/orders/k7Qm", title: name("orders 2026.10"), kind: "deployment", status: "planned")
        var counts = FleetDocument.Counts()
        counts.migrations = 1
        counts.deployments = 1
        counts.running = 1
        counts.openFindings = 2
        counts.openIncidents = 1
        var filter = FleetDocument.Filter()
        filter.text = name("harbor")
        filter.sort = "findings"
        filter.isDescending = true
        return FleetDocument(
            counts: counts, waiting: [waiting], runs: [running, planned], matching: 240, filter: filter,
            data: [
                .init(cluster: name("harbor-sm-eu-1"), kind: "samples", newest: time("10:58:00"), position: 411),
                .init(cluster: name("harbor-eks-eu-1"), kind: "flow logs", newest: time("10:40:00"), position: nil),
            ])
    }

    var run: MigrationDocument {
        var document = MigrationDocument(
            stream: "migration/harbor-eu-1", title: name("Harbor EU 1"), kind: "migration", status: "running",
            reason: name("as planned"), source: name("harbor-sm-eu-1"), target: name("harbor-eks-eu-1"),
            facts: [LabelledText("playbook", name("cluster-migration"))], planPosition: 2, from: time("08:31:00"),
            until: time("10:58:30"))
        var done = MigrationDocument.Phase(name: name("snapshot"), label: name("3 Snapshot"), status: "completed")
        done.started = time("08:31:00")
        done.ended = time("08:59:00")
        done.budgetSeconds = 1200
        done.position = 250
        done.endPosition = 260
        var now = MigrationDocument.Phase(name: name("shift-traffic"), step: 2, status: "started")
        now.started = time("09:29:00")
        now.reason = name("second try")
        now.position = 300
        document.phases = [done, now, .init(name: name("resume-pipelines"))]
        document.waiting = [waiting]
        document.moments = [
            .init(
                kind: .approval, name: name("shift-traffic"), status: "granted", time: time("09:20:00"),
                end: time("09:27:00"), person: name("asked by marek, decided by priya"), details: [name("go")],
                position: 290, endPosition: 296),
            .init(
                kind: .gate, name: name("shift-traffic"), status: "undecided", time: time("09:28:00"),
                person: name("marek"), details: [name("search: too few requests"), name("velero: pass")], position: 298),
            .init(
                kind: .hook, name: name("smoke-test"), status: "FAILED", time: time("09:35:00"), end: time("09:36:30"),
                details: [name("attempt 2")], position: 312, endPosition: 313),
        ]
        document.shares = [
            .init(time: time("09:30:00"), kind: .production, targetPercent: 10, actor: name("marek"), position: 305),
            .init(time: time("09:40:00"), kind: .production, targetPercent: 50, actor: nil, position: 310),
        ]
        document.findings = [
            .init(
                id: name("drops-7335a8f7"), kind: "unanswered", title: name("203.0.113.88:9443 does not answer"),
                isOpen: true, note: nil, counts: true, start: time("09:52:00"), end: time("10:07:00"), position: 372),
            .init(
                id: name("diverge-8fac06d8"), kind: "latency", title: name("search: P99 is x2.1"), isOpen: true,
                note: name("muted by ana: known"), counts: false, start: time("09:57:00"), end: nil, position: 374),
        ]
        document.findingCount = 2
        document.violations = [
            .init(
                rule: "wrong-order", explanation: name("the build had not ended"), time: time("08:31:00"),
                position: 251,
                factPosition: 250)
        ]
        document.workloads = [
            .init(
                application: name("search"), workloadClass: name("stateless"), inSource: 2, inTarget: 6, position: 288)
        ]
        document.applicationCount = 16
        document.notes = [
            TimelineEntry(
                time: time("10:12:00"), kind: .note, actor: name("ana"), action: name("partner called back"),
                position: 390)
        ]
        document.lastTime = time("10:50:00")
        document.lastPosition = 402
        return document
    }

    private var pair: TimelineDocument.ClusterNames {
        .init(source: name("harbor-sm-eu-1"), target: name("harbor-eks-eu-1"))
    }

    var divergence: DivergenceMapDocument {
        typealias Cell = DivergenceMapDocument.Cell
        let rows: [DivergenceMapDocument.Row] = [
            .init(
                app: name("search"),
                cells: [
                    Cell(
                        verdict: .worse, effect: "x2.1", margins: 12, reason: name("P99 is 2.1 times as long"),
                        finding: name("diverge-8fac06d8")), Cell(verdict: .undecided),
                ], position: 374),
            .init(
                app: name("cart"),
                cells: [
                    Cell(verdict: .different, effect: "+1.9 pt", margins: 4, isSilenced: true),
                    Cell(verdict: .equivalent, effect: "x1"),
                ]),
            .init(app: name("mail"), cells: [Cell(verdict: .better, effect: "x0.5", margins: 1), nil]),
        ]
        var filter = DivergenceMapDocument.Filter()
        filter.text = name("a")
        return DivergenceMapDocument(
            pair: pair, pairs: [pair, .init(source: name("old-2"), target: name("new-2"))],
            metrics: [name("http_request_duration_seconds"), name("queue_depth")], hiddenMetrics: 2, rows: rows,
            matching: 130, applications: 1600, folded: 1470,
            counts: [.worse: 1, .different: 1, .undecided: 1, .better: 1, .equivalent: 1],
            overview: rows.map { $0.cells.map { $0?.verdict } }, judgedFrom: time("09:29:00"),
            judgedUntil: time("10:58:00"), comparing: .done, filter: filter)
    }

    private var explanation: Explanation {
        Explanation(
            title: name("search: P99 of http_request_duration_seconds is x2.1 on harbor-eks-eu-1"),
            facts: [LabelledText("effect", name("x2.1 (x1.9 to x2.3)"))],
            sections: [LabelledText("What was seen", name("It answers 2.1 times slower."))],
            charts: [
                Chart(
                    title: name("The data"), axis: name("seconds"), unit: .seconds,
                    series: [
                        .init(
                            name: name("harbor-sm-eu-1"), role: .source,
                            points: [.init(time("09:56:00"), 0.44), .init(time("09:57:00"), 0.45)]),
                        .init(
                            name: name("harbor-eks-eu-1"), role: .target,
                            points: [.init(time("09:56:00"), 0.44), .init(time("09:57:00"), nil)]),
                    ], windows: [.init(start: time("09:57:00"), end: time("09:57:00"), label: name("finding"))])
            ], tables: [], json: [:])
    }

    private var source: FindingDocument.Source {
        .init(position: 298, type: name("cairn.samples.recorded.v1"), time: time("09:57:00"))
    }

    var comparison: ComparisonDocument {
        ComparisonDocument(
            app: name("search"), metric: name("http_request_duration_seconds"), pair: pair, verdict: .worse,
            explanation: explanation, finding: name("diverge-8fac06d8"), position: 374, sources: [source],
            sourceCount: 1)
    }

    var drops: DropsDocument {
        DropsDocument(
            pair: pair,
            findings: [
                .init(
                    id: name("drops-7335a8f7"), sentence: name("107 of 107 connections were never answered"),
                    kind: "unanswered", cluster: name("harbor-eks-eu-1"), peer: name("203.0.113.88:9443"),
                    side: "target-only", owner: "third-party", isOpen: true,
                    note: name("acknowledged by ana: called them"),
                    counts: true, start: time("09:52:00"), end: time("10:07:00"), excess: 106.5, baseline: 0.5,
                    attribution: [
                        .init(dimension: name("peer_prefix"), values: [name("203.0.113.0/24")], explained: 0.7527)
                    ], root: .init(dimension: name("subnet"), values: [name("a or b")], explained: 0.98),
                    chart: explanation.charts[0], position: 372, evidence: [316, 317, 318, 352],
                    incident: name("inc-f39278b9"))
            ], count: 41, page: 2,
            reaches: [
                .init(
                    cluster: name("harbor-eks-eu-1"), newest: time("10:57:00"), settled: time("10:45:00"), position: 371
                )
            ])
    }

    var incidents: IncidentsDocument {
        IncidentsDocument(
            lines: [
                .init(
                    id: name("inc-f39278b9"), title: name("Connections were never answered"), severity: name("high"),
                    isOpen: true, opened: time("09:52:00"), closed: nil, findings: 2, position: 375),
                .init(
                    id: name("inc-df542f95"), title: name("It differs"), severity: "", isOpen: false,
                    opened: time("09:57:00"), closed: time("10:30:00"), findings: 1, position: 377),
            ], count: 2)
    }

    /// The timeline with its texts replaced.
    private var timeline: TimelineDocument {
        var document = SampleTimeline.document
        document.title = name(document.title)
        document.findings = document.findings.prefix(1).map { finding in
            var finding = finding
            finding.id = name(finding.id)
            finding.title = name(finding.title)
            finding.charts = []
            return finding
        }
        // In the order of the log, which is not that of time.
        document.entries = document.entries.prefix(6).reversed().map { entry in
            var entry = entry
            entry.actor = name(entry.actor)
            entry.action = name(entry.action)
            return entry
        }
        return document
    }

    var incident: IncidentDocument {
        IncidentDocument(
            id: name("inc-f39278b9"), isOpen: false, opened: time("09:52:00"), closed: time("10:30:00"), position: 375,
            timeline: timeline, omission: "The newest 800 of 900 lines are shown.")
    }

    var timelineRange: TimelineRangeDocument {
        TimelineRangeDocument(timeline: timeline, since: name("-2h"), until: "", migration: name("harbor-eu-1"))
    }

    var finding: FindingDocument {
        FindingDocument(
            id: name("diverge-8fac06d8"), isOpen: true, note: name("acknowledged by ana: looking"), counts: true,
            explanation: explanation, sources: [source], sourceCount: 3,
            history: [
                TimelineEntry(
                    time: time("10:20:00"), kind: .finding, actor: name("ana"), action: name("acknowledged"),
                    evidence: [.init(name("looking"))], position: 391)
            ], incident: name("inc-df542f95"),
            place: .init(
                app: name("search"), metric: name("http_request_duration_seconds"), source: name("harbor-sm-eu-1"),
                target: name("harbor-eks-eu-1")), position: 374)
    }

    var entry: EntryDocument {
        var document = EntryDocument(
            position: 298, size: 412, action: name("phase shift-traffic started"), severity: .info,
            actor: name("marek"),
            stream: "migration/harbor-eu-1", time: time("09:29:00"), recordedTime: time("09:29:01"),
            facts: [LabelledText("type", name("cairn.phase.started.v1"))], json: name("{\"phase\": \"shift-traffic\"}"))
        document.attachments = [
            .init(
                role: name("private"), mediaType: name("application/json"), byteCount: 120, digest: "ab12",
                retention: "personal", goneBy: 399)
        ]
        document.previousInStream = 290
        document.cited = [3, 7, 8, 9]
        document.proof = .init(
            text: name("c2sp.org/tlog-proof@v1"), hashes: 8, size: 412, root: "q1Vw",
            verifierKey: name("harbor+db35+AWwe"))
        return document
    }

    var message: MessageDocument {
        MessageDocument(
            status: 503, title: name("The ledger is busy"), text: name("Another process holds it."),
            remedy: "wait a moment; `cairn status` says more", retryAfterSeconds: 2)
    }
}
