/// Inflates whole zlib streams whose length is known, into the caller's memory, two to three times as fast as zlib does:
/// it looks up several literals for each look at the input, and copies matches by words.
///
/// Frames of the log are such streams. It accepts what zlib accepts and refuses what zlib refuses; a test compares the
/// two on damaged streams. No byte is read or written outside the buffers, whatever the input says.
@safe package struct Inflater: ~Copyable {
    // An entry of a table: bits 0 to 7 how many bits it takes in all, bits 8 to 12 how many of them are the code and not
    // extra bits, bits 13 to 15 what it is if neither literal nor base, bits 16 and up the value. Bit 31: a literal.
    static let literalFlag: UInt32 = 1 << 31
    static let specialFlag: UInt32 = 1 << 15
    static let subtableFlag: UInt32 = 1 << 14
    static let endFlag: UInt32 = 1 << 13

    static let literalBits = 11
    static let distanceBits = 8
    static let lengthCodeBits = 7
    // The most entries that codes of up to 15 bits need, for 288 and 32 symbols: zlib's `enough` counts 2342 and 402.
    static let literalCapacity = 2400
    static let distanceCapacity = 450

    let literals: UnsafeMutablePointer<UInt32>
    let distances: UnsafeMutablePointer<UInt32>
    /// Code lengths as a block gives them: of the literals and lengths, then of the distances.
    let lengths: UnsafeMutablePointer<UInt8>
    /// Symbols by the length of their code.
    let sorted: UnsafeMutablePointer<UInt16>
    /// How many codes there are of each length; and where the symbols of each begin in `sorted`.
    let counts: UnsafeMutablePointer<Int>
    let offsets: UnsafeMutablePointer<Int>
    var hasFixedTables = false

    package init() {
        unsafe literals = .allocate(capacity: Inflater.literalCapacity)
        unsafe distances = .allocate(capacity: Inflater.distanceCapacity)
        unsafe lengths = .allocate(capacity: 512)
        unsafe sorted = .allocate(capacity: 320)
        unsafe counts = .allocate(capacity: 17)
        unsafe offsets = .allocate(capacity: 17)
        unsafe literals.initialize(repeating: 0, count: Inflater.literalCapacity)
        unsafe distances.initialize(repeating: 0, count: Inflater.distanceCapacity)
        unsafe lengths.initialize(repeating: 0, count: 512)
        unsafe sorted.initialize(repeating: 0, count: 320)
        unsafe counts.initialize(repeating: 0, count: 17)
        unsafe offsets.initialize(repeating: 0, count: 17)
    }

    deinit {
        unsafe literals.deallocate()
        unsafe distances.deallocate()
        unsafe lengths.deallocate()
        unsafe sorted.deallocate()
        unsafe counts.deallocate()
        unsafe offsets.deallocate()
    }

    /// Why a stream is refused; the place is added by the caller.
    enum Failure: Error {
        case damaged(StaticString)
        case endsEarly
        case tooLarge
    }

    /// Where reading and writing are.
    @safe struct Cursor {
        let input: UnsafePointer<UInt8>
        let inputCount: Int
        var place = 0
        var buffer: UInt64 = 0
        /// Bits of `buffer` that count; what is above them are bits of the bytes from `place` on, or zero.
        var bits = 0
        let output: UnsafeMutablePointer<UInt8>
        let outputCount: Int
        var written = 0
        let dictionary: UnsafePointer<UInt8>
        let dictionaryCount: Int
    }

    /// Inflates one zlib stream (RFC 1950) that must give exactly as many bytes as `output` has, and end with `input`.
    /// - Parameter dictionary: the preset dictionary, used if the stream says that it needs one.
    package mutating func inflate(
        _ input: UnsafeBufferPointer<UInt8>, dictionary: UnsafeBufferPointer<UInt8>,
        exactlyInto output: UnsafeMutableBufferPointer<UInt8>
    ) throws(InflateError) {
        // An address is needed even for nothing; nothing is read or written there.
        let nowhere = unsafe UnsafeMutablePointer<UInt8>(mutating: UnsafePointer(lengths))
        var cursor = unsafe Cursor(
            input: input.baseAddress ?? UnsafePointer(nowhere), inputCount: input.count,
            output: output.baseAddress ?? nowhere, outputCount: output.count,
            dictionary: dictionary.baseAddress ?? UnsafePointer(nowhere), dictionaryCount: dictionary.count)
        do throws(Failure) {
            let checksum = try unsafe inflate(&cursor, dictionary)
            guard cursor.written == output.count else { throw .damaged("it gives fewer bytes than it should") }
            guard unsafe Checksum.adler32(UnsafeBufferPointer(output)) == checksum else {
                throw .damaged("the checksum at its end is wrong")
            }
        } catch {
            switch error {
            case .damaged(let reason): throw .damaged(offset: cursor.place, reason: "\(reason)")
            case .endsEarly: throw .endsEarly(offset: cursor.place)
            case .tooLarge: throw .tooLarge(limit: output.count)
            }
        }
    }

    /// Inflates one zlib stream that gives at most as many bytes as `output` has.
    /// - Returns: how many it gave; nil if it is damaged, gives more, or needs a dictionary.
    mutating func inflate(
        _ input: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>
    ) -> Int? {
        let nowhere = unsafe UnsafeMutablePointer<UInt8>(mutating: UnsafePointer(lengths))
        var cursor = unsafe Cursor(
            input: input.baseAddress ?? UnsafePointer(nowhere), inputCount: input.count,
            output: output.baseAddress ?? nowhere, outputCount: output.count, dictionary: UnsafePointer(nowhere),
            dictionaryCount: 0)
        guard let checksum = try? unsafe inflate(&cursor, UnsafeBufferPointer(start: nil, count: 0)),
            unsafe Checksum.adler32(UnsafeBufferPointer(rebasing: output[..<cursor.written])) == checksum
        else { return nil }
        return cursor.written
    }

    /// - Returns: the checksum at the end.
    private mutating func inflate(
        _ cursor: inout Cursor, _ dictionary: UnsafeBufferPointer<UInt8>
    ) throws(Failure) -> UInt32 {
        guard cursor.inputCount >= 2 else { throw .endsEarly }
        let (method, flags) = unsafe (cursor.input[0], cursor.input[1])
        guard (Int(method) << 8 | Int(flags)) % 31 == 0, method & 15 == 8, method >> 4 <= 7 else {
            throw .damaged("it is no zlib stream")
        }
        cursor.place = 2
        if flags & 0x20 != 0 {
            guard cursor.inputCount >= 6 else { throw .endsEarly }
            let wanted = unsafe Inflater.bigEndian(cursor.input + 2)
            guard !dictionary.isEmpty, unsafe Checksum.adler32(dictionary) == wanted else {
                throw .damaged("it needs another preset dictionary")
            }
            cursor.place = 6
        } else {
            unsafe cursor = Cursor(
                input: cursor.input, inputCount: cursor.inputCount, place: 2, output: cursor.output,
                outputCount: cursor.outputCount, dictionary: cursor.dictionary, dictionaryCount: 0)
        }
        try blocks(&cursor)
        guard cursor.inputCount - cursor.place >= 4 else { throw .endsEarly }
        let checksum = unsafe Inflater.bigEndian(cursor.input + cursor.place)
        cursor.place += 4
        guard cursor.place == cursor.inputCount else { throw .damaged("there are bytes after the end") }
        return checksum
    }

    /// The blocks of a stream, up to the whole byte behind the last.
    mutating func blocks(_ cursor: inout Cursor) throws(Failure) {
        var isLast = false
        while !isLast {
            try Inflater.need(3, &cursor)
            isLast = cursor.buffer & 1 == 1
            let kind = cursor.buffer >> 1 & 3
            Inflater.drop(3, &cursor)
            switch kind {
            case 0: try stored(&cursor)
            case 1:
                try useFixedTables()
                try block(&cursor)
            case 2:
                try readTables(&cursor)
                try block(&cursor)
            default: throw .damaged("a block is of no kind that there is")
            }
        }
        Inflater.align(&cursor)
    }

    static func bigEndian(_ bytes: UnsafePointer<UInt8>) -> UInt32 {
        unsafe UInt32(bytes[0]) << 24 | UInt32(bytes[1]) << 16 | UInt32(bytes[2]) << 8 | UInt32(bytes[3])
    }

    // MARK: Bits

    /// Fills the buffer byte by byte, up to the end of the input.
    @inline(__always)
    static func fill(_ cursor: inout Cursor) {
        cursor.buffer &= cursor.bits == 0 ? 0 : ~0 >> UInt64(64 - cursor.bits)
        while cursor.bits <= 56, cursor.place < cursor.inputCount {
            cursor.buffer |= unsafe UInt64(cursor.input[cursor.place]) << UInt64(cursor.bits)
            cursor.place += 1
            cursor.bits += 8
        }
    }

    static func need(_ count: Int, _ cursor: inout Cursor) throws(Failure) {
        if cursor.bits < count { fill(&cursor) }
        guard cursor.bits >= count else { throw .endsEarly }
    }

    @inline(__always)
    static func drop(_ count: Int, _ cursor: inout Cursor) {
        cursor.buffer >>= UInt64(count)
        cursor.bits -= count
    }

    /// Goes to the next whole byte and gives back what was read ahead.
    static func align(_ cursor: inout Cursor) {
        cursor.place -= cursor.bits >> 3
        cursor.bits = 0
        cursor.buffer = 0
    }

    // MARK: Blocks

    func stored(_ cursor: inout Cursor) throws(Failure) {
        Inflater.align(&cursor)
        guard cursor.inputCount - cursor.place >= 4 else { throw .endsEarly }
        let start = unsafe cursor.input + cursor.place
        let count = unsafe Int(start[0]) | Int(start[1]) << 8
        let complement = unsafe Int(start[2]) | Int(start[3]) << 8
        guard count == ~complement & 0xFFFF else { throw .damaged("a stored block has no proper length") }
        cursor.place += 4
        guard cursor.inputCount - cursor.place >= count else { throw .endsEarly }
        guard cursor.outputCount - cursor.written >= count else { throw .tooLarge }
        unsafe (cursor.output + cursor.written).update(from: cursor.input + cursor.place, count: count)
        cursor.place += count
        cursor.written += count
    }
}

extension Inflate {
    /// The content of one zlib stream that must be `count` bytes long.
    package static func decompress(
        _ bytes: ArraySlice<UInt8>, dictionary: [UInt8] = [], exactly count: Int
    ) throws(InflateError) -> [UInt8] {
        var inflater = Inflater()
        var failure: InflateError?
        let content = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            let output = unsafe UnsafeMutableBufferPointer(start: buffer.baseAddress, count: count)
            do throws(InflateError) {
                unsafe try bytes.withUnsafeBufferPointer { input throws(InflateError) in
                    unsafe try dictionary.withUnsafeBufferPointer { dictionary throws(InflateError) in
                        try unsafe inflater.inflate(input, dictionary: dictionary, exactlyInto: output)
                    }
                }
                filled = count
            } catch { failure = error }
        }
        if let failure { throw failure }
        return content
    }

    /// The content of a zlib stream of literals alone (`DeflateStrategy.huffmanOnly`), in half the time that
    /// `decompress` takes.
    /// - Returns: nil for any other stream, which `decompress` may take or say what is wrong with.
    package static func decompressLiterals(_ bytes: ArraySlice<UInt8>, limit: Int) -> [UInt8]? {
        // Each literal takes a bit or more.
        let capacity = min(limit, bytes.count * 8)
        var inflater = Inflater()
        var count: Int?
        let content = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { output, filled in
            count = unsafe bytes.withUnsafeBufferPointer { input in
                unsafe inflater.inflate(input, into: UnsafeMutableBufferPointer(rebasing: output[..<capacity]))
            }
            filled = count ?? 0
        }
        return count == nil ? nil : content
    }
}
