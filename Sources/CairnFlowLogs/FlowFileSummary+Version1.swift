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
        var reader = FlowColumnReader(raw)
        let isSound: Bool
        do throws(ByteError) {
            isSound = try decode(&reader)
        } catch {
            throw .damaged(error)
        }
        guard isSound else { throw .inconsistent("a number names something that is not there") }
        guard reader.remaining == 0 else { throw .inconsistent("there are bytes after the end") }
    }

    private mutating func decode(_ reader: inout FlowColumnReader) throws(ByteError) -> Bool {
        totals = try reader.readTotals()
        var places: [FlowPlace] = []
        for _ in 0..<(try reader.readCount(bytesEach: 5)) {
            places.append(try reader.readPlace(hasAccount: false))
        }
        var reasons: [String] = []
        for _ in 0..<(try reader.readCount(bytesEach: 1)) { reasons.append(try reader.readText()) }
        guard try decodeCounters(&reader, places: places, reasons: reasons) else { return false }
        return try decodeRest(&reader, places: places)
    }

    private mutating func decodeCounters(
        _ reader: inout FlowColumnReader, places: [FlowPlace], reasons: [String]
    ) throws(ByteError) -> Bool {
        var peers: [IPPrefix] = []
        for _ in 0..<(try reader.readCount(bytesEach: 17)) {
            let bits = try reader.readByte()
            let high = try reader.readFixed()
            let low = try reader.readFixed()
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
            minute = minute &+ (try reader.readSigned())
            counters[row].key.minute = minute
        }
        for row in 0..<count {
            let place = try reader.read()
            guard place < UInt64(places.count) else { return false }
            counters[row].key.place = places[Int(place)]
        }
        for row in 0..<count {
            let kinds = try reader.readByte()
            guard kinds < 4 else { return false }
            counters[row].key.direction = kinds & 1 == 0 ? .ingress : .egress
            counters[row].key.role = kinds & 2 == 0 ? .server : .client
        }
        for row in 0..<count { counters[row].key.protocolNumber = try reader.readByte() }
        for row in 0..<count {
            let peer = try reader.read()
            guard peer < UInt64(peers.count) else { return false }
            counters[row].key.peer = peers[Int(peer)]
        }
        for row in 0..<count { counters[row].key.peerPort = UInt16(truncatingIfNeeded: try reader.readFixed(bytes: 2)) }
        for row in 0..<count {
            let reason = try reader.read()
            guard reason < UInt64(reasons.count) else { return false }
            counters[row].key.rejectReason = reasons[Int(reason)]
        }
        for column in 0..<FlowCounts.columnCount {
            for row in 0..<count { counters[row].counts[column: column] = try reader.read() }
        }
        return true
    }

    private mutating func decodeRest(_ reader: inout FlowColumnReader, places: [FlowPlace]) throws(ByteError) -> Bool {
        for _ in 0..<(try reader.readCount(bytesEach: 4)) {
            let place = try reader.read()
            guard place < UInt64(places.count), let status = FlowLogStatus(rawValue: try reader.readByte())
            else { return false }
            let start = try reader.readSigned()
            let end = start &+ (try reader.readSigned())
            gaps.append(FlowGap(place: places[Int(place)], status: status, start: start, end: end))
        }
        for _ in 0..<(try reader.readCount(bytesEach: 11)) {
            let connection = try reader.readFixed()
            let start = try reader.readSigned()
            let end = start &+ (try reader.readSigned())
            let row = try reader.read()
            guard row < UInt64(counters.count) else { return false }
            asks.append(FlowAsk(connection: connection, start: start, end: end, key: counters[Int(row)].key))
        }
        for _ in 0..<(try reader.readCount(bytesEach: 10)) {
            let connection = try reader.readFixed()
            let start = try reader.readSigned()
            answers.append(
                FlowAnswer(connection: connection, start: start, end: start &+ (try reader.readSigned())))
        }
        return true
    }
}
