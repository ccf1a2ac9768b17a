package import CairnBytes

/// A finding as a gate looks at it.
package struct GateFinding: Sendable, Hashable {
    package var id: String
    package var kind: String
    /// Of a divergence.
    package var metric: String?
    package var effect: Double?
    package var sentence: String
    /// Who keeps it from counting and why; nil if it counts.
    package var silenced: String?
    /// Where it was recorded; nil for one that was found just now.
    package var position: UInt64?

    package init(
        id: String, kind: String, metric: String? = nil, effect: Double? = nil, sentence: String,
        silenced: String? = nil, position: UInt64? = nil
    ) {
        self.id = id
        self.kind = kind
        self.metric = metric
        self.effect = effect
        self.sentence = sentence
        self.silenced = silenced
        self.position = position
    }
}

/// Everything that a gate decides on: nothing else is looked at, so the same evidence always gives the same decision.
package struct GateEvidence: Sendable {
    package var facts: CheckFacts
    package var findings: [GateFinding]
    /// Comparisons between the clusters, and how many of them are decided.
    package var comparisons = 0
    package var decidedComparisons = 0
    /// The newest moment of what each sender sent.
    package var watermarks: [DataSender: Timestamp] = [:]
    /// Places in the log of the samples and flows that were judged.
    package var sources: [UInt64] = []
    /// Since when data of the new cluster counts.
    package var judgedFrom: Timestamp?
    /// When the gate could first be asked: the end of the stage before, else the plan.
    package var askedFrom: Timestamp?

    package init(facts: CheckFacts, findings: [GateFinding]) {
        self.facts = facts
        self.findings = findings
    }
}

/// What a gate decides, and on what.
package struct GateDecision: Sendable, Hashable {
    package var phase: String
    package var time: Timestamp
    package var outcome: CheckOutcome
    /// The weightiest first: what failed, what is open, what is good.
    package var why: [GateReason]
    package var checks: [CheckResult]
    /// Every finding that stands, with why it does not count where it does not.
    package var findings: [(finding: GateFinding, passes: String?)]
    package var policy: GatePolicy
    package var evidence: [UInt64]
    package var dataAgeSeconds: Int64?

    package var reasons: [String] { why.map(\.text) }

    /// Why the data does not suffice, and what that counts as: the reasons that are about no check and no finding.
    package var shortOf: [String] {
        let codes: Set<GateReason.Code> = [.dataBehind, .tooLittleJudged, .tooFewDecided, .undecidedTooLong]
        return why.filter { codes.contains($0.code) }.map(\.text)
    }

    package static func == (left: GateDecision, right: GateDecision) -> Bool { left.json == right.json }
    package func hash(into hasher: inout Hasher) { hasher.combine(json) }
}

/// Combines checks and findings by a policy. Pure.
package enum Gate {
    package static func decide(_ evidence: GateEvidence, phase: String, by policy: GatePolicy) -> GateDecision {
        let now = evidence.facts.now
        var failed: [GateReason] = []
        var open: [GateReason] = []
        var good: [GateReason] = []
        var positions = evidence.sources

        let names = policy.requiredChecks + policy.watchedChecks.filter { !policy.requiredChecks.contains($0) }
        let checks = names.map { evidence.facts.result(of: $0) }
        for check in checks {
            positions += check.verdict.evidence
            let text = "\(check.name): \(check.verdict.reason)"
            switch check.verdict.outcome {
            case .pass: good.append(GateReason(.checkPassed, text))
            case .fail: failed.append(GateReason(.checkFailed, text, remedy: check.remedy))
            case .undecided:
                if policy.requiredChecks.contains(check.name) {
                    open.append(GateReason(.checkUndecided, text, remedy: check.remedy))
                } else {
                    good.append(GateReason(.checkNotRequired, "not known, and not required: \(text)"))
                }
            }
        }

        var findings: [(finding: GateFinding, passes: String?)] = []
        for finding in evidence.findings.sorted(by: { ($0.kind, $0.id) < ($1.kind, $1.id) }) {
            let passes = reasonToPass(finding, policy)
            findings.append((finding, passes))
            if let position = finding.position { positions.append(position) }
            // Silence is no fault that was seen: it is why nothing can be seen.
            if passes != nil { continue }
            if finding.kind == SilenceAnalyzer.name {
                open.append(GateReason(.noData, finding.sentence))
            } else {
                failed.append(GateReason(.findingCounts, "\(finding.sentence) (\(finding.id))"))
            }
        }
        let counted = findings.count { $0.passes == nil }
        if counted == 0 {
            let text =
                findings.isEmpty ? "no finding stands" : "\(findings.count) findings stand and none of them counts"
            good.append(GateReason(.noFinding, text))
        }
        for case let (finding, passes?) in findings {
            good.append(GateReason(.findingPasses, "\(finding.sentence) (\(finding.id)): \(passes)"))
        }

        let age = evidence.watermarks.map { max(0, now.seconds - $0.value.seconds) }.max()
        var short = shortOfEvidence(evidence, policy, age: age)
        let outcome = outcome(
            isFailed: !failed.isEmpty, isOpen: !open.isEmpty || !short.isEmpty, evidence, policy, &short)
        return GateDecision(
            phase: phase, time: now, outcome: outcome, why: failed + short + open + good, checks: checks,
            findings: findings, policy: policy, evidence: Set(positions).sorted(), dataAgeSeconds: age)
    }

    /// Why a finding holds nothing up; nil if it does.
    private static func reasonToPass(_ finding: GateFinding, _ policy: GatePolicy) -> String? {
        if let silenced = finding.silenced { return silenced }
        if policy.toleratedKinds.contains(finding.kind) { return "the policy tolerates \(finding.kind)" }
        if let effect = finding.effect,
            let margin = finding.metric.flatMap({ policy.margins[$0] }) ?? policy.margins[finding.kind],
            effect.magnitude <= margin
        {
            return "within the policy's margin of \(CanonicalJSON.text(of: margin))"
        }
        return nil
    }

    private static func shortOfEvidence(
        _ evidence: GateEvidence, _ policy: GatePolicy, age: Int64?
    ) -> [GateReason] {
        var open: [GateReason] = []
        let now = evidence.facts.now
        if let age, Double(age) > policy.dataAgeMinutesMax * 60 {
            let behind = evidence.watermarks.filter {
                Double(now.seconds - $0.value.seconds) > policy.dataAgeMinutesMax * 60
            }.keys.sorted().map { "\($0.kind.rawValue) of \($0.cluster)" }
            open.append(
                GateReason(
                    .dataBehind,
                    "the data is \(age / 60) min behind (\(behind.joined(separator: ", "))), more than "
                        + "\(CanonicalJSON.text(of: policy.dataAgeMinutesMax)) min"))
        }
        if policy.evidenceMinutesMin > 0 {
            let own = evidence.watermarks.filter { evidence.facts.isJudged($0.key.cluster) }.values.max()
            let seconds = own.flatMap { newest in evidence.judgedFrom.map { newest.seconds - $0.seconds } } ?? 0
            if Double(seconds) < policy.evidenceMinutesMin * 60 {
                open.append(
                    GateReason(
                        .tooLittleJudged,
                        "\(max(0, seconds / 60)) min of the new cluster's data are judged, "
                            + "\(CanonicalJSON.text(of: policy.evidenceMinutesMin)) are needed"))
            }
        }
        if policy.decidedShareMin > 0 {
            let share =
                evidence.comparisons == 0 ? 0 : Double(evidence.decidedComparisons) / Double(evidence.comparisons)
            if share < policy.decidedShareMin {
                open.append(
                    GateReason(
                        .tooFewDecided,
                        "\(evidence.decidedComparisons) of \(evidence.comparisons) comparisons are decided, "
                            + "\(CanonicalJSON.text(of: policy.decidedShareMin * 100)) % are needed"))
            }
        }
        return open
    }

    private static func outcome(
        isFailed: Bool, isOpen: Bool, _ evidence: GateEvidence, _ policy: GatePolicy, _ short: inout [GateReason]
    ) -> CheckOutcome {
        if isFailed { return .fail }
        guard isOpen else { return .pass }
        guard let minutes = policy.undecidedAfterMinutes, let from = evidence.askedFrom,
            Double(evidence.facts.now.seconds - from.seconds) >= minutes * 60
        else { return .undecided }
        let text = "undecided for \(CanonicalJSON.text(of: minutes)) min counts as \(policy.undecidedBecomes.rawValue)"
        short.insert(GateReason(.undecidedTooLong, text), at: 0)
        return policy.undecidedBecomes
    }
}
