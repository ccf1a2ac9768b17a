/// Refuses alias bombs before anything expands them: ten lines of `b: &b [*a, *a, *a]` stand for gigabytes, and merely
/// comparing two keys that hold such aliases would take hours.
///
/// The text is not parsed. An anchor's node ends before its first alias does, so the text between the two, expanded, is
/// never less than what the alias stands for. Marks inside texts and comments only make the estimate larger.
enum AliasBound {
    private struct Anchor {
        /// Expanded bytes before the first place where the name stands as an anchor.
        var start: Int
        /// What an alias of it stands for, or nil until the next alias after a definition.
        var weight: Int?
    }

    static func check(_ bytes: [UInt8], limits: YAMLLimits) throws(YAMLError) {
        let span = bytes.span
        var anchors: [String: Anchor] = [:]
        /// Bytes that aliases added so far.
        var added = 0
        var index = 0
        while index < span.count {
            let mark = span[index]
            index += 1
            guard mark == UInt8(ascii: "&") || mark == UInt8(ascii: "*") else { continue }
            let start = index
            while index < span.count, isNameByte(span[index]) { index += 1 }
            guard index > start else { continue }
            let name = String(decoding: bytes[start..<index], as: UTF8.self)
            if mark == UInt8(ascii: "&") {
                if anchors[name] == nil {
                    anchors[name] = Anchor(start: start + added, weight: nil)
                } else {
                    anchors[name]?.weight = nil
                }
                continue
            }
            guard let anchor = anchors[name] else { continue }
            let weight = anchor.weight ?? start + added - anchor.start
            anchors[name]?.weight = weight
            added += weight
            guard added + bytes.count <= limits.expandedBytesMax else {
                let line = bytes[..<start].count { $0 == UInt8(ascii: "\n") } + 1
                throw YAMLError(
                    reason: "the aliases up to here stand for more than \(limits.expandedBytesMax) bytes", line: line,
                    column: 1)
            }
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
