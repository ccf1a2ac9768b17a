import CairnBytes
import CairnTestSupport
import Foundation
import Testing

/// Metrics whose names mislead: judged wrongly by detection, and rightly by what the plan says they mean.
@Suite struct MeaningsCommandTests {
    private static let start = Timestamp("2026-03-10T08:00:00Z")!
    private static let minutes = 240
    private static let at = "2026-03-10T11:59:00Z"

    /// A metric of the application `shop`, which changes in the new cluster at minute 120.
    private struct Metric: Sendable {
        var name: String
        var meaning: String
        /// By label: the value of a minute; `noise` is from -1 to 1, `isBad` after the change.
        var series: [(labels: String, value: @Sendable (_ minute: Int, _ noise: Double, _ isBad: Bool) -> Double)]
        var isCounter = false
        /// Without the plan's word, and with it; nil for a metric that is not compared.
        var detected: String?
        var told: String?
    }

    private static let metrics = [
        // "Requests" are traffic, which a migration moves; these wait.
        Metric(
            name: "pending_requests", meaning: "lag",
            series: [("", { _, noise, isBad in (isBad ? 4000 : 100) * (1 + 0.1 * noise) })], detected: nil,
            told: "DIVERGED"),
        // A level may differ by a tenth; a share that falls by four points is an outage.
        Metric(
            name: "playback_ok", meaning: "availability",
            series: [("", { _, noise, isBad in (isBad ? 0.955 : 0.998) + 0.001 * noise })], detected: "EQUIVALENT",
            told: "DIVERGED"),
        // A status label that nobody knows: as many replies, and more of them failed.
        Metric(
            name: "backend_replies_total", meaning: "status:outcome",
            series: [
                ("outcome=\"done\"", { _, noise, isBad in (isBad ? 540 : 594) + (4 * noise).rounded() }),
                ("outcome=\"gave-up\"", { _, noise, isBad in (isBad ? 60 : 6) + noise.rounded() }),
            ], isCounter: true, detected: "EQUIVALENT", told: "DIVERGED"),
        // What somebody configured is no latency.
        Metric(
            name: "request_timeout_seconds", meaning: "ignore",
            series: [("", { _, noise, isBad in (isBad ? 60 : 30) + 0.01 * noise })], detected: "DIVERGED", told: nil),
    ]

    private static func samples() -> String {
        var random = SeededRandom(seed: 77)
        var text = ""
        for metric in metrics {
            for cluster in ["old", "new"] {
                for series in metric.series {
                    var sum = 0.0
                    for minute in 0..<minutes {
                        let noise = Double.random(in: -1...1, using: &random)
                        let value = series.value(minute, noise, cluster == "new" && minute >= 120)
                        sum += value
                        let labels = ["app=\"shop\"", "cluster=\"\(cluster)\"", series.labels].filter { !$0.isEmpty }
                        let time = start.milliseconds + Int64(minute) * 60_000
                        text +=
                            "\(metric.name){\(labels.joined(separator: ","))} \(metric.isCounter ? sum : value) \(time)\n"
                    }
                }
            }
        }
        return text
    }

    /// A migration whose production traffic moved after an hour, with the samples of it.
    private static func ledger(meanings: JSONObject?) throws -> ScratchLedger {
        let ledger = try ScratchLedger()
        func event(_ id: String, _ type: String, minute: Int64, _ data: JSONValue) -> String {
            CanonicalJSON.string(of: [
                "specversion": "1.0", "id": .string(id), "source": "//plan", "type": .string("observed.\(type).v1"),
                "subject": "migration/m-1", "time": .string(start.adding(seconds: minute * 60).description),
                "data": data,
            ]) + "\n"
        }
        var plan: JSONObject = [
            "playbook": "cluster-migration", "source_cluster": "old", "target_cluster": "new", "applications": [],
        ]
        if let meanings { plan["gates"] = ["meanings": .object(meanings)] }
        let events =
            event("1", "migration.planned", minute: -60, .object(plan))
            + event("2", "phase.started", minute: 60, ["phase": "shift-traffic"])
            + event(
                "3", "traffic.shifted", minute: 61, ["kind": "production", "weights": ["source": 0, "target": 100]])
        try events.write(toFile: ledger.folder.file("events.jsonl"), atomically: true, encoding: .utf8)
        try samples().write(toFile: ledger.folder.file("all.prom"), atomically: true, encoding: .utf8)
        try ledger.succeed(["import", "events", ledger.folder.file("events.jsonl")])
        try ledger.succeed(["import", "prometheus", ledger.folder.file("all.prom")])
        return ledger
    }

    private static func verdicts(_ ledger: ScratchLedger, _ more: [String] = []) throws -> [String: String] {
        var verdicts: [String: String] = [:]
        for row in try ledger.rows(["diverge"] + more, statuses: [0, 1]) {
            verdicts[row["metric"]?.string ?? ""] = row["verdict"]?.string
        }
        return verdicts
    }

    /// Metrics that a gate names in findings that count.
    private static func failing(_ ledger: ScratchLedger) throws -> Set<String> {
        let result = try ledger.run(
            ["gate", "--migration", "m-1", "--phase", "resume-pipelines", "--at", at, "-o", "json"])
        let decision = try JSONParser.parse(result.output).value
        let sentences = (decision["findings"]?.array ?? []).filter { $0["counts"]?.bool == true }.compactMap {
            $0["sentence"]?.string
        }
        #expect((result.status == 1) == !sentences.isEmpty, "\(result.output)")
        return Set(metrics.map(\.name).filter { name in sentences.contains { $0.contains(" \(name):") } })
    }

    private static func explained(_ ledger: ScratchLedger, _ more: [String] = []) throws -> [String: JSONValue] {
        var rows: [String: JSONValue] = [:]
        for row in try ledger.rows(["diverge", "--explain-metrics"] + more) { rows[row["metric"]?.string ?? ""] = row }
        return rows
    }

    @Test func thePlanSaysWhatMetricsMean() throws {
        let plain = try Self.ledger(meanings: nil)
        let detected = try Self.verdicts(plain)
        var meanings = JSONObject()
        for metric in Self.metrics { meanings[metric.name] = .string(metric.meaning) }
        let planned = try Self.ledger(meanings: meanings)
        let told = try Self.verdicts(planned)
        for metric in Self.metrics {
            #expect(detected[metric.name] == metric.detected, "\(metric.name)")
            #expect(told[metric.name] == metric.told, "\(metric.name)")
        }
        #expect(try Self.failing(plain) == Set(Self.metrics.filter { $0.detected == "DIVERGED" }.map(\.name)))
        #expect(try Self.failing(planned) == Set(Self.metrics.filter { $0.told == "DIVERGED" }.map(\.name)))

        let names = try Self.explained(plain), words = try Self.explained(planned)
        for metric in Self.metrics {
            #expect(names[metric.name]?["said_by"]?.string == "its name and labels", "\(metric.name)")
            #expect(words[metric.name]?["said_by"]?.string == "the plan", "\(metric.name)")
            #expect(words[metric.name]?["is_compared"]?.bool == (metric.told != nil), "\(metric.name)")
            #expect(names[metric.name]?["meaning"] != words[metric.name]?["meaning"], "\(metric.name)")
        }
        // Who asks has the last word, for the question alone.
        let asked = ["--meaning", "pending_requests=ignore"]
        #expect(try Self.verdicts(planned, asked)["pending_requests"] == nil)
        #expect(try Self.explained(planned, asked)["pending_requests"]?["said_by"]?.string == "--meaning")
        #expect(try Self.explained(planned, asked)["playback_ok"]?["said_by"]?.string == "the plan")
    }

    /// What is recorded is judged by the plan's words, and again by the same.
    @Test func recordedFindingsAreByThePlan() throws {
        let ledger = try Self.ledger(meanings: ["playback_ok": "availability", "request_timeout_seconds": "ignore"])
        #expect(try ledger.run(["diverge", "--record"]).status == 1)
        let found = try ledger.rows(["query", "SELECT metric FROM findings WHERE analyzer = 'divergence'"])
        #expect(found.compactMap { $0["metric"]?.string } == ["playback_ok"])
        let judged = try ledger.rows(["replay", "--rejudge"])
        #expect(judged.contains { $0["finding"]?.string == "analysis/divergence/old/new" })
        for row in judged { #expect(row["same"]?.bool == true, "\(row)") }
        let count = try ledger.eventCount()
        #expect(try ledger.run(["diverge", "--record"]).status == 1)
        #expect(try ledger.eventCount() == count, "the same evidence and settings add nothing")
        #expect(try ledger.run(["diverge", "--record", "--meaning", "playback_ok=level"]).status == 64)
    }
}
