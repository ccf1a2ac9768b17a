/// Finds the members that the ledger needs in an entry as Cairn writes it, member after member in their known order,
/// several bytes at a time. Every entry of the log passes here when it is opened or verified; one with extensions,
/// attachments or escapes is left to `EntryLayout`, which takes members in any order.
@safe struct EntryEnvelope {
    private let bytes: UnsafePointer<UInt8>
    private var place: Int
    private let end: Int

    private init(_ bytes: UnsafePointer<UInt8>, _ range: Range<Int>) {
        unsafe self.bytes = bytes
        place = range.lowerBound
        end = range.upperBound
    }

    /// Nil if the entry is not of the usual form.
    static func layout(_ bytes: [UInt8], in range: Range<Int>) -> EntryLayout? {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return nil }
            var envelope = unsafe EntryEnvelope(base, range)
            return envelope.layout()
        }
    }

    private mutating func layout() -> EntryLayout? {
        var layout = EntryLayout()
        guard skip("{\"authid\":\""), text() != nil, skip("\",\"authtype\":\""), text() != nil, skip("\",") else {
            return nil
        }
        guard optional("\"causationid\":\""), optional("\"correlationid\":\"") else { return nil }
        if skip("\"data\":") {
            guard value(), skip(",") else { return nil }
        }
        guard skip("\"id\":\""), let id = text(), skip("\",") else { return nil }
        guard optional("\"onbehalfof\":\""), optional("\"receivedsha256\":\"") else { return nil }
        guard skip("\"recordedtime\":\""), let recordedTime = text(), skip("\",\"revision\":") else { return nil }
        let revision = digits()
        guard skip(",\"source\":\""), let source = text(), skip("\",\"specversion\":\"1.0\",\"subject\":\""),
            let subject = text(), skip("\",\"time\":\""), let time = text(), skip("\",")
        else { return nil }
        guard optional("\"timetext\":\""), optional("\"traceparent\":\""), skip("\"type\":\""), let type = text(),
            skip("\"}"), place == end, !id.isEmpty, !source.isEmpty, !subject.isEmpty, !type.isEmpty
        else { return nil }
        layout.id = id
        layout.recordedTime = recordedTime
        layout.revision = revision
        layout.source = source
        layout.subject = subject
        layout.time = time
        layout.type = type
        return layout
    }

    /// Goes past these bytes if they come next.
    @inline(__always)
    private mutating func skip(_ expected: StaticString) -> Bool {
        let count = expected.utf8CodeUnitCount
        guard end &- place >= count else { return false }
        let start = unsafe UnsafeRawPointer(bytes) + place
        let wanted = unsafe UnsafeRawPointer(expected.utf8Start)
        var done = 0
        while done &+ 8 <= count {
            let left = unsafe start.loadUnaligned(fromByteOffset: done, as: UInt64.self)
            let right = unsafe wanted.loadUnaligned(fromByteOffset: done, as: UInt64.self)
            if left != right { return false }
            done &+= 8
        }
        while done < count {
            if unsafe start.load(fromByteOffset: done, as: UInt8.self)
                != wanted.load(fromByteOffset: done, as: UInt8.self)
            {
                return false
            }
            done &+= 1
        }
        place &+= count
        return true
    }

    /// Goes past a member that may be missing, with the comma behind it.
    /// - Returns: false if it is there and not a plain text.
    private mutating func optional(_ name: StaticString) -> Bool {
        guard skip(name) else { return true }
        return text() != nil && skip("\",")
    }

    private mutating func digits() -> Range<Int> {
        let start = place
        while place < end, unsafe bytes[place] &- UInt8(ascii: "0") <= 9 { place &+= 1 }
        return start..<place
    }

    /// Goes to the quote that ends a text.
    /// - Returns: the text; nil if it has an escape or does not end.
    @inline(__always)
    private mutating func text() -> Range<Int>? {
        let start = place
        guard unsafe EntryEnvelope.stop(in: bytes, &place, end) == UInt8(ascii: "\"") else { return nil }
        return start..<place
    }

    /// Goes to the next quote or backslash and says which it is; 0 if there is none.
    @inline(__always)
    private static func stop(in bytes: UnsafePointer<UInt8>, _ place: inout Int, _ end: Int) -> UInt8 {
        let low: UInt64 = 0x0101_0101_0101_0101
        let high: UInt64 = 0x8080_8080_8080_8080
        while place &+ 8 <= end {
            let word = unsafe UnsafeRawPointer(bytes).loadUnaligned(fromByteOffset: place, as: UInt64.self).littleEndian
            let quotes = word ^ (low &* UInt64(UInt8(ascii: "\"")))
            let backslashes = word ^ (low &* UInt64(UInt8(ascii: "\\")))
            // The lowest mark of each is a zero byte for certain; those above it may be marked by a borrow.
            let marks = ((quotes &- low) & ~quotes | (backslashes &- low) & ~backslashes) & high
            if marks != 0 {
                place &+= marks.trailingZeroBitCount &>> 3
                return unsafe bytes[place]
            }
            place &+= 8
        }
        while place < end {
            let byte = unsafe bytes[place]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return byte }
            place &+= 1
        }
        return 0
    }

    /// Goes past one value, whose strings and brackets must close.
    /// - Returns: false if they do not.
    private mutating func value() -> Bool {
        let start = place
        var depth = 0
        while place < end {
            switch unsafe bytes[place] {
            case UInt8(ascii: "\""):
                place &+= 1
                while true {
                    let stop = unsafe EntryEnvelope.stop(in: bytes, &place, end)
                    if stop == 0 { return false }
                    place &+= stop == UInt8(ascii: "\\") ? 2 : 1
                    if stop == UInt8(ascii: "\"") { break }
                }
                if depth == 0 { return true }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth &+= 1
                place &+= 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return place > start }
                depth &-= 1
                place &+= 1
                if depth == 0 { return true }
            case UInt8(ascii: ","):
                if depth == 0 { return place > start }
                place &+= 1
            default: place &+= 1
            }
        }
        return false
    }
}
