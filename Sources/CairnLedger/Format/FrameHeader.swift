internal import CairnBytes

/// The 76 bytes before the stored bytes of a frame.
struct FrameHeader: Sendable, Hashable {
    enum Kind: UInt8, Sendable {
        case entries = 1
        case index = 2
    }

    struct Flags: OptionSet, Sendable, Hashable {
        let rawValue: UInt16
        static let commitBegins = Flags(rawValue: 1 << 0)
        static let commitEnds = Flags(rawValue: 1 << 1)
        static let isPlain = Flags(rawValue: 1 << 2)
        /// A reader that does not know the kind may skip the frame.
        static let isSkippable = Flags(rawValue: 1 << 8)
        static let mustBeZero: UInt16 = 0b1111_1000
    }

    /// Nil for a kind that this version does not know and may skip.
    var kind: Kind?
    var flags: Flags
    var epoch: UInt32
    var firstPosition: UInt64
    var count: UInt32
    var storedCount: Int
    var rawCount: Int
    var previousHash: TreeHash
    var storedChecksum: UInt32

    /// Of the whole frame.
    var byteCount: Int { Format.frameHeaderBytes + storedCount + Format.frameEnd.count }

    func append(to bytes: inout [UInt8]) {
        let start = bytes.count
        bytes += Format.frameMarker
        bytes.append(1)
        bytes.append(kind?.rawValue ?? 0)
        bytes.appendLittleEndian(flags.rawValue)
        bytes.appendLittleEndian(epoch)
        bytes.appendLittleEndian(firstPosition)
        bytes.appendLittleEndian(count)
        bytes.appendLittleEndian(UInt32(storedCount))
        bytes.appendLittleEndian(UInt32(rawCount))
        previousHash.append(to: &bytes)
        bytes.appendLittleEndian(storedChecksum)
        bytes.appendLittleEndian(Checksum.masked(Checksum.crc32(bytes[start...])))
    }

    init(
        kind: Kind, flags: Flags, epoch: UInt32, firstPosition: UInt64, count: UInt32, storedCount: Int, rawCount: Int,
        previousHash: TreeHash, storedChecksum: UInt32
    ) {
        self.kind = kind
        self.flags = flags
        self.epoch = epoch
        self.firstPosition = firstPosition
        self.count = count
        self.storedCount = storedCount
        self.rawCount = rawCount
        self.previousHash = previousHash
        self.storedChecksum = storedChecksum
    }

    /// Reads the header at an offset of a longer buffer.
    init(parsing bytes: [UInt8], at start: Int) throws(FormatError) {
        guard bytes.count - start >= Format.frameHeaderBytes else { throw .short }
        guard bytes.has(Format.frameMarker, at: start) else { throw .damaged("there is no frame") }
        guard Checksum.masked(Checksum.crc32(bytes[start..<start + 72])) == bytes.uint32(at: start + 72) else {
            throw .damaged("the checksum of the frame's header is wrong")
        }
        flags = Flags(rawValue: bytes.uint16(at: start + 10))
        kind = Kind(rawValue: bytes[start + 9])
        guard bytes[start + 8] == 1, flags.rawValue & Flags.mustBeZero == 0 else {
            throw .newer("the frame is of a later version")
        }
        guard kind != nil || flags.contains(.isSkippable) else {
            throw .newer("the frame is of kind \(bytes[start + 9]), which this program does not know")
        }
        epoch = bytes.uint32(at: start + 12)
        firstPosition = bytes.uint64(at: start + 16)
        count = bytes.uint32(at: start + 24)
        let stored = bytes.uint32(at: start + 28)
        let raw = bytes.uint32(at: start + 32)
        guard stored <= UInt32(Format.payloadBytesMax), raw <= UInt32(Format.payloadBytesMax),
            !flags.contains(.isPlain) || stored == raw
        else { throw .damaged("the frame gives itself an impossible length") }
        storedCount = Int(stored)
        rawCount = Int(raw)
        previousHash = TreeHash(checked: bytes[start + 36..<start + 68])
        storedChecksum = bytes.uint32(at: start + 68)
    }
}

/// One valid frame in a buffer.
struct Frame: Sendable {
    var header: FrameHeader
    /// Place in the file.
    var offset: UInt64
    var hash: TreeHash
    var stored: ArraySlice<UInt8>

    var end: UInt64 { offset + UInt64(header.byteCount) }

    /// Reads and checks the frame at `start` of a buffer; the buffer may go on behind it.
    init(parsing bytes: [UInt8], at start: Int, offset: UInt64) throws(FormatError) {
        header = try FrameHeader(parsing: bytes, at: start)
        self.offset = offset
        guard bytes.count - start >= header.byteCount else { throw .short }
        let first = start + Format.frameHeaderBytes
        stored = bytes[first..<first + header.storedCount]
        guard Checksum.masked(Checksum.crc32(stored)) == header.storedChecksum else {
            throw .damaged("the checksum of the frame's content is wrong")
        }
        guard bytes.has(Format.frameEnd, at: first + header.storedCount) else {
            throw .damaged("the frame has no end marker")
        }
        hash = Digest.sha256(bytes[start..<start + header.byteCount])
    }

    /// The uncompressed content.
    func payload(dictionary: [UInt8]) throws(FormatError) -> [UInt8] {
        if header.flags.contains(.isPlain) { return Array(stored) }
        do throws(InflateError) {
            return try Inflate.decompress(stored, dictionary: dictionary, exactly: header.rawCount)
        } catch {
            throw .damaged(error.description)
        }
    }

    /// The stored form of a payload of entries, or nil where it would be no smaller.
    static func compress(_ payload: [UInt8], dictionary: [UInt8]) -> [UInt8]? {
        let compressed = Deflate.compress(payload, level: Format.deflateLevel, dictionary: dictionary)
        return compressed.count < payload.count ? compressed : nil
    }

    /// Builds the bytes of a frame around a payload.
    /// - Parameter compressed: what `compress` made of it; nil for a payload that is stored as it is.
    static func build(
        kind: FrameHeader.Kind, flags: FrameHeader.Flags, epoch: UInt32, firstPosition: UInt64, count: UInt32,
        payload: [UInt8], compressed: [UInt8]?, previousHash: TreeHash
    ) -> (bytes: [UInt8], hash: TreeHash) {
        precondition(payload.count <= Format.payloadBytesMax, "a payload of \(payload.count) bytes")
        var flags = flags
        if compressed == nil { flags.insert(.isPlain) }
        let stored = compressed ?? payload
        let header = FrameHeader(
            kind: kind, flags: flags, epoch: epoch, firstPosition: firstPosition, count: count,
            storedCount: stored.count, rawCount: payload.count, previousHash: previousHash,
            storedChecksum: Checksum.masked(Checksum.crc32(stored)))
        var bytes: [UInt8] = []
        bytes.reserveCapacity(header.byteCount)
        header.append(to: &bytes)
        bytes += stored
        bytes += Format.frameEnd
        return (bytes, TreeHasher.sha256(bytes))
    }
}
