internal import CairnBytes

/// The header of an attachments file.
struct AttachmentsHeader: Sendable, Hashable {
    var ledgerID: [UInt8]
    var segment: UInt32
    /// How often content was removed from the file.
    var rewrites: UInt64

    var bytes: [UInt8] {
        var bytes = Format.attachmentsMagic
        bytes.appendLittleEndian(Format.version)
        bytes.appendLittleEndian(UInt16(0))
        bytes.appendLittleEndian(UInt32(Format.attachmentsHeaderBytes))
        bytes += ledgerID
        bytes.appendLittleEndian(segment)
        bytes.appendLittleEndian(rewrites)
        bytes.appendLittleEndian(Checksum.masked(Checksum.crc32(bytes)))
        return bytes
    }

    init(ledgerID: [UInt8], segment: UInt32, rewrites: UInt64) {
        self.ledgerID = ledgerID
        self.segment = segment
        self.rewrites = rewrites
    }

    init(parsing bytes: [UInt8]) throws(FormatError) {
        guard bytes.count >= Format.attachmentsHeaderBytes else { throw .short }
        guard bytes.has(Format.attachmentsMagic, at: 0) else {
            throw .damaged("it does not begin as an attachments file does")
        }
        guard Checksum.masked(Checksum.crc32(bytes[..<44])) == bytes.uint32(at: 44) else {
            throw .damaged("the checksum of its header is wrong")
        }
        let version = bytes.uint16(at: 8)
        guard version == Format.version, bytes.uint16(at: 10) & 0xFF == 0 else {
            throw .newer("its format version is \(version), and this program reads \(Format.version)")
        }
        guard bytes.uint32(at: 12) == UInt32(Format.attachmentsHeaderBytes) else {
            throw .damaged("its header gives itself another length")
        }
        ledgerID = Array(bytes[16..<32])
        segment = bytes.uint32(at: 32)
        rewrites = bytes.uint64(at: 36)
    }
}

/// The 88 bytes before media type and stored bytes of one attachment.
struct RecordHeader: Sendable, Hashable {
    enum Kind: UInt8, Sendable {
        case content = 1
        case gone = 2
    }

    static let compressedFlag: UInt16 = 1

    var kind: Kind
    var isCompressed: Bool
    var storedCount: Int
    var contentCount: Int
    var mediaTypeCount: Int
    /// Of the entry that cites the content; for gone content of the event that removed it.
    var position: UInt64
    var salt: [UInt8]
    var digest: TreeHash
    var bodyChecksum: UInt32

    var byteCount: Int { Format.recordHeaderBytes + mediaTypeCount + storedCount }

    func append(to bytes: inout [UInt8]) {
        let start = bytes.count
        bytes += Format.recordMarker
        bytes.append(1)
        bytes.append(kind.rawValue)
        bytes.appendLittleEndian(isCompressed ? RecordHeader.compressedFlag : 0)
        bytes.appendLittleEndian(UInt32(storedCount))
        bytes.appendLittleEndian(UInt32(contentCount))
        bytes.appendLittleEndian(UInt16(mediaTypeCount))
        bytes.appendLittleEndian(UInt16(0))
        bytes.appendLittleEndian(position)
        bytes += salt
        digest.append(to: &bytes)
        bytes.appendLittleEndian(bodyChecksum)
        bytes.appendLittleEndian(Checksum.masked(Checksum.crc32(bytes[start...])))
    }

    init(parsing bytes: [UInt8], at start: Int) throws(FormatError) {
        guard bytes.count - start >= Format.recordHeaderBytes else { throw .short }
        guard bytes.has(Format.recordMarker, at: start) else { throw .damaged("there is no attachment") }
        guard Checksum.masked(Checksum.crc32(bytes[start..<start + 84])) == bytes.uint32(at: start + 84) else {
            throw .damaged("the checksum of the attachment's header is wrong")
        }
        let flags = bytes.uint16(at: start + 10)
        guard bytes[start + 8] == 1, flags & 0xFE == 0, let kind = Kind(rawValue: bytes[start + 9]) else {
            throw .newer("the attachment is of a later version")
        }
        self.kind = kind
        isCompressed = flags & RecordHeader.compressedFlag != 0
        let stored = bytes.uint32(at: start + 12)
        let content = bytes.uint32(at: start + 16)
        guard stored <= UInt32(Format.payloadBytesMax), content <= UInt32(Format.payloadBytesMax),
            kind == .content || stored == 0
        else { throw .damaged("the attachment gives itself an impossible length") }
        storedCount = Int(stored)
        contentCount = Int(content)
        mediaTypeCount = Int(bytes.uint16(at: start + 20))
        position = bytes.uint64(at: start + 24)
        salt = Array(bytes[start + 32..<start + 48])
        digest = TreeHash(checked: bytes[start + 48..<start + 80])
        bodyChecksum = bytes.uint32(at: start + 80)
    }

    init(
        kind: Kind, isCompressed: Bool, storedCount: Int, contentCount: Int, mediaTypeCount: Int, position: UInt64,
        salt: [UInt8], digest: TreeHash, bodyChecksum: UInt32
    ) {
        self.kind = kind
        self.isCompressed = isCompressed
        self.storedCount = storedCount
        self.contentCount = contentCount
        self.mediaTypeCount = mediaTypeCount
        self.position = position
        self.salt = salt
        self.digest = digest
        self.bodyChecksum = bodyChecksum
    }
}

/// An attachment ready to be written but for the position of its entry.
struct AttachmentDraft: Sendable {
    let mediaType: [UInt8]
    let salt: [UInt8]
    let digest: TreeHash
    let contentCount: Int
    private let isCompressed: Bool
    private let stored: [UInt8]

    /// Content this long says by its first bytes whether compression pays.
    private static let probeBytes = 4096

    init(content: [UInt8], mediaType: String, salt: [UInt8], isStoredAsIs: Bool = false) {
        self.mediaType = Array(mediaType.utf8)
        self.salt = salt
        digest = Digest.ofAttachment(salt: salt, content: content)
        contentCount = content.count
        let compressed = isStoredAsIs ? nil : AttachmentDraft.compressed(content)
        isCompressed = compressed != nil
        stored = compressed ?? content
    }

    /// Nil where compression does not pay: most samples and counters come compressed already.
    private static func compressed(_ content: [UInt8]) -> [UInt8]? {
        guard content.count >= 64 else { return nil }
        if content.count > 4 * probeBytes {
            let probe = Deflate.compress(Array(content[..<probeBytes]), level: 1)
            guard probe.count < probeBytes / 10 * 9 else { return nil }
        }
        let compressed = Deflate.compress(content)
        return compressed.count < content.count ? compressed : nil
    }

    func append(to bytes: inout [UInt8], citedBy position: UInt64) {
        let body = Checksum.crc32(stored[...], continuing: Checksum.crc32(mediaType))
        RecordHeader(
            kind: .content, isCompressed: isCompressed, storedCount: stored.count, contentCount: contentCount,
            mediaTypeCount: mediaType.count, position: position, salt: salt, digest: digest,
            bodyChecksum: Checksum.masked(body)
        ).append(to: &bytes)
        bytes += mediaType
        bytes += stored
    }
}
