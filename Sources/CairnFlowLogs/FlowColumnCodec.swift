import CairnBytes

/// Writes numbers column by column, each in the form that suits it:
///
///     0 value                                all are equal
///     1 value ...                            one varint each
///     2 value count (gap value) ...          all are equal but for `count`; a gap is the rows since the last exception
///
/// Everything is in one file of one module: a generic call across modules would cost more than the work.
struct FlowColumnWriter {
    private(set) var bytes: [UInt8]

    init(capacity: Int) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    @inline(__always)
    mutating func append(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func append(signed value: Int64) { append(FlowColumnWriter.zigzag(value)) }

    mutating func append(_ text: String) {
        let text = Array(text.utf8)
        append(UInt64(text.count))
        bytes.append(contentsOf: text)
    }

    mutating func append(byte: UInt8) { bytes.append(byte) }

    /// Eight bytes, for hashes.
    mutating func append(fixed value: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    mutating func append(_ totals: FlowTotals) {
        for value in [
            totals.records, totals.acceptedRecords, totals.rejectedRecords, totals.noData, totals.skipData,
            totals.incomplete, totals.packets, totals.bytes,
        ] { append(value) }
        for value in [totals.first, totals.last] {
            append(value == nil ? 0 : 1)
            append(signed: value ?? 0)
        }
    }

    mutating func append(_ place: FlowPlace) {
        for part in place.texts { append(part) }
    }

    mutating func append(column values: [UInt64]) {
        guard let usual = FlowColumnWriter.usual(values) else { return }
        let count = values.count
        if usual.count == count {
            bytes.append(0)
            append(usual.value)
        } else if (count - usual.count) * 2 < count {
            bytes.append(2)
            append(usual.value)
            append(UInt64(count - usual.count))
            var last = 0
            for row in 0..<count where values[row] != usual.value {
                append(UInt64(row - last))
                append(values[row])
                last = row
            }
        } else {
            bytes.append(1)
            // Ten bytes are the longest varint: the loop need not look whether there is room.
            bytes += unsafe [UInt8](unsafeUninitializedCapacity: count * 10) { buffer, filled in
                var place = 0
                for value in values {
                    var rest = value
                    while rest >= 0x80 {
                        unsafe buffer[place] = UInt8(truncatingIfNeeded: rest) | 0x80
                        rest >>= 7
                        place &+= 1
                    }
                    unsafe buffer[place] = UInt8(truncatingIfNeeded: rest)
                    place &+= 1
                }
                filled = place
            }
        }
    }

    /// The value that more than half of the rows have, if there is one, with how many have it. Nil for no rows.
    private static func usual(_ values: [UInt64]) -> (value: UInt64, count: Int)? {
        guard var candidate = values.first else { return nil }
        var lead = 0
        for value in values {
            if lead == 0 { candidate = value }
            lead += value == candidate ? 1 : -1
        }
        var count = 0
        for value in values where value == candidate { count += 1 }
        return (candidate, count)
    }

    @inline(__always)
    static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: value << 1) ^ UInt64(bitPattern: value >> 63) }
}

/// The counterpart of `FlowColumnWriter`.
struct FlowColumnReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var remaining: Int { bytes.count - offset }

    @inline(__always)
    mutating func read() throws(ByteError) -> UInt64 {
        if offset < bytes.count, bytes[offset] < 0x80 {
            offset += 1
            return UInt64(bytes[offset - 1])
        }
        return try readLong()
    }

    @inline(never)
    private mutating func readLong() throws(ByteError) -> UInt64 {
        let start = offset
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while offset < bytes.count, shift < 64 {
            let byte = bytes[offset]
            offset += 1
            guard shift < 63 || byte <= 1 else { break }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 {
                guard byte != 0 else { throw ByteError(reason: "a padded number", offset: start) }
                return value
            }
            shift += 7
        }
        throw ByteError(reason: "a number without its end", offset: start)
    }

    mutating func readSigned() throws(ByteError) -> Int64 { FlowColumnReader.signed(try read()) }

    mutating func readByte() throws(ByteError) -> UInt8 {
        guard offset < bytes.count else { throw ByteError(reason: "the record ends early", offset: offset) }
        offset += 1
        return bytes[offset - 1]
    }

    mutating func readFixed(bytes count: Int = 8) throws(ByteError) -> UInt64 {
        guard remaining >= count else { throw ByteError(reason: "the record ends early", offset: offset) }
        var value: UInt64 = 0
        for index in 0..<count { value |= UInt64(bytes[offset + index]) << UInt64(index * 8) }
        offset += count
        return value
    }

    mutating func readText() throws(ByteError) -> String {
        let start = offset
        let count = try readCount(bytesEach: 1)
        defer { offset += count }
        guard let text = String(validating: Array(bytes[offset..<offset + count])) else {
            throw ByteError(reason: "a text is not valid UTF-8", offset: start)
        }
        return text
    }

    mutating func readTotals() throws(ByteError) -> FlowTotals {
        var totals = FlowTotals()
        totals.records = try read()
        totals.acceptedRecords = try read()
        totals.rejectedRecords = try read()
        totals.noData = try read()
        totals.skipData = try read()
        totals.incomplete = try read()
        totals.packets = try read()
        totals.bytes = try read()
        let hasFirst = try read() == 1
        let first = try readSigned()
        let hasLast = try read() == 1
        let last = try readSigned()
        totals.first = hasFirst ? first : nil
        totals.last = hasLast ? last : nil
        return totals
    }

    /// - Parameter hasAccount: versions before 3 knew neither account nor VPC.
    mutating func readPlace(hasAccount: Bool) throws(ByteError) -> FlowPlace {
        let cluster = try readText()
        let interface = try readText()
        let subnet = try readText()
        let zone = try readText()
        let instance = try readText()
        let account = hasAccount ? try readText() : ""
        return FlowPlace(
            cluster: cluster, interface: interface, subnet: subnet, zone: zone, instance: instance, account: account,
            vpc: hasAccount ? try readText() : "")
    }

    /// Of things of at least this many bytes, so that a forged count cannot reserve memory for more than is there.
    mutating func readCount(bytesEach: Int) throws(ByteError) -> Int {
        let start = offset
        let count = try read()
        guard count <= UInt64(remaining / bytesEach) else {
            throw ByteError(reason: "a count of \(count) with \(remaining) bytes left", offset: start)
        }
        return Int(count)
    }

    mutating func readColumn(count: Int) throws(ByteError) -> [UInt64] {
        guard count > 0 else { return [] }
        let start = offset
        switch try readByte() {
        case 0: return [UInt64](repeating: try read(), count: count)
        case 1:
            guard remaining >= count else { throw ByteError(reason: "a column ends early", offset: start) }
            var values = [UInt64](repeating: 0, count: count)
            for row in 0..<count { values[row] = try read() }
            return values
        case 2:
            var values = [UInt64](repeating: try read(), count: count)
            var row: UInt64 = 0
            for _ in 0..<(try readCount(bytesEach: 2)) {
                let gap = try read()
                guard gap < UInt64(count) else { throw ByteError(reason: "a row outside the column", offset: start) }
                row += gap
                guard row < UInt64(count) else { throw ByteError(reason: "a row outside the column", offset: start) }
                values[Int(row)] = try read()
            }
            return values
        case let form: throw ByteError(reason: "a column of the unknown form \(form)", offset: start)
        }
    }

    @inline(__always)
    static func signed(_ value: UInt64) -> Int64 { Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
}
