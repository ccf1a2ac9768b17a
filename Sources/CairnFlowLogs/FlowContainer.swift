import CairnBytes

/// Turns the bytes of a file, gzip or plain, into its text, one buffer at a time.
struct FlowContainer: ~Copyable {
    private let fileBytesMax: Int
    private var inflater: InflateStream?
    private var isKnown = false
    private var hasEnded = false
    private var piece: [UInt8] = []
    private var position = 0
    /// zlib filled the whole buffer and may hold more.
    private var mayHoldMore = false
    private var failure: FlowLogError?
    private(set) var fileBytes = 0

    init(limits: FlowLogLimits) { fileBytesMax = limits.fileBytesMax }

    /// Takes the next bytes; those before must have been read (`fill` was false).
    mutating func push(_ bytes: [UInt8]) {
        fileBytes += bytes.count
        if position == piece.count {
            piece = bytes
        } else {
            // Only the first byte of a file that comes byte by byte waits here.
            piece = Array(piece[position...]) + bytes
        }
        position = 0
    }

    /// There are no more bytes.
    mutating func end() { hasEnded = true }

    /// Writes text to the buffer and returns true, or returns false if more bytes are needed first. What came before
    /// damage is given before the error.
    mutating func fill(_ buffer: FlowTextBuffer) throws(FlowLogError) -> Bool {
        if let failure { throw failure }
        if !isKnown {
            // Two bytes tell a gzip.
            guard piece.count - position >= 2 || hasEnded else { return false }
            isKnown = true
            if piece.count - position >= 2, piece[position] == 0x1F, piece[position + 1] == 0x8B {
                inflater = InflateStream(container: .gzip, limit: fileBytesMax)
            }
        }
        return inflater == nil ? copy(to: buffer) : try inflate(to: buffer)
    }

    private mutating func copy(to buffer: FlowTextBuffer) -> Bool {
        let count = min(piece.count - position, FlowTextBuffer.textBytes)
        if count == 0 { return false }
        let place = position
        unsafe piece.withUnsafeBufferPointer { piece in
            unsafe buffer.room.baseAddress?.update(from: piece.baseAddress! + place, count: count)
        }
        position += count
        buffer.count = count
        return true
    }

    private mutating func inflate(to buffer: FlowTextBuffer) throws(FlowLogError) -> Bool {
        var written = 0
        if position < piece.count || mayHoldMore {
            let input = piece
            var place = position
            defer { position = place }
            do throws(InflateError) {
                try unsafe inflater?.read(input.span, at: &place, into: buffer.room, written: &written)
            } catch {
                failure = FlowContainer.damage(error)
            }
            mayHoldMore = written == FlowTextBuffer.textBytes
        } else if hasEnded, !(inflater?.isFinished ?? true) {
            throw .damaged(offset: fileBytes, reason: "the compressed bytes end early")
        }
        buffer.count = written
        if written == 0, let failure { throw failure }
        return written > 0
    }

    private static func damage(_ error: InflateError) -> FlowLogError {
        switch error {
        case .damaged(let offset, let reason): .damaged(offset: offset, reason: reason)
        case .endsEarly(let offset): .damaged(offset: offset, reason: "the compressed bytes end early")
        case .tooLarge(let limit): .damaged(offset: 0, reason: "more than the limit of \(limit) bytes comes out")
        }
    }
}
