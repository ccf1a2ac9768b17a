import CairnAnalyzer
import CairnBytes
import CairnModel
import Testing

struct GateTests {
    private static let now = Timestamp("2026-03-10T10:00:00Z")!

    private static func evidence(_ findings: [GateFinding] = []) -> GateEvidence {
        var evidence = GateEvidence(
            facts: CheckFacts(now: now, source: "old", target: "new"), findings: findings)
        evidence.watermarks[DataSender(cluster: "new", kind: .samples)] = now.adding(seconds: -60)
        return evidence
    }

    private static func policy(_ json: JSONValue) throws -> GatePolicy {
        try GatePolicy(phase: "build", gates: ["build": json])
    }

    private static let finding = GateFinding(
        id: "d-1", kind: "latency", metric: "p99", effect: 0.2, sentence: "search is slower")

    @Test func aFindingFailsUntilItIsMutedToleratedOrWithinTheMargin() throws {
        let plain = try GateTests.policy([:])
        func outcome(_ finding: GateFinding, _ policy: GatePolicy) -> CheckOutcome {
            Gate.decide(GateTests.evidence([finding]), phase: "build", by: policy).outcome
        }
        #expect(outcome(GateTests.finding, plain) == .fail)
        var muted = GateTests.finding
        muted.silenced = "muted by ana: known"
        #expect(outcome(muted, plain) == .pass)
        let decision = Gate.decide(GateTests.evidence([muted]), phase: "build", by: plain)
        #expect(decision.reasons.contains("search is slower (d-1): muted by ana: known"))
        #expect(outcome(GateTests.finding, try GateTests.policy(["tolerated_kinds": ["latency"]])) == .pass)
        #expect(outcome(GateTests.finding, try GateTests.policy(["margins": ["p99": 0.2]])) == .pass)
        #expect(outcome(GateTests.finding, try GateTests.policy(["margins": ["p99": 0.19, "latency": 9]])) == .fail)
        #expect(outcome(GateTests.finding, try GateTests.policy(["margins": ["latency": 0.3]])) == .pass)
    }

    @Test func requiredAndWatchedChecks() throws {
        func outcome(_ json: JSONValue) throws -> CheckOutcome {
            Gate.decide(GateTests.evidence(), phase: "build", by: try GateTests.policy(json)).outcome
        }
        #expect(try outcome(["required_checks": ["node-health"]]) == .undecided)
        #expect(try outcome(["watched_checks": ["node-health"]]) == .pass)
        #expect(try outcome(["required_checks": ["end-to-end-suite"]]) == .undecided)
        var evidence = GateTests.evidence()
        evidence.facts.note(
            RecordedEvent(
                position: 7, id: "e", source: "/s", type: "observed.check.completed.v1",
                subject: StreamName("migration/m")!, revision: 0, time: GateTests.now, recordedTime: GateTests.now,
                data: ["name": "end-to-end-suite", "result": "fail", "detail": "3 of 214 failed"],
                actor: Actor(id: "a", type: "local")), run: nil)
        let policy = try GateTests.policy(["watched_checks": ["end-to-end-suite"]])
        let decision = Gate.decide(evidence, phase: "build", by: policy)
        #expect(decision.outcome == .fail)
        #expect(decision.reasons.first == "end-to-end-suite: 3 of 214 failed")
        #expect(decision.evidence == [7])
    }

    @Test func tooLittleOrTooOldEvidenceIsUndecided() throws {
        var evidence = GateTests.evidence()
        evidence.judgedFrom = GateTests.now.adding(seconds: -300)
        evidence.comparisons = 10
        evidence.decidedComparisons = 4
        func decision(_ json: JSONValue) throws -> GateDecision {
            Gate.decide(evidence, phase: "build", by: try GateTests.policy(json))
        }
        #expect(try decision([:]).outcome == .pass)
        #expect(try decision([:]).dataAgeSeconds == 60)
        #expect(try decision(["evidence_minutes": 4]).outcome == .pass)
        #expect(
            try decision(["evidence_minutes": 5]).reasons.first
                == "4 min of the new cluster's data are judged, 5 are needed")
        #expect(try decision(["decided_share": 0.4]).outcome == .pass)
        #expect(try decision(["decided_share": 0.5]).outcome == .undecided)
        #expect(try decision(["data_age_minutes": 0.5]).outcome == .undecided)
        evidence.askedFrom = GateTests.now.adding(seconds: -3600)
        let late: JSONValue = ["decided_share": 0.5, "undecided_after_minutes": 60]
        #expect(try decision(late).outcome == .fail)
        #expect(
            try decision(["decided_share": 0.5, "undecided_after_minutes": 61]).outcome == .undecided)
    }

    @Test func silenceIsUndecidedAndNotAFailure() throws {
        let sender = DataSender(cluster: "new", kind: .samples)
        let last = GateTests.now.adding(seconds: -1200)
        let silence = SilenceAnalyzer.findings([sender: last], at: GateTests.now)
        #expect(silence.map(\.sentence) == ["no samples of new since 2026-03-10T09:40:00Z"])
        #expect(SilenceAnalyzer.findings([sender: last], at: last.adding(seconds: 600)).isEmpty)
        let flows = DataSender(cluster: "new", kind: .flowLogs)
        #expect(SilenceAnalyzer.findings([flows: last], at: GateTests.now).isEmpty, "flow logs come late by nature")
        let finding = GateFinding(id: silence[0].id, kind: "silence", sentence: silence[0].sentence)
        #expect(
            Gate.decide(GateTests.evidence([finding]), phase: "build", by: try GateTests.policy([:])).outcome
                == .undecided)
    }

    @Test func policiesComeFromThePlanAndNeverSilently() throws {
        let gates: JSONValue = [
            "default": ["data_age_minutes": 5], "build": ["required_checks": ["pod-health"]],
            "target_groups": ["source": "a", "target": "b"],
        ]
        let policy = try GatePolicy(phase: "build", gates: gates)
        #expect(policy.requiredChecks == ["pod-health"])
        #expect(policy.dataAgeMinutesMax == 5)
        #expect(!policy.isDefault)
        #expect(try GatePolicy(phase: "build", gates: nil).isDefault)
        #expect(try GatePolicy(recorded: policy.json) == policy)
        #expect(try GatePolicy(recorded: policy.json).digest == policy.digest)
        for bad: JSONValue in [
            7, ["build": 7], ["build": ["required_checks": "x"]], ["build": ["decided_share": 1.5]],
            ["build": ["typo": 1]], ["build": ["undecided_becomes": "maybe"]],
        ] {
            #expect(throws: GatePolicy.PolicyError.self) { try GatePolicy(phase: "build", gates: bad) }
        }
    }

    @Test func theFormsOfPipelines() throws {
        func forms(_ findings: [GateFinding], _ json: JSONValue) throws -> GateDecision {
            Gate.decide(GateTests.evidence(findings), phase: "build", by: try GateTests.policy(json))
        }
        let pass = try forms([], [:])
        let fail = try forms([GateTests.finding], [:])
        let open = try forms([], ["required_checks": ["node-health"], "call_back_delay_seconds": 45])
        #expect(pass.ecsHook["hookStatus"] == "SUCCEEDED" && pass.ecsHook["callBackDelay"] == nil)
        #expect(fail.ecsHook["hookStatus"] == "FAILED")
        #expect(open.ecsHook["hookStatus"] == "IN_PROGRESS" && open.ecsHook["callBackDelay"] == 45)
        #expect([pass, fail, open].map { $0.flagger["status"]?.integer } == [200, 412, 503])
        #expect(
            [pass, fail, open].map { $0.argoRollouts["data"]?["result"]?.string } == ["pass", "fail", "undecided"])
        #expect([pass, fail, open].map { $0.argoRollouts["data"]?["ok"]?.bool } == [true, false, false])
    }
}
