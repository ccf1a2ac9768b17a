import CairnBytes
import CairnFlowLogs
import CairnModel
import CairnReadModels
import CairnSeries

/// A small story for the saved queries and the dashboards: a migration of one cluster and a canary deployment.
///
/// With the fault, a partner's firewall drops the new cluster's connections after the first shift of traffic: there is
/// a finding and an incident, traffic goes back, the phase is tried again after an emergency approval, and the hook of
/// the deployment fails once. Without it the same day is quiet.
enum ScriptedLedger {
    static let migration = "migration/mig-7"
    static let deployment = "deployment/new/checkout/dep-1"
    /// Minutes since 1970 of 2026-03-10T08:00:00Z, where the story begins.
    static let firstMinute: Int64 = 29_552_160

    static func make(hasFault: Bool) throws -> EventList {
        var list = EventList()
        plan(&list)
        prepare(&list, hasFault: hasFault)
        observe(&list)
        try record(&list, hasFault: hasFault)
        shift(&list, hasFault: hasFault)
        deploy(&list, hasFault: hasFault)
        return list
    }

    private static func plan(_ list: inout EventList) {
        list.append(
            "cairn.migration.planned.v1", migration, at: 0,
            [
                "playbook": "cluster-migration", "title": "Harbor moves house", "source_cluster": "old",
                "target_cluster": "new", "tenant": "harbor", "region": "eu-west-1",
                "applications": [
                    ["name": "checkout", "class": "stateless"], ["name": "mailer", "class": "kafka-pair"],
                ], "budgets": ["precheck": 180, "move-workloads": 600, "shift-traffic": 900],
            ], by: "ines")
        list.append(
            "cairn.approval.requested.v1", migration, at: 60,
            ["phase": "precheck", "reason": "start", "requested_by": "ines", "expires": "2026-03-11T00:00:00Z"],
            by: "ines")
        list.append(
            "cairn.approval.granted.v1", migration, at: 180,
            ["phase": "precheck", "approver": "tomas", "comment": "fine"], by: "tomas")
    }

    private static func prepare(_ list: inout EventList, hasFault: Bool) {
        tokens(&list, hasFault: hasFault)
        list.append(
            "cairn.gate.evaluated.v1", migration, at: 200,
            ["phase": "precheck", "result": "pass", "reasons": ["nothing is open"]], by: "ines")
        list.append("cairn.phase.started.v1", migration, at: 240, ["phase": "precheck"], by: "ines")
        list.append(
            "cairn.ttl.lowered.v1", migration, at: 250,
            ["zone": "harbor.example", "record": "www", "old_ttl_seconds": 3600, "new_ttl_seconds": 60], by: "ines")
        list.append(
            "cairn.check.completed.v1", migration, at: 260, ["name": "same-vpc", "result": "pass"], by: "ines")
        list.append("cairn.phase.completed.v1", migration, at: 480.5, ["phase": "precheck"], by: "ines")
        list.append(
            "cairn.freeze.started.v1", migration, at: 500, ["scope": "harbor pipelines", "reason": "migration day"],
            by: "ines")
        // Told by the pipeline, against the freeze: a fact, and a violation if it was for real.
        if hasFault {
            let broken = list.append(
                "observed.phase.started.v1", migration, at: 510, ["phase": "move-workloads"], by: "pipeline")
            list.append(
                "cairn.violation.recorded.v1", migration, at: 510,
                [
                    "rule": "unapproved", "position": .integer(broken), "event_id": .string("event-\(broken)"),
                    "explanation": "move-workloads was started without an approval",
                ])
            list.append(
                "cairn.phase.failed.v1", migration, at: 520, ["phase": "move-workloads", "reason": "not approved"],
                by: "ines")
        }
        list.append("cairn.phase.started.v1", migration, at: 540, ["phase": "move-workloads"], by: "ines")
        list.append(
            "cairn.workload.scaled.v1", migration, at: 560,
            ["application": "checkout", "cluster": "new", "from": 0, "to": 4, "floor": 4, "cap": 9], by: "conductor")
        list.append(
            "cairn.workload.scaled.v1", migration, at: 600,
            ["application": "checkout", "cluster": "old", "from": 8, "to": 4, "floor": 4, "cap": 9], by: "conductor")
        list.append("cairn.phase.completed.v1", migration, at: 660, ["phase": "move-workloads"], by: "ines")
    }

    /// Who holds what at the server; with the fault a pipeline's token is revoked.
    private static func tokens(_ list: inout EventList, hasFault: Bool) {
        for (id, name, scopes) in [("a1", "ines", ["read", "approve"]), ("b2", "pipeline", ["ingest:commands"])] {
            list.append(
                "cairn.token.created.v1", "access/tokens", at: 10,
                [
                    "token": .string(id), "name": .string(name), "scopes": .array(scopes.map { .string($0) }),
                    "secret_sha256": "00",
                ], by: "root@harbor")
        }
        if hasFault {
            list.append(
                "cairn.token.revoked.v1", "access/tokens", at: 900, ["token": "b2", "reason": "leaked"],
                by: "root@harbor")
        }
        // Whoever tells of a token makes none.
        list.append(
            "observed.token.created.v1", "access/tokens", at: 11,
            ["token": "c3", "name": "mallory", "scopes": ["admin"], "secret_sha256": "00"], by: "mallory")
    }

    private static func observe(_ list: inout EventList) {
        list.append(
            "velero.backup.v1", "velero/old/nightly", at: 300,
            [
                "kind": "Backup", "metadata": ["name": "nightly", "namespace": "velero"],
                "status": [
                    "phase": "Completed", "warnings": 2, "startTimestamp": "2026-03-10T08:01:00Z",
                    "completionTimestamp": "2026-03-10T08:05:00Z", "progress": ["totalItems": 40, "itemsBackedUp": 40],
                ],
            ])
        list.append(
            "k8s.event.v1", "k8s/new/shop/checkout-1.17f", at: 570,
            [
                "involvedObject": ["kind": "Pod", "name": "checkout-1", "namespace": "shop"], "type": "Warning",
                "reason": "Unhealthy", "message": "Readiness probe failed", "count": 3,
                "firstTimestamp": "2026-03-10T08:09:20Z", "lastTimestamp": "2026-03-10T08:09:40Z",
            ])
        list.append(
            "aws.cloudwatch.alarm-state-change.v0", "aws-cloudwatch/checkout-5xx", at: 580,
            [
                "detail-type": "CloudWatch Alarm State Change",
                "detail": [
                    "alarmName": "checkout-5xx", "state": ["value": "OK", "reason": "quiet"],
                    "previousState": ["value": "INSUFFICIENT_DATA"],
                ],
            ])
    }

    /// Flow logs of two files and samples of both clusters.
    private static func record(_ list: inout EventList, hasFault: Bool) throws {
        for (index, cluster) in ["old", "new"].enumerated() {
            let summary = flows(of: cluster, number: UInt64(index), hasFault: hasFault && cluster == "new")
            list.append(
                "cairn.flows.counted.v1", "flows/\(cluster)", at: 1500,
                [
                    "file": .string("\(cluster).log.gz"), "bytes": 4096, "sha256": .string("f\(index)"),
                    "cluster": .string(cluster), "records": 120, "accepted_records": 120, "rejected_records": 0,
                    "no_data": 0, "skip_data": 0, "first": "2026-03-10T08:00:00Z", "last": "2026-03-10T08:20:00Z",
                ],
                attachments: [
                    ProposedAttachment(
                        role: "flow-counters", mediaType: FlowFileSummary.mediaType, content: summary.encoded(),
                        retention: .droppable)
                ])
        }
        var series: [SeriesSamples] = []
        for cluster in ["old", "new"] {
            let isSlow = hasFault && cluster == "new"
            series.append(
                SeriesSamples(
                    key: try SeriesKey(
                        name: "http_p99_seconds", labels: [Label("cluster", cluster), Label("app", "checkout")]),
                    samples: (0..<20).map { minute in
                        Sample(
                            timeMs: (firstMinute + Int64(minute)) * 60_000,
                            value: isSlow && minute >= 12 ? 0.75 : 0.25 + Double(minute % 3) / 64)
                    }))
        }
        let batch = SampleBatch(series)
        list.append(
            "cairn.samples.recorded.v1", "samples/shop", at: 1510,
            [
                "cluster": "shop", "series": .integer(batch.series.count), "samples": .integer(batch.sampleCount),
                "first": "2026-03-10T08:00:00Z", "last": "2026-03-10T08:19:00Z", "import": "1a",
            ],
            attachments: [
                ProposedAttachment(
                    role: "samples", mediaType: SampleBatch.mediaType, content: try batch.encoded(),
                    retention: .droppable)
            ])
        list.append(
            "cairn.import.completed.v1", "import/1a", at: 1520,
            [
                "import": "1a", "format": "flow-logs", "labels": [:], "options": [:],
                "files": [
                    ["name": "old.log.gz", "bytes": 4096, "sha256": "f0", "accepted": 120, "rejected": 0],
                    [
                        "name": "new.log.gz", "bytes": 4096, "sha256": "f1", "accepted": 120,
                        "rejected": hasFault ? 1 : 0,
                    ],
                ], "accepted": 240, "rejected": hasFault ? 1 : 0, "skipped_duplicates": 0,
            ], by: "tomas")
    }

    private static func flows(of cluster: String, number: UInt64, hasFault: Bool) -> FlowFileSummary {
        let place = FlowPlace(cluster: cluster, interface: "eni-\(cluster)", subnet: "subnet-\(cluster)")
        var summary = FlowFileSummary()
        for minute in 0..<20 {
            let key = FlowCounterKey(
                minute: firstMinute + Int64(minute), place: place, direction: .egress, role: .server,
                peer: IPPrefix(IPAddress(v4: 0xCB00_7108)), peerPort: 443)
            var counts = FlowCounts()
            counts.flows = 6
            counts.tcpFlows = 6
            counts.packets = 60
            counts.bytes = 6000
            counts.resets = minute == 7 ? 1 : 0
            summary.counters.append(FlowCounter(key: key, counts: counts))
            guard hasFault, minute >= 12, minute < 17 else { continue }
            for attempt in 0..<4 {
                let start = key.minute * 60
                summary.asks.append(
                    FlowAsk(
                        connection: number << 32 | UInt64(minute * 8 + attempt), start: start, end: start + 60,
                        key: key))
            }
        }
        summary.asks.sort()
        return summary
    }

    private static func shift(_ list: inout EventList, hasFault: Bool) {
        list.append("cairn.phase.started.v1", migration, at: 700, ["phase": "shift-traffic", "step": 1], by: "ines")
        list.append(
            "cairn.traffic.shifted.v1", migration, at: 720,
            ["kind": "production", "step": 1, "weights": ["source": 90, "target": 10]], by: "conductor")
        if hasFault { fail(&list) }
        list.append(
            "cairn.traffic.shifted.v1", migration, at: 1320,
            ["kind": "production", "step": 1, "weights": ["source": 0, "target": 100]], by: "conductor")
        list.append("cairn.phase.completed.v1", migration, at: 1380, ["phase": "shift-traffic", "step": 1], by: "ines")
        list.append("cairn.freeze.ended.v1", migration, at: 1400, ["scope": "harbor pipelines"], by: "ines")
        list.append("cairn.migration.completed.v1", migration, at: 1440, [:], by: "ines")
        list.append("cairn.note.added.v1", migration, at: 1450, ["text": "nobody noticed", "about": 0], by: "tomas")
    }

    private static func fail(_ list: inout EventList) {
        let evidence = list.events.filter { $0.type.hasPrefix("cairn.flows") }.map { JSONValue.integer($0.position) }
        list.append(
            "cairn.finding.opened.v1", "finding/f1", at: 900,
            [
                "finding": "f1", "analyzer": "drops", "analyzer_version": "1", "policy_digest": "00",
                "kind": "unanswered", "scope": ["direction": "egress"], "cluster": "new",
                "clusters": ["source": "old", "target": "new"], "start": "2026-03-10T08:12:00Z",
                "end": "2026-03-10T08:17:00Z", "peer": "203.0.113.8", "peer_port": 443, "side": "target-only",
                "excess": 4, "baseline": 0, "explained": .null, "evidence": .array(evidence),
            ])
        list.append(
            "cairn.finding.opened.v1", "finding/f2", at: 905,
            [
                "finding": "f2", "analyzer": "divergence", "analyzer_version": "1", "policy_digest": "00",
                "kind": "diverged", "scope": ["app": "checkout"], "clusters": ["source": "old", "target": "new"],
                "start": "2026-03-10T08:12:00Z", "app": "checkout", "metric": "http_p99_seconds",
                "verdict": "DIVERGED", "effect": 0.5, "reason": "slower than the source", "evidence": [],
            ])
        list.append(
            "cairn.incident.opened.v1", "incident/i1", at: 910,
            ["incident": "i1", "title": "203.0.113.8 does not answer new", "severity": "major", "finding": "f1"])
        list.append("cairn.incident.joined.v1", "incident/i1", at: 915, ["incident": "i1", "finding": "f2"])
        list.append(
            "cairn.finding.acknowledged.v1", "finding/f1", at: 930, ["finding": "f1", "person": "tomas"], by: "tomas")
        list.append(
            "cairn.gate.evaluated.v1", migration, at: 940,
            ["phase": "shift-traffic", "result": "fail", "reasons": ["f1 is open"]], by: "conductor")
        list.append(
            "cairn.rollback.started.v1", migration, at: 950, ["reason": "f1", "finding": "f1"], by: "conductor")
        list.append(
            "cairn.traffic.shifted.v1", migration, at: 960,
            ["kind": "production", "step": 1, "weights": ["source": 100, "target": 0]], by: "conductor")
        list.append(
            "cairn.phase.reverted.v1", migration, at: 970, ["phase": "shift-traffic", "step": 1], by: "conductor")
        list.append("cairn.rollback.completed.v1", migration, at: 980, [:], by: "conductor")
        list.append(
            "cairn.incident.closed.v1", "incident/i1", at: 1200, ["incident": "i1", "reason": "rule added"],
            by: "tomas")
        list.append("cairn.phase.started.v1", migration, at: 1260, ["phase": "shift-traffic", "step": 1], by: "ines")
        list.append(
            "cairn.approval.granted.v1", migration, at: 1290,
            ["phase": "shift-traffic", "approver": "tomas", "emergency": true, "retroactive": true], by: "tomas")
    }

    private static func deploy(_ list: inout EventList, hasFault: Bool) {
        list.append(
            "cairn.deployment.planned.v1", deployment, at: 1600,
            [
                "playbook": "ecs-canary", "service": "checkout", "cluster": "new", "source_revision": "41",
                "target_revision": "42", "parameters": ["canary_percent": 5, "canary_bake_minutes": 1],
                "hooks": [["name": "smoke", "phases": ["POST_SCALE_UP"], "kind": "lambda"]], "desired_count": 4,
            ], by: "ines")
        list.append(
            "cairn.approval.granted.v1", deployment, at: 1605,
            ["phase": "PRE_SCALE_UP", "approver": "tomas", "emergency": true], by: "tomas")
        list.append("cairn.phase.started.v1", deployment, at: 1610, ["phase": "POST_SCALE_UP"])
        let statuses = hasFault ? ["IN_PROGRESS", "FAILED", "SUCCEEDED"] : ["IN_PROGRESS", "SUCCEEDED"]
        for (index, status) in statuses.enumerated() {
            let attempt = JSONValue.integer(index + 1)
            list.append(
                "cairn.hook.called.v1", deployment, at: 1620 + Double(index) * 30,
                ["hook": "smoke", "phase": "POST_SCALE_UP", "attempt": attempt, "execution_id": "x-1"])
            list.append(
                "cairn.hook.answered.v1", deployment, at: 1625 + Double(index) * 30,
                [
                    "hook": "smoke", "phase": "POST_SCALE_UP", "attempt": attempt, "status": .string(status),
                    "call_back_delay_seconds": status == "IN_PROGRESS" ? 30 : .null,
                ])
        }
        list.append("cairn.phase.completed.v1", deployment, at: 1700, ["phase": "POST_SCALE_UP"])
        list.append(
            "cairn.traffic.shifted.v1", deployment, at: 1710,
            ["kind": "production", "step": 1, "weights": ["source": 95, "target": 5]])
        list.append("cairn.bake.started.v1", deployment, at: 1710, ["minutes": 1, "step": 1])
        list.append("cairn.bake.completed.v1", deployment, at: 1770, ["step": 1])
        list.append("cairn.deployment.completed.v1", deployment, at: 1800, [:])
    }
}
