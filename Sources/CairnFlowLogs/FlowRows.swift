/// The counters of a file while it is read.
struct FlowRows: Sendable {
    /// Sixteen bytes: minute and place, then peer and service.
    struct Key: Hashable, Sendable {
        var high: UInt64
        var low: UInt64

        /// - Parameters:
        ///   - minute: since 1970, below 2^32: the parser takes no time after the year 9999.
        ///   - service: see `FlowRows.service`.
        @inline(__always)
        init(minute: Int64, place: UInt32, peer: Int, service: UInt32) {
            high = UInt64(truncatingIfNeeded: minute) << 32 | UInt64(place)
            low = UInt64(truncatingIfNeeded: peer) << 32 | UInt64(service)
        }

        var minute: Int64 { Int64(high >> 32) }
        var place: Int { Int(truncatingIfNeeded: high & 0xFFFF_FFFF) }
        var peer: Int { Int(truncatingIfNeeded: low >> 32) }
        var service: UInt32 { UInt32(truncatingIfNeeded: low) }

        @inline(__always)
        var hash: UInt64 { ByteKeyTable.mixed(high &* 0x9E37_79B9_7F4A_7C15 ^ low) }
    }

    private(set) var keys: [Key] = []
    var counts: [FlowCounts] = []
    private(set) var peers = PrefixNumbers()
    private var index = FlatIndex(capacity: 4096)

    /// Reasons that fit into a service.
    static let reasonsMax = 64

    /// Port, role, direction, protocol and reason in 32 bits.
    @inline(__always)
    static func service(
        port: UInt16, role: PeerRole, direction: FlowDirection, protocolNumber: UInt8, reason: UInt8
    ) -> UInt32 {
        UInt32(port) << 16 | UInt32(role.rawValue) << 15 | UInt32(direction.rawValue) << 14
            | UInt32(protocolNumber) << 6 | UInt32(reason)
    }

    private static func service(_ code: UInt32, reasons: [String]) -> FlowService {
        FlowService(
            port: UInt16(truncatingIfNeeded: code >> 16), role: code & 1 << 15 == 0 ? .server : .client,
            direction: code & 1 << 14 == 0 ? .ingress : .egress,
            protocolNumber: UInt8(truncatingIfNeeded: code >> 6), rejectReason: reasons[Int(code & 63)])
    }

    @inline(__always)
    mutating func row(of flow: PendingFlow, role: PeerRole) -> Int {
        let peer = flow.peerAddress
        // What a server is called stays; clients are many, and their blocks are few.
        let prefix = role == .server ? IPPrefix(peer) : IPPrefix(peer, bits: peer.isV4 ? 120 : 48)
        let isPeerPort = (role == .server) == flow.isSourceOwn
        let key = Key(
            minute: flow.start / 60, place: flow.place, peer: peers.number(of: prefix),
            service: FlowRows.service(
                port: isPeerPort ? flow.destinationPort : flow.sourcePort, role: role,
                direction: flow.isSourceOwn ? .egress : .ingress, protocolNumber: flow.protocolNumber,
                reason: flow.reason))
        let count = keys.count
        let row = index.number(key.hash, count: count, isKey: { keys[$0] == key }, hashOf: { keys[$0].hash })
        if row == count {
            keys.append(key)
            counts.append(FlowCounts())
        }
        return row
    }

    /// Writes the counters in their order into the columns, whose places are set.
    ///
    /// - Parameter placeRanks: the number in `columns.seen` of each place of the keys.
    /// - Returns: the row in the columns of each row here.
    func write(to columns: inout FlowFileColumns, placeRanks: [Int], reasons: [String]) -> [UInt32] {
        let peerOrder = peers.prefixes.indices.sorted { peers.prefixes[$0] < peers.prefixes[$1] }
        var peerRanks = [Int](repeating: 0, count: peerOrder.count)
        for (rank, number) in peerOrder.enumerated() { peerRanks[number] = rank }
        columns.peers = peerOrder.map { peers.prefixes[$0] }
        var codes: [UInt32] = []
        var codeIndex = FlatIndex()
        var codeOfRow: [UInt32] = []
        codeOfRow.reserveCapacity(keys.count)
        for key in keys {
            let count = codes.count
            let code = key.service
            let number = codeIndex.number(
                ByteKeyTable.mixed(UInt64(code)), count: count, isKey: { codes[$0] == code },
                hashOf: { ByteKeyTable.mixed(UInt64(codes[$0])) })
            if number == count { codes.append(code) }
            codeOfRow.append(UInt32(truncatingIfNeeded: number))
        }
        let services = codes.map { FlowRows.service($0, reasons: reasons) }
        let serviceOrder = services.indices.sorted { services[$0] < services[$1] }
        var serviceRanks = [Int](repeating: 0, count: serviceOrder.count)
        for (rank, number) in serviceOrder.enumerated() { serviceRanks[number] = rank }
        columns.services = serviceOrder.map { services[$0] }
        let order = order(
            placeRanks: placeRanks, peerRanks: peerRanks, serviceRanks: serviceRanks, codeOfRow: codeOfRow)
        fill(&columns, in: order, placeRanks, peerRanks, serviceRanks, codeOfRow)
        var rowOf = [UInt32](repeating: 0, count: keys.count)
        for (place, row) in order.enumerated() { rowOf[Int(row)] = UInt32(truncatingIfNeeded: place) }
        return rowOf
    }

    private func fill(
        _ columns: inout FlowFileColumns, in order: [UInt32], _ placeRanks: [Int], _ peerRanks: [Int],
        _ serviceRanks: [Int], _ codeOfRow: [UInt32]
    ) {
        let count = order.count
        columns.minutes = order.map { keys[Int($0)].minute }
        columns.placeNumbers = order.map { UInt32(truncatingIfNeeded: placeRanks[keys[Int($0)].place]) }
        columns.peerNumbers = order.map { UInt32(truncatingIfNeeded: peerRanks[keys[Int($0)].peer]) }
        columns.serviceNumbers = order.map { UInt32(truncatingIfNeeded: serviceRanks[Int(codeOfRow[Int($0)])]) }
        func column(_ value: (FlowCounts) -> UInt64) -> [UInt64] {
            var column = [UInt64](repeating: 0, count: count)
            for place in 0..<count { column[place] = value(counts[Int(order[place])]) }
            return column
        }
        columns.counts = [
            column(\.flows), column(\.rejects), column(\.lateRejects), column(\.resets), column(\.tcpFlows),
            column(\.synOnly), column(\.packets), column(\.bytes), column(\.longPackets),
        ]
    }

    private func order(
        placeRanks: [Int], peerRanks: [Int], serviceRanks: [Int], codeOfRow: [UInt32]
    ) -> [UInt32] {
        var first = Int64.max
        var last = Int64.min
        for key in keys {
            first = min(first, key.minute)
            last = max(last, key.minute)
        }
        guard first <= last else { return [] }
        let serviceBits = FlowOrder.bits(for: UInt64(serviceRanks.count))
        let peerBits = FlowOrder.bits(for: UInt64(peerRanks.count))
        let placeBits = FlowOrder.bits(for: UInt64(placeRanks.count))
        let minuteBits = FlowOrder.bits(for: UInt64(last - first))
        let bits = serviceBits + peerBits + placeBits + minuteBits
        guard bits <= 64 else {
            // More kinds of everything than any real file has.
            func parts(_ row: UInt32) -> (Int64, Int, Int, Int) {
                let key = keys[Int(row)]
                return (
                    key.minute, placeRanks[key.place], peerRanks[key.peer], serviceRanks[Int(codeOfRow[Int(row)])]
                )
            }
            return (0..<UInt32(keys.count)).sorted { parts($0) < parts($1) }
        }
        var sortKeys = [UInt64](repeating: 0, count: keys.count)
        for row in keys.indices {
            let key = keys[row]
            var sortKey = UInt64(key.minute - first)
            sortKey = sortKey << UInt64(placeBits) | UInt64(placeRanks[key.place])
            sortKey = sortKey << UInt64(peerBits) | UInt64(peerRanks[key.peer])
            sortKeys[row] = sortKey << UInt64(serviceBits) | UInt64(serviceRanks[Int(codeOfRow[row])])
        }
        return FlowOrder.order(of: sortKeys, bits: bits)
    }
}
