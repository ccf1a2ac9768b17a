package import CairnBytes

/// How a check, or a gate made of checks and findings, ends.
package enum CheckOutcome: String, Sendable, Hashable, CaseIterable {
    case pass
    case fail
    /// What was recorded does not suffice to tell.
    case undecided
}

/// Why a check says what it says, for programs.
package enum CheckReason: String, Sendable, Hashable, CaseIterable {
    case holds
    case violated
    /// What it looks at was never recorded.
    case missingFacts = "missing_facts"
    /// What it looks at has not ended, or waits for somebody.
    case notEnded = "not_ended"
    /// Somebody recorded the result.
    case recorded
}

/// What a check says of the recorded facts.
package struct CheckVerdict: Sendable, Hashable {
    package var outcome: CheckOutcome
    package var code: CheckReason
    /// For people: what was seen, and of an undecided check what it needs.
    package var reason: String
    /// Places in the log of the events that show it, the first ones; empty where samples do.
    package var evidence: [UInt64]
    /// The newest moment that the data tells of; of several clusters the one that is behind.
    package var asOf: Timestamp?

    /// A verdict cites no more than this: enough to look at, and an event stays small.
    static let evidenceMax = 50

    init(
        _ outcome: CheckOutcome, _ reason: String, code: CheckReason? = nil, evidence: [UInt64] = [],
        asOf: Timestamp? = nil
    ) {
        self.outcome = outcome
        self.code = code ?? (outcome == .pass ? .holds : outcome == .fail ? .violated : .missingFacts)
        self.reason = reason
        self.evidence = Array(Set(evidence).sorted().prefix(CheckVerdict.evidenceMax))
        self.asOf = asOf
    }

    static func needs(_ what: String) -> CheckVerdict { CheckVerdict(.undecided, "needs \(what)") }

    /// Fails with the first problems named and the rest counted, else passes.
    static func of(
        problems: [(text: String, position: UInt64?)], otherwise pass: String, evidence: [UInt64], asOf: Timestamp?
    ) -> CheckVerdict {
        guard !problems.isEmpty else { return CheckVerdict(.pass, pass, evidence: evidence, asOf: asOf) }
        let shown = problems.prefix(3).map(\.text).joined(separator: "; ")
        let more = problems.count > 3 ? "; and \(problems.count - 3) more" : ""
        return CheckVerdict(.fail, shown + more, evidence: problems.compactMap(\.position), asOf: asOf)
    }
}

/// One check of the catalogue: a pure function over recorded facts, and what people have to know to act on it.
package struct Check: Sendable {
    /// As policies and the command line name it: `node-health`.
    package var name: String
    package var proves: String
    package var needs: String
    package var failureMeans: String
    package var remedy: String
    package var judge: @Sendable (CheckFacts) -> CheckVerdict

    init(
        _ name: String, proves: String, needs: String, failureMeans: String, remedy: String,
        _ judge: @escaping @Sendable (CheckFacts) -> CheckVerdict
    ) {
        self.name = name
        self.proves = proves
        self.needs = needs
        self.failureMeans = failureMeans
        self.remedy = remedy
        self.judge = judge
    }
}

/// All checks there are.
package enum CheckCatalog {
    package static let all: [Check] =
        [
            .nodeHealth, .podHealth, .podStateComparison, .healthCheckComparison, .bothZones, .ttlElapsed,
            .veleroResult, .cronJobOnce, .targetGroupOnce, .alarmAtStart, .listenerWeights,
        ]

    package static func check(named name: String) -> Check? { all.first { $0.name == name } }
}

/// A check and what it said, as commands print it and gates record it.
package struct CheckResult: Sendable, Hashable {
    package var name: String
    package var verdict: CheckVerdict
    /// How far behind its data is; nil where it has none.
    package var dataAgeSeconds: Int64?
    /// What to do about it; nil for a pass.
    package var remedy: String?

    package init(name: String, verdict: CheckVerdict, at time: Timestamp) {
        self.name = name
        self.verdict = verdict
        let check = CheckCatalog.check(named: name)
        switch verdict.outcome {
        case .pass: remedy = nil
        case .fail: remedy = check?.remedy ?? "mend what it tells of, and record \(name) again"
        case .undecided: remedy = "see that the ledger gets " + (check?.needs ?? "a check.completed named \(name)")
        }
        dataAgeSeconds = verdict.asOf.map { max(0, time.seconds - $0.seconds) }
    }

    package var json: JSONValue {
        [
            "name": .string(name), "result": .string(verdict.outcome.rawValue), "reason": .string(verdict.reason),
            "reason_code": .string(verdict.code.rawValue), "remedy": .optional(remedy),
            "evidence": .array(verdict.evidence.map { .integer($0) }),
            "as_of": .optional(verdict.asOf?.description),
            "data_age_seconds": dataAgeSeconds.map { .integer($0) } ?? .null,
        ]
    }
}

extension CheckFacts {
    /// Judges one check: of the catalogue, else the last result that somebody recorded under this name.
    package func result(of name: String) -> CheckResult {
        let verdict: CheckVerdict
        if let check = CheckCatalog.check(named: name) {
            verdict = check.judge(self)
        } else if let told = recordedChecks[name] {
            verdict = CheckVerdict(
                told.outcome, told.detail.flatMap { $0.isEmpty ? nil : $0 } ?? "recorded as \(told.outcome.rawValue)",
                code: .recorded,
                evidence: [told.position], asOf: told.time)
        } else {
            verdict = .needs("a recorded check.completed named \(name): it is not in the catalogue")
        }
        return CheckResult(name: name, verdict: verdict, at: now)
    }
}
