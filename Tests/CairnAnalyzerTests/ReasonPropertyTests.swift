import CairnAnalyzer
import CairnBytes
import CairnModel
import CairnSeries
import CairnTestSupport
import Testing

/// Whatever the data, nothing is decided without a typed reason, a text and, where something is wrong or missing, what to
/// do about it.
@Suite struct ReasonPropertyTests {
    private static let now = Timestamp("2026-03-10T10:00:00Z")!

    // MARK: Verdicts

    /// Samples as nobody would send them: few, late, without the other cluster, without numbers, in any shape.
    private static func samples(_ random: inout SeededRandom) throws -> MemorySampleSource {
        var source = MemorySampleSource()
        let names = [
            "http_requests_total", "http_request_duration_seconds", "latency_p99_seconds", "consumer_lag",
            "kube_deployment_status_replicas_ready", "kube_deployment_spec_replicas", "availability", "errors_total",
            "cpu", "request_duration_seconds_bucket",
        ]
        for _ in 0..<Int.random(in: 1...12, using: &random) {
            let name = names.randomElement(using: &random)!
            let level = [0, 1e-9, 0.5, 1, 300, 1e12].randomElement(using: &random)!
            let isCounter = name.hasSuffix("_total") || name.hasSuffix("_bucket")
            for cluster in ["old", "new"] where Int.random(in: 0..<6, using: &random) > 0 {
                for part in ["200", "503", "0.5", "+Inf"].prefix(Int.random(in: 1...4, using: &random)) {
                    let first = Int.random(in: 0..<120, using: &random)
                    var sum = 0.0
                    let kept = (first..<first + Int.random(in: 0...160, using: &random)).map { minute in
                        let growth = level * Double.random(in: 0...2, using: &random)
                        sum += growth
                        let odd = Int.random(in: 0..<200, using: &random)
                        let value =
                            odd == 0 ? .nan : odd == 1 ? -growth : odd == 2 ? .infinity : isCounter ? sum : growth
                        return Sample(timeMs: TwinClusters.minute(minute), value: value)
                    }
                    let labels = [
                        Label("app", ["cart", "shop"].randomElement(using: &random)!), Label("cluster", cluster),
                        Label(name.hasSuffix("_bucket") ? "le" : "code", part), Label("quantile", part),
                    ]
                    source.add(kept, to: try SeriesKey(name: name, labels: labels))
                }
            }
        }
        return source
    }

    @Test func everyVerdictHasAReason() throws {
        let decided: [DivergenceVerdict: Set<DivergenceReason>] = [
            .diverged: [.outsideMargin], .equivalent: [.insideMargin],
            .undecided: Set(DivergenceReason.allCases).subtracting([.outsideMargin, .insideMargin]),
        ]
        var seen: Set<DivergenceReason> = []
        for seed in 0..<120 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            let source = try Self.samples(&random)
            var request = DivergenceRequest(source: "old", target: "new")
            if Bool.random(using: &random) {
                request.sinceMs = TwinClusters.minute(Int.random(in: -60...300, using: &random))
            }
            if Bool.random(using: &random) {
                request.untilMs = TwinClusters.minute(Int.random(in: -60...300, using: &random))
            }
            let report = try DivergenceAnalyzer.analyze(source, request)
            for one in report.comparisons {
                seen.insert(one.reasonCode)
                let told = "seed \(seed): \(one.metric): \(one.verdict) \(one.reasonCode) \(one.reason)"
                #expect(decided[one.verdict]?.contains(one.reasonCode) == true, "\(told)")
                #expect(!one.reason.isEmpty && (!one.meaning.isEmpty || one.steps == 0), "\(told)")
                #expect(!one.wouldChange.isEmpty && one.wouldChange.allSatisfy { !$0.isEmpty }, "\(told)")
                #expect(one.json["reason_code"]?.string == one.reasonCode.rawValue)
            }
            for one in report.leftOut { #expect(!one.reason.isEmpty, "seed \(seed): \(one.metric)") }
            let counts = report.counts
            let undecided = counts.undecided.values.reduce(0, +)
            #expect(counts.judged == counts.diverged + (counts.equivalent ?? 0) + undecided, "seed \(seed)")
        }
        #expect(seen.count >= 8, "too few kinds of reasons were met to show anything: \(seen)")
    }

    // MARK: Checks

    /// Data of any shape, often with the keys that checks read.
    private static func data(_ random: inout SeededRandom, depth: Int = 0) -> JSONValue {
        let words = [
            "", "True", "False", "Ready", "Completed", "Failed", "InProgress", "ALARM", "OK", "pass", "fail", "old",
            "new", "production", "web", "2026-03-10T09:00:00Z", "CrashLoopBackOff",
        ]
        let keys = [
            "status", "spec", "metadata", "name", "namespace", "kind", "conditions", "type", "phase", "errors",
            "warnings", "replicas", "readyReplicas", "weights", "source", "target", "state", "alarm", "result",
            "old_ttl_seconds", "new_ttl_seconds", "record", "cluster", "request", "answers", "seconds", "format",
            "suspend", "targetGroupARN", "detail", "backupName", "containerStatuses",
        ]
        switch Int.random(in: depth > 3 ? 0...3 : 0...7, using: &random) {
        case 0: return .string(words.randomElement(using: &random)!)
        case 1: return .number([0, 1, 50, 100, -1, 1e15, 0.5].randomElement(using: &random)!)
        case 2: return .bool(Bool.random(using: &random))
        case 3: return .null
        case 4: return .array((0..<Int.random(in: 0...2, using: &random)).map { _ in data(&random, depth: depth + 1) })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0...8, using: &random) {
                object[keys.randomElement(using: &random)!] = data(&random, depth: depth + 1)
            }
            if depth == 0 {
                object["kind"] = .string(
                    ["Node", "Pod", "Deployment", "CronJob", "TargetGroupBinding", "Restore", "production"]
                        .randomElement(using: &random)!)
                object["name"] = .string(["web", "end-to-end", ""].randomElement(using: &random)!)
            }
            return .object(object)
        }
    }

    private static func facts(_ random: inout SeededRandom) -> CheckFacts {
        var facts = CheckFacts(now: now)
        if Int.random(in: 0..<4, using: &random) > 0 { (facts.source, facts.target) = ("old", "new") }
        if Bool.random(using: &random) {
            facts.startedAt = now.adding(seconds: -Int64.random(in: -60...7200, using: &random))
        }
        let names = CheckFacts.eventNames.sorted()
        let streams = ["k8s/old/shop/web", "k8s/new/shop/web", "velero/new/nightly", "migration/m", "probe/login"]
        for position in 0..<UInt64.random(in: 0...40, using: &random) {
            let name = names.randomElement(using: &random)!
            let time = now.adding(seconds: -Int64.random(in: 0...7200, using: &random))
            facts.note(
                RecordedEvent(
                    position: position, id: "\(position)", source: "/s", type: "observed.\(name).v1",
                    subject: StreamName(streams.randomElement(using: &random)!)!, revision: 0, time: time,
                    recordedTime: time, data: data(&random), actor: Actor(id: "a", type: "local")), run: nil)
        }
        return facts
    }

    private static func expectReason(_ check: CheckResult, _ seed: UInt64) {
        let told = "seed \(seed): \(check.name): \(check.verdict)"
        #expect(!check.verdict.reason.isEmpty, "\(told)")
        #expect(check.json["reason_code"]?.string == check.verdict.code.rawValue)
        let codes: [CheckOutcome: Set<CheckReason>] = [
            .pass: [.holds, .recorded], .fail: [.violated, .recorded],
            .undecided: [.missingFacts, .notEnded, .recorded],
        ]
        #expect(codes[check.verdict.outcome]?.contains(check.verdict.code) == true, "\(told)")
        #expect((check.remedy?.isEmpty == false) == (check.verdict.outcome != .pass), "\(told)")
    }

    @Test func everyCheckHasAReason() {
        var outcomes: Set<CheckOutcome> = []
        for seed in 0..<400 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            let facts = Self.facts(&random)
            for name in CheckCatalog.all.map(\.name) + ["end-to-end", "web", "nobody-knows-it"] {
                let result = facts.result(of: name)
                outcomes.insert(result.verdict.outcome)
                Self.expectReason(result, seed)
            }
        }
        #expect(outcomes == Set(CheckOutcome.allCases))
    }

    // MARK: Gates

    private static func policy(_ random: inout SeededRandom) throws -> GatePolicy {
        func some(_ names: [String]) -> JSONValue {
            .array(names.filter { _ in Bool.random(using: &random) }.map { .string($0) })
        }
        let checks = CheckCatalog.all.map(\.name) + ["end-to-end"]
        var gate: JSONObject = [
            "required_checks": some(checks.filter { $0.count % 3 == 0 }), "watched_checks": some(checks),
        ]
        if Bool.random(using: &random) { gate["tolerated_kinds"] = some(["latency", "unanswered", "anomalies"]) }
        if Bool.random(using: &random) { gate["margins"] = ["latency": 0.3] }
        if Bool.random(using: &random) { gate["evidence_minutes"] = .number(Double.random(in: 0...60, using: &random)) }
        if Bool.random(using: &random) { gate["decided_share"] = .number(Double.random(in: 0...1, using: &random)) }
        if Bool.random(using: &random) {
            gate["undecided_after_minutes"] = 30
            gate["undecided_becomes"] = Bool.random(using: &random) ? "fail" : "pass"
        }
        return try GatePolicy(phase: "build", gates: ["build": .object(gate)])
    }

    private static func evidence(_ random: inout SeededRandom) -> GateEvidence {
        let kinds = ["latency", "unanswered", "anomalies", SilenceAnalyzer.name, "status-mix"]
        let findings = (0..<Int.random(in: 0...4, using: &random)).map { number in
            GateFinding(
                id: "f-\(number)", kind: kinds.randomElement(using: &random)!,
                metric: Bool.random(using: &random) ? "latency" : nil,
                effect: Bool.random(using: &random) ? Double.random(in: -1...1, using: &random) : nil,
                sentence: "finding \(number)",
                silenced: Int.random(in: 0..<4, using: &random) == 0 ? "muted by ana" : nil)
        }
        var evidence = GateEvidence(facts: facts(&random), findings: findings)
        for kind in [DataSender.Kind.samples, .flowLogs] where Bool.random(using: &random) {
            evidence.watermarks[DataSender(cluster: "new", kind: kind)] = now.adding(
                seconds: -Int64.random(in: 0...3600, using: &random))
        }
        evidence.comparisons = Int.random(in: 0...20, using: &random)
        evidence.decidedComparisons = Int.random(in: 0...evidence.comparisons, using: &random)
        if Bool.random(using: &random) { evidence.judgedFrom = now.adding(seconds: -1800) }
        if Bool.random(using: &random) { evidence.askedFrom = now.adding(seconds: -3600) }
        return evidence
    }

    @Test func everyGateHasAReason() throws {
        var outcomes: Set<CheckOutcome> = []
        var codes: Set<GateReason.Code> = []
        for seed in 0..<600 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            let decision = Gate.decide(
                Self.evidence(&random), phase: "build", by: try Self.policy(&random))
            let told = "seed \(seed): \(decision.outcome): \(decision.why)"
            outcomes.insert(decision.outcome)
            codes.formUnion(decision.why.map(\.code))
            #expect(decision.why.allSatisfy { !$0.text.isEmpty && $0.remedy?.isEmpty != true }, "\(told)")
            let first = try #require(decision.why.first, "\(told)")
            switch decision.outcome {
            case .pass: break
            case .fail:
                #expect([.checkFailed, .findingCounts, .undecidedTooLong].contains(first.code), "\(told)")
                #expect(first.remedy != nil, "\(told)")
            case .undecided: #expect(first.remedy != nil, "\(told)")
            }
            // What is wrong is never told without what to do.
            let fine: Set<GateReason.Code> = [.checkPassed, .checkNotRequired, .findingPasses, .noFinding]
            #expect(decision.why.allSatisfy { ($0.remedy == nil) == fine.contains($0.code) }, "\(told)")
            #expect(decision.json["reason_codes"]?.array?.count == decision.reasons.count)
            #expect(decision.json["remedies"]?.array?.count == decision.reasons.count)
            for check in decision.checks { Self.expectReason(check, seed) }
        }
        #expect(outcomes == Set(CheckOutcome.allCases))
        #expect(codes == Set(GateReason.Code.allCases), "some kinds of reason were never met: \(codes)")
    }
}
