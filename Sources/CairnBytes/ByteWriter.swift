/// Builds binary records: little-endian integers, varints, counted bytes.
package struct ByteWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init(capacity: Int = 64) { bytes.reserveCapacity(capacity) }

    package mutating func append<Integer: FixedWidthInteger>(_ value: Integer) {
        var rest = value
        for _ in 0..<Integer.bitWidth / 8 {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest = rest >> 8
        }
    }

    package mutating func append(_ more: [UInt8]) { bytes.append(contentsOf: more) }

    package mutating func append(_ more: ArraySlice<UInt8>) { bytes.append(contentsOf: more) }

    /// LEB128: seven bits a byte, the lowest first.
    package mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Signed numbers with small magnitude stay short: 0, -1, 1, -2 become 0, 1, 2, 3.
    package mutating func appendZigzag(_ value: Int64) {
        appendVarint(UInt64(bitPattern: value << 1) ^ UInt64(bitPattern: value >> 63))
    }

    /// A varint with the length in bytes, then the bytes.
    package mutating func appendCounted(_ more: [UInt8]) {
        appendVarint(UInt64(more.count))
        bytes.append(contentsOf: more)
    }

    package mutating func appendCounted(_ text: String) { appendCounted(Array(text.utf8)) }
}
