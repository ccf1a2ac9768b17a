import CairnModel

/// Words that open gates or close cases: only who may approve says them, as a command or as a fact told.
///
/// A fact is never refused for what it says, but these would pass a gate by themselves: whoever may only deliver events must
/// not be able to approve.
enum Judgements {
    private static let names: Set<String> = FindingState.eventNames.union([
        "approval.granted", "approval.rejected", "gate.evaluated", "incident.opened", "incident.joined",
        "incident.closed", "event.corrected",
    ])

    /// - Parameter type: of any family and version.
    static func contain(_ type: String) -> Bool { names.contains(EventType(type).name) }
}
