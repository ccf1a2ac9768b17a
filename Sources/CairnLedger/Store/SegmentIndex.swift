internal import CairnBytes

/// The index that ends a sealed segment: written from the index in memory, byte for byte the same from the same
/// entries, so that a verifier compares it with its own.
enum SegmentIndex {
    static let frameRowBytes = 52
    static let hashRowBytes = 12
    static let attachmentRowBytes = 44

    /// - Parameters:
    ///   - streams: what the sealing event, the last entry, says.
    ///   - frameOffset: where the frame of the index begins in the file.
    ///   - identities: those of the segment, if they are sorted already.
    static func payload(
        of segment: OpenSegment, identities: [IdentityRow]? = nil, streams commitment: StreamMap.Commitment,
        frameOffset: UInt64
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(segment.count) * 16 + segment.frames.count * frameRowBytes + 4096)
        for row in segment.frames {
            bytes.appendLittleEndian(row.offset)
            bytes.appendLittleEndian(row.firstPosition)
            bytes.appendLittleEndian(row.count)
            bytes.appendLittleEndian(row.firstRecorded)
            bytes.appendLittleEndian(row.lastRecorded)
            bytes.appendLittleEndian(row.minTime)
            bytes.appendLittleEndian(row.maxTime)
        }
        let identitiesOffset = UInt32(bytes.count)
        append(identities ?? IdentityRow.sorted(segment.identities), to: &bytes)
        let streams = segment.streams
        let sorted = streams.rows.sorted {
            streams.nameBytes($0).lexicographicallyPrecedes(streams.nameBytes($1))
        }
        var records: [UInt8] = []
        var hashes: [IdentityRow] = []
        for row in sorted {
            let name = streams.name(row)
            hashes.append(IdentityRow(hash: Digest.stream(name), entry: UInt32(records.count)))
            append(name, streams.run(row), to: &records)
        }
        let streamHashesOffset = UInt32(bytes.count)
        append(IdentityRow.sorted(hashes), to: &bytes)
        let streamsOffset = UInt32(bytes.count)
        bytes += records
        let attachmentsOffset = UInt32(bytes.count)
        for (digest, row) in segment.attachments.sorted(by: { $0.key < $1.key }) {
            digest.append(to: &bytes)
            bytes.appendLittleEndian(row.offset)
            bytes.appendLittleEndian(row.citing)
        }
        let treeOffset = UInt32(bytes.count)
        for hash in segment.frontier.hashes { hash.append(to: &bytes) }
        let summary = SegmentSummary(
            firstPosition: segment.header.firstPosition, count: segment.count, frameCount: UInt32(segment.frames.count),
            streamCount: UInt32(sorted.count), attachmentCount: UInt32(segment.attachments.count),
            hashCount: UInt32(segment.frontier.hashes.count), identitiesOffset: identitiesOffset,
            streamHashesOffset: streamHashesOffset, streamsOffset: streamsOffset,
            attachmentsOffset: attachmentsOffset, treeOffset: treeOffset, minTime: segment.minTime,
            maxTime: segment.maxTime, firstRecorded: segment.firstRecorded ?? 0, lastRecorded: segment.lastRecorded,
            streams: commitment, frameOffset: frameOffset)
        summary.append(to: &bytes)
        return bytes
    }

    private static func append(_ rows: [IdentityRow], to bytes: inout [UInt8]) {
        for row in rows {
            bytes.appendLittleEndian(row.hash)
            bytes.appendLittleEndian(row.entry)
        }
    }

    private static func append(_ name: String, _ run: OpenSegment.StreamRun, to bytes: inout [UInt8]) {
        var writer = ByteWriter(capacity: name.utf8.count + 8 + run.entries.count * 2)
        writer.appendCounted(name)
        writer.appendVarint(run.firstRevision)
        writer.appendVarint(UInt64(run.entries.count))
        var previous: UInt32 = 0
        for entry in run.entries {
            writer.appendVarint(UInt64(entry - previous))
            previous = entry
        }
        bytes += writer.bytes
    }
}

/// The last 136 bytes of an index: where its tables are.
struct SegmentSummary: Sendable, Hashable {
    var firstPosition: UInt64
    var count: UInt32
    var frameCount: UInt32
    var streamCount: UInt32
    var attachmentCount: UInt32
    var hashCount: UInt32
    var identitiesOffset: UInt32
    var streamHashesOffset: UInt32
    var streamsOffset: UInt32
    var attachmentsOffset: UInt32
    var treeOffset: UInt32
    var minTime: Int64
    var maxTime: Int64
    var firstRecorded: Int64
    var lastRecorded: Int64
    var streams: StreamMap.Commitment
    var frameOffset: UInt64

    /// Of the tables and the summary.
    var payloadByteCount: Int {
        Int(treeOffset) + Int(hashCount) * TreeHash.byteCount + Format.summaryBytes
    }

    func append(to bytes: inout [UInt8]) {
        let start = bytes.count
        bytes.appendLittleEndian(firstPosition)
        for number in [
            count, frameCount, streamCount, attachmentCount, hashCount, identitiesOffset, streamHashesOffset,
            streamsOffset, attachmentsOffset, treeOffset,
        ] { bytes.appendLittleEndian(number) }
        for time in [minTime, maxTime, firstRecorded, lastRecorded] { bytes.appendLittleEndian(time) }
        bytes.appendLittleEndian(streams.count)
        streams.root.append(to: &bytes)
        bytes.appendLittleEndian(frameOffset)
        bytes.appendLittleEndian(Format.indexVersion)
        bytes.appendLittleEndian(Checksum.masked(Checksum.crc32(bytes[start...])))
        precondition(bytes.count - start == Format.summaryBytes, "the summary of an index has another length")
    }

    init(
        firstPosition: UInt64, count: UInt32, frameCount: UInt32, streamCount: UInt32, attachmentCount: UInt32,
        hashCount: UInt32, identitiesOffset: UInt32, streamHashesOffset: UInt32, streamsOffset: UInt32,
        attachmentsOffset: UInt32, treeOffset: UInt32, minTime: Int64, maxTime: Int64, firstRecorded: Int64,
        lastRecorded: Int64, streams: StreamMap.Commitment, frameOffset: UInt64
    ) {
        self.firstPosition = firstPosition
        self.count = count
        self.frameCount = frameCount
        self.streamCount = streamCount
        self.attachmentCount = attachmentCount
        self.hashCount = hashCount
        self.identitiesOffset = identitiesOffset
        self.streamHashesOffset = streamHashesOffset
        self.streamsOffset = streamsOffset
        self.attachmentsOffset = attachmentsOffset
        self.treeOffset = treeOffset
        self.minTime = minTime
        self.maxTime = maxTime
        self.firstRecorded = firstRecorded
        self.lastRecorded = lastRecorded
        self.streams = streams
        self.frameOffset = frameOffset
    }

    /// - Parameter bytes: exactly the 136 bytes.
    init(parsing bytes: [UInt8]) throws(FormatError) {
        guard bytes.count == Format.summaryBytes else { throw .short }
        guard Checksum.masked(Checksum.crc32(bytes[..<132])) == bytes.uint32(at: 132) else {
            throw .damaged("there is no index")
        }
        guard bytes.uint32(at: 128) == Format.indexVersion else { throw .newer("the index is of a later version") }
        let numbers = (0..<10).map { bytes.uint32(at: 8 + $0 * 4) }
        let times = (0..<4).map { bytes.int64(at: 48 + $0 * 8) }
        self.init(
            firstPosition: bytes.uint64(at: 0), count: numbers[0], frameCount: numbers[1], streamCount: numbers[2],
            attachmentCount: numbers[3], hashCount: numbers[4], identitiesOffset: numbers[5],
            streamHashesOffset: numbers[6], streamsOffset: numbers[7], attachmentsOffset: numbers[8],
            treeOffset: numbers[9], minTime: times[0], maxTime: times[1], firstRecorded: times[2],
            lastRecorded: times[3],
            streams: StreamMap.Commitment(
                count: bytes.uint64(at: 80), root: TreeHash(checked: bytes[88..<120])),
            frameOffset: bytes.uint64(at: 120))
        let (end, isTooLarge) = firstPosition.addingReportingOverflow(UInt64(count))
        guard !isTooLarge, count > 0, hashCount == UInt32(end.nonzeroBitCount),
            UInt64(identitiesOffset) == UInt64(frameCount) * UInt64(SegmentIndex.frameRowBytes),
            streamHashesOffset >= identitiesOffset,
            UInt64(streamHashesOffset - identitiesOffset) == UInt64(count) * UInt64(SegmentIndex.hashRowBytes),
            streamsOffset >= streamHashesOffset,
            UInt64(streamsOffset - streamHashesOffset) == UInt64(streamCount) * UInt64(SegmentIndex.hashRowBytes),
            attachmentsOffset >= streamsOffset, treeOffset >= attachmentsOffset,
            UInt64(treeOffset - attachmentsOffset)
                == UInt64(attachmentCount) * UInt64(SegmentIndex.attachmentRowBytes),
            payloadByteCount <= Format.payloadBytesMax
        else { throw .damaged("the tables of the index do not fit each other") }
    }
}
