import CairnAnalyzer
import CairnBytes
import CairnModel
import CairnSeries
import CairnTestSupport
import Testing

struct CheckTests {
    private static let start = Timestamp("2026-03-10T09:00:00Z")!

    /// Facts of a migration from `old` to `new`, from events a second apart.
    struct Log {
        var facts: CheckFacts
        private var position: UInt64 = 0

        init(at now: Timestamp = CheckTests.start.adding(seconds: 3600)) {
            facts = CheckFacts(now: now, source: "old", target: "new")
        }

        mutating func add(_ type: String, _ stream: String, _ data: JSONValue, at seconds: Int64? = nil) {
            let time = CheckTests.start.adding(seconds: seconds ?? Int64(position))
            facts.note(
                RecordedEvent(
                    position: position, id: "e\(position)", source: "/test", type: type, subject: StreamName(stream)!,
                    revision: 0, time: time, recordedTime: time, data: data,
                    actor: Actor(id: "test@host", type: "local")), run: StreamName("migration/m"))
            position += 1
        }

        mutating func object(
            _ cluster: String, _ kind: String, _ name: String, _ members: JSONObject, isDeleted: Bool = false
        ) {
            var object = members
            object["kind"] = .string(kind)
            var metadata = object["metadata"]?.object ?? JSONObject()
            metadata["name"] = .string(name)
            metadata["namespace"] = "shop"
            object["metadata"] = .object(metadata)
            add("k8s.object\(isDeleted ? "-deleted" : "").v1", "k8s/\(cluster)/shop/\(name)", .object(object))
        }

        func verdict(_ name: String) -> CheckVerdict { facts.result(of: name).verdict }
    }

    private static func node(_ ready: String) -> JSONObject {
        ["status": ["conditions": [["type": "Ready", "status": .string(ready)]]]]
    }

    private static func deployment(_ ready: Int64, of desired: Int64, image: String = "web:1") -> JSONObject {
        [
            "spec": [
                "replicas": .integer(desired),
                "template": ["spec": ["containers": [["image": .string(image)]]]],
            ], "status": ["readyReplicas": .integer(ready)],
        ]
    }

    @Test func everyCheckOfTheCatalogueSaysWhatItNeedsOfAnEmptyLog() {
        let log = Log()
        #expect(Set(CheckCatalog.all.map(\.name)).count == CheckCatalog.all.count)
        for check in CheckCatalog.all {
            let verdict = log.verdict(check.name)
            #expect(verdict.outcome == .undecided, "\(check.name)")
            #expect(verdict.reason.hasPrefix("needs "), "\(check.name): \(verdict.reason)")
            for text in [check.proves, check.needs, check.failureMeans, check.remedy] { #expect(!text.isEmpty) }
        }
        #expect(log.verdict("no-such-check").reason.contains("not in the catalogue"))
    }

    @Test func aNodeThatIsNotReadyFailsTheNewClusterOnly() {
        var log = Log()
        log.object("old", "Node", "n1", CheckTests.node("False"))
        log.object("new", "Node", "n2", CheckTests.node("True"))
        #expect(log.verdict("node-health").outcome == .pass)
        log.object("new", "Node", "n3", CheckTests.node("Unknown"))
        #expect(log.verdict("node-health").reason == "node shop/n3 is not Ready (Unknown)")
        #expect(log.verdict("node-health").evidence == [2])
        log.object("new", "Node", "n3", CheckTests.node("True"))
        #expect(log.verdict("node-health").outcome == .pass, "the last reading counts")
    }

    @Test func podsAndWorkloads() {
        var log = Log()
        log.object("old", "Deployment", "web", CheckTests.deployment(3, of: 3))
        log.object("new", "Deployment", "web", CheckTests.deployment(3, of: 3))
        #expect(log.verdict("pod-health").outcome == .pass)
        #expect(log.verdict("pod-state-comparison").outcome == .pass)
        log.object("new", "Deployment", "web", CheckTests.deployment(2, of: 3, image: "web:2"))
        #expect(log.verdict("pod-health").reason == "shop/web has 2 of 3 pods ready")
        let difference = log.verdict("pod-state-comparison")
        #expect(difference.outcome == .fail)
        #expect(difference.reason.contains("runs web:2 in new only"))
        log.object("old", "Deployment", "mail", CheckTests.deployment(1, of: 1))
        #expect(log.verdict("pod-state-comparison").reason.contains("shop/mail is missing in new"))
        log.object(
            "new", "Pod", "web-1",
            [
                "status": [
                    "phase": "Running",
                    "containerStatuses": [
                        ["restartCount": 7, "state": ["waiting": ["reason": "CrashLoopBackOff"]]]
                    ],
                ]
            ])
        #expect(log.verdict("pod-health").reason.contains("pod shop/web-1 waits: CrashLoopBackOff, 7 restarts"))
    }

    @Test func gaugesStandInForObjects() throws {
        var samples = MemorySampleSource()
        func add(_ name: String, _ labels: [Label], _ value: Double) throws {
            let key = try SeriesKey(name: name, labels: labels)
            samples.add([Sample(timeMs: CheckTests.start.milliseconds + 3_500_000, value: value)], to: key)
        }
        for (cluster, ready) in [("old", 3.0), ("new", 1.0)] {
            let labels = [Label("cluster", cluster), Label("deployment", "web")]
            try add("kube_deployment_spec_replicas", labels, 3)
            try add("kube_deployment_status_replicas_ready", labels, ready)
        }
        try add(
            "kube_node_status_condition",
            [Label("cluster", "new"), Label("node", "n1"), Label("condition", "Ready"), Label("status", "true")], 1)
        var log = Log()
        try log.facts.note(samples)
        #expect(log.verdict("node-health").outcome == .pass)
        #expect(log.verdict("pod-health").reason == "web has 1 of 3 pods ready")
        #expect(log.verdict("pod-state-comparison").outcome == .fail)
        #expect(log.facts.result(of: "pod-health").dataAgeSeconds == 100)
        log = Log(at: CheckTests.start.adding(seconds: 7200))
        try log.facts.note(samples)
        #expect(log.verdict("node-health").outcome == .undecided, "an hour old gauge says nothing of now")
    }

    @Test func onlyOneClusterRunsAJobAndBindsATargetGroup() {
        var log = Log()
        log.object("old", "CronJob", "bill", ["spec": ["suspend": false]])
        #expect(log.verdict("cron-job-once").reason == "needs CronJob objects of new")
        log.object("new", "CronJob", "bill", ["spec": ["suspend": true]])
        #expect(log.verdict("cron-job-once").outcome == .pass)
        log.object("new", "CronJob", "bill", ["spec": [:]])
        #expect(log.verdict("cron-job-once").reason == "shop/bill is active in both clusters")
        log.object("new", "CronJob", "bill", ["spec": ["suspend": true]])
        log.object("old", "CronJob", "bill", ["spec": ["suspend": true]])
        #expect(log.verdict("cron-job-once").reason == "shop/bill is active in no cluster")

        log.object("old", "TargetGroupBinding", "web", ["spec": ["targetGroupARN": "arn:1"]])
        #expect(log.verdict("target-group-once").outcome == .pass)
        log.object("new", "TargetGroupBinding", "web", ["spec": ["targetGroupARN": "arn:1"]])
        #expect(log.verdict("target-group-once").reason == "arn:1 is bound in new and old")
        log.object(
            "new", "TargetGroupBinding", "web", ["metadata": ["deletionTimestamp": "2026-03-10T09:30:00Z"]])
        #expect(log.verdict("target-group-once").outcome == .pass)
        // What a watch saw end is gone, whether its last state says so or not.
        let bound: JSONObject = ["spec": ["targetGroupARN": "arn:1"]]
        log.object("new", "TargetGroupBinding", "web", bound)
        #expect(log.verdict("target-group-once").outcome == .fail)
        log.object("new", "TargetGroupBinding", "web", bound, isDeleted: true)
        #expect(log.verdict("target-group-once").outcome == .pass)
    }

    @Test func theOldTTLHasToRunOut() {
        var log = Log(at: CheckTests.start.adding(seconds: 3600))
        let lowered: JSONValue = ["zone": "z", "record": "shop. NS", "old_ttl_seconds": 7200, "new_ttl_seconds": 60]
        log.add("observed.ttl.lowered.v1", "migration/other", lowered, at: 0)
        #expect(log.verdict("dns-ttl-elapsed").outcome == .undecided, "another run's record")
        log.add("observed.ttl.lowered.v1", "migration/m", lowered, at: 0)
        #expect(log.verdict("dns-ttl-elapsed").reason.hasSuffix("wait until 2026-03-10T11:00:00Z"))
        log.facts.now = CheckTests.start.adding(seconds: 7200)
        #expect(log.verdict("dns-ttl-elapsed").outcome == .pass)
    }

    @Test func aCompletedRestoreIsNoProof() {
        func restore(_ phase: String, errors: Int64, warnings: Int64) -> JSONValue {
            [
                "kind": "Restore", "metadata": ["name": "core"],
                "status": ["phase": .string(phase), "errors": .integer(errors), "warnings": .integer(warnings)],
            ]
        }
        var log = Log()
        log.add("velero.restore.v1", "velero/new/core", restore("InProgress", errors: 0, warnings: 0))
        #expect(log.verdict("velero-result").outcome == .undecided)
        log.add("velero.restore.v1", "velero/new/core", restore("PartiallyFailed", errors: 1, warnings: 155))
        #expect(
            log.verdict("velero-result").reason
                == "Restore core of new is PartiallyFailed: 1 errors, 155 warnings")
        log.add("velero.restore.v1", "velero/new/core", restore("Completed", errors: 0, warnings: 9))
        #expect(log.verdict("velero-result").outcome == .undecided)
        log.add(
            "observed.check.completed.v1", "migration/m", ["name": "velero-warnings-reviewed", "result": "pass"])
        #expect(log.verdict("velero-result").outcome == .pass)
        log.add("velero.restore.v1", "velero/new/core", restore("Completed", errors: 0, warnings: 10))
        #expect(log.verdict("velero-result").outcome == .undecided, "reviewed before this restore")
    }

    @Test func anAlarmThatFiresAtTheStartProtectsNothing() {
        var log = Log()
        log.facts.startedAt = CheckTests.start.adding(seconds: 600)
        log.add("cairn.alarm.changed.v1", "migration/m", ["alarm": "5xx", "state": "ALARM"], at: 300)
        #expect(log.verdict("alarm-at-start").outcome == .fail)
        log.add("cairn.alarm.changed.v1", "migration/m", ["alarm": "5xx", "state": "OK"], at: 500)
        log.add("cairn.alarm.changed.v1", "migration/m", ["alarm": "5xx", "state": "ALARM"], at: 700)
        #expect(log.verdict("alarm-at-start").outcome == .pass, "it fired later: then ECS sees it")
    }

    @Test func listenerWeightsAreComparedWithTheLastShift() {
        var log = Log()
        log.add(
            "cairn.traffic.shifted.v1", "migration/m",
            ["kind": "production", "weights": ["source": 90, "target": 10]])
        func rule(_ blue: Int64, _ green: Int64) -> JSONValue {
            [
                "detail": [
                    "eventName": "ModifyRule",
                    "requestParameters": [
                        "ruleArn": "rule/1",
                        "actions": [
                            [
                                "type": "forward",
                                "forwardConfig": [
                                    "targetGroups": [
                                        ["targetGroupArn": "blue", "weight": .integer(blue)],
                                        ["targetGroupArn": "green", "weight": .integer(green)],
                                    ]
                                ],
                            ]
                        ],
                    ],
                ]
            ]
        }
        let trail = "aws.elasticloadbalancing.aws-api-call-via-cloudtrail.v0"
        log.add(trail, "aws/elb", rule(900, 100))
        #expect(log.verdict("listener-weights").outcome == .pass)
        log.facts.targetGroups = ["source": "green", "target": "blue"]
        #expect(log.verdict("listener-weights").reason.contains("sends 10 % to the source, 90 % were set"))
        log.facts.targetGroups = ["source": "blue", "target": "green"]
        #expect(log.verdict("listener-weights").outcome == .pass)
        log.add(trail, "aws/elb", rule(0, 0))
        #expect(log.verdict("listener-weights").reason == "rule/1 forwards to nobody: all weights are 0")
    }

    private static func probes(_ log: inout Log, slow: Double, badOfHundred: Int, seed: UInt64 = 1) {
        var random = SeededRandom(seed: seed)
        for index in 0..<200 {
            for cluster in ["old", "new"] {
                let isBad = cluster == "new" && Int.random(in: 0..<100, using: &random) < badOfHundred
                let seconds = 0.05 + 0.01 * Double(Int.random(in: 0..<10, using: &random))
                log.add(
                    "probe.answered.v1", "probe/\(cluster)",
                    [
                        "cluster": .string(cluster), "request": "/cart", "status": isBad ? 503 : 200,
                        "latency_seconds": .number(cluster == "new" ? seconds * slow : seconds),
                    ], at: 2400 + Int64(index) * 5)
            }
        }
    }

    @Test func theSameRequestsToBothZones() {
        var log = Log()
        CheckTests.probes(&log, slow: 1, badOfHundred: 0)
        #expect(log.verdict("both-zones-validation").outcome == .pass)
        log = Log()
        CheckTests.probes(&log, slow: 1, badOfHundred: 15)
        let status = log.verdict("both-zones-validation")
        #expect(status.outcome == .fail)
        #expect(status.reason.contains("/cart answers"), "\(status.reason)")
        log = Log()
        CheckTests.probes(&log, slow: 1.6, badOfHundred: 0)
        #expect(log.verdict("both-zones-validation").reason.contains("of the latency is"))
    }

    /// The fast half of the answers is gone, and neither the median nor the P90 shows it.
    @Test func whatNoQuantileShowsIsFound() {
        for isGone in [false, true] {
            var log = Log()
            for index in 0..<200 {
                for cluster in ["old", "new"] {
                    let isFast = index % 100 < 49 && !(isGone && cluster == "new")
                    log.add(
                        "probe.answered.v1", "probe/\(cluster)",
                        [
                            "cluster": .string(cluster), "request": "/cart", "status": 200,
                            "latency_seconds": .number(isFast ? 0.01 : 0.1),
                        ], at: 2400 + Int64(index) * 5)
                }
            }
            let verdict = log.verdict("both-zones-validation")
            #expect((verdict.outcome == .fail) == isGone)
            guard isGone else { continue }
            #expect(
                verdict.reason.contains(
                    "51 % of the old cluster's answers and 100 % of the new one's take longer than 10 ms"),
                "\(verdict.reason)")
        }
    }

    @Test func healthyZonesRarelyFail() {
        var failed = 0
        for seed in 1...60 {
            var log = Log()
            var random = SeededRandom(seed: UInt64(seed))
            for index in 0..<150 {
                for cluster in ["old", "new"] {
                    log.add(
                        "probe.answered.v1", "probe/\(cluster)",
                        [
                            "cluster": .string(cluster), "request": "/cart",
                            "status": Int.random(in: 0..<10, using: &random) == 0 ? 503 : 200,
                            "latency_seconds": .number(0.05 * Double(1 + Int.random(in: 0..<8, using: &random))),
                        ], at: 2400 + Int64(index) * 5)
                }
            }
            if log.verdict("both-zones-validation").outcome == .fail { failed += 1 }
        }
        #expect(failed <= 2, "\(failed) of 60 healthy pairs called different")
    }

    @Test func healthChecks() throws {
        var samples = MemorySampleSource()
        for cluster in ["old", "new"] {
            let key = try SeriesKey(
                name: "probe_success", labels: [Label("cluster", cluster), Label("app", "cart")])
            samples.add(
                (0..<60).map {
                    Sample(
                        timeMs: CheckTests.start.milliseconds + 2_400_000 + Int64($0) * 15_000,
                        value: cluster == "new" && $0 % 3 == 0 ? 0 : 1)
                }, to: key)
        }
        var log = Log()
        try log.facts.note(samples)
        let verdict = log.verdict("health-check-comparison")
        #expect(verdict.outcome == .fail)
        #expect(verdict.reason == "cart is down in 20 of 60 checks of new, 0 of 60 of old")
        #expect(log.verdict("both-zones-validation").outcome == .undecided)
    }
}
