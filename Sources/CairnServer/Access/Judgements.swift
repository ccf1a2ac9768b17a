import CairnBytes
import CairnModel

/// Words that open gates or close cases: only who may approve says them, under its own name.
///
/// A fact is never refused for what it says, but told facts name whom they like: these would pass a gate, so that whoever may
/// deliver events could approve in anybody's name, or its own request.
enum Judgements {
    private static let names: Set<String> = FindingState.eventNames.union([
        "approval.granted", "approval.rejected", "gate.evaluated", "incident.opened", "incident.joined",
        "incident.closed", "event.corrected",
    ])

    /// - Parameter type: of any family and version.
    static func contain(_ type: String) -> Bool { names.contains(EventType(type).name) }

    /// Also a request that names another as the one who asked: the four eyes are counted from it.
    static func contain(_ event: ProposedEvent, toldBy caller: String) -> Bool {
        if EventType(event.type).name == "approval.requested" {
            return event.data["requested_by"].map { $0.string != caller } ?? false
        }
        return contain(event.type)
    }
}
