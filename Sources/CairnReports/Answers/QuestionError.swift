/// Why a question has no answer: what it was, and what to do about it. Whoever asked gets it as an exit code or as a status.
package struct QuestionError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: Sendable, Hashable {
        /// The question itself cannot be understood.
        case question
        /// There is nothing of the kind in this ledger, or more than one.
        case nothingThere
    }

    package var code: Code
    package var message: String
    package var remedy: String?

    package init(_ code: Code, _ message: String, remedy: String? = nil) {
        self.code = code
        self.message = message
        self.remedy = remedy
    }

    package var description: String { remedy.map { "\(message)\n  \($0)" } ?? message }
}

extension QuestionError {
    /// There is none of that name.
    static func unknown(_ kind: String, _ id: String) -> QuestionError {
        let lister: String? =
            switch kind {
            case "migration", "migration or deployment", "run", "change": "cairn status"
            case "incident": "cairn query 'SELECT incident, title FROM incidents'"
            case "finding": "cairn query 'SELECT finding, kind, reason FROM findings'"
            default: nil
            }
        return QuestionError(
            .nothingThere, "cannot find the \(kind) \(id) in this ledger", remedy: lister.map { "`\($0)` lists them" })
    }
}
