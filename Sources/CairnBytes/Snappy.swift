/// Why bytes are no snappy block.
package enum SnappyError: Error, Hashable, Sendable, CustomStringConvertible {
    case damaged(offset: Int, reason: String)
    case tooLarge(announced: UInt64, limit: Int)

    package var description: String {
        switch self {
        case .damaged(let offset, let reason): "cannot read the snappy block at byte \(offset): \(reason)"
        case .tooLarge(let announced, let limit):
            "cannot read the snappy block: it announces \(announced) bytes and \(limit) are allowed"
        }
    }
}

/// Snappy's block format, as Prometheus compresses remote write: a length, then literals and copies. The framed format
/// is another one and is refused as damaged.
package enum Snappy {
    /// Three bytes copy at most 64, so no block grows more than this. A forged length must not reserve memory.
    private static let growthMax = 22

    /// The content of a block, if the length it announces is within the limit and true.
    package static func decompress(_ block: Span<UInt8>, bytesMax: Int) throws(SnappyError) -> [UInt8] {
        var place = 0
        let announced = try length(block, &place)
        guard announced <= UInt64(max(0, bytesMax)) else { throw .tooLarge(announced: announced, limit: bytesMax) }
        guard announced <= UInt64(block.count) * UInt64(growthMax) else {
            throw .damaged(offset: 0, reason: "it announces more bytes than the block can hold")
        }
        var output = [UInt8](repeating: 0, count: Int(announced))
        var span = output.mutableSpan
        var bytes = unsafe span.mutableBytes
        try unsafe expand(block.bytes, from: place, into: &bytes)
        return output
    }

    package static func decompress(_ block: [UInt8], bytesMax: Int) throws(SnappyError) -> [UInt8] {
        try decompress(block.span, bytesMax: bytesMax)
    }

    private static func length(_ block: Span<UInt8>, _ place: inout Int) throws(SnappyError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 35, by: 7) {
            guard place < block.count else { break }
            let byte = block[place]
            place += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80, value <= UInt64(UInt32.max) { return value }
        }
        throw .damaged(offset: 0, reason: "it does not begin with a length of 32 bits")
    }

    /// Every load and store is checked against its span once more, so that a slip here would stop and not corrupt.
    private static func expand(
        _ input: RawSpan, from start: Int, into output: inout MutableRawSpan
    ) throws(SnappyError) {
        var place = start
        var written = 0
        let total = output.byteCount
        while place < input.byteCount {
            let tag = byte(input, place)
            if tag & 3 == 0 {
                var count = Int(tag >> 2)
                var head = 1
                if count >= 60 {
                    head += count - 59
                    guard head <= input.byteCount - place else { throw endsEarly(place) }
                    count = 0
                    for index in (1..<head).reversed() { count = count << 8 | Int(byte(input, place + index)) }
                }
                count += 1
                guard count <= input.byteCount - place - head else { throw endsEarly(place) }
                guard count <= total - written else { throw tooLong(place) }
                copyIn(input, place + head, count, &output, written)
                place += head + count
                written += count
            } else {
                let head = tag & 3 == 1 ? 2 : tag & 3 == 2 ? 3 : 5
                guard head <= input.byteCount - place else { throw endsEarly(place) }
                var count = Int(tag >> 2) + 1
                var offset = Int(byte(input, place + 1))
                if head == 2 {
                    count = Int(tag >> 2 & 7) + 4
                    offset |= Int(tag >> 5) << 8
                } else {
                    for index in 2..<head { offset |= Int(byte(input, place + index)) << (8 * (index - 1)) }
                }
                guard offset > 0, offset <= written else {
                    throw .damaged(offset: place, reason: "a copy reaches before the beginning")
                }
                guard count <= total - written else { throw tooLong(place) }
                copyBack(offset, count, &output, written)
                place += head
                written += count
            }
        }
        guard written == total else { throw endsEarly(input.byteCount) }
    }

    private static func endsEarly(_ place: Int) -> SnappyError {
        .damaged(offset: place, reason: "it ends before the bytes that it announces")
    }

    private static func tooLong(_ place: Int) -> SnappyError {
        .damaged(offset: place, reason: "it has more bytes than it announces")
    }

    @inline(__always)
    private static func byte(_ bytes: RawSpan, _ offset: Int) -> UInt8 {
        unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// Copies a literal, eight bytes at a time where both sides have room for it; what is written too far is
    /// overwritten by what comes next.
    @inline(__always)
    private static func copyIn(
        _ input: RawSpan, _ place: Int, _ count: Int, _ output: inout MutableRawSpan, _ written: Int
    ) {
        var done = 0
        if place + count + 8 <= input.byteCount, written + count + 8 <= output.byteCount {
            while done < count {
                let word = unsafe input.unsafeLoadUnaligned(fromByteOffset: place + done, as: UInt64.self)
                output.storeBytes(of: word, toByteOffset: written + done, as: UInt64.self)
                done += 8
            }
        }
        while done < count {
            output.storeBytes(of: byte(input, place + done), toByteOffset: written + done, as: UInt8.self)
            done += 1
        }
    }

    /// Copies from what was written; a copy may reach into itself and then repeats.
    @inline(__always)
    private static func copyBack(_ offset: Int, _ count: Int, _ output: inout MutableRawSpan, _ written: Int) {
        var done = 0
        if offset >= 8, written + count + 8 <= output.byteCount {
            while done < count {
                let word = unsafe output.unsafeLoadUnaligned(fromByteOffset: written - offset + done, as: UInt64.self)
                output.storeBytes(of: word, toByteOffset: written + done, as: UInt64.self)
                done += 8
            }
        }
        while done < count {
            let byte = unsafe output.unsafeLoad(fromByteOffset: written - offset + done, as: UInt8.self)
            output.storeBytes(of: byte, toByteOffset: written + done, as: UInt8.self)
            done += 1
        }
    }
}
