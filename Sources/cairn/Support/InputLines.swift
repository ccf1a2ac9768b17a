import SystemPackage

/// Standard input line by line, as bytes: what is no text must not become other text before it is looked at.
struct InputLines {
    /// An event with its data, as large as the log takes it, and its envelope.
    static let lineBytesMax = 65 << 20
    private static let pieceBytes = 1 << 16

    private var buffer: [UInt8] = []
    private var start = 0
    /// Up to here there is no line break.
    private var searched = 0
    private var isAtEnd = false

    /// The next line without its line break; nil at the end.
    mutating func next() throws -> [UInt8]? {
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                var line = Array(buffer[start..<end])
                start = end + 1
                searched = start
                if line.last == UInt8(ascii: "\r") { line.removeLast() }
                return line
            }
            searched = buffer.count
            guard !isAtEnd else {
                defer { start = buffer.count }
                return start < buffer.count ? Array(buffer[start...]) : nil
            }
            guard buffer.count - start <= InputLines.lineBytesMax else {
                throw CommandError(
                    "cannot read standard input: a line of more than \(InputLines.lineBytesMax) bytes",
                    remedy: "write one event a line", status: ExitStatus.data)
            }
            try readMore()
        }
    }

    private mutating func readMore() throws {
        // What was given out makes room once it is the larger part, so that each byte is moved a few times at most.
        if start > buffer.count / 2 {
            buffer.removeFirst(start)
            searched -= start
            start = 0
        }
        let piece: [UInt8]
        do {
            piece = try unsafe [UInt8](unsafeUninitializedCapacity: InputLines.pieceBytes) { memory, count in
                count = try unsafe FileDescriptor.standardInput.read(into: UnsafeMutableRawBufferPointer(memory))
            }
        } catch {
            throw CommandError("cannot read standard input: \(error)")
        }
        isAtEnd = piece.isEmpty
        buffer.append(contentsOf: piece)
    }
}
