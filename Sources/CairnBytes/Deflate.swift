import CZlib

/// How compressed bytes are wrapped.
package enum DeflateContainer: Sendable {
    /// RFC 1950: two bytes of header, an Adler-32 at the end; the only one that can name a preset dictionary.
    case zlib
    /// RFC 1952: what `.gz` files are; several members may follow each other.
    case gzip
    /// RFC 1951 alone.
    case raw

    var windowBits: Int32 {
        switch self {
        case .zlib: 15
        case .gzip: 31
        case .raw: -15
        }
    }
}

/// How a compressor looks for repetition; any inflate reads either.
package enum DeflateStrategy: Sendable {
    case standard
    /// No matches, only short codes for frequent bytes: faster, and smaller for noisy numbers.
    case huffmanOnly
    /// Matches only at distance one: nearly as fast as `huffmanOnly`, and runs cost next to nothing.
    case runLength

    var code: Int32 {
        switch self {
        case .standard: Z_DEFAULT_STRATEGY
        case .huffmanOnly: Z_HUFFMAN_ONLY
        case .runLength: Z_RLE
        }
    }
}

/// Why bytes cannot be inflated.
package enum InflateError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The compressed bytes are damaged at or before `offset`.
    case damaged(offset: Int, reason: String)
    /// The compressed bytes end before the stream does.
    case endsEarly(offset: Int)
    /// More than `limit` bytes would come out.
    case tooLarge(limit: Int)

    package var description: String {
        switch self {
        case .damaged(let offset, let reason): "cannot inflate at byte \(offset): \(reason)"
        case .endsEarly(let offset): "cannot inflate: the compressed bytes end early, at byte \(offset)"
        case .tooLarge(let limit): "cannot inflate: more than the limit of \(limit) bytes comes out"
        }
    }
}

/// One-shot compression of a buffer.
package enum Deflate {
    /// - Parameters:
    ///   - level: 0 to 9; 6 is zlib's default.
    ///   - dictionary: a preset dictionary, for `.zlib` and `.raw`.
    ///   - memoryLevel: 1 to 9; 9 makes blocks of up to 32,768 symbols, so that long streams pay for fewer code tables.
    package static func compress(
        _ bytes: [UInt8], container: DeflateContainer = .zlib, level: Int32 = 6, dictionary: [UInt8] = [],
        strategy: DeflateStrategy = .standard, memoryLevel: Int32 = 8
    ) -> [UInt8] {
        var stream = unsafe z_stream()
        let opened = unsafe deflateInit2_(
            &stream, level, Z_DEFLATED, container.windowBits, memoryLevel, strategy.code, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        precondition(opened == Z_OK, "zlib has no memory for a compressor")
        defer { unsafe deflateEnd(&stream) }
        if !dictionary.isEmpty {
            let set = unsafe dictionary.withUnsafeBufferPointer { buffer in
                unsafe deflateSetDictionary(&stream, buffer.baseAddress, UInt32(buffer.count))
            }
            precondition(set == Z_OK, "a gzip stream has no preset dictionary")
        }
        let bound = unsafe Int(deflateBound(&stream, UInt(bytes.count))) + 64
        return unsafe [UInt8](unsafeUninitializedCapacity: bound) { output, count in
            unsafe bytes.withUnsafeBufferPointer { input in
                unsafe stream.next_in = unsafe UnsafeMutablePointer(mutating: input.baseAddress)
                unsafe stream.avail_in = UInt32(input.count)
                unsafe stream.next_out = output.baseAddress
                unsafe stream.avail_out = UInt32(output.count)
                let result = unsafe deflate(&stream, Z_FINISH)
                precondition(result == Z_STREAM_END, "deflateBound did not bound")
                count = unsafe output.count - Int(stream.avail_out)
            }
        }
    }
}

/// One-shot and streaming decompression with a limit on what comes out.
package enum Inflate {
    /// - Returns: exactly one stream's content; bytes after its end are an error.
    package static func decompress(
        _ bytes: [UInt8], container: DeflateContainer = .zlib, dictionary: [UInt8] = [], limit: Int
    ) throws(InflateError) -> [UInt8] {
        var stream = InflateStream(container: container, dictionary: dictionary, limit: limit)
        var output: [UInt8] = []
        try stream.append(bytes, to: &output)
        guard stream.isFinished else { throw .endsEarly(offset: bytes.count) }
        return output
    }
}

extension Inflate {
    /// Inflates a raw stream whose length is known from elsewhere straight into the caller's memory.
    ///
    /// No byte is written outside `output`; what it holds after an error means nothing.
    package static func decompressRaw(
        _ input: UnsafeBufferPointer<UInt8>, exactlyInto output: UnsafeMutableBufferPointer<UInt8>
    ) throws(InflateError) {
        var stream = unsafe z_stream()
        let opened = unsafe inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(opened == Z_OK, "zlib has no memory for a decompressor")
        defer { unsafe inflateEnd(&stream) }
        // One byte of room even for an empty output, since zlib refuses a null pointer.
        var none: UInt8 = 0
        let result = unsafe withUnsafeMutablePointer(to: &none) { spare in
            unsafe stream.next_in = unsafe UnsafeMutablePointer(mutating: input.baseAddress)
            unsafe stream.avail_in = UInt32(input.count)
            unsafe stream.next_out = output.baseAddress ?? spare
            unsafe stream.avail_out = UInt32(output.count)
            return unsafe inflate(&stream, Z_FINISH)
        }
        let consumed = unsafe input.count - Int(stream.avail_in)
        guard result == Z_STREAM_END else {
            if result == Z_DATA_ERROR {
                let reason = unsafe stream.msg.map { unsafe String(cString: $0) } ?? "zlib error \(result)"
                throw .damaged(offset: consumed, reason: reason)
            }
            if unsafe stream.avail_in == 0 { throw .endsEarly(offset: consumed) }
            throw .tooLarge(limit: output.count)
        }
        guard consumed == input.count else {
            throw .damaged(offset: consumed, reason: "there are bytes after the end")
        }
        guard unsafe stream.avail_out == 0 else {
            throw .damaged(offset: consumed, reason: "fewer bytes come out than were promised")
        }
    }
}

/// Inflates a stream that arrives in pieces. For `.gzip`, members that follow each other are one content.
@safe package struct InflateStream: ~Copyable {
    private let stream: UnsafeMutablePointer<z_stream>
    private let container: DeflateContainer
    private let dictionary: [UInt8]
    private let limit: Int
    private var produced = 0
    private var consumed = 0
    private var isBetweenMembers = false
    private var sawAnything = false

    package init(container: DeflateContainer, dictionary: [UInt8] = [], limit: Int) {
        self.container = container
        self.dictionary = dictionary
        self.limit = limit
        unsafe stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let opened = unsafe inflateInit2_(
            stream, container.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(opened == Z_OK, "zlib has no memory for a decompressor")
        if case .raw = container, !dictionary.isEmpty { _ = setDictionary() }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// True when the bytes given so far are a whole number of streams, at least one.
    package var isFinished: Bool { isBetweenMembers && sawAnything }

    private func setDictionary() -> Bool {
        unsafe dictionary.withUnsafeBufferPointer { buffer in
            unsafe inflateSetDictionary(stream, buffer.baseAddress, UInt32(buffer.count)) == Z_OK
        }
    }

    /// Inflates `bytes` and appends what comes out to `output`.
    package mutating func append(_ bytes: [UInt8], to output: inout [UInt8]) throws(InflateError) {
        var position = 0
        while position < bytes.count {
            if isBetweenMembers {
                guard case .gzip = container else {
                    throw .damaged(offset: consumed + position, reason: "there are bytes after the end")
                }
                unsafe inflateReset(stream)
                isBetweenMembers = false
            }
            position = try step(bytes, from: position, to: &output)
        }
        consumed += bytes.count
    }

    /// Inflates `input[position...]` straight into the caller's memory, for readers that must not copy.
    ///
    /// Call again while `position` is before the end or all of `output` was written: zlib may hold more.
    /// - Parameter written: bytes of `output` that are valid afterwards, also when an error is thrown.
    package mutating func read(
        _ input: Span<UInt8>, at position: inout Int, into output: UnsafeMutableBufferPointer<UInt8>,
        written: inout Int
    ) throws(InflateError) {
        written = 0
        // zlib wants an address even for no bytes.
        guard let outputStart = output.baseAddress else { return }
        while written < output.count {
            if isBetweenMembers {
                if position >= input.count { return }
                guard case .gzip = container else {
                    throw .damaged(offset: consumed, reason: "there are bytes after the end")
                }
                unsafe inflateReset(stream)
                isBetweenMembers = false
            }
            let room = min(output.count - written, limit - produced + 1, Int(Int32.max))
            let available = min(input.count - position, Int(Int32.max))
            var result: Int32 = Z_OK
            unsafe input.withUnsafeBufferPointer { input in
                unsafe stream.pointee.next_in = unsafe input.baseAddress.map {
                    unsafe UnsafeMutablePointer(mutating: $0 + position)
                }
                unsafe stream.pointee.avail_in = UInt32(available)
                unsafe stream.pointee.next_out = outputStart + written
                unsafe stream.pointee.avail_out = UInt32(room)
                result = unsafe inflate(stream, Z_NO_FLUSH)
            }
            let used = unsafe available - Int(stream.pointee.avail_in)
            let made = unsafe room - Int(stream.pointee.avail_out)
            sawAnything = sawAnything || used > 0
            position += used
            consumed += used
            produced += made
            written += made
            guard produced <= limit else {
                written -= produced - limit
                throw .tooLarge(limit: limit)
            }
            switch result {
            case Z_STREAM_END: isBetweenMembers = true
            case Z_OK: if position == input.count, made < room { return }
            case Z_BUF_ERROR: return
            case Z_NEED_DICT:
                guard !dictionary.isEmpty, setDictionary() else {
                    throw .damaged(offset: consumed, reason: "it needs another preset dictionary")
                }
            default:
                let reason = unsafe stream.pointee.msg.map { unsafe String(cString: $0) } ?? "zlib error \(result)"
                throw .damaged(offset: consumed, reason: reason)
            }
        }
    }

    /// Runs zlib until the input is used up or one member ends; returns the input position reached.
    private mutating func step(
        _ bytes: [UInt8], from start: Int, to output: inout [UInt8]
    ) throws(InflateError) -> Int {
        let chunk = 1 << 16
        var position = start
        while true {
            let room = min(chunk, limit - produced + 1)
            var result: Int32 = Z_OK
            var left = 0
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                unsafe bytes.withUnsafeBufferPointer { input in
                    unsafe stream.pointee.next_in = unsafe UnsafeMutablePointer(
                        mutating: input.baseAddress! + position)
                    unsafe stream.pointee.avail_in = UInt32(input.count - position)
                    unsafe stream.pointee.next_out = buffer.baseAddress
                    unsafe stream.pointee.avail_out = UInt32(room)
                    result = unsafe inflate(stream, Z_NO_FLUSH)
                    left = unsafe Int(stream.pointee.avail_in)
                    count = unsafe room - Int(stream.pointee.avail_out)
                }
            }
            sawAnything = true
            position = bytes.count - left
            produced += piece.count
            guard produced <= limit else { throw .tooLarge(limit: limit) }
            output.append(contentsOf: piece)
            switch result {
            case Z_STREAM_END:
                isBetweenMembers = true
                return position
            case Z_OK:
                if left == 0, piece.count < room { return position }
            case Z_BUF_ERROR:
                return position
            case Z_NEED_DICT:
                guard !dictionary.isEmpty, setDictionary() else {
                    throw .damaged(offset: consumed + position, reason: "it needs another preset dictionary")
                }
            default:
                let reason = unsafe stream.pointee.msg.map { unsafe String(cString: $0) } ?? "zlib error \(result)"
                throw .damaged(offset: consumed + position, reason: reason)
            }
        }
    }
}
