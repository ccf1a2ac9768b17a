internal import CairnBytes

/// Why the bytes of a file of the ledger are refused.
enum FormatError: Error, Hashable, Sendable {
    /// The bytes end before the record does.
    case short
    case damaged(String)
    /// Undamaged, and of a later version.
    case newer(String)

    var reason: String {
        switch self {
        case .short: "it ends early"
        case .damaged(let reason), .newer(let reason): reason
        }
    }
}

/// The beginning of a segment: which ledger, which part of it, and the dictionary of its compressed frames.
struct SegmentHeader: Sendable, Hashable {
    var ledgerID: [UInt8]
    var number: UInt32
    var firstPosition: UInt64
    var created: Int64
    /// Frame hash of the last frame of the segment before; zeros in the first.
    var previousHash: TreeHash
    var origin: String
    /// The verifier key at the time, as text; empty without a key.
    var verifierKey: String
    var dictionary: [UInt8]

    static let noHash = TreeHash(checked: [UInt8](repeating: 0, count: TreeHash.byteCount))

    var byteCount: Int {
        Format.segmentHeaderFixedBytes + origin.utf8.count + verifierKey.utf8.count + dictionary.count + 4
    }

    var bytes: [UInt8] {
        var bytes = Format.segmentMagic
        bytes.reserveCapacity(byteCount)
        bytes.appendLittleEndian(Format.version)
        bytes.appendLittleEndian(UInt16(0))
        bytes.appendLittleEndian(UInt32(byteCount))
        bytes += ledgerID
        bytes.appendLittleEndian(number)
        bytes.appendLittleEndian(firstPosition)
        bytes.appendLittleEndian(created)
        previousHash.append(to: &bytes)
        bytes.appendLittleEndian(UInt16(origin.utf8.count))
        bytes.appendLittleEndian(UInt16(verifierKey.utf8.count))
        bytes.appendLittleEndian(UInt32(dictionary.count))
        bytes += Array(origin.utf8)
        bytes += Array(verifierKey.utf8)
        bytes += dictionary
        bytes.appendLittleEndian(Checksum.masked(Checksum.crc32(bytes)))
        return bytes
    }

    /// The header hash: what the first frame names as the frame before it.
    var hash: TreeHash { TreeHasher.sha256(bytes) }

    /// How long the header at the start of these bytes says it is; the first 16 bytes suffice.
    static func length(_ bytes: [UInt8]) throws(FormatError) -> Int {
        guard bytes.count >= 16 else { throw .short }
        guard bytes.has(Format.segmentMagic, at: 0) else { throw .damaged("it does not begin as a segment does") }
        let length = Int(bytes.uint32(at: 12))
        guard length >= Format.segmentHeaderFixedBytes + 4, length <= Format.segmentHeaderBytesMax else {
            throw .damaged("its header gives itself an impossible length")
        }
        return length
    }

    /// - Parameter bytes: begins with the whole header.
    init(parsing bytes: [UInt8]) throws(FormatError) {
        let length = try SegmentHeader.length(bytes)
        guard bytes.count >= length else { throw .short }
        guard Checksum.masked(Checksum.crc32(bytes[..<(length - 4)])) == bytes.uint32(at: length - 4) else {
            throw .damaged("the checksum of its header is wrong")
        }
        let version = bytes.uint16(at: 8)
        guard version == Format.version, bytes.uint16(at: 10) & 0xFF == 0 else {
            throw .newer("its format version is \(version), and this program reads \(Format.version)")
        }
        let originCount = Int(bytes.uint16(at: 84))
        let keyCount = Int(bytes.uint16(at: 86))
        let dictionaryCount = Int(bytes.uint32(at: 88))
        guard originCount > 0, originCount <= Format.originBytesMax, dictionaryCount <= Format.dictionaryBytesMax,
            Format.segmentHeaderFixedBytes + originCount + keyCount + dictionaryCount + 4 == length,
            let origin = String(validating: Array(bytes[92..<92 + originCount])),
            let verifierKey = String(validating: Array(bytes[92 + originCount..<92 + originCount + keyCount]))
        else { throw .damaged("the parts of its header do not fit") }
        ledgerID = Array(bytes[16..<32])
        number = bytes.uint32(at: 32)
        firstPosition = bytes.uint64(at: 36)
        created = bytes.int64(at: 44)
        previousHash = TreeHash(checked: bytes[52..<84])
        self.origin = origin
        self.verifierKey = verifierKey
        dictionary = Array(bytes[(92 + originCount + keyCount)..<(length - 4)])
    }

    init(
        ledgerID: [UInt8], number: UInt32, firstPosition: UInt64, created: Int64, previousHash: TreeHash,
        origin: String, verifierKey: String, dictionary: [UInt8]
    ) {
        self.ledgerID = ledgerID
        self.number = number
        self.firstPosition = firstPosition
        self.created = created
        self.previousHash = previousHash
        self.origin = origin
        self.verifierKey = verifierKey
        self.dictionary = dictionary
    }
}
