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
///     version 3 | zlib( totals | seen | peers | services | rows | gaps | asks | answers )
///
/// Version 2 is the same, but its places have neither account nor VPC; it is read and never written.
///
/// Numbers are varints, and columns are as `FlowColumnWriter` says. The rows' columns, in this order: minute, place,
/// peer (each as the signed difference to the row before), service; flows, rejects, late rejects, resets, flows without
/// those of TCP, attempts, packets, bytes, packets without those of long connections (both differences signed, and
/// modulo 2^64). Equal summaries have equal bytes.
extension FlowFileColumns {
    package static let version: UInt8 = 3
    static let versionWithoutAccounts: UInt8 = 2
    /// Raw bytes accepted when decoding: a summary of 20 million counters takes a third of it.
    package static let rawBytesMax = 1 << 30
    /// Rows that few bytes may claim: columns of equal values cost nothing, and a forged count must not cost memory.
    private static let rowsMin = 1 << 20

    package func encoded() -> [UInt8] {
        var writer = FlowColumnWriter(capacity: 1024 + rowCount * 8)
        writer.append(totals)
        encodeNames(to: &writer)
        encodeRows(to: &writer)
        encodeRest(to: &writer)
        // Short codes alone: what is left in the columns after differences repeats in no longer pattern.
        return [FlowFileColumns.version] + Deflate.compress(writer.bytes, level: 1, strategy: .huffmanOnly)
    }

    private func encodeNames(to writer: inout FlowColumnWriter) {
        writer.append(UInt64(seen.count))
        for seen in seen {
            writer.append(seen.place)
            writer.append(signed: seen.first)
            writer.append(signed: seen.last &- seen.first)
        }
        writer.append(UInt64(peers.count))
        for peer in peers {
            writer.append(byte: peer.bits)
            writer.append(peer.address.high)
            writer.append(peer.address.low)
        }
        writer.append(UInt64(services.count))
        for service in services {
            writer.append(UInt64(service.port))
            writer.append(byte: service.direction.rawValue | service.role.rawValue << 1)
            writer.append(byte: service.protocolNumber)
            writer.append(service.rejectReason)
        }
    }

    private func encodeRows(to writer: inout FlowColumnWriter) {
        let rows = rowCount
        writer.append(UInt64(rows))
        var column = [UInt64](repeating: 0, count: rows)
        var last: Int64 = 0
        for row in 0..<rows {
            column[row] = FlowColumnWriter.zigzag(minutes[row] &- last)
            last = minutes[row]
        }
        writer.append(column: column)
        for numbers in [placeNumbers, peerNumbers] {
            var last: Int64 = 0
            for row in 0..<rows {
                let number = Int64(numbers[row])
                column[row] = FlowColumnWriter.zigzag(number &- last)
                last = number
            }
            writer.append(column: column)
        }
        for row in 0..<rows { column[row] = UInt64(serviceNumbers[row]) }
        writer.append(column: column)
        for (number, values) in counts.enumerated() {
            guard let base = FlowCounts.base(ofColumn: number) else {
                writer.append(column: values)
                continue
            }
            let bases = counts[base]
            for row in 0..<rows {
                column[row] = FlowColumnWriter.zigzag(Int64(bitPattern: bases[row] &- values[row]))
            }
            writer.append(column: column)
        }
    }

    private func encodeRest(to writer: inout FlowColumnWriter) {
        var indexes: [FlowPlace: Int] = [:]
        if !gaps.isEmpty { for (index, seen) in seen.enumerated() { indexes[seen.place] = index } }
        writer.append(UInt64(gaps.count))
        for gap in gaps {
            writer.append(UInt64(indexes[gap.place] ?? 0))
            writer.append(byte: gap.status.rawValue)
            writer.append(signed: gap.start)
            writer.append(signed: gap.end &- gap.start)
        }
        writer.append(UInt64(asks.count))
        for ask in asks { writer.append(fixed: ask.connection) }
        writer.append(column: asks.map { FlowColumnWriter.zigzag($0.start &- (totals.first ?? 0)) })
        writer.append(column: asks.map { FlowColumnWriter.zigzag($0.end &- $0.start) })
        writer.append(column: asks.map { UInt64($0.row) })
        writer.append(UInt64(answers.count))
        for answer in answers { writer.append(fixed: answer.connection) }
        writer.append(column: answers.map { FlowColumnWriter.zigzag($0.start &- (totals.first ?? 0)) })
        writer.append(column: answers.map { FlowColumnWriter.zigzag($0.end &- $0.start) })
    }

    // MARK: Reading

    package init(encoded bytes: [UInt8]) throws(FlowSummaryError) {
        guard let version = bytes.first else { throw .inconsistent("there are no bytes") }
        let known = [
            FlowFileColumns.version, FlowFileColumns.versionWithoutAccounts, FlowFileSummary.firstVersion,
        ]
        guard known.contains(version) else {
            throw .unknownVersion(version)
        }
        let raw: [UInt8]
        do throws(InflateError) {
            if let literals = Inflate.decompressLiterals(bytes.dropFirst(), limit: FlowFileColumns.rawBytesMax) {
                raw = literals
            } else {
                raw = try Inflate.decompress(Array(bytes.dropFirst()), limit: FlowFileColumns.rawBytesMax)
            }
        } catch {
            throw .inflate(error)
        }
        guard version != FlowFileSummary.firstVersion else {
            self.init(try FlowFileSummary(firstVersion: raw))
            return
        }
        self.init()
        var reader = FlowColumnReader(raw)
        let isSound: Bool
        do throws(ByteError) {
            isSound = try decode(&reader, hasAccounts: version == FlowFileColumns.version)
        } catch {
            throw .damaged(error)
        }
        guard isSound else {
            throw .inconsistent("a number names something that is not there, or rows are out of order")
        }
        guard reader.remaining == 0 else { throw .inconsistent("there are bytes after the end") }
    }

    private mutating func decode(
        _ reader: inout FlowColumnReader, hasAccounts: Bool
    ) throws(ByteError) -> Bool {
        totals = try reader.readTotals()
        guard try decodeNames(&reader, hasAccounts), try decodeRows(&reader), areRowsInOrder() else { return false }
        return try decodeRest(&reader)
    }

    private mutating func decodeNames(
        _ reader: inout FlowColumnReader, _ hasAccounts: Bool
    ) throws(ByteError) -> Bool {
        for _ in 0..<(try reader.readCount(bytesEach: 7)) {
            let place = try reader.readPlace(hasAccount: hasAccounts)
            if let last = seen.last, !(last.place < place) { return false }
            let first = try reader.readSigned()
            seen.append(FlowSeen(place: place, first: first, last: first &+ (try reader.readSigned())))
        }
        for _ in 0..<(try reader.readCount(bytesEach: 3)) {
            let bits = try reader.readByte()
            let high = try reader.read()
            let peer = IPPrefix(IPAddress(high: high, low: try reader.read()), bits: Int(bits))
            if bits > 128 { return false }
            if let last = peers.last, !(last < peer) { return false }
            peers.append(peer)
        }
        for _ in 0..<(try reader.readCount(bytesEach: 4)) {
            let port = try reader.read()
            let kinds = try reader.readByte()
            guard port <= 65_535, kinds < 4 else { return false }
            let protocolNumber = try reader.readByte()
            let service = FlowService(
                port: UInt16(port), role: kinds & 2 == 0 ? .server : .client,
                direction: kinds & 1 == 0 ? .ingress : .egress, protocolNumber: protocolNumber,
                rejectReason: try reader.readText())
            if let last = services.last, !(last < service) { return false }
            services.append(service)
        }
        return true
    }

    private mutating func decodeRows(_ reader: inout FlowColumnReader) throws(ByteError) -> Bool {
        let claimed = try reader.read()
        guard claimed <= UInt64(FlowFileColumns.rowsMin + reader.remaining * 8) else { return false }
        let rows = Int(claimed)
        minutes = [Int64](repeating: 0, count: rows)
        let differences = try reader.readColumn(count: rows)
        var minute: Int64 = 0
        for row in 0..<rows {
            minute = minute &+ FlowColumnReader.signed(differences[row])
            minutes[row] = minute
        }
        func numbers(below limit: Int) throws(ByteError) -> [UInt32]? {
            let differences = try reader.readColumn(count: rows)
            var numbers = [UInt32](repeating: 0, count: rows)
            var number: Int64 = 0
            for row in 0..<rows {
                number = number &+ FlowColumnReader.signed(differences[row])
                guard number >= 0, number < limit else { return nil }
                numbers[row] = UInt32(truncatingIfNeeded: number)
            }
            return numbers
        }
        guard let places = try numbers(below: seen.count), let peers = try numbers(below: peers.count) else {
            return false
        }
        placeNumbers = places
        peerNumbers = peers
        serviceNumbers = [UInt32](repeating: 0, count: rows)
        let column = try reader.readColumn(count: rows)
        for row in 0..<rows {
            guard column[row] < UInt64(services.count) else { return false }
            serviceNumbers[row] = UInt32(truncatingIfNeeded: column[row])
        }
        for number in counts.indices {
            var values = try reader.readColumn(count: rows)
            if let base = FlowCounts.base(ofColumn: number) {
                let bases = counts[base]
                for row in 0..<rows {
                    values[row] = bases[row] &- UInt64(bitPattern: FlowColumnReader.signed(values[row]))
                }
            }
            counts[number] = values
        }
        return true
    }

    /// Rows ascend, so each key is there once: readers merge files by it.
    private func areRowsInOrder() -> Bool {
        for row in 1..<max(1, rowCount) {
            if minutes[row] != minutes[row - 1] {
                if minutes[row] < minutes[row - 1] { return false }
                continue
            }
            let place = (placeNumbers[row - 1], placeNumbers[row])
            let peer = (peerNumbers[row - 1], peerNumbers[row])
            if place.0 != place.1 {
                if place.0 > place.1 { return false }
            } else if peer.0 != peer.1 {
                if peer.0 > peer.1 { return false }
            } else if serviceNumbers[row - 1] >= serviceNumbers[row] {
                return false
            }
        }
        return true
    }

    private mutating func decodeRest(_ reader: inout FlowColumnReader) throws(ByteError) -> Bool {
        for _ in 0..<(try reader.readCount(bytesEach: 4)) {
            let place = try reader.read()
            guard place < UInt64(seen.count), let status = FlowLogStatus(rawValue: try reader.readByte())
            else { return false }
            let start = try reader.readSigned()
            gaps.append(
                FlowGap(
                    place: seen[Int(place)].place, status: status, start: start, end: start &+ (try reader.readSigned())
                ))
        }
        let base = totals.first ?? 0
        func windows() throws(ByteError) -> (connections: [UInt64], starts: [UInt64], lengths: [UInt64]) {
            let count = try reader.readCount(bytesEach: 8)
            var connections: [UInt64] = []
            connections.reserveCapacity(count)
            for _ in 0..<count { connections.append(try reader.readFixed()) }
            let starts = try reader.readColumn(count: count)
            return (connections, starts, try reader.readColumn(count: count))
        }
        let asked = try windows()
        let rows = try reader.readColumn(count: asked.connections.count)
        for (index, connection) in asked.connections.enumerated() {
            guard rows[index] < UInt64(rowCount) else { return false }
            let start = base &+ FlowColumnReader.signed(asked.starts[index])
            asks.append(
                Ask(
                    connection: connection, start: start,
                    end: start &+ FlowColumnReader.signed(asked.lengths[index]), row: Int(rows[index])))
        }
        let answered = try windows()
        for (index, connection) in answered.connections.enumerated() {
            let start = base &+ FlowColumnReader.signed(answered.starts[index])
            answers.append(
                FlowAnswer(
                    connection: connection, start: start, end: start &+ FlowColumnReader.signed(answered.lengths[index])
                ))
        }
        return true
    }
}

extension FlowFileSummary {
    package static let mediaType = "application/vnd.cairn.flow-counters"

    package func encoded() -> [UInt8] { FlowFileColumns(self).encoded() }

    package init(encoded bytes: [UInt8]) throws(FlowSummaryError) {
        self.init(try FlowFileColumns(encoded: bytes))
    }
}

extension FlowCounts {
    /// Columns in stored form, in this order for good. `unanswered` is not one of them: a file alone cannot know it.
    package static let columnCount = 9
    static let flowsColumn = 0
    static let packetsColumn = 6

    /// The column that another one is stored as the rest to, since it mostly is equal.
    static func base(ofColumn column: Int) -> Int? {
        switch column {
        case 4: flowsColumn
        case 8: packetsColumn
        default: nil
        }
    }

    package subscript(column column: Int) -> UInt64 {
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
