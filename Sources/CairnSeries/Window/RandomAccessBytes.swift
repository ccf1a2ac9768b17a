/// Bytes of which parts can be read without the rest: memory, a file, an attachment of the log.
package protocol RandomAccessBytes: Sendable {
    /// How many bytes there are.
    var count: Int { get }

    /// Exactly the bytes of a range.
    /// - Parameter range: inside `0..<count`.
    func read(_ range: Range<Int>) throws -> [UInt8]
}

extension [UInt8]: RandomAccessBytes {
    package func read(_ range: Range<Int>) -> [UInt8] { Array(self[range]) }
}
