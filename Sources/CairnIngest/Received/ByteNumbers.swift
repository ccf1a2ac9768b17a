internal import CairnBytes

/// Gives byte strings numbers: the same bytes the same number, from 0 in the order in which they first came.
///
/// Open addressing over hashes, with the bytes in one array.
struct ByteNumbers {
    private struct Entry {
        var hash: UInt64
        var start: Int
        var count: Int
    }

    private var slots: [Int32] = Array(repeating: -1, count: 1024)
    private var entries: [Entry] = []
    private var bytes: [UInt8] = []
    private let seed: UInt64
    private let factor: UInt64

    /// - Parameter seed: what senders do not know, so that they cannot make many strings of one hash.
    init(seed: UInt64) {
        self.seed = seed
        factor = (seed ^ 0x9E37_79B9_7F4A_7C15) | 1
    }

    var count: Int { entries.count }
    var byteCount: Int { bytes.count }

    /// Wide multiplications folded, sixteen bytes at a time.
    @inline(__always)
    func hash(_ text: Span<UInt8>, _ range: Range<Int>) -> UInt64 {
        let raw = unsafe text.bytes
        var hash = seed ^ UInt64(truncatingIfNeeded: range.count)
        var place = range.lowerBound
        while range.upperBound &- place >= 16 {
            let first = unsafe raw.unsafeLoadUnaligned(fromByteOffset: place, as: UInt64.self)
            let second = unsafe raw.unsafeLoadUnaligned(fromByteOffset: place &+ 8, as: UInt64.self)
            hash = ByteNumbers.fold(first ^ factor, second ^ hash)
            place &+= 16
        }
        var first: UInt64 = 0
        var second: UInt64 = 0
        if range.upperBound &- place >= 8 {
            first = unsafe raw.unsafeLoadUnaligned(fromByteOffset: place, as: UInt64.self)
            place &+= 8
        }
        while place < range.upperBound {
            second = second << 8 | UInt64(text[place])
            place &+= 1
        }
        return ByteNumbers.fold(first ^ factor, second ^ hash)
    }

    @inline(__always)
    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    /// The number of these bytes, nil if they are new.
    @inline(__always)
    func find(_ text: Span<UInt8>, _ range: Range<Int>, hash: UInt64) -> Int? {
        var slot = Int(truncatingIfNeeded: hash) & (slots.count &- 1)
        while slots[slot] >= 0 {
            let number = Int(slots[slot])
            let entry = entries[number]
            if entry.hash == hash, entry.count == range.count, isSame(entry.start, text, range) { return number }
            slot = (slot &+ 1) & (slots.count &- 1)
        }
        return nil
    }

    @inline(__always)
    private func isSame(_ start: Int, _ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        let known = bytes.span
        var offset = 0
        while range.count &- offset >= 8 {
            let left = unsafe known.bytes.unsafeLoadUnaligned(fromByteOffset: start &+ offset, as: UInt64.self)
            let right = unsafe text.bytes.unsafeLoadUnaligned(
                fromByteOffset: range.lowerBound &+ offset, as: UInt64.self)
            if left != right { return false }
            offset &+= 8
        }
        while offset < range.count {
            if known[start &+ offset] != text[range.lowerBound &+ offset] { return false }
            offset &+= 1
        }
        return true
    }

    /// Adds bytes that `find` did not know.
    mutating func add(_ text: Span<UInt8>, _ range: Range<Int>, hash: UInt64) -> Int {
        let number = entries.count
        entries.append(Entry(hash: hash, start: bytes.count, count: range.count))
        for place in range { bytes.append(text[place]) }
        if entries.count * 2 > slots.count { grow() } else { place(number) }
        return number
    }

    private mutating func place(_ number: Int) {
        var slot = Int(truncatingIfNeeded: entries[number].hash) & (slots.count - 1)
        while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = Int32(number)
    }

    private mutating func grow() {
        slots = Array(repeating: -1, count: slots.count * 4)
        for number in entries.indices { place(number) }
    }

    /// The text of a number; nil if its bytes are not UTF-8.
    func text(of number: Int) -> String? {
        let entry = entries[number]
        return String(validating: bytes.span.extracting(entry.start..<entry.start + entry.count))
    }
}
