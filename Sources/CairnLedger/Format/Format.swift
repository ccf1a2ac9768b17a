/// The numbers of FORMAT.md, and little-endian integers in arrays of bytes.
package enum Format {
    package static let version: UInt16 = 1
    package static let indexVersion: UInt32 = 1

    static let segmentMagic: [UInt8] = [0x89, 0x43, 0x41, 0x49, 0x52, 0x4E, 0x0D, 0x0A]
    static let attachmentsMagic: [UInt8] = [0x89, 0x43, 0x41, 0x49, 0x52, 0x41, 0x0D, 0x0A]
    static let frameMarker: [UInt8] = [0xC9, 0x46, 0x72, 0x61, 0x6D, 0x65, 0x0D, 0x0A]
    static let recordMarker: [UInt8] = [0xC9, 0x41, 0x74, 0x74, 0x61, 0x63, 0x0D, 0x0A]
    static let frameEnd: [UInt8] = [0x45, 0x4E, 0x44, 0x0A]

    static let segmentHeaderFixedBytes = 92
    static let segmentHeaderBytesMax = 1 << 20
    static let frameHeaderBytes = 76
    static let attachmentsHeaderBytes = 48
    static let recordHeaderBytes = 88
    static let summaryBytes = 136
    static let ledgerIDBytes = 16
    static let saltBytes = 16

    /// Longest entry: what the two bytes of length of a C2SP entry bundle can say.
    package static let entryBytesMax = 65_535
    /// Longest payload or stored part of a frame or attachment; a reader allocates no more than this for one.
    package static let payloadBytesMax = 64 << 20
    /// Longest canonical `data` inside an entry; longer data goes to an attachment, so that envelope and extensions
    /// have room in the entry.
    package static let inlineDataBytesMax = 48 << 10
    /// Longest preset dictionary: zlib's window.
    static let dictionaryBytesMax = 32_768
    static let originBytesMax = 255
    /// Payload at which the writer starts the next frame: small enough to read one event fast and for a batch to be
    /// compressed on all cores, large enough to compress well.
    static let frameBytesTarget = 128 << 10
    /// zlib's level for frames: 2.5 times as fast as its default on events, for a tenth more bytes.
    static let deflateLevel: Int32 = 3
    static let sectorBytes = 512

    package static func segmentName(_ number: UInt32) -> String { "segments/\(padded(number)).segment" }
    package static func attachmentsName(_ number: UInt32) -> String { "segments/\(padded(number)).attachments" }

    private static func padded(_ number: UInt32) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, 8 - text.count)) + text
    }

    /// The number in a name like `00000007.segment`, or nil.
    static func segmentNumber(ofName name: String) -> UInt32? {
        guard name.utf8.count == 16, name.hasSuffix(".segment"),
            name.utf8.prefix(8).allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") })
        else { return nil }
        return UInt32(name.prefix(8))
    }
}

extension [UInt8] {
    mutating func appendLittleEndian(_ value: UInt16) {
        append(UInt8(truncatingIfNeeded: value))
        append(UInt8(truncatingIfNeeded: value >> 8))
    }

    mutating func appendLittleEndian(_ value: UInt32) {
        unsafe Swift.withUnsafeBytes(of: value.littleEndian) { unsafe append(contentsOf: $0) }
    }

    mutating func appendLittleEndian(_ value: UInt64) {
        unsafe Swift.withUnsafeBytes(of: value.littleEndian) { unsafe append(contentsOf: $0) }
    }

    mutating func appendLittleEndian(_ value: Int64) { appendLittleEndian(UInt64(bitPattern: value)) }

    func uint16(at offset: Int) -> UInt16 { UInt16(self[offset]) | UInt16(self[offset + 1]) << 8 }

    func uint32(at offset: Int) -> UInt32 {
        UInt32(uint16(at: offset)) | UInt32(uint16(at: offset + 2)) << 16
    }

    func uint64(at offset: Int) -> UInt64 {
        UInt64(uint32(at: offset)) | UInt64(uint32(at: offset + 4)) << 32
    }

    func int64(at offset: Int) -> Int64 { Int64(bitPattern: uint64(at: offset)) }

    /// Whether these bytes are there at `offset`.
    func has(_ bytes: [UInt8], at offset: Int) -> Bool {
        guard offset >= 0, bytes.count <= count - offset else { return false }
        for index in bytes.indices where self[offset + index] != bytes[index] { return false }
        return true
    }
}
