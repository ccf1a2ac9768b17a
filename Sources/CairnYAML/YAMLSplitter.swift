/// Finds the documents in a stream of bytes, so that each is read on its own: a broken one costs itself alone, and
/// memory holds one. A document starts at a line `---`, which nothing inside a document can be.
package struct YAMLSplitter {
    package struct Piece: Sendable {
        package var bytes: [UInt8]
        /// The line of its first byte, from 1.
        package var line: Int
        /// More than `bytes.count` if it is longer than the limit and only its head is here.
        package var byteCount: Int
    }

    /// How much is kept of a document that is too long, to show it.
    private static let headBytesMax = 4096

    private let bytesMax: Int
    private var buffer: [UInt8] = []
    /// How much of `buffer` has no start of a document.
    private var scanned = 0
    /// Of a document that is too long: how much was thrown away, and its first bytes.
    private var droppedBytes = 0
    private var head: [UInt8] = []
    private var startLine = 1
    private var line = 1

    package init(bytesMax: Int) { self.bytesMax = bytesMax }

    package mutating func append(_ bytes: ArraySlice<UInt8>, emit: (Piece) -> Void) {
        buffer.append(contentsOf: bytes)
        // Whole lines only: the last one may go on in the next piece.
        while let end = buffer[scanned...].firstIndex(of: UInt8(ascii: "\n")) {
            if YAMLSplitter.isMarker(buffer[scanned..<end]), hasContent(before: scanned) {
                let rest = Array(buffer[scanned...])
                let markerBytes = end - scanned + 1
                buffer.removeSubrange(scanned...)
                flush(emit)
                buffer = rest
                scanned = markerBytes
                startLine = line
            } else {
                scanned = end + 1
            }
            line += 1
        }
        guard buffer.count > bytesMax else { return }
        if head.isEmpty { head = Array(buffer.prefix(YAMLSplitter.headBytesMax)) }
        let lastLine = buffer.count - scanned <= bytesMax ? Array(buffer[scanned...]) : []
        droppedBytes += buffer.count - lastLine.count
        buffer = lastLine
        scanned = 0
    }

    package mutating func finish(emit: (Piece) -> Void) { flush(emit) }

    private mutating func flush(_ emit: (Piece) -> Void) {
        if droppedBytes > 0 {
            emit(Piece(bytes: head, line: startLine, byteCount: droppedBytes + buffer.count))
        } else if !buffer.isEmpty {
            emit(Piece(bytes: buffer, line: startLine, byteCount: buffer.count))
        }
        buffer = []
        scanned = 0
        droppedBytes = 0
        head = []
    }

    /// Directives and comments before a `---` belong to the document that it starts.
    private func hasContent(before end: Int) -> Bool {
        if droppedBytes > 0 { return true }
        return buffer[..<end].split(separator: UInt8(ascii: "\n")).contains { line in
            guard let first = line.first(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { return false }
            return first != UInt8(ascii: "#") && line.first != UInt8(ascii: "%")
        }
    }

    private static func isMarker(_ line: ArraySlice<UInt8>) -> Bool {
        guard line.starts(with: [UInt8(ascii: "-"), UInt8(ascii: "-"), UInt8(ascii: "-")]) else { return false }
        guard let next = line.dropFirst(3).first else { return true }
        return next == 0x20 || next == 0x09 || next == 0x0D
    }
}
