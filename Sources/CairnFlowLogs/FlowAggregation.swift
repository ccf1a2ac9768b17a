/// Groups the records of flow logs by any fields: the sink behind `cairn flows`.
///
/// A group's key is packed into bytes whose order is the order of the values, so that looking it up, merging the tables
/// of several threads and sorting need no strings; those are made of the rows that are shown.
package struct FlowAggregation: FlowLogSink {
    /// Sums of one group.
    package struct Sums: Hashable, Sendable {
        package var flows: UInt64 = 0
        package var rejects: UInt64 = 0
        /// Records whose `tcp-flags` are SYN alone.
        package var synOnly: UInt64 = 0
        package var packets: UInt64 = 0
        package var bytes: UInt64 = 0

        mutating func add(_ other: Sums) {
            flows = FlowCounts.sum(flows, other.flows)
            rejects = FlowCounts.sum(rejects, other.rejects)
            synOnly = FlowCounts.sum(synOnly, other.synOnly)
            packets = FlowCounts.sum(packets, other.packets)
            bytes = FlowCounts.sum(bytes, other.bytes)
        }
    }

    package struct Row: Hashable, Sendable {
        /// In the order of the query's columns; `-` for a missing value.
        package var key: [String]
        package var sums: Sums
    }

    /// The columns after the key.
    package static let sumNames = ["flows", "rejects", "syn_only", "packets", "bytes"]

    /// Where the value of a column comes from, in the format being read.
    private enum Getter: Sendable {
        case cluster
        case minute
        case address(FlowRecord.Presence)
        case port(FlowRecord.Presence)
        case number(FlowRecord.Presence, FlowLogField)
        case textNumber(Int)
        case text(Int)
        case absent
    }

    let query: FlowQuery
    /// Sorted names; a record's cluster is an index into them.
    private let clusters: [String]
    private var cluster = 0
    private var getters: [Getter] = []
    private var filterGetters: [FlowColumn: Getter] = [:]
    private var table = ByteKeyTable(capacity: 1024)
    private var sums: [Sums] = []
    private var scratch: [UInt8] = []

    /// - Parameter clusters: the name of every cluster whose files will be read.
    package init(_ query: FlowQuery, clusters: [String]) {
        self.query = query
        self.clusters = Set(clusters).sorted()
    }

    /// Says whose file the next records are from.
    package mutating func beginFile(cluster name: String) { cluster = clusters.firstIndex(of: name) ?? 0 }

    package mutating func begin(_ format: FlowLogFormat) {
        getters = query.columns.map { FlowAggregation.getter($0, format) }
        filterGetters = [:]
        for column in query.filter?.columns ?? [] { filterGetters[column] = FlowAggregation.getter(column, format) }
    }

    private static func getter(_ column: FlowColumn, _ format: FlowLogFormat) -> Getter {
        guard case .field(let field) = column else { return column == .cluster ? .cluster : .minute }
        guard let place = format.column(of: field) else { return .absent }
        switch field {
        case .sourceAddress: return .address(.source)
        case .destinationAddress: return .address(.destination)
        case .packetSourceAddress: return .address(.packetSource)
        case .packetDestinationAddress: return .address(.packetDestination)
        case .sourcePort: return .port(.sourcePort)
        case .destinationPort: return .port(.destinationPort)
        case .protocolNumber: return .number(.protocolNumber, field)
        case .packets: return .number(.packets, field)
        case .bytes: return .number(.bytes, field)
        case .start: return .number(.start, field)
        case .end: return .number(.end, field)
        default: return field.content == .number ? .textNumber(place) : .text(place)
        }
    }

    package mutating func accept(_ record: FlowRecord, _ bytes: Span<UInt8>, _ bounds: FlowFieldBounds) {
        if record.status != .ok, !query.wantsGaps { return }
        if let filter = query.filter, !test(filter.root, record, bytes, bounds) { return }
        scratch.removeAll(keepingCapacity: true)
        for getter in getters { pack(getter, record, bytes, bounds) }
        let known = table.count
        let group = table.index(of: scratch)
        if group == known { sums.append(Sums()) }
        var sum = sums[group]
        sum.flows &+= 1
        if record.action == .reject { sum.rejects &+= 1 }
        if record.present.contains(.tcpFlags), record.tcpFlags == TCPFlags.syn { sum.synOnly &+= 1 }
        sum.packets = FlowCounts.sum(sum.packets, record.packets)
        sum.bytes = FlowCounts.sum(sum.bytes, record.bytes)
        sums[group] = sum
    }

    // MARK: Keys

    /// Addresses are a tag and 4 or 16 bytes, ports a tag and 2, numbers a tag and 8, text goes up to a zero byte; a
    /// missing value is one zero byte. All in big-endian order, so missing values are first.
    private mutating func pack(_ getter: Getter, _ record: FlowRecord, _ bytes: Span<UInt8>, _ bounds: FlowFieldBounds)
    {
        switch getter {
        case .cluster: append(UInt64(cluster), count: 3)
        case .minute:
            if record.present.isDisjoint(with: [.start, .end]) {
                append(0, count: 6)
            } else {
                append(1 << 40 | UInt64(record.start / 60), count: 6)
            }
        case .address(let which):
            guard record.present.contains(which) else {
                scratch.append(0)
                return
            }
            let address = FlowAggregation.address(which, record)
            if address.isV4 {
                append(1 << 32 | address.low & 0xFFFF_FFFF, count: 5)
            } else {
                scratch.append(2)
                append(address.high, count: 8)
                append(address.low, count: 8)
            }
        case .port(let which):
            guard record.present.contains(which) else {
                scratch.append(0)
                return
            }
            append(1 << 16 | UInt64(which == .sourcePort ? record.sourcePort : record.destinationPort), count: 3)
        case .number(let which, let field):
            packNumber(record.present.contains(which) ? FlowAggregation.number(field, record) : nil)
        case .textNumber(let column):
            packNumber(FlowAggregation.number(bytes, bounds.range(of: column)))
        case .text(let column):
            let range = bounds.range(of: column)
            if !FlowLineParser.isMissing(bytes, range.lowerBound, range.upperBound) {
                for index in range { scratch.append(bytes[index]) }
            }
            scratch.append(0)
        case .absent: scratch.append(0)
        }
    }

    @inline(__always)
    private mutating func append(_ value: UInt64, count: Int) {
        for shift in (0..<count).reversed() { scratch.append(UInt8(truncatingIfNeeded: value >> UInt64(shift * 8))) }
    }

    private mutating func packNumber(_ number: Int64?) {
        guard let number else {
            scratch.append(0)
            return
        }
        scratch.append(1)
        append(UInt64(bitPattern: number) ^ 1 << 63, count: 8)
    }

    private static func address(_ which: FlowRecord.Presence, _ record: FlowRecord) -> IPAddress {
        switch which {
        case .source: record.source
        case .destination: record.destination
        case .packetSource: record.packetSource
        default: record.packetDestination
        }
    }

    private static func number(_ field: FlowLogField, _ record: FlowRecord) -> Int64 {
        switch field {
        case .protocolNumber: Int64(record.protocolNumber)
        case .packets: Int64(clamping: record.packets)
        case .bytes: Int64(clamping: record.bytes)
        case .start: record.start
        default: record.end
        }
    }

    private static func number(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int64? {
        guard !range.isEmpty, range.count <= 18 else { return nil }
        var value: Int64 = 0
        for index in range {
            let digit = bytes[index] &- 0x30
            guard digit <= 9 else { return nil }
            value = value * 10 + Int64(digit)
        }
        return value
    }

    /// The values of a packed key, as text.
    private func values(of key: ArraySlice<UInt8>) -> [String] {
        var rest = key
        func take(_ count: Int) -> UInt64 {
            var value: UInt64 = 0
            for _ in 0..<count { value = value << 8 | UInt64(rest.popFirst() ?? 0) }
            return value
        }
        return query.columns.map { column in
            switch column {
            case .cluster:
                let index = Int(take(3))
                return clusters.indices.contains(index) ? clusters[index] : "-"
            case .minute:
                let value = take(6)
                return value == 0 ? "-" : String(value & 0xFF_FFFF_FFFF)
            case .field(let field):
                switch field.content {
                case .address:
                    switch take(1) {
                    case 0: return "-"
                    case 1: return IPAddress(v4: UInt32(take(4))).description
                    default:
                        let high = take(8)
                        return IPAddress(high: high, low: take(8)).description
                    }
                case .port:
                    return take(1) == 0 ? "-" : String(take(2))
                case .number, .time: return take(1) == 0 ? "-" : String(Int64(bitPattern: take(8) ^ 1 << 63))
                case .text:
                    let end = rest.firstIndex(of: 0) ?? rest.endIndex
                    let text = String(decoding: rest[..<end], as: UTF8.self)
                    rest = rest[min(rest.endIndex, end + 1)...]
                    return text.isEmpty ? "-" : text
                }
            }
        }
    }

    // MARK: Conditions

    private func test(_ node: FlowFilter.Node, _ record: FlowRecord, _ bytes: Span<UInt8>, _ bounds: FlowFieldBounds)
        -> Bool
    {
        switch node {
        case .and(let left, let right):
            return test(left, record, bytes, bounds) && test(right, record, bytes, bounds)
        case .or(let left, let right):
            return test(left, record, bytes, bounds) || test(right, record, bytes, bounds)
        case .not(let inner): return !test(inner, record, bytes, bounds)
        case .compare(let column, let comparison, let values):
            let getter = filterGetters[column] ?? .absent
            for value in values where compare(getter, comparison, value, record, bytes, bounds) { return true }
            return false
        }
    }

    private func compare(
        _ getter: Getter, _ comparison: FlowFilter.Operator, _ value: FlowFilter.Value, _ record: FlowRecord,
        _ bytes: Span<UInt8>, _ bounds: FlowFieldBounds
    ) -> Bool {
        switch value {
        case .number(let wanted):
            guard let number = number(getter, record, bytes, bounds) else { return false }
            switch comparison {
            case .equal: return number == wanted
            case .less: return number < wanted
            case .lessOrEqual: return number <= wanted
            case .greater: return number > wanted
            case .greaterOrEqual: return number >= wanted
            }
        case .block(let block):
            guard case .address(let which) = getter, record.present.contains(which) else { return false }
            return block.contains(FlowAggregation.address(which, record))
        case .text(let wanted):
            if case .cluster = getter { return Array(clusters[cluster].utf8) == wanted }
            guard case .text(let column) = getter else { return false }
            let range = bounds.range(of: column)
            guard range.count == wanted.count else { return false }
            for offset in 0..<wanted.count where bytes[range.lowerBound + offset] != wanted[offset] { return false }
            return true
        case .missing: return isMissing(getter, record, bytes, bounds)
        }
    }

    private func number(
        _ getter: Getter, _ record: FlowRecord, _ bytes: Span<UInt8>, _ bounds: FlowFieldBounds
    ) -> Int64? {
        switch getter {
        case .minute: return record.present.isDisjoint(with: [.start, .end]) ? nil : record.start / 60
        case .port(let which):
            guard record.present.contains(which) else { return nil }
            return Int64(which == .sourcePort ? record.sourcePort : record.destinationPort)
        case .number(let which, let field):
            return record.present.contains(which) ? FlowAggregation.number(field, record) : nil
        case .textNumber(let column): return FlowAggregation.number(bytes, bounds.range(of: column))
        default: return nil
        }
    }

    private func isMissing(
        _ getter: Getter, _ record: FlowRecord, _ bytes: Span<UInt8>, _ bounds: FlowFieldBounds
    ) -> Bool {
        switch getter {
        case .cluster: return false
        case .absent: return true
        case .address(let which): return !record.present.contains(which)
        case .text(let column):
            let range = bounds.range(of: column)
            return FlowLineParser.isMissing(bytes, range.lowerBound, range.upperBound)
        default: return number(getter, record, bytes, bounds) == nil
        }
    }

    // MARK: Results

    package var groupCount: Int { table.count }

    /// Adds the groups of another aggregation of the same query over the same clusters.
    package mutating func merge(_ other: FlowAggregation) {
        for index in 0..<other.table.count {
            let known = table.count
            let group = table.index(ofKey: index, in: other.table)
            if group == known {
                sums.append(other.sums[index])
            } else {
                sums[group].add(other.sums[index])
            }
        }
    }

    /// The rows: with `top` the groups with the most flows, most first; else all, in the order of their keys.
    package func rows(top: Int? = nil) -> [Row] {
        order(top: top).map { index in Row(key: values(of: table.bytes(at: index)), sums: sums[index]) }
    }

    private func order(top: Int?) -> [Int] {
        // Sixteen bytes decide nearly every comparison without looking at the arena.
        struct Entry {
            var first: UInt64
            var second: UInt64
            var index: Int
        }
        var entries: [Entry] = []
        entries.reserveCapacity(table.count)
        for index in 0..<table.count {
            var first: UInt64 = 0
            var second: UInt64 = 0
            let key = table.bytes(at: index)
            for (offset, byte) in key.prefix(16).enumerated() {
                if offset < 8 {
                    first |= UInt64(byte) << UInt64(56 - offset * 8)
                } else {
                    second |= UInt64(byte) << UInt64(120 - offset * 8)
                }
            }
            entries.append(Entry(first: first, second: second, index: index))
        }
        func precedes(_ left: Entry, _ right: Entry) -> Bool {
            if left.first != right.first { return left.first < right.first }
            if left.second != right.second { return left.second < right.second }
            return table.bytes(at: left.index).lexicographicallyPrecedes(table.bytes(at: right.index))
        }
        guard let top else { return entries.sorted(by: precedes).map(\.index) }
        return entries.sorted { left, right in
            let (one, other) = (sums[left.index].flows, sums[right.index].flows)
            return one == other ? precedes(left, right) : one > other
        }.prefix(max(0, top)).map(\.index)
    }
}
