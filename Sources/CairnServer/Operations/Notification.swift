import CairnBytes
import CairnModel
import CairnReports
import CairnWeb

/// What somebody is told of one event: a finding that opened or was withdrawn, a gate that did not pass, an approval that
/// waits.
struct Notification: Sendable, Hashable {
    enum Severity: String, Sendable, Hashable { case critical, warning, info }

    /// One thing keeps one key, so that what ends it ends what was told.
    var key: String
    var kind: String
    var summary: String
    var severity: Severity
    var stream: String
    var position: UInt64
    var time: Timestamp
    /// Whether it is over.
    var isResolved: Bool

    /// Nil for an event that nobody is told of.
    init?(_ event: RecordedEvent) {
        switch EventType(event.type).name {
        case "finding.opened":
            (kind, severity, isResolved) = ("finding", .critical, false)
        case "finding.withdrawn":
            (kind, severity, isResolved) = ("finding", .info, true)
        case "gate.evaluated":
            guard let result = event.data["result"]?.string, result != "pass" else { return nil }
            (kind, severity, isResolved) = ("gate", result == "fail" ? .critical : .warning, false)
        case "approval.requested":
            (kind, severity, isResolved) = ("approval", .warning, false)
        default: return nil
        }
        key = "\(kind) \(event.subject.text) \(event.data["phase"]?.string ?? "")"
        let words = TimelineEntry(event)
        summary =
            words.evidence.isEmpty
            ? words.action : "\(words.action) (\(words.evidence.map(\.text).joined(separator: "; ")))"
        stream = event.subject.text
        position = event.position
        time = event.time
    }

    /// Types of events that may be told of.
    static let types = ["finding.opened", "finding.withdrawn", "gate.evaluated", "approval.requested"]

    /// The body for a target.
    func body(for target: NotificationTarget, origin: String) -> JSONValue {
        switch target.shape {
        case .webhook: webhook(origin)
        case .alertmanager: [alert(origin)]
        case .pagerduty: pagerDuty(target, origin)
        }
    }

    private func webhook(_ origin: String) -> JSONValue {
        [
            "kind": .string(kind), "summary": .string(summary), "severity": .string(severity.rawValue),
            "stream": .string(stream), "position": .integer(position), "time": .string(time.description),
            "resolved": .bool(isResolved), "ledger": .string(origin),
        ]
    }

    /// `POST /api/v2/alerts` of Alertmanager.
    private func alert(_ origin: String) -> JSONValue {
        var object: JSONObject = [
            "labels": [
                "alertname": .string("Cairn_\(kind)"), "severity": .string(severity.rawValue),
                "stream": .string(stream), "ledger": .string(origin),
            ],
            "annotations": ["summary": .string(summary), "entry": .string(String(position))],
            "startsAt": .string(time.description),
        ]
        if isResolved { object["endsAt"] = .string(time.description) }
        return .object(object)
    }

    /// Longest summary that PagerDuty takes.
    private static let summaryLengthMax = 1024

    /// Events API v2 of PagerDuty.
    private func pagerDuty(_ target: NotificationTarget, _ origin: String) -> JSONValue {
        [
            "routing_key": .string(target.secret ?? ""), "event_action": .string(isResolved ? "resolve" : "trigger"),
            "dedup_key": .string("cairn \(origin) \(key)"),
            "payload": [
                "summary": .string(String(summary.prefix(Notification.summaryLengthMax))), "source": .string(origin),
                "severity": .string(severity.rawValue), "timestamp": .string(time.description),
                "component": .string(stream), "custom_details": ["entry": .integer(position)],
            ],
        ]
    }
}
