import CairnAnalyzer
import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnReports
import CairnSeries
import CairnTestSupport
import CairnWeb
import Testing

/// What the pages are filled with, from a log.
@Suite struct SiteBuilderTests {
    private static let start = Timestamp("2026-03-10T08:00:00Z") ?? .earliest

    /// A log, and its read model in memory.
    private final class Site {
        private let folder: TemporaryFolder
        let ledger: Ledger
        let readModel: ReadModel
        private var number = 0
        let now = SiteBuilderTests.start.adding(seconds: 3 * 3600)

        init() throws {
            folder = try TemporaryFolder("site")
            ledger = try Ledger.create(
                at: folder.file("ledger"), origin: "site.example/log", keyFile: folder.file("key"),
                environment: .live(command: "site test"))
            readModel = try ReadModel.inMemory()
        }

        @discardableResult
        func add(_ type: String, _ stream: String, minute: Int64, _ data: JSONValue) throws -> UInt64 {
            number += 1
            let event = ProposedEvent(
                id: "e\(number)", source: "/test", type: type, subject: try #require(StreamName(stream)),
                time: SiteBuilderTests.start.adding(seconds: minute * 60), data: data, onBehalfOf: "marek")
            return try ledger.append([Append(event)], actor: Actor(id: "alice@host", type: "local"))[0].position
        }

        func catchUp() throws { try readModel.catchUp(from: ledger) }
    }

    private static func planned(applications: Int = 3) -> JSONValue {
        [
            "playbook": "cluster-migration", "title": "Harbor", "source_cluster": "old", "target_cluster": "new",
            "applications": .array((0..<applications).map { ["name": .string("app-\($0)"), "class": "stateless"] }),
            "budgets": ["snapshot": 600],
        ]
    }

    private static func finding(_ id: String, app: String, minute: Int64) -> JSONValue {
        let time = start.adding(seconds: minute * 60).description
        return [
            "finding": .string(id), "analyzer": "divergence", "analyzer_version": 2, "policy_digest": "p",
            "kind": "latency", "app": .string(app), "metric": "http_request_duration_seconds", "direction": "worse",
            "unit": "log ratio", "effect": 0.74, "margin": 0.1, "score": 3, "verdict": "DIVERGED",
            "clusters": ["source": "old", "target": "new"], "cluster": "new", "side": "target-only",
            "scope": ["app": .string(app)], "start": .string(time), "reason": "2.1 times as long", "evidence": [0],
        ]
    }

    private static func harbor() throws -> Site {
        let site = try Site()
        let run = "migration/harbor"
        try site.add("observed.migration.planned.v1", run, minute: 0, planned())
        try site.add("observed.phase.started.v1", run, minute: 10, ["phase": "snapshot"])
        try site.add("observed.phase.completed.v1", run, minute: 30, ["phase": "snapshot"])
        try site.add("observed.phase.started.v1", run, minute: 31, ["phase": "shift-traffic"])
        try site.add(
            "observed.traffic.shifted.v1", run, minute: 40,
            ["kind": "production", "weights": ["source": 90, "target": 10]])
        try site.add(
            "observed.gate.evaluated.v1", run, minute: 45,
            ["phase": "resume-pipelines", "result": "undecided", "reasons": ["too few requests"]])
        try site.add(
            "observed.approval.requested.v1", run, minute: 50, ["phase": "resume-pipelines", "requested_by": "marek"])
        for (index, app) in ["app-1", "app-2"].enumerated() {
            try site.add(
                "cairn.finding.opened.v1", "finding/f\(index)", minute: 41, finding("f\(index)", app: app, minute: 41))
        }
        try site.add(
            "cairn.finding.muted.v1", "finding/f1", minute: 60, ["finding": "f1", "person": "ana", "reason": "known"])
        try site.add(
            "cairn.incident.opened.v1", "incident/i0", minute: 41,
            ["incident": "i0", "title": "app-1 is slow", "severity": "high", "finding": "f0"])
        try site.catchUp()
        return site
    }

    @Test func theFleetShowsWhatWaitsAndWhatIsOpen() throws {
        let site = try SiteBuilderTests.harbor()
        let fleet = try FleetBuilder.build(ledger: site.ledger, readModel: site.readModel, now: site.now)
        #expect(fleet.counts.migrations == 1)
        // A muted finding counts for nothing.
        #expect(fleet.counts.openFindings == 1)
        #expect(fleet.counts.openIncidents == 1)
        #expect(fleet.waiting.map(\.phase) == ["resume-pipelines"])
        let run = try #require(fleet.runs.first)
        #expect(run.stages.map(\.status) == ["skipped", "skipped", "completed", "skipped", "started", nil, nil])
        #expect((run.openFindings, run.silencedFindings) == (2, 1))
        #expect(run.targetPercent == 10)
        #expect(run.applications == 3)
        #expect(run.phaseSince == SiteBuilderTests.start.adding(seconds: 31 * 60))
        let other = try FleetBuilder.build(
            ledger: site.ledger, readModel: site.readModel, now: site.now,
            filter: {
                var filter = FleetDocument.Filter()
                (filter.text, filter.sort, filter.page) = ("%' OR 1 --", "no such order", -7)
                return filter
            }())
        #expect(other.runs.isEmpty)
    }

    @Test func aRunHasEverythingOnOneAxis() throws {
        let site = try SiteBuilderTests.harbor()
        let run = try MigrationBuilder.build(
            stream: "migration/harbor", ledger: site.ledger, readModel: site.readModel, now: site.now)
        #expect(run.phases.map(\.name).first == "precheck")
        #expect(run.phases.filter { $0.started != nil }.map(\.name) == ["snapshot", "shift-traffic"])
        #expect(run.phases.first { $0.name == "snapshot" }?.budgetSeconds == 600)
        #expect(run.moments.map(\.status) == ["undecided", "waiting"])
        #expect(run.shares.map(\.targetPercent) == [10])
        #expect(run.findings.map(\.counts).sorted { $0 && !$1 } == [true, false])
        // What goes on reaches up to now.
        #expect(run.until == site.now)
        let context = PageContext(
            now: site.now, viewer: .init(name: "ana", mayApprove: true), formToken: "t", ledgerOrigin: "o")
        let html = String(decoding: MigrationPage.render(run, context), as: UTF8.self)
        #expect(html.contains("action=\"/runs/migration/harbor/approve\""))
        #expect(throws: QuestionError.self) {
            try MigrationBuilder.build(
                stream: "migration/none", ledger: site.ledger, readModel: site.readModel, now: site.now)
        }
    }

    @Test func findingsIncidentsAndEntriesAreFound() throws {
        let site = try SiteBuilderTests.harbor()
        let finding = try FindingBuilder.build(
            finding: "f1", ledger: site.ledger, readModel: site.readModel, now: site.now)
        #expect(!finding.counts)
        #expect(finding.note == "muted by ana: known")
        #expect(finding.history.count == 2)
        let list = try IncidentBuilder.list(readModel: site.readModel)
        #expect(list.lines.map(\.id) == ["i0"])
        let incident = try IncidentBuilder.build(
            incident: "i0", ledger: site.ledger, readModel: site.readModel, now: site.now)
        #expect(incident.timeline.findings.map(\.id) == ["f0"])
        #expect(incident.timeline.entries.contains { $0.action.contains("shifted production traffic") })
        let entry = try EntryBuilder.build(position: 3, ledger: site.ledger, readModel: site.readModel)
        #expect((entry.previousInStream, entry.nextInStream) == (2, 4))
        let proof = try #require(entry.proof)
        #expect(proof.text.hasPrefix("c2sp.org/tlog-proof@v1"))
        #expect(throws: QuestionError.self) {
            try EntryBuilder.build(position: 1_000, ledger: site.ledger, readModel: site.readModel)
        }
        for name in ["../x", "", "' OR 1=1"] {
            #expect(throws: QuestionError.self) {
                try FindingBuilder.build(finding: name, ledger: site.ledger, readModel: site.readModel, now: site.now)
            }
            #expect(throws: QuestionError.self) {
                try IncidentBuilder.build(incident: name, ledger: site.ledger, readModel: site.readModel, now: site.now)
            }
        }
    }

    /// The page of a stretch of time says the same as the export of it.
    @Test func aTimelineOfAPageIsThatOfTheExport() throws {
        let site = try SiteBuilderTests.harbor()
        let since = SiteBuilderTests.start
        let until = since.adding(seconds: 7200)
        let page = try TimelineRangeBuilder.build(
            since: since, until: until, ledger: site.ledger, readModel: site.readModel, now: site.now)
        let export = try TimelineReport.document(TimelineScope(since: since, until: until), ledger: site.ledger)
        #expect(page.omission == nil)
        #expect(page.timeline == export)
    }

    @Test func aLongTimelineIsCutAndSaysSo() throws {
        let site = try Site()
        for index in 0..<900 {
            try site.add(
                "observed.note.added.v1", "migration/harbor", minute: Int64(index / 10),
                ["text": .string("note \(index)")])
        }
        try site.catchUp()
        let page = try TimelineRangeBuilder.build(
            since: nil, until: nil, ledger: site.ledger, readModel: site.readModel, now: site.now)
        #expect(page.timeline.entries.count == 800)
        #expect(page.omission?.contains("800 of 900") == true)
        #expect(page.timeline.entries.last?.position == 899)
    }

    // MARK: Divergence

    /// Two clusters with gauges of latency; every fifth application is slower in the new one.
    private struct Twins: SampleSource {
        var applications: Int
        var metrics: Int

        func series(matching selector: SeriesSelector, in range: TimeRangeMs) throws -> [SeriesKey] {
            try keys().filter { selector.matches($0) }
        }

        private func keys() throws -> [SeriesKey] {
            try ["new", "old"].flatMap { cluster in
                try (0..<applications).flatMap { app in
                    try (0..<metrics).map { metric in
                        try SeriesKey(
                            name: "request_\(metric)_duration_seconds",
                            labels: [
                                Label("app", "app-\(app)"), Label("cluster", cluster),
                                Label("quantile", "0.99"),
                            ])
                    }
                }
            }.sorted()
        }

        func samples(of key: SeriesKey, in range: TimeRangeMs) throws -> [Sample] {
            let app = Int((key["app"] ?? "").dropFirst(4)) ?? 0
            let isSlow = key["cluster"] == "new" && app.isMultiple(of: 5)
            var random = SeededRandom(seed: UInt64(app) &* 31 &+ (key["cluster"] == "new" ? 1 : 0))
            return (0..<180).compactMap { minute in
                let noise = 1 + Double.random(in: -0.05..<0.05, using: &random)
                let time = SiteBuilderTests.start.milliseconds + Int64(minute) * 60_000
                let factor = isSlow && minute >= 100 ? 2.0 : 1
                return range.contains(time) ? Sample(timeMs: time, value: 0.2 * noise * factor) : nil
            }
        }
    }

    @Test func theMapFoldsWhatIsEquivalentAndPutsTheWorstFirst() throws {
        let site = try SiteBuilderTests.harbor()
        var request = DivergenceRequest(source: "old", target: "new")
        request.sinceMs = SiteBuilderTests.start.adding(seconds: 90 * 60).milliseconds
        let report = try DivergenceAnalyzer.analyze(Twins(applications: 60, metrics: 2), request)
        func map(_ verdict: String = "", _ text: String = "", page: Int = 1) throws -> DivergenceMapDocument {
            var filter = DivergenceMapDocument.Filter()
            (filter.verdict, filter.text, filter.page) = (verdict, text, page)
            return try DivergenceMapBuilder.build(
                source: nil, target: nil, report: report, readModel: site.readModel, now: site.now, filter: filter)
        }
        let whole = try map("all")
        #expect(whole.applications == 60)
        #expect(whole.rows.count == 60)
        #expect(whole.overview.count == 60)
        #expect(
            whole.rows.prefix(12).allSatisfy {
                $0.cells[0]?.verdict == .worse && Int($0.app.dropFirst(4))?.isMultiple(of: 5) == true
            })
        #expect(whole.rows.prefix(12).allSatisfy { $0.cells[0]?.effect == "x2" })
        #expect(whole.counts[.worse] == 24)
        let folded = try map()
        #expect(folded.folded + folded.matching == 60)
        #expect(try map("diverged").matching == 12)
        #expect(try map("all", "APP-15").rows.map(\.app) == ["app-15"])
        #expect(try map("all", "", page: 99).filter.page == 1)
        // Without a comparison the recorded findings are known.
        let recorded = try DivergenceMapBuilder.build(
            source: "old", target: "new", report: nil, readModel: site.readModel, now: site.now)
        #expect(recorded.comparing == .off)
        let soon = try DivergenceMapBuilder.build(
            source: "old", target: "new", report: nil, comparesEverySeconds: 60, readModel: site.readModel,
            now: site.now)
        #expect(soon.comparing == .soon(everySeconds: 60))
        let other = try DivergenceMapBuilder.build(
            source: "gone", target: "new", report: nil, comparesEverySeconds: 60, readModel: site.readModel,
            now: site.now)
        #expect(other.comparing == .ended)
        #expect(recorded.rows.map(\.app) == ["app-1", "app-2"])
        #expect(recorded.rows.map { $0.cells[0]?.isSilenced } == [false, true])
    }

    @Test func aComparisonIsExplained() throws {
        let site = try SiteBuilderTests.harbor()
        var request = DivergenceRequest(source: "old", target: "new")
        request.sinceMs = SiteBuilderTests.start.adding(seconds: 90 * 60).milliseconds
        let report = try DivergenceAnalyzer.analyze(Twins(applications: 6, metrics: 1), request)
        func page(_ app: String, _ report: DivergenceReport?, metric: String = "request_0_duration_seconds") throws
            -> ComparisonDocument
        {
            try ComparisonBuilder.build(
                app: app, metric: metric, source: "old", target: "new", report: report, ledger: site.ledger,
                readModel: site.readModel, now: site.now)
        }
        let slow = try page("app-5", report)
        #expect(slow.verdict == .worse)
        #expect(slow.explanation.charts.contains { $0.title == "The evidence" })
        #expect(slow.explanation.sections.map(\.label).contains("What it means"))
        let same = try page("app-1", report)
        #expect(same.verdict != .worse)
        #expect(!same.explanation.sections.map(\.label).contains("What it means"))
        #expect(try page("app-1", nil, metric: "http_request_duration_seconds").finding == "f0")
        #expect(throws: QuestionError.self) { try page("app-5", nil) }
    }
}
