package import CairnBytes

/// A hook as a plan declares it.
package struct HookDeclaration: Sendable, Hashable {
    package var name: String
    package var phases: [String]
    /// `lambda`, `pause`, ...
    package var kind: String
    package var timeoutMinutes: Double?
    /// `ROLLBACK` or `CONTINUE`.
    package var timeoutAction: String

    /// Nil if the value has no name.
    init?(_ value: JSONValue) {
        guard let name = value["name"]?.string, !name.isEmpty else { return nil }
        self.name = name
        phases = (value["phases"]?.array ?? []).compactMap(\.string)
        kind = value["kind"]?.string ?? "lambda"
        timeoutMinutes = value["timeout_minutes"]?.double
        timeoutAction = value["timeout_action"]?.string ?? "ROLLBACK"
    }
}

/// One call of a hook that has an id of its own.
struct HookExecution: Sendable, Hashable {
    var hook: String
    var phase: String
    var step: Int?
    var isRollback: Bool
    var attempt: Int64
}

/// The calls of one hook at one stage and traffic step: from the first call to the answer that ends it.
package struct HookCall: Sendable, Hashable {
    package enum Status: String, Sendable, Hashable {
        /// Called, and no answer yet.
        case called
        /// It answered IN_PROGRESS, and is called again after the delay.
        case inProgress = "in_progress"
        case succeeded
        case failed
        case timedOut = "timed_out"
        /// It timed out, and its action was to go on.
        case continued
    }

    /// Seconds until the next call where the answer names none.
    package static let defaultCallBackDelaySeconds: Int64 = 30

    package var hook: String
    package var phase: String
    package var step: Int?
    /// The same hook is called again on the way back.
    package var isRollback: Bool
    package var attempt: Int64
    package var status = Status.called
    package var executionID: String?
    package var firstCalledAt: Timestamp
    package var lastCalledAt: Timestamp
    package var answeredAt: Timestamp?
    /// Not to be called again before.
    package var nextCallAt: Timestamp?

    package var isFinished: Bool { status != .called && status != .inProgress }
    package var hasPassed: Bool { status == .succeeded || status == .continued }
}
