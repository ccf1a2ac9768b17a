internal import CairnBytes

/// Values of a group that their models do not tell, with their places.
///
/// Per series and exception: varint distance from the exception before, a byte that says which value it is, and for
/// `other` its eight bytes.
enum ValueExceptions {
    private static let common: [UInt64] = [
        Sample.staleMarkerBits, Double.infinity.bitPattern, (-Double.infinity).bitPattern, (-0.0).bitPattern,
        // Quiet NaN as most processors, and as Go, writes it.
        0x7FF8_0000_0000_0000, 0x7FF8_0000_0000_0001,
    ]
    private static let other: UInt8 = 255

    static func append(
        _ places: [Int], of values: UnsafeBufferPointer<Double>, to output: inout ByteWriter
    ) {
        var before = 0
        for place in places {
            output.appendVarint(UInt64(place - before))
            before = place
            let bits = unsafe values[place].bitPattern
            if let kind = common.firstIndex(of: bits) {
                output.append(UInt8(kind))
            } else {
                output.append(other)
                output.append(bits)
            }
        }
    }

    /// Puts the exceptions of one series in their places.
    static func apply(
        _ count: Int, to values: UnsafeMutableBufferPointer<Double>, from input: inout ByteReader
    ) throws {
        var place: UInt64 = 0
        for _ in 0..<count {
            let distance = try input.readVarint()
            guard distance < UInt64(values.count), place + distance < UInt64(values.count) else {
                throw PackedNumbersError(reason: "an exception has no place")
            }
            place += distance
            let bits = try readBits(&input)
            unsafe values[Int(place)] = Double(bitPattern: bits)
        }
    }

    /// Passes over the exceptions of one series.
    static func skip(_ count: Int, in input: inout ByteReader) throws {
        for _ in 0..<count {
            _ = try input.readVarint()
            _ = try readBits(&input)
        }
    }

    private static func readBits(_ input: inout ByteReader) throws -> UInt64 {
        let kind = try input.read(UInt8.self)
        if kind == other { return try input.read() }
        guard Int(kind) < common.count else { throw PackedNumbersError(reason: "exception \(kind) is unknown") }
        return common[Int(kind)]
    }
}
