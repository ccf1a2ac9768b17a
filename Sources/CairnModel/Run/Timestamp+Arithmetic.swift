internal import CairnBytes

/// Arithmetic on times and lengths that come from outside: it stops at the ends of the calendar and never traps.
extension Timestamp {
    func later(bySeconds seconds: Double) -> Timestamp {
        guard seconds.isFinite else { return seconds > 0 ? .latest : self }
        let sum = Double(microseconds) + seconds * Double(Timestamp.microsecondsPerSecond)
        // A double holds no microseconds beyond 2^53: exact where it matters, and at the ends it does not.
        guard sum < Double(Timestamp.latest.microseconds) else { return .latest }
        guard sum > Double(Timestamp.earliest.microseconds) else { return .earliest }
        guard let whole = Int64(exactly: (seconds * 1_000_000).rounded()) else { return .latest }
        return Timestamp(microseconds: microseconds &+ whole)
    }

    func seconds(since start: Timestamp) -> Double {
        (Double(microseconds) - Double(start.microseconds)) / Double(Timestamp.microsecondsPerSecond)
    }
}

/// `30 s`, `4 min`, `2 h`, `14 d`: the largest unit that divides it.
func durationText(seconds: Double) -> String {
    for (size, unit) in [(86_400.0, "d"), (3600.0, "h"), (60.0, "min")] {
        if seconds >= size, (seconds / size).rounded() * size == seconds {
            return "\(CanonicalJSON.text(of: seconds / size)) \(unit)"
        }
    }
    return "\(CanonicalJSON.text(of: seconds)) s"
}
