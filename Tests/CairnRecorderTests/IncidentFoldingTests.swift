import CairnAnalyzer
import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnSeries
import CairnSim
import CairnTestSupport
import Testing

/// One cause is one incident: applications that call each other fold into that of the one that is called.
@Suite struct IncidentFoldingTests {
    private static let start: Int64 = 1_773_129_600_000

    /// From minute 60 on each application fails more often in the new cluster; `calls` are told by a mesh.
    private static func batch(_ cluster: String, apps: [String], calls: [(String, String)]) throws -> SampleBatch {
        var parts: [SeriesSamples] = []
        func add(_ name: String, _ labels: [Label], _ values: [Double]) throws {
            parts.append(
                SeriesSamples(
                    key: try SeriesKey(name: name, labels: labels + [Label("cluster", cluster)]),
                    samples: values.enumerated().map {
                        Sample(timeMs: start + Int64($0.offset) * 60_000, value: $0.element)
                    }))
        }
        for (number, app) in apps.enumerated() {
            var (ok, failed) = ([0.0], [0.0])
            for minute in 0..<120 {
                let draws = 600 + Double((minute * 37 + number * 11) % 60)
                let bad = (draws * (cluster == "new" && minute >= 60 ? 0.08 : 0.01)).rounded()
                ok.append((ok.last ?? 0) + draws - bad)
                failed.append((failed.last ?? 0) + bad)
            }
            try add("http_requests_total", [Label("app", app), Label("code", "200")], ok)
            try add("http_requests_total", [Label("app", app), Label("code", "503")], failed)
        }
        for (caller, callee) in calls {
            try add(
                "istio_requests_total",
                [Label("source_workload", caller), Label("destination_workload", callee)],
                (0..<120).map { Double($0) * 10 })
        }
        return SampleBatch(parts)
    }

    private static func opened(apps: [String], calls: [(String, String)]) throws -> [JSONValue] {
        let ledger = try SampleLedger(seed: 3).create()
        for cluster in ["old", "new"] {
            try SampleLedger.append(
                try batch(cluster, apps: apps, calls: calls), to: ledger, id: cluster, cluster: cluster)
        }
        _ = try Analysis(ledger: ledger, readModel: try ReadModel.inMemory(), actor: SampleLedger.actor)
            .run(pair: ClusterPair(source: "old", target: "new"))
        var incidents: [JSONValue] = []
        try ledger.forEach(from: 0) { event in
            if event.type == "cairn.incident.opened.v1" { incidents.append(event.data) }
        }
        #expect(try Rejudgement.run(ledger).allSatisfy { $0.difference == nil })
        return incidents
    }

    @Test func applicationsThatCallEachOtherAreOneIncident() throws {
        let apps = ["cart", "checkout", "web"]
        #expect(try Self.opened(apps: apps, calls: []).count == 3)
        let incidents = try Self.opened(apps: apps, calls: [("web", "checkout"), ("checkout", "cart")])
        #expect(incidents.count == 1)
        #expect(incidents.first?["cause"]?.string == "application cart")
        #expect(incidents.first?["suspected_cause"]?.string == "cart, which checkout and web call")
    }

    private static func incidents(_ ledger: Ledger, _ event: String) throws -> [String] {
        var ids: [String] = []
        try ledger.forEach(from: 0) { if $0.type == "cairn.incident.\(event).v1" { ids.append($0.subject.id) } }
        return ids
    }

    private static func openIncidents(_ ledger: Ledger) throws -> Set<String> {
        try Set(incidents(ledger, "opened")).subtracting(incidents(ledger, "closed"))
    }

    @Test func findingsOfAnotherMigrationStand() throws {
        let ledger = try SampleLedger(seed: 6).create()
        for cluster in ["old", "new", "old-2", "new-2"] {
            try SampleLedger.append(
                try Self.batch(cluster, apps: ["cart"], calls: []), to: ledger, id: cluster, cluster: cluster)
        }
        let analysis = Analysis(ledger: ledger, readModel: try ReadModel.inMemory(), actor: SampleLedger.actor)
        let pair = ClusterPair(source: "old", target: "new")
        #expect(try analysis.run(pair: pair).divergence.opened == 1)
        let other = try analysis.run(pair: ClusterPair(source: "old-2", target: "new-2"))
        #expect(other.divergence.opened == 0 && other.divergence.withdrawn == 0)
        let again = try analysis.run(pair: pair)
        #expect(again.divergence.unchanged == 1 && again.divergence.revised == 0)
    }

    @Test func anIncidentSaysHowManyRequestsItHurt() throws {
        let incident = try #require(try Self.opened(apps: ["cart"], calls: []).first)
        let impact = try #require(incident["impact"]?.string)
        let numbers = impact.split(separator: " ").compactMap { Int($0) }
        // An hour of 630 requests a minute, of which 7 in 100 ended otherwise.
        #expect(numbers.count == 2, "\(impact)")
        #expect((2_300...3_000).contains(numbers.first ?? 0), "\(impact)")
        #expect((36_000...40_000).contains(numbers.last ?? 0), "\(impact)")
        #expect(impact.contains("requests to cart since 2026-03-10T"), "\(impact)")
    }

    /// The first was closed since nothing of it held.
    @Test func whatIsFoundAgainIsAnotherIncident() throws {
        let ledger = try SampleLedger(seed: 7).create()
        var random = SeededRandom(seed: 8)
        // It goes on at the end.
        let samples = (0..<400).map { minute in
            Sample(
                timeMs: Self.start + Int64(minute) * 60_000,
                value: (minute >= 385 ? 900 : 100) + Double.random(in: 0..<5, using: &random))
        }
        let key = try SeriesKey(name: "depth", labels: [Label("cluster", "old")])
        try SampleLedger.append(SampleBatch([SeriesSamples(key: key, samples: samples)]), to: ledger, id: "one")
        let analysis = Analysis(ledger: ledger, readModel: try ReadModel.inMemory(), actor: SampleLedger.actor)
        let request = AnomalyRequest(selector: try SeriesSelector(parsing: "depth"))
        var early = request
        early.untilMs = Self.start + 200 * 60_000
        #expect(try analysis.recordAnomalies(request).incidents == 1)
        let first = try Self.openIncidents(ledger)
        #expect(first.count == 1)
        #expect(try analysis.recordAnomalies(early).withdrawn == 1)
        #expect(try Self.openIncidents(ledger).isEmpty)
        #expect(try analysis.recordAnomalies(request).revised == 1)
        let second = try Self.openIncidents(ledger)
        #expect(second.count == 1 && second.isDisjoint(with: first), "\(second)")
    }

    /// Anomalies of chosen series are findings when somebody asks for it; of another choice they stay.
    @Test func anomaliesAreRecordedAndJudgedAgain() throws {
        let ledger = try SampleLedger(seed: 4).create()
        var random = SeededRandom(seed: 5)
        let samples = (0..<400).map { minute in
            Sample(
                timeMs: Self.start + Int64(minute) * 60_000,
                value: (minute >= 300 && minute < 320 ? 900 : 100) + Double.random(in: 0..<5, using: &random))
        }
        let key = try SeriesKey(name: "depth", labels: [Label("cluster", "old")])
        try SampleLedger.append(SampleBatch([SeriesSamples(key: key, samples: samples)]), to: ledger, id: "one")
        let model = try ReadModel.inMemory()
        let analysis = Analysis(ledger: ledger, readModel: model, actor: SampleLedger.actor)
        let request = AnomalyRequest(selector: try SeriesSelector(parsing: "depth"))
        #expect(try analysis.recordAnomalies(request).opened >= 1)
        let again = try analysis.recordAnomalies(request)
        #expect(again.opened == 0 && again.withdrawn == 0 && again.unchanged >= 1)
        let other = AnomalyRequest(selector: try SeriesSelector(parsing: "other"))
        #expect(try analysis.recordAnomalies(other).withdrawn == 0)
        let verdicts = try Rejudgement.run(ledger)
        #expect(!verdicts.isEmpty && verdicts.allSatisfy { $0.difference == nil }, "\(verdicts)")
        // A judgement that sees less of the series finds nothing any more.
        var early = request
        early.untilMs = Self.start + 200 * 60_000
        #expect(try analysis.recordAnomalies(early).withdrawn >= 1)
    }
}
