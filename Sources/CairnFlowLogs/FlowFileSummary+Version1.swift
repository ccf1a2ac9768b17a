import CairnBytes

/// The stored form of flow counters before version 2: still read, never written.
///
///     version 1 | zlib( totals | places | reasons | peers | counters by column | gaps | asks | answers )
///
/// Numbers are varints; a row names its place, reason and peer by their number in the lists before; minutes are
/// differences to the row before.
extension FlowFileSummary {
    static let firstVersion: UInt8 = 1

    /// - Parameter raw: what came out of the zlib stream.
    init(firstVersion raw: [UInt8]) throws(FlowSummaryError) {
        self.init()
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
