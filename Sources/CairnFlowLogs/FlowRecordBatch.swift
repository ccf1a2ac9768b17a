/// What a file leaves open for other files, and for its own other batches.
struct FlowOpenEnds: Sendable {
    /// Attempts without an answer; `row` numbers a counter of `FlowRows`.
    var asks: [FlowFileColumns.Ask] = []
    /// Answers whose opening is not there: another file may have it.
    var answers: [FlowAnswer] = []
    /// Traffic of connections that were opened before: it answers an attempt of this file in another batch, but no
    /// other file needs it, since the record of its opening answers there.
    var continued: [FlowAnswer] = []
}

/// Brings the records of a batch together by connection, then counts them.
struct FlowRecordBatch: Sendable {
    private struct Connection: Sendable {
        var hash: UInt64
        var head: Int32
        /// Known from the flags of a SYN, which only the opener sends without ACK.
        var role: PeerRole?
        /// Of its fullest record.
        var packetsMax: UInt64
    }

    private var flows: [PendingFlow] = []
    /// The connection of each record, and the next record of the same connection or -1.
    private var connectionOf: [Int32] = []
    private var nextOf: [Int32] = []
    private var connections: [Connection] = []
    private var index = FlatIndex(capacity: 4096)

    var count: Int { flows.count }

    @inline(__always)
    mutating func append(_ flow: PendingFlow) { flows.append(flow) }

    /// Counts the records and forgets them.
    ///
    /// - Parameter isOnly: the file has no other batch.
    mutating func settle(
        _ knowledge: OwnAddressKnowledge, isOnly: Bool, places: inout FlowPlaceTable, rows: inout FlowRows,
        open: inout FlowOpenEnds
    ) {
        connect(knowledge, &places)
        for index in flows.indices { count(index, isOnly: isOnly, &rows, &open) }
        flows.removeAll(keepingCapacity: true)
        connectionOf.removeAll(keepingCapacity: true)
        nextOf.removeAll(keepingCapacity: true)
        connections.removeAll(keepingCapacity: true)
        index.removeAll()
    }

    private mutating func connect(_ knowledge: OwnAddressKnowledge, _ places: inout FlowPlaceTable) {
        connectionOf.reserveCapacity(flows.count)
        nextOf.reserveCapacity(flows.count)
        for record in flows.indices {
            var flow = flows[record]
            flow.isSourceOwn = knowledge.isSourceOwn(flow)
            let place = places.locate(Int(flow.place), own: flow.ownAddress, start: flow.start, end: flow.end)
            flow.place = UInt32(truncatingIfNeeded: place)
            flows[record] = flow
            let hash = flow.connectionHash(clusterHash: places.clusterHashes[place])
            let known = connections.count
            let connection = index.number(
                hash, count: known, isKey: { connections[$0].hash == hash }, hashOf: { connections[$0].hash })
            if connection == known {
                connections.append(Connection(hash: hash, head: -1, role: nil, packetsMax: 0))
            }
            nextOf.append(connections[connection].head)
            connectionOf.append(Int32(truncatingIfNeeded: connection))
            connections[connection].head = Int32(truncatingIfNeeded: record)
            if flow.packets > connections[connection].packetsMax { connections[connection].packetsMax = flow.packets }
            if flow.isTCP, flow.hasFlags, flow.tcpFlags & TCPFlags.syn != 0 {
                let isServerSide = flow.tcpFlags & TCPFlags.ack != 0
                connections[connection].role = isServerSide == flow.isSourceOwn ? .client : .server
            }
        }
    }

    @inline(__always)
    private func count(_ index: Int, isOnly: Bool, _ rows: inout FlowRows, _ open: inout FlowOpenEnds) {
        let flow = flows[index]
        let connection = connections[Int(connectionOf[index])]
        let role = connection.role ?? flow.roleByPorts
        let row = rows.row(of: flow, role: role)
        let isFromOpener = (role == .server) == flow.isSourceOwn
        var counts = FlowCounts()
        counts.flows = 1
        counts.packets = flow.packets
        counts.bytes = flow.bytes
        if flow.isTCP { counts.tcpFlows = 1 }
        if flow.isTCP, flow.hasFlags, flow.tcpFlags & TCPFlags.reset != 0 { counts.resets = 1 }
        if flow.isRejected {
            counts.rejects = 1
            if isLate(index, flow) { counts.lateRejects = 1 }
        } else if flow.isTCP {
            if isFromOpener, flow.isAttempt {
                if flow.hasFlags { counts.synOnly = 1 }
                if !hasAnswer(index, flow) {
                    open.asks.append(
                        FlowFileColumns.Ask(
                            connection: connection.hash, start: flow.start, end: flow.end, row: row))
                }
            } else if connection.packetsMax >= FlowPairing.longPacketsMin {
                counts.longPackets = flow.packets
            }
        }
        if flow.isTCP, !isFromOpener, !hasOpening(index, flow) {
            let answer = FlowAnswer(connection: connection.hash, start: flow.start, end: flow.end)
            let isOpening = !flow.hasFlags || flow.tcpFlags & (TCPFlags.syn | TCPFlags.reset) != 0
            if isOpening { open.answers.append(answer) } else if !isOnly { open.continued.append(answer) }
        }
        rows.counts[row].add(counts)
    }

    /// Records of one connection that are looked at for each of its records. A connection has one record a minute and
    /// direction; a file with a hundred thousand of one must not take their square.
    private static let stepsMax = 256

    /// True if a record of the same connection in the wanted direction satisfies `condition`.
    @inline(__always)
    private func contains(
        _ index: Int, _ flow: PendingFlow, isSameDirection: Bool, where condition: (PendingFlow) -> Bool
    ) -> Bool {
        var other = connections[Int(connectionOf[index])].head
        var steps = 0
        while other >= 0, steps < FlowRecordBatch.stepsMax {
            steps += 1
            let candidate = Int(other)
            if candidate != index, (flows[candidate].isSourceOwn == flow.isSourceOwn) == isSameDirection,
                condition(flows[candidate])
            {
                return true
            }
            other = nextOf[candidate]
        }
        return false
    }

    private func hasAnswer(_ index: Int, _ flow: PendingFlow) -> Bool {
        contains(index, flow, isSameDirection: false) { other in
            FlowPairing.isAnswered(start: flow.start, end: flow.end, byStart: other.start, end: other.end)
        }
    }

    /// True if the batch has what this record answers, so that no other file can need it. With flags only a SYN counts:
    /// a connection whose SYN closed the window before goes on in both directions in this one.
    private func hasOpening(_ index: Int, _ flow: PendingFlow) -> Bool {
        contains(index, flow, isSameDirection: false) { other in
            other.start <= flow.start && (!other.hasFlags || other.tcpFlags & TCPFlags.syn != 0)
                && FlowPairing.isAnswered(start: other.start, end: other.end, byStart: flow.start, end: flow.end)
        }
    }

    /// True for a rejected packet of a connection that worked before: it came after the close.
    private func isLate(_ index: Int, _ flow: PendingFlow) -> Bool {
        guard flow.isTCP else { return false }
        if flow.hasFlags {
            return flow.tcpFlags & TCPFlags.syn == 0 && flow.tcpFlags & (TCPFlags.fin | TCPFlags.reset) != 0
        }
        return contains(index, flow, isSameDirection: true) { !$0.isRejected && $0.start <= flow.start }
    }
}
