/// Finds where the elements of a member stand in the bytes of an object, so that each keeps the bytes it came as.
/// The bytes are known to be valid JSON; for others the answer is some ranges or none.
enum JSONElements {
    /// The elements if the member is an array, the one value if it is something else.
    static func ranges(of name: String, in bytes: [UInt8]) -> [Range<Int>] {
        var walker = Walker(bytes: bytes)
        let wanted = Array("\"\(name)\"".utf8)
        guard walker.take(UInt8(ascii: "{")) else { return [] }
        while walker.offset < bytes.count {
            walker.skipSpace()
            let key = walker.value()
            guard walker.take(UInt8(ascii: ":")) else { return [] }
            walker.skipSpace()
            if bytes[key].elementsEqual(wanted) { return walker.elements() }
            _ = walker.value()
            guard walker.take(UInt8(ascii: ",")) else { return [] }
        }
        return []
    }

    /// The elements of an array.
    static func ranges(ofArray bytes: [UInt8]) -> [Range<Int>] {
        var walker = Walker(bytes: bytes)
        walker.skipSpace()
        return walker.elements()
    }

    private struct Walker {
        let bytes: [UInt8]
        var offset = 0

        mutating func skipSpace() {
            while offset < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
        }

        mutating func take(_ byte: UInt8) -> Bool {
            skipSpace()
            guard offset < bytes.count, bytes[offset] == byte else { return false }
            offset += 1
            return true
        }

        mutating func elements() -> [Range<Int>] {
            guard offset < bytes.count, bytes[offset] == UInt8(ascii: "[") else { return [value()] }
            offset += 1
            skipSpace()
            if offset < bytes.count, bytes[offset] == UInt8(ascii: "]") { return [] }
            var ranges: [Range<Int>] = []
            repeat {
                skipSpace()
                ranges.append(value())
            } while take(UInt8(ascii: ","))
            return ranges
        }

        /// Passes over one value and says where it stood.
        mutating func value() -> Range<Int> {
            let start = offset
            var depth = 0
            while offset < bytes.count {
                switch bytes[offset] {
                case UInt8(ascii: "\""): string()
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    depth += 1
                    offset += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    if depth == 0 { return start..<offset }
                    depth -= 1
                    offset += 1
                case UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x09, 0x0A, 0x0D:
                    if depth == 0 { return start..<offset }
                    offset += 1
                    continue
                default:
                    offset += 1
                    continue
                }
                if depth == 0 { return start..<offset }
            }
            return start..<offset
        }

        private mutating func string() {
            offset += 1
            while offset < bytes.count, bytes[offset] != UInt8(ascii: "\"") {
                offset += bytes[offset] == UInt8(ascii: "\\") ? 2 : 1
            }
            offset = min(offset + 1, bytes.count)
        }
    }
}
