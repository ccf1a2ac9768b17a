/// What somebody may do at the server. Scopes do not contain each other: who approves and reads holds both.
package enum AccessScope: Sendable, Hashable, CustomStringConvertible {
    /// Push what one receiver takes; nil: any receiver.
    case ingest(receiver: String?)
    /// Ask, look, follow, export.
    case read
    /// Decide: record commands, approve, reject, judge findings.
    case approve
    /// Make and revoke tokens, back up.
    case admin

    /// `read`, `ingest`, `ingest:firehose`, ...; nil for anything else.
    package init?(_ text: String) {
        switch text {
        case "read": self = .read
        case "approve": self = .approve
        case "admin": self = .admin
        case "ingest": self = .ingest(receiver: nil)
        default:
            guard text.hasPrefix("ingest:") else { return nil }
            let receiver = String(text.dropFirst("ingest:".count))
            guard AccessScope.receivers.contains(receiver) else { return nil }
            self = .ingest(receiver: receiver)
        }
    }

    /// The receivers of the server, by the names that scopes, metrics and events use.
    package static let receivers = [
        "remote-write", "otlp", "firehose", "eventbridge", "sns", "cloudevents", "hooks", "commands",
    ]

    package var description: String {
        switch self {
        case .ingest(let receiver): receiver.map { "ingest:\($0)" } ?? "ingest"
        case .read: "read"
        case .approve: "approve"
        case .admin: "admin"
        }
    }

    /// Whether who holds this may do what needs the other.
    package func allows(_ needed: AccessScope) -> Bool {
        if case .ingest(nil) = self, case .ingest = needed { return true }
        return self == needed
    }
}
