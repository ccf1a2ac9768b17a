/// One reason of a gate's decision: its type for programs, in words for people, and what to do about it.
package struct GateReason: Sendable, Hashable {
    package enum Code: String, Sendable, Hashable, CaseIterable {
        case checkFailed = "check_failed"
        case checkUndecided = "check_undecided"
        case checkPassed = "check_passed"
        /// Of a check that is only watched.
        case checkNotRequired = "check_not_required"
        case findingCounts = "finding_counts"
        case findingPasses = "finding_passes"
        case noFinding = "no_finding"
        /// A sender of data fell silent.
        case noData = "no_data"
        case dataBehind = "data_behind"
        case tooLittleJudged = "too_little_judged"
        case tooFewDecided = "too_few_decided"
        case undecidedTooLong = "undecided_too_long"
    }

    package var code: Code
    package var text: String
    /// Nil where nothing needs to be done.
    package var remedy: String?

    init(_ code: Code, _ text: String, remedy: String? = nil) {
        self.code = code
        self.text = text
        self.remedy = remedy ?? code.remedy
    }
}

extension GateReason.Code {
    /// Nil where nothing needs to be done, or where it depends on what the reason is about.
    var remedy: String? {
        switch self {
        case .checkFailed, .checkUndecided, .checkPassed, .checkNotRequired, .findingPasses, .noFinding: nil
        case .findingCounts:
            "look at `cairn explain` of it; mend its cause, or mute it with a reason, or widen the plan's margin"
        case .noData: "look at the agent or delivery stream that sends it"
        case .dataBehind: "wait for the data, or look at what delivers it; the plan's data_age_minutes sets the limit"
        case .tooLittleJudged: "wait until the new cluster has had traffic for as long as evidence_minutes says"
        case .tooFewDecided: "wait for more traffic; `cairn diverge` tells of each metric how long that takes"
        case .undecidedTooLong: "get what is undecided decided, and ask again"
        }
    }
}
