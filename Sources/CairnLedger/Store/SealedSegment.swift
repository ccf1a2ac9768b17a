internal import CairnBytes
internal import Synchronization

/// A segment that never changes again, read by its index: nothing here reads a whole segment. The index lies at the end
/// of the file, or in memory where the one on disk is damaged or missing.
final class SealedSegment: Sendable {
    let header: SegmentHeader
    let name: String
    let file: any DiskFile
    let summary: SegmentSummary
    let frontier: TreeFrontier
    /// Where the frames end.
    let framesEnd: UInt64
    let epoch: UInt32
    /// Whether a damaged index is made up for by reading the frames; a writer must refuse it instead.
    private let readsAroundDamage: Bool
    private let cache: Mutex<Cache>

    /// Parts of the index that stay in memory once they were needed.
    private struct Cache {
        /// Where the index is; nil until its checksum was compared.
        var place: IndexPlace?
        var frames: [UInt8]?
        var identities: HashFilter?
        var streams: HashFilter?
    }

    private enum IndexPlace {
        case disk
        case memory([UInt8], SegmentSummary)
    }

    /// A bit for each possible 16th-part of the range of a hash: tells most absent hashes from present ones without a
    /// read, in two bytes for each row.
    private struct HashFilter {
        private var words: [UInt64]
        private let shift: UInt64

        init(rows: [UInt8]) {
            let count = max(1, rows.count / SegmentIndex.hashRowBytes)
            let bits = max(6, 64 - (UInt64(count) * 16 - 1).leadingZeroBitCount)
            shift = 64 - UInt64(bits)
            words = [UInt64](repeating: 0, count: 1 << (bits - 6))
            for offset in stride(from: 0, to: rows.count, by: SegmentIndex.hashRowBytes) {
                let place = rows.uint64(at: offset) >> shift
                words[Int(place >> 6)] |= 1 << (place & 63)
            }
        }

        func mayHave(_ hash: UInt64) -> Bool {
            let place = hash >> shift
            return words[Int(place >> 6)] & (1 << (place & 63)) != 0
        }
    }

    /// Opens by the index on disk.
    /// - Returns: nil if the file does not end in an index.
    init?(header: SegmentHeader, name: String, file: any DiskFile, readsAroundDamage: Bool) throws {
        let size = try file.size()
        let tail = UInt64(Format.summaryBytes + Format.frameEnd.count)
        guard size >= UInt64(header.byteCount + Format.frameHeaderBytes) + tail else { return nil }
        let bytes = try file.read(at: size - tail, count: Int(tail))
        guard bytes.count == Int(tail), bytes.has(Format.frameEnd, at: Format.summaryBytes),
            let summary = try? SegmentSummary(parsing: Array(bytes[..<Format.summaryBytes]))
        else { return nil }
        guard summary.firstPosition == header.firstPosition,
            summary.frameOffset <= size,
            size - summary.frameOffset
                == UInt64(Format.frameHeaderBytes + summary.payloadByteCount + Format.frameEnd.count)
        else { return nil }
        let frameBytes = try file.read(at: summary.frameOffset, count: Format.frameHeaderBytes)
        guard let frame = try? FrameHeader(parsing: frameBytes, at: 0), frame.kind == .index,
            frame.firstPosition == header.firstPosition, frame.count == summary.count,
            frame.storedCount == summary.payloadByteCount
        else { return nil }
        let hashesPlace = summary.frameOffset + UInt64(Format.frameHeaderBytes) + UInt64(summary.treeOffset)
        let hashes = try file.read(at: hashesPlace, count: Int(summary.hashCount) * TreeHash.byteCount)
        guard let list = TreeHash.list(hashes),
            let frontier = TreeFrontier(size: summary.firstPosition + UInt64(summary.count), hashes: list)
        else { return nil }
        self.header = header
        self.name = name
        self.file = file
        self.summary = summary
        self.frontier = frontier
        framesEnd = summary.frameOffset
        epoch = frame.epoch
        self.readsAroundDamage = readsAroundDamage
        cache = Mutex(Cache())
    }

    /// Wraps a segment that was read frame by frame because its index cannot be used.
    init(scanned segment: OpenSegment, name: String, file: any DiskFile) throws(FormatError) {
        let (payload, summary) = try SealedSegment.index(of: segment)
        header = segment.header
        self.name = name
        self.file = file
        self.summary = summary
        frontier = segment.frontier
        framesEnd = segment.end
        epoch = segment.epoch
        readsAroundDamage = true
        cache = Mutex(Cache(place: .memory(payload, summary)))
    }

    /// The index of a segment that was read frame by frame.
    private static func index(
        of segment: OpenSegment
    ) throws(FormatError) -> (payload: [UInt8], summary: SegmentSummary) {
        let payload = SegmentIndex.payload(
            of: segment, streams: StreamMap.Commitment(count: 0, root: TreeHasher.emptyRoot),
            frameOffset: segment.end)
        var summary = SegmentSummary(
            firstPosition: segment.header.firstPosition, count: segment.count,
            frameCount: UInt32(segment.frames.count), streamCount: UInt32(segment.streams.count),
            attachmentCount: UInt32(segment.attachments.count), hashCount: 0, identitiesOffset: 0,
            streamHashesOffset: 0, streamsOffset: 0, attachmentsOffset: 0, treeOffset: 0, minTime: segment.minTime,
            maxTime: segment.maxTime, firstRecorded: segment.firstRecorded ?? 0, lastRecorded: segment.lastRecorded,
            streams: StreamMap.Commitment(count: 0, root: TreeHasher.emptyRoot), frameOffset: segment.end)
        if segment.count > 0, !segment.hasGap {
            summary = try SegmentSummary(parsing: Array(payload.suffix(Format.summaryBytes)))
        } else {
            // The offsets are the same; only the check that the tables have no gap does not hold.
            let tail = Array(payload.suffix(Format.summaryBytes))
            summary.identitiesOffset = tail.uint32(at: 28)
            summary.streamHashesOffset = tail.uint32(at: 32)
            summary.streamsOffset = tail.uint32(at: 36)
            summary.attachmentsOffset = tail.uint32(at: 40)
            summary.treeOffset = tail.uint32(at: 44)
        }
        return (payload, summary)
    }

    var firstPosition: UInt64 { summary.firstPosition }
    var endPosition: UInt64 { summary.firstPosition + UInt64(summary.count) }
    var number: UInt32 { header.number }

    /// The summary of the index in use: of the one on disk, or of what was read in its place.
    private func tables() throws -> SegmentSummary {
        switch try place() {
        case .disk: summary
        case .memory(_, let summary): summary
        }
    }

    private func place() throws -> IndexPlace {
        if let place = cache.withLock({ $0.place }) { return place }
        let found: IndexPlace
        if try isIndexWhole() {
            found = .disk
        } else {
            guard readsAroundDamage else {
                throw damaged("the checksum of the index is wrong", at: summary.frameOffset)
            }
            found = try rebuiltIndex()
        }
        cache.withLock { $0.place = found }
        return found
    }

    /// The whole index is compared with its checksum before the first use, a piece at a time.
    private func isIndexWhole() throws -> Bool {
        let header = try file.read(at: summary.frameOffset, count: Format.frameHeaderBytes)
        guard let frame = try? FrameHeader(parsing: header, at: 0) else { return false }
        var crc: UInt32 = 0
        var offset = summary.frameOffset + UInt64(Format.frameHeaderBytes)
        let end = offset + UInt64(frame.storedCount)
        while offset < end {
            let bytes = try file.read(at: offset, count: Int(min(end - offset, 1 << 20)))
            if bytes.isEmpty { return false }
            crc = Checksum.crc32(bytes[...], continuing: crc)
            offset += UInt64(bytes.count)
        }
        return Checksum.masked(crc) == frame.storedChecksum
    }

    private func rebuiltIndex() throws -> IndexPlace {
        var segment = OpenSegment(header: header, frontier: TreeFrontier(), lastRecorded: .min, epoch: 0)
        _ = try SegmentLoader.scan(
            &segment, file: file, name: name, fileEnd: framesEnd, signedSize: .max, mayBeTorn: false)
        do throws(FormatError) {
            let (payload, summary) = try SealedSegment.index(of: segment)
            return .memory(payload, summary)
        } catch {
            throw damaged(error.reason, at: summary.frameOffset)
        }
    }

    /// Bytes of the tables of the index.
    private func table(_ offset: UInt32, _ count: Int) throws -> [UInt8] {
        if case .memory(let bytes, _) = try place() { return Array(bytes[Int(offset)..<Int(offset) + count]) }
        let bytes = try file.read(
            at: summary.frameOffset + UInt64(Format.frameHeaderBytes) + UInt64(offset), count: count)
        guard bytes.count == count else { throw damaged("the index ends early", at: summary.frameOffset) }
        return bytes
    }

    func damaged(_ reason: String, at offset: UInt64) -> LedgerError {
        LedgerError(
            .corrupt, "cannot read \(name) at byte \(offset): \(reason)", segment: name, offset: offset,
            remedy: "run verify, and restore the file from a backup")
    }

    // MARK: Frames

    private func frameTable() throws -> [UInt8] {
        if let frames = cache.withLock({ $0.frames }) { return frames }
        let frames = try table(0, Int(try tables().frameCount) * SegmentIndex.frameRowBytes)
        cache.withLock { $0.frames = frames }
        return frames
    }

    /// A frame of entries as the index lists it, with where it ends.
    func frame(at index: Int) throws -> OpenSegment.FrameRow {
        let frames = try frameTable()
        let offset = index * SegmentIndex.frameRowBytes
        let start = frames.uint64(at: offset)
        let next = offset + SegmentIndex.frameRowBytes
        let end = next < frames.count ? frames.uint64(at: next) : framesEnd
        guard start < end, end <= framesEnd, end - start <= UInt64(Format.payloadBytesMax + 80) * 2 else {
            throw damaged("the index lists frames out of order", at: summary.frameOffset)
        }
        return OpenSegment.FrameRow(
            offset: start, firstPosition: frames.uint64(at: offset + 8), count: frames.uint32(at: offset + 16),
            firstRecorded: frames.int64(at: offset + 20), lastRecorded: frames.int64(at: offset + 28),
            minTime: frames.int64(at: offset + 36), maxTime: frames.int64(at: offset + 44),
            byteCount: UInt32(end - start))
    }

    func frameCount() throws -> Int { Int(try tables().frameCount) }

    /// The frame that holds the position, or the first behind it.
    func frameIndex(holding position: UInt64) throws -> Int {
        var low = 0
        var high = try frameCount()
        while low < high {
            let middle = (low + high) / 2
            let row = try frame(at: middle)
            if row.firstPosition &+ UInt64(row.count) <= position { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: Hash tables

    /// The values of the rows with this hash in the table of identities.
    func candidates(identity: UInt64) throws -> [UInt32] {
        let tables = try tables()
        let count = Int(tables.streamHashesOffset - tables.identitiesOffset) / SegmentIndex.hashRowBytes
        return try lookUp(identity, offset: tables.identitiesOffset, count: count, filter: \.identities)
    }

    private func lookUp(
        _ hash: UInt64, offset: UInt32, count: Int, filter path: any WritableKeyPath<Cache, HashFilter?> & Sendable
    ) throws -> [UInt32] {
        let known = cache.withLock { $0[keyPath: path]?.mayHave(hash) }
        if known == false { return [] }
        let rowBytes = SegmentIndex.hashRowBytes
        if known == nil {
            let filter = HashFilter(rows: try table(offset, count * rowBytes))
            cache.withLock { $0[keyPath: path] = filter }
            if !filter.mayHave(hash) { return [] }
        }
        // Hashes are spread evenly: a row lies near its share of the table, most often within four deviations.
        let near = Int(hash.multipliedFullWidth(by: UInt64(count)).high)
        let spread = 2 * Int(Double(count).squareRoot()) + 8
        let bracket = max(0, near - spread)...min(count, near + spread)
        var low = try firstRow(notBelow: hash, bracket, offset: offset)
        let isOutside = low == bracket.lowerBound && low > 0 || low == bracket.upperBound && low < count
        if isOutside { low = try firstRow(notBelow: hash, 0...count, offset: offset) }
        var values: [UInt32] = []
        while low < count {
            let row = try table(offset + UInt32(low * rowBytes), rowBytes)
            guard row.uint64(at: 0) == hash else { break }
            values.append(row.uint32(at: 8))
            low += 1
        }
        return values
    }

    /// So many rows are read at once, when no more are left to look at.
    private static let rowsReadAtOnce = 128

    /// The first row of the range whose hash is not below this one; the end of the range if all are.
    private func firstRow(notBelow hash: UInt64, _ range: ClosedRange<Int>, offset: UInt32) throws -> Int {
        let rowBytes = SegmentIndex.hashRowBytes
        var low = range.lowerBound
        var high = range.upperBound
        while high - low > SealedSegment.rowsReadAtOnce {
            let middle = (low + high) / 2
            let row = try table(offset + UInt32(middle * rowBytes), rowBytes)
            if row.uint64(at: 0) < hash { low = middle + 1 } else { high = middle }
        }
        if low == high { return low }
        let rows = try table(offset + UInt32(low * rowBytes), (high - low) * rowBytes)
        let first = low
        while low < high {
            let middle = (low + high) / 2
            if rows.uint64(at: (middle - first) * rowBytes) < hash { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: Streams

    /// What the segment has of a stream, or nil.
    func run(of stream: String) throws -> OpenSegment.StreamRun? {
        let summary = try tables()
        let places = try lookUp(
            Digest.stream(stream), offset: summary.streamHashesOffset, count: Int(summary.streamCount),
            filter: \.streams)
        let end = summary.attachmentsOffset - summary.streamsOffset
        for place in places {
            guard place < end else { throw damaged("the index of streams is wrong", at: summary.frameOffset) }
            var length = min(4096, Int(end - place))
            while true {
                let bytes = try table(summary.streamsOffset + place, length)
                var reader = ByteReader(bytes)
                do {
                    let record = try SealedSegment.record(&reader)
                    if record.name == stream { return record.run }
                    break
                } catch {
                    // A long record: read on, up to the end of the table.
                    guard length < Int(end - place) else {
                        throw damaged("the index of streams is wrong: \(error)", at: summary.frameOffset)
                    }
                    length = min(length * 8, Int(end - place))
                }
            }
        }
        return nil
    }

    /// Every stream of the segment, sorted by name.
    func forEachStream(_ body: (String, OpenSegment.StreamRun) throws -> Void) throws {
        let summary = try tables()
        let bytes = try table(summary.streamsOffset, Int(summary.attachmentsOffset - summary.streamsOffset))
        var reader = ByteReader(bytes)
        do {
            while !reader.isAtEnd {
                let record = try SealedSegment.record(&reader)
                try body(record.name, record.run)
            }
        } catch let error as ByteError {
            throw damaged("the index of streams is wrong: \(error)", at: summary.frameOffset)
        }
    }

    private static func record(
        _ reader: inout ByteReader
    ) throws(ByteError) -> (name: String, run: OpenSegment.StreamRun) {
        let name = try reader.readString()
        let firstRevision = try reader.readVarint()
        let count = try reader.readCount()
        guard count > 0 else { throw ByteError(reason: "a stream without entries", offset: reader.offset) }
        var entries: [UInt32] = []
        entries.reserveCapacity(count)
        var entry: UInt64 = 0
        for _ in 0..<count {
            entry &+= try reader.readVarint()
            guard let short = UInt32(exactly: entry) else {
                throw ByteError(reason: "an entry outside the segment", offset: reader.offset)
            }
            entries.append(short)
        }
        let run = OpenSegment.StreamRun(
            firstRevision: firstRevision, entries: entries, lastRevision: firstRevision &+ UInt64(count - 1))
        return (name, run)
    }

    // MARK: Attachments

    /// Where the record of a cited attachment was when the segment was sealed, and which entry cites it.
    func attachment(_ digest: TreeHash) throws -> OpenSegment.AttachmentRow? {
        let summary = try tables()
        var low = 0
        var high = Int(summary.attachmentCount)
        let rowBytes = SegmentIndex.attachmentRowBytes
        while low < high {
            let middle = (low + high) / 2
            let row = try table(summary.attachmentsOffset + UInt32(middle * rowBytes), rowBytes)
            let found = TreeHash(checked: row[..<TreeHash.byteCount])
            if found == digest {
                return OpenSegment.AttachmentRow(offset: row.uint64(at: 32), citing: row.uint32(at: 40))
            }
            if found < digest { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// The digests that entries of the segment cite.
    func citedDigests() throws -> [TreeHash] {
        let summary = try tables()
        let rowBytes = SegmentIndex.attachmentRowBytes
        let bytes = try table(summary.attachmentsOffset, Int(summary.attachmentCount) * rowBytes)
        return stride(from: 0, to: bytes.count, by: rowBytes).map {
            TreeHash(checked: bytes[$0..<$0 + TreeHash.byteCount])
        }
    }
}
