/// One record of a batch, small and without references.
struct PendingFlow: Sendable {
    var source: IPAddress
    var destination: IPAddress
    var start: Int64
    var end: Int64
    var packets: UInt64
    var bytes: UInt64
    /// Where it was logged: until the batch is settled by the names in the line, then by cluster too.
    var place: UInt32
    var sourcePort: UInt16
    var destinationPort: UInt16
    var protocolNumber: UInt8
    var tcpFlags: UInt8
    var hasFlags: Bool
    var isRejected: Bool
    /// Nil if the format does not say it.
    var direction: FlowDirection?
    var reason: UInt8
    /// Known when the batch is settled.
    var isSourceOwn = false

    @inline(__always)
    init(_ record: FlowRecord, place: Int, reason: Int) {
        // Behind NAT, and for pods, only the packet's own addresses name both ends.
        source = record.present.contains(.packetSource) ? record.packetSource : record.source
        destination = record.present.contains(.packetDestination) ? record.packetDestination : record.destination
        start = record.start
        end = record.end
        packets = record.packets
        bytes = record.bytes
        self.place = UInt32(truncatingIfNeeded: place)
        sourcePort = record.sourcePort
        destinationPort = record.destinationPort
        protocolNumber = record.protocolNumber
        tcpFlags = record.tcpFlags
        hasFlags = record.present.contains(.tcpFlags)
        isRejected = record.action == .reject
        direction = record.present.contains(.direction) ? record.direction : nil
        self.reason = UInt8(truncatingIfNeeded: reason)
    }

    var isTCP: Bool { protocolNumber == 6 }
    var ownAddress: IPAddress { isSourceOwn ? source : destination }
    var peerAddress: IPAddress { isSourceOwn ? destination : source }

    /// A record of attempts to open a connection and of nothing else.
    var isAttempt: Bool {
        if hasFlags { return tcpFlags == TCPFlags.syn }
        let limit = source.isV4 ? FlowPairing.attemptPacketBytesMaxV4 : FlowPairing.attemptPacketBytesMaxV6
        return packets > 0 && packets <= FlowPairing.attemptPacketsMax && bytes > 0 && bytes <= packets * limit
    }

    /// The role of the peer, where no flag of the connection says it.
    var roleByPorts: PeerRole {
        let (own, peer) = isSourceOwn ? (sourcePort, destinationPort) : (destinationPort, sourcePort)
        return ServicePorts.isServer(own, against: peer) ? .client : .server
    }

    /// A hash of the connection, the same in both directions and in every file.
    func connectionHash(clusterHash: UInt64) -> UInt64 {
        let (own, peer) = isSourceOwn ? (source, destination) : (destination, source)
        let (ownPort, peerPort) = isSourceOwn ? (sourcePort, destinationPort) : (destinationPort, sourcePort)
        let ports = UInt64(ownPort) << 32 | UInt64(peerPort) << 8 | UInt64(protocolNumber)
        var hash = ByteKeyTable.mixed(clusterHash ^ own.low)
        hash = ByteKeyTable.mixed(hash ^ peer.low)
        if !own.isV4 || !peer.isV4 { hash = ByteKeyTable.mixed(ByteKeyTable.mixed(hash ^ own.high) ^ peer.high) }
        return ByteKeyTable.mixed(hash ^ ports)
    }
}

/// Which address of a record is the interface's own, where `flow-direction` does not say it.
struct OwnAddressKnowledge: Sendable {
    private struct Endpoint: Hashable {
        var place: UInt32
        var address: IPAddress

        var hash: UInt64 {
            ByteKeyTable.mixed(address.low ^ address.high &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(place) << 40)
        }
    }

    private var endpoints: [Endpoint] = []
    /// How often each address occurred on its interface: its own occurs in every record.
    private var counts: [UInt32] = []
    private var index = FlatIndex()
    /// Enough for the interfaces of a large network and what they talk to in one file.
    private static let endpointsMax = 1_000_000

    @inline(__always)
    mutating func learn(_ flow: PendingFlow) {
        guard flow.direction == nil, flow.source.isPrivate == flow.destination.isPrivate,
            endpoints.count < OwnAddressKnowledge.endpointsMax
        else { return }
        count(Endpoint(place: flow.place, address: flow.source))
        count(Endpoint(place: flow.place, address: flow.destination))
    }

    private mutating func count(_ endpoint: Endpoint) {
        let known = endpoints.count
        let number = index.number(
            endpoint.hash, count: known, isKey: { endpoints[$0] == endpoint }, hashOf: { endpoints[$0].hash })
        if number == known {
            endpoints.append(endpoint)
            counts.append(0)
        }
        counts[number] &+= 1
    }

    private func count(of endpoint: Endpoint) -> UInt32 {
        index.find(endpoint.hash) { endpoints[$0] == endpoint }.map { counts[$0] } ?? 0
    }

    /// Swapping source and destination gives the opposite answer, so both directions of a connection agree.
    @inline(__always)
    func isSourceOwn(_ flow: PendingFlow) -> Bool {
        if let direction = flow.direction { return direction == .egress }
        if flow.source.isPrivate != flow.destination.isPrivate { return flow.source.isPrivate }
        let source = count(of: Endpoint(place: flow.place, address: flow.source))
        let destination = count(of: Endpoint(place: flow.place, address: flow.destination))
        return source == destination ? flow.source < flow.destination : source > destination
    }
}
