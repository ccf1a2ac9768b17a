/// Why bytes are no protobuf message, and where.
package struct ProtobufError: Error, Hashable, Sendable, CustomStringConvertible {
    package var reason: String
    /// Offset in the whole body.
    package var offset: Int

    package init(reason: String, offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    package var description: String { "cannot read the protobuf message at byte \(offset): \(reason)" }
}

/// A cursor over the fields of one protobuf message, which lies in a part of a larger body. It is passed the body with
/// each call, since a value cannot keep a span; nested messages are ranges with cursors of their own, so that depth is
/// what the schema has and never what a sender says.
///
/// ```
/// var message = ProtobufReader(range)
/// while let field = try message.next(body) {
///     switch field.number {
///     case 1: let inner = try message.bytes(body, field)
///     default: try message.skip(body, field)
/// ```
package struct ProtobufReader: Sendable {
    package struct Field: Sendable {
        package var number: UInt32
        package var type: WireType
        /// Where its tag stands.
        package var offset: Int
    }

    package enum WireType: UInt8, Sendable {
        case varint = 0
        case fixed64 = 1
        case bytes = 2
        case groupStart = 3
        case groupEnd = 4
        case fixed32 = 5
    }

    package private(set) var offset: Int
    package let end: Int

    /// - Parameter range: within the body that all calls are given.
    package init(_ range: Range<Int>) {
        offset = range.lowerBound
        end = range.upperBound
    }

    package var isAtEnd: Bool { offset >= end }

    /// The next field's tag, nil at the end of the message. Its value must be read or skipped next.
    @inline(__always)
    package mutating func next(_ body: Span<UInt8>) throws(ProtobufError) -> Field? {
        guard offset < end else { return nil }
        let start = offset
        let tag: UInt64
        if body[offset] < 0x80 {
            tag = UInt64(body[offset])
            offset &+= 1
        } else {
            tag = try varint(body)
        }
        guard let type = WireType(rawValue: UInt8(truncatingIfNeeded: tag & 7)), tag >> 3 > 0, tag <= UInt32.max else {
            throw ProtobufError(reason: "\(tag) is no tag of a field", offset: start)
        }
        return Field(number: UInt32(truncatingIfNeeded: tag >> 3), type: type, offset: start)
    }

    /// The number behind a tag or within a packed field. Senders may pad it, up to ten bytes.
    @inline(__always)
    package mutating func varint(_ body: Span<UInt8>) throws(ProtobufError) -> UInt64 {
        if offset < end, body[offset] < 0x80 {
            offset &+= 1
            return UInt64(body[offset &- 1])
        }
        return try longVarint(body)
    }

    private mutating func longVarint(_ body: Span<UInt8>) throws(ProtobufError) -> UInt64 {
        let start = offset
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard offset < end else { throw ProtobufError(reason: "a number has no end", offset: start) }
            let byte = body[offset]
            offset += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw ProtobufError(reason: "a number is longer than ten bytes", offset: start)
    }

    @inline(__always)
    package mutating func varint(_ body: Span<UInt8>, _ field: Field) throws(ProtobufError) -> UInt64 {
        guard field.type == .varint else { throw wrongType(field) }
        return try varint(body)
    }

    @inline(__always)
    package mutating func fixed64(_ body: Span<UInt8>, _ field: Field) throws(ProtobufError) -> UInt64 {
        guard field.type == .fixed64 else { throw wrongType(field) }
        return try fixed64(body)
    }

    /// Eight bytes within a packed field.
    @inline(__always)
    package mutating func fixed64(_ body: Span<UInt8>) throws(ProtobufError) -> UInt64 {
        guard end - offset >= 8 else { throw ProtobufError(reason: "a number has no end", offset: offset) }
        defer { offset &+= 8 }
        return UInt64(littleEndian: unsafe body.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    @inline(__always)
    package mutating func double(_ body: Span<UInt8>, _ field: Field) throws(ProtobufError) -> Double {
        Double(bitPattern: try fixed64(body, field))
    }

    /// Where the bytes of a text, a nested message or a packed field lie.
    @inline(__always)
    package mutating func bytes(_ body: Span<UInt8>, _ field: Field) throws(ProtobufError) -> Range<Int> {
        guard field.type == .bytes else { throw wrongType(field) }
        let count = try varint(body)
        guard count <= UInt64(end - offset) else {
            throw ProtobufError(
                reason: "field \(field.number) announces \(count) bytes and \(end - offset) are there",
                offset: field.offset)
        }
        let start = offset
        offset = start &+ Int(count)
        return start..<offset
    }

    /// A text, which proto3 has in UTF-8.
    package mutating func text(_ body: Span<UInt8>, _ field: Field) throws(ProtobufError) -> String {
        let range = try bytes(body, field)
        guard let text = String(validating: body.extracting(range)) else {
            throw ProtobufError(reason: "field \(field.number) is not UTF-8", offset: range.lowerBound)
        }
        return text
    }

    /// Passes over a field's value. Groups, which no schema here has, are passed over without recursion.
    package mutating func skip(_ body: Span<UInt8>, _ field: Field) throws(ProtobufError) {
        switch field.type {
        case .varint: _ = try varint(body)
        case .fixed64: try skip(8)
        case .fixed32: try skip(4)
        case .bytes: _ = try bytes(body, field)
        case .groupStart:
            var depth = 1
            while depth > 0 {
                guard let inner = try next(body) else {
                    throw ProtobufError(reason: "a group has no end", offset: field.offset)
                }
                switch inner.type {
                case .groupStart: depth += 1
                case .groupEnd: depth -= 1
                default: try skip(body, inner)
                }
            }
        case .groupEnd: throw ProtobufError(reason: "a group ends that never began", offset: field.offset)
        }
    }

    private mutating func skip(_ count: Int) throws(ProtobufError) {
        guard end - offset >= count else { throw ProtobufError(reason: "a number has no end", offset: offset) }
        offset += count
    }

    package func wrongType(_ field: Field) -> ProtobufError {
        ProtobufError(reason: "field \(field.number) has the wire type \(field.type.rawValue)", offset: field.offset)
    }
}
