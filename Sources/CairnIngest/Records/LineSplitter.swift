internal import CairnBytes

/// Finds the lines in a stream of bytes. A line ends in LF or CRLF; one that is too long is passed over as a whole.
struct LineSplitter {
    private let bytesMax: Int
    private let keptBytesMax: Int
    private var pending: [UInt8] = []
    /// Bytes of the current line that were thrown away because it is too long.
    private var droppedBytes = 0
    private(set) var line = 1

    init(bytesMax: Int, keptBytesMax: Int) {
        self.bytesMax = bytesMax
        self.keptBytesMax = keptBytesMax
    }

    /// - Parameters:
    ///   - body: takes bytes that hold a whole line, where it starts and ends in them, and its number.
    ///   - tooLong: takes the first bytes of a line that is too long, its full length and its number.
    mutating func append(
        _ bytes: ArraySlice<UInt8>, body: (_ bytes: [UInt8], _ range: Range<Int>, _ line: Int) -> Void,
        tooLong: (_ head: [UInt8], _ byteCount: Int, _ line: Int) -> Void
    ) {
        // One buffer that starts with what was left over, so that every line is read in place.
        var buffer = pending
        buffer.append(contentsOf: bytes)
        pending = []
        var start = 0
        while let end = LineSplitter.newline(in: buffer, from: start) {
            finish(buffer, start, end, body, tooLong)
            start = end + 1
            line += 1
        }
        pending = start == 0 ? buffer : Array(buffer[start...])
        let length = pending.count + droppedBytes
        guard length > bytesMax else { return }
        // Only the head is kept, to show it.
        pending = Array(pending.prefix(keptBytesMax))
        droppedBytes = length - pending.count
    }

    mutating func finish(
        body: (_ bytes: [UInt8], _ range: Range<Int>, _ line: Int) -> Void,
        tooLong: (_ head: [UInt8], _ byteCount: Int, _ line: Int) -> Void
    ) {
        let buffer = pending
        pending = []
        if !buffer.isEmpty { finish(buffer, 0, buffer.count, body, tooLong) }
    }

    private mutating func finish(
        _ buffer: [UInt8], _ start: Int, _ end: Int, _ body: ([UInt8], Range<Int>, Int) -> Void,
        _ tooLong: ([UInt8], Int, Int) -> Void
    ) {
        let length = end - start + droppedBytes
        if length > bytesMax {
            tooLong(Array(buffer[start..<end].prefix(keptBytesMax)), length, line)
            droppedBytes = 0
            return
        }
        var stop = end
        if stop > start, buffer[stop - 1] == UInt8(ascii: "\r") { stop -= 1 }
        body(buffer, start..<stop, line)
    }

    private static func newline(in bytes: [UInt8], from start: Int) -> Int? {
        let span = bytes.span
        var index = start
        while index < span.count {
            if span[index] == UInt8(ascii: "\n") { return index }
            index += 1
        }
        return nil
    }
}
