import CairnBytes

/// Maps moments to horizontal places. A migration is weeks of quiet and hours of work, so long stretches in which
/// nothing happened can be folded into a narrow gap that the axis marks as broken.
struct TimeScale: Sendable {
    struct Segment: Sendable {
        var start: Timestamp
        var end: Timestamp
        var left: Double
        var right: Double
        /// Folded: time here is not to scale.
        var isBroken: Bool
    }

    struct Tick: Sendable {
        var place: Double
        var label: String
    }

    private static let quietSecondsMin = 7200.0
    /// A folded gap's share of the width, and the most that all gaps together may take.
    private static let gapShare = 0.022
    private static let gapShareMax = 0.3
    /// How much room a minute without a turning point gets, where others have some.
    private static let sideScale = 0.2
    private static let tickDistanceMin = 64.0
    private static let dateDistanceMin = 44.0
    private static let tickSteps: [Int64] = [
        1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
        2_592_000, 31_536_000, 315_360_000,
    ]
    private static let ticksMax = 60

    let segments: [Segment]
    let left: Double
    let right: Double

    /// - Parameters:
    ///   - moments: what happened when; stretches between them that are long become gaps. Nil keeps the whole range to
    ///     scale.
    ///   - turningPoints: what the reader came for; stretches with none of them get less room.
    init(
        from: Timestamp, until: Timestamp, left: Double, right: Double, moments: [Timestamp]? = nil,
        turningPoints: [Timestamp] = []
    ) {
        let end = max(until, from.adding(seconds: 1))
        self.left = left
        self.right = right
        var busy: [(start: Timestamp, end: Timestamp)] = [(from, end)]
        if let moments {
            busy = TimeScale.busyStretches(from: from, until: end, moments: moments)
        }
        segments = TimeScale.layOut(busy, turningPoints: turningPoints, left: left, right: right)
    }

    func place(of time: Timestamp) -> Double {
        guard let segment = segments.first(where: { time <= $0.end }) else { return right }
        if time <= segment.start { return segment.left }
        let span = Double(segment.end.microseconds - segment.start.microseconds)
        let part = Double(time.microseconds - segment.start.microseconds) / span
        return segment.left + part * (segment.right - segment.left)
    }

    var isBroken: Bool { segments.contains { $0.isBroken } }

    /// Round moments of the parts that are to scale.
    var ticks: [Tick] {
        var ticks: [Tick] = []
        for segment in segments where !segment.isBroken {
            let seconds = Double(segment.end.microseconds - segment.start.microseconds) / 1_000_000
            let countMax = (segment.right - segment.left) / TimeScale.tickDistanceMin
            guard countMax >= 1 else { continue }
            let step = TimeScale.tickSteps.first { seconds / Double($0) <= countMax } ?? TimeScale.tickSteps.last ?? 60
            var second = Timestamp.floorDivide(segment.start.seconds + step - 1, step) * step
            while second <= segment.end.seconds, ticks.count < TimeScale.ticksMax {
                if let time = Timestamp(seconds: second) {
                    ticks.append(Tick(place: place(of: time), label: TimeScale.label(time, step: step)))
                }
                second += step
            }
        }
        return ticks
    }

    /// Where each part that is to scale begins, with its date; where there is no room, the longest parts keep theirs.
    var dates: [Tick] {
        var dates: [Tick] = []
        for segment in segments.filter({ !$0.isBroken }).sorted(by: { $0.right - $0.left > $1.right - $1.left }) {
            let label = String(segment.start.dateText.dropFirst(5))
            let isFree = dates.allSatisfy {
                $0.label != label && ($0.place - segment.left).magnitude >= TimeScale.dateDistanceMin
            }
            if isFree { dates.append(Tick(place: segment.left, label: label)) }
        }
        return dates
    }

    private static func label(_ time: Timestamp, step: Int64) -> String {
        if step >= 86_400 { return String(time.dateText.dropFirst(step >= 31_536_000 ? 0 : 5)) }
        return step < 60 ? time.timeText : String(time.timeText.prefix(5))
    }

    /// The stretches in which something happens at least every two hours.
    private static func busyStretches(
        from: Timestamp, until: Timestamp, moments: [Timestamp]
    ) -> [(start: Timestamp, end: Timestamp)] {
        let inside = ([from, until] + moments.filter { $0 > from && $0 < until }).sorted()
        var stretches: [(start: Timestamp, end: Timestamp)] = []
        for moment in inside {
            if let last = stretches.last,
                Double(moment.microseconds - last.end.microseconds) / 1_000_000 <= quietSecondsMin
            {
                stretches[stretches.count - 1].end = moment
            } else {
                stretches.append((moment, moment))
            }
        }
        // A single moment still needs some width to be seen.
        let longest = stretches.map { $0.end.microseconds - $0.start.microseconds }.max() ?? 0
        let least = max(600_000_000, longest / 25)
        for index in stretches.indices
        where stretches[index].end.microseconds - stretches[index].start.microseconds < least {
            stretches[index].end = Timestamp(microseconds: stretches[index].start.microseconds + least)
        }
        var merged: [(start: Timestamp, end: Timestamp)] = []
        for stretch in stretches {
            if let last = merged.last, stretch.start <= last.end {
                merged[merged.count - 1].end = max(last.end, stretch.end)
            } else {
                merged.append(stretch)
            }
        }
        return merged
    }

    private static func layOut(
        _ busy: [(start: Timestamp, end: Timestamp)], turningPoints: [Timestamp], left: Double, right: Double
    ) -> [Segment] {
        let gaps = Double(max(0, busy.count - 1))
        let gapWidth = gaps > 0 ? (right - left) * min(gapShare, gapShareMax / gaps) : 0
        let weights = busy.map { stretch in
            let matters = turningPoints.contains { $0 >= stretch.start && $0 <= stretch.end }
            return Double(stretch.end.microseconds - stretch.start.microseconds) * (matters ? 1 : sideScale)
        }
        let scale = (right - left - gapWidth * gaps) / max(weights.reduce(0, +), 1)
        var segments: [Segment] = []
        var place = left
        for (stretch, weight) in zip(busy, weights) {
            if let last = segments.last {
                segments.append(
                    Segment(start: last.end, end: stretch.start, left: place, right: place + gapWidth, isBroken: true))
                place += gapWidth
            }
            let width = weight * scale
            segments.append(
                Segment(start: stretch.start, end: stretch.end, left: place, right: place + width, isBroken: false))
            place += width
        }
        return segments
    }
}
