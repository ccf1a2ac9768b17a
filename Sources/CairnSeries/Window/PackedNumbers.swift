internal import CairnBytes

/// One byte stream of a group as it is stored.
struct StoredStream {
    var bytes: [UInt8] = []
    var isDeflated = false

    /// Length and method in one number, as directories keep it.
    var header: UInt64 { UInt64(bytes.count) << 1 | (isDeflated ? 1 : 0) }

    /// Deflated with the strategy that fits, or as it is if that saves nothing.
    init(_ raw: [UInt8]) {
        let deflated = StoredStream.smallest(raw)
        isDeflated = deflated.count < raw.count
        bytes = isDeflated ? deflated : raw
    }

    init() {}

    /// Below this many bytes every strategy is tried: it costs less than a wrong guess does.
    private static let tryAllBytesMax = 4096

    private static func smallest(_ raw: [UInt8]) -> [UInt8] {
        guard !raw.isEmpty else { return [] }
        let coded = Deflate.compress(raw, container: .raw, strategy: .huffmanOnly, memoryLevel: 9)
        if raw.count <= tryAllBytesMax {
            let matched = Deflate.compress(raw, container: .raw, level: 9, memoryLevel: 9)
            return matched.count < coded.count ? matched : coded
        }
        // Matches are looked for at a fiftieth of the speed, so a piece from the middle tells whether they pay.
        let start = (raw.count - tryAllBytesMax) / 2
        let piece = Array(raw[start..<start + tryAllBytesMax])
        let pieceCoded = Deflate.compress(piece, container: .raw, strategy: .huffmanOnly, memoryLevel: 9)
        let pieceMatched = Deflate.compress(piece, container: .raw, memoryLevel: 9)
        guard pieceMatched.count * 20 < pieceCoded.count * 19 else { return coded }
        let matched = Deflate.compress(raw, container: .raw, memoryLevel: 9)
        return matched.count < coded.count ? matched : coded
    }
}

/// Numbers of many series as three byte streams: digits, tokens and open bits (see FORMAT.md, section 3).
struct PackedNumbers {
    var packing: Packing
    var digits = StoredStream()
    var tokens = StoredStream()
    var bits = StoredStream()

    /// - Parameters:
    ///   - numbers: those of all series, one after the other.
    ///   - lengths: how many belong to each series; the digits of each begin with a byte of their own.
    init(_ numbers: [UInt64], lengths: [Int], packing: Packing) {
        self.packing = packing
        var tokens: [UInt8] = []
        var bits = BitWriter()
        if packing == .tokens {
            tokens.reserveCapacity(numbers.count)
            for number in numbers {
                let (token, openBits) = NumberToken.of(number)
                tokens.append(token)
                bits.append(number, count: openBits)
            }
        } else {
            var digits: [UInt8] = []
            digits.reserveCapacity(numbers.count / packing.perByte + lengths.count)
            let perByte = packing.perByte
            let base = packing.base
            let escape = UInt64(packing.escape)
            var place = 0
            for length in lengths {
                let end = place + length
                while place < end {
                    var byte = 0
                    var weight = 1
                    for index in place..<min(end, place + perByte) {
                        let number = numbers[index]
                        if number >= escape {
                            let (token, openBits) = NumberToken.of(number - escape)
                            tokens.append(token)
                            bits.append(number - escape, count: openBits)
                        }
                        byte += Int(min(number, escape)) * weight
                        weight *= base
                    }
                    digits.append(UInt8(truncatingIfNeeded: byte))
                    place += perByte
                }
                place = end
            }
            self.digits = StoredStream(digits)
        }
        self.tokens = StoredStream(tokens)
        self.bits = StoredStream(bits.finish())
    }

    var storedBytes: Int { digits.bytes.count + tokens.bytes.count + bits.bytes.count }
}

/// Why a stream of numbers cannot be read; the reader of the group adds where it lies.
struct PackedNumbersError: Error {
    var reason: String
}

/// Reads the numbers of a group back, series by series. Every length is checked before the first number is read, so
/// that the loops below need no checks: what they take was counted.
struct PackedNumbersReader {
    private let packing: Packing
    private let table: PackingTable?
    private let digits: [UInt8]
    private let tokens: [UInt8]
    /// With `slack` bytes of zeros after the last, so that eight bytes can be loaded anywhere.
    private let bits: [UInt8]
    private var digitPlace = 0
    private var tokenPlace = 0
    private var bitPlace = 0

    private static let slack = 16
    /// Numbers beyond those asked for that `read` may write.
    static let roomToSpare = 7

    /// - Parameters:
    ///   - digitBytes: how many bytes of digits the series make together.
    ///   - numbers: how many numbers they make.
    init(
        packing: Packing, digitBytes: Int, numbers: Int, digits: (ArraySlice<UInt8>, isDeflated: Bool),
        tokens: (ArraySlice<UInt8>, isDeflated: Bool), bits: (ArraySlice<UInt8>, isDeflated: Bool)
    ) throws {
        self.packing = packing
        table = PackingTable.of(packing)
        var tokenCount = numbers
        if let table {
            self.digits = try PackedNumbersReader.inflated(digits, count: digitBytes, name: "digits")
            tokenCount = 0
            var isValid = true
            for byte in self.digits {
                let escapes = table.escapes[Int(byte)]
                isValid = isValid && escapes != PackingTable.invalid
                tokenCount += Int(escapes)
            }
            guard isValid else { throw PackedNumbersError(reason: "a byte of digits is outside the base") }
        } else {
            self.digits = []
            guard digits.0.isEmpty else { throw PackedNumbersError(reason: "tokens come with digits") }
        }
        self.tokens = try PackedNumbersReader.inflated(tokens, count: tokenCount, name: "tokens")
        let open = NumberToken.openBits
        var bitCount = 0
        for token in self.tokens { bitCount += Int(open[Int(token)]) }
        self.bits = try PackedNumbersReader.inflated(
            bits, count: (bitCount + 7) / 8, name: "open bits", slack: PackedNumbersReader.slack)
    }

    private static func inflated(
        _ stream: (ArraySlice<UInt8>, isDeflated: Bool), count: Int, name: String, slack: Int = 0
    ) throws -> [UInt8] {
        guard stream.isDeflated else {
            guard stream.0.count == count else {
                throw PackedNumbersError(reason: "the \(name) have \(stream.0.count) bytes and not \(count)")
            }
            return slack == 0 ? Array(stream.0) : Array(stream.0) + [UInt8](repeating: 0, count: slack)
        }
        // Deflate makes at most 1032 bytes of one, so a forged count reserves no more than that.
        guard count / 1032 <= stream.0.count else {
            throw PackedNumbersError(reason: "\(count) bytes of \(name) cannot come out of \(stream.0.count)")
        }
        var failure: InflateError?
        let output = unsafe [UInt8](unsafeUninitializedCapacity: count + slack) { buffer, initialized in
            unsafe buffer.initialize(repeating: 0)
            initialized = count + slack
            unsafe stream.0.withUnsafeBufferPointer { input in
                let target = unsafe UnsafeMutableBufferPointer(rebasing: buffer[..<count])
                do throws(InflateError) {
                    try unsafe Inflate.decompressRaw(input, exactlyInto: target)
                } catch { failure = error }
            }
        }
        if let failure { throw PackedNumbersError(reason: "the \(name): \(failure)") }
        return output
    }

    var isAtEnd: Bool { digitPlace == digits.count && tokenPlace == tokens.count }

    /// Passes over the numbers of a series.
    mutating func skip(_ count: Int) {
        var skipped = count
        if let table {
            let end = digitPlace + packing.bytes(for: count)
            skipped = 0
            for place in digitPlace..<end { skipped += Int(table.escapes[Int(digits[place])]) }
            digitPlace = end
        }
        let open = NumberToken.openBits
        for place in tokenPlace..<tokenPlace + skipped { bitPlace += Int(open[Int(tokens[place])]) }
        tokenPlace += skipped
    }

    /// Reads the numbers of a series, zigzag undone.
    /// - Parameter output: room for `count` numbers and `roomToSpare` more that mean nothing.
    @unsafe mutating func read(_ count: Int, into output: UnsafeMutablePointer<Int64>) {
        switch packing {
        case .tokens: unsafe readTokens(count, into: output)
        case .pairs: unsafe readDigits(count, perByte: 2, into: output)
        case .triples: unsafe readDigits(count, perByte: 3, into: output)
        case .quads: unsafe readDigits(count, perByte: 4, into: output)
        case .octets: unsafe readDigits(count, perByte: 8, into: output)
        }
    }

    @inline(__always)
    private mutating func readDigits(_ count: Int, perByte: Int, into output: UnsafeMutablePointer<Int64>) {
        guard let table else { return }
        let bytes = (count + perByte - 1) / perByte
        precondition(digitPlace + bytes <= digits.count, "a group has the digits of its series")
        let escape = UInt64(packing.escape)
        var cursor = TokenCursor(token: tokenPlace, bit: bitPlace)
        unsafe digits.withUnsafeBufferPointer { digits in
            unsafe table.digits.withUnsafeBufferPointer { values in
                unsafe table.escapes.withUnsafeBufferPointer { escapes in
                    unsafe tokens.withUnsafeBufferPointer { tokens in
                        unsafe bits.withUnsafeBytes { bits in
                            for index in 0..<bytes {
                                let byte = unsafe Int(digits[digitPlace + index])
                                let row = byte * perByte
                                let first = index * perByte
                                for digit in 0..<perByte {
                                    unsafe output[first + digit] = unsafe Int64(values[row + digit])
                                }
                                guard unsafe escapes[byte] != 0 else { continue }
                                for digit in 0..<perByte
                                where unsafe values[row + digit] == PackingTable.escapeMark {
                                    let rest = unsafe cursor.next(tokens, bits)
                                    unsafe output[first + digit] = Zigzag.decode(rest &+ escape)
                                }
                            }
                        }
                    }
                }
            }
        }
        digitPlace += bytes
        tokenPlace = cursor.token
        bitPlace = cursor.bit
    }

    private mutating func readTokens(_ count: Int, into output: UnsafeMutablePointer<Int64>) {
        precondition(tokenPlace + count <= tokens.count, "a group has the tokens of its series")
        var cursor = TokenCursor(token: tokenPlace, bit: bitPlace)
        unsafe tokens.withUnsafeBufferPointer { tokens in
            unsafe bits.withUnsafeBytes { bits in
                for index in 0..<count {
                    unsafe output[index] = unsafe Zigzag.decode(cursor.next(tokens, bits))
                }
            }
        }
        tokenPlace = cursor.token
        bitPlace = cursor.bit
    }
}

/// A place among tokens and open bits.
private struct TokenCursor {
    var token: Int
    var bit: Int

    /// The next number. The caller has counted tokens and bits, and left eight bytes of slack after these.
    @inline(__always)
    @unsafe mutating func next(_ tokens: UnsafeBufferPointer<UInt8>, _ bits: UnsafeRawBufferPointer) -> UInt64 {
        let value = unsafe tokens[token]
        token += 1
        guard value >= 16 else { return UInt64(value) }
        let above = UInt64(value) - 16
        let open = above / 4 + 2
        let top = (4 | above & 3) << open
        let place = bit >> 3
        let shift = UInt64(bit & 7)
        bit += Int(open)
        var low = unsafe UInt64(littleEndian: bits.loadUnaligned(fromByteOffset: place, as: UInt64.self)) >> shift
        if open + shift > 64 {
            low |= unsafe UInt64(bits[place + 8]) << (64 - shift)
        }
        return top | low & (1 << open &- 1)
    }
}
