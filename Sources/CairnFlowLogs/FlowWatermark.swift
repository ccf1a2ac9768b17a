/// How far the flow logs of a cluster have been seen, and which minutes a file that comes late may still change.
///
/// Files are delivered late and in any order, so the newest record says nothing about the others. What says something
/// is each interface: one that lives reports every window, if only that there was no traffic. The watermark is the
/// earliest of their latest records; before it every interface has been seen. An interface that has been silent for
/// longer than delivery takes is gone and holds up nothing. A function of the set of files: their order is no matter.
package struct FlowWatermark: Hashable, Sendable {
    package var cluster: String
    /// Interfaces that still report.
    package var interfaces: Int
    /// End of the latest record, in seconds since 1970.
    package var latest: Int64
    /// Up to here every interface that still reports has been seen, in seconds since 1970.
    package var watermark: Int64
    /// The first minute (since 1970) that a file on its way may still change: an answer may come a minute later.
    package var openMinute: Int64

    package init(cluster: String, interfaces: Int, latest: Int64, watermark: Int64) {
        self.cluster = cluster
        self.interfaces = interfaces
        self.latest = latest
        self.watermark = watermark
        let settled = watermark.subtractingReportingOverflow(FlowPairing.slackSeconds)
        // Rounded down, also before 1970.
        openMinute = settled.overflow ? .min : settled.partialValue.quotient(flooredBy: 60)
    }

    /// Windows are up to ten minutes long, and AWS publishes them about five minutes later, ten at most.
    package static let silenceSecondsMax: Int64 = 20 * 60

    /// Of every cluster among the places, sorted by its name.
    package static func of(_ places: some Sequence<FlowSeen>) -> [FlowWatermark] {
        var last: [String: [String: Int64]] = [:]
        for seen in places {
            let place = seen.place
            last[place.cluster, default: [:]][place.interface, default: .min].raise(to: seen.last)
        }
        return last.sorted { $0.key < $1.key }.map { cluster, interfaces in
            let latest = interfaces.values.max() ?? 0
            let alive = interfaces.values.filter {
                let (behind, overflow) = latest.subtractingReportingOverflow($0)
                return !overflow && behind <= silenceSecondsMax
            }
            return FlowWatermark(
                cluster: cluster, interfaces: alive.count, latest: latest, watermark: alive.min() ?? latest)
        }
    }
}

extension Int64 {
    fileprivate mutating func raise(to other: Int64) { self = Swift.max(self, other) }

    fileprivate func quotient(flooredBy divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
