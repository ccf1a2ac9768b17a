/// Why a binary record cannot be read, and where.
package struct ByteError: Error, Hashable, Sendable, CustomStringConvertible {
    package var reason: String
    package var offset: Int

    package init(reason: String, offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    package var description: String { "cannot read byte \(offset): \(reason)" }
}

/// A cursor over a binary record, the counterpart of `ByteWriter`: every read checks its bounds and throws.
package struct ByteReader: Sendable {
    package let bytes: [UInt8]
    package private(set) var offset: Int
    package let end: Int

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
        offset = 0
        end = bytes.count
    }

    /// Reads a part of `bytes`; offsets in errors count from the start of the whole array.
    package init(_ bytes: [UInt8], range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "the range lies outside the bytes")
        self.bytes = bytes
        offset = range.lowerBound
        end = range.upperBound
    }

    package var remaining: Int { end - offset }
    package var isAtEnd: Bool { offset == end }

    package mutating func read<Integer: FixedWidthInteger>(
        _ type: Integer.Type = Integer.self
    ) throws(ByteError) -> Integer {
        let size = Integer.bitWidth / 8
        guard remaining >= size else {
            throw ByteError(reason: "the record ends \(size - remaining) bytes early", offset: offset)
        }
        var value: Integer = 0
        for index in (0..<size).reversed() { value = value << 8 | Integer(truncatingIfNeeded: bytes[offset + index]) }
        offset += size
        return value
    }

    package mutating func read(count: Int) throws(ByteError) -> [UInt8] {
        guard count >= 0, count <= remaining else {
            throw ByteError(reason: "\(count) bytes are promised and \(remaining) are there", offset: offset)
        }
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    package mutating func skip(_ count: Int) throws(ByteError) {
        guard count >= 0, count <= remaining else {
            throw ByteError(reason: "\(count) bytes are promised and \(remaining) are there", offset: offset)
        }
        offset += count
    }

    package mutating func readVarint() throws(ByteError) -> UInt64 {
        var value: UInt64 = 0
        let start = offset
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard offset < end else { throw ByteError(reason: "a number without its end", offset: start) }
            let byte = bytes[offset]
            offset += 1
            // The tenth byte has room for one bit only.
            guard shift < 63 || byte <= 1 else { break }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 {
                // One number has one form: a padded one would be a second spelling of the same record.
                guard byte != 0 || shift == 0 else { throw ByteError(reason: "a padded number", offset: start) }
                return value
            }
        }
        throw ByteError(reason: "a number over 64 bits", offset: start)
    }

    package mutating func readZigzag() throws(ByteError) -> Int64 {
        let raw = try readVarint()
        return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
    }

    /// A varint that counts things of at least `bytesEach` bytes, so that a forged count cannot reserve memory for
    /// more than the record holds.
    package mutating func readCount(bytesEach: Int = 1) throws(ByteError) -> Int {
        let start = offset
        let count = try readVarint()
        guard count <= UInt64(remaining / max(1, bytesEach)) else {
            throw ByteError(reason: "a count of \(count) with \(remaining) bytes left", offset: start)
        }
        return Int(count)
    }

    package mutating func readCounted() throws(ByteError) -> [UInt8] { try read(count: try readCount()) }

    package mutating func readString() throws(ByteError) -> String {
        let start = offset
        guard let text = String(validating: try readCounted()) else {
            throw ByteError(reason: "a text is not valid UTF-8", offset: start)
        }
        return text
    }
}

extension String {
    /// Nil unless the bytes are valid UTF-8. The standard library's `String(validating:as:)` is generic over every
    /// encoding and takes ten times as long for a short text; and a macOS before 15 does not have it.
    package init?(validating bytes: [UInt8]) {
        self.init(validating: bytes.span)
    }

    package init?(validating span: Span<UInt8>) {
        var text = unsafe span.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
        var bits: UInt8 = 0
        for index in span.indices { bits |= span[index] }
        guard bits >= 0x80 else {
            self = text
            return
        }
        // Decoding repairs what is not UTF-8, and a repair changes bytes.
        let isUnchanged = text.withUTF8 { buffer in
            guard buffer.count == span.count else { return false }
            for index in span.indices where unsafe buffer[index] != span[index] { return false }
            return true
        }
        guard isUnchanged else { return nil }
        self = text
    }
}
