/// Where in our own network a flow was logged. Unknown parts are empty.
///
/// A class because thousands of counters share one place; it never changes after it is made.
package final class FlowPlace: Hashable, Sendable, Comparable {
    package let cluster: String
    package let interface: String
    package let subnet: String
    package let zone: String
    package let instance: String
    package let account: String
    package let vpc: String
    /// Computed once: places are keys of tables that are asked for every counter.
    private let hash: Int

    package init(
        cluster: String, interface: String = "", subnet: String = "", zone: String = "", instance: String = "",
        account: String = "", vpc: String = ""
    ) {
        self.cluster = cluster
        self.interface = interface
        self.subnet = subnet
        self.zone = zone
        self.instance = instance
        self.account = account
        self.vpc = vpc
        var hasher = Hasher()
        for part in [cluster, interface, subnet, zone, instance, account, vpc] { hasher.combine(part) }
        hash = hasher.finalize()
    }

    /// Where traffic belongs that no rule of a cluster map names.
    package static let unassignedCluster = "unassigned"

    /// In the order in which places are stored and sorted.
    var texts: [String] { [cluster, interface, subnet, zone, instance, account, vpc] }

    private var parts: (String, String, String, String, String) { (cluster, interface, subnet, zone, instance) }
    private var owner: (String, String) { (account, vpc) }

    package static func == (left: FlowPlace, right: FlowPlace) -> Bool {
        left === right || left.hash == right.hash && left.parts == right.parts && left.owner == right.owner
    }

    package static func < (left: FlowPlace, right: FlowPlace) -> Bool {
        if left === right { return false }
        return left.parts == right.parts ? left.owner < right.owner : left.parts < right.parts
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(hash) }
}

/// Who opened the connection: we to a peer that serves, or a peer that is a client of ours.
package enum PeerRole: UInt8, Sendable, Comparable, CustomStringConvertible {
    case server, client

    package var description: String { self == .server ? "server" : "client" }

    package static func < (left: PeerRole, right: PeerRole) -> Bool { left.rawValue < right.rawValue }
}

/// What a counter counts: one minute of one interface's traffic with one peer, in one direction.
///
/// The ephemeral port is dropped, and peers that open connections to us are folded to a block (`/24`, `/48`), so that
/// the number of counters is bounded by services and blocks and not by connections.
package struct FlowCounterKey: Hashable, Sendable, Comparable {
    /// Minutes since 1970 of the record's start.
    package var minute: Int64
    package var place: FlowPlace
    package var direction: FlowDirection
    package var role: PeerRole
    /// A server's address, or the block of clients.
    package var peer: IPPrefix
    /// The port of the serving side: the peer's if it is the server, ours if it is the client.
    package var peerPort: UInt16
    package var protocolNumber: UInt8
    /// `BPA`, `EC`, or empty.
    package var rejectReason: String

    package init(
        minute: Int64, place: FlowPlace, direction: FlowDirection, role: PeerRole, peer: IPPrefix, peerPort: UInt16,
        protocolNumber: UInt8 = 6, rejectReason: String = ""
    ) {
        self.minute = minute
        self.place = place
        self.direction = direction
        self.role = role
        self.peer = peer
        self.peerPort = peerPort
        self.protocolNumber = protocolNumber
        self.rejectReason = rejectReason
    }

    package static func < (left: FlowCounterKey, right: FlowCounterKey) -> Bool {
        if left.minute != right.minute { return left.minute < right.minute }
        if left.place != right.place { return left.place < right.place }
        if left.peer != right.peer { return left.peer < right.peer }
        if left.peerPort != right.peerPort { return left.peerPort < right.peerPort }
        if left.role != right.role { return left.role < right.role }
        if left.direction != right.direction { return left.direction < right.direction }
        if left.protocolNumber != right.protocolNumber { return left.protocolNumber < right.protocolNumber }
        return left.rejectReason < right.rejectReason
    }
}

/// Sums over the records of one key. They saturate: a forged count must not stop the recorder.
package struct FlowCounts: Hashable, Sendable {
    /// Records.
    package var flows: UInt64 = 0
    /// Records with action REJECT.
    package var rejects: UInt64 = 0
    /// Of `rejects`, packets that came after their connection was closed: nobody's fault.
    package var lateRejects: UInt64 = 0
    /// Accepted connection attempts that nothing came back for; known only after all files are put together.
    package var unanswered: UInt64 = 0
    /// Records with a RST.
    package var resets: UInt64 = 0
    /// Records of TCP.
    package var tcpFlows: UInt64 = 0
    /// Accepted records of connection attempts alone: SYN and nothing else, answered or not.
    package var synOnly: UInt64 = 0
    package var packets: UInt64 = 0
    package var bytes: UInt64 = 0
    /// Packets of connections that carried enough to compare both directions; see `FlowPairing.longPacketsMin`.
    package var longPackets: UInt64 = 0

    package init() {}

    package mutating func add(_ other: FlowCounts) {
        flows = FlowCounts.sum(flows, other.flows)
        rejects = FlowCounts.sum(rejects, other.rejects)
        lateRejects = FlowCounts.sum(lateRejects, other.lateRejects)
        unanswered = FlowCounts.sum(unanswered, other.unanswered)
        resets = FlowCounts.sum(resets, other.resets)
        tcpFlows = FlowCounts.sum(tcpFlows, other.tcpFlows)
        synOnly = FlowCounts.sum(synOnly, other.synOnly)
        packets = FlowCounts.sum(packets, other.packets)
        bytes = FlowCounts.sum(bytes, other.bytes)
        longPackets = FlowCounts.sum(longPackets, other.longPackets)
    }

    package static func sum(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}

package struct FlowCounter: Hashable, Sendable {
    package var key: FlowCounterKey
    package var counts: FlowCounts

    package init(key: FlowCounterKey, counts: FlowCounts) {
        self.key = key
        self.counts = counts
    }
}

/// A window in which an interface had no traffic (a real zero) or in which records were lost (unknown).
package struct FlowGap: Hashable, Sendable, Comparable {
    package var place: FlowPlace
    /// `.noData` or `.skipData`.
    package var status: FlowLogStatus
    /// Seconds since 1970.
    package var start: Int64
    package var end: Int64

    package init(place: FlowPlace, status: FlowLogStatus, start: Int64, end: Int64) {
        self.place = place
        self.status = status
        self.start = start
        self.end = end
    }

    package static func < (left: FlowGap, right: FlowGap) -> Bool {
        if left.start != right.start { return left.start < right.start }
        if left.end != right.end { return left.end < right.end }
        if left.place != right.place { return left.place < right.place }
        return left.status.rawValue < right.status.rawValue
    }
}
