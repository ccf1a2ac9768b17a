internal import CairnBytes

/// A column of the directory: numbers of which the reader knows how many there are.
///
///     one byte: 0 all the same, then a varint; else the packing, then headers and bytes of digits (unless the packing is
///     tokens), tokens and open bits; a header is a varint: length in bytes times two, plus one if deflated
enum NumberColumn {
    static func append(_ numbers: [UInt64], to output: inout ByteWriter) {
        guard let first = numbers.first else { return }
        if numbers.allSatisfy({ $0 == first }) {
            output.append(UInt8(0))
            output.appendVarint(first)
            return
        }
        var histogram = TokenHistogram()
        unsafe numbers.withUnsafeBufferPointer { unsafe histogram.add($0) }
        let packing = Packing.choose(count: numbers.count, below: histogram.below)
        let packed = PackedNumbers(numbers, lengths: [numbers.count], packing: packing)
        output.append(packing.rawValue)
        if packing != .tokens { append(packed.digits, to: &output) }
        append(packed.tokens, to: &output)
        append(packed.bits, to: &output)
    }

    private static func append(_ stream: StoredStream, to output: inout ByteWriter) {
        output.appendVarint(stream.header)
        output.append(stream.bytes)
    }

    static func appendSigned(_ numbers: [Int64], to output: inout ByteWriter) {
        append(numbers.map(Zigzag.encode), to: &output)
    }

    /// Each number as its difference from the one before.
    static func appendDifferences(_ numbers: [Int64], to output: inout ByteWriter) {
        var before: Int64 = 0
        appendSigned(
            numbers.map { number in
                defer { before = number }
                return number &- before
            }, to: &output)
    }

    static func read(_ count: Int, from input: inout ByteReader) throws -> [UInt64] {
        guard count > 0 else { return [] }
        let kind = try input.read(UInt8.self)
        if kind == 0 { return [UInt64](repeating: try input.readVarint(), count: count) }
        guard let packing = Packing(rawValue: kind) else {
            throw PackedNumbersError(reason: "packing \(kind) is unknown")
        }
        let digits = packing == .tokens ? ([], false) : try readStream(&input)
        let tokens = try readStream(&input)
        let bits = try readStream(&input)
        var reader = try PackedNumbersReader(
            packing: packing, digitBytes: packing.bytes(for: count), numbers: count, digits: digits, tokens: tokens,
            bits: bits)
        let room = count + PackedNumbersReader.roomToSpare
        let signed = unsafe [Int64](unsafeUninitializedCapacity: room) { buffer, initialized in
            unsafe buffer.initialize(repeating: 0)
            unsafe reader.read(count, into: buffer.baseAddress!)
            initialized = count
        }
        return signed.map(Zigzag.encode)
    }

    private static func readStream(_ input: inout ByteReader) throws -> (ArraySlice<UInt8>, isDeflated: Bool) {
        let header = try input.readVarint()
        guard header >> 1 <= UInt64(input.remaining) else {
            throw ByteError(
                reason: "\(header >> 1) bytes are promised and \(input.remaining) are there", offset: input.offset)
        }
        return (try input.read(count: Int(header >> 1))[...], header & 1 == 1)
    }

    static func readSigned(_ count: Int, from input: inout ByteReader) throws -> [Int64] {
        try read(count, from: &input).map(Zigzag.decode)
    }

    static func readDifferences(_ count: Int, from input: inout ByteReader) throws -> [Int64] {
        var before: Int64 = 0
        return try readSigned(count, from: &input).map { difference in
            before = before &+ difference
            return before
        }
    }
}
