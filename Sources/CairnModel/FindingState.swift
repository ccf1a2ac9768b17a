package import CairnBytes

/// What has been said of one finding: whether it stands, and how people live with it. It is what the events of its
/// stream add up to.
package struct FindingState: Sendable, Hashable {
    /// A word of somebody about a finding, for a reason and until a moment.
    package struct Word: Sendable, Hashable {
        package var person: String
        package var reason: String
        package var time: Timestamp
        package var expires: Timestamp?
        package var position: UInt64

        /// From when it was said until it expires.
        package func holds(at moment: Timestamp) -> Bool { time <= moment && expires.map { moment < $0 } ?? true }
    }

    /// As its last revision says; nil before it was opened.
    package var data: JSONValue?
    package var isOpen = false
    /// Of the event that opened it or revised it last.
    package var position: UInt64?
    package var acknowledged: Word?
    package var muted: Word?
    package var markedFalse: Word?

    package init() {}

    /// The types that are about findings.
    package static let eventNames: Set<String> = [
        "finding.opened", "finding.revised", "finding.withdrawn", "finding.acknowledged", "finding.muted",
        "finding.marked_false", "finding.unmuted",
    ]

    package mutating func apply(_ event: RecordedEvent) {
        let type = EventType(event.type)
        guard type.family != .foreign else { return }
        switch type.name {
        case "finding.opened", "finding.revised":
            // Only Cairn's own analysis finds: what somebody else tells of is no finding of it.
            guard type.family == .cairn else { return }
            data = event.data
            isOpen = true
            position = event.position
        case "finding.withdrawn": if type.family == .cairn { isOpen = false }
        case "finding.acknowledged": acknowledged = FindingState.word(event)
        case "finding.muted": muted = FindingState.word(event)
        case "finding.marked_false": markedFalse = FindingState.word(event)
        // One word takes back both: the finding counts again.
        case "finding.unmuted": (muted, markedFalse) = (nil, nil)
        default: return
        }
    }

    private static func word(_ event: RecordedEvent) -> Word {
        Word(
            person: event.data["person"]?.string ?? event.actorName, reason: event.data["reason"]?.string ?? "",
            time: event.time, expires: event.data["expires"]?.string.flatMap { Timestamp($0) },
            position: event.position)
    }

    /// The word that keeps the finding from counting at this moment; nil if it counts.
    package func silencing(at moment: Timestamp) -> Word? {
        [markedFalse, muted].compactMap { $0 }.first { $0.holds(at: moment) }
    }

    /// `muted by ana until 2026-03-10T12:00:00Z: reason`; nil if nobody said anything that still holds.
    package func note(at moment: Timestamp) -> String? {
        let words = [("marked false", markedFalse), ("muted", muted), ("acknowledged", acknowledged)]
        for case (let verb, let word?) in words where word.holds(at: moment) {
            let until = word.expires.map { " until \($0)" } ?? ""
            return "\(verb) by \(word.person)\(until): \(word.reason)"
        }
        return nil
    }

    /// How a command about the finding breaks a rule; nil if it may be recorded.
    package func refusal(of name: String, _ data: JSONValue, at time: Timestamp) -> Refusal? {
        guard ["finding.acknowledged", "finding.muted", "finding.marked_false", "finding.unmuted"].contains(name) else {
            return nil
        }
        guard self.data != nil else {
            return Refusal(rule: .findingUnknown, explanation: "no analysis has recorded such a finding")
        }
        if name != "finding.acknowledged", data["reason"]?.string?.isEmpty ?? true {
            return Refusal(rule: .invalidData, explanation: "it needs a reason", field: "reason")
        }
        if name == "finding.unmuted" {
            guard silencing(at: time) == nil else { return nil }
            return Refusal(rule: .notMuted, explanation: "the finding is neither muted nor marked false at \(time)")
        }
        if !isOpen {
            return Refusal(rule: .findingWithdrawn, explanation: "the finding was withdrawn: it counts no more")
        }
        if let expires = data["expires"]?.string.flatMap({ Timestamp($0) }), expires <= time {
            return Refusal(
                rule: .invalidData, explanation: "it would end at \(expires), before it begins", field: "expires")
        }
        return nil
    }
}
