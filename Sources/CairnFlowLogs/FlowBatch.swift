/// One record of a batch, small and without references.
struct PendingFlow: Sendable {
    var source: IPAddress
    var destination: IPAddress
    var start: Int64
    var end: Int64
    var packets: UInt64
    var bytes: UInt64
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
}

/// Which address of a record is the interface's own, where `flow-direction` does not say it.
struct OwnAddressKnowledge: Sendable {
    private struct Endpoint: Hashable {
        var place: UInt32
        var address: IPAddress
    }

    /// How often an address occurred on an interface: its own occurs in every record.
    private var counts: [Endpoint: UInt32] = [:]
    /// Enough for the interfaces of a large network and what they talk to in one file.
    private static let endpointsMax = 1_000_000

    mutating func learn(_ flow: PendingFlow) {
        guard flow.direction == nil, flow.source.isPrivate == flow.destination.isPrivate,
            counts.count < OwnAddressKnowledge.endpointsMax
        else { return }
        counts[Endpoint(place: flow.place, address: flow.source), default: 0] &+= 1
        counts[Endpoint(place: flow.place, address: flow.destination), default: 0] &+= 1
    }

    /// Swapping source and destination gives the opposite answer, so both directions of a connection agree.
    func isSourceOwn(_ flow: PendingFlow) -> Bool {
        if let direction = flow.direction { return direction == .egress }
        if flow.source.isPrivate != flow.destination.isPrivate { return flow.source.isPrivate }
        let source = counts[Endpoint(place: flow.place, address: flow.source)] ?? 0
        let destination = counts[Endpoint(place: flow.place, address: flow.destination)] ?? 0
        return source == destination ? flow.source < flow.destination : source > destination
    }
}

/// The counters of a file while it is read.
struct FlowRows: Sendable {
    struct Key: Hashable, Sendable {
        var minute: Int64
        var peer: IPPrefix
        var place: UInt32
        var peerPort: UInt16
        var protocolNumber: UInt8
        var reason: UInt8
        var direction: FlowDirection
        var role: PeerRole
    }

    private var indexes: [Key: Int] = [:]
    private(set) var keys: [Key] = []
    var counts: [FlowCounts] = []

    mutating func index(of key: Key) -> Int {
        if let index = indexes[key] { return index }
        indexes[key] = keys.count
        keys.append(key)
        counts.append(FlowCounts())
        return keys.count - 1
    }

    static func full(_ key: Key, places: [FlowPlace], reasons: [String]) -> FlowCounterKey {
        FlowCounterKey(
            minute: key.minute, place: places[Int(key.place)], direction: key.direction, role: key.role,
            peer: key.peer, peerPort: key.peerPort, protocolNumber: key.protocolNumber,
            rejectReason: reasons[Int(key.reason)])
    }

    func counters(places: [FlowPlace], reasons: [String]) -> [FlowCounter] {
        // Places and reasons are compared by rank: comparing their texts for every pair would cost more than counting.
        func ranks<Value: Comparable>(_ values: [Value]) -> [Int] {
            var ranks = [Int](repeating: 0, count: values.count)
            let order = values.indices.sorted { values[$0] < values[$1] }
            for (rank, index) in order.enumerated() { ranks[index] = rank }
            return ranks
        }
        let placeRanks = ranks(places)
        let reasonRanks = ranks(reasons)
        func precedes(_ left: Key, _ right: Key) -> Bool {
            if left.minute != right.minute { return left.minute < right.minute }
            if left.place != right.place { return placeRanks[Int(left.place)] < placeRanks[Int(right.place)] }
            if left.peer != right.peer { return left.peer < right.peer }
            if left.peerPort != right.peerPort { return left.peerPort < right.peerPort }
            if left.role != right.role { return left.role < right.role }
            if left.direction != right.direction { return left.direction < right.direction }
            if left.protocolNumber != right.protocolNumber { return left.protocolNumber < right.protocolNumber }
            return reasonRanks[Int(left.reason)] < reasonRanks[Int(right.reason)]
        }
        let order = keys.indices.sorted { precedes(keys[$0], keys[$1]) }
        return order.map { index in
            FlowCounter(key: FlowRows.full(keys[index], places: places, reasons: reasons), counts: counts[index])
        }
    }
}

/// Brings the records of a batch together by connection, then counts them.
struct FlowBatch {
    private struct Oriented {
        var isSourceOwn: Bool
        var place: UInt32
        /// The connection's number in the batch.
        var connection: Int32
        /// The next record of the same connection, or -1.
        var next: Int32
    }

    private struct Connection {
        var hash: UInt64
        var head: Int32
        /// Of its fullest record.
        var packetsMax: UInt64 = 0
        /// Known from the flags of a SYN, which only the opener sends without ACK.
        var role: PeerRole?
    }

    private var oriented: [Oriented] = []
    private var connections: [Connection] = []
    private var slots: [Int32]

    init(count: Int) {
        var size = 64
        while size < count * 2 { size *= 2 }
        slots = [Int32](repeating: -1, count: size)
        oriented.reserveCapacity(count)
    }

    mutating func add(_ flow: PendingFlow, isSourceOwn: Bool, place: Int, clusterHash: UInt64) {
        let hash = FlowBatch.hash(flow, isSourceOwn: isSourceOwn, clusterHash: clusterHash)
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] >= 0, connections[Int(slots[slot])].hash != hash { slot = (slot + 1) & mask }
        let record = Int32(truncatingIfNeeded: oriented.count)
        var next: Int32 = -1
        if slots[slot] < 0 {
            slots[slot] = Int32(truncatingIfNeeded: connections.count)
            connections.append(Connection(hash: hash, head: record, role: nil))
        } else {
            next = connections[Int(slots[slot])].head
            connections[Int(slots[slot])].head = record
        }
        let connection = slots[slot]
        connections[Int(connection)].packetsMax = max(connections[Int(connection)].packetsMax, flow.packets)
        if flow.isTCP, flow.hasFlags, flow.tcpFlags & TCPFlags.syn != 0 {
            let isServerSide = flow.tcpFlags & TCPFlags.ack != 0
            connections[Int(connection)].role = isServerSide == isSourceOwn ? .client : .server
        }
        oriented.append(
            Oriented(
                isSourceOwn: isSourceOwn, place: UInt32(truncatingIfNeeded: place), connection: connection, next: next))
    }

    private static func hash(_ flow: PendingFlow, isSourceOwn: Bool, clusterHash: UInt64) -> UInt64 {
        let (own, peer) = isSourceOwn ? (flow.source, flow.destination) : (flow.destination, flow.source)
        let (ownPort, peerPort) =
            isSourceOwn ? (flow.sourcePort, flow.destinationPort) : (flow.destinationPort, flow.sourcePort)
        let ports = UInt64(ownPort) << 32 | UInt64(peerPort) << 8 | UInt64(flow.protocolNumber)
        var hash = ByteKeyTable.mixed(clusterHash ^ own.low)
        hash = ByteKeyTable.mixed(hash ^ peer.low)
        if !own.isV4 || !peer.isV4 { hash = ByteKeyTable.mixed(ByteKeyTable.mixed(hash ^ own.high) ^ peer.high) }
        return ByteKeyTable.mixed(hash ^ ports)
    }

    func settle(
        _ flows: [PendingFlow], rows: inout FlowRows, asks: inout [(ask: FlowAsk, row: Int)],
        answers: inout [FlowAnswer], places: [FlowPlace], reasons: [String]
    ) {
        for (index, flow) in flows.enumerated() {
            let record = oriented[index]
            let connection = connections[Int(record.connection)]
            let role = connection.role ?? FlowBatch.roleByPorts(flow, isSourceOwn: record.isSourceOwn)
            let key = FlowBatch.key(flow, record, role: role)
            let row = rows.index(of: key)
            let isFromOpener = (role == .server) == record.isSourceOwn
            var counts = FlowCounts()
            counts.flows = 1
            counts.packets = flow.packets
            counts.bytes = flow.bytes
            if flow.isTCP { counts.tcpFlows = 1 }
            if flow.isTCP, flow.hasFlags, flow.tcpFlags & TCPFlags.reset != 0 { counts.resets = 1 }
            if flow.isRejected {
                counts.rejects = 1
                if isLate(index, flow, flows) { counts.lateRejects = 1 }
            } else if flow.isTCP {
                let isAttempt = isFromOpener && FlowBatch.isAttempt(flow)
                if isAttempt {
                    if flow.hasFlags { counts.synOnly = 1 }
                    if !hasAnswer(index, flow, flows) {
                        let full = FlowRows.full(key, places: places, reasons: reasons)
                        let ask = FlowAsk(connection: connection.hash, start: flow.start, end: flow.end, key: full)
                        asks.append((ask, row))
                    }
                } else if connection.packetsMax >= FlowPairing.longPacketsMin {
                    counts.longPackets = flow.packets
                }
            }
            if flow.isTCP, !isFromOpener, !hasOpening(index, flow, flows) {
                answers.append(FlowAnswer(connection: connection.hash, start: flow.start, end: flow.end))
            }
            rows.counts[row].add(counts)
        }
    }

    private static func roleByPorts(_ flow: PendingFlow, isSourceOwn: Bool) -> PeerRole {
        let (own, peer) =
            isSourceOwn ? (flow.sourcePort, flow.destinationPort) : (flow.destinationPort, flow.sourcePort)
        return ServicePorts.isServer(own, against: peer) ? .client : .server
    }

    private static func key(_ flow: PendingFlow, _ record: Oriented, role: PeerRole) -> FlowRows.Key {
        let peer = record.isSourceOwn ? flow.destination : flow.source
        let isPeerPort = (role == .server) == record.isSourceOwn
        return FlowRows.Key(
            minute: flow.start / 60,
            peer: role == .server ? IPPrefix(peer) : IPPrefix(peer, bits: peer.isV4 ? 120 : 48), place: record.place,
            peerPort: isPeerPort ? flow.destinationPort : flow.sourcePort, protocolNumber: flow.protocolNumber,
            reason: flow.reason, direction: record.isSourceOwn ? .egress : .ingress, role: role)
    }

    /// A record of attempts to open a connection and of nothing else.
    private static func isAttempt(_ flow: PendingFlow) -> Bool {
        if flow.hasFlags { return flow.tcpFlags == TCPFlags.syn }
        let limit = flow.source.isV4 ? FlowPairing.attemptPacketBytesMaxV4 : FlowPairing.attemptPacketBytesMaxV6
        return flow.packets > 0 && flow.packets <= FlowPairing.attemptPacketsMax && flow.bytes > 0
            && flow.bytes <= flow.packets * limit
    }

    /// Records of one connection that are looked at for each of its records. A connection has one record a minute and
    /// direction; a file with a hundred thousand of one must not take their square.
    private static let stepsMax = 256

    /// True if a record of the same connection in the wanted direction satisfies `condition`.
    private func contains(
        _ index: Int, _ flows: [PendingFlow], isSameDirection: Bool, where condition: (PendingFlow) -> Bool
    ) -> Bool {
        let record = oriented[index]
        var other = connections[Int(record.connection)].head
        var steps = 0
        while other >= 0, steps < FlowBatch.stepsMax {
            steps += 1
            let candidate = oriented[Int(other)]
            if Int(other) != index, (candidate.isSourceOwn == record.isSourceOwn) == isSameDirection,
                condition(flows[Int(other)])
            {
                return true
            }
            other = candidate.next
        }
        return false
    }

    private func hasAnswer(_ index: Int, _ flow: PendingFlow, _ flows: [PendingFlow]) -> Bool {
        contains(index, flows, isSameDirection: false) { other in
            FlowPairing.isAnswered(start: flow.start, end: flow.end, byStart: other.start, end: other.end)
        }
    }

    /// True if the batch has what this record answers, so that no other file can need it. With flags only a SYN counts:
    /// a connection whose SYN closed the window before goes on in both directions in this one.
    private func hasOpening(_ index: Int, _ flow: PendingFlow, _ flows: [PendingFlow]) -> Bool {
        contains(index, flows, isSameDirection: false) { other in
            other.start <= flow.start && (!other.hasFlags || other.tcpFlags & TCPFlags.syn != 0)
                && FlowPairing.isAnswered(start: other.start, end: other.end, byStart: flow.start, end: flow.end)
        }
    }

    /// True for a rejected packet of a connection that worked before: it came after the close.
    private func isLate(_ index: Int, _ flow: PendingFlow, _ flows: [PendingFlow]) -> Bool {
        guard flow.isTCP else { return false }
        if flow.hasFlags {
            return flow.tcpFlags & TCPFlags.syn == 0 && flow.tcpFlags & (TCPFlags.fin | TCPFlags.reset) != 0
        }
        return contains(index, flows, isSameDirection: true) { !$0.isRejected && $0.start <= flow.start }
    }
}
