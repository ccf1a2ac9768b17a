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
    package var events: UInt64
    package var connections: UInt64
    package var controlEvents: UInt64
    package var controlConnections: UInt64
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
    package var evidence: Evidence

    package struct Evidence: Hashable, Sendable {
        package var events: UInt64
        package var connections: UInt64
        /// Events per connection that the baseline expects.
        package var baselineRate: Double
        package var controlEvents: UInt64
        package var controlConnections: UInt64
        package var controlBaselineRate: Double
        /// Log-likelihood ratio against the baseline, divided by the dispersion.
        package var nats: Double
        /// Variance of the counts over that of independent connections.
        package var dispersion: Double
        /// The signal from half an hour before to half an hour after, minutes without traffic left out.
        package var signal: [DropPoint]
    }

    package var start: Timestamp { DropFinding.time(startMinute) }
    package var end: Timestamp { DropFinding.time(endMinute) }

    private static func time(_ minute: Int64) -> Timestamp { Timestamp(seconds: minute * 60) ?? .latest }
}

extension DropFinding {
    /// The machine form, with the keys that scripts depend on.
    package var json: JSONValue {
        var scope = JSONObject()
        for (name, value) in self.scope { scope[name] = .string(value) }
        return [
            "id": .string(id), "cluster": .string(cluster), "start": .string(start.description),
            "end": .string(end.description), "kind": .string(kind.rawValue), "peer": .string(peer.description),
            "peer_port": .integer(peerPort), "peer_role": .string(peerRole.description), "scope": .object(scope),
            "side": .string(side.rawValue), "excess": .number(DropFinding.rounded(excess)),
            "baseline": .number(DropFinding.rounded(baseline)),
            "explained": .number(DropFinding.rounded(explained)),
            "events": .integer(evidence.events), "connections": .integer(evidence.connections),
            "baseline_rate": .number(DropFinding.rounded(evidence.baselineRate)),
            "control_events": .integer(evidence.controlEvents),
            "control_connections": .integer(evidence.controlConnections),
            "log_evidence": .number(DropFinding.rounded(evidence.nats)),
            "dispersion": .number(DropFinding.rounded(evidence.dispersion)),
            "analyzer_version": .string(DropsAnalyzer.version),
        ]
    }

    /// Four decimals: enough for a person and the same text on every machine.
    private static func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }

    /// One sentence for people.
    package var sentence: String {
        let what =
            switch kind {
            case .reject: "were rejected by our own rules"
            case .unanswered: "were never answered"
            case .reset: "were reset"
            case .asymmetric: "lost most packets on the way back"
            }
        let whom =
            peerRole == .server
            ? "connections to \(peer) port \(peerPort)" : "connections from \(peer) to port \(peerPort)"
        let control =
            switch side {
            case .targetOnly, .sourceOnly: "the other cluster did not see it"
            case .both: "both clusters saw it"
            case .unpaired: "no other cluster had traffic with it to compare"
            }
        return "\(evidence.events) of \(evidence.connections) \(whom) \(what) in \(cluster); \(control)"
    }
}

/// What an analysis found, and what it saw and did not count as a finding.
package struct DropsReport: Hashable, Sendable {
    package var findings: [DropFinding]
    /// Refused or unanswered attempts of strangers: counted, never a finding.
    package var scans: [ScanCount]
    /// Minutes of interfaces whose records were lost, which were left out.
    package var unknownMinutes: Int
    /// The minutes judged.
    package var minutes: Range<Int64>

    package struct ScanCount: Hashable, Sendable {
        package var cluster: String
        package var attempts: UInt64
        /// Blocks of addresses they came from.
        package var blocks: Int
    }
}
