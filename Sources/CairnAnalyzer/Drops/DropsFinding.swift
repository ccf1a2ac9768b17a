package import CairnBytes
package import CairnFlowLogs

/// How traffic went missing.
package enum DropKind: String, Sendable, Comparable, CaseIterable {
    /// Our own security group or network ACL refused it.
    case reject
    /// Attempts to connect went out and nothing came back: what a firewall that belongs to somebody else looks like.
    case unanswered
    /// Connections were reset.
    case reset
    /// Connections live, but a much smaller share of packets comes back than before.
    case asymmetric

    package static func < (left: DropKind, right: DropKind) -> Bool { left.rawValue < right.rawValue }
}

/// Which of the two clusters deviates. In both it is the environment; in the source alone, not the migration.
package enum DropSide: String, Sendable {
    case targetOnly = "target-only"
    case sourceOnly = "source-only"
    case both
    /// There is no other cluster to compare with, or it had no traffic with the peer in these minutes.
    case unpaired
}

/// One minute of the signal behind a finding.
package struct DropPoint: Hashable, Sendable {
    /// Minutes since 1970.
    package var minute: Int64
    package var events: UInt64 = 0
    package var connections: UInt64 = 0
    package var controlEvents: UInt64 = 0
    package var controlConnections: UInt64 = 0
    /// Events that the baseline expects.
    package var expected = 0.0
    /// Evidence, in nats, that has come together up to and with this minute.
    package var nats = 0.0
}

/// How far the data of a cluster reached when it was judged.
package struct DropWatermark: Hashable, Sendable {
    package var cluster: String
    /// End of the newest record, in seconds since 1970.
    package var latest: Int64
    /// The minute (since 1970) up to which findings were opened: later ones may still change.
    package var settledMinute: Int64

    /// How far judging is behind the newest record.
    package var behindSeconds: Int64 { max(0, latest &- settledMinute &* 60) }
}

/// A stretch of minutes in which traffic with one peer was dropped.
package struct DropFinding: Hashable, Sendable {
    package var id: String
    package var cluster: String
    /// The first minute, and the minute after the last, in minutes since 1970.
    package var startMinute: Int64
    package var endMinute: Int64
    package var kind: DropKind
    package var peer: IPPrefix
    package var peerPort: UInt16
    package var peerRole: PeerRole
    /// What the dropped traffic has in common: direction, and subnet, zone, interface or reject_reason where one value
    /// holds most of it.
    package var scope: [String: String]
    package var side: DropSide
    /// Events over what the baseline expects in these minutes, and that expectation.
    package var excess: Double
    package var baseline: Double
    /// The share of the excess that `scope` holds, 0 to 1.
    package var explained: Double
    package var cause: DropCause
    /// What all drops of the cluster at that time have in common, and the share of their excess that it holds.
    package var root: CauseSearch.Cause?
    /// The same by single dimensions, the most surprising first.
    package var attribution: [Adtributor.Explanation]
    /// Findings with the same one are one incident.
    package var incidentCause: String
    /// It reaches up to the minutes that were not judged yet: it may go on.
    package var isOpen: Bool
    /// How far the data of its cluster reached.
    package var watermark: DropWatermark?
    package var evidence: Evidence

    package struct Rise: Hashable, Sendable {
        package var times: Double
        package var low: Double
        package var high: Double
    }

    package struct Evidence: Hashable, Sendable {
        package var events: UInt64
        package var connections: UInt64
        /// Events per connection that the baseline expects.
        package var baselineRate: Double
        package var controlEvents: UInt64
        package var controlConnections: UInt64
        /// Events that the other cluster's baseline expects.
        package var controlBaseline: Double
        /// How many times more the rate rose than in the other cluster, with 95 % on both sides.
        package var rise: Rise?
        /// Log-likelihood ratio of what was seen over what is usual, and what opens a finding.
        package var nats: Double
        package var threshold: Double
        /// What the variance of the counts has over their mean, in units of the squared mean; and what the evidence was
        /// divided by, since larger blocks scatter more than their minutes.
        package var dispersion: Double
        package var temper: Double
        /// The minute in which the evidence sufficed.
        package var foundAt: Int64
        /// Interfaces and minutes of the cluster that were not logged meanwhile.
        package var unknownMinutes: Int
        /// The signal from half an hour before to half an hour after, minutes without traffic left out.
        package var signal: [DropPoint]
    }

    package var start: Timestamp { DropFinding.time(startMinute) }
    package var end: Timestamp { DropFinding.time(endMinute) }

    static func time(_ minute: Int64) -> Timestamp { Timestamp(seconds: minute * 60) ?? .latest }
}

/// What an analysis found, and what it saw and did not count as a finding.
package struct DropsReport: Hashable, Sendable {
    package var findings: [DropFinding]
    /// Refused or unanswered attempts of strangers: counted, never a finding.
    package var scans: [ScanCount]
    /// Of one cluster with one peer and service: what was looked at.
    package var streams: Int
    /// Minutes of interfaces whose records were lost, which were left out, and all that there were beside them.
    package var unknownMinutes: Int
    package var loggedMinutes: Int
    /// How far the data of each cluster reaches.
    package var watermarks: [DropWatermark]
    /// The minutes judged.
    package var minutes: Range<Int64>

    package struct ScanCount: Hashable, Sendable {
        package var cluster: String
        package var attempts: UInt64
        /// Blocks of addresses they came from.
        package var blocks: Int
    }
}
