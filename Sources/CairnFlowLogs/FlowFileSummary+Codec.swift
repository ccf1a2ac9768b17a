package import CairnBytes

/// Why stored flow counters cannot be read.
package enum FlowSummaryError: Error, Hashable, Sendable, CustomStringConvertible {
    case unknownVersion(UInt8)
    case damaged(ByteError)
    case inflate(InflateError)
    case inconsistent(String)

    package var description: String {
        switch self {
        case .unknownVersion(let version):
            "cannot read flow counters of version \(version): they were written by a newer Cairn"
        case .damaged(let error): "cannot read flow counters: \(error)"
        case .inflate(let error): "cannot read flow counters: \(error)"
        case .inconsistent(let reason): "cannot read flow counters: \(reason)"
        }
    }
}

/// The attachment `flow-counters`: one byte of version, then a zlib stream of columns.
///
///     version 1 | zlib( totals | places | reasons | peers | counters by column | gaps | asks | answers )
///
/// Numbers are varints; a row names its place, reason and peer by their number in the lists before; minutes are
/// differences to the row before.
/// Equal summaries have equal bytes.
extension FlowFileSummary {
    package static let mediaType = "application/vnd.cairn.flow-counters"
    package static let version: UInt8 = 1
    /// Raw bytes accepted when decoding: a summary of 20 million counters.
    package static let rawBytesMax = 1 << 30

    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + counters.count * 16)
        FlowFileSummary.encode(totals, to: &writer)
        let places = self.places
        var indexes: [FlowPlace: Int] = [:]
        writer.appendVarint(UInt64(places.count))
        for (index, place) in places.enumerated() {
            indexes[place] = index
            for part in [place.cluster, place.interface, place.subnet, place.zone, place.instance] {
                writer.appendCounted(part)
            }
        }
        let reasons = Set(counters.map(\.key.rejectReason)).sorted()
        writer.appendVarint(UInt64(reasons.count))
        for reason in reasons { writer.appendCounted(reason) }
        encodeCounters(places: indexes, reasons: reasons, to: &writer)
        encodeRest(places: indexes, to: &writer)
        return [FlowFileSummary.version] + Deflate.compress(writer.bytes, level: 1)
    }

    private static func encode(_ totals: FlowTotals, to writer: inout ByteWriter) {
        for value in [
            totals.records, totals.acceptedRecords, totals.rejectedRecords, totals.noData, totals.skipData,
            totals.incomplete, totals.packets, totals.bytes,
        ] { writer.appendVarint(value) }
        for value in [totals.first, totals.last] {
            writer.appendVarint(value == nil ? 0 : 1)
            writer.appendZigzag(value ?? 0)
        }
    }

    private func encodeCounters(places: [FlowPlace: Int], reasons: [String], to writer: inout ByteWriter) {
        var peers: [IPPrefix: Int] = [:]
        for counter in counters { peers[counter.key.peer] = 0 }
        let sortedPeers = peers.keys.sorted()
        writer.appendVarint(UInt64(sortedPeers.count))
        for (index, peer) in sortedPeers.enumerated() {
            peers[peer] = index
            writer.append(peer.bits)
            writer.append(peer.address.high)
            writer.append(peer.address.low)
        }
        writer.appendVarint(UInt64(counters.count))
        var minute: Int64 = 0
        for counter in counters {
            writer.appendZigzag(counter.key.minute &- minute)
            minute = counter.key.minute
        }
        for counter in counters { writer.appendVarint(UInt64(places[counter.key.place] ?? 0)) }
        for counter in counters { writer.append(counter.key.direction.rawValue | counter.key.role.rawValue << 1) }
        for counter in counters { writer.append(counter.key.protocolNumber) }
        for counter in counters { writer.appendVarint(UInt64(peers[counter.key.peer] ?? 0)) }
        for counter in counters { writer.append(counter.key.peerPort) }
        var reasonIndexes: [String: Int] = [:]
        for (index, reason) in reasons.enumerated() { reasonIndexes[reason] = index }
        for counter in counters { writer.appendVarint(UInt64(reasonIndexes[counter.key.rejectReason] ?? 0)) }
        for column in 0..<FlowCounts.columnCount {
            for counter in counters { writer.appendVarint(counter.counts[column: column]) }
        }
    }

    private func encodeRest(places: [FlowPlace: Int], to writer: inout ByteWriter) {
        writer.appendVarint(UInt64(gaps.count))
        for gap in gaps {
            writer.appendVarint(UInt64(places[gap.place] ?? 0))
            writer.append(gap.status.rawValue)
            writer.appendZigzag(gap.start)
            writer.appendZigzag(gap.end &- gap.start)
        }
        writer.appendVarint(UInt64(asks.count))
        for ask in asks {
            writer.append(ask.connection)
            writer.appendZigzag(ask.start)
            writer.appendZigzag(ask.end &- ask.start)
            writer.appendVarint(UInt64(row(of: ask.key)))
        }
        writer.appendVarint(UInt64(answers.count))
        for answer in answers {
            writer.append(answer.connection)
            writer.appendZigzag(answer.start)
            writer.appendZigzag(answer.end &- answer.start)
        }
    }

    /// The index of the counter with this key.
    private func row(of key: FlowCounterKey) -> Int {
        var low = 0
        var high = counters.count
        while low < high {
            let middle = (low + high) / 2
            if counters[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    package init(encoded bytes: [UInt8]) throws(FlowSummaryError) {
        self.init()
        guard let version = bytes.first else { throw .inconsistent("there are no bytes") }
        guard version == FlowFileSummary.version else { throw .unknownVersion(version) }
        let raw: [UInt8]
        do throws(InflateError) {
            raw = try Inflate.decompress(Array(bytes.dropFirst()), limit: FlowFileSummary.rawBytesMax)
        } catch {
            throw .inflate(error)
        }
        var reader = ByteReader(raw)
        let isSound: Bool
        do throws(ByteError) {
            isSound = try decode(&reader)
        } catch {
            throw .damaged(error)
        }
        guard isSound else { throw .inconsistent("a number names something that is not there") }
        guard reader.isAtEnd else { throw .inconsistent("there are bytes after the end") }
    }

    private mutating func decode(_ reader: inout ByteReader) throws(ByteError) -> Bool {
        totals.records = try reader.readVarint()
        totals.acceptedRecords = try reader.readVarint()
        totals.rejectedRecords = try reader.readVarint()
        totals.noData = try reader.readVarint()
        totals.skipData = try reader.readVarint()
        totals.incomplete = try reader.readVarint()
        totals.packets = try reader.readVarint()
        totals.bytes = try reader.readVarint()
        let hasFirst = try reader.readVarint() == 1
        let first = try reader.readZigzag()
        let hasLast = try reader.readVarint() == 1
        let last = try reader.readZigzag()
        totals.first = hasFirst ? first : nil
        totals.last = hasLast ? last : nil
        var places: [FlowPlace] = []
        for _ in 0..<(try reader.readCount(bytesEach: 5)) {
            let cluster = try reader.readString()
            let interface = try reader.readString()
            let subnet = try reader.readString()
            let zone = try reader.readString()
            places.append(
                FlowPlace(
                    cluster: cluster, interface: interface, subnet: subnet, zone: zone,
                    instance: try reader.readString()))
        }
        var reasons: [String] = []
        for _ in 0..<(try reader.readCount()) { reasons.append(try reader.readString()) }
        guard try decodeCounters(&reader, places: places, reasons: reasons) else { return false }
        return try decodeRest(&reader, places: places)
    }

    private mutating func decodeCounters(
        _ reader: inout ByteReader, places: [FlowPlace], reasons: [String]
    ) throws(ByteError) -> Bool {
        var peers: [IPPrefix] = []
        for _ in 0..<(try reader.readCount(bytesEach: 17)) {
            let bits = try reader.read(UInt8.self)
            let high = try reader.read(UInt64.self)
            let low = try reader.read(UInt64.self)
            guard bits <= 128 else { return false }
            peers.append(IPPrefix(IPAddress(high: high, low: low), bits: Int(bits)))
        }
        let count = try reader.readCount(bytesEach: 8 + FlowCounts.columnCount)
        if count == 0 { return true }
        guard let anyPlace = places.first else { return false }
        let empty = FlowCounterKey(
            minute: 0, place: anyPlace, direction: .ingress, role: .server, peer: IPPrefix(.none), peerPort: 0)
        counters = [FlowCounter](repeating: FlowCounter(key: empty, counts: FlowCounts()), count: count)
        var minute: Int64 = 0
        for row in 0..<count {
            minute = minute &+ (try reader.readZigzag())
            counters[row].key.minute = minute
        }
        for row in 0..<count {
            let place = try reader.readVarint()
            guard place < UInt64(places.count) else { return false }
            counters[row].key.place = places[Int(place)]
        }
        for row in 0..<count {
            let kinds = try reader.read(UInt8.self)
            guard kinds < 4 else { return false }
            counters[row].key.direction = kinds & 1 == 0 ? .ingress : .egress
            counters[row].key.role = kinds & 2 == 0 ? .server : .client
        }
        for row in 0..<count { counters[row].key.protocolNumber = try reader.read(UInt8.self) }
        for row in 0..<count {
            let peer = try reader.readVarint()
            guard peer < UInt64(peers.count) else { return false }
            counters[row].key.peer = peers[Int(peer)]
        }
        for row in 0..<count { counters[row].key.peerPort = try reader.read(UInt16.self) }
        for row in 0..<count {
            let reason = try reader.readVarint()
            guard reason < UInt64(reasons.count) else { return false }
            counters[row].key.rejectReason = reasons[Int(reason)]
        }
        for column in 0..<FlowCounts.columnCount {
            for row in 0..<count { counters[row].counts[column: column] = try reader.readVarint() }
        }
        return true
    }

    private mutating func decodeRest(_ reader: inout ByteReader, places: [FlowPlace]) throws(ByteError) -> Bool {
        for _ in 0..<(try reader.readCount(bytesEach: 4)) {
            let place = try reader.readVarint()
            guard place < UInt64(places.count), let status = FlowLogStatus(rawValue: try reader.read(UInt8.self))
            else { return false }
            let start = try reader.readZigzag()
            let end = start &+ (try reader.readZigzag())
            gaps.append(FlowGap(place: places[Int(place)], status: status, start: start, end: end))
        }
        for _ in 0..<(try reader.readCount(bytesEach: 11)) {
            let connection = try reader.read(UInt64.self)
            let start = try reader.readZigzag()
            let end = start &+ (try reader.readZigzag())
            let row = try reader.readVarint()
            guard row < UInt64(counters.count) else { return false }
            asks.append(FlowAsk(connection: connection, start: start, end: end, key: counters[Int(row)].key))
        }
        for _ in 0..<(try reader.readCount(bytesEach: 10)) {
            let connection = try reader.read(UInt64.self)
            let start = try reader.readZigzag()
            answers.append(
                FlowAnswer(connection: connection, start: start, end: start &+ (try reader.readZigzag())))
        }
        return true
    }
}

extension FlowCounts {
    /// Columns in stored form, in this order for good. `unanswered` is not one of them: a file alone cannot know it.
    static let columnCount = 9

    subscript(column column: Int) -> UInt64 {
        get {
            switch column {
            case 0: flows
            case 1: rejects
            case 2: lateRejects
            case 3: resets
            case 4: tcpFlows
            case 5: synOnly
            case 6: packets
            case 7: bytes
            default: longPackets
            }
        }
        set {
            switch column {
            case 0: flows = newValue
            case 1: rejects = newValue
            case 2: lateRejects = newValue
            case 3: resets = newValue
            case 4: tcpFlows = newValue
            case 5: synOnly = newValue
            case 6: packets = newValue
            case 7: bytes = newValue
            default: longPackets = newValue
            }
        }
    }
}
