import CairnBytes
import CairnFlowLogs
import CairnModel
import CairnReadModels
import CairnSeries
import CairnTestSupport

/// Logs of random facts: right ones, late ones, ones without a key they should have, and unknown types.
enum RandomLedger {
    private static let streams = [
        "migration/m1", "migration/m2", "deployment/c1/shop/1", "finding/f1", "incident/i1", "ledger/self",
        "k8s/c1/ns/pod", "velero/c1/b1", "aws-ecs/shop",
    ]
    private static let phases: [JSONValue] = ["precheck", "build", "shift-traffic"]

    static func make(eventCount: Int, using random: inout SeededRandom) -> EventList {
        var list = EventList()
        let names = EventVocabulary.standard.schemas.map(\.name).filter { !$0.hasPrefix("attachment.") }
        let foreign = [
            "aws.ecs.deployment-state-change.v0", "aws.ecs.hook-state-change.v0", "aws.ecs.service-action.v0",
            "aws.ecs.task-state-change.v0", "aws.cloudwatch.alarm-state-change.v0", "velero.backup.v1",
            "velero.restore.v1", "k8s.event.v1", "com.example.thing", "cairn.phase.started.v9", "cairn.unheard.v1",
        ]
        while list.events.count < eventCount {
            let time = Double(Int.random(in: 0..<5000, using: &random))
            switch Int.random(in: 0..<15, using: &random) {
            case 12...14: ECSFixture.appendRandom(to: &list, at: time, using: &random)
            case 0: append(summary(using: &random), to: &list, at: time)
            case 1: appendSamples(to: &list, at: time, using: &random)
            case 2:
                list.append(
                    foreign.randomElement(using: &random)!, streams.randomElement(using: &random)!, at: time,
                    foreignData(using: &random))
            default:
                let family = Bool.random(using: &random) ? "cairn" : "observed"
                list.append(
                    "\(family).\(names.randomElement(using: &random)!).v1", streams.randomElement(using: &random)!,
                    at: time, data(using: &random), by: Bool.random(using: &random) ? "ines" : nil,
                    recorded: Double(list.events.count))
            }
        }
        return list
    }

    /// Every key that a projection looks at, each there, missing or of the wrong kind by chance.
    private static func data(using random: inout SeededRandom) -> JSONValue {
        var object = JSONObject()
        func put(_ key: String, _ values: [JSONValue]) {
            let choice = Int.random(in: 0..<10, using: &random)
            if choice == 0 { return }
            object[key] = choice == 1 ? [1, "x", .null] : values.randomElement(using: &random)!
        }
        put("phase", phases)
        put("step", [1, 2])
        put("attempt", [1, 2, 3])
        put("hook", ["smoke", "load"])
        put("status", ["SUCCEEDED", "IN_PROGRESS", "FAILED"])
        put("finding", ["f1", "f2", "f3"])
        put("incident", ["i1", "i2"])
        put("scope", ["pipelines", ["app": "shop"]])
        put("reason", ["because", "why not"])
        put("weights", [["source": 40, "target": 60], ["source": 100, "target": 0, "other": "x"]])
        put("kind", ["production", "test", "reject"])
        put("applications", [[["name": "shop", "class": "stateless"], ["name": "mail"], 7]])
        put("application", ["shop", "mail"])
        put("budgets", [["precheck": 60, "build": "long"]])
        put("evidence", [[1, 2, 3], [4, 4, "x"]])
        put("files", [[["name": "a", "bytes": 3, "sha256": "00"]], []])
        put("import", ["1a", "2b"])
        put("old_ttl_seconds", [300, 9_007_199_254_740_992])
        put("about", [1, 2])
        put("start", ["2026-03-10T08:00:00Z", "never"])
        put("expires", ["2026-03-11T08:00:00Z"])
        put("approver", ["tomas", "ines"])
        put("requested_by", ["ines"])
        put("emergency", [true, false])
        put("text", ["a note", ""])
        put("from", [1, "x"])
        put("to", [2])
        put("minutes", [5, 0.5])
        put("cluster", ["c1"])
        put("service", ["shop"])
        put("target_revision", ["7", "8"])
        put("execution_id", ["h1", "h2"])
        put("task", ["t1", "t2"])
        return .object(object)
    }

    private static func foreignData(using random: inout SeededRandom) -> JSONValue {
        let whole: [JSONValue] = [
            [:], [1, 2], .null, "text",
            ["detail": ["eventName": "X", "serviceArn": "arn:aws:ecs:eu:1:service/c1/shop"], "resources": ["arn/a"]],
            ["detail": ["taskArn": "arn", "group": "service:shop", "clusterArn": "arn:x/c1"], "resources": []],
            ["metadata": ["name": "b1"], "status": ["phase": "Completed", "errors": 1, "startTimestamp": "soon"]],
            ["regarding": ["kind": "Pod", "name": "p"], "series": ["count": 3], "note": "n", "type": "Warning"],
        ]
        return whole.randomElement(using: &random)!
    }

    static func append(_ summary: FlowFileSummary, to list: inout EventList, at time: Double) {
        list.append(
            "cairn.flows.counted.v1", "flows/all", at: time,
            ["file": .string("f\(list.size)"), "cluster": "c1", "records": .integer(summary.counters.count)],
            attachments: [
                ProposedAttachment(
                    role: "flow-counters", mediaType: FlowFileSummary.mediaType, content: summary.encoded(),
                    retention: .droppable)
            ])
    }

    private static func appendSamples(to list: inout EventList, at time: Double, using random: inout SeededRandom) {
        guard
            let key = try? SeriesKey(
                name: "m", labels: [Label("cluster", Bool.random(using: &random) ? "c1" : "c2")]),
            let content = try? SampleBatch([
                SeriesSamples(
                    key: key,
                    samples: (0..<4).map { _ in
                        Sample(
                            timeMs: Int64.random(in: 0..<9, using: &random) * 1000,
                            value: Double(Int.random(in: 0..<3, using: &random)))
                    })
            ]).encoded()
        else { return }
        list.append(
            "cairn.samples.recorded.v1", "samples/c1", at: time, ["cluster": "c1", "series": 1],
            attachments: [
                ProposedAttachment(
                    role: "samples", mediaType: SampleBatch.mediaType, content: content, retention: .droppable)
            ])
    }

    /// A file with few places, minutes and connections, so that files overlap and answer each other.
    static func summary(using random: inout SeededRandom) -> FlowFileSummary {
        var summary = FlowFileSummary()
        var counts: [FlowCounterKey: FlowCounts] = [:]
        for _ in 0..<Int.random(in: 1...12, using: &random) {
            let key = key(using: &random)
            var sums = FlowCounts()
            sums.flows = UInt64.random(in: 1...9, using: &random)
            sums.rejects = UInt64.random(in: 0...2, using: &random)
            sums.bytes = UInt64.random(in: 0...9000, using: &random)
            counts[key, default: FlowCounts()].add(sums)
        }
        summary.counters = counts.map { FlowCounter(key: $0.key, counts: $0.value) }.sorted { $0.key < $1.key }
        let keys = summary.counters.map(\.key)
        for _ in 0..<Int.random(in: 0...8, using: &random) {
            guard let key = keys.randomElement(using: &random) else { break }
            let start = key.minute * 60
            summary.asks.append(
                FlowAsk(connection: UInt64.random(in: 0..<6, using: &random), start: start, end: start + 60, key: key))
        }
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            let start = (29_000_000 + Int64.random(in: 0..<8, using: &random)) * 60
            summary.answers.append(
                FlowAnswer(connection: UInt64.random(in: 0..<6, using: &random), start: start, end: start + 60))
        }
        if let place = keys.first?.place, Bool.random(using: &random) {
            summary.gaps = [FlowGap(place: place, status: .noData, start: 1_740_000_000, end: 1_740_000_060)]
        }
        summary.asks.sort()
        summary.answers.sort()
        return summary
    }

    private static func key(using random: inout SeededRandom) -> FlowCounterKey {
        let isServer = Bool.random(using: &random)
        let address = IPAddress(v4: 0xCB00_7100 | UInt32.random(in: 0..<3, using: &random))
        return FlowCounterKey(
            minute: 29_000_000 + Int64.random(in: 0..<8, using: &random),
            place: FlowPlace(
                cluster: Bool.random(using: &random) ? "c1" : "c2",
                interface: "eni-\(Int.random(in: 0..<2, using: &random))"),
            direction: isServer ? .egress : .ingress, role: isServer ? .server : .client,
            peer: isServer ? IPPrefix(address) : IPPrefix(address, bits: 120),
            peerPort: Bool.random(using: &random) ? 443 : 9092,
            rejectReason: Int.random(in: 0..<5, using: &random) == 0 ? "EC" : "")
    }
}
