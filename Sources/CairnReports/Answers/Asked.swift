package import CairnBytes
package import CairnLedger
internal import CairnModel
package import CairnReadModels
package import CairnWeb

/// A moment of the past that a question is about instead of now, as it was asked.
package struct AskedMoment: Sendable, Hashable {
    /// What had happened by then.
    package var at: TimeArgument?
    /// What had been recorded by then.
    package var knownAt: TimeArgument?
    /// After this entry of the log.
    package var entry: UInt64?

    package init(at: TimeArgument? = nil, knownAt: TimeArgument? = nil, entry: UInt64? = nil) {
        self.at = at
        self.knownAt = knownAt
        self.entry = entry
    }

    package var isNow: Bool { at == nil && knownAt == nil && entry == nil }

    /// - Throws: `QuestionError` for an entry that is not there.
    package func moments(in ledger: Ledger, now: Timestamp) throws -> [ReadModel.Moment] {
        if let entry, entry >= ledger.size {
            throw QuestionError(
                .nothingThere, "cannot look at entry \(entry): the log has \(ledger.size) entries, counted from 0")
        }
        var moments: [ReadModel.Moment] = []
        if let at { moments.append(.at(at.moment(now: now))) }
        if let knownAt { moments.append(.knownAt(knownAt.moment(now: now))) }
        if let entry { moments.append(.entry(entry)) }
        return moments
    }
}

/// From when to when a question asks.
package struct AskedRange: Sendable, Hashable {
    package var since: TimeArgument?
    package var until: TimeArgument?

    package init(since: TimeArgument? = nil, until: TimeArgument? = nil) {
        self.since = since
        self.until = until
    }

    /// - Throws: `QuestionError` for a stretch of time that ends before it begins.
    package func times(now: Timestamp) throws -> (since: Timestamp?, until: Timestamp?) {
        let since = since?.moment(now: now)
        let until = until?.moment(now: now)
        if let since, let until, since >= until {
            throw QuestionError(.question, "cannot use since \(since) with until \(until): it is not earlier")
        }
        return (since, until)
    }
}

/// The rows of an answer, what they come to in a word, and what whoever asked should know besides.
package struct Answered: Sendable, Hashable {
    package enum Outcome: String, Sendable, Hashable {
        case fine
        /// Something is as it should not be: a finding, a failed check, a log that is not intact.
        case finding
        /// The data does not suffice for a verdict.
        case undecided
    }

    package var table: CairnWeb.Table
    package var outcome: Outcome
    package var notes: [String]

    package init(_ table: CairnWeb.Table, _ outcome: Outcome = .fine, notes: [String] = []) {
        self.table = table
        self.outcome = outcome
        self.notes = notes
    }
}
