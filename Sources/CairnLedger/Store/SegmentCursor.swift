internal import Synchronization

/// Where reading begins: a frame of a segment, and how far the segment goes. Small, so that readers take one out of the
/// view and let go of its lock before they touch the disk.
struct SegmentCursor: Sendable {
    let segment: UInt32
    let name: String
    let file: any DiskFile
    let dictionary: [UInt8]
    /// The frame that holds the position asked for, or the first behind it.
    let offset: UInt64
    let firstPosition: UInt64
    /// Of that frame.
    let byteCount: UInt32
    /// End of the frames and of the positions that readers may see.
    let framesEnd: UInt64
    let endPosition: UInt64

    func damaged(_ reason: String, at offset: UInt64) -> LedgerError {
        LedgerError(
            .corrupt, "cannot read \(name) at byte \(offset): \(reason)", segment: name, offset: offset,
            remedy: "run verify, and restore the file from a backup")
    }

    /// Reads the one frame.
    func frame() throws -> DecodedFrame {
        let count = min(UInt64(byteCount), framesEnd - offset)
        let bytes = try file.read(at: offset, count: Int(count))
        do throws(FormatError) {
            return try DecodedFrame(try Frame(parsing: bytes, at: 0, offset: offset), dictionary: dictionary)
        } catch {
            throw damaged(error.reason, at: offset)
        }
    }

    /// Reads frames in order up to position `end` or the end of the segment.
    /// - Returns: the position reached.
    func forEachFrame(to end: UInt64, _ body: (DecodedFrame) throws -> Void) throws -> UInt64 {
        var scanner = FrameScanner(
            file: file, fileEnd: framesEnd, offset: offset, previousHash: nil, nextPosition: firstPosition)
        var position = firstPosition
        while position < min(end, endPosition) {
            switch try scanner.next() {
            case .frame(let frame):
                guard frame.header.kind == .entries, frame.header.count > 0 else { continue }
                guard frame.header.firstPosition == position else {
                    throw damaged("entries \(position) to \(frame.header.firstPosition) are missing", at: frame.offset)
                }
                let decoded: DecodedFrame
                do throws(FormatError) { decoded = try DecodedFrame(frame, dictionary: dictionary) } catch {
                    throw damaged(error.reason, at: frame.offset)
                }
                try body(decoded)
                position += UInt64(frame.header.count)
            case .end: throw damaged("it ends before entry \(position)", at: scanner.offset)
            case .invalid(let error): throw damaged(error.reason, at: scanner.offset)
            }
        }
        return position
    }
}

/// The entries of one frame.
final class DecodedFrame: Sendable {
    let firstPosition: UInt64
    let payload: [UInt8]
    let ranges: [Range<Int>]

    init(_ frame: Frame, dictionary: [UInt8]) throws(FormatError) {
        firstPosition = frame.header.firstPosition
        payload = try frame.payload(dictionary: dictionary)
        ranges = try EntryOffsets.ranges(of: payload, count: frame.header.count)
    }

    var endPosition: UInt64 { firstPosition + UInt64(ranges.count) }

    func entry(at position: UInt64) -> [UInt8]? {
        guard position >= firstPosition, position < endPosition else { return nil }
        return Array(payload[ranges[Int(position - firstPosition)]])
    }
}

/// The frames read last: reading a stream, or comparing a repeated import, meets the same frame many times.
final class FrameCache: Sendable {
    private struct Key: Hashable {
        var segment: UInt32
        var offset: UInt64
    }

    private struct State {
        var frames: [Key: DecodedFrame] = [:]
        var order: [Key] = []
    }

    /// 256 KiB each.
    private static let framesMax = 16
    private let state = Mutex(State())

    func frame(_ cursor: SegmentCursor) throws -> DecodedFrame {
        let key = Key(segment: cursor.segment, offset: cursor.offset)
        if let frame = state.withLock({ $0.frames[key] }) { return frame }
        let frame = try cursor.frame()
        state.withLock { state in
            guard state.frames.updateValue(frame, forKey: key) == nil else { return }
            state.order.append(key)
            if state.order.count > FrameCache.framesMax { state.frames[state.order.removeFirst()] = nil }
        }
        return frame
    }
}

extension LedgerView {
    /// Where the entry at a position is.
    func cursor(at position: UInt64) throws -> SegmentCursor {
        if let open, let openFile, position >= open.header.firstPosition, position < open.nextPosition {
            var low = 0
            var high = open.frames.count
            while low < high {
                let middle = (low + high) / 2
                let row = open.frames[middle]
                if row.firstPosition + UInt64(row.count) <= position { low = middle + 1 } else { high = middle }
            }
            guard low < open.frames.count, open.frames[low].firstPosition <= position else {
                throw missing(position, Format.segmentName(open.header.number))
            }
            let row = open.frames[low]
            return SegmentCursor(
                segment: open.header.number, name: Format.segmentName(open.header.number), file: openFile,
                dictionary: open.header.dictionary, offset: row.offset, firstPosition: row.firstPosition,
                byteCount: row.byteCount, framesEnd: open.end, endPosition: open.nextPosition)
        }
        guard let segment = sealed(holding: position) else {
            throw LedgerError(
                .notFound, "cannot read the entry at position \(position): the ledger has \(size) entries, from 0")
        }
        let index = try segment.frameIndex(holding: position)
        guard try index < segment.frameCount() else { throw missing(position, segment.name) }
        let row = try segment.frame(at: index)
        guard row.firstPosition <= position else { throw missing(position, segment.name) }
        return SegmentCursor(
            segment: segment.number, name: segment.name, file: segment.file, dictionary: segment.header.dictionary,
            offset: row.offset, firstPosition: row.firstPosition, byteCount: row.byteCount,
            framesEnd: segment.framesEnd, endPosition: segment.endPosition)
    }

    private func missing(_ position: UInt64, _ name: String) -> LedgerError {
        LedgerError(
            .corrupt, "cannot read the entry at position \(position): its part of \(name) is damaged", segment: name,
            remedy: "run verify, and restore the file from a backup")
    }

    func sealed(holding position: UInt64) -> SealedSegment? {
        var low = 0
        var high = sealed.count
        while low < high {
            let middle = (low + high) / 2
            if sealed[middle].endPosition <= position { low = middle + 1 } else { high = middle }
        }
        guard low < sealed.count, sealed[low].firstPosition <= position else { return nil }
        return sealed[low]
    }
}
